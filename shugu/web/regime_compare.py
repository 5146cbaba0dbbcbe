"""Two regimes side by side: what is the same, what differs, what only one of them has. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from shugu.kernel.procedure import Table
from shugu.kernel.regimes import Regime
from shugu.kernel.rules import RuleValue
from shugu.kernel.text import Text
from shugu.web.regime_view import certificates_of, deciders, lengths, source_text
from shugu.web.regime_words import BY, FORCE, NONE, ON, WRITES, rows_of, title_of, value_words
from shugu.web.shapes import Chip, Tone
from shugu.web.wording import STATUS

SAME = Chip(Text("相同", "same"), Tone.NEUTRAL)
DIFFERENT = Chip(Text("不同", "differs"), Tone.WARNING)
ONLY_LEFT = Chip(Text("仅左方有", "left only"), Tone.WAITING)
ONLY_RIGHT = Chip(Text("仅右方有", "right only"), Tone.WAITING)
# The lengths people ask for first.
FIRST = ("registry.notice_period", "registry.certificate_term")


@dataclass(frozen=True)
class Side:
    """`text` decides whether two sides differ; `source` says where it stands."""

    text: Text
    source: Text | None = None


@dataclass(frozen=True)
class Line:
    title: Text
    left: Side | None
    right: Side | None

    @property
    def verdict(self) -> Chip:
        if self.left is None or self.right is None:
            return ONLY_LEFT if self.right is None else ONLY_RIGHT
        return SAME if self.left.text == self.right.text else DIFFERENT


@dataclass(frozen=True)
class Section:
    id: str
    title: Text
    lines: tuple[Line, ...]

    def differing(self) -> Section:
        return Section(self.id, self.title, tuple(x for x in self.lines if x.verdict is not SAME))


@dataclass(frozen=True)
class Compared:
    """A regime with the tables its operations run by."""

    regime: Regime
    tables: Mapping[str, Table]


def compare(left: Compared, right: Compared) -> tuple[Section, ...]:
    a, b = left.regime, right.regime
    coded = (
        ("certificates", Text("凭证种类", "Certificates"), "registry.certificate_kinds", "registry.certificate_kinds"),
        ("rights", Text("权利", "Rights"), a.head.rights, b.head.rights),
        ("objects", Text("登记对象", "Objects"), "registry.objects", "registry.objects"),
        ("refusals", Text("不予登记的情形", "Grounds of refusal"), "registry.refusal_grounds", "registry.refusal_grounds"),
        ("objections", Text("异议理由", "Grounds of objection"), "registry.objection_grounds", "registry.objection_grounds"),
    )
    sections = (
        ("documents", Text("文件", "Documents"), _documents(a), _documents(b)),
        ("operations", Text("登记事项", "Operations"), _operations(a), _operations(b)),
        ("periods", Text("期限、公示与有效期", "Periods, notice and term"), _lengths(a), _lengths(b)),
        ("deciders", Text("由谁决定", "Who decides"), _deciders(left), _deciders(right)),
        *((i, title, _codes(a, x), _codes(b, y)) for i, title, x, y in coded),
        ("materials", Text("首次登记材料", "Materials of first registration"), _materials(left), _materials(right)),
        ("choices", Text("其他约定", "Other choices"), _choices(a), _choices(b)),
    )
    return tuple(Section(i, t, _lines(x, y)) for i, t, x, y in sections)


Sides = Mapping[str, tuple[Text, Side]]


def _lines(left: Sides, right: Sides) -> tuple[Line, ...]:
    out = []
    for key in dict.fromkeys([*left, *right]):
        title = (left.get(key) or right[key])[0]
        out.append(Line(title, left[key][1] if key in left else None, right[key][1] if key in right else None))
    return tuple(out)


def _said(text: Text, rule: RuleValue, article: str = "") -> Side:
    source, force = source_text(rule, article), FORCE[str(rule.force)]
    return Side(text, Text(f"{source.zh} · {force.zh}", f"{source.en} · {force.en}"))


def _documents(regime: Regime) -> Sides:
    out = {}
    for document, _ in regime.documents:
        first, status = document.effective[0], STATUS[str(document.status)]
        text = Text(f"{status.zh}，自 {first} 起", f"{status.en}, from {first}")
        out[document.id.rpartition("/")[0]] = (Text(*document.title), Side(text))
    return out


def _operations(regime: Regime) -> Sides:
    rule, out = regime.values["registry.operations"], {}
    for row in rows_of(regime, "registry.operations"):
        parts = [BY.get(str(row.get("by")), NONE), ON.get(str(row.get("on")), NONE), WRITES.get(str(row.get("writes")), NONE)]
        parts.append(certificates_of(regime, row))
        text = Text("；".join(p.zh for p in parts), "; ".join(p.en for p in parts))
        out[str(row["code"])] = (title_of(row), _said(text, rule, str(row.get("article", ""))))
    return out


def _lengths(regime: Regime) -> Sides:
    names = sorted(lengths(regime), key=lambda n: (n not in FIRST, n))
    return {n: (Text(*regime.values[n].note), _said(value_words(regime.values[n]), regime.values[n])) for n in names}


def _deciders(side: Compared) -> Sides:
    out = {}
    for row in rows_of(side.regime, "registry.operations"):
        table = side.tables.get(str(row["code"]))
        if table is not None:
            out[str(row["code"])] = (title_of(row), Side(deciders(table), Text(table.source, table.source)))
    return out


def _codes(regime: Regime, name: str) -> Sides:
    rule = regime.values.get(name)
    if rule is None:
        return {}
    return {
        str(row["code"]): (title_of(row), _said(title_of(row), rule, str(row.get("article", ""))))
        for row in rows_of(regime, name)
    }  # fmt: skip


def _materials(side: Compared) -> Sides:
    table = side.tables.get("first")
    if table is None:
        return {}
    out: dict[str, tuple[Text, Side]] = {}
    for step in table.steps:
        for row in step.materials:
            article = row.article or step.article
            out.setdefault(row.id, (row.title, Side(row.title, Text(article, article))))
    return out


def _choices(regime: Regime) -> Sides:
    """Switches and single codes: how a regime decides what no number says."""
    out = {}
    for name, rule in regime.values.items():
        single = isinstance(rule.value, bool | str) or (isinstance(rule.value, int) and rule.unit in ("count", "none"))
        if name.startswith("registry.") and single:
            out[name] = (Text(*rule.note), _said(value_words(rule), rule))
    return out
