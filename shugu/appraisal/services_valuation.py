"""Valuations: a holder orders one, the body accepts, files its report with the calculation, delivers it; the venue seals it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from shugu.appraisal import standing_valuation as standing
from shugu.appraisal.domain import body_kind
from shugu.appraisal.domain_valuation import MATERIAL, VALUATION, Codes, calculation_faults, codes, counts_from
from shugu.appraisal.errors import BodyNotAccredited, NotHolder
from shugu.appraisal.models import QualityReport
from shugu.appraisal.models_valuation import Valuation, ValuationReport
from shugu.appraisal.services_assignment import related
from shugu.formats.errors import Pair
from shugu.kernel import documents, engine, runtime, signer, status, store
from shugu.kernel.cases import Actor, ActorKind, Command, PartyView
from shugu.kernel.commands import command
from shugu.kernel.errors import Forbidden, InputInvalid, NotFound
from shugu.kernel.rulebook import RegisterRules
from shugu.kernel.vocabulary import context
from shugu.kernel.workdays import due, end_of_day, local_day
from shugu.party import queries as parties
from shugu.registry import queries as registry

PROCEDURE = "appraisal.valuation"
LONGEST_TEXT = 4000
LONGEST_PART = 2000


@dataclass(frozen=True)
class OrderValuation:
    """A holder (the actor's organisation) has `body_org` value the entry. Codes are of the rules; `rights` of the entry.
    No value that is wished for can be given."""

    entry_id: int
    body_org: int
    purpose: str
    value_type: str
    base_date: date
    rights: tuple[str, ...]
    scenario: str
    scope: str = ""
    users: str = ""


@dataclass(frozen=True)
class ActOnValuation:
    """`do`: accept, decline {reason}, cancel, deliver, give_back {reason}; a report is filed by FileValuationReport."""

    case: int
    do: str
    input: Mapping[str, Any] = field(default_factory=dict)
    undertaking: str = ""


@dataclass(frozen=True)
class FileValuationReport:
    """`calculation`: docs/formats.md 19; `parts`: a text for every code of appraisal.valuation_parts; `quality_report`: number
    of the venue's report that was relied on, if one was; `valid_until`: earlier than the rules allow, or None for those;
    `independent`: the body declares that it judged alone and started from no value set beforehand."""

    case: int
    calculation: Mapping[str, Any]
    parts: Mapping[str, str]
    signers: tuple[str, ...]
    independent: bool
    filename: str
    content: bytes
    quality_report: str = ""
    valid_until: date | None = None


@context("appraisal.valuation")
def valuation_facts(case: int, now: datetime) -> Mapping[str, Any]:
    row = Valuation.objects.filter(pk=case).first()
    if row is None:  # the case is just being opened
        return {}
    today = local_day(now)
    draft = _draft(row)
    known = codes(_law(case))
    return {
        "accredited": parties.is_accredited(row.body_id, body_kind(VALUATION), today),
        "related": related(row.body_id, _holders(row, today)),
        "signers": len(draft.signers) if draft else 0,
        "faults": len(calculation_faults(draft.calculation, known)) if draft else None,
        "current": draft is None or draft.valid_until >= today,
    }


def _holders(row: Valuation, on: date) -> set[int]:
    entry = registry.entry(row.entry_id, on)
    return {share.org for share in entry.holders} | {row.holder_id, entry.holder_org}


def _draft(row: Valuation) -> ValuationReport | None:
    return ValuationReport.objects.filter(valuation=row, delivered_at__isnull=True).order_by("-id").first()


def _law(case: int) -> RegisterRules:
    """The rules the case began under, as its register sees them."""
    rules = store.read_case(case).rules
    assert isinstance(rules, RegisterRules)
    return rules


def todays_law(register: str) -> RegisterRules:
    return RegisterRules(runtime.rules(), register)


@command("appraisal.order_valuation", ("委托价值评估", "order a valuation"))
def order_valuation(cmd: OrderValuation, *, actor: Actor, now: datetime) -> Valuation:
    """Errors: NotHolder, BodyNotAccredited, InputInvalid, NotFound (entry or body)."""
    today = local_day(now)
    entry = registry.entry(cmd.entry_id, today)
    holders = {share.org for share in entry.holders} | {entry.holder_org}
    if actor.kind is not ActorKind.PERSON or actor.org not in holders:
        raise NotHolder(entry=entry.number)
    errors = _order_errors(cmd, entry, today, codes(todays_law(entry.register)))
    body = parties.organisation(cmd.body_org, today)
    if not errors and not parties.is_accredited(body.id, body_kind(VALUATION), today):
        raise BodyNotAccredited(body=body.name, kind=VALUATION)
    if related(body.id, holders):
        errors["body_org"] = ("评估机构与权利人存在利害关系，须另选一家", "the body is related to a holder; choose another")
    _refuse(errors)
    assert actor.org is not None
    case = engine.open_case(
        PROCEDURE, actor=actor, now=now, title=f"价值评估 · {entry.title}"[:300],
        parties=[PartyView("holder", None, actor.org), PartyView("body", None, body.id)],
        data={"kind": VALUATION, "entry": entry.number, "register": entry.register, "body_accredited": True},
        subjects=[f"registry.entry:{entry.id}", f"party.org:{body.id}"],
        fact_data={
            "entry": entry.number, "body": body.number, "purpose": cmd.purpose, "value_type": cmd.value_type,
            "base_date": cmd.base_date.isoformat(),
        },
    )  # fmt: skip
    return Valuation.objects.create(
        case_id=case, number=store.read_case(case).number, entry_id=entry.id, holder_id=actor.org, body_id=body.id,
        rights=[right for right in entry.rights if right in cmd.rights], purpose=cmd.purpose, value_type=cmd.value_type,
        base_date=cmd.base_date, scenario=cmd.scenario.strip(), scope=cmd.scope.strip(), users=cmd.users.strip(), ordered_at=now,
    )  # fmt: skip


def _order_errors(cmd: OrderValuation, entry: registry.EntryView, today: date, known: Codes) -> dict[str, Pair]:
    errors: dict[str, Pair] = {}
    if cmd.purpose not in known.purposes:
        errors["purpose"] = ("请从评估目的中选择", "choose from the purposes")
    if cmd.value_type not in known.value_types:
        errors["value_type"] = ("请从价值类型中选择", "choose from the types of value")
    if not cmd.rights or set(cmd.rights) - set(entry.rights):
        errors["rights"] = ("从该登记的权利中至少选一项", "choose at least one of the entry's rights")
    if cmd.base_date > today:
        errors["base_date"] = ("基准日不能晚于今天", "the base date may not be later than today")
    elif last_day(cmd.base_date, today, todays_law(entry.register)) < today:
        errors["base_date"] = ("基准日过早，报告出具前即已过有效期", "too early: the report would be past its validity at once")
    if not cmd.scenario.strip():
        errors["scenario"] = ("必填：价值随应用场景而不同", "required: a value depends on the scenario")
    for name in ("scenario", "scope", "users"):
        if len(getattr(cmd, name)) > LONGEST_TEXT:
            errors[name] = (f"不超过 {LONGEST_TEXT} 字", f"at most {LONGEST_TEXT} characters")
    return errors


def last_day(base: date, delivered: date, rules: RegisterRules) -> date:
    """The last day on which a report of that base date may be relied on (appraisal.valuation_validity)."""
    starts = str(rules.value("appraisal.valuation_validity_from").value)
    length = rules.value("appraisal.valuation_validity").length
    return due(counts_from(base, delivered, starts), length, calendar=runtime.calendar()).on


@command("appraisal.act_on_valuation", ("办理价值评估委托", "act on an order of a valuation"))
def act_on_valuation(cmd: ActOnValuation, *, actor: Actor, now: datetime) -> Valuation:
    """Errors: NotFound, every Refused of the engine; `file` comes with its report by file_valuation_report."""
    row = _valuation(cmd.case)
    if cmd.do == "file":
        fault = ("请用“提交报告”并附计算与文件", "file the report with its calculation and document")
        raise InputInvalid(fields="do", field_errors={"do": fault})
    if cmd.do == "deliver":
        return _deliver(row, cmd, actor, now)
    engine.act(row.pk, Command(cmd.do, dict(cmd.input), cmd.undertaking), actor=actor, now=now)
    return row


@command("appraisal.file_valuation_report", ("提交价值评估报告", "file a valuation report"))
def file_valuation_report(cmd: FileValuationReport, *, actor: Actor, now: datetime) -> ValuationReport:
    """File the signed PDF with its calculation, which is worked out again and has to agree; filing again before delivery
    replaces it. Errors: InputInvalid (each fault by its method), Forbidden, NotFound, every Refused of the engine."""
    row = _valuation(cmd.case)
    if actor.kind is not ActorKind.PERSON or actor.org != row.body_id:
        raise Forbidden()
    law, today = _law(row.pk), local_day(now)
    signers = tuple(dict.fromkeys(name.strip() for name in cmd.signers if name.strip()))
    latest = last_day(row.base_date, today, law)
    _refuse(_report_errors(cmd, row, signers, latest, law, today))
    material = documents.file_material(
        row.pk, MATERIAL, filename=cmd.filename, media_type="application/pdf", content=cmd.content, actor=actor, now=now,
        signers=len(signers),
    )  # fmt: skip
    report = ValuationReport.objects.create(
        number=store.next_number("report", today.year), valuation=row, entry_id=row.entry_id, body_id=row.body_id,
        calculation=dict(cmd.calculation), parts={code: text.strip() for code, text in cmd.parts.items()},
        quality_report=cmd.quality_report, signers=list(signers), digest=material.digest, filed_at=now,
        valid_until=cmd.valid_until or latest,
    )  # fmt: skip
    engine.act(
        row.pk, Command("file", {}), actor=actor, now=now,
        fact_data={"report": report.number}, digests={MATERIAL: material.digest},
    )  # fmt: skip
    return report


def _report_errors(
    cmd: FileValuationReport, row: Valuation, signers: tuple[str, ...], latest: date, rules: RegisterRules, today: date
) -> dict[str, Pair]:  # fmt: skip
    known = codes(rules)
    errors = calculation_faults(cmd.calculation, known)
    for code in known.parts:
        text = cmd.parts.get(code, "")
        if not isinstance(text, str) or not 0 < len(text.strip()) <= LONGEST_PART:
            zh = f"必填，不超过 {LONGEST_PART} 字；没有的写“无”"
            en = f"required, at most {LONGEST_PART} characters; “none” if so"
            errors[f"part_{code}"] = (zh, en)
    unknown = sorted(set(cmd.parts) - set(known.parts))
    if unknown:
        errors["parts"] = (f"规则没有这些内容：{'、'.join(unknown)}", f"the rules know no such parts: {', '.join(unknown)}")
    least = int(rules.value("appraisal.valuation_signers").number)
    if len(signers) < least:
        errors["signers"] = (f"至少 {least} 名签名人，各占一行", f"at least {least} signers, one a line")
    if not cmd.independent:
        errors["independent"] = ("须声明独立作出，未以预设价值为结论", "independence has to be declared")
    if cmd.valid_until is not None and not today <= cmd.valid_until <= latest:
        errors["valid_until"] = (f"在今天与 {latest} 之间", f"between today and {latest}")
    if cmd.quality_report and not QualityReport.objects.filter(number=cmd.quality_report, entry_id=row.entry_id).exists():
        errors["quality_report"] = ("不是本登记的质量报告", "no quality report of this entry")
    return errors


def _deliver(row: Valuation, cmd: ActOnValuation, actor: Actor, now: datetime) -> Valuation:
    report = _draft(row)
    if report is None:  # the engine says why: wrong state, wrong role, or the material is missing
        engine.act(row.pk, Command(cmd.do, dict(cmd.input), cmd.undertaking), actor=actor, now=now)
        raise NotFound(what=("待出具的报告", "report to deliver"))
    entry = registry.entry(row.entry_id, local_day(now))
    seat = status.allot(standing.STATUS)
    credential = signer.sign_document(
        "ValuationReport", number=report.number, now=now, valid_until=end_of_day(report.valid_until),
        subject={
            "entry": entry.number, "assignment": row.number, "rights": list(row.rights), "purpose": row.purpose,
            "value_type": row.value_type, "base_date": row.base_date.isoformat(), "scenario": row.scenario, "scope": row.scope,
            "users": row.users, "holder": parties.organisation(row.holder_id, local_day(now)).number,
            "body": parties.organisation(row.body_id, local_day(now)).number, "calculation": dict(report.calculation),
            "parts": dict(report.parts), "quality_report": report.quality_report, "signers": len(report.signers),
            "report_sha256": report.digest,
        },
        status=seat,
    )  # fmt: skip
    digest = documents.put(signer.document_bytes(credential))
    applied = engine.act(
        row.pk, Command("deliver", dict(cmd.input), cmd.undertaking), actor=actor, now=now,
        fact_data={"report": report.number, "valid_until": report.valid_until.isoformat()},
        digests={MATERIAL: report.digest, "valuation_credential": digest},
    )  # fmt: skip
    report.delivered_at, report.credential_digest, report.seat, report.fact = now, digest, seat.number, applied.fact_id
    report.save(update_fields=["delivered_at", "credential_digest", "seat", "fact"])
    standing.refresh(row)
    return row


def _valuation(case: int) -> Valuation:
    row = Valuation.objects.filter(pk=case).first()
    if row is None:
        raise NotFound(what=("价值评估委托", "order of a valuation"))
    return row


def _refuse(errors: Mapping[str, Pair]) -> None:
    if errors:
        raise InputInvalid(fields="、".join(sorted(errors)), field_errors=dict(errors))
