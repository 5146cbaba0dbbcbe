"""Forms of the party pages."""

from __future__ import annotations

from typing import Any

from django import forms

from shugu.kernel.rules import RuleSet
from shugu.kernel.text import Text
from shugu.party.accreditation import merchant_types, service_kinds
from shugu.party.domain import ACCREDITATION_KINDS, ORG_KINDS, POWER_SCOPES, RIGHTS, SCOPES, SEATS
from shugu.web.forms import FieldForm, words


def _password(zh: str, en: str, autocomplete: str, **more: Any) -> forms.CharField:
    widget = forms.PasswordInput(attrs={"autocomplete": autocomplete})
    return forms.CharField(label=words(zh, en), widget=widget, strip=False, max_length=256, **more)


def _code() -> forms.CharField:
    widget = forms.TextInput(attrs={"inputmode": "numeric", "autocomplete": "one-time-code", "maxlength": "7"})
    return forms.CharField(label=words("动态口令", "One-time password"), widget=widget, max_length=7)


class SignInForm(FieldForm):
    login = forms.CharField(
        label=words("登录名", "Sign-in name"), max_length=40, widget=forms.TextInput(attrs={"autocomplete": "username"})
    )
    password = _password("密码", "Password", "current-password")


class CodeForm(FieldForm):
    code = _code()


class InviteeForm(FieldForm):
    """Somebody invited who has no account yet."""

    name = forms.CharField(label=words("您的姓名", "Your name"), max_length=80)
    phone = forms.CharField(label=words("联系电话", "Telephone"), max_length=30, required=False)
    login = forms.CharField(
        label=words("登录名", "Sign-in name"), max_length=40,
        help_text=words("3–40 位小写字母、数字或 . _ -", "3–40 of a–z, 0–9, . _ -"),
        widget=forms.TextInput(attrs={"autocomplete": "username"}),
    )  # fmt: skip
    password = _password("密码", "Password", "new-password")
    again = _password("再次输入密码", "Password again", "new-password")

    def clean(self) -> dict[str, object] | None:
        cleaned = super().clean() or {}
        if cleaned.get("password") and cleaned.get("password") != cleaned.get("again"):
            self.add_error("again", str(words("两次输入不一致", "The two do not match")))
        return cleaned


class JoinForm(InviteeForm):
    """A newcomer with an organisation that is not registered yet."""

    org_name = forms.CharField(label=words("单位名称", "Name of the organisation"), max_length=200)
    org_name_en = forms.CharField(label=words("单位英文名称", "Its name in English"), max_length=200, required=False)
    uscc = forms.CharField(
        label=words("统一社会信用代码", "Unified social credit code"), max_length=18,
        help_text=words("营业执照上的 18 位代码", "The 18 characters on the licence"),
    )  # fmt: skip
    kind = forms.ChoiceField(
        label=words("单位类型", "Kind of organisation"),
        choices=[(code, words(title)) for code, title in ORG_KINDS.items() if code != "venue"],
    )


class OrganisationForm(FieldForm):
    """A signed-in person registers a further organisation."""

    name = forms.CharField(label=words("单位名称", "Name of the organisation"), max_length=200)
    name_en = forms.CharField(label=words("单位英文名称", "Its name in English"), max_length=200, required=False)
    uscc = forms.CharField(label=words("统一社会信用代码", "Unified social credit code"), max_length=18)
    kind = forms.ChoiceField(
        label=words("单位类型", "Kind of organisation"),
        choices=[(code, words(title)) for code, title in ORG_KINDS.items() if code != "venue"],
    )


class AccreditationForm(FieldForm):
    """Kinds and types come from the rules of the day."""

    kind = forms.ChoiceField(label=words("入驻类别", "Accreditation as"), widget=forms.RadioSelect)
    merchant_type = forms.ChoiceField(
        label=words("数商类型", "Type of data merchant"), required=False,
        help_text=words("仅申请数商时选择", "Only for data merchants"),
    )  # fmt: skip

    def __init__(self, *args: Any, rules: RuleSet, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        kinds = [(c, words(t)) for c, t in ACCREDITATION_KINDS.items() if c != "service_body"]
        body = ACCREDITATION_KINDS["service_body"]
        kinds += [
            (f"service_body:{code}", words(f"{body.zh}（{zh}）", f"{body.en} ({en})"))
            for code, (zh, en) in service_kinds(rules).items()
        ]
        kind, merchant = self.fields["kind"], self.fields["merchant_type"]
        assert isinstance(kind, forms.ChoiceField) and isinstance(merchant, forms.ChoiceField)
        kind.choices = kinds
        merchant.choices = [("", "—"), *((c, words(Text(*t))) for c, t in merchant_types(rules).items())]


class PasswordForm(FieldForm):
    old = _password("原密码", "Old password", "current-password")
    new = _password("新密码", "New password", "new-password")


class ApiKeyForm(FieldForm):
    title = forms.CharField(
        label=words("用途", "What it is for"), max_length=80, help_text=words("如：订单同步程序", "e.g. order sync")
    )
    scopes = forms.MultipleChoiceField(
        label=words("权限", "Scopes"), widget=forms.CheckboxSelectMultiple, initial=["read"],
        choices=[(c, words(t)) for c, t in SCOPES.items()],
    )  # fmt: skip


class MemberForm(FieldForm):
    login = forms.CharField(
        label=words("成员登录名", "Member's sign-in name"), max_length=40,
        help_text=words("成员须先自行注册", "The member registers first"),
    )  # fmt: skip
    rights = forms.MultipleChoiceField(
        label=words("权限", "Rights"), widget=forms.CheckboxSelectMultiple, initial=["act"],
        choices=[(c, words(t)) for c, t in RIGHTS.items()],
    )  # fmt: skip


class ConnectorKeyForm(FieldForm):
    connector_id = forms.CharField(label=words("连接器编号", "Connector id"), max_length=80)
    vkey = forms.CharField(
        label=words("连接器公钥（vkey）", "Connector's verifier key (vkey)"), max_length=400,
        widget=forms.Textarea(attrs={"rows": 2}),
    )  # fmt: skip


class ReplaceKeysForm(FieldForm):
    reason = forms.CharField(
        label=words("更换原因", "Why they are replaced"), min_length=2, max_length=200,
        help_text=words(
            "更换后立即以新密钥签署；此前的签署仍可核验，旧密钥此后的签署一律无效。",
            "The new keys sign at once; what was signed before goes on verifying, nothing later under the old keys does.",
        ),
    )  # fmt: skip


class StaffForm(FieldForm):
    """A new account of the venue's staff or of a supervisor; the password is told to the person once."""

    login = forms.CharField(label=words("登录名", "Sign-in name"), max_length=40)
    name = forms.CharField(label=words("姓名", "Name"), max_length=80)
    name_en = forms.CharField(label=words("英文名", "Name in English"), max_length=80, required=False)
    password = _password("初始密码", "First password", "new-password")
    seat = forms.ChoiceField(label=words("岗位", "Seat"), choices=[(c, words(t)) for c, t in SEATS.items()])


class SeatForm(FieldForm):
    seat = forms.ChoiceField(label=words("岗位", "Seat"), choices=[(c, words(t)) for c, t in SEATS.items()])


class HoldForm(FieldForm):
    """`forbids`: acts of any procedure, from the tables themselves."""

    forbids = forms.MultipleChoiceField(label=words("限制办理", "What is forbidden"), widget=forms.CheckboxSelectMultiple)
    reason = forms.CharField(label=words("理由", "Reason"), max_length=1000, widget=forms.Textarea(attrs={"rows": 3}))
    article = forms.CharField(label=words("依据条款", "Article"), max_length=200)
    until = forms.DateField(
        label=words("限制至（含）", "Until, included"), required=False, widget=forms.DateInput(attrs={"type": "date"})
    )

    def __init__(self, *args: Any, acts: list[tuple[str, Text]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["forbids"]
        assert isinstance(field, forms.MultipleChoiceField)
        field.choices = [(code, words(title)) for code, title in acts]


class ReasonForm(FieldForm):
    reason = forms.CharField(label=words("理由", "Reason"), max_length=1000, widget=forms.Textarea(attrs={"rows": 3}))
    article = forms.CharField(label=words("依据条款", "Article"), max_length=200)


class PowerForm(FieldForm):
    """`agent`: an organisation's number or social credit code."""

    agent = forms.CharField(
        label=words("代理单位", "Agent"), max_length=40,
        help_text=words("单位编号或统一社会信用代码", "Its number or unified social credit code"),
    )  # fmt: skip
    scopes = forms.MultipleChoiceField(
        label=words("代理事项", "Matters"), widget=forms.CheckboxSelectMultiple, initial=list(POWER_SCOPES),
        choices=[(c, words(t)) for c, t in POWER_SCOPES.items()],
    )  # fmt: skip
    until = forms.DateField(label=words("截止日（含）", "Last day"), widget=forms.DateInput(attrs={"type": "date"}))
    paper = forms.FileField(
        label=words("授权委托书文件", "The signed paper"), required=False, help_text=words("可不上传", "May be left out")
    )


class InviteForm(FieldForm):
    login = forms.CharField(
        label=words("登录名", "Sign-in name"), max_length=40, required=False,
        help_text=words("填写后只有此登录名可以接受", "If given, only this sign-in name may accept"),
    )  # fmt: skip
    contact = forms.CharField(
        label=words("联系方式", "Contact"), max_length=120, required=False,
        help_text=words("手机或邮箱，备忘链接发给了谁", "Telephone or e-mail, to remember whom you sent the link"),
    )  # fmt: skip
    rights = forms.MultipleChoiceField(
        label=words("权限", "Rights"), widget=forms.CheckboxSelectMultiple, initial=["act"],
        choices=[(c, words(t)) for c, t in RIGHTS.items()],
    )  # fmt: skip


class TokenForm(FieldForm):
    token = forms.CharField(
        label=words("邀请码", "Code"), max_length=100,
        widget=forms.TextInput(attrs={"autocomplete": "off", "data-from-hash": ""}),
    )  # fmt: skip
