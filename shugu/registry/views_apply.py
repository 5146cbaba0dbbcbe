"""The way in: choose a register and an operation, fill the form its rules ask, one window for several registers."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_http_methods

from shugu.formats.errors import ShuguError
from shugu.kernel import clock, runtime
from shugu.kernel.cases import Actor
from shugu.kernel.errors import Forbidden, NotFound
from shugu.kernel.text import Text
from shugu.kernel.workdays import local_day
from shugu.party import queries as parties
from shugu.party.access import require, require_org
from shugu.registry import applications, queries, queries_book, queries_search, services
from shugu.registry.applications import FIRST
from shugu.registry.forms import PREFIX, answers, application_form, holders_named, lineage_named, organisation_named
from shugu.registry.models import Filing
from shugu.registry.models_federation import Recognition
from shugu.registry.operations import By, On, Operation, Writes, operations
from shugu.registry.submitting import POWER
from shugu.web.forms import add_refusal
from shugu.web.shapes import Link


@require_GET
def choose(request: HttpRequest) -> HttpResponse:
    """Every register of the venue, the open ones with the operations they take."""
    registers = []
    for one in queries.registers():
        ways = [] if not one["open"] else [_way(one["id"], op) for op in operations(applications.rules_of(one["id"])).values()
                                           if op.code in one["operations"] and offered_to(request, op)]  # fmt: skip
        registers.append({**one, "ways": ways})
    actor = getattr(request, "actor", None)
    one_window = len(window_registers()) > 1 and (actor is None or actor.org is not None)
    return render(request, "registry/choose.html", {"registers": registers, "one_window": one_window})


def offered_to(request: HttpRequest, op: Operation) -> bool:
    """Whether this reader could open the form: organisations and visitors (who sign in first) what parties apply for, the
    registrar its own operations."""
    actor = getattr(request, "actor", None)
    if op.by is By.REGISTRAR:
        return actor is not None and "registrar" in actor.seats
    return actor is None or actor.org is not None


def _way(register: str, op: Operation) -> dict[str, Any]:
    return {"title": op.title, "href": reverse("registry:apply_for", args=[register, op.code]), "on": op.on.value,
            "registrar": op.by is By.REGISTRAR}  # fmt: skip


def window_registers() -> tuple[str, ...]:
    """The registers one application may go to, as the venue chose (`registry.one_window`)."""
    found = runtime.rules().get("registry.one_window")
    return found.codes if found is not None else ()


@require_http_methods(["GET", "POST"])
def apply(request: HttpRequest, register: str, operation: str = FIRST) -> HttpResponse:
    """The application form of an operation; the case opens as a draft and its materials come next."""
    if register not in {r["id"] for r in queries.registers()}:
        raise NotFound(what=(f"登记簿 {register}", f"register {register}"))
    services.open_register(register, operation)
    op = operations(applications.rules_of(register))[operation]
    actor = _applicant(request, op)
    number = request.POST.get("entry") or request.GET.get("entry", "")
    cited = _cited(request, actor)
    asked = request.GET.get("object", "") or (str(cited.content.get("object_kind", "")) if cited else "")
    kind, kinds = _object(register, op, number, asked)
    make = application_form(
        register, kind, operation, by_registrar=op.by is By.REGISTRAR, principals=_principals(actor), marks=_marks(op, number)
    )
    initial = {"entry": number, **(taken_over(cited, register, kind, operation) if cited is not None else {})}
    form = make(request.POST or None, initial=initial)
    if request.method == "POST" and form.is_valid():
        try:
            cmd = replace(
                command_of(register, op, kind, form.cleaned_data, actor), recognition=cited.number if cited is not None else ""
            )
            row = services.submit_filing(cmd, actor=actor, now=clock.now(), key=str(form.idempotency_key))
        except ShuguError as refusal:
            beside(form, refusal)
        else:
            told = Text("申请已建立，请上传材料后提交。", "Application opened; file the materials, then submit.")
            messages.success(request, str(told))
            warn_of_twins(request, row)
            return redirect("web:case", row.case.number)
    title = Text(*applications.register_named(register).title)
    shown = {
        "form": form, "title": Text(f"{op.title.zh} · {title.zh}", f"{op.title.en} · {title.en}"),
        "kinds": [(code, words, code == kind) for code, words in kinds.items()],
        "crumb": Link(Text("选择登记事项", "Registers"), reverse("registry:choose")),
        "submit": Text("建立申请，下一步上传材料", "Open the application; materials come next"), "cited": cited,
    }  # fmt: skip
    return render(request, "registry/apply.html", shown, status=422 if form.errors else 200)


def _cited(request: HttpRequest, actor: Actor) -> Recognition | None:
    """The certificate of another venue on which the applicant relies (`?recognition=`), if it is its own and lives."""
    number = request.POST.get("recognition") or request.GET.get("recognition", "")
    return next((r for r in services.recognitions_of(actor.org or 0) if r.number == number and r.state == "live"), None)


def taken_over(cited: Recognition, register: str, kind: str, operation: str) -> dict[str, Any]:
    """What the certificate says, as the application form takes it; the applicant may change it."""
    said = dict(cited.content)
    asked = {f.id: f for f in applications.form_fields(register, kind, operation)}
    known = applications.right_codes(register)
    out: dict[str, Any] = {"title": said.get("title", ""), "rights": [r for r in said.get("rights", ()) if r in known]}
    for name, answer in dict(said.get("particulars", {})).items():
        if name in asked and (not asked[name].options or answer in dict(asked[name].options)):
            out[f"{PREFIX}{name}"] = answer.split(",") if asked[name].kind == "multi" else answer
    return out


TWINS = {"content": Text("内容相同", "same content"), "title": Text("名称相同", "same title")}


def warn_of_twins(request: HttpRequest, row: Filing) -> None:
    """A warning, no refusal: what looks the same may be another's, or another part."""
    found = queries_search.repeated_by(row)
    if found:
        zh = "、".join(f"{number}（{TWINS[why].zh}）" for number, why in found)
        en = ", ".join(f"{number} ({TWINS[why].en})" for number, why in found)
        told = Text(f"可能重复登记：{zh}。请核对后再提交。", f"This may be registered already: {en}. Check first.")
        messages.warning(request, str(told))


def _applicant(request: HttpRequest, op: Operation) -> Actor:
    """Errors: SignInNeeded, Forbidden for an operation of the registrar's own."""
    if op.by is not By.REGISTRAR:
        return require_org(request)
    actor = require(request)
    if "registrar" not in actor.seats:
        raise Forbidden()
    return actor


def _object(register: str, op: Operation, number: str, asked: str) -> tuple[str, dict[str, Text]]:
    """The kind of object the form is for, and the kinds to choose among (none once an entry tells it)."""
    kinds = applications.object_kinds(register)
    if op.on is On.ENTRY:
        try:
            return queries.entry_by_number(number).object_kind, {}
        except NotFound:
            return next(iter(kinds)), {}
    default = "data_product" if "data_product" in kinds else next(iter(kinds))
    return (asked if asked in kinds else default), kinds if op.writes is Writes.ENTER else {}


def _principals(actor: Actor) -> dict[int, str]:
    if actor.org is None:
        return {}
    return parties.org_names(parties.principals_of(actor.org, POWER, local_day(clock.now())))


def _marks(op: Operation, number: str) -> list[tuple[int, str]]:
    if op.writes is not Writes.DISCHARGE or not number:
        return []
    try:
        found = queries_book.encumbrances(queries.entry_by_number(number).id)
    except NotFound:
        return []
    return [(one.id, one.reason) for one in found]


def command_of(register: str, op: Operation, kind: str, given: dict[str, Any], actor: Actor) -> services.SubmitFiling:
    """Errors: InputInvalid beside the field that names nobody."""
    principal = int(given["principal"]) if given.get("principal") else None
    number = str(given.get("entry", "")).strip()
    org = principal or actor.org or 0
    if op.by is By.REGISTRAR and number:
        org = queries.entry_by_number(number).holder_org

    def named(field: str) -> int | None:
        return organisation_named(given[field], field) if given.get(field) else None

    return services.SubmitFiling(
        register, org, given.get("title", ""), kind, tuple(given.get("rights", ())), answers(given),
        holders_named(given.get("holders", "")), named("reviewer"), operation=op.code, entry_number=number,
        counterparty_org=named("counterparty"), agent_org=actor.org if principal else None, verifier_org=named("verifier"),
        lineage=lineage_named(given.get("lineage", "")), mark=int(given["mark"]) if given.get("mark") else None,
    )  # fmt: skip


FIELDS = {
    "reviewer_org": "reviewer", "verifier_org": "verifier", "counterparty_org": "counterparty", "agent_org": "principal",
    "entry_number": "entry",
}  # fmt: skip


def beside(form: object, refusal: ShuguError, prefix: str = "") -> None:
    """The commands' field names are the form's, with another prefix for the rule file's questions."""
    told = {}
    for name, text in refusal.field_errors.items():
        own = name.removeprefix(prefix)
        told[FIELDS.get(own, own.replace("form.", "form_"))] = text
    refusal.field_errors = told
    add_refusal(form, refusal)  # type: ignore[arg-type]


