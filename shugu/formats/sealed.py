"""Sealed documents: credential, fact and log proof together, as one file or as three.

One file: canonical {"credential": …, "fact": {"payload": …, "salt": …}, "proof": "<text>"}.
Three files: `X.json`, `X.fact.json`, `X.tlog-proof`. Nothing of the seal is signed by the
credential: the fact names the credential's digest, and the log holds the fact's commitment.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from shugu.formats.canonical import canonical, parse_object
from shugu.formats.credential import Document, credential_digest
from shugu.formats.errors import BadEntry, CommitmentMismatch, FormatError
from shugu.formats.leaf import Fact, fact_from, parse_fact
from shugu.formats.proof import TlogProof, parse_proof

MEMBERS = frozenset({"credential", "fact", "proof"})


@dataclass(frozen=True)
class Sealed:
    """What a verifier has in hand; fact or proof may still be missing."""

    credential: Document
    fact: Fact | None = None
    proof: TlogProof | None = None


def seal(credential: Document, fact: Fact, proof: TlogProof) -> bytes:
    """The single-file form. Raises CommitmentMismatch if the fact is not the credential's."""
    check_named(credential, fact)
    text = proof.encode().decode()
    return canonical({"credential": credential, "fact": fact.as_dict(), "proof": text})


def check_named(credential: Document, fact: Fact) -> None:
    """The fact's payload has `digests`: an object from names to hexadecimal SHA-256.

    Raises BadEntry, CommitmentMismatch.
    """
    digests = fact.payload.get("digests")
    if not isinstance(digests, dict):
        raise BadEntry(reason=("事实没有 digests 对象", "the fact has no digests object"))
    if credential_digest(credential) not in digests.values():
        raise CommitmentMismatch(reason=("事实未记载该凭证", "the fact does not name the credential"))


def read_sealed(data: bytes, fact: bytes | None = None, proof: bytes | None = None) -> Sealed:
    """Either form from bytes. Raises FormatError.

    `fact` and `proof` are the sibling files of a plain credential; a single file has neither.
    """
    value = parse_object(data)
    if value.keys() != MEMBERS:
        opened = parse_fact(fact) if fact is not None else None
        return Sealed(value, opened, parse_proof(proof) if proof is not None else None)
    if fact is not None or proof is not None:
        raise FormatError(reason=("单文件形式不带旁证文件", "a single file has no files beside it"))
    credential, text = value["credential"], value["proof"]
    if not isinstance(credential, dict) or not isinstance(text, str):
        raise FormatError(reason=("成员类型不符", "a member has the wrong type"))
    return Sealed(credential, fact_from(value["fact"]), parse_proof(text.encode()))


def siblings(path: Path) -> tuple[Path, Path]:
    """(X.fact.json, X.tlog-proof) beside X.json."""
    stem = path.name.removesuffix(".json")
    return path.with_name(f"{stem}.fact.json"), path.with_name(f"{stem}.tlog-proof")


def load(path: Path) -> tuple[bytes, bytes | None, bytes | None]:
    """The bytes of a document and of those of its siblings that exist. Raises OSError."""
    data = path.read_bytes()
    if data.startswith(b'{"credential":'):
        return data, None, None
    fact, proof = siblings(path)
    return (
        data,
        fact.read_bytes() if fact.is_file() else None,
        proof.read_bytes() if proof.is_file() else None,
    )
