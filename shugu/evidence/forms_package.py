from __future__ import annotations

from typing import Any

from django import forms

from shugu.evidence.grounds import Ground
from shugu.kernel.models import Case
from shugu.web.forms import FieldForm, words


def package_form(case: Case, open_to: tuple[Ground, ...], related: list[Case]) -> type[FieldForm]:
    """Which cases, on which ground; the legal document only where a ground asks for one."""
    documented = any(g.document for g in open_to)
    fields: dict[str, Any] = {
        "ground": forms.ChoiceField(
            label=words("提取依据", "Ground"), choices=[(g.code, words(g.title)) for g in open_to],
            help_text=words("每次提取都会记入日志。", "Every extraction is recorded in the log."),
        ),
    }  # fmt: skip
    if related:
        fields["related"] = forms.MultipleChoiceField(
            label=words("一并提取的相关办件", "Related cases to extract too"), required=False,
            widget=forms.CheckboxSelectMultiple,
            choices=[(c.number, f"{c.number} {c.title}") for c in related], initial=[c.number for c in related],
        )  # fmt: skip
    if documented:
        help_text = words("法院、仲裁、调解、机关调取时必填", "needed when a court, arbitration, mediation or an authority asks")
        fields["document_number"] = forms.CharField(
            label=words("法律文件编号", "Number of the legal document"), max_length=200, required=False, help_text=help_text
        )
        fields["document_organ"] = forms.CharField(label=words("出具机关", "Issued by"), max_length=200, required=False)
        fields["document_copy"] = forms.FileField(label=words("文件副本", "Copy of the document"), required=False)
    return type("PackageForm", (FieldForm,), fields)
