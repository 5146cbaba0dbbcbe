from __future__ import annotations

import re
from typing import Any

from django import forms
from django.core.files.uploadedfile import UploadedFile

from shugu.evidence.depositing import NAME_MOST, TEXT_MOST, TITLE_MOST, Item
from shugu.web.forms import FieldForm, words

_LINE = re.compile(r"\s*([0-9A-Fa-f]{64})[\s*]+(\S.*?)\s*")


class ManyFiles(forms.ClearableFileInput):
    allow_multiple_selected = True


class FilesField(forms.FileField):
    """Several files at once; an empty list when none is chosen."""

    widget = ManyFiles

    def clean(self, data: Any, initial: Any = None) -> list[UploadedFile[Any]]:
        given = data if isinstance(data, list | tuple) else [data] if data else []
        return [super(FilesField, self).clean(one, initial) for one in given]


class DepositForm(FieldForm):
    title = forms.CharField(label=words("名称", "Title"), max_length=TITLE_MOST)
    description = forms.CharField(
        label=words("简要描述", "Description"), max_length=TEXT_MOST, widget=forms.Textarea(attrs={"rows": 4})
    )
    papers = FilesField(
        label=words("资料", "Documents"), required=False,
        help_text=words("可选多个文件；由本场所保存原件。", "Several files may be chosen; the venue keeps them."),
    )  # fmt: skip
    digests = forms.CharField(
        label=words("只存摘要", "Digests only"), required=False, widget=forms.Textarea(attrs={"rows": 3}),
        help_text=words(
            "每行一件：SHA-256、空格、名称（sha256sum 的输出）。原件留在您处。",
            "One a line: SHA-256, blank, name (what sha256sum prints). The originals stay with you.",
        ),
    )  # fmt: skip
    promise = forms.BooleanField(label=words("承诺所述真实、完整、合法", "What is said is true, complete and lawful"))

    def clean_digests(self) -> tuple[Item, ...]:
        found = []
        for line in str(self.cleaned_data["digests"]).splitlines():
            if not line.strip():
                continue
            match = _LINE.fullmatch(line)
            if match is None or len(match[2]) > NAME_MOST:
                raise forms.ValidationError(
                    words(f"“{line[:40]}”应为 SHA-256 与名称", f"“{line[:40]}” is no SHA-256 and name")
                )
            found.append(Item(match[2], sha256=match[1].lower()))
        return tuple(found)

    def items(self) -> tuple[Item, ...]:
        files = (Item(f.name or "", f.content_type or "", f.read()) for f in self.cleaned_data["papers"])
        return (*files, *self.cleaned_data["digests"])


class CheckForm(FieldForm):
    """A document against a deposit; it reads only, so it carries no key."""

    number = forms.CharField(label=words("存证号", "Evidence number"), max_length=40)
    file = forms.FileField(label=words("资料", "Document"), required=False)
    sha256 = forms.RegexField(
        r"^[0-9a-fA-F]{64}$", label=words("或其 SHA-256", "or its SHA-256"), required=False,
    )  # fmt: skip

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        del self.fields["key"]

    def clean(self) -> dict[str, Any]:
        given = super().clean() or self.cleaned_data
        if not given.get("file") and not given.get("sha256") and not self.errors:
            self.add_error("file", str(words("选择资料，或填其摘要", "choose the document or give its digest")))
        return given
