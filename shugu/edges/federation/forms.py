"""Forms of the federation pages."""

from __future__ import annotations

import json
from typing import Any

from django import forms

from shugu.kernel.text import Text
from shugu.web.forms import FieldForm, words

_MONO = {"rows": 4, "spellcheck": "false", "autocomplete": "off"}


class PeerForm(FieldForm):
    venue = forms.SlugField(label=words("场所代码", "Code of the venue"), max_length=40)
    title_zh = forms.CharField(label=words("中文名称", "Chinese name"), max_length=40)
    title_en = forms.CharField(label=words("英文名称", "English name"), max_length=40)
    base_url = forms.CharField(
        label=words("网址", "Address"), max_length=300, widget=forms.URLInput(attrs={"placeholder": "https://"})
    )
    vkeys = forms.CharField(
        label=words("公钥（venue.vkey 的内容）", "Public keys (the content of venue.vkey)"), max_length=4_000,
        widget=forms.Textarea(attrs=_MONO),
        help_text=words(
            "须经网络以外的途径与对方核对后填写。", "Compare them with the other venue by another way than the network."
        ),
    )  # fmt: skip


class PresentForm(FieldForm):
    file = forms.FileField(
        label=words("证书文件", "Certificate"),
        help_text=words(
            "其他场所签发的证书或凭证：PDF 原件或封存文件（.sealed.json），不超过 4 MB",
            "a certificate or voucher of another venue: its PDF, or its sealed file (.sealed.json), at most 4 MB",
        ),
        widget=forms.ClearableFileInput(attrs={"accept": ".pdf,.json"}),
    )


def move_form(venues: list[tuple[str, str]]) -> type[FieldForm]:
    """`venues`: (code, name) of those an agreement lets entries of the register move to."""
    field = forms.ChoiceField(label=words("迁往的场所", "Venue to move to"), choices=venues)
    return type("MoveForm", (FieldForm,), {"venue": field})


class KeyForm(FieldForm):
    vkey = forms.CharField(
        label=words("公钥（一行）", "Public key (one line)"), max_length=400, widget=forms.Textarea(attrs={**_MONO, "rows": 2})
    )


class OfferForm(FieldForm):
    terms = forms.CharField(
        label=words("条款（JSON）", "Terms (JSON)"), max_length=40_000, widget=forms.Textarea(attrs={**_MONO, "rows": 24})
    )

    def clean_terms(self) -> dict[str, Any]:
        try:
            value = json.loads(self.cleaned_data["terms"])
        except (json.JSONDecodeError, RecursionError) as error:
            raise forms.ValidationError(str(Text("不是有效的 JSON", "it is not valid JSON"))) from error
        if not isinstance(value, dict):
            raise forms.ValidationError(str(Text("应为 JSON 对象", "it is a JSON object")))
        return value
