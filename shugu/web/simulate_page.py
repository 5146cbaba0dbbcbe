"""“Submitted on this day with these triggers: what happens when.” Public; works a case out on paper, files nothing."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from shugu.formats.errors import ShuguError
from shugu.kernel import runtime
from shugu.kernel.errors import NotFound
from shugu.kernel.procedure import Table
from shugu.kernel.regimes import Regime
from shugu.kernel.rules import RuleValue
from shugu.kernel.simulation import Moment, Question, Simulation, StepLine, simulate
from shugu.kernel.table_questions import asked_codes, asked_predicates, barring
from shugu.kernel.text import Text
from shugu.kernel.workdays import Due, due
from shugu.web import language
from shugu.web.diagrams import flow_svg
from shugu.web.regime_pages import regime_of, tables_of, today
from shugu.web.regime_view import SOURCE, Cell, Grid, source_cells, who
from shugu.web.regime_words import NONE, answer_title, condition, field_row, field_title, rows_of, title_of, value_words
from shugu.web.shapes import Words

# What only the real case knows, asked as ticks when the table decides by it.
TICKS = (
    "registry.has_co_holders", "registry.has_agent", "registry.has_counterparty", "registry.required_by_registrar",
    "registry.traded_on_recognised_venue",
)  # fmt: skip
# Of the case itself, not of the application's fields.
RESERVED = {"object_kind", "by", "operation", "rights", "reviewer_accredited"}
_FIRST_YEAR, _LAST_YEAR = 2004, 2100  # holidays are known from 2004; dates beyond 2100 tell nobody anything
_TERMED = ("enter", "renew")


@dataclass(frozen=True)
class Control:
    """One question of the form: kind is date, select or tick."""

    name: str
    kind: str
    title: Words
    value: str
    options: tuple[tuple[str, Text], ...] = ()
    error: Text | None = None


@dataclass(frozen=True)
class Answer:
    summary: Text
    provisional: bool
    steps: Grid
    clocks: Grid
    idle: Grid


@require_GET
def page(request: HttpRequest, regime: str) -> HttpResponse:
    asked, now = request.GET, today()
    on, error = _day(asked.get("on", ""), now)
    shown: dict[str, Any] = {"on": on.isoformat(), "answer": None, "refusal": None}
    try:
        found = regime_of(regime, on)
    except ShuguError as refusal:
        # Its documents do not apply on that day yet: the form stands on today's rules, the answer on none.
        found, shown["refusal"] = regime_of(regime, now), Text(refusal.message("zh"), refusal.message("en"))
    tables = tables_of(found)
    operation = asked.get("operation", "") if asked.get("operation", "") in tables else next(iter(_operations(found, tables)), "")
    form = Form(found, tables, operation, asked)
    controls = form.controls(on, error)
    table = tables.get(operation)
    if table is not None and error is None and shown["refusal"] is None:
        try:
            answered = simulate(form.question(table, on), runtime.calendar())
            shown |= {"answer": answer(found, table, operation, answered), "svg": flow_svg(table, language.current())}
        except ShuguError as refusal:
            shown["refusal"] = Text(refusal.message("zh"), refusal.message("en"))
    shown |= {"regime": found, "title": Text(*found.title), "table": table, "controls": controls}
    return render(request, "web/regime_simulate.html", shown, status=422 if error else 200)


def _day(given: str, now: date) -> tuple[date, Text | None]:
    """Today unless a day is given; what is wrong with it otherwise."""
    if not given:
        return now, None
    try:
        day = date.fromisoformat(given)
    except ValueError:
        return now, Text("请写成 2026-03-02 这样的日期。", "Write the day as 2026-03-02.")
    if not _FIRST_YEAR <= day.year <= _LAST_YEAR:
        years = (_FIRST_YEAR, _LAST_YEAR)
        return now, Text(f"只推算 {years[0]} 至 {years[1]} 年。", f"Only years {years[0]} to {years[1]} are worked out.")
    return day, None


def _operations(regime: Regime, tables: Mapping[str, Table]) -> dict[str, Text]:
    """What can be applied for: operations with a table; in a regime without a list of them, its procedures."""
    listed = {str(r["code"]): title_of(r) for r in rows_of(regime, "registry.operations")}
    return {c: t for c, t in listed.items() if c in tables} or {c: t.title for c, t in tables.items()}


@dataclass(frozen=True)
class Form:
    """The questions of one operation, from what its table asks about, and the case that the answers make."""

    regime: Regime
    tables: Mapping[str, Table]
    operation: str
    asked: Mapping[str, str]

    def controls(self, on: date, error: Text | None) -> list[Control]:
        day = Text("起办日（提交申请的日子）", "day it starts (of filing)")
        given = self.asked.get("on", "") if error else on.isoformat()
        operations = tuple(_operations(self.regime, self.tables).items())
        out = [
            Control("on", "date", day, given, error=error),
            Control("operation", "select", Text("登记事项", "operation"), self.operation, operations),
        ]
        table = self.tables.get(self.operation)
        return [*out, *self._own(table)] if table is not None else out

    def _own(self, table: Table) -> Iterator[Control]:
        names = asked_predicates(table)
        for key, title, rule in (
            ("object_kind", Text("登记对象", "object"), "registry.objects"),
            ("right", Text("权利", "right"), self.regime.head.rights),
        ):
            options = tuple((str(r["code"]), title_of(r)) for r in rows_of(self.regime, rule))
            if options:
                yield Control(key, "select", title, self._chosen(key, options), options)
        for field, codes in self._fields(table).items():
            yield self._field(field, codes)
        for name in TICKS:
            if name in names:
                yield Control(_tick(name), "tick", condition(name), self.asked.get(_tick(name), ""))
        for name in _dates(table):
            yield Control(f"date_{name}", "date", field_title(self.regime, name), self._date(name))

    def _fields(self, table: Table) -> dict[str, tuple[str, ...]]:
        """Fields of the application that the table decides by; what a step itself says is not asked beforehand."""
        said = {n for s in table.steps for n in (*s.input, *s.optional)}
        return {field: codes for field, codes in asked_codes(table).items() if field not in said | RESERVED}

    def _field(self, field: str, codes: tuple[str, ...]) -> Control:
        row = field_row(self.regime, field)
        if row is not None and "table" in row:
            codes = tuple(str(r["code"]) for r in rows_of(self.regime, str(row["table"]))) or codes
        elif set(codes) <= {"yes", "no"}:
            codes = ("no", "yes")
        options = tuple((code, answer_title(self.regime, field, code)) for code in codes)
        return Control(f"answer_{field}", "select", field_title(self.regime, field), self.answer_to(field, options), options)

    def answer_to(self, field: str, options: tuple[tuple[str, Text], ...]) -> str:
        """As chosen; untouched, what an applicant must declare is declared, no trigger is set, no answer bars."""
        table = self.tables[self.operation]
        guards = {g for s in table.steps for g in s.guards}
        declared = next((code for code, _ in options if f"registry.found:{field}={code}" in guards), "")
        if declared:
            return self._chosen(f"answer_{field}", options, declared)
        shut = barring(table)
        harmless = (code for code, _ in options if (field, code) not in shut)
        return self._chosen(f"answer_{field}", options, next(harmless, options[0][0]))

    def _chosen(self, key: str, options: tuple[tuple[str, Text], ...], untouched: str = "") -> str:
        given = self.asked.get(key, "")
        return given if given in dict(options) else untouched or options[0][0]

    def _date(self, name: str) -> str:
        given = self.asked.get(f"date_{name}", "")
        day, error = _day(given, today())
        return day.isoformat() if given and error is None else ""

    def question(self, table: Table, on: date) -> Question:
        values = {c.name: c.value for c in self._own(table)}
        ticked = {n: bool(values.get(_tick(n))) for n in TICKS}
        two = ticked["registry.has_co_holders"]
        data: dict[str, Any] = {
            "operation": self.operation, "object_kind": values.get("object_kind", ""), "rights": [values.get("right", "")],
            "holders": [{"org": n, "parts": 1} for n in ((1, 2) if two else (1,))], "reviewer_accredited": True,
            "by": next((r.get("by") for r in rows_of(self.regime, "registry.operations") if r["code"] == self.operation), ""),
        }  # fmt: skip
        data |= {k.removeprefix("answer_"): v for k, v in values.items() if k.startswith("answer_")}
        data |= {n: values[f"date_{n}"] for n in _dates(table) if values.get(f"date_{n}")}
        absent = () if ticked["registry.has_agent"] else ("agent",)
        assumed = {n: v for n, v in ticked.items() if n in asked_predicates(table)}
        return Question(table, Values(self.regime), on, data, assumed, absent)


def _tick(name: str) -> str:
    return name.rpartition(".")[2]


def _dates(table: Table) -> list[str]:
    """Days that clocks start on and no step asks for."""
    said = {n for s in table.steps for n in (*s.input, *s.optional)}
    return [d for d in dict.fromkeys(c.date for c in table.clocks if c.date) if d not in said]


@dataclass(frozen=True)
class Values:
    """A regime as the rules of a case: what clocks and guards ask."""

    regime: Regime

    @property
    def id(self) -> str:
        return f"regimes/{self.regime.id}"

    def value(self, key: str) -> RuleValue:
        """Errors: NotFound."""
        found = self.regime.values.get(key)
        if found is None:
            raise NotFound(what=(f"规则 {key}", f"rule {key}"))
        return found


def answer(regime: Regime, table: Table, operation: str, found: Simulation) -> Answer:
    last = found.steps[-1] if found.steps else None
    lines = [*((s.earliest, s.latest) for s in found.steps), *((c.earliest[1], c.latest[1]) for c in found.clocks)]
    if last is None or found.stuck:
        end = table.state[found.end].title
        summary = Text(f"按所填情形走到“{end.zh}”为止，不能办成。", f"With these answers it comes to “{end.en}” and no further.")
    else:
        a, b, end = _moment(last.earliest), _moment(last.latest), table.state[found.end].title
        summary = Text(f"{end.zh}：最早 {a.zh}，最晚 {b.zh}。", f"{end.en}: on {a.en} at the earliest, {b.en} at the latest.")
    return Answer(
        summary, any(m.provisional for pair in lines for m in pair), _steps(regime, table, found),
        _clocks(regime, table, operation, found), _idle(regime, table, found),
    )  # fmt: skip


def _moment(moment: Moment) -> Text:
    day = moment.on.isoformat()
    return Text(f"{day}（暂定）", f"{day} (provisional)") if moment.provisional else Text(day, day)


def _steps(regime: Regime, table: Table, found: Simulation) -> Grid:
    rows = []
    for line in found.steps:
        latest = _moment(line.latest)
        if line.free:
            latest = Text(f"{latest.zh}，未定期限", f"{latest.en}, no limit set")
        rows.append(
            (
                Cell(line.step.title), Cell(_acting(table, line)), Cell(_moment(line.earliest)), Cell(latest),
                Cell(table.state[line.to].title), Cell(_wanted(line, regime)), Cell(line.step.article or table.source),
            )
        )  # fmt: skip
    heads = (
        Text("步骤", "Step"), Text("由谁", "By"), Text("最早", "Earliest"), Text("最晚", "Latest"), Text("转为", "Then"),
        Text("条件与材料", "Conditions and materials"), Text("依据", "Article"),
    )  # fmt: skip
    return Grid("answer-steps", Text("各步骤", "Steps"), heads, tuple(rows))


def _acting(table: Table, line: StepLine) -> Text:
    return table.party[line.role].title if line.role in table.party else who(table, line.step)


def _wanted(line: StepLine, regime: Regime) -> Text:
    zh, en = [], []
    for name in line.conditions:
        words = condition(name, regime)
        assumed = name in line.assumed
        zh.append(words.zh + ("（假定）" if assumed else ""))
        en.append(words.en + (" (assumed)" if assumed else ""))
    if line.materials:
        zh.append("材料：" + "、".join(m.title.zh for m in line.materials))
        en.append("materials: " + ", ".join(m.title.en for m in line.materials))
    return Text("；".join(zh) or NONE.zh, "; ".join(en) or NONE.en)


def _clocks(regime: Regime, table: Table, operation: str, found: Simulation) -> Grid:
    rows = []
    for line in found.clocks:
        (start_a, end_a), (start_b, end_b) = line.earliest, line.latest
        begins = Text(f"{start_a} / {start_b}", f"{start_a} / {start_b}")
        a, b = _moment(end_a), _moment(end_b)
        length = value_words(line.rule)
        rows.append((Cell(line.row.title), Cell(length), Cell(begins), Cell(a), Cell(b), *source_cells(line.rule)))
    rows += _terms(regime, operation, found)
    heads = (
        Text("期限", "Clock"), Text("长度", "Length"), Text("起算日（最早 / 最晚）", "Runs from (earliest / latest)"),
        Text("最早届满", "Ends, earliest"), Text("最晚届满", "Ends, latest"), *SOURCE,
    )  # fmt: skip
    return Grid("answer-clocks", Text("各期限", "Clocks"), heads, tuple(rows))


def _terms(regime: Regime, operation: str, found: Simulation) -> list[tuple[Cell, ...]]:
    """The certificate's term, when the operation begins one and the case ends well."""
    row = next((r for r in rows_of(regime, "registry.operations") if r["code"] == operation), {})
    rule = regime.values.get("registry.certificate_term")
    if found.stuck or not found.steps or rule is None or row.get("writes") not in _TERMED:
        return []
    begins = regime.values.get("registry.term_from")
    if row["writes"] == "renew" and begins is not None and begins.value != "issue":
        return []  # it runs from the expiry of a certificate that nobody has named
    last, calendar = found.steps[-1], runtime.calendar()
    days = [(m.on, due(m.on, rule.length, calendar=calendar)) for m in (last.earliest, last.latest)]
    (a, a_end), (b, b_end) = days
    ends = [_moment(_ended(end, m)) for end, m in ((a_end, last.earliest), (b_end, last.latest))]
    return [(Cell(Text(*rule.note)), Cell(value_words(rule)), Cell(f"{a} / {b}"), *map(Cell, ends), *source_cells(rule))]


def _ended(end: Due, start: Moment) -> Moment:
    return Moment(end.on, end.provisional or start.provisional)


def _idle(regime: Regime, table: Table, found: Simulation) -> Grid:
    """Clocks that start only if something else happens: a correction, an objection."""
    rows = []
    facts = {s.fact: s.title for s in table.steps}
    for clock in found.idle:
        rule = regime.values.get(clock.length)
        starts = [facts.get(f, Text(f, f)) for f in clock.on] or [field_title(regime, clock.date or "")]
        begins = Text("、".join(t.zh for t in starts), ", ".join(t.en for t in starts))
        length, source = (value_words(rule), source_cells(rule)) if rule is not None else (NONE, (Cell(NONE), Cell(NONE)))
        rows.append((Cell(clock.title), Cell(length), Cell(begins), *source))
    heads = (Text("期限", "Clock"), Text("长度", "Length"), Text("自何时起算", "Starts with"), *SOURCE)
    return Grid("answer-idle", Text("本次用不到的期限", "Clocks that do not start here"), heads, tuple(rows))
