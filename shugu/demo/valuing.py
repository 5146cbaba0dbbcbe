"""Within the fourth chapter: the right is valued; the venue works the figures out again and seals the report."""

from __future__ import annotations

from typing import Any

from shugu.appraisal import queries as appraisals
from shugu.appraisal import services as appraisal
from shugu.demo import cast
from shugu.demo.narrator import Narrator
from shugu.formats.canonical import canonical
from shugu.formats.valuation import concluded, rounded, work
from shugu.kernel import clock
from shugu.kernel.cases import Actor
from shugu.kernel.text import Text
from shugu.kernel.workdays import local_day
from shugu.registry import queries as registry

YUAN = 100
# What the invented body states; the results are worked out below, as a careful body would.
STATED: tuple[dict[str, Any], ...] = (
    {
        "method": "income", "forecast": "sharing", "share": "0.35",
        "rate": [
            ["risk_free", "2.3"], ["management", "1.2"], ["circulation", "1.5"], ["data_security", "1"], ["supervision", "1.5"],
        ],
        "years": [{"income_fen": 9_600_000_00}, {"income_fen": 8_400_000_00}, {"income_fen": 6_000_000_00}],
    },
    {
        "method": "cost",
        "items": [
            ["early", 180_000_00], ["direct", 1_250_000_00], ["indirect", 320_000_00], ["opportunity", 0], ["taxes", 90_000_00],
        ],
        "coefficient": {"by": "quality", "factor": "0.92"},
    },
)  # fmt: skip
PARTS = {
    "asset": "2013 年纽约三大机场全部离港航班 336,776 条；加工使用权与产品经营权，由登记证书证明。",
    "quality": "采用场所签发的质量报告：GB/T 36344 六个维度逐项测评，延误时刻的缺失已在报告中列明。",
    "scenario": "航空物流时效预测与准点研究；不限地域，不得用于识别个人。",
    "prospects": "航空货运时效服务需求平稳增长，公开统计的替代来源较多。",
    "sources": "权利人的合同与账册、场所的登记簿与质量报告、行业公开统计。",
    "experts": "无",
    "choice": "收益可预测、成本可核，采用收益法与成本法；场内可比成交不足三例，市场法不适用。",
    "parameters": "收益取已签意向的平均数；分成率取同类数据服务合同；各项风险报酬率逐项打分；成本取自账册。",
    "conclusion": "两法结果的差异来自对未来场景的估计，收益法权重三、成本法权重一。",
    "assumptions": "数据可持续合法使用；现行法规与税费不变；不考虑整体出售。",
}


def calculation() -> dict[str, Any]:
    """To the yuan; the income method counts threefold."""
    methods = [{**method, "value_fen": rounded(work(method | {"value_fen": 0}).exact, YUAN)} for method in STATED]
    told: dict[str, Any] = {"kind": "weighted", "weights": [["income", 3], ["cost", 1]]}
    (value,) = concluded(told, {m["method"]: m["value_fen"] for m in methods}, YUAN)
    return {"unit_fen": YUAN, "methods": methods, "conclusion": {**told, "value_fen": value}}


def value_right(tell: Narrator, entry_id: int, holder: Actor, body: Actor) -> str:
    """Ordered, accepted, filed, delivered; the number of the sealed report."""
    assert body.org is not None
    today = local_day(clock.now())
    entry, quality = registry.entry(entry_id), appraisals.quality_of(entry_id, today)
    order = appraisal.OrderValuation(
        entry_id, body.org, "trade", "market", today, entry.rights, "航空物流时效预测与准点研究", users="权利人及拟受让方"
    )
    case = appraisal.order_valuation(order, actor=holder, now=clock.now()).pk
    appraisal.act_on_valuation(appraisal.ActOnValuation(case, "accept"), actor=body, now=clock.now())
    title = Text("价值评估报告", "valuation report")
    report = appraisal.FileValuationReport(
        case, calculation(), PARTS, ("奎音", "蒯衡"), True, f"{title.zh}.pdf", cast.paper(title, body.org),
        quality.number if quality is not None else "",
    )  # fmt: skip
    number = appraisal.file_valuation_report(report, actor=body, now=clock.now()).number
    appraisal.act_on_valuation(appraisal.ActOnValuation(case, "deliver"), actor=body, now=clock.now())
    tell.keep("valuation-report.json", canonical(appraisals.valuation_credential(number, holder)))
    value = appraisals.valuation_report(number).value
    tell.note(report=number)
    tell.say(f"评估结论 {value} 元，按参数重算一致", f"value {value} CNY, as its inputs give")
    return number
