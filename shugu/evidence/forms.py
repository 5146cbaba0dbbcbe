from __future__ import annotations

from typing import Any

from django import forms

from shugu.web.forms import FieldForm, words


class ConsistencyForm(FieldForm):
    """Two sizes of the log: does the larger extend the smaller?"""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        del self.fields["key"]  # it reads only
        # `from` is a Python keyword, so the fields are named here.
        self.fields["from"] = forms.IntegerField(label=words("旧的大小", "Old size"), min_value=0)
        self.fields["to"] = forms.IntegerField(label=words("新的大小", "New size"), min_value=0)


class WitnessLogForm(FieldForm):
    """The keys of a log to be witnessed."""

    vkeys = forms.CharField(
        label=words("日志公钥（venue.vkey 的内容）", "The log's keys (content of venue.vkey)"),
        widget=forms.Textarea(attrs={"rows": 4, "spellcheck": "false"}), max_length=4_000,
    )  # fmt: skip
    site = forms.URLField(
        label=words("其网站（可不填）", "Its site (optional)"), required=False, max_length=300, assume_scheme="https",
        help_text=words("由此取得其密钥沿革，轮换后自动跟随", "its key history is asked for there: new keys are followed"),
    )  # fmt: skip
