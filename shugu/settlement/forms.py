"""Forms of the money pages."""

from __future__ import annotations

from django import forms

from shugu.web.forms import FieldForm, words


class BankAccountForm(FieldForm):
    holder = forms.CharField(label=words("户名", "Account holder"), max_length=200)
    bank = forms.CharField(label=words("开户行", "Bank and branch"), max_length=200)
    number = forms.CharField(
        label=words("账号", "Account number"), max_length=42,
        widget=forms.TextInput(attrs={"inputmode": "numeric", "autocomplete": "off"}),
    )  # fmt: skip


class ProposeForm(FieldForm):
    """Only the idempotency key: a double click proposes once."""
