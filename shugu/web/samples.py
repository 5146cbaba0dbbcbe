"""What the style guide shows: every component in each of its states. Made-up records, named so."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

from django import forms
from django.http import HttpRequest
from django.urls import reverse

from shugu.formats.errors import BadUscc
from shugu.kernel.rules import Force
from shugu.kernel.text import Text
from shugu.web import charts
from shugu.web.forms import FieldForm, add_refusal, words
from shugu.web.shapes import (
    Act,
    Chip,
    ClockFace,
    Empty,
    Event,
    Link,
    Progress,
    Record,
    Seal,
    SealState,
    Source,
    Tile,
    Tone,
)
from shugu.web.tables import Choice, Column, Kind, Table, make_table

DUE = date(2026, 10, 12)
LAW = Source(
    Text("样例登记办法", "Sample Registration Measures"),
    "第十五条",
    Force.MUST,
    "trial",
    date(2023, 6, 1),
    number="样例〔2023〕1号",
)
OURS = Source(Text("本场所规则", "Rules of this venue"), "", Force.VENUE, "venue", date(2026, 1, 1))

CHIPS = (
    Chip(Text("草稿", "Draft"), Tone.NEUTRAL),
    Chip(Text("实质审查中", "Substantive review"), Tone.PROGRESS),
    Chip(Text("待补正", "Awaiting correction"), Tone.WAITING),
    Chip(Text("已登记", "Registered"), Tone.GOOD),
    Chip(Text("有异议", "Objected"), Tone.WARNING),
    Chip(Text("不予登记", "Refused"), Tone.BAD),
    Chip(Text("已中止", "Suspended"), Tone.STOPPED),
)
CLOCKS = (
    ClockFace(DUE, 3, note=Text("含国庆调休", "with make-up days of the National Day holiday"), source=LAW),
    ClockFace(DUE, 0, title=Text("补正", "Correction")),
    ClockFace(DUE, -2, title=Text("初审", "Initial review"), source=LAW),
    ClockFace(DUE, 10, "cd", "bar", Text("公示", "Public notice"), source=OURS),
    ClockFace(DUE, 5, stopped=Text("异议处理中", "an objection is open")),
    ClockFace(date(2028, 2, 8), 120, provisional=True),
    ClockFace(DUE, 1, met_on=date(2026, 10, 9)),
)


def seals() -> tuple[Seal, ...]:
    panel = reverse("web:style_panel")
    return (
        Seal(SealState.SEALED, panel, 128_406),
        Seal(SealState.WAITING, panel),
        Seal(SealState.BROKEN, panel, 128_407),
    )


def record() -> Record:
    here = reverse("web:style")
    return Record(
        name=Text("样例：航班准点数据集", "Sample: flight punctuality data set"),
        number="SAMPLE-2026-000123-7",
        kind=Text("数据产权登记 · 首次登记", "Data property · first registration"),
        state=CHIPS[1],
        holder=Text("样例数据有限公司", "Sample Data Ltd."),
        dates=(
            (Text("申请日", "Applied"), date(2026, 9, 20)),
            (Text("受理日", "Accepted"), datetime(2026, 9, 22, 1, 30, tzinfo=UTC)),
            (Text("有效期至", "Valid until"), None),
        ),
        clock=CLOCKS[0],
        seal=seals()[0],
        acts=(
            Act("decide", Text("作出决定", "Decide"), here, primary=True),
            Act("ask", Text("通知补正", "Ask for correction"), here),
            Act(
                "suspend",
                Text("中止", "Suspend"),
                here,
                "post",
                danger=True,
                confirm=Text("确定中止？", "Suspend it?"),
            ),
            Act(
                "issue",
                Text("颁发凭证", "Issue certificate"),
                here,
                refused=Text("公示期未满，还有 10 天", "the public notice runs for 10 more days"),
                article="第十八条",
            ),
        ),
    )


def events() -> tuple[Event, ...]:
    def at(day: int) -> datetime:
        return datetime(2026, 9, day, 2, 15, tzinfo=UTC)

    return (
        Event(
            Text("提交申请", "Applied"),
            at(20),
            "样例数据有限公司 陈一",
            seal=seals()[0],
            tone=Tone.GOOD,
            attachments=(Link(Text("来源证明.pdf", "source-proof.pdf"), "#"), Link("quality.json", "#")),
        ),
        Event(
            Text("通知补正", "Correction asked for"),
            at(21),
            "登记员 林二",
            "一次告知：缺少许可清单；字段说明不完整。",
            tone=Tone.WAITING,
            seal=seals()[1],
        ),
        Event(Text("受理", "Accepted"), at(22), "登记员 林二", effective_on=date(2026, 9, 22), tone=Tone.GOOD),
        Event(
            Text("实质审查", "Substantive review"),
            current=True,
            actor="审查员 周三",
            clock=CLOCKS[0],
            tone=Tone.PROGRESS,
        ),
        Event(Text("公示", "Public notice"), latest=date(2026, 10, 12)),
        Event(Text("颁发凭证", "Issue of the certificate"), latest=date(2026, 11, 3)),
    )


def table(request: HttpRequest) -> Table:
    names = (("航班准点", "Flight punctuality"), ("机场气象", "Airport weather"), ("机队清单", "Fleet list"))
    rows: list[dict[str, Any]] = [
        {
            "number": f"SAMPLE-{place:04d}",
            "name": Text(f"样例 {names[place % 3][0]} {place}", f"Sample {names[place % 3][1]} {place}"),
            "state": CHIPS[place % len(CHIPS)],
            "price": place * 123_457,
            "updated": datetime(2026, 9, 1 + place % 28, 3, 0, tzinfo=UTC),
            "clock": CLOCKS[place % len(CLOCKS)],
        }
        for place in range(1, 121)
    ]
    wanted = request.GET.get("kind", "")
    if wanted.isdigit():
        rows = [r for r in rows if int(r["number"][-4:]) % 3 == int(wanted)]
    columns = (
        Column(
            "number",
            Text("编号", "Number"),
            kind=Kind.CODE,
            order="number",
            href=lambda row: f"#{row['number']}",
        ),
        Column("name", Text("名称", "Name"), order="name"),
        Column("state", Text("状态", "State"), kind=Kind.CHIP),
        Column("clock", Text("时限", "Clock"), kind=Kind.CLOCK, order="clock"),
        Column("price", Text("价格（元）", "Price (yuan)"), kind=Kind.MONEY, order="price"),
        Column("updated", Text("更新", "Updated"), kind=Kind.MOMENT, order="updated"),
    )
    kinds = tuple((str(i), Text(*pair)) for i, pair in enumerate(names))
    return make_table(
        request,
        id="samples",
        caption=Text("样例产品", "Sample products"),
        columns=columns,
        rows=rows,
        choices=(Choice("kind", Text("种类", "Kind"), kinds),),
        page_size=8,
    )


def empty_table(request: HttpRequest) -> Table:
    nothing = Empty(
        Text("您还没有登记任何数据。", "You have not registered any data yet."),
        Link(Text("登记第一项", "Register the first"), reverse("web:style")),
    )
    return make_table(
        request,
        id="nothing",
        caption=Text("我的登记", "My registrations"),
        columns=(),
        rows=[],
        empty=nothing,
    )


class SampleForm(FieldForm):
    sources = {"days": LAW}

    name = forms.CharField(
        label=words("数据名称", "Name of the data"), help_text=words("公示时显示", "Shown in the notice")
    )
    uscc = forms.CharField(label=words("统一社会信用代码", "Unified social credit code"))
    days = forms.IntegerField(label=words("公示期（天）", "Public notice (days)"), initial=10)
    kind = forms.ChoiceField(
        label=words("登记类型", "Kind"),
        choices=[("first", words("首次", "First")), ("change", words("变更", "Change"))],
    )
    rights = forms.MultipleChoiceField(
        label=words("权利", "Rights"),
        widget=forms.CheckboxSelectMultiple,
        required=False,
        choices=[
            ("holding", words("持有", "Hold")),
            ("processing_use", words("加工使用", "Process and use")),
            ("operation", words("经营", "Operate")),
        ],
    )
    proof = forms.FileField(
        label=words("来源证明", "Proof of source"),
        required=False,
        help_text=words("可拖入文件", "Drop a file"),
    )
    agreed = forms.BooleanField(label=words("承诺材料真实", "I vouch for the materials"))


def form() -> SampleForm:
    """As shown again after a refusal: what was typed is still there, the error stands beside its field."""
    shown = SampleForm({"name": "样例", "uscc": "91330100MA2XXXXX0X", "days": "10", "kind": "first"})
    add_refusal(
        shown,
        BadUscc(
            value="91330100MA2XXXXX0X",
            reason=("校验位不符", "its check digit does not match"),
            field_errors={
                "uscc": (
                    "第 18 位校验位不符，请对照营业执照核对。",
                    "The 18th character does not match; check the licence.",
                )
            },
        ),
    )
    return shown


def pictures() -> tuple[charts.Chart, ...]:
    def mark(zh: str, en: str, value: float | None, text: str | Text) -> charts.Mark:
        return charts.Mark(Text(zh, en), value, text)

    missing = Text("无法评价", "not assessable")
    return (
        charts.Radar(
            Text("数据质量（样例）", "Data quality (sample)"),
            (
                mark("规范性", "Conformity", 0.98, "98.0%"),
                mark("完整性", "Completeness", 0.86, "86.0%"),
                mark("准确性", "Accuracy", 0.93, "93.0%"),
                mark("一致性", "Consistency", 0.99, "99.0%"),
                mark("时效性", "Timeliness", None, missing),
                mark("可访问性", "Accessibility", 0.9, "90.0%"),
            ),
        ),
        charts.Bars(
            Text("按列完整性（样例）", "Completeness by column (sample)"),
            (
                mark("dep_time", "dep_time", 0.975, "97.5%"),
                mark("tailnum", "tailnum", 0.4, "40.0%"),
                mark("wind_gust", "wind_gust", None, missing),
            ),
            1.0,
        ),
        charts.Gauge(
            Text("按期办结率（样例）", "Decided in time (sample)"),
            mark("按期办结率", "Decided in time", 91.4, "91.4%"),
            mark("目标", "Target", 95, "95%"),
            100,
        ),
        charts.Line(
            Text("成交价（样例）", "Price history (sample)"),
            tuple(
                mark(f"2026-{m:02d}", f"2026-{m:02d}", v, "—" if v is None else f"¥{v:,.2f}")
                for m, v in enumerate((900, 940, 910, None, 1020, 1080, 1060), start=1)
            ),
        ),
    )


TILES = (
    Tile(
        Text("在办", "Open cases"),
        "1,284",
        Text("件", "cases"),
        Text("其中逾期 3 件", "3 overdue"),
        tone=Tone.WARNING,
    ),
    Tile(Text("本月成交", "Traded this month"), "12,345,678.00", Text("元", "yuan"), tone=Tone.GOOD),
    Tile(
        Text("平均登记时长", "Registration takes"),
        "8.4",
        Text("个工作日", "working days"),
        source=LAW,
        tone=Tone.PROGRESS,
    ),
    Tile(Text("待存证", "Waiting for proof"), "0", tone=Tone.NEUTRAL),
)
PROGRESS = Progress(Text("质量评价", "Quality evaluation"), 215_000, 336_776, 41_000.0, 3)
