"""Forms about the venue's signing keys: every act is confirmed with the operator's password and one-time password."""

from __future__ import annotations

from django import forms

from shugu.web.forms import FieldForm, words


class ConfirmForm(FieldForm):
    """Who acts shows once more that it is he."""

    password = forms.CharField(
        label=words("您的密码", "Your password"), strip=False, max_length=256,
        widget=forms.PasswordInput(attrs={"autocomplete": "current-password"}),
    )  # fmt: skip
    code = forms.CharField(
        label=words("动态口令", "One-time password"), max_length=7, required=False,
        widget=forms.TextInput(attrs={"inputmode": "numeric", "autocomplete": "one-time-code", "maxlength": "7"}),
    )  # fmt: skip


class NewKeyForm(ConfirmForm):
    suite = forms.ChoiceField(
        label=words("算法", "Algorithm"), choices=[("intl", "Ed25519"), ("sm", words("SM2（国密）", "SM2"))]
    )
    store = forms.ChoiceField(
        label=words("密钥库", "Store"), required=False,
        choices=[("", words("按配置", "as configured")), ("software", words("加密文件", "encrypted file")),
                 ("pkcs11", words("密码机（仅 Ed25519）", "HSM (Ed25519 only)"))],
    )  # fmt: skip
    field_order = ("suite", "store", "password", "code")


class RenewPapersForm(ConfirmForm):
    what = forms.ChoiceField(
        label=words("更换", "Renew"),
        choices=[("signer", words("签章证书", "signing certificate")),
                 ("ca", words("全部（签发者、签章、时间戳）", "all of them"))],
    )  # fmt: skip
    field_order = ("what", "password", "code")


class RevokePapersForm(ConfirmForm):
    since = forms.DateTimeField(
        label=words("自何时起可能在他人手中", "In other hands since"), required=False,
        widget=forms.DateTimeInput(attrs={"type": "datetime-local"}),
        help_text=words("不填即为现在", "now, if left empty"),
    )  # fmt: skip
    field_order = ("since", "password", "code")
