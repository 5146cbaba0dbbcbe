"""Supervision's answers as the components take them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

from django.urls import reverse

from shugu.catalogue import queries as catalogue
from shugu.evidence import queries as evidence
from shugu.kernel.errors import NotFound
from shugu.kernel.money import format_fen
from shugu.kernel.tables import table as procedure_table
from shugu.kernel.text import Text
from shugu.party import queries as parties
from shugu.registry import queries as registry
from shugu.supervision import queries
from shugu.supervision.queries import Kpi
from shugu.trade import queries as trade
from shugu.web import language
from shugu.web.case_shapes import state_chip
from shugu.web.charts import Gauge, Mark
from shugu.web.from_kernel import source_of
from shugu.web.shapes import Chip, Seal, SealState, Tile, Tone
from shugu.web.tables import Column, Kind

MOST: Final = 50
NOT_RECORDED: Final = Text("尚无记录", "not recorded yet")
WHAT: Final = {
    "kpi": Text("指标", "targets"), "kpi_rows": Text("指标明细", "rows of a target"), "cases": Text("办件检索", "case search"),
    "case": Text("查看办件", "a case"), "facts": Text("事实检索", "fact search"), "number": Text("按编号查", "by number"),
    "overdue": Text("逾期时限", "overdue clocks"), "looks": Text("查询留痕", "supervisory queries"),
    "inspections": Text("抽查", "inspections"), "draw": Text("抽取记录", "a draw"),
}  # fmt: skip


@dataclass(frozen=True)
class KpiLine:
    tile: Tile
    gauge: Gauge | None


def to(page: str, field: str) -> Callable[[Any], str]:
    """The address of a row's page, named by one of its fields."""
    return lambda row: reverse(page, args=[getattr(row, field)])


def amount(value: int, unit: str) -> str:
    return f"¥{format_fen(value)}" if unit == "fen" else f"{value:,}"


def kpi_line(kpi: Kpi) -> KpiLine:
    href = reverse("supervision:kpi_rows", args=[kpi.code]) if kpi.code in queries.RECORDED else ""
    text = amount(kpi.value, kpi.unit) if kpi.value is not None else NOT_RECORDED.pick(language.current())
    tone = {True: Tone.GOOD, False: Tone.PROGRESS, None: Tone.NEUTRAL}[kpi.met]
    if kpi.target is None:
        note = Text("本场所规则未定目标", "the venue's rules set no target")
        return KpiLine(Tile(kpi.title, text, note=note, href=href, tone=tone), None)
    sign, target = (">" if kpi.strict else "≥"), amount(kpi.target.number, kpi.unit)
    until = f"，{kpi.due} 前" if kpi.due else ""
    by = f", by {kpi.due}" if kpi.due else ""
    note = Text(f"目标 {sign} {target}{until}", f"target {sign} {target}{by}")
    tile = Tile(kpi.title, text, note=note, href=href, source=source_of(kpi.target), tone=tone)
    if kpi.value is None:
        return KpiLine(tile, None)
    goal = kpi.target.number + (1 if kpi.strict else 0)
    marks = Mark(kpi.title, float(kpi.value), text), Mark(Text("目标", "Target"), float(goal), target)
    return KpiLine(tile, Gauge(kpi.title, marks[0], marks[1], float(max(goal, kpi.value))))


def kpi_title(code: str) -> Text:
    return queries.TITLES[code]


def case_chip(line: queries.CaseLine) -> Chip:
    return state_chip(procedure_table(line.procedure, line.version), line.state)


def seal_column(rows: Sequence[Any], fact: str) -> Column:
    """A badge proved for each row of the page; the badge leads to its proof."""
    badges = evidence.badges([getattr(r, fact) for r in rows])

    def seal(row: Any) -> Seal | None:
        badge = badges.get(getattr(row, fact))
        if badge is None:
            return None
        url = reverse("evidence:fact", args=[badge.fact_id])
        return Seal(SealState(badge.state.value), url, badge.index, f"{url}proof/")

    return Column("seal", Text("存证", "Evidence"), seal, Kind.SEAL)


def fact_columns(rows: Sequence[queries.FactLine]) -> tuple[Column, ...]:
    orgs = parties.org_names([r.org for r in rows if r.org is not None])
    people = parties.person_names([r.person for r in rows if r.person is not None])
    return (
        Column("id", Text("事实", "Fact"), lambda r: str(r.id), Kind.CODE, href=to("evidence:fact", "id")),
        Column("title", Text("事项", "What"), "title"),
        Column("name", Text("名称", "Name"), "name", Kind.CODE),
        Column("subject", Text("对象", "Subject"), "subject", Kind.CODE),
        Column("who", Text("何人", "Who"), lambda r: " · ".join(n for n in (orgs.get(r.org, ""), people.get(r.person, "")) if n)),
        Column("at", Text("记录", "Recorded"), "recorded_at", Kind.MOMENT),
        Column("position", Text("日志位置", "Index"), "position", Kind.NUMBER),
        seal_column(rows, "id"),
    )


def kpi_table(code: str, on: date, page: int) -> tuple[tuple[Column, ...], list[Any], bool]:
    """Columns, the rows of page 0, 1, …, and whether more follow. Errors: NotFound for a figure without rows."""
    offset = page * MOST
    if code == "merchants":
        return _part(_org_columns(), parties.accredited("merchant", on), offset)
    if code == "listed_products":
        found = catalogue.search(catalogue.SearchQuery(sort="newest", page=page + 1))
        return _product_columns(), list(found.cards), found.page < found.pages
    if code == "trading_value":
        rows = trade.settled(limit=MOST + 1, offset=offset)
        return _trade_columns(rows), rows[:MOST], len(rows) > MOST
    if code == "high_quality_data_sets":
        return _part(_quality_columns(), queries.high_quality(on), offset)
    raise NotFound(what=("指标明细", "rows of this target"))


def _part(columns: tuple[Column, ...], rows: list[Any], offset: int) -> tuple[tuple[Column, ...], list[Any], bool]:
    return columns, rows[offset : offset + MOST], len(rows) > offset + MOST


def _org_columns() -> tuple[Column, ...]:
    return (
        Column("number", Text("编号", "Number"), "number", Kind.CODE, href=to("party:organisation", "number")),
        Column("name", Text("单位", "Organisation"), "name"),
        Column("uscc", Text("信用代码", "Credit code"), "uscc", Kind.CODE),
        Column("type", Text("数商类型", "Type"), "merchant_type"),
    )


def _product_columns() -> tuple[Column, ...]:
    return (
        Column("number", Text("编号", "Number"), "number", Kind.CODE, href=to("catalogue:product", "number")),
        Column("title", Text("产品", "Product"), "title"),
        Column("listed", Text("挂牌", "Listed"), "listed_at", Kind.MOMENT),
    )


def _trade_columns(rows: Sequence[trade.SettledView]) -> tuple[Column, ...]:
    names = parties.org_names([o for r in rows for o in (r.provider_org, r.buyer_org)])
    return (
        Column("number", Text("交易凭证", "Voucher"), "number", Kind.CODE, href=to("trade:voucher", "number")),
        Column(
            "contract", Text("合同", "Contract"), "contract_number", Kind.CODE,
            href=to("trade:contract", "contract_number"),
        ),
        Column("provider", Text("提供方", "Provider"), lambda r: names.get(r.provider_org, "")),
        Column("buyer", Text("需求方", "Buyer"), lambda r: names.get(r.buyer_org, "")),
        Column("on", Text("完成", "Completed"), "completed_on", Kind.DAY),
        Column("price", Text("金额", "Value"), "price_fen", Kind.MONEY),
    )  # fmt: skip


def _quality_columns() -> tuple[Column, ...]:
    def title(row: Any) -> str:
        return registry.entry(row.entry_id).title

    return (
        Column("number", Text("质量报告", "Quality report"), "number", Kind.CODE, href=lambda r: f"/quality/{r.number}/"),
        Column("entry", Text("登记", "Entry"), title),
        Column("score", Text("总分", "Score"), lambda r: f"{r.score / 100:.2f}%"),
        Column("until", Text("有效期至", "Valid until"), "valid_until", Kind.DAY),
    )
