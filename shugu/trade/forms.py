"""The form under a contract's text: sign exactly what is shown; and the one that withdraws a voucher."""

from __future__ import annotations

from typing import Any

from django import forms

from shugu.trade.withdrawing import LONGEST, grounds
from shugu.web.forms import FieldForm, words


class WithdrawForm(FieldForm):
    """Why a voucher loses force for good."""

    ground = forms.ChoiceField(label=words("撤销情形", "Ground"), widget=forms.RadioSelect)
    document = forms.CharField(
        label=words("文书编号", "Number of the document"), required=False, max_length=LONGEST,
        help_text=words("裁判、裁决或决定的文号；签发有误的可不填", "Of the judgment, award or decision; not for an error"),
    )  # fmt: skip
    reason = forms.CharField(
        label=words("理由", "Reason"), max_length=LONGEST, widget=forms.Textarea(attrs={"rows": 3}),
        help_text=words("只以摘要入日志", "Only its digest enters the log"),
    )  # fmt: skip

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["ground"].choices = [(row["code"], words(row["zh"], row["en"])) for row in grounds()]  # type: ignore[attr-defined]


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
