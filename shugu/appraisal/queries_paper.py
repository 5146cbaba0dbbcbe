"""The quality report on paper: the same figures as its page, scores as bars."""

from __future__ import annotations

from typing import Any

from shugu.appraisal.domain import BASIS_POINTS
from shugu.appraisal.queries import DimensionView, QualityView
from shugu.kernel import runtime, seals
from shugu.kernel.text import Text
from shugu.kernel.workdays import local_day
from shugu.registry import queries as registry
from shugu.web import short_links
from shugu.web.paper import Align, Bar, Document, Kind, Row, Seal, Section, Table

NOT_ASSESSABLE = Text("不可评", "not assessable")


def quality_document(view: QualityView) -> Document:
    """The report as a document to print; the same view gives the same document."""
    entry = registry.entry(view.entry_id, local_day(view.taken_at))
    venue = Text(*runtime.rules().profile.title)
    report = view.report
    facts = (
        Row(Text("登记", "Entry"), f"{entry.number} {entry.title}"),
        Row(Text("连接器", "Connector"), view.connector_id, mono=True),
        Row(Text("标准", "Standard"), str(report["standard"])),
        Row(Text("测评时间", "Measured at"), str(report["measured_at"]), mono=True),
        Row(Text("有效至", "Valid until"), view.valid_until.isoformat()),
        Row(Text("数据行数", "Rows"), f"{report['data']['rows']:,}"),
        Row(Text("数据摘要 SHA-256", "SHA-256 of the data"), view.data_digest, mono=True),
        Row(Text("报告摘要 SHA-256", "SHA-256 of the report"), view.report_digest, mono=True),
    )
    aggregation = report["overall"]["aggregation"]
    bars = tuple(_bar(d) for d in view.dimensions)
    overall = Bar(Text("总分", "Overall"), view.score, BASIS_POINTS, _figure(view.score))
    return Document(
        kind=Kind.REPORT, title=Text("数据质量评价报告", "Data quality report"), number=view.number, issuer=venue,
        issued_on=local_day(view.taken_at), demo=runtime.demo(), qr_url=short_links.address(view.number),
        seal=Seal(venue, seals.PURPOSES["quality"], view.number, use="quality"),
        sections=(
            Section(Text("基本情况", "Particulars"), rows=facts),
            Section(
                Text("得分", "Scores"), bars=(overall, *bars), paragraphs=(Text(aggregation["zh"], aggregation["en"]),)
            ),
            *(Section(d.title, table=_table(d)) for d in view.dimensions),
        ),
    )  # fmt: skip


def _bar(dimension: DimensionView) -> Bar:
    return Bar(dimension.title, dimension.score, BASIS_POINTS, _figure(dimension.score))


def _figure(score: int | None) -> str:
    return "" if score is None else f"{score // 100}.{score % 100:02d}%"


def _table(dimension: DimensionView) -> Table:
    columns = (
        Text("指标与规则", "Indicator and rules"), Text("A", "A"), Text("B", "B"), Text("X = A/B", "X = A/B"),
        Text("行数", "Rows"),
    )  # fmt: skip
    rows: list[tuple[str | Text, ...]] = []
    for one in dimension.indicators:
        rows += _rows(one)
    return Table(columns, tuple(rows), (Align.LEFT, *(Align.RIGHT,) * 4), (6, 2, 2, 2, 2))


def _rows(one: Any) -> list[tuple[str | Text, ...]]:
    title = Text(f"{one['code']} {one['title']['zh']}", f"{one['code']} {one['title']['en']}")
    if one["outcome"] != "scored":
        why = one["reason"]
        named = Text(f"{title.zh}：{why['zh']}", f"{title.en}: {why['en']}")
        return [(named, NOT_ASSESSABLE, "", "", f"{one['rows_evaluated']:,}")]
    rows: list[tuple[str | Text, ...]] = [
        (title, f"{one['a']:,}", f"{one['b']:,}", str(one["x"]), f"{one['rows_evaluated']:,}")
    ]
    for part in one["parts"]:
        rule = f" {part['rule']}" if part["rule"] else ""
        rows.append((f"· {part['name']}{rule}", f"{part['a']:,}", f"{part['b']:,}", str(part["x"] or "—"), ""))
    return rows
