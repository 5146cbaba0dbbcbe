"""The checks of one document against pinned keys, each computed and numbered; nothing else is needed or asked.

`Verifier` keeps what repeats from document to document (a log's checkpoint covers many): verifying a thousand
vouchers under one checkpoint verifies its signatures once. The command line over this is `shugu.verifier`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from shugu.formats import checkpoint as checkpoints
from shugu.formats.checks import CORE, Check, CheckId, Outcome, failed, passed, skipped
from shugu.formats.credential import Document, verify_credential, verify_dates
from shugu.formats.errors import BadProofFile, BadSignature, MissingSignature, ProofInvalid, ShuguError, UnknownSigner
from shugu.formats.keyhistory import JoinMissing, check_in_force
from shugu.formats.leaf import Fact
from shugu.formats.merkle import verify_inclusion
from shugu.formats.note import Note, Opened, parse_note
from shugu.formats.pins import Pins
from shugu.formats.proof import TlogProof
from shugu.formats.sealed import Sealed, check_named, load, read_sealed
from shugu.formats.suites import Keyring, VerifyKey, keyring
from shugu.formats.times import write_time
from shugu.formats.verdicts import EXIT, VERDICTS, Verdict, worst

MARKS: Final = {Outcome.OK: "✓", Outcome.FAILED: "✗", Outcome.SKIPPED: "–"}
# The suite that checks of a checkpoint's lines count a kind of key to: a witness's cosignature is Ed25519 too.
_CHECKED_AS: Final = {"intl": "intl", "sm": "sm", "witness": "intl"}
_KEPT_NOTES: Final = 4096

Further = Callable[[Sealed, "Verifier"], Sequence[Check]]
"""Checks 12 and later, of what a relying party demands beside a good document (shugu.formats.demands)."""
Join = Callable[[str, int, int], Sequence[bytes] | None]
"""(log, size, later size) to the consistency proof between them, or None where nobody has it."""
PaperLists = Callable[[str], bytes | None]
"""(issuer URL) to its list of revoked certificates on paper (shugu.formats.paper_revocations), or None where none is at hand."""


@dataclass(frozen=True)
class Report:
    """Every check in its numbered order; `document` is what was read, if it could be."""

    checks: tuple[Check, ...]
    at: datetime
    document: Sealed | None = None
    whole: Verdict = Verdict.SEALED
    """What it is when no check fails and the seal is there: LOGGED for a fact or a checkpoint alone."""

    @property
    def credential(self) -> Document | None:
        return self.document.credential if self.document else None

    @property
    def outcomes(self) -> dict[CheckId, Outcome]:
        return {check.id: check.outcome for check in self.checks}

    @property
    def verdict(self) -> Verdict:
        bad = [check for check in self.checks if check.outcome is Outcome.FAILED]
        return worst([check.standing or Verdict.FAILED for check in bad] or [self._sound()])

    def _sound(self) -> Verdict:
        """The verdict if nothing failed; a check that is missing altogether counts as failed."""
        outcome = self.outcomes
        if not outcome.keys() >= set(CORE):
            return Verdict.FAILED
        logged = all(outcome[c] is Outcome.OK for c in (CheckId.CHECKPOINT_ED25519, CheckId.LOG_IS_ISSUERS))
        if self.whole is Verdict.LOGGED:
            return self.whole if logged else Verdict.UNPROVEN
        joined = all(outcome[c] is Outcome.OK for c in (CheckId.FACT_NAMES_DOCUMENT, CheckId.INCLUSION))
        return Verdict.SEALED if logged and joined else Verdict.SIGNED

    @property
    def exit_code(self) -> int:
        return EXIT[self.verdict]

    def as_dict(self, lang: str = "zh") -> dict[str, object]:
        """What pages and `--json` show; docs/verify.md describes the members."""
        side = 0 if lang == "zh" else 1
        return {
            "verdict": self.verdict.value,
            "exit_code": self.exit_code,
            "sentence": VERDICTS[self.verdict][side],
            "verified_at": write_time(self.at),
            "checks": [
                {
                    "n": c.n,
                    "id": c.id.value,
                    "title": c.title[side],
                    "outcome": c.outcome.value,
                    "detail": c.detail[side],
                }
                for c in self.checks
            ],
        }

    def text(self, lang: str = "zh") -> str:
        """One line a check; `shugu.verifier.printing` says more."""
        side = 0 if lang == "zh" else 1
        lines = []
        for c in self.checks:
            detail = f"  {c.detail[side]}" if c.detail[side] else ""
            lines.append(f"{c.n:2d} {MARKS[c.outcome]} {c.title[side]}{detail}")
        return "\n".join([*lines, f"→ {VERDICTS[self.verdict][side]}"]) + "\n"


@dataclass(frozen=True)
class NoteFindings:
    """What checks 9 to 11 found of one signed checkpoint; `closed` is None when the strict rules do not hold."""

    signed: tuple[Check, Check]
    closed: checkpoints.Checkpoint | None
    refusal: ShuguError | None = None

    def of_log(self, issuer: object) -> Check:
        """Check 11 against a credential's `issuer`."""
        if self.closed is None:
            assert self.refusal is not None
            return failed(CheckId.LOG_IS_ISSUERS, self.refusal)
        origin = self.closed.origin
        if issuer != f"https://{origin}":
            return failed(CheckId.LOG_IS_ISSUERS, UnknownSigner(name=origin))
        return passed(CheckId.LOG_IS_ISSUERS, origin, origin)


def read_checkpoint(data: bytes, pins: Pins) -> NoteFindings:
    """Every signature line verified once, then told as checks 9 and 10 and as the closed rules of 11."""
    held: dict[tuple[VerifyKey, bytes], bool] = {}

    def holds(key: VerifyKey, text: bytes, signature: bytes) -> bool:
        if (key, signature) not in held:
            held[key, signature] = key.holds(text, signature)
        return held[key, signature]

    try:
        note = parse_note(data)
        said = checkpoints.parse_text(note.text)
        origin, keys = said.origin, pins.checkpoint(said.origin, said.size)
    except ShuguError as error:
        both = (failed(CheckId.CHECKPOINT_ED25519, error), failed(CheckId.CHECKPOINT_SM2, error))
        return NoteFindings(both, None, error)
    signed = (_suite_of_note("intl", note, origin, keys, holds), _suite_of_note("sm", note, origin, keys, holds))
    try:
        return NoteFindings(signed, _closed(note, keys, holds))
    except ShuguError as error:
        return NoteFindings(signed, None, error)


Holds = Callable[[VerifyKey, bytes, bytes], bool]


def _suite_of_note(suite: str, note: Note, origin: str, keys: Keyring, holds: Holds) -> Check:
    check = CheckId.CHECKPOINT_ED25519 if suite == "intl" else CheckId.CHECKPOINT_SM2
    signers = []
    for line in note.signatures:
        key = keys.find(line.name, line.id_bytes)
        if key is None:
            return failed(check, UnknownSigner(name=line.name))
        if _CHECKED_AS[key.suite.name] == suite:
            if not holds(key, note.text.encode(), line.signature):
                return failed(check, bad_signature(key))
            signers.append(key)
    if suite in keys.suites_of(origin) and not any(k.name == origin and k.suite.name == suite for k in signers):
        return failed(check, MissingSignature(name=f"{origin} ({suite})"))
    if not signers:
        return skipped(check, "公钥文件中没有该算法的密钥", "no key of this kind is pinned")
    named = ", ".join(k.method for k in signers)
    return passed(check, named, named)


def bad_signature(key: VerifyKey) -> BadSignature:
    return BadSignature(name=f"{key.name}+{key.key_id}")


def _closed(note: Note, keys: Keyring, holds: Holds) -> checkpoints.Checkpoint:
    """`checkpoint.verify_strict` over signatures already verified. Raises FormatError, VerificationError."""
    verified = []
    for line in note.signatures:
        key = keys.find(line.name, line.id_bytes)
        if key is None:
            raise UnknownSigner(name=line.name)
        if not holds(key, note.text.encode(), line.signature):
            raise bad_signature(key)
        verified.append(key)
    found = checkpoints.parse_text(note.text)
    checkpoints.require_closed(Opened(note.text, tuple(verified), ()), keys, found.origin)
    return found


def _fact_check(credential: Document, fact: Fact | None) -> Check:
    if fact is None:
        return skipped(CheckId.FACT_NAMES_DOCUMENT, "没有事实文件", "there is no fact file")
    try:
        check_named(credential, fact)
    except ShuguError as error:
        return failed(CheckId.FACT_NAMES_DOCUMENT, error)
    return passed(CheckId.FACT_NAMES_DOCUMENT)


def inclusion_check(leaves: Sequence[bytes], proof: TlogProof) -> Check:
    """Check 8: any of the leaf hashes leads to the root of the proof's checkpoint; 9 to 11 say whose that is."""
    refusal: ShuguError = ProofInvalid(reason=("没有叶", "there is no leaf"))
    try:
        if proof.extra is not None:
            raise BadProofFile(reason=("不允许 extra 行", "an extra line is not allowed here"))
        covered = proof.covered_by()
        for leaf in leaves:
            try:
                verify_inclusion(leaf, proof.index, covered.size, proof.hashes, covered.root)
            except ProofInvalid as error:
                refusal = error
            else:
                where = f"{covered.origin} #{proof.index} / {covered.size}"
                return passed(CheckId.INCLUSION, where, where)
    except ShuguError as error:
        return failed(CheckId.INCLUSION, error)
    return failed(CheckId.INCLUSION, refusal)


def filled(checks: Sequence[Check]) -> tuple[Check, ...]:
    """Checks 1 to 11, those not reached marked so, then whatever further checks there are, in order."""
    done = {check.id: check for check in checks}
    core = [done.get(c) or skipped(c, "前项未通过，未检查", "not reached: an earlier check failed") for c in CORE]
    return (*core, *sorted((c for c in checks if c.id not in CORE), key=lambda c: c.n))


class Verifier:
    """Verifies documents against pinned keys at one time. `pins` may hold key histories (check 13); `further` adds what
    else is demanded; `join` gives consistency proofs to those who have the log at hand; `papers` the lists of revoked
    certificates that papers are held against."""

    def __init__(
        self, pins: Pins | Keyring, now: datetime, further: Sequence[Further] = (), join: Join | None = None,
        papers: PaperLists | None = None,
    ) -> None:  # fmt: skip
        self.pins = pins if isinstance(pins, Pins) else Pins(pins)
        self.now = now
        self.further = tuple(further)
        self.papers = papers
        self.join = join
        self._notes: dict[bytes, NoteFindings] = {}
        self._in_force: dict[bytes, Check] = {}

    def checkpoint(self, note: bytes) -> NoteFindings:
        """The findings of a signed checkpoint; the same bytes under the same keys are verified once."""
        if note not in self._notes:
            _make_room(self._notes)
            self._notes[note] = read_checkpoint(note, self.pins)
        return self._notes[note]

    def document(self, data: bytes, fact: bytes | None = None, proof: bytes | None = None) -> Report:
        """Every check of a document's bytes, with its siblings' where it is not one file. Never raises."""
        try:
            document = read_sealed(data, fact, proof)
        except ShuguError as error:
            return Report(filled([failed(CheckId.FILE_FORM, error)]), self.now)
        return self.sealed(document)

    def sealed(self, document: Sealed) -> Report:
        """Checks 2 and later of a document already read; check 1 is recorded as held."""
        core = self.core(document)
        if core.outcomes[CheckId.CREDENTIAL_FORM] is not Outcome.OK:
            return core
        more = [check for further in self.further for check in further(document, self)]
        return Report(filled([*core.checks, *more]), self.now, document) if more else core

    def core(self, document: Sealed) -> Report:
        """Checks 1 to 11, and 13 where there is a key history of the issuer."""
        credential, proof = document.credential, document.proof
        issuer = str(credential.get("issuer")).removeprefix("https://")
        try:
            keys = self.pins.entry(issuer, proof.index if proof else None)
        except ShuguError as error:
            return Report(filled([passed(CheckId.FILE_FORM), failed(CheckId.ISSUER_PINNED, error)]), self.now, document)
        checks = [passed(CheckId.FILE_FORM), *verify_credential(credential, keys)]
        if not any(c.id is CheckId.CREDENTIAL_FORM and c.outcome is Outcome.FAILED for c in checks):
            checks.append(verify_dates(credential, self.now))
            checks += self._seal(document)
            if self.pins.periods(issuer) is not None:
                checks.append(self.in_their_time(issuer, proof))
        return Report(filled(checks), self.now, document)

    def _seal(self, document: Sealed) -> list[Check]:
        checks = [_fact_check(document.credential, document.fact)]
        proof = document.proof
        if proof is None:
            rest = CORE[CheckId.INCLUSION.number - 1 :]
            return checks + [skipped(c, "没有日志证明文件", "there is no log proof") for c in rest]
        if document.fact is None:
            checks.append(skipped(CheckId.INCLUSION, "没有事实文件", "there is no fact file"))
        else:
            checks.append(inclusion_check(document.fact.leaf_hashes(), proof))
        found = self.checkpoint(proof.checkpoint)
        return [*checks, *found.signed, found.of_log(document.credential.get("issuer"))]

    def in_their_time(self, issuer: str, proof: TlogProof | None) -> Check:
        """Check 13, of a venue whose key history is at hand."""
        if proof is None:
            told = ("未封存：只认未停用的密钥", "not sealed: only keys without an end count")
            return passed(CheckId.KEY_HISTORY, *told)
        if proof.checkpoint not in self._in_force:
            _make_room(self._in_force)
            self._in_force[proof.checkpoint] = self._history_check(issuer, proof)
        return self._in_force[proof.checkpoint]

    def _history_check(self, issuer: str, proof: TlogProof) -> Check:
        """An ended key alone proves nothing of a tree that nothing joins to the real log: genuine or not, unproven."""
        periods = self.pins.periods(issuer)
        assert periods is not None
        try:
            try:
                check_in_force(periods, proof)
            except JoinMissing as missing:
                end = int(str(missing.params["end"]))
                join = self.join(issuer, proof.covered_by().size, end) if self.join else None
                if join is None:
                    return failed(CheckId.KEY_HISTORY, missing, Verdict.UNPROVEN)
                check_in_force(periods, proof, join)
        except ShuguError as error:
            return failed(CheckId.KEY_HISTORY, error)
        told = (f"密钥历史共 {periods.count} 行", f"a key history of {periods.count} lines")
        return passed(CheckId.KEY_HISTORY, *told)


def _make_room(kept: dict[bytes, Any]) -> None:
    if len(kept) >= _KEPT_NOTES:
        del kept[next(iter(kept))]


def verify_sealed(document: Sealed, keys: Keyring, now: datetime) -> Report:
    """Checks 2 to 11 of a document already read; check 1 is recorded as held."""
    return Verifier(keys, now).sealed(document)


def verify_document(
    source: Path | str | bytes,
    keys: Keyring | str,
    now: datetime,
    *,
    fact: bytes | None = None,
    proof: bytes | None = None,
) -> Report:
    """Verifies a file (with its siblings) or bytes against pinned keys at time `now`.

    `keys` is a Keyring or the text of a `.vkey` file. Raises BadKey for unusable keys and
    OSError for an unreadable file; whatever the document holds ends in the Report.
    """
    pinned = keyring(keys) if isinstance(keys, str) else keys
    if isinstance(source, bytes):
        data = source
    else:
        data, beside_fact, beside_proof = load(Path(source))
        fact, proof = fact or beside_fact, proof or beside_proof
    return Verifier(pinned, now).document(data, fact, proof)
