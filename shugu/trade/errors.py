"""What trade refuses, beside the kernel's errors."""

from __future__ import annotations

from shugu.kernel.errors import Refused


class TradeBarred(Refused):
    """A contract may not be drawn up or go on: the rule's reason."""

    code = "trade-barred"
    sentence = ("不能交易：{why}", "Trading is barred: {why}")
    remedy = ("排除该情形后再办。", "Remove the cause, then try again.")


class TermsChanged(Refused):
    code = "terms-changed"
    sentence = ("合同文本已修改，您确认的版本已不是当前版本。", "The terms were changed; what you confirmed is not what stands.")
    remedy = ("重新阅读当前文本后再签署。", "Read the present text, then sign.")


class ReferenceUsed(Refused):
    code = "contract-reference-used"
    sentence = ("凭据号 {reference} 与已记录的不一致。", "Reference {reference} differs from the one on record.")
    remedy = ("核对来源单据。", "Check the source document.")


__all__ = ["ReferenceUsed", "TermsChanged", "TradeBarred"]
