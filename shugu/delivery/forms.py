"""Forms of delivery: registering a connector, binding a file, ordering quality, judging a delivery."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any, ClassVar

from django import forms

from shugu.delivery.pages import rejections
from shugu.trade import queries as trade
from shugu.web.forms import FieldForm, words


class ConnectorForm(FieldForm):
    connector_id = forms.CharField(
        label=words("连接器编号", "Connector id"), max_length=80,
        help_text=words("connector init 输出中的 id", "The id that connector init printed"),
    )  # fmt: skip
    url = forms.CharField(
        label=words("访问地址", "Address"), max_length=300,
        help_text=words("需求方提取数据、交易场所下发授权所用的地址，如 https://data.example.com",
                        "Where buyers pull data and the venue sends grants, such as https://data.example.com"),
    )  # fmt: skip
    vkey = forms.CharField(
        label=words("公钥行", "Key lines"), max_length=700, widget=forms.Textarea(attrs={"rows": 3}),
        help_text=words("connector init 输出的 keys，每行一个；国密场所须填写两行",
                        "The keys that connector init printed, one a line; a venue under SM algorithms asks for both"),
    )  # fmt: skip


class WithdrawForm(FieldForm):
    """Why a delivery receipt loses force for good."""

    ground = forms.ChoiceField(label=words("撤销情形", "Ground"), widget=forms.RadioSelect)
    document = forms.CharField(
        label=words("文书编号", "Number of the document"), required=False, max_length=200,
        help_text=words("裁判、裁决或决定的文号；签发有误的可不填", "Of the judgment, award or decision; not for an error"),
    )  # fmt: skip
    reason = forms.CharField(
        label=words("理由", "Reason"), max_length=200, widget=forms.Textarea(attrs={"rows": 3}),
        help_text=words("只以摘要入日志", "Only its digest enters the log"),
    )  # fmt: skip

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        rows = trade.withdrawal_grounds()
        self.fields["ground"].choices = [(row["code"], words(row["zh"], row["en"])) for row in rows]  # type: ignore[attr-defined]


class PrintedForm(FieldForm):
    """What `connector add-product` printed, pasted whole instead of typed field by field."""

    WANTED: ClassVar[tuple[str, ...]] = ("file", "sha256")
    printed = forms.CharField(
        label=words("add-product 的输出", "What add-product printed"), required=False, max_length=2_000,
        widget=forms.Textarea(attrs={"rows": 3, "spellcheck": "false"}),
        help_text=words("整行粘贴，即不必逐项填写", "Paste the whole line, and the entries below need not be typed"),
    )  # fmt: skip

    def clean(self) -> dict[str, object] | None:
        cleaned = super().clean()
        given = self.cleaned_data
        if given.get("printed"):
            try:
                told = json.loads(given["printed"])
                read = {"file": str(told["file"]), "sha256": str(told["sha256"]), "size": int(told["size"])}
                label = str(told["product"])
            except (ValueError, KeyError, TypeError):
                self.add_error(
                    "printed", words("不是 add-product 输出的一行", "This is not the line that add-product prints")
                )
                return cleaned
            given.update({k: v for k, v in read.items() if k in self.fields and not given.get(k)})
            if not given.get("label") and label not in (given.get("product"), given.get("entry")):
                given["label"] = label
        for name in self.WANTED:
            if not given.get(name) and name not in self.errors:
                self.add_error(name, forms.Field.default_error_messages["required"])
        return cleaned


class BindForm(PrintedForm):
    WANTED = ("file", "sha256", "size")
    field_order = ("product", "printed", "file", "sha256", "size", "label")
    product = forms.CharField(label=words("产品编号", "Product number"), max_length=40)
    file = forms.CharField(label=words("文件名", "File name"), max_length=200, required=False)
    sha256 = forms.CharField(label=words("文件的 SHA-256", "SHA-256 of the file"), max_length=64, required=False)
    size = forms.IntegerField(label=words("文件大小（字节）", "Size in bytes"), min_value=1, required=False)
    label = forms.CharField(
        label=words("在连接器上的产品编号", "Product number on the connector"), max_length=40, required=False,
        help_text=words("与产品编号不同时填写", "Only if it differs from the product's number"),
    )  # fmt: skip


class QualityForm(PrintedForm):
    field_order = ("product", "entry", "printed", "file", "sha256", "label")
    product = forms.CharField(
        label=words("产品编号", "Product number"), max_length=40, required=False,
        help_text=words("尚无产品时改填登记编号", "If there is no product yet, give the entry's number instead"),
    )  # fmt: skip
    entry = forms.CharField(label=words("登记编号", "Entry number"), max_length=40, required=False)
    file = forms.CharField(label=words("文件名", "File name"), max_length=200, required=False)
    sha256 = forms.CharField(label=words("文件的 SHA-256", "SHA-256 of the file"), max_length=64, required=False)
    label = forms.CharField(
        label=words("在连接器上的产品编号", "Product number on the connector"), max_length=40, required=False
    )


class AcceptForm(FieldForm):
    sha256 = forms.CharField(
        label=words("所收文件的 SHA-256", "SHA-256 of what you received"), max_length=64, required=False,
        help_text=words("填写后先与合同约定的摘要核对", "If given, it is first compared with the contract's"),
    )  # fmt: skip


class DigestForm(FieldForm):
    sha256 = forms.CharField(label=words("所收文件的 SHA-256", "SHA-256 of what you received"), max_length=64)


def _rejections() -> Iterable[tuple[str, object]]:
    return [(code, words(title)) for code, title in rejections()]


class RejectForm(FieldForm):
    rejection = forms.ChoiceField(label=words("拒收情形", "Ground of rejection"), choices=_rejections)
    reason = forms.CharField(
        label=words("说明", "Details"), max_length=2000, required=False, widget=forms.Textarea(attrs={"rows": 4})
    )


class ReasonForm(FieldForm):
    reason = forms.CharField(label=words("理由", "Reason"), max_length=500, widget=forms.Textarea(attrs={"rows": 3}))


class NoteForm(FieldForm):
    note = forms.CharField(
        label=words("给需求方的说明", "Note to the buyer"), max_length=500, required=False,
        widget=forms.Textarea(attrs={"rows": 3}),
    )  # fmt: skip
