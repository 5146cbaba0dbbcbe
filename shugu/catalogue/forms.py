"""Forms of the catalogue: search filters, the wizard's steps, the declaration at submission."""

from __future__ import annotations

from typing import Any

from django import forms

from shugu.catalogue.domain_policy import ACTIONS
from shugu.catalogue.domain_product import (
    UNIT_TITLES,
    ColumnEntry,
    dictionary_faults,
    dictionary_from_csv,
    dictionary_from_profile,
    sample_faults,
    sample_from_csv,
)
from shugu.kernel import runtime
from shugu.kernel.money import format_fen, parse_fen
from shugu.kernel.rule_errors import MoneyError
from shugu.kernel.text import Text
from shugu.web import language
from shugu.web.forms import FieldForm, words

LARGEST_TEXT = 2 * 1024 * 1024


def told(pair: tuple[str, str]) -> str:
    return pair[0 if language.current() == "zh" else 1]


def coded(key: str) -> list[tuple[str, Any]]:
    """A code table as choices."""
    rows = runtime.rules().value(f"catalogue.{key}").rows
    return [(str(r["code"]), words(Text(str(r["zh"]), str(r["en"])))) for r in rows]


class EntryStep(FieldForm):
    entry = forms.ChoiceField(
        label=words("登记", "Entry"), widget=forms.RadioSelect,
        help_text=words("产品出自一项您持有的登记；没有登记的先去办理首次登记", "a product comes out of an entry you hold"),
    )  # fmt: skip

    def __init__(self, *args: Any, entries: list[tuple[str, str]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["entry"].choices = entries  # type: ignore[attr-defined]


class DescribeStep(FieldForm):
    title = forms.CharField(label=words("产品名称", "Title"), max_length=120)
    title_en = forms.CharField(label=words("英文名称", "Title in English"), max_length=200, required=False)
    summary = forms.CharField(
        label=words("简介", "Summary"), widget=forms.Textarea,
        help_text=words("包含什么、覆盖范围和时段、能用来做什么", "what it holds, its coverage, what it is good for"),
    )  # fmt: skip
    keywords = forms.CharField(
        label=words("关键词", "Keywords"), required=False, help_text=words("用空格或顿号分开", "separated by spaces or commas")
    )
    industry = forms.ChoiceField(label=words("行业领域", "Industry"))
    form = forms.ChoiceField(label=words("产品形态", "Form"))
    data_class = forms.ChoiceField(label=words("数据类别", "Class of data"))
    delivery_forms = forms.MultipleChoiceField(
        label=words("交付形式", "Delivery forms"), widget=forms.CheckboxSelectMultiple
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        tables = {
            "industry": "industries", "form": "product_forms", "data_class": "data_classes", "delivery_forms": "delivery_forms",
        }  # fmt: skip
        for name, key in tables.items():
            self.fields[name].choices = coded(key)  # type: ignore[attr-defined]

    def clean_keywords(self) -> list[str]:
        text: str = self.cleaned_data["keywords"]
        return [w for w in text.replace("、", " ").replace("，", " ").replace(",", " ").split() if w]


class DataStep(FieldForm):
    dictionary_file = forms.FileField(
        label=words("上传数据字典", "Upload a data dictionary"), required=False,
        help_text=words(
            "连接器所用的 dict.json，或 CSV（表头：列名, 类型, 名称, 可空, 说明）",
            "the connector's dict.json, or a CSV (header: name, type, title, nullable, note)",
        ),
    )  # fmt: skip
    dictionary = forms.CharField(
        label=words("数据字典", "Data dictionary"), required=False,
        widget=forms.Textarea(attrs={"rows": 10, "spellcheck": "false"}),
        help_text=words(
            "有质量报告的已按其数据概况预填。可直接修改：每行一列，逗号分隔；上传文件时以文件为准",
            "filled in from the newest quality report, where there is one; amend here, one column a line; a file replaces it",
        ),
    )  # fmt: skip
    sample = forms.CharField(
        label=words("样例数据（CSV）", "Sample (CSV)"), required=False,
        widget=forms.Textarea(attrs={"rows": 6, "spellcheck": "false"}),
        help_text=words("可选；首行为列名", "optional; the first row names the columns"),
    )  # fmt: skip
    data_digest = forms.CharField(
        label=words("数据文件 SHA-256", "SHA-256 of the data file"), required=False, max_length=64,
        help_text=words(
            "与质量报告一致；留空则取最近一份质量报告的数据摘要", "as in the quality report; empty takes the newest report's"
        ),
    )  # fmt: skip
    connector_id = forms.CharField(label=words("连接器编号", "Connector"), required=False, max_length=80)

    def clean(self) -> dict[str, object] | None:
        cleaned = super().clean()
        given, upload = self.cleaned_data, self.cleaned_data.get("dictionary_file")
        given["columns"], given["rows"] = (), ()
        try:
            self._read(given, upload)
        except ValueError as error:
            pair = error.args[0] if error.args and isinstance(error.args[0], tuple) else ("不是文本文件", "not a text file")
            self.add_error("dictionary", told(pair))
        return cleaned

    def _read(self, given: dict[str, Any], upload: Any) -> None:
        """ValueError with (zh, en) when dictionary or sample cannot be read."""
        if upload is not None and upload.size > LARGEST_TEXT:
            raise ValueError(("文件过大", "the file is too large"))
        text = upload.read().decode("utf-8") if upload is not None else given.get("dictionary", "")
        if text.lstrip("\ufeff \r\n\t").startswith("{"):
            given["columns"], given["rows"] = dictionary_from_profile(text)
            given["rows"] = given["rows"][: runtime.rules().value("catalogue.sample_rows_max").number]
        else:
            given["columns"] = dictionary_from_csv(text)
        if given.get("sample", "").strip():
            given["rows"] = sample_from_csv(given["sample"], [c.name for c in given["columns"]])
        most = runtime.rules().value("catalogue.sample_rows_max").number
        fault = dictionary_faults(given["columns"]) or sample_faults(given["rows"], len(given["columns"]), most)
        if fault is not None:
            raise ValueError(fault)


class PriceStep(FieldForm):
    price = forms.CharField(
        label=words("价格（元）", "Price (yuan)"), help_text=words("最多两位小数，如 1,280.00", "at most two decimals")
    )
    unit = forms.ChoiceField(
        label=words("计价单位", "Unit"), choices=[(k, words(v)) for k, v in UNIT_TITLES.items()]
    )
    includes = forms.CharField(
        label=words("价格包含", "What it includes"), required=False, max_length=300,
        help_text=words("例如：全部字段、一年内的更新、技术支持", "for example: all columns, updates for a year, support"),
    )  # fmt: skip

    def clean_price(self) -> int:
        try:
            return int(parse_fen(self.cleaned_data["price"].strip()))
        except MoneyError as error:
            raise forms.ValidationError(error.message(language.current())) from error


class LicenceStep(FieldForm):
    actions = forms.MultipleChoiceField(
        label=words("许可行为", "Permitted acts"), widget=forms.CheckboxSelectMultiple,
        choices=[(k, words(v)) for k, v in ACTIONS.items()], initial=["use"],
    )  # fmt: skip
    purposes = forms.MultipleChoiceField(label=words("许可用途", "Permitted purposes"), widget=forms.CheckboxSelectMultiple)
    term_days = forms.IntegerField(label=words("许可期限（天）", "Term (days)"), min_value=1, initial=365)
    calls = forms.IntegerField(label=words("交付次数上限", "Most deliveries"), required=False, min_value=1)
    bytes = forms.IntegerField(label=words("流量上限（字节）", "Most bytes"), required=False, min_value=1)
    per_minute = forms.IntegerField(label=words("每分钟请求上限", "Most requests a minute"), required=False, min_value=1)
    attribute = forms.BooleanField(label=words("使用时须注明来源", "The source must be named"), required=False)
    delete_at_end = forms.BooleanField(
        label=words("期满须删除数据", "Data must be deleted at the end"), required=False, initial=True
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["purposes"].choices = coded("purposes")  # type: ignore[attr-defined]


class ChangesForm(FieldForm):
    changes = forms.CharField(
        label=words("本次修订说明", "What changed"), max_length=500, widget=forms.Textarea(attrs={"rows": 3})
    )


class ConfirmForm(FieldForm):
    pass


class GatesForm(FieldForm):
    gates = forms.MultipleChoiceField(
        label=words("可信流通声明", "Declarations of trusted circulation"), widget=forms.CheckboxSelectMultiple, required=False,
        help_text=words("逐项确认后勾选；审核人员将核对", "tick what you have made sure of; the venue checks it"),
    )  # fmt: skip

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["gates"].choices = coded("circulation_gates")  # type: ignore[attr-defined]


def dictionary_text(columns: tuple[ColumnEntry, ...]) -> str:
    """The dictionary as the CSV a person can amend."""
    import csv
    import io

    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(["列名", "类型", "名称", "可空", "说明"])
    for c in columns:
        writer.writerow([c.name, c.type, c.title, "是" if c.nullable else "否", c.note])
    return buffer.getvalue()


def sample_text(columns: tuple[ColumnEntry, ...], rows: Any) -> str:
    import csv
    import io

    if not rows:
        return ""
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow([c.name for c in columns])
    writer.writerows([["" if v is None else v for v in row] for row in rows])
    return buffer.getvalue()


def yuan_text(fen: int) -> str:
    return format_fen(fen)

