"""What party refuses, beside the kernel's errors."""

from __future__ import annotations

from shugu.formats.errors import ShuguError
from shugu.kernel.errors import Forbidden, SignInNeeded


class SignInFailed(ShuguError):
    """The same words for an unknown name and a wrong password: names cannot be found out."""

    code = "sign-in-failed"
    status = 401
    sentence = ("登录名、密码或动态口令不正确。", "Sign-in name, password or one-time password is wrong.")
    remedy = ("核对后重试；多次失败会暂时锁定。", "Check and try again; repeated failures lock sign-in for a while.")


class SignInLocked(ShuguError):
    code = "sign-in-locked"
    status = 429
    sentence = ("失败次数过多，登录已锁定至 {until}。", "Too many failures: sign-in is locked until {until}.")
    remedy = ("到时再试，或请管理员核实身份后重设密码。", "Try again then, or have an administrator reset the password.")


class TotpRequired(SignInNeeded):
    code = "totp-required"
    status = 403
    sentence = ("本岗位须先启用动态口令。", "This seat must enrol a one-time password first.")
    remedy = ("在“我的 · 动态口令”页面完成启用。", "Enrol it on the page “My account · One-time password”.")


class KeyBeforeTotp(SignInNeeded):
    """A key made by a password alone never carries a seat, not even after its owner has enrolled."""

    code = "key-before-totp"
    status = 403
    sentence = (
        "此接口密钥签发于启用动态口令之前，不能用于岗位。",
        "This API key was issued before the one-time password and cannot act in a seat.",
    )
    remedy = ("吊销它，登录后重新签发。", "Revoke it, sign in and issue a new one.")


class TotpRefused(ShuguError):
    code = "totp-refused"
    status = 422
    sentence = ("动态口令不正确或已使用过。", "The one-time password is wrong or was used already.")
    remedy = ("等待验证器显示下一个口令后再试。", "Wait for the next code and try again.")


class ScopeMissing(Forbidden):
    code = "scope-missing"
    sentence = ("此接口密钥没有“{scope}”权限。", "This API key lacks the scope “{scope}”.")
    remedy = ("换用有此权限的密钥。", "Use a key that has it.")


class RightMissing(Forbidden):
    code = "right-missing"
    sentence = ("您在本单位没有“{right}”权限。", "You do not hold the right “{right}” in this organisation.")
    remedy = ("请本单位管理员授权或代为办理。", "Ask your organisation's administrator.")


class KnownHere(ShuguError):
    code = "known-here"
    status = 409
    sentence = ("{name} 已在本场所自行登记，不作为其他场所的单位准入。", "{name} is registered here in its own right.")
    remedy = ("由该单位在本场所直接办理。", "Let it deal at this venue directly.")


class InvitationGone(ShuguError):
    """The same words for an unknown, used, withdrawn or expired invitation and for one that names somebody else."""

    code = "invitation-gone"
    status = 404
    sentence = (
        "邀请无效：已使用、已撤回、已过期，或不是发给您的。",
        "This invitation is not good: used, withdrawn, expired or not for you.",
    )
    remedy = ("请单位管理员重新发出邀请。", "Ask the organisation's administrator for a new one.")


class StaffMayNotTrade(ShuguError):
    code = "staff-may-not-trade"
    status = 409
    sentence = (
        "持有场所岗位的人员不能同时是单位成员。",
        "A person holding a seat of the venue may not be a member of an organisation.",
    )
    remedy = ("换一人，或先交还岗位、退出单位。", "Choose somebody else, or end the seat or membership first.")


class AlreadyAccredited(ShuguError):
    code = "already-accredited"
    status = 409
    sentence = ("本单位已有“{kind}”资格或正在申请。", "The organisation is accredited as “{kind}” or has applied already.")
    remedy = ("到办件台继续原申请，或待资格到期前续办。", "Continue the earlier case on the desk, or renew near expiry.")


__all__ = [
    "AlreadyAccredited", "InvitationGone", "KeyBeforeTotp", "RightMissing", "ScopeMissing", "SignInFailed",
    "SignInLocked", "StaffMayNotTrade", "TotpRefused", "TotpRequired",
]  # fmt: skip
