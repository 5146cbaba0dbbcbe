"""Refusals of appraisal beyond those of the procedure engine."""

from __future__ import annotations

from shugu.kernel.errors import InputInvalid, Refused


class ReportRefused(InputInvalid):
    code = "report-refused"
    sentence = ("质量报告不能接受：{why}。", "The quality report is not taken: {why}.")
    remedy = (
        "用登记在册的连接器对本数据重新测评后再提交。",
        "Measure again with the registered connector and submit that report.",
    )


class NotHolder(Refused):
    code = "not-holder"
    status = 403
    sentence = ("只有登记簿 {entry} 的权利人可以办理。", "Only a holder of entry {entry} may do this.")
    remedy = ("请由权利人办理。", "Ask the holder.")


class BodyNotAccredited(Refused):
    code = "body-not-accredited"
    sentence = ("{body}没有“{kind}”评估资格。", "{body} is not accredited for “{kind}” evaluation.")
    remedy = ("从有资格的机构中另选一家。", "Choose an accredited body.")


__all__ = ["BodyNotAccredited", "NotHolder", "ReportRefused"]
