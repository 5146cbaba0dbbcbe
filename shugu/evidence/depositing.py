"""Deposit of evidence (存证) with the venue: digests are fixed in the log; a report and a certificate are given for them.

The two papers are kept apart as T/TJIFA003 7.2.3 and annex 5 do: the report states the hash values, the holder and what
was deposited; the certificate names asset, number, day, body and holder. Both are credentials of the venue.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from shugu.evidence.models import Deposit
from shugu.formats.times import write_time
from shugu.kernel import documents, journal, runtime, signer, store
from shugu.kernel.cases import Actor
from shugu.kernel.commands import command
from shugu.kernel.errors import Forbidden, InputInvalid
from shugu.kernel.queries import name_fact
from shugu.kernel.workdays import local_day
from shugu.party import queries as parties

name_fact("evidence.deposited", "存证", "evidence deposited")

REPORT, CERTIFICATE = "EvidenceReport", "EvidenceCertificate"
TITLE_MOST, TEXT_MOST, NAME_MOST = 200, 2_000, 200
_DIGEST = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True)
class Item:
    """A document to be fixed: its bytes, which are then kept here, or only its SHA-256 (hex)."""

    name: str
    media_type: str = ""
    content: bytes | None = None
    sha256: str = ""


@dataclass(frozen=True)
class DepositEvidence:
    """`promise`: that what is said of them is true, complete and lawful (7.2.1)."""

    title: str
    description: str
    items: tuple[Item, ...]
    promise: bool


@command("evidence.deposit", ("存证", "deposit evidence"))
def deposit(cmd: DepositEvidence, *, actor: Actor, now: datetime) -> Deposit:
    """By a member for the organisation. Errors: Forbidden, InputInvalid (every field at once)."""
    if actor.person is None or actor.org is None:
        raise Forbidden()
    _check(cmd)
    items = [_fixed(item) for item in cmd.items]
    year = local_day(now).year
    number, voucher = store.next_number("deposit", year), store.next_number("certificate", year)
    holder = _holder(actor.org)
    said = {"title": cmd.title.strip(), "description": cmd.description.strip()}
    report = _put(
        REPORT, number, {**said, "holder": holder, "items": items, "deposited_at": write_time(now), **_body()}, now
    )
    certificate = _put(
        CERTIFICATE, voucher,
        {
            "evidence_number": number, "evidence_date": local_day(now).isoformat(), "asset_name": said["title"],
            "holder": holder, "report": report, **_body(),
        }, now,
    )  # fmt: skip
    row = Deposit(
        number=number, org=actor.org, person=actor.person, items=items, report=report, certificate_number=voucher,
        certificate=certificate, deposited_at=now, fact=0, **said,
    )  # fmt: skip
    row.fact = journal.record(
        "evidence.deposited", subject=f"evidence.deposit:{number}", actor=actor, now=now,
        data={"deposit": number, "certificate": voucher, "items": len(items)},
        digests={"report": report, "certificate": certificate, **{f"item_{n}": i["sha256"] for n, i in enumerate(items, 1)}},
    )  # fmt: skip
    row.save(force_insert=True)
    return row


def _check(cmd: DepositEvidence) -> None:
    errors: dict[str, tuple[str, str]] = {}
    most = runtime.rules().value("evidence.deposit_items").number
    for name, text, limit in (("title", cmd.title, TITLE_MOST), ("description", cmd.description, TEXT_MOST)):
        if not text.strip() or len(text) > limit:
            errors[name] = (f"必填，不超过 {limit} 字", f"required, at most {limit} characters")
    if not 1 <= len(cmd.items) <= most:
        errors["items"] = (f"1 至 {most} 件资料", f"1 to {most} documents")
    for n, item in enumerate(cmd.items, 1):
        problem = _problem(item)
        if problem is not None:
            errors.setdefault(f"item_{n}", problem)
    if not cmd.promise:
        errors["promise"] = ("须承诺真实、完整、合法", "promise that it is true, complete and lawful")
    if errors:
        raise InputInvalid(fields="、".join(sorted(errors)), field_errors=errors)


def _problem(item: Item) -> tuple[str, str] | None:
    if not item.name.strip() or len(item.name) > NAME_MOST:
        return (f"名称必填，不超过 {NAME_MOST} 字", f"a name of at most {NAME_MOST} characters")
    if item.content is None:
        return None if _DIGEST.fullmatch(item.sha256) else ("摘要应为 64 位小写十六进制", "a digest is 64 lower-case hex digits")
    try:
        documents.check_upload(item.name, item.media_type, item.content)
    except InputInvalid as refusal:
        return next(iter(refusal.field_errors.values()))
    return None


def _fixed(item: Item) -> dict[str, Any]:
    if item.content is None:
        return {"name": item.name.strip(), "sha256": item.sha256, "sm3": "", "size": 0, "kept": False}
    return {
        "name": item.name.strip(), "sha256": documents.put(item.content), "size": len(item.content), "kept": True,
        "sm3": hashlib.new("sm3", item.content).hexdigest(),
    }  # fmt: skip


def _holder(org: int) -> dict[str, str]:
    view = parties.organisation(org)
    return {"number": view.number, "name": view.name, "unit_code": view.uscc}


def _body() -> dict[str, Any]:
    """The evidence body and the basis, as every paper of a deposit names them."""
    title = runtime.rules().profile.title
    (basis,) = runtime.rules().value("evidence.deposit_basis").rows
    return {
        "evidence_body": {"zh": title[0], "en": title[1]}, "basis": {"zh": str(basis["zh"]), "en": str(basis["en"])},
        "verification": f"{runtime.home().public_url}/evidence/check/",
    }  # fmt: skip


def _put(kind: str, number: str, subject: Mapping[str, Any], now: datetime) -> str:
    return documents.put(signer.document_bytes(signer.sign_document(kind, number=number, subject=subject, now=now)))
