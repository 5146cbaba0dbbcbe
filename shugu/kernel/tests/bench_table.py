"""A table that uses the whole grammar, with its guards, for the engine's own tests."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from shugu.kernel.cases import CaseView, PartyView
from shugu.kernel.procedure import Table, parse_table
from shugu.kernel.text import Text
from shugu.kernel.vocabulary import OK, NeedsUndertaking, No, Opening, Verdict, Vocabulary


def words() -> Vocabulary:
    made = Vocabulary()

    @made.guard("kernel_test.calm")
    def calm(view: CaseView) -> Verdict:
        return No(Text("有异议", "objected"), "第二十条") if view.data.get("objected") else OK

    @made.guard("kernel_test.warned")
    def warned(view: CaseView) -> Verdict:
        return NeedsUndertaking(Text("知悉风险", "I know the risk")) if view.data.get("risky") else OK

    @made.predicate("kernel_test.grave")
    def grave(view: CaseView) -> bool:
        return bool(view.data.get("grave"))

    @made.predicate("kernel_test.traded")
    def traded(view: CaseView) -> bool:
        return bool(view.data.get("traded"))

    @made.opener("kernel_test.report")
    def report(fact: Any) -> Opening | None:
        return Opening("年度报告", (PartyView("holder", None, 10),))

    @made.opener("kernel_test.objection")
    def objected(applied: Any) -> Opening | None:
        return Opening("异议", (PartyView("objector", 9, 99),))

    @made.context("kernel_test.filing")
    def context(case: int, now: datetime) -> Mapping[str, Any]:
        return {}

    return made


def t(zh: str, en: str) -> dict[str, str]:
    return {"zh": zh, "en": en}


RAW: dict[str, Any] = {
    "id": "kernel_test.filing",
    "version": 1,
    "title": t("登记", "filing"),
    "source": "测试办法 第一条",
    "subject": "kernel_test.filing",
    "opened": "testfiling.opened",
    "opener": ["applicant"],
    "distinct": [["acceptor", "decider"]],
    "party": [
        {"role": "applicant", "title": t("申请人", "applicant")},
        {"role": "co_holder", "title": t("共有人", "co-holder")},
        {"role": "acceptor", "title": t("受理人", "acceptor"), "seat": "registrar", "apart": ["applicant"]},
        {"role": "decider", "title": t("决定人", "decider"), "seat": "reviewer"},
        {"role": "voter", "title": t("委员", "committee member"), "seat": "committee"},
    ],
    "state": [
        {"id": "submitted", "title": t("已提交", "submitted")},
        {"id": "accepted", "title": t("已受理", "accepted")},
        {"id": "correcting", "title": t("待补正", "to be corrected")},
        {"id": "notice", "title": t("公示", "public notice")},
        {"id": "agreed", "title": t("已同意", "agreed")},
        {"id": "registered", "title": t("已登记", "registered"), "final": True},
        {"id": "refused", "title": t("不予登记", "refused"), "final": True},
        {"id": "lapsed", "title": t("逾期", "lapsed"), "final": True},
    ],
    "step": [
        {"from": "submitted", "do": "accept", "title": t("受理", "accept"), "by": ["acceptor"], "to": "accepted",
         "fact": "testfiling.accepted",
         "materials": [{"id": "source", "title": t("来源证明", "proof of source")},
                       {"id": "report", "title": t("第三方报告", "third-party report"), "when": "kernel_test.grave",
                        "waived_by": "kernel_test.traded", "signed_by": 2}]},
        {"from": "accepted", "do": "return", "title": t("退回补正", "return"), "by": ["acceptor"], "to": "correcting",
         "input": ["defects"], "fact": "testfiling.returned"},
        {"from": "correcting", "do": "correct", "title": t("补正", "correct"), "by": ["applicant"], "to": "accepted",
         "fact": "testfiling.corrected"},
        {"from": "correcting", "do": "lapse", "title": t("逾期", "lapse"), "by": ["clock"], "to": "lapsed",
         "fact": "testfiling.lapsed"},
        {"from": "accepted", "do": "decide", "title": t("决定", "decide"), "by": ["decider"], "if": ["kernel_test.calm"],
         "outcomes": [{"to": "refused", "if": "kernel_test.grave"}, {"to": "notice"}], "optional": ["opinion"],
         "fact": "testfiling.decided"},
        {"from": "notice", "do": "agree", "title": t("共同确认", "agree"), "by": ["applicant", "co_holder"],
         "quorum": "all", "consent_fact": "testfiling.consented", "to": "agreed", "fact": "testfiling.agreed",
         "if": ["kernel_test.warned"]},
        {"from": "agreed", "do": "vote", "title": t("表决", "vote"), "by": ["voter"], "quorum": 2,
         "consent_fact": "testfiling.voted", "to": "registered", "fact": "testfiling.registered", "acts": ["dispose"]},
    ],
    "clock": [
        {"id": "notice_period", "title": t("公示期", "notice"), "kind": "bar", "length": "party.accreditation_review_period",
         "starts": {"on": "testfiling.decided"}, "act": ["agree"], "spans": ["notice"],
         "pauses_while": ["kernel_test.objection"]},
        {"id": "correction", "title": t("补正期", "correction"), "kind": "window",
         "length": "party.accreditation_correction_period",
         "starts": {"on": "testfiling.returned"}, "act": ["correct"], "spans": ["correcting"]},
        {"id": "correction_end", "title": t("补正期满", "end of correction"), "kind": "fire",
         "length": "party.accreditation_correction_period", "starts": {"on": "testfiling.returned"}, "act": ["lapse"],
         "spans": ["correcting"]},
        {"id": "acceptance", "title": t("受理期", "acceptance"), "kind": "duty", "length": "party.accreditation_review_period",
         "starts": {"on": "testfiling.opened"}, "spans": ["submitted"]},
        {"id": "before_expiry", "title": t("到期前", "before expiry"), "kind": "bar", "length": "party.appeal_window",
         "starts": {"date": "expires_on"}, "direction": "backward", "act": ["vote"]},
    ],
}  # fmt: skip

OBJECTION: dict[str, Any] = {
    "id": "kernel_test.objection",
    "version": 1,
    "title": t("异议", "objection"),
    "source": "测试办法 第二条",
    "subject": "kernel_test.filing",
    "opened": "testobjection.opened",
    "opener": ["objector"],
    "party": [{"role": "objector", "title": t("异议人", "objector")}],
    "state": [
        {"id": "open", "title": t("审查中", "open")},
        {"id": "upheld", "title": t("成立", "upheld"), "final": True},
        {"id": "withdrawn", "title": t("撤回", "withdrawn"), "final": True},
    ],
    "step": [
        {"from": "open", "do": "withdraw", "title": t("撤回", "withdraw"), "by": ["objector"], "to": "withdrawn",
         "fact": "testobjection.withdrawn"},
        {"from": "open", "do": "uphold", "title": t("成立", "uphold"), "by": ["objector"], "to": "upheld",
         "fact": "testobjection.upheld", "parent": {"upheld": "decide"}},
    ],
}  # fmt: skip


REPORT: dict[str, Any] = {
    "id": "kernel_test.report",
    "version": 1,
    "title": t("年度报告", "annual report"),
    "source": "测试办法 第三条",
    "subject": "kernel_test.filing",
    "duty": True,
    "opened_by_fact": "testfiling.registered",
    "opened": "testreport.owed",
    "opener": ["mandate"],
    "party": [{"role": "holder", "title": t("登记主体", "holder"), "needs": ["power_of_attorney"]}],
    "state": [
        {"id": "owed", "title": t("待报", "owed")},
        {"id": "filed", "title": t("已报", "filed"), "final": True},
    ],
    "step": [
        {"from": "owed", "do": "file", "title": t("报送", "file"), "by": ["holder"], "to": "filed",
         "fact": "testreport.filed"},
    ],
    "clock": [
        {"id": "due", "title": t("报送期限", "due"), "kind": "duty", "length": "party.appeal_window",
         "starts": {"on": "testreport.owed"}},
    ],
}  # fmt: skip


def report() -> Table:
    return parse_table(REPORT, "kernel_test", "test")


def table() -> Table:
    return parse_table(RAW, "kernel_test", "test")


def objection() -> Table:
    return parse_table(OBJECTION, "kernel_test", "test")
