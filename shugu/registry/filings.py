"""Commands about applications: submit, revise, file materials, act, look at."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from shugu.formats.errors import Pair
from shugu.kernel import documents, engine, journal, runtime, signer, store
from shugu.kernel import queries as cases
from shugu.kernel.cases import Actor, ActorKind, CaseView, Command, PartyView
from shugu.kernel.commands import command
from shugu.kernel.decide import allowed
from shugu.kernel.errors import Forbidden, NotFound
from shugu.kernel.models import Case, Fact, Material
from shugu.kernel.queries import name_fact
from shugu.kernel.rules import Register
from shugu.kernel.tables import table
from shugu.kernel.vocabulary import context
from shugu.kernel.workdays import local_day
from shugu.party import queries as parties
from shugu.registry import applications, book, queries
from shugu.registry.domain import REQUIRED_BY_REGISTRAR
from shugu.registry.errors import RegisterClosed
from shugu.registry.models import Filing

FIRST, REVIEWER_ROLE = "first", "substantive_reviewer"
CONCLUSIONS = ("passed", "failed")

name_fact("filing.revised", "修改申请内容", "application revised")
name_fact("filing.looked_at", "查询非公开登记材料", "registration materials looked at")


@dataclass(frozen=True)
class Upload:
    """A document to file: the material's id in the procedure table, name, media type, bytes."""

    material: str
    filename: str
    media_type: str
    content: bytes


@dataclass(frozen=True)
class SubmitFiling:
    """An application for first registration. `holders` are (organisation, relative parts); empty = the applicant alone.

    `reviewer_org` names the third-party body where the register's procedure has one. The case opens as a draft, to
    which materials are filed; `send` submits it at once.
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


@dataclass(frozen=True)
class ReviseFiling:
    """New answers while the application is being prepared or corrected."""

    case: int
    title: str
    rights: tuple[str, ...]
    form: Mapping[str, str]


@dataclass(frozen=True)
class AddMaterial:
    case: int
    upload: Upload
    signers: int = 1


@dataclass(frozen=True)
class ActOnFiling:
    case: int
    do: str
    input: Mapping[str, Any] = field(default_factory=dict)
    undertaking: str = ""


@dataclass(frozen=True)
class LookAtFiling:
    number: str


@context("registry.filing")
def filing_context(case: int, now: datetime) -> Mapping[str, Any]:
    return {"corrections": Fact.objects.filter(case_id=case, name="filing.correction_asked").count()}


def open_register(register: str, operation: str) -> tuple[Register, str]:
    """The register and the procedure it has for an operation. Errors: NotFound, RegisterClosed."""
    row = next((r for r in runtime.rules().profile.registers if r.id == register), None)
    if row is None:
        raise NotFound(what=(f"登记簿 {register}", f"register {register}"))
    procedure = row.procedures.get(operation)
    if not row.open or procedure is None:
        raise RegisterClosed(register=row.title, operation=operation)
    return row, procedure


def _people_errors(cmd: SubmitFiling, holders: tuple[tuple[int, int], ...], wants_reviewer: bool) -> dict[str, Pair]:
    errors: dict[str, Pair] = {}
    orgs = [org for org, _ in holders]
    if len(set(orgs)) != len(orgs) or any(type(parts) is not int or not 1 <= parts <= 1_000_000 for _, parts in holders):
        errors["holders"] = ("共有人不得重复，份额为正整数", "holders are different and their parts positive integers")
    elif cmd.applicant_org not in orgs:
        errors["holders"] = ("申请人应为持有人之一（第十五条）", "the applicant is one of the holders")
    elif len(parties.org_names(orgs)) != len(orgs):
        errors["holders"] = ("共有人须为已注册单位", "every holder is a registered organisation")
    if wants_reviewer and cmd.reviewer_org is None:
        errors["reviewer_org"] = ("须指定第三方服务机构", "name the third-party body that reviews")
    elif wants_reviewer and not _accredited_body(cmd.reviewer_org):
        errors["reviewer_org"] = ("该机构不是已入驻的第三方服务机构", "it is not an accredited third-party body")
    elif not wants_reviewer and cmd.reviewer_org is not None:
        errors["reviewer_org"] = ("本登记簿的程序没有第三方审查", "this register's procedure has no third-party review")
    return errors


def _accredited_body(org: int | None) -> bool:
    return org is not None and any(kind.startswith("service_body") for kind in parties.organisation(org).accredited)


@command("registry.submit_filing", ("提交登记申请", "submit a filing"))
def submit_filing(cmd: SubmitFiling, *, actor: Actor, now: datetime) -> Filing:
    """Errors: InputInvalid (all field errors at once), RegisterClosed, Forbidden, MaterialsMissing with `send`."""
    register, procedure = open_register(cmd.register, FIRST)
    wants_reviewer = REVIEWER_ROLE in table(procedure).party
    holders = tuple(cmd.holders) or ((cmd.applicant_org, 1),)
    errors = applications.application_errors(
        register.id, title=cmd.title, object_kind=cmd.object_kind, rights=tuple(cmd.rights), form=cmd.form
    )
    book.refuse_input({**errors, **_people_errors(cmd, holders, wants_reviewer)})
    number = store.next_number("registration", local_day(now).year)
    rows = [PartyView("applicant", None, cmd.applicant_org)]
    if cmd.reviewer_org is not None:
        rows.append(PartyView(REVIEWER_ROLE, None, cmd.reviewer_org))
    held = [{"org": org, "parts": parts} for org, parts in holders]
    case = engine.open_case(
        procedure, actor=actor, now=now, title=cmd.title.strip(), parties=rows, subjects=[f"party.org:{cmd.applicant_org}"],
        data={
            "register": register.id, "object_kind": cmd.object_kind, "holders": held,
            "reviewer_accredited": cmd.reviewer_org is not None, REQUIRED_BY_REGISTRAR: False,
        },
        fact_data={"filing": number, "register": register.id, "object_kind": cmd.object_kind, "rights": list(cmd.rights)},
    )  # fmt: skip
    row = Filing.objects.create(
        case_id=case, number=number, register=register.id, operation=FIRST, applicant_id=cmd.applicant_org,
        reviewer_id=cmd.reviewer_org, title=cmd.title.strip(), object_kind=cmd.object_kind, rights=list(cmd.rights),
        holders=held, form=_answers(cmd.form), filed_at=now,
    )  # fmt: skip
    _file_form(row, actor, now)
    for upload in cmd.materials:
        _file(case, upload, 1, actor, now)
    if cmd.send:
        engine.act(case, Command("submit"), actor=actor, now=now)
    return row


def _answers(form: Mapping[str, Any]) -> dict[str, str]:
    return {name: str(answer).strip() for name, answer in form.items() if str(answer).strip()}


def _file_form(row: Filing, actor: Actor, now: datetime) -> None:
    """The answers themselves are the application form and the basic-information table: filed as canonical JSON."""
    content = signer.document_bytes(
        {"filing": row.number, "title": row.title, "object_kind": row.object_kind, "rights": row.rights,
         "holders": row.holders, "form": row.form}
    )  # fmt: skip
    for material in ("application_form", "resource_table" if row.object_kind == "data_resource" else "product_table"):
        documents.file_material(
            row.pk, material, filename=f"{row.number}-{material}.json", media_type="application/json", content=content,
            actor=actor, now=now,
        )  # fmt: skip


def _filing(case: int, actor: Actor) -> Filing:
    """The filing when this actor may know of it. Errors: NotFound."""
    row = Filing.objects.select_related("case").filter(pk=case).first()
    if row is None or (actor.kind is ActorKind.PERSON and queries.ground_to_look(row, actor) is None):
        raise NotFound(what=("登记申请", "filing"))
    return row


@command("registry.revise_filing", ("修改登记申请", "revise a filing"))
def revise_filing(cmd: ReviseFiling, *, actor: Actor, now: datetime) -> Filing:
    """While the applicant may submit or correct; the form's materials are filed anew. Errors: NotFound, Forbidden,
    InputInvalid, NotInProcedure, TooLate."""
    row = _filing(cmd.case, actor)
    _may_file(row.pk, "application_form", actor, now)
    book.refuse_input(
        applications.application_errors(
            row.register, title=cmd.title, object_kind=row.object_kind, rights=tuple(cmd.rights), form=cmd.form
        )
    )
    row.title, row.rights, row.form = cmd.title.strip(), list(cmd.rights), _answers(cmd.form)
    row.save(update_fields=["title", "rights", "form"])
    _file_form(row, actor, now)
    journal.record(
        "filing.revised", subject=f"registry.filing:{row.pk}", actor=actor, now=now, case=row.pk,
        data={"filing": row.number, "rights": row.rights},
    )  # fmt: skip
    return row


def _may_file(case: int, material: str, actor: Actor, now: datetime) -> None:
    """Only a material that one of the actor's own next steps asks for, and not after that step's window.
    Errors: Forbidden, TooLate."""
    tab, view = cases.view_of(case)
    steps = [s for s in allowed(tab, view, actor) if any(m.id == material for m in s.materials)]
    if not steps:
        raise Forbidden()
    for choice in cases.acts(case, actor, now):
        if choice.do in {s.do for s in steps}:
            refuse_after_window(tab, view, choice.do, now)


def refuse_after_window(tab: Any, view: CaseView, do: str, now: datetime) -> None:
    """Errors: TooLate when a window of `do` is over."""
    from shugu.kernel.errors import TooLate

    step = tab.step(view.state, do)
    for row in tab.clocks:
        live = next((c for c in reversed(view.clocks) if c.id == row.id), None)
        if row.kind == "window" and do in row.act and live is not None and now >= live.due_at:
            raise TooLate(clock=row.title, until=live.due_on.isoformat(), do=step.title, article=step.article or tab.source)


def _file(case: int, upload: Upload, signers: int, actor: Actor, now: datetime) -> Material:
    return documents.file_material(
        case, upload.material, filename=upload.filename, media_type=upload.media_type, content=upload.content,
        signers=signers, actor=actor, now=now,
    )  # fmt: skip


@command("registry.add_material", ("提交登记材料", "file a material"))
def add_material(cmd: AddMaterial, *, actor: Actor, now: datetime) -> Material:
    """To a filing or an objection, by the party whose next step asks for it.
    Errors: NotFound, Forbidden, TooLate, InputInvalid (shugu.kernel.documents.check_upload)."""
    if not cases.is_party(cmd.case, actor) and not actor.seats & {"registrar", "reviewer"}:
        raise NotFound(what=("办件", "case"))
    if not Case.objects.filter(pk=cmd.case, subject__in=("registry.filing", "registry.objection")).exists():
        raise NotFound(what=("办件", "case"))
    _may_file(cmd.case, cmd.upload.material, actor, now)
    return _file(cmd.case, cmd.upload, cmd.signers, actor, now)


@command("registry.act_on_filing", ("办理登记申请", "act on a filing"))
def act_on_filing(cmd: ActOnFiling, *, actor: Actor, now: datetime) -> Filing:
    """Any step of the filing's table. Errors: NotFound for strangers, InputInvalid, every refusal of the engine."""
    row = _filing(cmd.case, actor)
    given = dict(cmd.input)
    errors = applications.ground_errors(row.register, given)
    if "defects" in given:
        given["defects"] = applications.defect_lines(given["defects"])
        if not given["defects"]:
            errors["defects"] = ("逐条列明全部缺陷", "list every defect, one a line")
    if "review_conclusion" in given and given["review_conclusion"] not in CONCLUSIONS:
        errors["review_conclusion"] = ("结论为 passed 或 failed", "the conclusion is passed or failed")
    book.refuse_input(errors)
    act = Command(cmd.do, given, cmd.undertaking)
    if cmd.do == "issue":
        book.issue(row, act, actor, now)
    else:
        engine.act(row.pk, act, actor=actor, now=now, fact_data={"filing": row.number})
    row.refresh_from_db()
    return row


@command("registry.look_at_filing", ("查询登记材料", "look at a filing"))
def look_at_filing(cmd: LookAtFiling, *, actor: Actor, now: datetime) -> Filing:
    """The filing for those who may see it, on a coded ground; the look itself is a fact. Errors: NotFound."""
    found = Filing.objects.filter(number=cmd.number).first() or Filing.objects.filter(case__number=cmd.number).first()
    if found is None:
        raise NotFound(what=(f"登记申请 {cmd.number}", f"filing {cmd.number}"))
    row = _filing(found.pk, actor)
    journal.record(
        "filing.looked_at", subject=f"registry.filing:{row.pk}", actor=actor, now=now,
        data={"filing": row.number, "ground": queries.ground_to_look(row, actor) or ""},
    )  # fmt: skip
    return row
