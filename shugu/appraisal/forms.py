"""Forms of appraisal: order an evaluation, file its report, hand in a connector's quality report."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, ClassVar

from django import forms

from shugu.kernel import runtime
from shugu.kernel.text import Text
from shugu.web.forms import FieldForm, words


class OrderForm(FieldForm):
    entry = forms.ChoiceField(label=words("登记", "Entry"))
    body = forms.ChoiceField(label=words("评估机构", "Third-party body"))
    scope = forms.CharField(
        label=words("委托事项", "What is asked"), required=False, max_length=4000, widget=forms.Textarea,
        help_text=words("例如：数据来源、个人信息、授权范围", "for example: sources, personal data, scope of authorisation"),
    )  # fmt: skip

    def __init__(self, *args: Any, entries: Iterable[tuple[str, str]], bodies: Iterable[tuple[str, str]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["entry"].choices = list(entries)  # type: ignore[attr-defined]
        self.fields["body"].choices = list(bodies)  # type: ignore[attr-defined]


class ReportForm(FieldForm):
    conclusion = forms.ChoiceField(label=words("结论", "Conclusion"))
    summary = forms.CharField(label=words("摘要", "Summary"), max_length=4000, widget=forms.Textarea)
    signers = forms.CharField(
        label=words("签字人", "Signed by"), widget=forms.Textarea(attrs={"rows": 3}),
    )  # fmt: skip
    report = forms.FileField(label=words("已签字的报告（PDF）", "Signed report (PDF)"))
    # The service names the file and material fields by its own words.
    FIELD_OF: ClassVar[dict[str, str]] = {"file": "report"}

    def __init__(self, *args: Any, conclusions: Iterable[tuple[str, Text]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["conclusion"].choices = [(code, words(text)) for code, text in conclusions]  # type: ignore[attr-defined]
        least = runtime.rules().value("appraisal.report_signers").number
        self.fields["signers"].help_text = words(
            f"报告上签字的评估人员，每行一人，至少 {least} 人", f"the people who signed the report, one a line, at least {least}"
        )


class TakeForm(FieldForm):
    entry = forms.ChoiceField(label=words("登记", "Entry"))
    document = forms.FileField(
        label=words("连接器签名的质量报告（JSON）", "Quality report signed by the connector (JSON)"),
        help_text=words("由本单位登记的连接器生成，原样上传", "as made by your registered connector, unchanged"),
    )  # fmt: skip

    def __init__(self, *args: Any, entries: Iterable[tuple[str, str]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["entry"].choices = list(entries)  # type: ignore[attr-defined]
