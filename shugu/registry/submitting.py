"""Opening an application: which operation, about which entry, who is named in it, and everything wrong with it at once."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from shugu.formats.errors import Pair
from shugu.kernel import documents, engine, runtime, signer, store
from shugu.kernel import queries as cases
from shugu.kernel.cases import Actor, Command, PartyView
from shugu.kernel.commands import command
from shugu.kernel.decide import needed_materials
from shugu.kernel.errors import NotFound
from shugu.kernel.models import Material
from shugu.kernel.procedure import Table
from shugu.kernel.rules import Register
from shugu.kernel.setwise import NewCase
from shugu.kernel.tables import table
from shugu.kernel.workdays import local_day
from shugu.party import queries as parties
from shugu.registry import applications, book, lineage, recognitions
from shugu.registry.applications import FIRST
from shugu.registry.domain import ENDED, REQUIRED_BY_REGISTRAR
from shugu.registry.errors import EntryEnded, RegisterClosed
from shugu.registry.lineage import Parent
from shugu.registry.models import Entry, EntryVersion, Filing, Mark
from shugu.registry.operations import By, On, Operation, Writes, operation

REVIEWER_ROLE, VERIFIER_ROLE = "substantive_reviewer", "technical_verifier"
POWER = "registration"
Names = Callable[[Iterable[int]], Mapping[int, str]]


@dataclass(frozen=True)
class Upload:
    """A document to file: the material's id in the procedure table, name, media type, bytes."""

    material: str
    filename: str
    media_type: str
    content: bytes


@dataclass(frozen=True)
class SubmitFiling:
    """An application. `holders` are (organisation, relative parts); empty = the applicant alone, or who holds now.

    `operation` is one of the register's (`registry.operations`); an operation on an entry names it (`entry_number`), with
    `title`, `rights` empty where they stay as they are. `counterparty_org` is its other side, `agent_org` who acts under
    a power of attorney, `reviewer_org` and `verifier_org` the third-party bodies where the procedure has them,
    `mark` the note an operation lifts, `recognition` a certificate of another venue that counts here. The case opens as a
    draft, to which materials are filed; `send` submits it at once.
    """

    register: str
    applicant_org: int
    title: str
    object_kind: str
    rights: tuple[str, ...]
    form: Mapping[str, str]
    holders: tuple[tuple[int, int], ...] = ()
    reviewer_org: int | None = None
    materials: tuple[Upload, ...] = ()
    send: bool = False
    operation: str = FIRST
    entry_number: str = ""
    counterparty_org: int | None = None
    agent_org: int | None = None
    verifier_org: int | None = None
    lineage: tuple[Parent, ...] = ()
    mark: int | None = None
    recognition: str = ""


def one_of_window(cmd: SubmitFiling, window: int, actor: Actor, now: datetime) -> Filing:
    """A filing of a one-window application, in the caller's transaction. Errors as of `submit_filing`."""
    return _submit(cmd, actor, now, window)


def defects(plan: Plan, actor: Actor, now: datetime, names: Names = parties.org_names) -> dict[str, Pair]:
    """Everything wrong with an application, by field; empty when it may be opened. `names` finds organisations: an import
    looks each up once for all its rows."""
    errors = applications.application_errors(
        plan.register.id, title=plan.title, object_kind=plan.object_kind, rights=plan.rights, form=plan.cmd.form,
        operation=plan.op.code,
    )  # fmt: skip
    return {**errors, **_people_errors(plan, actor, now, names)}


@dataclass(frozen=True)
class Plan:
    """What is about to be opened, every name in it resolved."""

    cmd: SubmitFiling
    register: Register
    tab: Table
    op: Operation
    entry: Entry | None
    title: str
    object_kind: str
    rights: tuple[str, ...]
    holders: tuple[tuple[int, int], ...]


def open_register(register: str, operation: str) -> tuple[Register, str]:
    """The register and the procedure it has for an operation. Errors: NotFound, RegisterClosed."""
    row = next((r for r in runtime.rules().profile.registers if r.id == register), None)
    if row is None:
        raise NotFound(what=(f"登记簿 {register}", f"register {register}"))
    procedure = row.procedures.get(operation)
    if not row.open or procedure is None:
        raise RegisterClosed(register=row.title, operation=operation)
    return row, procedure


@command("registry.submit_filing", ("提交登记申请", "submit a filing"))
def submit_filing(cmd: SubmitFiling, *, actor: Actor, now: datetime) -> Filing:
    """Errors: InputInvalid (all field errors at once), RegisterClosed, EntryEnded, Forbidden, NotFound (register, entry,
    operation), HeldBack, MaterialsMissing with `send`."""
    return _submit(cmd, actor, now, None)


def _submit(cmd: SubmitFiling, actor: Actor, now: datetime, window: int | None) -> Filing:
    plan = plan_of(cmd)
    book.refuse_input(defects(plan, actor, now))
    number = store.next_number("registration", local_day(now).year)
    row = _open(plan, number, actor, now, window)
    _file_form(row, plan.tab, actor, now)
    for upload in cmd.materials:
        file(row.pk, upload, 1, actor, now)
    if cmd.send:
        engine.act(row.pk, Command("submit"), actor=actor, now=now)
    return row


def plan_of(cmd: SubmitFiling) -> Plan:
    """Errors: NotFound, RegisterClosed, EntryEnded."""
    register, procedure = open_register(cmd.register, cmd.operation)
    op = operation(applications.rules_of(register.id), cmd.operation)
    if op.on is not On.ENTRY:
        holders = tuple(cmd.holders) or ((cmd.applicant_org, 1),)
        return Plan(cmd, register, table(procedure), op, None, cmd.title, cmd.object_kind, tuple(cmd.rights), holders)
    line, last = _entry(cmd, op)
    holders = tuple(cmd.holders)
    if not holders and op.writes is Writes.TRANSFER:
        new = cmd.applicant_org if op.by is By.COUNTERPARTY else cmd.counterparty_org
        holders = ((new, 1),) if new is not None else ()
    holders = holders or tuple((s.org_id, s.parts) for s in last.shares.order_by("pk"))
    rights = tuple(cmd.rights) or tuple(last.rights)
    return Plan(cmd, register, table(procedure), op, line, cmd.title or last.title, line.object_kind, rights, holders)


def _entry(cmd: SubmitFiling, op: Operation) -> tuple[Entry, EntryVersion]:
    line = Entry.objects.filter(number=cmd.entry_number, register=cmd.register).first()
    if line is None:
        raise NotFound(what=(f"登记条目 {cmd.entry_number}", f"entry {cmd.entry_number}"))
    ended = Mark.objects.filter(entry=line, facet__in=[f.value for f in ENDED], lifted_at__isnull=True).exists()
    if ended and op.writes not in (Writes.NOTE, Writes.NOTHING):
        raise EntryEnded(entry=line.number)
    return line, EntryVersion.objects.filter(entry=line).order_by("-version")[0]


def _people_errors(plan: Plan, actor: Actor, now: datetime, names: Names) -> dict[str, Pair]:
    cmd, op = plan.cmd, plan.op
    errors: dict[str, Pair] = {}
    problem = _holders_problem(plan, names)
    if problem is not None:
        errors["holders"] = problem
    for field, org, role in (
        ("reviewer_org", cmd.reviewer_org, REVIEWER_ROLE), ("verifier_org", cmd.verifier_org, VERIFIER_ROLE)
    ):  # fmt: skip
        found = _body_problem(plan, org, role)
        if found is not None:
            errors[field] = found
    if cmd.counterparty_org is not None and not parties.org_names([cmd.counterparty_org]):
        errors["counterparty_org"] = ("相对方须为已注册单位", "the other side is a registered organisation")
    elif op.by is By.JOINT and cmd.counterparty_org is None:
        errors["counterparty_org"] = ("须写明相对方", "name the other side")
    if plan.entry is not None and op.by in (By.HOLDER, By.JOINT) and not _holds(plan.entry, cmd.applicant_org):
        errors["entry_number"] = ("申请人不是该登记条目的持有人", "the applicant does not hold this entry")
    if cmd.agent_org is not None and not parties.has_power(cmd.agent_org, cmd.applicant_org, POWER, local_day(now)):
        errors["agent_org"] = ("申请人没有授权该单位代办登记", "the applicant gave it no power of attorney for registration")
    unfit = recognitions.cited(cmd.recognition, cmd.applicant_org, now)[1]
    if unfit is not None:
        errors["recognition"] = unfit
    trouble = lineage.problem(cmd.lineage)
    if trouble is not None:
        errors["lineage"] = trouble
    return errors


def _holds(entry: Entry, org: int) -> bool:
    last = EntryVersion.objects.filter(entry=entry).order_by("-version")[0]
    return org == entry.holder_id or last.shares.filter(org_id=org).exists()


def _holders_problem(plan: Plan, names: Names) -> Pair | None:
    orgs = [org for org, _ in plan.holders]
    if len(set(orgs)) != len(orgs) or any(type(parts) is not int or not 1 <= parts <= 1_000_000 for _, parts in plan.holders):
        return ("共有人不得重复，份额为正整数", "holders are different and their parts positive integers")
    if plan.op.writes is Writes.ENTER and plan.op.by is not By.REGISTRAR and plan.cmd.applicant_org not in orgs:
        return ("申请人应为持有人之一", "the applicant is one of the holders")
    if len(names(orgs)) != len(orgs):
        return ("共有人须为已注册单位", "every holder is a registered organisation")
    total = applications.rules_of(plan.register.id).value("registry.shares_total").number
    if total and len(orgs) > 1 and sum(parts for _, parts in plan.holders) != total:
        return (f"各共有人份额之和应为 {total}", f"the parts of the co-holders sum to {total}")
    return None


def _body_problem(plan: Plan, org: int | None, role: str) -> Pair | None:
    """A role of the table needs its body, unless the rules let this operation pass without one
    (`registry.third_party_operations`)."""
    has_role = role in plan.tab.party
    rule = applications.rules_of(plan.register.id).get("registry.third_party_operations")
    wanted = has_role and (rule is None or plan.op.code in rule.codes)
    if org is None:
        return ("须指定第三方服务机构", "name the third-party body that reviews") if wanted else None
    if not has_role:
        return ("本登记簿的程序没有第三方审查", "this register's procedure has no third-party review")
    if not any(kind.startswith("service_body") for kind in parties.organisation(org).accredited):
        return ("该机构不是已入驻的第三方服务机构", "it is not an accredited third-party body")
    return None


def _present(plan: Plan) -> list[int]:
    """Who holds it before the operation ends: the entry's holders, or those named in a first registration."""
    if plan.entry is None:
        return [org for org, _ in plan.holders]
    last = EntryVersion.objects.filter(entry=plan.entry).order_by("-version")[0]
    return [s.org_id for s in last.shares.order_by("pk")]


def _roles(plan: Plan) -> list[PartyView]:
    """Who holds which role; only roles the table declares."""
    cmd, op = plan.cmd, plan.op
    rows: list[tuple[str, int | None]] = []
    if op.by is not By.REGISTRAR:
        rows.append(("applicant", cmd.applicant_org))
    rows += [(REVIEWER_ROLE, cmd.reviewer_org), (VERIFIER_ROLE, cmd.verifier_org), ("agent", cmd.agent_org)]
    rows.append(("holder", plan.entry.holder_id if plan.entry is not None else cmd.applicant_org))
    rows.append(("counterparty", cmd.counterparty_org if op.by is not By.COUNTERPARTY else cmd.applicant_org))
    rows += [("co_holder", org) for org in _present(plan) if org != cmd.applicant_org]
    return [PartyView(role, None, org) for role, org in rows if org is not None and role in plan.tab.party]


def _open(plan: Plan, number: str, actor: Actor, now: datetime, window: int | None) -> Filing:
    new = new_case(plan, number, actor)
    case = engine.open_case(
        plan.tab.id, actor=actor, now=now, title=new.title, parties=new.parties, subjects=new.subjects, parent=window,
        data=new.data, fact_data=new.fact_data,
    )  # fmt: skip
    row = filing_of(plan, number, case, now, window)
    row.save(force_insert=True)
    return row


def new_case(plan: Plan, number: str, actor: Actor) -> NewCase:
    """The case of an application, as it is opened."""
    cmd, op = plan.cmd, plan.op
    form = _answers(cmd.form)
    return NewCase(
        title=plan.title.strip(), actor=actor, parties=tuple(_roles(plan)),
        subjects=(f"party.org:{cmd.applicant_org}", *([f"registry.entry:{plan.entry.pk}"] if plan.entry else [])),
        data={
            **applications.told_to_the_case(plan.register.id, plan.object_kind, op.code, form),
            "register": plan.register.id, "operation": op.code, "by": op.by.value, "object_kind": plan.object_kind,
            "holders": _held(plan), "present": _present(plan), "rights": list(plan.rights),
            "entry": plan.entry.pk if plan.entry else None,
            "counterparty": _other_side(plan), "lineage": len(cmd.lineage), "agent_has_power": cmd.agent_org is not None,
            "acts": list(op.acts), "reviewer_accredited": cmd.reviewer_org is not None or cmd.verifier_org is not None,
            REQUIRED_BY_REGISTRAR: False,
        },
        fact_data={
            "filing": number, "register": plan.register.id, "operation": op.code, "object_kind": plan.object_kind,
            "rights": list(plan.rights), **({"entry": plan.entry.number} if plan.entry else {}),
            **({"recognition": cmd.recognition} if cmd.recognition else {}),
        },
    )  # fmt: skip


def filing_of(plan: Plan, number: str, case: int, now: datetime, window: int | None = None) -> Filing:
    """The application of that case, not saved yet."""
    cmd = plan.cmd
    return Filing(
        case_id=case, number=number, register=plan.register.id, operation=plan.op.code, entry=plan.entry, window_id=window,
        applicant_id=cmd.applicant_org, reviewer_id=cmd.reviewer_org, verifier_id=cmd.verifier_org,
        counterparty_id=_other_side(plan), agent_id=cmd.agent_org, title=plan.title.strip(), object_kind=plan.object_kind,
        rights=list(plan.rights), holders=_held(plan), lineage=[p.as_row() for p in cmd.lineage], mark_id=cmd.mark,
        form=_answers(cmd.form), filed_at=now, recognition=recognitions.cited(cmd.recognition, cmd.applicant_org, now)[0],
    )  # fmt: skip


def _held(plan: Plan) -> list[dict[str, int]]:
    return [{"org": org, "parts": parts} for org, parts in plan.holders]


def _other_side(plan: Plan) -> int | None:
    return plan.cmd.counterparty_org if plan.op.by is not By.COUNTERPARTY else plan.cmd.applicant_org


def _answers(form: Mapping[str, Any]) -> dict[str, str]:
    return {name: str(answer).strip() for name, answer in form.items() if str(answer).strip()}


def _file_form(row: Filing, tab: Table, actor: Actor, now: datetime) -> None:
    """The answers themselves are the application form and the tables of particulars: filed as canonical JSON under every
    name the procedure gives them."""
    content = form_document(row)
    view = cases.view_of(row.pk)[1]
    asked = {m.id for step in tab.steps for m in needed_materials(view, step)}
    for material in sorted(asked & FORM_MATERIALS):
        documents.file_material(
            row.pk, material, filename=f"{row.number}-{material}.json", media_type="application/json", content=content,
            actor=actor, now=now,
        )  # fmt: skip


def form_document(row: Filing) -> bytes:
    """The application as a document: every answer in canonical JSON."""
    return signer.document_bytes(
        {"filing": row.number, "operation": row.operation, "title": row.title, "object_kind": row.object_kind,
         "rights": row.rights, "holders": row.holders, "lineage": row.lineage, "form": row.form}
    )  # fmt: skip


# Papers that are the application itself: nobody uploads them a second time.
FORM_MATERIALS = frozenset({"application_form", "resource_table", "product_table", "licence_table", "basic_table"})


def write_anew(row: Filing, title: str, rights: tuple[str, ...], form: Mapping[str, str], actor: Actor, now: datetime) -> None:
    """New answers: in the filing, in what the case knows of them, and as papers. The caller records the fact."""
    row.title, row.rights, row.form = title.strip(), list(rights), _answers(form)
    row.save(update_fields=["title", "rights", "form"])
    told = applications.told_to_the_case(row.register, row.object_kind, row.operation, row.form)
    engine.declare(row.pk, {**told, "rights": row.rights}, now)
    _file_form(row, cases.view_of(row.pk)[0], actor, now)


def file(case: int, upload: Upload, signers: int, actor: Actor, now: datetime) -> Material:
    return documents.file_material(
        case, upload.material, filename=upload.filename, media_type=upload.media_type, content=upload.content,
        signers=signers, actor=actor, now=now,
    )  # fmt: skip


