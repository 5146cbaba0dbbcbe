"""A regime as tables to read: every value with its article and force. Pure; the pages only show what is made here."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from html import escape

from django.utils.safestring import SafeString, mark_safe

from shugu.kernel.procedure import CLOCK, MANDATE, Step, Table
from shugu.kernel.regimes import Regime
from shugu.kernel.rules import RuleValue
from shugu.kernel.table_questions import good_end
from shugu.kernel.text import Text
from shugu.web import language
from shugu.web.from_kernel import document_title
from shugu.web.regime_words import (
    BY,
    CLOCKS,
    FORCE,
    KINDS,
    LENGTHS,
    NO,
    NONE,
    ON,
    WRITES,
    YES,
    code_title,
    condition,
    rows_of,
    title_of,
    value_words,
)
from shugu.web.shapes import Words
from shugu.web.wording import both

_DAY = re.compile(r"(\d{4}-\d\d-\d\d)")
SOURCE = (Text("依据", "Source"), Text("效力", "Force"))


@dataclass(frozen=True)
class Cell:
    """`strong`: said in bold, for a difference or a choice that no law makes."""

    text: Words
    href: str = ""
    strong: bool = False

    def html(self, lang: str) -> str:
        """A day is not broken at its hyphens."""
        told = _DAY.sub(r'<span class="unbroken">\1</span>', escape(both(self.text).pick(lang)))
        if self.href:
            return f'<a href="{escape(self.href)}">{told}</a>'
        return f'<strong class="force-venue">{told}</strong>' if self.strong else f"<span>{told}</span>"


@dataclass(frozen=True)
class Grid:
    """A table to read, the first cell of a row its head. `id` is its anchor on the page."""

    id: str
    title: Text
    heads: tuple[Text, ...]
    rows: tuple[tuple[Cell, ...], ...]

    @property
    def body(self) -> SafeString:
        """The rows as HTML, each cell with the head above it for narrow screens. Made here and not by the template
        engine, which would take a second for the two thousand cells of a regime."""
        lang = language.current()
        heads = [escape(h.pick(lang)) for h in self.heads]
        rows = (
            "".join(f'<td role="cell" data-label="{h}">{c.html(lang)}</td>' for h, c in zip(heads, row, strict=True))
            for row in self.rows
        )  # fmt: skip
        return mark_safe("".join(f'<tr role="row">{row}</tr>' for row in rows))  # noqa: S308  all of it is escaped


def cells(*words: Words) -> tuple[Cell, ...]:
    return tuple(Cell(w) for w in words)


def force_cell(rule: RuleValue) -> Cell:
    return Cell(FORCE[str(rule.force)], strong=str(rule.force) == "venue")


def source_text(rule: RuleValue, article: str = "") -> Text:
    """Document and article; a row's own article goes before its table's."""
    title, _ = document_title(rule.document)
    tail = article or rule.article
    return Text(f"{title.zh} {tail}".strip(), f"{title.en} {tail}".strip())


def source_cells(rule: RuleValue, article: str = "") -> tuple[Cell, ...]:
    return (Cell(source_text(rule, article)), force_cell(rule))


def operations(regime: Regime, link: Callable[[str], str]) -> Grid:
    """What may be registered, and by which procedure. `link` gives the address of a procedure's drawing."""
    rule = regime.values["registry.operations"]
    rows = []
    for row in rows_of(regime, "registry.operations"):
        code = str(row["code"])
        procedure = regime.head.procedures.get(code, "")
        rows.append(
            (
                Cell(title_of(row)),
                Cell(ON.get(str(row.get("on", "")), NONE)),
                Cell(BY.get(str(row.get("by", "")), NONE)),
                Cell(WRITES.get(str(row.get("writes", "")), NONE)),
                Cell(certificates_of(regime, row)),
                Cell(procedure or NONE, link(procedure) if procedure else ""),
                *source_cells(rule, str(row.get("article", ""))),
            )
        )
    heads = (
        Text("事项", "Operation"), Text("针对", "About"), Text("申请方", "Applied for by"), Text("登簿结果", "In the book"),
        Text("凭证", "Certificates"), Text("流程", "Procedure"), *SOURCE,
    )  # fmt: skip
    return Grid("operations", Text("登记事项", "Operations"), heads, tuple(rows))


def certificates_of(regime: Regime, row: Mapping[str, object]) -> Text:
    kinds = row.get("certificates")
    if kinds is None:
        kinds = (regime.head.certificate,)
    named = kinds if isinstance(kinds, tuple) else ()
    titles = [code_title(regime, "registry.certificate_kinds", str(k)) for k in named]
    return Text("、".join(t.zh for t in titles) or "不发证", ", ".join(t.en for t in titles) or "none")


def codes(regime: Regime, id_: str, title: Text, names: Iterable[str]) -> Grid:
    """Code tables one after another: rights, objects, certificates, grounds."""
    rows = []
    for name in names:
        rule = regime.values.get(name)
        if rule is not None:
            for row in rows_of(regime, name):
                rows.append((Cell(title_of(row)), Cell(Text(*rule.note)), *source_cells(rule, str(row.get("article", "")))))
    return Grid(id_, title, (Text("名称", "Name"), Text("属于", "One of"), *SOURCE), tuple(rows))


def code_grids(regime: Regime) -> tuple[Grid, ...]:
    grounds = [n for n in regime.values if n.startswith("registry.") and n.endswith("_grounds")]
    grounds = [n for n in grounds if n != "registry.query_grounds"]
    wanted = (
        ("objects", Text("登记对象", "Objects"), ["registry.objects"]),
        ("rights", Text("权利", "Rights"), [regime.head.rights, "registry.right_contents"]),
        ("certificates", Text("凭证种类", "Kinds of certificate"), ["registry.certificate_kinds"]),
        ("grounds", Text("理由与情形", "Grounds"), grounds),
        ("queries", Text("谁可查询", "Who may query"), ["registry.query_grounds"]),
    )
    return tuple(g for g in (codes(regime, i, t, dict.fromkeys(n)) for i, t, n in wanted) if g.rows)


def clocks(regime: Regime, tables: Iterable[Table]) -> Grid:
    """Every length, with the clocks of the procedures that count it."""
    used: dict[str, list[Text]] = {}
    for table in tables:
        for row in table.clocks:
            for length in row.lengths:
                kind = CLOCKS[row.kind]
                used.setdefault(length.rule, []).append(Text(f"{row.title.zh}（{kind.zh}）", f"{row.title.en} ({kind.en})"))
    rows = []
    for name in lengths(regime):
        rule = regime.values[name]
        told = list(dict.fromkeys(used.get(name, [])))
        counted = Text("；".join(t.zh for t in told) or NONE.zh, "; ".join(t.en for t in told) or NONE.en)
        rows.append((Cell(Text(*rule.note)), Cell(value_words(rule)), Cell(counted), *source_cells(rule)))
    heads = (Text("期限", "Period"), Text("长度", "Length"), Text("计时", "Clocks"), *SOURCE)
    return Grid("clocks", Text("期限", "Periods and clocks"), heads, tuple(rows))


def lengths(regime: Regime) -> tuple[str, ...]:
    return tuple(n for n, v in regime.values.items() if v.unit in LENGTHS and n.startswith("registry."))


def field_grids(regime: Regime) -> tuple[Grid, ...]:
    names = [n for n in regime.values if n.startswith("registry.fields_")]
    return tuple(_fields(regime, n) for n in sorted(names, key=lambda n: (n != "registry.fields_first", n)))


def _fields(regime: Regime, name: str) -> Grid:
    rule = regime.values[name]
    code = name.removeprefix("registry.fields_")
    rows = []
    for row in rows_of(regime, name):
        kind = KINDS.get(str(row.get("kind", "table" if "table" in row else "line")), NONE)
        when = code_title(regime, "registry.objects", str(row["when"])) if "when" in row else NONE
        rows.append(
            (
                Cell(title_of(row)), Cell(kind), Cell(YES if row.get("required", True) else NO), Cell(when),
                Cell(YES if row.get("public", True) else NO), *source_cells(rule, str(row.get("article", ""))),
            )
        )  # fmt: skip
    heads = (
        Text("栏目", "Field"), Text("填法", "Kind"), Text("必填", "Required"), Text("仅适用于", "Only for"),
        Text("公示可见", "In notices"), *SOURCE,
    )  # fmt: skip
    title = code_title(regime, "registry.operations", code)
    return Grid(f"fields-{code}", Text(f"申请栏目：{title.zh}", f"Fields: {title.en}"), heads, tuple(rows))


def steps(table: Table, regime: Regime | None = None) -> Grid:
    """The same as the drawing, row by row."""
    rows = []
    for state in table.states:
        for step in table.steps_from(state.id):
            rows.append(
                (
                    Cell(state.title), Cell(step.title), Cell(who(table, step)), Cell(_conditions(step.guards, regime)),
                    Cell(_targets(table, step, regime)), Cell(step.article or NONE),
                )
            )  # fmt: skip
    heads = (
        Text("状态", "State"), Text("可办事项", "Step"), Text("由谁", "By"), Text("条件", "Condition"), Text("转为", "Then"),
        Text("依据", "Article"),
    )  # fmt: skip
    return Grid(f"steps-{table.id}", Text(f"步骤：{table.title.zh}", f"Steps: {table.title.en}"), heads, tuple(rows))


def who(table: Table, step: Step) -> Text:
    known = {CLOCK: Text("期限届满", "the clock"), MANDATE: Text("系统（其他环节）", "the system")}
    titles = [table.party[r].title if r in table.party else known[r] for r in step.by]
    return Text(" / ".join(t.zh for t in titles), " / ".join(t.en for t in titles))


def _conditions(names: Iterable[str], regime: Regime | None) -> Text:
    told = [condition(n, regime) for n in names]
    return Text("；".join(t.zh for t in told) or NONE.zh, "; ".join(t.en for t in told) or NONE.en)


def _targets(table: Table, step: Step, regime: Regime | None) -> Text:
    zh, en = [], []
    for outcome in step.outcomes:
        to = table.state[outcome.to].title
        when = condition(outcome.when, regime) if outcome.when else None
        zh.append(f"{to.zh}（{when.zh}）" if when else to.zh)
        en.append(f"{to.en} ({when.en})" if when else to.en)
    return Text(" / ".join(dict.fromkeys(zh)), " / ".join(dict.fromkeys(en)))


def materials(table: Table, regime: Regime | None = None) -> Grid:
    """The matrix: each material once, with the steps that ask for it and when."""
    rows: dict[tuple[str, str | None], tuple[list[Text], tuple[Cell, ...]]] = {}
    for step in table.steps:
        for row in step.materials:
            rest: tuple[Cell, ...] = (
                Cell(condition(row.when, regime) if row.when else NONE),
                Cell(condition(row.waived_by, regime) if row.waived_by else NONE),
                Cell(row.article or step.article or NONE),
            )
            asked, _ = rows.setdefault((row.title.zh, row.when), ([row.title], rest))
            asked.append(step.title)
    made = []
    for (title, *at), rest in rows.values():
        told = list(dict.fromkeys(at))
        steps_ = Text("、".join(t.zh for t in told), ", ".join(t.en for t in told))
        made.append((Cell(title), Cell(steps_), *rest))
    heads = (
        Text("材料", "Material"), Text("交于", "With"), Text("情形", "When"), Text("免交", "Not asked if"),
        Text("依据", "Article"),
    )  # fmt: skip
    title = Text(f"材料：{table.title.zh}", f"Materials: {table.title.en}")
    return Grid(f"materials-{table.id}", title, heads, tuple(made))


def deciders(table: Table) -> Text:
    """Who brings the case to its good end, and who may refuse it."""
    good, bad = good_end(table), {s.id for s in table.states if s.final}
    grants = [who(table, s) for s in table.steps if any(o.to == good for o in s.outcomes) and s.by != (CLOCK,)]
    refuses = [
        who(table, s)
        for s in table.steps
        if s.do in ("refuse", "decline") and any(o.to in bad for o in s.outcomes)
    ]  # fmt: skip
    out = []
    for lang in (0, 1):
        words = (("准予：", "不予："), ("grants: ", "refuses: "))[lang]
        pairs = zip(words, (grants, refuses), strict=True)
        told = [w + "、".join(dict.fromkeys(t[lang] for t in titles)) for w, titles in pairs if titles]
        out.append(("；", "; ")[lang].join(told) or NONE.zh)
    return Text(out[0], out[1])


def others(regime: Regime, shown: Iterable[str]) -> Grid:
    """Every value that no other table shows, so that nothing of a regime is hidden."""
    seen = set(shown)
    rows = []
    for name, rule in regime.values.items():
        if name not in seen:
            rows.append((Cell(Text(*rule.note)), Cell(value_words(rule)), Cell(name), *source_cells(rule)))
    heads = (Text("规则", "Rule"), Text("值", "Value"), Text("名称", "Name"), *SOURCE)
    return Grid("others", Text("其他规则", "Other rules"), heads, tuple(rows))


def shown_elsewhere(regime: Regime) -> set[str]:
    """Names that the other tables of the page show."""
    names = {f"registry.{n}" for n in ("operations", "objects", "right_contents", "certificate_kinds")} | {regime.head.rights}
    names |= {n for n in regime.values if n.startswith("registry.") and n.endswith("_grounds")}
    return names | set(lengths(regime)) | {n for n in regime.values if n.startswith("registry.fields_")}
