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


class EntryEnded(Refused):
    code = "entry-ended"
    sentence = (
        "登记条目 {entry} 已注销或撤销，不能再办理。",
        "Entry {entry} was cancelled or revoked: nothing more is registered about it.",
    )
    remedy = (
        "核对登记编号；需要恢复权利的，重新申请首次登记。",
        "Check the number; to have the right again apply for a first registration.",
    )


class AccountMissing(Refused):
    code = "account-missing"
    sentence = ("申请单位在本登记簿没有账户。", "The applicant has no account in this register.")
    remedy = ("先申请开立登记账户。", "Apply for an account first.")


class AccountOpen(Refused):
    code = "account-open"
    sentence = ("登记账户不能办理该事项：{why}。", "The account cannot be dealt with so: {why}.")
    remedy = ("查看账户簿中的现状。", "See the account book for how it stands.")

    def __init__(self, why: tuple[str, str] = ("账户已经开立", "the account is open already")) -> None:
        super().__init__(why=why)


class NothingToLift(Refused):
    code = "nothing-to-lift"
    sentence = ("登记条目 {entry} 没有可解除的记载。", "Entry {entry} has no such note to lift.")
    remedy = ("查看条目页上的记载与限制。", "See the notes on the entry's page.")


class NothingToAppeal(Refused):
    code = "nothing-to-appeal"
    sentence = ("申请 {filing} 没有可申请复核的决定。", "Application {filing} has no refusal to reconsider.")
    remedy = ("复核只针对不予受理或不予登记的决定。", "Only a refusal to accept or to register is reconsidered.")


class AppealedBefore(Refused):
    code = "appealed-before"
    sentence = ("申请 {filing} 已经申请过复核。", "Reconsideration of application {filing} was asked for before.")
    remedy = ("查看办件台上的复核进展。", "See how it stands on the desk.")


class RecognitionEnded(Refused):
    code = "recognition-ended"
    sentence = (
        "申请所依据的其他场所证书（{recognition}）已失效，或其状态须重新核验。",
        "The other venue's certificate that the application relies on ({recognition}) has lost its force or must be asked again.",
    )
    remedy = (
        "重新出示该证书；已失效的，按普通申请补齐材料。",
        "Present the certificate again; if it has lost its force, file every material as for any application.",
    )


class CannotSay(Refused):
    """A registration question about something this register holds no answer for."""

    code = "cannot-say"
    sentence = ("登记簿没有可供签发的内容：{why}。", "There is nothing to certify: {why}.")


__all__ = [
    "AccountMissing",
    "AccountOpen",
    "AppealedBefore",
    "CannotSay",
    "EntryEnded",
    "NotAnOutsider",
    "NothingToAppeal",
    "NothingToLift",
    "ObjectedBefore",
    "RecognitionEnded",
    "ReferenceUsed",
    "RegisterClosed",
]  # fmt: skip
