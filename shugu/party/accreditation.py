"""Admission to the venue: the accreditation case. Door: services."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

from shugu.formats.status import Flag
from shugu.kernel import documents, engine, journal, publishing, runtime, signer, status, store
from shugu.kernel.cases import Actor, Command, PartyView
from shugu.kernel.commands import command
from shugu.kernel.engine import Applied
from shugu.kernel.errors import Forbidden, NotFound
from shugu.kernel.models import Case, Fact
from shugu.kernel.rules import RuleSet
from shugu.kernel.vocabulary import context, effect
from shugu.kernel.workdays import Direction, due, end_of_day, local_day
from shugu.party.domain import ACCREDITATION_KINDS, split_kind
from shugu.party.errors import AlreadyAccredited
from shugu.party.models import Accreditation, Organisation
from shugu.party.organisations import Pair, need_right, refuse

PROCEDURE = "party.accreditation"
GRANTING = ("approve", "overturn")
STATUS = Flag.REVOKED  # what can happen to a certificate of accreditation


@dataclass(frozen=True)
class ApplyAccreditation:
    """`kind`: provider, buyer, merchant (with `merchant_type`, a code of party.merchant_types) or service_body:<code>."""

    org: int
    kind: str
    merchant_type: str = ""


@dataclass(frozen=True)
class ActOnAccreditation:
    case: int
    do: str
    input: Mapping[str, Any] = field(default_factory=dict)
    undertaking: str = ""


def service_kinds(rules: RuleSet) -> dict[str, Pair]:
    """{code: (zh, en)} of the third-party bodies this venue admits: the national list and its own evaluation kinds."""
    out: dict[str, Pair] = {}
    for key in ("party.evaluation_kinds", "party.service_body_kinds"):
        found = rules.get(key)
        for row in found.rows if found is not None else ():
            out[str(row["code"])] = (str(row["zh"]), str(row["en"]))
    return out


def merchant_types(rules: RuleSet) -> dict[str, Pair]:
    name = rules.profile.tables.get("merchant_types", "party.merchant_types")
    return {str(row["code"]): (str(row["zh"]), str(row["en"])) for row in rules.value(name).rows}


def kind_title(kind: str, rules: RuleSet) -> Pair:
    head, tail = split_kind(kind)
    title = ACCREDITATION_KINDS[head]
    if not tail:
        return (title.zh, title.en)
    sub = service_kinds(rules).get(tail, (tail, tail))
    return (f"{title.zh}（{sub[0]}）", f"{title.en} ({sub[1]})")


@command("party.apply_accreditation", ("申请入驻", "apply for accreditation"))
def apply_accreditation(cmd: ApplyAccreditation, *, actor: Actor, now: datetime) -> Accreditation:
    """Opens the case in `drafting`; file the materials, then act `submit`. Near the end of an accreditation
    (party.accreditation_renewal_window) this renews it: the new term begins on the day after the old one.
    The venue itself is admitted to nothing (Data Twenty 3(9)).
    Errors: InputInvalid, Forbidden, RightMissing, NotFound, AlreadyAccredited, Refused."""
    need_right(actor, cmd.org, "act")
    rules = runtime.rules_on(local_day(now))
    org = Organisation.objects.filter(pk=cmd.org).first()
    if org is None:
        raise NotFound(what=("单位", "organisation"))
    if org.kind == "venue":
        refuse({"kind": ("交易场所自己不入驻，场所与数商功能分离", "the venue itself is not admitted, it stands apart")})
    refuse(_defects(cmd, rules))
    title = kind_title(cmd.kind, rules)
    running = Accreditation.objects.filter(org=org, kind=cmd.kind, case__closed_at__isnull=True)
    held = _held(org.pk, cmd.kind, local_day(now))
    if running.exists() or (held is not None and not renewable(held, local_day(now))):
        raise AlreadyAccredited(kind=title)
    case = engine.open_case(
        PROCEDURE, actor=actor, now=now, title=f"{org.name} · {title[0]}",
        parties=[PartyView("applicant", None, org.pk)], subjects=[f"party.org:{org.pk}"],
        data={"kind": cmd.kind, "merchant_type": cmd.merchant_type, "organisation": org.number},
        fact_data={"organisation": org.number, "kind": cmd.kind, **({"renews": held.number} if held else {})},
    )  # fmt: skip
    return Accreditation.objects.create(
        case_id=case, org=org, kind=cmd.kind, merchant_type=cmd.merchant_type, renews=held
    )


def _held(org: int, kind: str, day: date) -> Accreditation | None:
    """The accreditation of this kind that ends last, in force on that day or to begin after it."""
    rows = Accreditation.objects.filter(org_id=org, kind=kind, granted_on__isnull=False, withdrawn_on__isnull=True)
    return rows.filter(valid_until__gte=day).order_by("-valid_until", "-pk").first()


def renewable(row: Accreditation, day: date) -> bool:
    """Whether the organisation may apply on that day to renew it: within party.accreditation_renewal_window of its end,
    withdrawn ones and those already followed by a later one apart."""
    if row.valid_until is None or row.withdrawn_on is not None or row.valid_until < day:
        return False
    window = runtime.rules_on(day).value("party.accreditation_renewal_window").length
    opens = due(row.valid_until, window, calendar=runtime.calendar(), direction=Direction.BACKWARD).on
    held = _held(row.org_id, row.kind, day)
    return day >= opens and held is not None and held.pk == row.pk


def _defects(cmd: ApplyAccreditation, rules: RuleSet) -> dict[str, Pair]:
    errors: dict[str, Pair] = {}
    head, tail = split_kind(cmd.kind)
    if head not in ACCREDITATION_KINDS or (head == "service_body") != bool(tail):
        errors["kind"] = ("未知的入驻类别", "unknown kind of accreditation")
    elif tail and tail not in service_kinds(rules):
        errors["kind"] = ("未知的第三方服务类别", "unknown kind of third-party body")
    if head == "merchant" and cmd.merchant_type not in merchant_types(rules):
        errors["merchant_type"] = ("请选择数商类型", "choose the type of data merchant")
    if head != "merchant" and cmd.merchant_type:
        errors["merchant_type"] = ("仅数商填写类型", "only a data merchant has a type")
    return errors


@command("party.act_on_accreditation", ("办理入驻申请", "act on an accreditation"))
def act_on_accreditation(cmd: ActOnAccreditation, *, actor: Actor, now: datetime) -> Accreditation:
    """Any act of the table. `approve` and `overturn` sign and store the accreditation certificate.
    Errors: NotFound and every Refused of the engine."""
    row = Accreditation.objects.select_related("org").filter(case_id=cmd.case).first()
    if row is None:
        raise NotFound(what=("入驻申请", "application for accreditation"))
    fact_data: dict[str, Any] = {"organisation": row.org.number, "kind": row.kind}
    digests: dict[str, str] = {}
    content, seat = b"", 0
    if cmd.do in GRANTING:
        content, number, until, seat = _certificate(row, now)
        digests = {"accreditation_certificate": hashlib.sha256(content).hexdigest()}
        fact_data |= {"number": number, "valid_until": until.isoformat()}

    def keep(applied: Applied) -> None:
        if content and applied.moved:
            row.number, row.digest, row.seat = fact_data["number"], documents.put(content), seat
            row.save(update_fields=["number", "digest", "seat"])
            publishing.publish(row.number, row.digest, now)

    engine.act(
        cmd.case, Command(cmd.do, dict(cmd.input), cmd.undertaking), actor=actor, now=now, fact_data=fact_data,
        digests=digests, effect=keep,
    )  # fmt: skip
    row.refresh_from_db()
    return row


def _certificate(row: Accreditation, now: datetime) -> tuple[bytes, str, date, int]:
    """(bytes, number, last day, seat in the status lists)"""
    start = _term_start(row, local_day(now))
    until = _term_end(row.case_id, start)
    number = store.next_number("merchant", local_day(now).year)
    seat = status.allot(STATUS)
    credential = signer.sign_document(
        "AccreditationCertificate", number=number, now=now, valid_until=end_of_day(until) - timedelta(seconds=1),
        subject={
            "organisation": row.org.number, "name": row.org.name, "uscc": row.org.uscc, "accreditedAs": row.kind,
            "from": start.isoformat(), **({"merchantType": row.merchant_type} if row.merchant_type else {}),
        },
        status=seat,
    )  # fmt: skip
    return signer.document_bytes(credential), number, until, seat.number


def _term_start(row: Accreditation, day: date) -> date:
    """The first day of an accreditation granted on `day`: the one it renews is served out first."""
    old = row.renews
    if old is None or old.withdrawn_on is not None or old.valid_until is None or old.valid_until < day:
        return day
    return old.valid_until + timedelta(days=1)


def _term_end(case: int, start: date) -> date:
    """The last day of an accreditation under the rules its case began with (party.accreditation_term)."""
    length = store.read_case(case).rules.value("party.accreditation_term").length
    return due(start, length, calendar=runtime.calendar()).on


@dataclass(frozen=True)
class WithdrawAccreditation:
    """`number` of the accreditation; from today on it no longer counts. `article`: on what ground in the rules."""

    number: str
    reason: str
    article: str = ""


@command("party.withdraw_accreditation", ("撤销入驻资格", "withdraw an accreditation"))
def withdraw_accreditation(cmd: WithdrawAccreditation, *, actor: Actor, now: datetime) -> Accreditation:
    """By the operator or the compliance officer. The reason is kept by digest in the fact, in words with the file.
    Errors: Forbidden, NotFound, InputInvalid."""
    if not actor.seats & {"operator", "compliance_officer"}:
        raise Forbidden()
    if not cmd.reason.strip():
        refuse({"reason": ("必填", "required")})
    row = Accreditation.objects.select_for_update().filter(number=cmd.number, withdrawn_on__isnull=True).first()
    if row is None or not cmd.number:
        raise NotFound(what=("有效的入驻资格", "accreditation in force"))
    row.withdrawn_on = local_day(now)
    row.save(update_fields=["withdrawn_on"])
    if row.seat is not None:
        status.mark({row.seat: Flag.REVOKED})
    journal.record(
        "accreditation.revoked", subject=f"party.org:{row.org_id}", actor=actor, now=now, ground=cmd.article,
        data={"number": row.number, "kind": row.kind},
        digests={"reason": documents.put(cmd.reason.strip().encode())},
    )  # fmt: skip
    return row


@effect("party.grant")
def _grant(applied: Applied) -> None:
    row = Accreditation.objects.select_related("renews").get(case_id=applied.case)
    start = _term_start(row, applied.effective_on)
    Accreditation.objects.filter(pk=row.pk).update(granted_on=start, valid_until=_term_end(applied.case, start))


@context("party.accreditation")
def _context(case: int, now: datetime) -> dict[str, Any]:
    """{"accredited": the organisation holds a valid one of this kind beside the one renewed, "corrections": times
    correction was asked}."""
    row = Accreditation.objects.filter(case_id=case).first()
    if row is None:
        return {}
    opened = Case.objects.only("opened_at").get(pk=case)
    others = Accreditation.objects.filter(
        org_id=row.org_id, kind=row.kind, granted_on__isnull=False, withdrawn_on__isnull=True,
        valid_until__gte=local_day(opened.opened_at),
    ).exclude(pk__in=[pk for pk in (row.pk, row.renews_id) if pk])  # fmt: skip
    asked = Fact.objects.filter(case_id=case, name="accreditation.correction_asked").count()
    return {"accredited": others.exists(), "corrections": asked}
