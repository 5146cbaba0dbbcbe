"""What /verify/ and the API answer about a credential of any kind: how it stands on a day, and by which status lists."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from shugu.formats.credential import issuer_of
from shugu.kernel import credentials, runtime, signer, status_lists
from shugu.kernel.credentials import Standing
from shugu.kernel.errors import InputInvalid
from shugu.kernel.status_lists import VersionView
from shugu.kernel.text import Text
from shugu.kernel.workdays import end_of_day, local_day


@dataclass(frozen=True)
class Answer:
    """A credential as it stands on `on`; `versions` of the lists that stood at the end of that day, or now. `same`: the
    file shown is the one that was issued under this number."""

    standing: Standing
    on: date
    today: bool
    versions: tuple[VersionView, ...]
    same: bool


@dataclass(frozen=True)
class Foreign:
    """A credential of another issuer: what it says of itself, and where its lists are; nothing of it is vouched for."""

    issuer: str
    number: str
    types: str
    valid_from: str
    valid_until: str
    lists: tuple[str, ...]


def read_day(text: str, now: datetime) -> date:
    """The day asked about, today without one. Errors: InputInvalid for another spelling or a day to come."""
    today = local_day(now)
    if not text:
        return today
    try:
        day = date.fromisoformat(text)
    except ValueError as error:
        raise _wrong("日期写法如 2026-03-01", "a day is written 2026-03-01") from error
    if day > today:
        raise _wrong("不能是将来的日期", "it cannot be a day to come")
    return day


def _wrong(zh: str, en: str) -> InputInvalid:
    return InputInvalid(fields="on", field_errors={"on": (zh, en)})


def answer(number: str, on: date, now: datetime, digest: str = "") -> Answer | None:
    """None when there is none, or when only who shows the credential itself (its digest) may be told."""
    found = credentials.standing(number, on)
    if found is None or not (found.public or digest == found.digest):
        return None
    today = on == local_day(now)
    at = now if today else end_of_day(on)
    versions = tuple(status_lists.versions_of(found.seat, at)) if found.seat is not None else ()
    return Answer(found, on, today, versions, digest in ("", found.digest))


def foreign(credential: Mapping[str, Any]) -> Foreign | None:
    """None for one of this venue, and for what is no credential."""
    issuer, subject = credential.get("issuer"), credential.get("credentialSubject")
    if not isinstance(issuer, str) or not isinstance(subject, dict) or issuer == issuer_of(signer.origin()):
        return None
    types = credential.get("type")
    entries = credential.get("credentialStatus")
    named = [e for e in entries if isinstance(e, dict)] if isinstance(entries, list) else []
    lists = {str(e.get("statusListCredential", "")) for e in named}
    return Foreign(
        issuer=issuer[:200], number=str(subject.get("number", ""))[:60],
        types=", ".join(str(t) for t in types[1:4])[:200] if isinstance(types, list) else "",
        valid_from=str(credential.get("validFrom", ""))[:40], valid_until=str(credential.get("validUntil", ""))[:40],
        lists=tuple(sorted(url[:300] for url in lists if url)),
    )  # fmt: skip


def as_dict(found: Answer) -> dict[str, Any]:
    """For the API. Rows only where the credential is public."""
    s = found.standing
    return {
        "number": s.number, "title": {"zh": s.title.zh, "en": s.title.en}, "digest": s.digest,
        "issued_at": s.issued_at.isoformat(), "valid_until": s.valid_until.isoformat() if s.valid_until else None,
        "on": found.on.isoformat(), "same": found.same, "valid": "valid" in s.facets,
        "facets": [
            {"facet": line.facet, "title": {"zh": line.words.zh, "en": line.words.en}, "article": line.article,
             "reason": line.reason}
            for line in s.lines
        ],
        "fact": s.fact, **({"no_status": {"zh": s.lasting.zh, "en": s.lasting.en}} if s.lasting else {}),
        "status_lists": [
            {"list": v.list, "version": v.version, "digest": v.digest, "published_at": v.published_at.isoformat(),
             "valid_until": v.valid_until.isoformat(), "fact": v.fact}
            for v in found.versions
        ],
    }  # fmt: skip



def kind_told(credential: Mapping[str, Any]) -> tuple[Text, Text] | None:
    """(title, why it has no status) of a document of ours that no number leads to; None for any other."""
    types = credential.get("type")
    if credential.get("issuer") != issuer_of(signer.origin()) or not isinstance(types, list) or len(types) != 2:
        return None
    rules = runtime.rules()
    kind = credentials.kind_of(str(types[1]), rules)
    if kind is None or kind.lasting is None:
        return None
    return next(title for name, title in kind.types(rules) if name == types[1]), kind.lasting
