"""What appraisal decides without a database: guards of the assignment table, the shape of a quality report."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from typing import Any, Final

from shugu.kernel.cases import CaseView
from shugu.kernel.text import Text
from shugu.kernel.vocabulary import OK, No, Verdict, guard, predicate

COMPLIANCE: Final = "compliance"
MATERIAL: Final = "compliance_report"
CONNECTOR_DOCUMENT: Final = "ShuguQualityReport"
BASIS_POINTS: Final = 10_000
# Who may read any assignment: the venue's review seats and those who watch.
STAFF: Final = frozenset({"operator", "reviewer", "compliance_officer", "regulator", "auditor"})
_DIMENSIONS: Final = 6


def body_kind(kind: str) -> str:
    """The accreditation a body needs for an assignment of this kind."""
    return f"service_body:{kind}"


@predicate("appraisal.body_is_accredited")
def body_is_accredited(view: CaseView) -> bool:
    return bool(view.data.get("body_accredited"))


@guard("appraisal.body_still_accredited")
def body_still_accredited(view: CaseView) -> Verdict:
    if view.facts.get("accredited"):
        return OK
    return No(Text("本机构没有现行有效的评估资格", "the body holds no accreditation in force for this evaluation"))


@guard("appraisal.body_is_unrelated")
def body_is_unrelated(view: CaseView) -> Verdict:
    """A body evaluates nobody it belongs to: not the holder, nobody sharing a member with any co-holder."""
    if view.facts.get("related"):
        return No(Text("评估机构与权利人存在利害关系，应当回避", "the body is related to a holder and must stand aside"))
    return OK


@guard("appraisal.conclusion_is_known")
def conclusion_is_known(view: CaseView) -> Verdict:
    draft = view.facts.get("draft_conclusion")
    if draft in view.rules.value("appraisal.compliance_conclusions").codes:
        return OK
    return No(Text("报告结论不在结论代码表内", "the conclusion is not in the table of conclusions"))


@guard("appraisal.enough_signers")
def enough_signers(view: CaseView) -> Verdict:
    least = int(view.rules.value("appraisal.report_signers").number)
    if int(view.facts.get("signers", 0)) >= least:
        return OK
    return No(Text(f"报告须有至少 {least} 名评估人员签字", f"the report needs the signatures of at least {least} people"))


def basis_points(score: object) -> int | None:
    """"0.9876" as 9876; None for a score that could not be assessed. Errors: ValueError outside 0 to 1."""
    if score is None:
        return None
    if not isinstance(score, str):
        raise ValueError("a score is text")
    try:
        value = Decimal(score)
    except InvalidOperation as error:
        raise ValueError("a score is a decimal number") from error
    if not value.is_finite() or not 0 <= value <= 1:
        raise ValueError("a score lies between 0 and 1")
    return int((value * BASIS_POINTS).quantize(Decimal(1), ROUND_HALF_UP))


def report_problem(report: object) -> Text | None:
    """Why this is no quality report of shugu.measure; None when its figures are there and agree with each other.

    X is recomputed from A and B: a report whose printed figures differ from its counts is not taken.
    """
    if not isinstance(report, Mapping) or report.get("kind") != "quality-report" or report.get("version") != 1:
        return Text("不是质量评价报告（版本 1）", "this is no quality report (version 1)")
    data, dimensions, overall = report.get("data"), report.get("dimensions"), report.get("overall")
    if not isinstance(data, Mapping) or not _is_digest(data.get("revision")) or not isinstance(data.get("rows"), int):
        return Text("报告没有数据版本摘要或行数", "the report lacks the data's digest or number of rows")
    if not isinstance(dimensions, list) or len(dimensions) != _DIMENSIONS or not isinstance(overall, Mapping):
        return Text("报告的维度或总分不齐", "the report lacks dimensions or the overall score")
    try:
        basis_points(overall.get("score"))
        for dimension in dimensions:
            basis_points(dimension["score"])
            for indicator in dimension["indicators"]:
                if not _agrees(indicator):
                    code = str(indicator["code"])
                    return Text(f"指标 {code} 的 X 与 A/B 不符", f"X of indicator {code} is not A/B")
    except (KeyError, TypeError, ValueError):
        return Text("报告内容不完整", "the report is malformed")
    return None


def _agrees(indicator: Mapping[str, Any]) -> bool:
    a, b, x = indicator["a"], indicator["b"], indicator["x"]
    if indicator["outcome"] == "not_assessable":
        return x is None and bool(indicator["reason"])
    if type(a) is not int or type(b) is not int or b <= 0 or not 0 <= a <= b:
        return False
    return basis_points(x) == int((Decimal(a) * BASIS_POINTS / b).quantize(Decimal(1), ROUND_HALF_UP))


def _is_digest(text: object) -> bool:
    return isinstance(text, str) and len(text) == 64 and set(text) <= set("0123456789abcdef")
