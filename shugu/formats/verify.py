"""The offline verifier: `python -m shugu.formats.verify FILE --key venue.vkey`.

Needs the document and the venue's public keys, nothing else. Exit codes: 0 sealed and valid,
1 failed, 2 wrong use, 3 signed but not (yet) sealed into the log.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Final

from shugu.formats import checkpoint as checkpoints
from shugu.formats.checks import Check, CheckId, Outcome, failed, passed, skipped
from shugu.formats.credential import Document, verify_credential, verify_dates
from shugu.formats.errors import (
    BadProofFile,
    MissingSignature,
    Pair,
    ProofInvalid,
    ShuguError,
    UnknownSigner,
)
from shugu.formats.leaf import Fact
from shugu.formats.merkle import verify_inclusion
from shugu.formats.note import parse_note
from shugu.formats.proof import TlogProof
from shugu.formats.sealed import Sealed, check_named, load, read_sealed
from shugu.formats.suites import COSIGNING, Keyring, keyring
from shugu.formats.times import read_time, write_time


class Verdict(StrEnum):
    SEALED = "sealed"
    FAILED = "failed"
    SIGNED = "signed-not-sealed"


EXIT: Final = {Verdict.SEALED: 0, Verdict.FAILED: 1, Verdict.SIGNED: 3}
USAGE: Final = 2
VERDICTS: Final[dict[Verdict, Pair]] = {
    Verdict.SEALED: ("已封存且有效", "sealed and valid"),
    Verdict.FAILED: ("验证不通过", "verification failed"),
    Verdict.SIGNED: ("签名有效，但未附日志封存证明", "signed, not sealed"),
}
_MARKS: Final = {Outcome.OK: "✓", Outcome.FAILED: "✗", Outcome.SKIPPED: "–"}


@dataclass(frozen=True)
class Report:
    """Every check in its numbered order; `credential` is what was read, if it could be."""

    checks: tuple[Check, ...]
    at: datetime
    credential: Document | None = None

    @property
    def verdict(self) -> Verdict:
        outcome = {check.id: check.outcome for check in self.checks}
        if Outcome.FAILED in outcome.values() or len(outcome) != len(CheckId):
            return Verdict.FAILED
        sealed = (CheckId.FACT_NAMES_DOCUMENT, CheckId.INCLUSION, CheckId.CHECKPOINT_ED25519)
        whole = all(outcome[c] is Outcome.OK for c in (*sealed, CheckId.LOG_IS_ISSUERS))
        return Verdict.SEALED if whole else Verdict.SIGNED

    @property
    def exit_code(self) -> int:
        return EXIT[self.verdict]

    def as_dict(self, lang: str = "zh") -> dict[str, object]:
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
        side = 0 if lang == "zh" else 1
        lines = []
        for c in self.checks:
            detail = f"  {c.detail[side]}" if c.detail[side] else ""
            lines.append(f"{c.n:2d} {_MARKS[c.outcome]} {c.title[side]}{detail}")
        return "\n".join([*lines, f"→ {VERDICTS[self.verdict][side]}"]) + "\n"


def _fact_checks(credential: Document, fact: Fact | None) -> Check:
    if fact is None:
        return skipped(CheckId.FACT_NAMES_DOCUMENT, "没有事实文件", "there is no fact file")
    try:
        check_named(credential, fact)
    except ShuguError as error:
        return failed(CheckId.FACT_NAMES_DOCUMENT, error)
    return passed(CheckId.FACT_NAMES_DOCUMENT)


def _inclusion(fact: Fact, proof: TlogProof) -> Check:
    """The proof's own checkpoint gives the root; checks 9 to 11 say whose that is."""
    try:
        if proof.extra is not None:
            raise BadProofFile(reason=("不允许 extra 行", "an extra line is not allowed here"))
        covered = proof.covered_by()
        for leaf in fact.leaf_hashes():
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


def _checkpoint(suite: str, proof: TlogProof, keys: Keyring) -> Check:
    check = CheckId.CHECKPOINT_ED25519 if suite == "intl" else CheckId.CHECKPOINT_SM2
    try:
        note = parse_note(proof.checkpoint)
        origin = checkpoints.parse_text(note.text).origin
        signers = []
        for line in note.signatures:
            key = keys.find(line.name, line.id_bytes)
            if key is None:
                raise UnknownSigner(name=line.name)
            # A witness's cosignature is Ed25519 too.
            if key.suite.name == suite or (suite == "intl" and key.suite is COSIGNING):
                key.verify(note.text.encode(), line.signature)
                signers.append(key)
        if suite in keys.suites_of(origin) and not any(k.name == origin and k.suite.name == suite for k in signers):
            raise MissingSignature(name=f"{origin} ({suite})")
    except ShuguError as error:
        return failed(check, error)
    if not signers:
        return skipped(check, "公钥文件中没有该算法的密钥", "no key of this kind is pinned")
    named = ", ".join(k.method for k in signers)
    return passed(check, named, named)


def _log_is_issuers(credential: Document, proof: TlogProof, keys: Keyring) -> Check:
    try:
        found = checkpoints.verify_strict(proof.checkpoint, keys)
    except ShuguError as error:
        return failed(CheckId.LOG_IS_ISSUERS, error)
    if credential.get("issuer") != f"https://{found.origin}":
        return failed(CheckId.LOG_IS_ISSUERS, UnknownSigner(name=found.origin))
    return passed(CheckId.LOG_IS_ISSUERS, found.origin, found.origin)


def _seal_checks(document: Sealed, keys: Keyring) -> list[Check]:
    checks = [_fact_checks(document.credential, document.fact)]
    proof = document.proof
    if proof is None:
        rest = list(CheckId)[CheckId.INCLUSION.number - 1 :]
        return checks + [skipped(c, "没有日志证明文件", "there is no log proof") for c in rest]
    if document.fact is None:
        checks.append(skipped(CheckId.INCLUSION, "没有事实文件", "there is no fact file"))
    else:
        checks.append(_inclusion(document.fact, proof))
    checks += [_checkpoint(suite, proof, keys) for suite in ("intl", "sm")]
    return [*checks, _log_is_issuers(document.credential, proof, keys)]


def _filled(checks: Sequence[Check]) -> tuple[Check, ...]:
    done = {check.id: check for check in checks}
    return tuple(
        done.get(c) or skipped(c, "前项未通过，未检查", "not reached: an earlier check failed") for c in CheckId
    )


def verify_sealed(document: Sealed, keys: Keyring, now: datetime) -> Report:
    """Checks 2 to 11 of a document already read; check 1 is recorded as held."""
    checks = [passed(CheckId.FILE_FORM), *verify_credential(document.credential, keys)]
    if not any(c.id is CheckId.CREDENTIAL_FORM and c.outcome is Outcome.FAILED for c in checks):
        checks.append(verify_dates(document.credential, now))
        checks += _seal_checks(document, keys)
    return Report(_filled(checks), now, document.credential)


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
    try:
        document = read_sealed(data, fact, proof)
    except ShuguError as error:
        return Report(_filled([failed(CheckId.FILE_FORM, error)]), now)
    return verify_sealed(document, pinned, now)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="shugu verify", description=__doc__)
    parser.add_argument("file", type=Path, help="凭证或封存文件 / credential or sealed document")
    parser.add_argument("--key", type=Path, required=True, help="公钥文件 / the venue's .vkey file")
    parser.add_argument("--json", action="store_true", help="输出 JSON / print JSON")
    parser.add_argument("--lang", choices=("zh", "en"), default="zh")
    parser.add_argument("--at", help="验证时刻 / time of verification, 2026-11-22T02:05:04Z")
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """The command line; returns the exit code."""
    parser = _parser()
    try:
        given = parser.parse_args(argv)
    except SystemExit as stop:
        return USAGE if stop.code else 0
    try:
        now = read_time(given.at) if given.at else datetime.now(UTC)  # noqa: TID251 -- a program of its own, no kernel
        report = verify_document(given.file, given.key.read_text("utf-8"), now)
    except (OSError, UnicodeDecodeError) as error:
        print(f"{parser.prog}: {error}", file=sys.stderr)
        return USAGE
    except ShuguError as error:
        print(f"{parser.prog}: {error.message(given.lang)} {error.remedy_text(given.lang)}", file=sys.stderr)
        return USAGE
    if given.json:
        print(json.dumps(report.as_dict(given.lang), ensure_ascii=False, indent=2))
    else:
        print(report.text(given.lang), end="")
    return report.exit_code


if __name__ == "__main__":
    sys.exit(main())
