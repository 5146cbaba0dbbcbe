"""Forms of delivery: registering a connector, binding a file, ordering quality, judging a delivery."""

from __future__ import annotations

from collections.abc import Iterable

from django import forms

from shugu.delivery.pages import rejections
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


class BindForm(FieldForm):
    product = forms.CharField(label=words("产品编号", "Product number"), max_length=40)
    file = forms.CharField(label=words("文件名", "File name"), max_length=200)
    sha256 = forms.CharField(label=words("文件的 SHA-256", "SHA-256 of the file"), max_length=64)
    size = forms.IntegerField(label=words("文件大小（字节）", "Size in bytes"), min_value=1)
    label = forms.CharField(
        label=words("在连接器上的产品编号", "Product number on the connector"), max_length=40, required=False,
        help_text=words("与产品编号不同时填写", "Only if it differs from the product's number"),
    )  # fmt: skip


class QualityForm(FieldForm):
    product = forms.CharField(
        label=words("产品编号", "Product number"), max_length=40, required=False,
        help_text=words("尚无产品时改填登记编号", "If there is no product yet, give the entry's number instead"),
    )  # fmt: skip
    entry = forms.CharField(label=words("登记编号", "Entry number"), max_length=40, required=False)
    file = forms.CharField(label=words("文件名", "File name"), max_length=200)
    sha256 = forms.CharField(label=words("文件的 SHA-256", "SHA-256 of the file"), max_length=64)
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
