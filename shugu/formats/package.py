"""Evidence packages (证据包): named files under one manifest, and the numbered checks that a court may run on them.

Layout, also of the .zip: `manifest.json`, `package.sealed.json` (the venue's credential about the manifest, sealed in
its log), `facts/<index>.fact.json` or, where law demanded erasure, `facts/<index>.entry.json`, each with
`facts/<index>.tlog-proof`; `procedures/<id>.v<N>.toml`; `documents/…`; and what helps to read. docs/formats.md says all.
"""

from __future__ import annotations

import hashlib
import io
import re
import zipfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from shugu.formats.canonical import digest_hex, parse_object
from shugu.formats.checkpoint import Checkpoint
from shugu.formats.checks import Outcome
from shugu.formats.errors import CommitmentMismatch, FormatError, Pair, ProofInvalid, ShuguError, VerificationError
from shugu.formats.leaf import Fact, parse_entry, parse_fact
from shugu.formats.merkle import leaf_hash, verify_inclusion
from shugu.formats.package_report import NO_READER, check_reports
from shugu.formats.package_report import TITLE as REPORT_TITLE
from shugu.formats.pins import Pins
from shugu.formats.proof import TlogProof, parse_proof
from shugu.formats.replay import Walk, read_steps, replay
from shugu.formats.sealed import read_sealed
from shugu.formats.suites import Keyring
from shugu.formats.verdicts import Verdict
from shugu.formats.verify import Join, Verifier

MANIFEST: Final = "manifest.json"
SEAL: Final = "package.sealed.json"
HISTORY: Final = "venue-keys.json"
UNLISTED: Final = frozenset({MANIFEST, SEAL, HISTORY})  # what the manifest cannot name: it grows, or came after
TYPE: Final = "EvidencePackage"
LIMIT: Final = 2 << 30  # bytes a package may unpack to
_MEMBERS: Final = {"v", "number", "venue", "cases", "facts", "files", "absent"}
_NAME: Final = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]*(/[A-Za-z0-9_][A-Za-z0-9._-]*){0,4}")
_EPOCH: Final = (1980, 1, 1, 0, 0, 0)

Files = Mapping[str, bytes]

TITLES: Final[tuple[Pair, ...]] = (
    ("清单为规范 JSON，成员齐全", "The manifest is canonical JSON with its members"),
    ("场所签发并封存了本证据包", "The venue signed and sealed this package"),
    ("清单所列文件齐全，逐一与摘要相符，没有多余文件", "Every listed file is there with its digest, and no other"),
    ("每条事实都在日志中，检查点由场所签名", "Every fact is in the log under a checkpoint the venue signed"),
    ("各案的事实按时间先后排列，没有倒置", "The facts of each case are in order of time"),
    ("各案可按当时的流程表逐步重现，终于所述状态", "Each case replays by its procedure table to the state named"),
    ("事实所记载的原件在包内，或列明缺失", "Originals that facts name are here, or listed as absent"),
    REPORT_TITLE,
)
# Until version 2 of the manifest the report was not signed by itself, and there were seven checks.
_CHECKS: Final[Mapping[int, int]] = {1: 7, 2: 8}
_REPORT: Final = 8
_NO_SEAL: Final[Pair] = ("尚未附上封存的签发凭证", "the sealed credential is not attached yet")


@dataclass(frozen=True)
class Finding:
    """One numbered check of a package."""

    n: int
    title: Pair
    outcome: Outcome
    detail: Pair = ("", "")


@dataclass(frozen=True)
class PackageReport:
    """`demo`: the sealed credential says that a demonstration venue issued the package."""

    findings: tuple[Finding, ...]
    at: datetime
    demo: bool = False

    @property
    def holds(self) -> bool:
        return all(f.outcome is not Outcome.FAILED for f in self.findings)

    @property
    def sealed(self) -> bool:
        """Without a reader of PDF files check 8 is left out: the sealed manifest names the reports' digests."""
        return self.holds and all(f.outcome is Outcome.OK or f.n == _REPORT for f in self.findings)

    @property
    def verdict(self) -> Verdict:
        if not self.holds:
            return Verdict.FAILED
        return Verdict.SEALED if self.sealed else Verdict.SIGNED


def write_zip(files: Files) -> bytes:
    """The same files give the same bytes: sorted names, no times. Raises FormatError for a name that is not plain."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in sorted(files):
            check_name(name)
            member = zipfile.ZipInfo(name, _EPOCH)
            member.compress_type, member.external_attr = zipfile.ZIP_DEFLATED, 0o644 << 16
            archive.writestr(member, files[name])
    return buffer.getvalue()


def is_zip(data: bytes) -> bool:
    return data.startswith(b"PK\x03\x04")


def read_zip(data: bytes, limit: int = LIMIT) -> dict[str, bytes]:
    """Raises FormatError for what is no package, an odd or double name, or more than `limit` bytes unpacked."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            members = archive.infolist()
            if sum(m.file_size for m in members) > limit or len({m.filename for m in members}) != len(members):
                raise FormatError(reason=("压缩包过大或有重名", "the archive is too large or has a name twice"))
            for member in members:
                check_name(member.filename)
            return {m.filename: archive.read(m) for m in members}
    except (zipfile.BadZipFile, EOFError, OSError, NotImplementedError, RuntimeError) as error:
        raise FormatError(reason=("不是可读的压缩包", "it is no readable archive")) from error


def check_name(name: str) -> str:
    if not _NAME.fullmatch(name):
        raise FormatError(reason=(f"文件名“{name[:60]}”不合规定", f"the file name “{name[:60]}” is not plain"))
    return name


@dataclass(frozen=True)
class _Manifest:
    raw: Mapping[str, object]
    cases: Sequence[Mapping[str, object]]
    facts: Sequence[Mapping[str, object]]
    files: Mapping[str, tuple[str, int]]
    absent: frozenset[str]


def _rows(value: object, members: set[str]) -> Sequence[Mapping[str, object]]:
    if not isinstance(value, list) or not all(isinstance(row, dict) and row.keys() == members for row in value):
        raise FormatError(reason=("清单的行不符", "a row of the manifest has wrong members"))
    return value


def _read_manifest(data: bytes) -> _Manifest:
    """Raises FormatError."""
    raw = parse_object(data)
    if raw.keys() != _MEMBERS or raw["v"] not in _CHECKS or not isinstance(raw["absent"], list):
        raise FormatError(reason=("清单成员不符", "the manifest has wrong members"))
    files: dict[str, tuple[str, int]] = {}
    for row in _rows(raw["files"], {"name", "sha256", "size", "what"}):
        name, size = check_name(str(row["name"])), row["size"]
        if name in files or name in UNLISTED or not isinstance(size, int):
            raise FormatError(reason=(f"清单重复或误列 {name}", f"the manifest lists {name} twice or wrongly"))
        files[name] = (str(row["sha256"]), size)
    return _Manifest(
        raw, _rows(raw["cases"], {"number", "procedure", "state", "table"}),
        _rows(raw["facts"], {"index", "case", "file", "proof"}), files, frozenset(map(str, raw["absent"])),
    )  # fmt: skip


@dataclass(frozen=True)
class _Opened:
    """A fact of the package; `fact` is None where its content was erased."""

    index: int
    case: str
    leaves: tuple[bytes, ...]
    proof: TlogProof
    fact: Fact | None

    @property
    def payload(self) -> Mapping[str, object] | None:
        return self.fact.payload if self.fact is not None else None


def _open_facts(manifest: _Manifest, files: Files) -> list[_Opened]:
    """Raises FormatError, VerificationError, KeyError never: absent files were told by check 3."""
    out = []
    for row in manifest.facts:
        name, data, proof = str(row["file"]), files.get(str(row["file"])), files.get(str(row["proof"]))
        if data is None or proof is None:
            raise FormatError(reason=(f"缺少 {name} 或其证明", f"{name} or its proof is missing"))
        if name.endswith(".entry.json"):
            parse_entry(data)
            fact: Fact | None = None
            leaves = [leaf_hash(data)]
        else:
            fact = parse_fact(data)
            leaves = list(fact.leaf_hashes())
        opened = _Opened(int(str(row["index"])), str(row["case"]), tuple(leaves), parse_proof(proof), fact)
        if opened.proof.index != opened.index or opened.proof.extra is not None:
            raise CommitmentMismatch(reason=(f"{name} 的序号与证明不同", f"{name} and its proof differ in index"))
        out.append(opened)
    return out


def verify_package(files: Files, keys: Pins | Keyring, now: datetime, join: Join | None = None) -> PackageReport:
    """The checks over the files of a package, seven of version 1 and eight of version 2; none raises. Check 2 is skipped
    while the seal is not there yet, check 8 where no reader of PDF files is installed.

    `keys` may hold key histories; the package's own counts beside them, if it is that of the pinned keys. `join` gives
    consistency proofs to those who have the log at hand."""
    found: list[Finding] = []

    def run(n: int, check: Callable[[], Pair | None], skipped: Pair = _NO_SEAL) -> bool:
        title = TITLES[n - 1]
        try:
            detail = check()
        except ShuguError as error:
            found.append(Finding(n, title, Outcome.FAILED, (error.message("zh"), error.message("en"))))
            return False
        found.append(Finding(n, title, Outcome.OK if detail is not None else Outcome.SKIPPED, detail or skipped))
        return True

    holder: list[_Manifest] = []
    opened: list[_Opened] = []
    verifiers: list[Verifier] = []

    def seal() -> Pair | None:
        pins = keys if isinstance(keys, Pins) else Pins(keys)
        verifiers.append(Verifier(pins.beside(files[HISTORY]) if HISTORY in files else pins, now, join=join))
        return _sealed(holder[0], files, verifiers[0])

    def form() -> Pair:
        holder.append(_read_manifest(files.get(MANIFEST, b"")))
        return (str(holder[0].raw["number"]), str(holder[0].raw["number"]))

    if run(1, form):
        manifest = holder[0]
        run(2, seal)
        run(3, lambda: _complete(manifest, files))
        if verifiers and run(4, lambda: _included(opened, manifest, files, verifiers[0])):
            run(5, lambda: _ordered(opened))
            run(6, lambda: _replayed(opened, manifest, files))
            run(7, lambda: _originals(opened, manifest, files))
        if verifiers and manifest.raw["v"] != 1:
            run(_REPORT, lambda: _reports(manifest, files, verifiers[0]), NO_READER)
    done, count = {f.n for f in found}, _CHECKS[int(str(holder[0].raw["v"]))] if holder else _CHECKS[1]
    found += [Finding(n, TITLES[n - 1], Outcome.FAILED, _NOT_REACHED) for n in range(1, count + 1) if n not in done]
    return PackageReport(tuple(sorted(found, key=lambda f: f.n)), now, _for_show(files))


def _for_show(files: Files) -> bool:
    try:
        subject = read_sealed(files.get(SEAL, b"")).credential.get("credentialSubject")
    except ShuguError:
        return False
    return isinstance(subject, dict) and subject.get("demo") is True


_NOT_REACHED: Final[Pair] = ("前项未通过，未检查", "not reached: an earlier check failed")


def _sealed(manifest: _Manifest, files: Files, verifier: Verifier) -> Pair | None:
    if SEAL not in files:
        return None
    document = read_sealed(files[SEAL])
    report = verifier.sealed(document)
    if report.verdict is not Verdict.SEALED:
        first = next((c for c in report.checks if c.outcome is Outcome.FAILED), None)
        raise VerificationError(reason=first.detail if first else ("未封存", "not sealed"))
    subject = document.credential.get("credentialSubject")
    types = document.credential.get("type")
    ours = isinstance(subject, dict) and isinstance(types, list) and TYPE in types
    if not ours or not isinstance(subject, dict) or subject.get("manifest") != digest_hex(dict(manifest.raw)):
        raise CommitmentMismatch(reason=("凭证所记的清单摘要不同", "the credential names another manifest"))
    if subject.get("number") != manifest.raw["number"]:
        raise CommitmentMismatch(reason=("凭证与清单的编号不同", "credential and manifest differ in number"))
    issuer = str(document.credential["issuer"])
    return (issuer, issuer)


def _reports(manifest: _Manifest, files: Files, verifier: Verifier) -> Pair | None:
    seal = read_sealed(files[SEAL]) if SEAL in files else None
    return check_reports(files, str(manifest.raw["number"]), seal, verifier)


def _some(names: Sequence[str]) -> str:
    """At most ten of them."""
    return " ".join(names[:10]) + (" …" if len(names) > 10 else "")


def _complete(manifest: _Manifest, files: Files) -> Pair:
    extra = sorted(set(files) - set(manifest.files) - UNLISTED)
    missing = sorted(set(manifest.files) - set(files))
    if extra or missing:
        zh = [f"缺少 {_some(missing)}"] * bool(missing) + [f"多出 {_some(extra)}"] * bool(extra)
        en = [f"missing are {_some(missing)}"] * bool(missing) + [f"not listed are {_some(extra)}"] * bool(extra)
        raise CommitmentMismatch(reason=("，".join(zh), ", ".join(en)))
    for name, (sha256, size) in manifest.files.items():
        if len(files[name]) != size or hashlib.sha256(files[name]).hexdigest() != sha256:
            raise CommitmentMismatch(reason=(f"{name} 已被改动", f"{name} was changed"))
    return (f"{len(manifest.files)} 个文件", f"{len(manifest.files)} files")


def _included(opened: list[_Opened], manifest: _Manifest, files: Files, verifier: Verifier) -> Pair:
    """Checkpoints that an ended key alone has signed need no join of their own where the package is sealed: its manifest
    names every proof, and the seal (check 2) places the manifest in the real log."""
    opened += _open_facts(manifest, files)
    trusted: dict[bytes, Checkpoint] = {}
    for one in opened:
        note = one.proof.checkpoint
        if note not in trusted:
            trusted[note] = _trusted(one.proof, verifier, joined=SEAL in files)
        covered = trusted[note]
        if not any(_holds(leaf, one, covered) for leaf in one.leaves):
            raise ProofInvalid(reason=(f"第 {one.index} 条不在日志中", f"fact {one.index} is not in the log"))
    origins = {covered.origin for covered in trusted.values()}
    if len(origins) != 1:
        raise ProofInvalid(reason=("事实不属于同一日志", "the facts are not of one log"))
    origin = origins.pop()
    return (f"{origin}，{len(opened)} 条事实", f"{origin}, {len(opened)} facts")


def _trusted(proof: TlogProof, verifier: Verifier, *, joined: bool) -> Checkpoint:
    found = verifier.checkpoint(proof.checkpoint)
    if found.closed is None:
        raise found.refusal or ProofInvalid(reason=("检查点不成立", "the checkpoint does not hold"))
    if not joined and verifier.pins.periods(found.closed.origin) is not None:
        told = verifier.in_their_time(found.closed.origin, proof)
        if told.outcome is Outcome.FAILED:
            raise VerificationError(reason=told.detail)
    return found.closed


def _holds(leaf: bytes, one: _Opened, covered: Checkpoint) -> bool:
    try:
        verify_inclusion(leaf, one.index, covered.size, one.proof.hashes, covered.root)
    except ProofInvalid:
        return False
    return True


def _by_case(opened: Sequence[_Opened], number: str) -> Iterator[_Opened]:
    return (one for one in opened if one.case == number)


def _ordered(opened: Sequence[_Opened]) -> Pair:
    indexes = [one.index for one in opened]
    if indexes != sorted(set(indexes)):
        raise ProofInvalid(reason=("日志序号没有递增", "the log indexes do not increase"))
    for number in {one.case for one in opened}:
        times = [str(one.payload["recorded_at"]) for one in _by_case(opened, number) if one.payload is not None]
        if times != sorted(times):
            raise ProofInvalid(reason=(f"{number} 的时间有倒置", f"times of {number} run backwards"))
    return (f"#{indexes[0]} – #{indexes[-1]}", f"#{indexes[0]} – #{indexes[-1]}") if indexes else ("", "")


def _replayed(opened: Sequence[_Opened], manifest: _Manifest, files: Files) -> Pair:
    walks: list[Walk] = []
    for case in manifest.cases:
        number, table = str(case["number"]), files.get(str(case["table"]))
        if table is None:
            raise FormatError(reason=(f"缺少 {case['table']}", f"{case['table']} is missing"))
        walk = replay((one.payload for one in _by_case(opened, number)), read_steps(table.decode("utf-8", "replace")))
        if walk.state != case["state"]:
            raise ProofInvalid(reason=(f"{number} 终于“{walk.state}”", f"{number} ends in “{walk.state}”"))
        walks.append(walk)
    moves = sum(walk.moves for walk in walks)
    cases = "1 case" if len(walks) == 1 else f"{len(walks)} cases"
    return (f"{len(walks)} 案，{moves} 次办理", f"{cases}, {moves} moves")


def _originals(opened: Sequence[_Opened], manifest: _Manifest, files: Files) -> Pair:
    named: set[str] = set()
    for one in opened:
        digests = one.payload.get("digests") if one.payload is not None else None
        if isinstance(digests, dict):
            named |= {str(value) for value in digests.values()}
    held = {sha256 for sha256, _ in manifest.files.values()}
    lost = sorted(named - held - manifest.absent)
    if lost:
        raise CommitmentMismatch(reason=(f"缺少原件 {lost[0][:16]}…", f"the original {lost[0][:16]}… is missing"))
    here, gone = len(named & held), len(named & manifest.absent)
    return (f"{here} 件在包内，{gone} 件列明缺失", f"{here} here, {gone} listed as absent")
