"""The form under a contract's text: sign exactly what is shown."""

from __future__ import annotations

from typing import Any

from django import forms

from shugu.web.forms import FieldForm, words


def sign_form(undertaking: tuple[str, str] | None) -> type[FieldForm]:
    """`terms_digest` travels with the page: a text changed meanwhile is not signed unseen."""
    fields: dict[str, Any] = {
        "terms_digest": forms.CharField(widget=forms.HiddenInput, max_length=64),
        "read": forms.BooleanField(
            label=words("本单位已阅读全文、费用和权利义务，同意签署", "We have read the text, fees and duties, and sign")
        ),
    }
    if undertaking is not None:
        fields["undertaking"] = forms.BooleanField(label=words(*undertaking))
    return type("SignForm", (FieldForm,), fields)
