"""Pages of bulk import: send a file, see how far it is, what is wrong with which row, and move the whole batch on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from shugu.formats.errors import ShuguError
from shugu.kernel import clock, documents
from shugu.kernel.cases import Actor
from shugu.kernel.errors import Forbidden, NotFound
from shugu.kernel.text import Text
from shugu.party.access import require
from shugu.registry import applications, import_rows, importing, queries_import
from shugu.registry.importing import BeginImport, MoveImport, ResumeImport
from shugu.registry.models_import import Import
from shugu.registry.queries_import import STATES
from shugu.registry.shown import register_title
from shugu.registry.submitting import Upload
from shugu.web.forms import FieldForm, add_refusal, words
from shugu.web.shapes import Chip, Empty, Progress, Tone
from shugu.web.tables import Column, Kind, Table, make_table

TONES = {"imported": Tone.GOOD, "checked": Tone.GOOD, "refused": Tone.BAD}


def import_form(registers: list[tuple[str, Text]], *, by_registrar: bool) -> type[FieldForm]:
    needed = words(
        "代持有人导入须附全体持有人的授权文件。" if by_registrar else "来源佐证、身份、承诺等各行共用的材料，合为一个文件。",
        "The mandate of all holders." if by_registrar else "What all rows share (sources, identity, declarations), in one file.",
    )
    fields: dict[str, Any] = {
        "register": forms.ChoiceField(label=words("登记簿", "Register"), choices=[(c, words(t)) for c, t in registers]),
        "file": forms.FileField(label=words("申请表（.csv 或 .xlsx）", "Applications (.csv or .xlsx)")),
        "mandate": forms.FileField(label=words("授权与证明文件", "Mandate and common papers"), required=False, help_text=needed),
        "dry_run": forms.BooleanField(label=words("只检查，不导入", "Check only, import nothing"), required=False),
    }
    return type("ImportForm", (FieldForm,), fields)


def _actor(request: HttpRequest) -> Actor:
    """A holder for itself, or a registrar. Errors: SignInNeeded, Forbidden."""
    actor = require(request)
    if actor.org is None and not actor.seats & {"registrar", "reviewer", "auditor"}:
        raise Forbidden()
    return actor


@require_http_methods(["GET", "POST"])
def imports(request: HttpRequest) -> HttpResponse:
    """Send a file; the imports so far."""
    actor = _actor(request)
    open_ones = [(r["id"], Text(r["title"]["zh"], r["title"]["en"])) for r in queries_import.importable()]
    posted = request.method == "POST"
    form = import_form(open_ones, by_registrar=actor.org is None)(request.POST or None, request.FILES or None)
    if posted and form.is_valid():
        try:
            row = importing.begin_import(
                _command(form.cleaned_data), actor=actor, now=clock.now(), key=str(form.idempotency_key)
            )
        except ShuguError as refusal:
            add_refusal(form, refusal)
        else:
            return redirect("registry:import", row.pk)
    page = {
        "form": form, "table": _table(request, actor), "may": actor.org is not None or "registrar" in actor.seats,
        "templates": [
            (register, kind, title, words_)
            for register, title in open_ones
            for kind, words_ in applications.object_kinds(register).items()
        ],
    }  # fmt: skip
    return render(request, "registry/imports.html", page, status=422 if posted else 200)


def _command(given: dict[str, Any]) -> BeginImport:
    paper = given.get("mandate")
    return BeginImport(
        given["register"], given["file"].name, given["file"].read(),
        Upload("mandate", paper.name, paper.content_type or "", paper.read()) if paper else None, bool(given["dry_run"]),
    )  # fmt: skip


def _chip(row: Import) -> Chip:
    return Chip(STATES[row.state], TONES.get(row.state, Tone.PROGRESS))


def _table(request: HttpRequest, actor: Actor) -> Table:
    columns = (
        Column("pk", Text("编号", "Number"), kind=Kind.CODE, href=lambda i: reverse("registry:import", args=[i.pk])),
        Column("filename", Text("文件", "File")),
        Column("register", Text("登记簿", "Register"), lambda i: register_title(i.register)),
        Column("state", Text("状态", "State"), _chip, Kind.CHIP),
        Column("total", Text("行数", "Rows"), kind=Kind.NUMBER),
        Column("errors", Text("错误", "Errors"), kind=Kind.NUMBER),
        Column("warnings", Text("提示", "Warnings"), kind=Kind.NUMBER),
        Column("begun_at", Text("上传时间", "Sent"), kind=Kind.MOMENT),
    )
    return make_table(
        request, id="imports", caption=Text("批量导入", "Bulk imports"), columns=columns,
        rows=queries_import.imports_of(actor), empty=Empty(Text("还没有批量导入。", "No bulk import yet.")),
    )  # fmt: skip


@dataclass(frozen=True)
class _Line:
    line: int
    column: Text
    what: Text
    why: Text
    remedy: Text
    kind: Chip


def _lines(problems: list[dict[str, Any]]) -> list[_Line]:
    kinds = {"error": Chip(Text("错误", "error"), Tone.BAD), "warning": Chip(Text("提示", "warning"), Tone.WARNING)}
    return [
        _Line(p["line"], Text(*p["column"]), Text(*p["what"]), Text(*p["why"]), Text(*p["remedy"]), kinds[p["kind"]])
        for p in problems
    ]


def _problems(request: HttpRequest, name: str, caption: Text, problems: list[dict[str, Any]]) -> Table:
    columns = (
        Column("line", Text("行", "Row"), kind=Kind.NUMBER), Column("column", Text("列", "Column")),
        Column("what", Text("问题", "What")), Column("why", Text("原因", "Why")), Column("remedy", Text("办法", "Remedy")),
        Column("kind", Text("性质", "Kind"), kind=Kind.CHIP),
    )  # fmt: skip
    return make_table(
        request, id=name, caption=caption, columns=columns, rows=_lines(problems), empty=Empty(Text("没有问题。", "No problems."))
    )


def _progress(row: Import) -> Progress | None:
    if row.state not in importing.BUSY:
        return None
    total = max(row.total, 1)
    poll = reverse("registry:import_progress", args=[row.pk])
    return Progress(STATES[row.state], min(row.done, total - 1) if row.total else 0, total, poll_url=poll)


@require_GET
def one(request: HttpRequest, number: int) -> HttpResponse:
    actor = _actor(request)
    row = importing.visible(number, actor)
    page = {
        "row": row, "state": _chip(row), "register": register_title(row.register), "progress": _progress(row),
        "problems": _problems(request, "problems", Text("逐行报告", "Row-by-row report"), row.problems),
        "refusals": _problems(request, "refusals", Text("未办成的", "What was refused"), row.work.get("problems", [])),
        "counts": queries_import.counts(row), "steps": queries_import.steps(row, actor), "shown": len(row.problems),
        "told": row.errors + row.warnings, "stopped": importing.stopped(row),
    }  # fmt: skip
    return render(request, "registry/import.html", page)


@require_GET
def progress(request: HttpRequest, number: int) -> HttpResponse:
    """The bar alone, asked every two seconds; when the work is over the page is read anew."""
    row = importing.visible(number, _actor(request))
    response = render(request, "registry/import_progress.html", {"progress": _progress(row), "row": row})
    if row.state not in importing.BUSY:
        response["HX-Refresh"] = "true"
    return response


@require_POST
def move(request: HttpRequest, number: int) -> HttpResponse:
    """One step for the whole batch."""
    actor = _actor(request)
    do, key = request.POST.get("do", ""), request.POST.get("key") or None
    importing.move_import(MoveImport(number, do), actor=actor, now=clock.now(), key=key)
    messages.success(request, str(Text("已开始批量办理。", "The batch is being worked on.")))
    return redirect("registry:import", number)


@require_POST
def resume(request: HttpRequest, number: int) -> HttpResponse:
    """Go on with an import whose worker died."""
    importing.resume_import(ResumeImport(number), actor=_actor(request), now=clock.now(), key=request.POST.get("key") or None)
    messages.success(request, str(Text("已重新排入处理。", "It is in the queue again.")))
    return redirect("registry:import", number)


def _csv(content: bytes, name: str) -> HttpResponse:
    response = HttpResponse(content, content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    return response


@require_GET
def report(request: HttpRequest, number: int, what: str) -> HttpResponse:
    """Every problem as CSV: of the rows (`rows`) or of the last step for all (`work`)."""
    row = importing.visible(number, _actor(request))
    digest = row.report if what == "rows" else str(row.work.get("report", ""))
    if not digest:
        raise NotFound(what=("报告", "report"))
    return _csv(documents.get(digest), f"import-{number}-{what}.csv")


@require_GET
def template(request: HttpRequest, register: str, object_kind: str, form: str) -> HttpResponse:
    """An empty table with the questions of this register and object."""
    known = {r["id"] for r in queries_import.importable()}
    media_type = import_rows.MEDIA_TYPES.get(f".{form}")
    if register not in known or object_kind not in applications.object_kinds(register) or media_type is None:
        raise NotFound(what=("模板", "template"))
    content = import_rows.template(register, object_kind, queries_import.entering(register), media_type)
    response = HttpResponse(content, content_type=media_type)
    response["Content-Disposition"] = f'attachment; filename="{register}-{object_kind}.{form}"'
    return response

