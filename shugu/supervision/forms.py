"""Search forms of the supervisory pages: they read only, so they carry no key."""

from __future__ import annotations

from typing import Any

from django import forms

from shugu.supervision import queries
from shugu.web.forms import FieldForm, words


def _day(zh: str, en: str) -> forms.DateField:
    return forms.DateField(label=words(zh, en), required=False, widget=forms.DateInput(attrs={"type": "date"}))


class _SearchForm(FieldForm):
    before = forms.IntegerField(required=False, min_value=1, widget=forms.HiddenInput)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        del self.fields["key"]


class CaseSearchForm(_SearchForm):
    number = forms.CharField(label=words("办件编号", "Case number"), required=False, max_length=40)
    organisation = forms.CharField(
        label=words("单位编号或信用代码", "Organisation number or credit code"), required=False, max_length=40
    )
    procedure = forms.ChoiceField(label=words("事项", "Procedure"), required=False)
    state = forms.SlugField(label=words("状态代码", "State"), required=False, max_length=40)
    first = _day("立案起", "Opened from")
    last = _day("立案止", "Opened until")
    overdue = forms.BooleanField(label=words("仅看逾期", "Overdue only"), required=False)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["procedure"]
        assert isinstance(field, forms.ChoiceField)
        field.choices = [("", "—"), *((code, words(title)) for code, title in queries.procedures())]


class FactSearchForm(_SearchForm):
    name = forms.CharField(label=words("事实名称", "Fact name"), required=False, max_length=80)
    subject = forms.CharField(label=words("对象", "Subject"), required=False, max_length=60)
    organisation = forms.CharField(
        label=words("单位编号或信用代码", "Organisation number or credit code"), required=False, max_length=40
    )
    first = _day("记录起", "Recorded from")
    last = _day("记录止", "Recorded until")
    position = forms.IntegerField(label=words("日志位置", "Index in the log"), required=False, min_value=0)


class NumberForm(_SearchForm):
    number = forms.CharField(label=words("编号", "Number"), max_length=40)
