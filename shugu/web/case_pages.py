"""The desk (办件台) and the page of any case: the same for every app, drawn from the kernel's tables.

Apps register here (`register`, `name_input`, `name_parties`: see shugu.web.case_acts).
"""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.http import content_disposition_header
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from shugu.formats.errors import ShuguError
from shugu.kernel import adoption, assigning, clock, documents, queries, runtime
from shugu.kernel.cases import Actor
from shugu.kernel.errors import InputInvalid, NotFound
from shugu.kernel.models import Case, Material
from shugu.kernel.queries import ActChoice, DeskRow
from shugu.kernel.tables import table
from shugu.kernel.text import Text
from shugu.web import bulk_pages, case_acts, case_shapes, language
from shugu.web.api import actor_of
from shugu.web.case_acts import InputField, name_input, name_parties, register
from shugu.web.forms import FieldForm, add_refusal, words
from shugu.web.from_kernel import clock_of
from shugu.web.shapes import Empty, Link
from shugu.web.tables import Choice, Column, Kind, make_table

__all__ = ["act_page", "case_page", "desk", "download", "name_input", "name_parties", "register", "upload"]


@require_GET
def desk(request: HttpRequest) -> HttpResponseBase:
    """What waits for this seat, ordered by the clock."""
    actor, now = actor_of(request), clock.now()
    rows = queries.desk(actor, now)
    given = case_acts.person_names([r.assignee for r in rows if r.assignee], language.current())
    columns = (
        Column("title", Text("办件", "Case"), "title", order="x", href=lambda r: reverse("web:case", args=[r.number])),
        Column("procedure", Text("事项", "Procedure"), "procedure_title", order="x"),
        Column("state", Text("状态", "State"), _desk_chip, Kind.CHIP),
        Column("due", Text("时限", "Due"), lambda r: clock_of(r.clock) if r.clock else None, Kind.CLOCK),
        Column("acts", Text("待办", "To do"), _desk_acts),
        Column("assignee", Text("承办人", "In hand of"), lambda r: given.get(r.assignee, "—") if r.assignee else "—"),
        Column("opened", Text("立案", "Opened"), "opened_on", Kind.DAY, order="x"),
        Column("number", Text("编号", "Number"), "number", Kind.CODE),
    )
    empty = Empty(
        Text("没有等您办理的事项。新的办件会按时限排在这里。", "Nothing waits for you. New cases appear here by due date."),
        Link(Text("去数据市场", "To the market"), "/"),
    )
    whose = request.GET.get("whose", "")
    listed = [r for r in rows if whose == "" or (r.assignee == actor.person if whose == "mine" else r.assignee is None)]
    options = (("mine", Text("分派给我的", "given to me")), ("free", Text("尚未分派的", "not given yet")))
    shown = make_table(
        request, id="desk", caption=Text("待我办理", "Waiting for me"), columns=columns, rows=listed, empty=empty,
        choices=(Choice("whose", Text("承办", "In hand"), options, whose),) if actor.seats else (),
    )  # fmt: skip
    if shown.wants_csv:
        return shown.csv_response()
    reminder = runtime.rules().value("web.desk_reminder").number
    live = [r.clock for r in rows if r.clock is not None]
    page = {
        "table": shown, "actor": actor, "late": sum(c.overdue for c in live), "days": reminder,
        "soon": sum(not c.overdue and c.left <= reminder for c in live), "groups": bulk_pages.groups(rows) if actor.seats else [],
    }  # fmt: skip
    return render(request, "web/desk.html", page)


def _desk_chip(row: DeskRow) -> Any:
    return case_shapes.state_chip(table(row.procedure), row.state)


def _desk_acts(row: DeskRow) -> Text:
    return Text("、".join(a.zh for a in row.acts), ", ".join(a.en for a in row.acts))


@require_GET
def case_page(request: HttpRequest, number: str) -> HttpResponse:
    actor, now = actor_of(request), clock.now()
    return _show(request, case_acts.look_at_case(number, actor=actor, now=now), actor, now)


def _show(
    request: HttpRequest, case: Case, actor: Actor, now: Any, refusal: ShuguError | None = None, at: str = ""
) -> HttpResponse:
    """`at`: the material whose file was refused; its reason stands beside it."""
    slots = case_acts.material_slots(case.pk, actor) if case.closed_at is None else []
    slots = [s for s in slots if not ((own := case_acts.own_form(case, s.do)) and own.fulfils)]
    children = Case.objects.filter(parent_id=case.pk).order_by("id")
    shown = {
        "case": case,
        "record": case_shapes.record_of(case, actor, now),
        "clocks": case_shapes.clock_faces(case.pk, now), "ended_clocks": case_shapes.ended_clocks(case.pk),
        "events": case_shapes.events_of(case, actor, now),
        "parties": case_shapes.party_lines(case, actor),
        "slots": slots,
        "materials": _materials(case),
        "children": [c for c in children if case_acts.sees(c, actor)],
        "parent": case.parent if case.parent is not None and case_acts.sees(case.parent, actor) else None,
        "detail_url": case_acts.detail_url(case),
        "assign": _assigning(case, actor),
        "may_adopt": adoption.may_adopt(case, actor),
        "refusal": refusal,
        "refused_material": at,
        "refused_file": _of_the_file(refusal) if at else "",
        "refusal_text": refusal.message(language.current()) if refusal else "",
        "refusal_remedy": refusal.remedy_text(language.current()) if refusal else "",
    }
    return render(request, "web/case.html", shown, status=refusal.status if refusal else 200)


def _of_the_file(refusal: ShuguError | None) -> str:
    told = refusal.as_dict(language.current()).get("field_errors") if refusal is not None else None
    return str(told.get("file", "")) if isinstance(told, dict) else ""


def _assigning(case: Case, actor: Actor) -> dict[str, Any] | None:
    """The people the case may be given to, for those who may give it."""
    if case.closed_at is not None or not actor.seats & (assigning.seats_of(table(case.procedure, case.version)) | {"operator"}):
        return None
    return {"people": sorted(assigning.candidates(case.pk).items()), "now": assigning.assignee(case.pk), "key": uuid4()}


@require_POST
def assign(request: HttpRequest, number: str) -> HttpResponse:
    """Give a case to somebody of the staff, or take it back."""
    actor, now = actor_of(request), clock.now()
    case = case_acts.look_at_case(number, actor=actor, now=now)
    person = request.POST.get("person", "")
    if person and not person.isdecimal():
        raise InputInvalid(fields="person", field_errors={"person": ("不是人员编号", "not a person")})
    cmd = assigning.AssignCase(case.pk, int(person) if person else None)
    assigning.assign_case(cmd, actor=actor, now=now, key=request.POST.get("key") or None)
    return redirect("web:case", number)


def _materials(case: Case) -> list[tuple[Text, Material]]:
    tab = table(case.procedure, case.version)
    titles = {m.id: m.title for s in tab.steps for m in s.materials}
    return [(titles.get(m.material, Text(m.material, m.material)), m) for m in queries.materials(case.pk)]


def act_form(case: Case, choice: ActChoice) -> type[FieldForm]:
    """A form for one act, from the inputs its table declares."""
    fields: dict[str, Any] = {"back": forms.CharField(required=False, widget=forms.HiddenInput)}
    for name in (*choice.input, *choice.optional):
        fields[name] = _form_field(case_acts.input_field(name), case.pk, name in choice.input)
    if choice.undertaking is not None:
        text = Text(*choice.undertaking)
        fields["undertaking"] = forms.BooleanField(label=words(text), required=True)
    return type("ActForm", (FieldForm,), fields)


def _form_field(asked: InputField, case: int, required: bool) -> forms.Field:
    common: dict[str, Any] = {"label": words(asked.title), "required": required}
    if asked.help is not None:
        common["help_text"] = words(asked.help)
    options = [(code, words(title)) for code, title in asked.options(case)] if asked.options else []
    if asked.kind == "choice":
        return forms.ChoiceField(choices=options if required else [("", "—"), *options], **common)
    if asked.kind == "choices":
        return forms.MultipleChoiceField(choices=options, widget=forms.CheckboxSelectMultiple, **common)
    if asked.kind == "day":
        return forms.DateField(widget=forms.DateInput(attrs={"type": "date"}), **common)
    if asked.kind == "number":
        return forms.IntegerField(**common)
    if asked.kind == "tick":
        return forms.BooleanField(**common)
    widget = forms.Textarea(attrs={"rows": 4}) if asked.kind == "text" else forms.TextInput()
    return forms.CharField(max_length=4000, widget=widget, **common)


_PLUMBING = ("key", "undertaking", "back")


def _plain(value: object) -> object:
    return value.isoformat() if hasattr(value, "isoformat") else value


def _back(request: HttpRequest, case: Case) -> str:
    """The page of the object when the act's button stood there, else the case. An act's own form remembers it in `back`."""
    detail = case_acts.detail_url(case)
    came_from = (urlsplit(request.headers.get("Referer", "")).path, request.POST.get("back", ""))
    return detail if detail and detail in came_from else reverse("web:case", args=[case.number])


@require_http_methods(["GET", "POST"])
def act_page(request: HttpRequest, number: str, do: str) -> HttpResponse:
    """GET shows the act's form; POST acts. A refusal shows the page again with all that was typed."""
    actor, now = actor_of(request), clock.now()
    case = case_acts.visible_case(number, actor)
    choice = next((c for c in queries.acts(case.pk, actor, now) if c.do == do), None)
    if choice is None:
        if request.method == "POST":
            case_acts.act(number, do, {}, "", actor=actor, now=now)
        return redirect("web:case", number)
    own = case_acts.own_form(case, do)
    if own is not None and request.method == "GET":
        return redirect(own.url(case.pk))
    kind, back = act_form(case, choice), _back(request, case)
    form = kind(request.POST or None, initial={"back": back})
    if request.method == "POST" and form.is_valid():
        given = {k: _plain(v) for k, v in form.cleaned_data.items() if k not in _PLUMBING and v not in (None, "")}
        undertaking = choice.undertaking[0] if choice.undertaking and form.cleaned_data.get("undertaking") else ""
        try:
            case_acts.act(number, do, given, undertaking, actor=actor, now=now, key=str(form.idempotency_key))
        except ShuguError as refusal:
            if not (choice.input or choice.optional or choice.undertaking):
                return _show(request, case_acts.look_at_case(number, actor=actor, now=now), actor, now, refusal)
            add_refusal(form, refusal)
        else:
            messages.success(request, str(Text(f"已办理：{choice.title.zh}", f"Done: {choice.title.en}")))
            return redirect(back)
    shown = {
        "form": form, "title": choice.title, "submit": choice.title, "lead": case.title,
        "cancel_href": back, "crumb": Link(number, reverse("web:case", args=[number])),
    }  # fmt: skip
    return render(request, "web/form.html", shown, status=422 if form.errors else 200)


@require_POST
def upload(request: HttpRequest, number: str, material: str) -> HttpResponse:
    """A multipart field `file`."""
    actor, now = actor_of(request), clock.now()
    sent = request.FILES.get("file")
    try:
        if sent is None or isinstance(sent, list):
            raise InputInvalid(fields="file", field_errors={"file": ("请选择文件", "choose a file")})
        content = sent.read()
        filed = case_acts.FileMaterial(number, material, sent.name or material, sent.content_type or "", content)
        case_acts.file_material(filed, actor=actor, now=now, key=request.POST.get("key"))
    except InputInvalid as refusal:
        return _show(request, case_acts.look_at_case(number, actor=actor, now=now), actor, now, refusal, material)
    messages.success(request, str(Text("材料已提交。", "Material filed.")))
    return redirect("web:case", number)


@require_GET
def download(request: HttpRequest, number: str, material: int) -> HttpResponse:
    """A filed document as an attachment: nothing uploaded is ever rendered under the venue's own address."""
    case = case_acts.look_at_case(number, actor=actor_of(request), now=clock.now())
    row = Material.objects.filter(pk=material, case_id=case.pk).first()
    if row is None:
        raise NotFound(what=("材料", "material"))
    response = HttpResponse(documents.get(row.digest), content_type=row.media_type)
    response["Content-Disposition"] = content_disposition_header(True, row.filename) or "attachment"
    response["Content-Security-Policy"] = "sandbox"
    return response
