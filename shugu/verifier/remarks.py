"""What a reader is told beside the verdict: that a document is for show, or that the key file cannot speak about it."""

from __future__ import annotations

from collections.abc import Iterator

from shugu.formats.checks import CheckId, Outcome
from shugu.formats.errors import Pair
from shugu.formats.suites import Keyring
from shugu.formats.verdicts import Verdict
from shugu.formats.verify import Report
from shugu.formats.words import words


def remarks(report: Report, keys: Keyring) -> Iterator[tuple[str, Pair]]:
    """Each by its name in words.toml, gaps filled."""
    if demonstration(report):
        yield "demonstration", words().remarks["demonstration"]
    failed = [check for check, outcome in report.outcomes.items() if outcome is Outcome.FAILED]
    if failed == [CheckId.DATES] and report.verdict is Verdict.FAILED:
        yield "later", words().remarks["later"]
    if CheckId.ISSUER_PINNED in failed and report.credential is not None:
        name = str(report.credential["issuer"]).removeprefix("https://")
        known = {f"{key.name}#{key.key_id}" for key in keys.keys}
        if not any(key.name == name for key in keys.keys):
            yield "other-venue", _filled("other-venue", name)
        unsealed = report.outcomes.get(CheckId.INCLUSION) is not Outcome.OK and CheckId.KEY_HISTORY in report.outcomes
        for method in _methods(report):
            if not method.startswith(f"{name}#"):
                continue
            if method in known and unsealed:
                yield "ended-key", _filled("ended-key", name, method.partition("#")[2])
            elif method not in known and any(key.name == name for key in keys.keys):
                yield "other-key", _filled("other-key", name, method.partition("#")[2])


def demonstration(report: Report) -> bool:
    """Whether the credential says that a demonstration venue issued it."""
    subject = (report.credential or {}).get("credentialSubject")
    return isinstance(subject, dict) and subject.get("demo") is True


def _methods(report: Report) -> list[str]:
    proofs = (report.credential or {}).get("proof")
    found = [one.get("verificationMethod") for one in proofs if isinstance(one, dict)] if isinstance(proofs, list) else []
    return [method.removeprefix("https://") for method in found if isinstance(method, str)]


def _filled(which: str, name: str, key: str = "") -> Pair:
    zh, en = words().remarks[which]
    return zh.format(name=name, key=key), en.format(name=name, key=key)
