"""What lies in a file or a folder, and its verification: one `Examined` a document.

A document's own parts (X.fact.json, X.tlog-proof beside X.json) are one document with it. A file of no known kind is
told and decides nothing; a file whose name says that it is one of ours is verified as one whatever its bytes are.
"""

from __future__ import annotations

import importlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Final

from shugu.formats.canonical import from_hex
from shugu.formats.checkpoint import parse as parse_checkpoint
from shugu.formats.checks import CORE, Check, CheckId, failed, passed, skipped
from shugu.formats.demands import cosigned
from shugu.formats.errors import Pair, ShuguError
from shugu.formats.leaf import parse_entry, parse_fact
from shugu.formats.merkle import leaf_hash
from shugu.formats.package import PackageReport
from shugu.formats.proof import TlogProof, parse_proof
from shugu.formats.quorum import Policy
from shugu.formats.sealed import load
from shugu.formats.verdicts import Verdict
from shugu.formats.verify import Report, Verifier, filled, inclusion_check
from shugu.verifier import packages

MAX_BYTES: Final = 64 * 1024 * 1024
FACT, PROOF, ENTRY = ".fact.json", ".tlog-proof", ".entry"
_MEMBERS: Final = (b'"credential"', b'"credentialSubject"', b'"proof"', b'"proofValue"')
_NO_CREDENTIAL: Final[Pair] = ("没有凭证可查", "there is no credential to check")


class Kind(StrEnum):
    DOCUMENT = "document"
    FACT = "fact"
    PROOF = "proof"
    CHECKPOINT = "checkpoint"
    PDF = "pdf"
    PACKAGE = "package"
    KEYS = "keys"
    OTHER = "other"


_ENDINGS: Final[dict[str, Kind]] = {
    FACT: Kind.FACT, PROOF: Kind.PROOF, ".json": Kind.DOCUMENT, ".pdf": Kind.PDF, ".zip": Kind.PACKAGE, ".vkey": Kind.KEYS,
}  # fmt: skip
_BEGINNINGS: Final[dict[bytes, Kind]] = {
    b"%PDF": Kind.PDF, b"PK\x03\x04": Kind.PACKAGE, b'{"payload":': Kind.FACT, b"c2sp.org/tlog-proof": Kind.PROOF,
}  # fmt: skip
KINDS: Final[dict[Kind, Pair]] = {
    Kind.DOCUMENT: ("凭证", "credential"),
    Kind.FACT: ("事实", "fact"),
    Kind.PROOF: ("日志证明", "log proof"),
    Kind.CHECKPOINT: ("检查点", "checkpoint"),
    Kind.PDF: ("PDF 文件", "PDF"),
    Kind.PACKAGE: ("证据包", "evidence package"),
    Kind.KEYS: ("公钥文件", "key file"),
    Kind.OTHER: ("其他文件", "other file"),
}


class WrongUse(ShuguError):
    """Nothing can be concluded because of how the verifier was called."""

    code = "verify.wrong-use"
    status = 400
    sentence = ("无法使用 {what}：{reason}。", "{what} cannot be used: {reason}.")
    remedy = ("请查看 shugu verify --help。", "See shugu verify --help.")


@dataclass(frozen=True)
class Examined:
    """One document and its report; `report` is None for what is only told, with `why`, and for an evidence package, which has
    checks of its own (`package`). `offline` is the verdict before the venue was asked, None when it was not. `unread`: it is
    a document, but what reads it is not installed."""

    path: Path
    kind: Kind
    report: Report | None = None
    why: Pair = ("", "")
    offline: Verdict | None = None
    package: PackageReport | None = None
    unread: bool = False

    @property
    def verdict(self) -> Verdict | None:
        """None for what is only told."""
        if self.package is not None:
            return self.package.verdict
        return self.report.verdict if self.report is not None else None


@dataclass(frozen=True)
class Given:
    """What the command line adds to a proof, fact or checkpoint: the leaf hash (32 bytes) to look for, the policy."""

    leaf: bytes | None = None
    policy: Policy | None = None


NOTHING: Final = Given()


def read_leaf(text: str) -> bytes:
    """The leaf hash of `--leaf`, 64 hexadecimal digits. Raises WrongUse."""
    try:
        return from_hex(text, 32)
    except ShuguError as error:
        wanted = ("叶哈希应为 64 位小写十六进制", "a leaf hash is 64 hexadecimal digits in lower case")
        raise WrongUse(what="--leaf", reason=wanted) from error


def kind_of(path: Path) -> Kind:
    """By name, as documents are named in docs/formats.md; a checkpoint has no ending."""
    name = path.name
    for ending, kind in _ENDINGS.items():
        if name.endswith(ending):
            return kind
    return Kind.CHECKPOINT if name == "checkpoint" or name.endswith(".checkpoint") else Kind.OTHER


def sniffed(path: Path) -> Kind:
    """The kind of a file that was named on the command line: by name, else by how it begins; at last a document."""
    found = kind_of(path)
    if found is not Kind.OTHER:
        return found
    with path.open("rb") as opened:
        start = opened.read(64)
    for beginning, kind in _BEGINNINGS.items():
        if start.startswith(beginning):
            return kind
    return Kind.DOCUMENT


def gather(folder: Path) -> Iterator[tuple[Path, Kind]]:
    """Every document of a folder and those below, by path; parts that belong to a document are not told apart."""
    for path in sorted(p for p in folder.rglob("*") if p.is_file()):
        kind = kind_of(path)
        if kind is Kind.PACKAGE and not packages.is_archive(path):
            kind = Kind.OTHER
        if kind is Kind.DOCUMENT and not _is_ours(path):
            kind = Kind.OTHER
        if not _is_part(path):
            yield path, kind


def _is_ours(path: Path) -> bool:
    """Whether a .json found in a folder is to be judged as a document: not when it is sound JSON with no member of one,
    such as a program's settings. What cannot be read may be a document that was damaged."""
    if path.stat().st_size > MAX_BYTES:
        return True
    data = path.read_bytes()
    if any(name in data for name in _MEMBERS):
        return True
    try:
        json.loads(data)
    except (ValueError, RecursionError):
        return True
    return False


def _is_part(path: Path) -> bool:
    name = path.name
    for ending in (FACT, PROOF, ENTRY):
        if name.endswith(ending):
            stem = name.removesuffix(ending)
            document = path.with_name(f"{stem}.json")
            proof = path.with_name(stem + PROOF)
            return document.is_file() or (ending != PROOF and proof.is_file())
    return False


def examine(path: Path, kind: Kind, verifier: Verifier, given: Given = NOTHING) -> Examined:
    """Verifies one file. Raises OSError for one that cannot be read, WrongUse for one too large or without its part."""
    if kind in (Kind.KEYS, Kind.OTHER):
        why = ("公钥文件，本身不作验证", "a key file: not verified by itself")
        return Examined(path, kind, None, why if kind is Kind.KEYS else ("不是可验证的文件", "not a kind that can be verified"))
    if kind is Kind.PACKAGE:
        return Examined(path, kind, package=packages.verify(path, verifier))
    if path.stat().st_size > MAX_BYTES:
        most = MAX_BYTES >> 20
        raise WrongUse(what=path.name, reason=(f"文件大于 {most} MiB", f"it is larger than {most} MiB"))
    if kind is Kind.PDF:
        report, why = pdf_report(path, verifier)
        return Examined(path, kind, report, why, unread=report is None)
    if kind is Kind.DOCUMENT:
        return Examined(path, kind, verifier.document(*load(path)))
    if kind is Kind.CHECKPOINT:
        return Examined(path, kind, checkpoint_alone(path.read_bytes(), given, verifier))
    stem = path.name.removesuffix(FACT if kind is Kind.FACT else PROOF)
    document = path.with_name(f"{stem}.json")
    if document != path and document.is_file():
        return examine(document, Kind.DOCUMENT, verifier)
    parts = {ending: path.with_name(stem + ending) for ending in (FACT, PROOF, ENTRY)}
    parts[FACT if kind is Kind.FACT else PROOF] = path
    read = {ending: part.read_bytes() if part.is_file() else None for ending, part in parts.items()}
    return Examined(path, kind, fact_alone(read[FACT], read[PROOF], read[ENTRY], given, verifier))


def fact_alone(
    fact: bytes | None, proof: bytes | None, entry: bytes | None, given: Given, verifier: Verifier
) -> Report:
    """A fact, a log entry or a leaf hash with its proof, no credential: checks 1 and 8 to 11."""
    try:
        leaves: tuple[bytes, ...] = parse_fact(fact).leaf_hashes() if fact is not None else ()
        if entry is not None and not leaves:
            parse_entry(entry)
            leaves = (leaf_hash(entry),)
        if given.leaf is not None:
            leaves = (given.leaf,)
        opened = parse_proof(proof) if proof is not None else None
    except ShuguError as error:
        return Report(filled([failed(CheckId.FILE_FORM, error)]), verifier.now)
    if opened is not None and not leaves:
        reason = (
            "旁边应有事实文件（.fact.json）或日志条目（.entry），或用 --leaf 给出叶哈希",
            "a fact file (.fact.json) or log entry (.entry) must lie beside it, or give the leaf hash with --leaf",
        )
        raise WrongUse(what=PROOF, reason=reason)
    return _logged(opened, leaves, given, verifier)


def _logged(proof: TlogProof | None, leaves: tuple[bytes, ...], given: Given, verifier: Verifier) -> Report:
    checks = [passed(CheckId.FILE_FORM), *(skipped(c, *_NO_CREDENTIAL) for c in CORE[1:7])]
    if proof is None:
        checks += [skipped(c, "没有日志证明文件", "there is no log proof") for c in CORE[7:]]
        return Report(filled(checks), verifier.now, whole=Verdict.LOGGED)
    checks += [inclusion_check(leaves, proof), *_of_checkpoint(proof.checkpoint, given, verifier)]
    return Report(filled(checks), verifier.now, whole=Verdict.LOGGED)


def _of_checkpoint(note: bytes, given: Given, verifier: Verifier) -> list[Check]:
    """Checks 9 to 11 of a log whose key is pinned, 12 under a policy, 13 with a key history."""
    found = verifier.checkpoint(note)
    origin = found.closed.origin if found.closed else ""
    checks = [*found.signed, found.of_log(f"https://{origin}")]
    if given.policy is not None:
        checks.append(cosigned(given.policy, note, verifier.now))
    if verifier.pins.periods(origin) is not None:
        checks.append(verifier.in_their_time(origin, TlogProof(0, (), note)))
    return checks


def checkpoint_alone(note: bytes, given: Given, verifier: Verifier) -> Report:
    """A signed checkpoint by itself: checks 1 and 9 to 11."""
    try:
        covered = parse_checkpoint(note)
    except ShuguError as error:
        return Report(filled([failed(CheckId.FILE_FORM, error)]), verifier.now)
    told = f"{covered.origin} · {covered.size} · {covered.root.hex()}"
    checks = [passed(CheckId.FILE_FORM, told, told), *(skipped(c, *_NO_CREDENTIAL) for c in CORE[1:7])]
    checks.append(skipped(CheckId.INCLUSION, "没有事实可查", "there is no fact to check"))
    checks += _of_checkpoint(note, given, verifier)
    return Report(filled(checks), verifier.now, whole=Verdict.LOGGED)


def pdf_report(path: Path, verifier: Verifier) -> tuple[Report | None, Pair]:
    """The PDF's own checks and those of the credential inside, where the extra that reads PDFs is installed; else told,
    not verified. Raises OSError."""
    try:
        reader = importlib.import_module("shugu.formats.pdf")
    except ImportError:
        return None, (
            "未验证：核验 PDF 需附加组件，在本项目目录运行 pip install '.[pdf]'",
            "not verified: PDFs need an extra, pip install '.[pdf]' in a copy of the project",
        )
    report: Report = reader.verify_pdf(path.read_bytes(), verifier)
    return report, ("", "")


