"""C2SP `.tlog-proof` files: one entry's place in a log, and the checkpoint that covers it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from shugu.formats.canonical import b64, unb64
from shugu.formats.checkpoint import Checkpoint, parse, verify, verify_strict
from shugu.formats.errors import BadBase64, BadProofFile
from shugu.formats.merkle import HASH_SIZE, verify_inclusion
from shugu.formats.suites import Keyring

HEADER: Final = "c2sp.org/tlog-proof@v1"
_INDEX = re.compile(r"index (0|[1-9][0-9]{0,18})")


@dataclass(frozen=True)
class TlogProof:
    """`hashes` from the leaf's sibling up; `checkpoint` is the signed note verbatim."""

    index: int
    hashes: tuple[bytes, ...]
    checkpoint: bytes
    extra: bytes | None = None

    def encode(self) -> bytes:
        lines = [HEADER]
        if self.extra is not None:
            lines.append(f"extra {b64(self.extra)}")
        lines.append(f"index {self.index}")
        lines += [b64(h) for h in self.hashes]
        return "\n".join(lines).encode() + b"\n\n" + self.checkpoint

    def covered_by(self) -> Checkpoint:
        """The checkpoint inside, unverified."""
        return parse(self.checkpoint)


def _hash(line: str) -> bytes:
    value = unb64(line)
    if len(value) != HASH_SIZE:
        raise BadProofFile(reason=("哈希应为 32 字节", "a hash has 32 bytes"))
    return value


def parse_proof(data: bytes) -> TlogProof:
    """Raises BadProofFile; the checkpoint inside is parsed when it is verified."""
    head, blank, checkpoint = data.partition(b"\n\n")
    try:
        lines = head.decode("ascii").split("\n")
        if not blank or not checkpoint or lines.pop(0) != HEADER:
            raise BadProofFile(reason=("首行或空行不符", "wrong first line or no blank line"))
        extra: bytes | None = None
        if lines and lines[0].startswith("extra "):
            extra = unb64(lines.pop(0).removeprefix("extra "))
        match = _INDEX.fullmatch(lines.pop(0)) if lines else None
        if match is None:
            raise BadProofFile(reason=("序号行不符", "malformed index line"))
        proof = TlogProof(int(match[1]), tuple(_hash(line) for line in lines), checkpoint, extra)
    except (UnicodeDecodeError, BadBase64) as error:
        raise BadProofFile(reason=("行的写法有误", "a malformed line")) from error
    if proof.encode() != data:
        raise BadProofFile(reason=("写法不唯一", "not the single spelling"))
    return proof


def verify_proof(proof: TlogProof, leaf: bytes, keys: Keyring, *, strict: bool = False) -> Checkpoint:
    """The verified checkpoint under which the leaf hash is at `proof.index`.

    `strict` applies the closed rules for sealed documents and refuses `extra`.
    Raises FormatError, VerificationError.
    """
    if strict and proof.extra is not None:
        raise BadProofFile(reason=("不允许 extra 行", "an extra line is not allowed here"))
    checkpoint = (verify_strict if strict else verify)(proof.checkpoint, keys)
    verify_inclusion(leaf, proof.index, checkpoint.size, proof.hashes, checkpoint.root)
    return checkpoint
