"""One window in the browser: one set of answers, one upload, one receipt, an outcome from each register."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

from django import forms
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods

from shugu.formats.errors import ShuguError
from shugu.kernel import clock
from shugu.kernel import queries as cases
from shugu.kernel.cases import Actor
from shugu.kernel.decide import allowed
from shugu.kernel.errors import NotFound
from shugu.kernel.tables import table
from shugu.kernel.text import Text
from shugu.party.access import require, require_org
from shugu.registry import applications, services
from shugu.registry.forms import PREFIX, answers, application_form, holders_named
from shugu.registry.models import Filing, Window
from shugu.registry.operations import Writes, operations
from shugu.registry.submitting import FORM_MATERIALS
from shugu.registry.views_apply import window_registers
from shugu.registry.windows import SubmitWindow, WindowLine, applicant_name, outcomes, window_of
from shugu.web.forms import FieldForm, add_refusal, words
from shugu.web.shapes import Chip, Link

KIND = "data_product"


def _entering(register: str) -> str:
    return next(c for c, op in operations(applications.rules_of(register)).items() if op.writes is Writes.ENTER)


def window_form(registers: tuple[str, ...]) -> type[FieldForm]:
    """The questions of every register, those they share once; rights and a register's own questions under its name."""
    shared: dict[str, Any] = {}
    own: dict[str, Any] = {}
    for register in registers:
        title = Text(*applications.register_named(register).title)
        base = application_form(register, KIND, _entering(register)).base_fields
        for name, field in base.items():
            if name == "rights" or (name.startswith(PREFIX) and not _everywhere(name, registers)):
                field.label = words(f"{field.label}（{title.zh}）", f"{field.label} ({title.en})")
                own[f"{register}__{name}"] = field
            elif name in ("title", "holders") or name.startswith(PREFIX):
                shared.setdefault(name, field)
    return type("WindowForm", (FieldForm,), {**shared, **own})


def _everywhere(name: str, registers: tuple[str, ...]) -> bool:
    asked = name.removeprefix(PREFIX)
    return all(asked in {f.id for f in applications.form_fields(r, KIND, _entering(r))} for r in registers)


def _filings(registers: tuple[str, ...], given: dict[str, Any], org: int) -> tuple[services.SubmitFiling, ...]:
    out = []
    for register in registers:
        mine = {n: v for n, v in given.items() if "__" not in n}
        mine |= {n.removeprefix(f"{register}__"): v for n, v in given.items() if n.startswith(f"{register}__")}
        out.append(
            services.SubmitFiling(
                register, org, given["title"], KIND, tuple(mine.get("rights", ())), answers(mine),
                holders_named(given.get("holders", "")), operation=_entering(register),
            )
        )  # fmt: skip
    return tuple(out)


@require_http_methods(["GET", "POST"])
def apply(request: HttpRequest) -> HttpResponse:
    actor = require_org(request)
    registers = window_registers()
    if len(registers) < 2:
        raise NotFound(what=("一窗受理", "the one window"))
    form = window_form(registers)(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            cmd = SubmitWindow(_filings(registers, form.cleaned_data, actor.org or 0))
            row = services.submit_window(cmd, actor=actor, now=clock.now(), key=str(form.idempotency_key))
        except ShuguError as refusal:
            refusal.field_errors = {_field(n, set(form.fields)): t for n, t in refusal.field_errors.items()}
            add_refusal(form, refusal)
        else:
            return redirect("registry:window", row.number)
    titles = [Text(*applications.register_named(r).title) for r in registers]
    zh, en = "、".join(t.zh for t in titles), ", ".join(t.en for t in titles)
    page = {
        "form": form, "title": Text("一窗受理", "One window"),
        "lead": Text(f"一次申请，同时办理：{zh}。", f"One application for: {en}."),
        "crumb": Link(Text("选择登记事项", "Registers"), reverse("registry:choose")),
        "submit": Text("建立申请，下一步上传材料", "Open the application; materials come next"),
    }  # fmt: skip
    return render(request, "web/form.html", page, status=422 if form.errors else 200)


def _field(name: str, known: set[str]) -> str:
    """`<register>.form.<id>` of the command beside the form's own field."""
    register, _, rest = name.partition(".")
    field = rest.replace("form.", PREFIX) if rest else name
    return f"{register}__{field}" if f"{register}__{field}" in known else field


class MaterialForm(FieldForm):
    material = forms.ChoiceField(label=words("材料", "Material"))
    file = forms.FileField(label=words("文件", "File"))


def _materials(number: str, actor: Actor) -> list[tuple[str, str]]:
    """What the registers ask at this step, each once, without the papers made from the answers."""
    asked: dict[str, str] = {}
    for line in window_of(number, actor).filings.select_related("case").order_by("pk"):
        tab = table(line.case.procedure, line.case.version)
        for step in tab.steps_from(line.case.state):
            asked |= {m.id: str(words(m.title)) for m in step.materials if m.id not in FORM_MATERIALS}
    return list(asked.items())


@require_http_methods(["GET", "POST"])
def window(request: HttpRequest, number: str) -> HttpResponse:
    """The receipt: what each register made of the application; materials filed once, the whole handed in at once."""
    actor, now = require(request), clock.now()
    row = window_of(number, actor)
    form = MaterialForm(request.POST if "material" in request.POST else None, request.FILES or None)
    form.fields["material"].choices = _materials(number, actor)  # type: ignore[attr-defined]
    refused: ShuguError | None = None
    if request.method == "POST":
        try:
            if "do" in request.POST:
                cmd = services.ActOnWindow(number, request.POST["do"], {})
                services.act_on_window(cmd, actor=actor, now=now, key=request.POST.get("key"))
                return redirect("registry:window", number)
            if form.is_valid():
                file = form.cleaned_data["file"]
                upload = services.Upload(form.cleaned_data["material"], file.name, file.content_type or "", file.read())
                services.add_window_material(services.AddWindowMaterial(number, upload), actor=actor, now=now)
                return redirect("registry:window", number)
        except ShuguError as refusal:
            refused = refusal
            if form.is_bound:
                add_refusal(form, refusal)
    lines = outcomes(row)
    page = {
        "window": row, "applicant": applicant_name(row), "form": form if form.fields["material"].choices else None,  # type: ignore[attr-defined]
        "lines": [(line, Text(*applications.register_named(line.register).title), _chip(line)) for line in lines],
        "dos": _dos(row, actor), "key": uuid4(),
        "refused": Text(refused.message("zh"), refused.message("en")) if refused else None,
    }  # fmt: skip
    return render(request, "registry/window.html", page, status=422 if refused or form.errors else 200)


def _chip(line: WindowLine) -> Chip:
    tab, view = cases.view_of(Filing.objects.get(number=line.filing).pk)
    return Chip(tab.state[view.state].title)


def _dos(row: Window, actor: Actor) -> list[tuple[str, Text]]:
    """The steps that may be done for every register at once: handing in, accepting."""
    found: dict[str, Text] = {}
    for filing in row.filings.order_by("pk"):
        tab, view = cases.view_of(filing.pk)
        found |= {s.do: s.title for s in allowed(tab, view, actor) if s.do in ("submit", "accept", "correct")}
    return list(found.items())
