"""For everybody: every rule value this venue works under, and every procedure as its table says it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_GET

from shugu.kernel import clock, runtime
from shugu.kernel.errors import NotFound
from shugu.kernel.procedure import CLOCK, MANDATE, ClockRow, Step, Table
from shugu.kernel.rules import RuleValue
from shugu.kernel.tables import all_tables
from shugu.kernel.text import Text
from shugu.kernel.workdays import local_day
from shugu.web import language
from shugu.web.diagrams import flow_svg
from shugu.web.from_kernel import document_title, source_of
from shugu.web.shapes import Source
from shugu.web.tables import Choice, Column, Kind, make_table

FORCE = {"must": Text("必须", "must"), "may": Text("可以", "may"), "venue": Text("场所自定", "the venue's choice")}
STATUS = {
    "in_force": Text("有效", "in force"), "lapsed": Text("已到期，场所沿用", "lapsed, continued by the venue"),
    "draft": Text("征求意见", "draft"), "trial": Text("试行", "on trial"), "venue": Text("本场所规则", "rule of this venue"),
    "advisory": Text("参考文件", "advisory"), "group_standard": Text("团体标准", "group standard"),
}  # fmt: skip
UNITS = {
    "wd": Text("个工作日", "working days"), "cd": Text("日", "days"), "month": Text("个月", "months"),
    "year": Text("年", "years"), "fen": Text("分", "fen"), "percent": Text("%", "%"), "bps": Text("万分之一", "basis points"),
    "count": Text("", ""), "none": Text("", ""), "per_minute": Text("次/分钟", "a minute"),
    "byte": Text("字节", "bytes"), "minute": Text("分钟", "minutes"), "hour": Text("小时", "hours"),
}  # fmt: skip
ROLES = {CLOCK: Text("期限届满", "the clock"), MANDATE: Text("系统（其他环节）", "the system")}


def _value(rule: RuleValue) -> Text:
    value = rule.value
    if isinstance(value, bool):
        return Text("是", "yes") if value else Text("否", "no")
    if isinstance(value, tuple):
        rows = [r if isinstance(r, str) else _row(r) for r in value]
        return Text("；".join(str(Text.pick(r, "zh") if isinstance(r, Text) else r) for r in rows),
                    "; ".join(str(Text.pick(r, "en") if isinstance(r, Text) else r) for r in rows))  # fmt: skip
    if hasattr(value, "items"):
        pairs = [f"{k} = {v}" for k, v in value.items()]
        return Text("；".join(pairs), "; ".join(pairs))
    return Text(f"{value:,}", f"{value:,}") if isinstance(value, int) else Text(str(value), str(value))


def _row(row: object) -> Text:
    if hasattr(row, "get") and row.get("zh") and row.get("en"):
        return Text(str(row.get("zh")), str(row.get("en")))
    return Text(str(row), str(row))


def _unit(rule: RuleValue) -> Text:
    return UNITS.get(rule.unit, Text(rule.unit, rule.unit))


@require_GET
def rules(request: HttpRequest) -> HttpResponseBase:
    """Every value in force today: what it is, what says so, with which force, from when until when."""
    found = list(runtime.rules_on(local_day(clock.now())).iter_values())
    chosen = request.GET.get("force", "")
    rows = [r for r in found if not chosen or str(r.force) == chosen]
    columns = (
        Column("note", Text("规则", "Rule"), lambda r: Text(*r.note), order="x"),
        Column("value", Text("值", "Value"), _value),
        Column("unit", Text("单位", "Unit"), _unit),
        Column("document", Text("依据文件", "Document"), lambda r: document_title(r.document)[0], order="x"),
        Column("article", Text("条款", "Article"), "article"),
        Column("force", Text("效力", "Force"), lambda r: FORCE.get(str(r.force), Text(str(r.force), str(r.force))), order="x"),
        Column("status", Text("状态", "Status"), lambda r: STATUS.get(str(r.status), Text(str(r.status), str(r.status)))),
        Column("since", Text("自", "From"), lambda r: r.effective[0], Kind.DAY, order="x"),
        Column("until", Text("至", "Until"), lambda r: r.effective[1], Kind.DAY),
        Column("name", Text("名称", "Name"), "name", Kind.CODE, order="x"),
    )
    force = Choice("force", Text("效力", "Force"), tuple(FORCE.items()))
    title = Text("现行规则", "Rules in force")
    table = make_table(request, id="rules", caption=title, columns=columns, rows=rows, choices=(force,))
    if table.wants_csv:
        return table.csv_response()
    return render(request, "web/rules.html", {"table": table, "rule_set": runtime.rules().id})


@require_GET
def procedures(request: HttpRequest) -> HttpResponse:
    rows = [versions[max(versions)] for _, versions in sorted(all_tables().items())]
    columns = (
        Column("title", Text("流程", "Procedure"), "title", order="x", href=lambda t: reverse("web:procedure", args=[t.key])),
        Column("source", Text("依据", "Source"), "source"),
        Column("states", Text("状态", "States"), lambda t: len(t.states), Kind.NUMBER),
        Column("steps", Text("步骤", "Steps"), lambda t: len(t.steps), Kind.NUMBER),
        Column("key", Text("编号", "Id"), "key", Kind.CODE, order="x"),
    )
    table = make_table(request, id="procedures", caption=Text("办事流程", "Procedures"), columns=columns, rows=rows)
    return render(request, "web/procedures.html", {"table": table})


@dataclass(frozen=True)
class StepLine:
    step: Step
    who: tuple[Text, ...]
    to: tuple[Text, ...]


@dataclass(frozen=True)
class ClockRowLine:
    """`length` as today's rules have it; None when only a register sets it."""

    clock: ClockRow
    length: RuleValue | None
    unit: Text
    source: Source | None


@require_GET
def procedure(request: HttpRequest, procedure: str) -> HttpResponse:
    """One table: its states in order, what may be done out of each, by whom, to where, on what ground; its clocks."""
    tab = next((t for versions in all_tables().values() for t in versions.values() if t.key == procedure), None)
    if tab is None:
        raise NotFound(what=(f"流程 {procedure}", f"procedure {procedure}"))
    on = local_day(clock.now())
    shown = {
        "tab": tab, "states": [(s, [_step(tab, x) for x in tab.steps_from(s.id)]) for s in tab.states],
        "clocks": [_clock(c, on) for c in tab.clocks], "svg": flow_svg(tab, language.current()),
    }  # fmt: skip
    return render(request, "web/procedure.html", shown)


def _step(tab: Table, step: Step) -> StepLine:
    who = tuple(tab.party[r].title if r in tab.party else ROLES[r] for r in step.by)
    return StepLine(step, who, tuple(dict.fromkeys(tab.state[o.to].title for o in step.outcomes)))


def _clock(row: ClockRow, on: date) -> ClockRowLine:
    rule = runtime.rules_on(on).get(row.length)
    return ClockRowLine(row, rule, _unit(rule) if rule else Text("", ""), source_of(rule) if rule else None)
