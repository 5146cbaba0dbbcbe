"""Refusals of the register beyond those of the procedure engine."""

from __future__ import annotations

from shugu.kernel.errors import Refused


class RegisterClosed(Refused):
    code = "register-closed"
    sentence = ("{register}目前不受理“{operation}”。", "{register} takes no “{operation}” at present.")
    remedy = ("从“登记”页选择开放的登记簿与事项。", "Choose an open register and operation on the register page.")


class ObjectedBefore(Refused):
    code = "objected-before"
    sentence = (
        "同一异议人就同一事项以同一理由提出的异议（{number}）已有记录，不予受理。",
        "The same party objected on the same ground before ({number}); it is not accepted again.",
    )
    remedy = ("以其他理由提出，或通过诉讼、仲裁解决。", "Object on another ground, or go to court or arbitration.")


class NotAnOutsider(Refused):
    code = "not-an-outsider"
    sentence = ("不能对本单位自己的登记提出异议。", "You cannot object to your own organisation's registration.")
    remedy = ("撤回申请或申请变更登记。", "Withdraw the application or apply for a change.")


class ReferenceUsed(Refused):
    code = "reference-used"
    sentence = ("流水号 {reference} 已用于内容不同的交易记录。", "The reference {reference} was used for another trade record.")
    remedy = ("换用新的流水号。", "Use a new reference.")


class CannotSay(Refused):
    """A registration question about something this register holds no answer for."""

    code = "cannot-say"
    sentence = ("登记簿没有可供签发的内容：{why}。", "There is nothing to certify: {why}.")


__all__ = ["CannotSay", "NotAnOutsider", "ObjectedBefore", "ReferenceUsed", "RegisterClosed"]
