"""The valuation report on paper: what was valued, the value, and every method worked out again from its inputs."""

from __future__ import annotations

from datetime import date

from shugu.appraisal.domain_valuation import Shown
from shugu.appraisal.queries_valuation import ValuationReportView
from shugu.formats.valuation import yuan
from shugu.kernel import runtime, seals
from shugu.kernel.text import Text
from shugu.kernel.workdays import local_day
from shugu.party import queries as parties
from shugu.web import short_links
from shugu.web.paper import Align, Document, Kind, Row, Seal, Section, Table, date_words

STATED = Text(
    "本报告由所列评估机构作出并对其负责。场所按报告所载参数逐一重算，结果与所载数额一致，并加盖场所签章；场所不对参数本身作判断。",
    "The body named made this report and answers for it. The venue worked every figure out again from the inputs stated, "
    "found them to agree and sealed the report; it does not judge the inputs.",
)


def valuation_document(view: ValuationReportView) -> Document:
    """The report as a document to print; the same view gives the same document."""
    order = view.order
    venue = Text(*runtime.rules().profile.title)
    zh, en = (parties.org_names([order.holder, order.body], lang) for lang in ("zh", "en"))
    relied = Row(Text("所依据的质量报告", "Quality report relied on"), view.quality_report, mono=True)
    facts = (
        Row(Text("评估对象", "Object"), f"{order.entry_number} {order.entry_title}"),
        Row(Text("权利类型", "Kind of right"), order.rights_title),
        Row(Text("委托单位", "Ordered by"), Text(zh[order.holder], en[order.holder])),
        Row(Text("评估机构", "Valuing body"), Text(zh[order.body], en[order.body])),
        Row(Text("评估目的", "Purpose"), order.purpose_title),
        Row(Text("价值类型", "Type of value"), order.value_type_title),
        Row(Text("评估基准日", "Base date"), _day(order.base_date)),
        Row(Text("有效至", "Valid until"), _day(view.valid_until)),
        Row(Text("应用场景", "Scenario"), order.scenario),
        *((Row(Text("评估范围", "Scope"), order.scope),) if order.scope else ()),
        *((Row(Text("报告使用人", "Users of the report"), order.users),) if order.users else ()),
        *((relied,) if view.quality_report else ()),
        Row(Text("签名的评估专业人员", "Appraisers who signed"), str(len(view.signers))),
        Row(Text("机构报告 SHA-256", "SHA-256 of the body's report"), view.digest, mono=True),
    )
    value = (
        Row(Text("评估结论（元）", "Value, CNY"), view.value), Row(Text("结论的形成", "How it follows"), view.follows),
        Row(Text("取整单位", "Rounded to"), view.unit),
    )  # fmt: skip
    return Document(
        kind=Kind.REPORT, title=Text("数据资产价值评估报告", "Valuation report on data assets"), number=view.number, issuer=venue,
        issued_on=local_day(view.delivered_at), demo=runtime.demo(), qr_url=short_links.address(view.number),
        seal=Seal(venue, seals.PURPOSES["valuation"], view.number, use="valuation"),
        sections=(
            Section(Text("基本情况", "Particulars"), rows=facts),
            Section(Text("评估结论", "Conclusion"), rows=value, paragraphs=(STATED,)),
            *(_method(method) for method in view.methods),
            Section(Text("报告说明", "What the report tells"), rows=tuple(Row(title, text) for title, text in view.parts)),
        ),
    )  # fmt: skip


def _day(day: date) -> Text:
    return Text(date_words(day, "zh"), date_words(day, "en"))


def _method(method: Shown) -> Section:
    columns = (
        Text("项目", "Item"), Text("金额（元）", "Amount, CNY"), Text("系数", "Factor"), Text("结果（元）", "Outcome, CNY"),
    )  # fmt: skip
    rows = tuple((step.label, step.base, step.factor, step.amount) for step in method.steps)
    totals = (Text("重算结果", "Worked out again"), "", "", yuan(method.due_fen))
    title = Text(f"{method.title.zh}：按参数重算", f"{method.title.en.capitalize()}: worked out from its inputs")
    return Section(
        title, rows=tuple(Row(label, value) for label, value in method.inputs), paragraphs=(method.formula,),
        table=Table(columns, rows, (Align.LEFT, *(Align.RIGHT,) * 3), (4, 3, 2, 3), totals),
    )  # fmt: skip
