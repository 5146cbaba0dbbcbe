"""Forms of valuation: the order with its basic matters, the report in the guided form of its methods, the withdrawal.

The report's form has the fields of the methods chosen before it, by the codes of the register's rules, and is read into the
calculation of docs/formats.md 19.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any, Final

from django import forms

from shugu.appraisal.domain_valuation import Codes
from shugu.formats.valuation import COST, COST_LESS, INCOME, LESSENED, MARKET, RANGE, SINGLE, WEIGHTED
from shugu.kernel.money import parse_fen
from shugu.kernel.rule_errors import MoneyError
from shugu.kernel.text import Text
from shugu.web import language
from shugu.web.forms import FieldForm, words

LONGEST: Final = 200
_GAPS = re.compile(r"[\s、；;]+")
_CASE_GAPS = re.compile(r"[；;|]")
CONCLUSIONS: Final[Mapping[str, Text]] = {
    SINGLE: Text("取一种方法的结果", "the result of one method"),
    WEIGHTED: Text("各方法加权平均", "weighted mean of the methods"),
    RANGE: Text("区间：各方法结果的最小值至最大值", "range: from the least to the largest result"),
}


def _choices(table: Mapping[str, Text]) -> list[tuple[str, Any]]:
    return [(code, words(text)) for code, text in table.items()]


class YuanField(forms.CharField):
    """Yuan as a person writes them; cleaned to fen (int), None when empty."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(widget=forms.TextInput(attrs={"inputmode": "decimal"}), max_length=30, **kwargs)

    def clean(self, value: Any) -> Any:
        text = super().clean(value)
        return None if text == "" else fen(text)


def fen(text: str) -> int:
    try:
        return int(parse_fen(text.replace("，", ",").strip()))
    except MoneyError as error:
        raise forms.ValidationError(error.message(language.current())) from error


class OrderValuationForm(FieldForm):
    """The basic matters. There is no field for a wished-for value: none may become the conclusion."""

    entry = forms.ChoiceField(label=words("登记", "Entry"))
    body = forms.ChoiceField(label=words("评估机构", "Valuing body"))
    rights = forms.MultipleChoiceField(
        label=words("评估的权利", "Rights valued"), widget=forms.CheckboxSelectMultiple,
        help_text=words("只能选该登记具有的权利", "only rights that the entry has"),
    )  # fmt: skip
    purpose = forms.ChoiceField(label=words("评估目的", "Purpose"))
    value_type = forms.ChoiceField(label=words("价值类型", "Type of value"))
    base_date = forms.DateField(
        label=words("评估基准日", "Base date"), widget=forms.DateInput(format="%Y-%m-%d", attrs={"type": "date"}),
        help_text=words("价值是这一天的价值，不晚于今天", "the value is that of this day, not later than today"),
    )  # fmt: skip
    scenario = forms.CharField(
        label=words("应用场景", "Scenario"), max_length=4000, widget=forms.Textarea(attrs={"rows": 3}),
        help_text=words("数据将用在哪里；同一数据在不同场景下价值不同", "where the data will be used; the value depends on it"),
    )  # fmt: skip
    scope = forms.CharField(
        label=words("评估范围", "Scope"), required=False, max_length=4000, widget=forms.Textarea(attrs={"rows": 2})
    )
    users = forms.CharField(
        label=words("报告使用人", "Users of the report"), required=False, max_length=4000,
        widget=forms.Textarea(attrs={"rows": 2}),
    )  # fmt: skip

    def __init__(
        self, *args: Any, entries: Iterable[tuple[str, str]], bodies: Iterable[tuple[str, str]], rights: Mapping[str, Text],
        known: Codes, **kwargs: Any,
    ) -> None:  # fmt: skip
        super().__init__(*args, **kwargs)
        given: dict[str, Any] = {
            "entry": list(entries), "body": list(bodies), "rights": _choices(rights), "purpose": _choices(known.purposes),
            "value_type": _choices(known.value_types),
        }  # fmt: skip
        for name, choices in given.items():
            self.fields[name].choices = choices  # type: ignore[attr-defined]


class MethodsForm(FieldForm):
    """The first step of a report: which methods were used."""

    methods = forms.MultipleChoiceField(label=words("采用的方法", "Methods used"), widget=forms.CheckboxSelectMultiple)

    def __init__(self, *args: Any, known: Codes, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["methods"].choices = _choices(known.methods)  # type: ignore[attr-defined]


class WithdrawValuationForm(FieldForm):
    """Why a report loses force for good."""

    ground = forms.ChoiceField(label=words("撤销情形", "Ground"), widget=forms.RadioSelect)
    document = forms.CharField(
        label=words("文书编号", "Number of the document"), required=False, max_length=LONGEST,
        help_text=words("裁判、裁决或决定的文号；其他情形可不填", "Of the judgment, award or decision, where there is one"),
    )  # fmt: skip
    reason = forms.CharField(
        label=words("理由", "Reason"), max_length=LONGEST, widget=forms.Textarea(attrs={"rows": 3}),
        help_text=words("只以摘要入日志", "Only its digest enters the log"),
    )  # fmt: skip

    def __init__(self, *args: Any, grounds: Iterable[Mapping[str, Any]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["ground"].choices = [(row["code"], words(row["zh"], row["en"])) for row in grounds]  # type: ignore[attr-defined]


class ValuationReportForm(FieldForm):
    """The second step: the inputs of each method, the conclusion, the texts and the signed file. `try` works the figures out and
    files nothing; the file is needed only to file."""

    def __init__(
        self, *args: Any, known: Codes, methods: Iterable[str], qualities: Iterable[str], least: int, latest: str,
        trial: bool = False, **kwargs: Any,
    ) -> None:  # fmt: skip
        super().__init__(*args, **kwargs)
        self.known, self.methods = known, tuple(methods)
        build = {INCOME: self._income, COST: self._cost, COST_LESS: self._cost_less, MARKET: self._market}
        for name in self.methods:
            build[name]()
        self._conclusion()
        for code, title in known.parts.items():
            self.fields[f"part_{code}"] = forms.CharField(
                label=words(title), max_length=2000, required=not trial, widget=forms.Textarea(attrs={"rows": 2})
            )
        self._rest(qualities, least, latest, needed=not trial)

    def _income(self) -> None:
        title = self.known.methods[INCOME]
        self.fields["income_forecast"] = forms.ChoiceField(
            label=words(f"{title.zh}：预测方式", f"{title.en}: forecast"), choices=_choices(self.known.forecasts)
        )
        self.fields["income_share"] = forms.CharField(
            label=words("分成率", "Share"), required=False, max_length=12,
            help_text=words("只用于分成收益预测，如 0.35", "only of a forecast by a share, such as 0.35"),
        )  # fmt: skip
        self.fields["income_years"] = forms.CharField(
            label=words("各年预期收益（元）", "Expected income of each year, CNY"),
            widget=forms.Textarea(attrs={"rows": 5}), max_length=4000,
            help_text=words(
                "自基准日起每行一年；超额或增量收益每行两数：收益与应减去的数额，以空格分开",
                "a line for each year from the base date; excess or incremental income: two figures, income and what is deducted",
            ),
        )  # fmt: skip
        for code, risk in self.known.rate.items():
            self.fields[f"rate_{code}"] = forms.CharField(
                label=words(f"折现率：{risk.zh}（%）", f"Discount rate: {risk.en}, %"), max_length=12,
                help_text=words("没有的写 0", "0 if there is none"),
            )  # fmt: skip
        self._value(INCOME)

    def _elements(self, method: str) -> None:
        title = self.known.methods[method]
        for code, element in self.known.elements.items():
            self.fields[f"{method}_{code}"] = YuanField(
                label=words(f"{title.zh}：{element.zh}（元）", f"{title.en}: {element.en}, CNY")
            )

    def _cost(self) -> None:
        self._elements(COST)
        self.fields["cost_by"] = forms.ChoiceField(
            label=words("调整系数的依据", "Coefficient by"), choices=_choices(self.known.coefficients)
        )
        self.fields["cost_factor"] = forms.CharField(
            label=words("质量调整系数", "Coefficient of quality"), required=False, max_length=12,
            help_text=words("按质量因素时填写，如 0.85", "by quality, such as 0.85"),
        )  # fmt: skip
        lives = (("left", "剩余寿命（月）", "Remaining life, months"), ("whole", "总寿命（月）", "Whole life, months"))
        for name, zh, en in lives:
            self.fields[f"cost_{name}"] = forms.IntegerField(label=words(zh, en), required=False, min_value=1, max_value=1200)
        self._value(COST)

    def _cost_less(self) -> None:
        self._elements(COST_LESS)
        for name, zh, en in (
            ("functional", "功能性贬值（元）", "Functional depreciation, CNY"),
            ("economic", "经济性贬值（元）", "Economic depreciation, CNY"),
        ):
            self.fields[f"{COST_LESS}_{name}_fen"] = YuanField(label=words(zh, en))
        self._value(COST_LESS)

    def _market(self) -> None:
        title, factors = self.known.methods[MARKET], self.known.factors.values()
        zh, en = "；".join(f.zh for f in factors), "; ".join(f.en for f in factors)
        self.fields["market_cases"] = forms.CharField(
            label=words(f"{title.zh}：可比案例", f"{title.en}: compared cases"), max_length=6000,
            widget=forms.Textarea(attrs={"rows": 5}),
            help_text=words(
                f"至少 {self.known.cases_least} 个，每行一个，以分号分开：名称；成交价（元）；{zh}。无差异的系数写 1",
                f"{self.known.cases_least} at least, one a line, parted by semicolons: name; price, CNY; {en}. 1 for none",
            ),
        )  # fmt: skip
        self._value(MARKET)

    def _value(self, method: str) -> None:
        title = self.known.methods[method]
        self.fields[f"{method}_value"] = YuanField(
            label=words(f"{title.zh}：报告所载结果（元）", f"{title.en}: result in the report, CNY"), required=False,
            help_text=words("须与按参数重算的结果一致；可先试算", "has to be what the inputs give; work it out first"),
        )  # fmt: skip

    def _conclusion(self) -> None:
        kinds = dict(CONCLUSIONS) if len(self.methods) > 1 else {SINGLE: CONCLUSIONS[SINGLE]}
        self.fields["unit_fen"] = forms.ChoiceField(label=words("取整单位", "Rounded to"), choices=_choices(self.known.units))
        self.fields["conclusion"] = forms.ChoiceField(label=words("评估结论", "Conclusion"), choices=_choices(kinds))
        used = {name: self.known.methods[name] for name in self.methods}
        if len(self.methods) > 1:
            self.fields["conclusion_method"] = forms.ChoiceField(
                label=words("取哪种方法的结果", "Result of which method"), choices=_choices(used), required=False
            )
            for name, title in used.items():
                self.fields[f"weight_{name}"] = forms.IntegerField(
                    label=words(f"{title.zh}的权重", f"Weight of the {title.en}"), required=False, min_value=1, max_value=1000
                )
            self.fields["high"] = YuanField(
                label=words("区间上限（元）", "End of the range, CNY"), required=False,
                help_text=words("只用于区间", "only of a range"),
            )  # fmt: skip
        self.fields["value"] = YuanField(
            label=words("结论数额（元）；区间填下限", "Value, CNY; of a range its beginning"), required=False
        )

    def _rest(self, qualities: Iterable[str], least: int, latest: str, *, needed: bool) -> None:
        none = [("", words("未依据本场所的质量报告", "none of this venue's"))]
        self.fields["quality_report"] = forms.ChoiceField(
            label=words("所依据的质量报告", "Quality report relied on"), required=False,
            choices=[*none, *((n, n) for n in qualities)],
        )  # fmt: skip
        self.fields["valid_until"] = forms.DateField(
            label=words("有效至", "Valid until"), required=False,
            widget=forms.DateInput(format="%Y-%m-%d", attrs={"type": "date"}),
            help_text=words(f"不填即 {latest}，可更早", f"{latest} if left empty; may be earlier"),
        )  # fmt: skip
        self.fields["signers"] = forms.CharField(
            label=words("签名的评估专业人员", "Appraisers who signed"), required=needed, widget=forms.Textarea(attrs={"rows": 3}),
            help_text=words(f"每行一人，至少 {least} 人；不入日志", f"one a line, at least {least}; they do not enter the log"),
        )  # fmt: skip
        self.fields["independent"] = forms.BooleanField(
            required=needed,
            label=words(
                "本机构独立形成意见，未以预先设定的价值作为结论",
                "We judged independently; no value set beforehand is the conclusion",
            ),
        )
        self.fields["report"] = forms.FileField(
            label=words("已签名的报告（PDF）", "Signed report (PDF)"), required=needed,
            help_text=words("试算时不需要", "not needed to work it out"),
        )  # fmt: skip

    def clean(self) -> dict[str, object] | None:
        super().clean()
        given = self.cleaned_data
        for name, read in (("income_years", self._years), ("market_cases", self._cases)):
            if name in self.fields and name in given:
                try:
                    given[name] = read(str(given[name]))
                except forms.ValidationError as error:
                    self.add_error(name, error)
        return given

    def _years(self, text: str) -> list[dict[str, int]]:
        two = self.cleaned_data.get("income_forecast") in LESSENED
        names = ("income_fen", "less_fen") if two else ("income_fen",)
        rows = []
        for number, line in enumerate((ln for ln in text.splitlines() if ln.strip()), 1):
            figures = [part for part in _GAPS.split(line.strip()) if part]
            if len(figures) != len(names):
                raise _fault(f"第 {number} 年须有 {len(names)} 个数", f"year {number} has {len(names)} figures")
            rows.append(dict(zip(names, (fen(figure) for figure in figures), strict=True)))
        return rows

    def _cases(self, text: str) -> list[dict[str, Any]]:
        codes, rows = list(self.known.factors), []
        for number, line in enumerate((ln for ln in text.splitlines() if ln.strip()), 1):
            parts = [part.strip() for part in _CASE_GAPS.split(line.strip().rstrip("；;"))]
            if len(parts) != 2 + len(codes):
                raise _fault(f"第 {number} 行须有 {2 + len(codes)} 项", f"line {number} has {2 + len(codes)} items")
            factors = [[code, value] for code, value in zip(codes, parts[2:], strict=True)]
            rows.append({"name": parts[0], "price_fen": fen(parts[1]), "factors": factors})
        return rows

    def method(self, name: str) -> dict[str, Any]:
        """One method's inputs as the calculation has them; without a result it says nought. Only after `is_valid()`."""
        given = self.cleaned_data
        told: dict[str, Any] = {"method": name, "value_fen": given[f"{name}_value"] or 0}
        if name == INCOME:
            rate = [[code, given[f"rate_{code}"].strip()] for code in self.known.rate]
            told |= {"forecast": given["income_forecast"], "rate": rate, "years": given["income_years"]}
            return told | ({"share": given["income_share"].strip()} if told["forecast"] == "sharing" else {})
        if name == MARKET:
            return told | {"cases": given["market_cases"]}
        told["items"] = [[code, given[f"{name}_{code}"]] for code in self.known.elements]
        if name == COST_LESS:
            return told | {f"{part}_fen": given[f"{name}_{part}_fen"] for part in ("functional", "economic")}
        if given["cost_by"] == "life":
            by = {"by": "life", "remaining_months": given["cost_left"] or 0, "total_months": given["cost_whole"] or 0}
        else:
            by = {"by": given["cost_by"], "factor": given["cost_factor"].strip()}
        return told | {"coefficient": by}

    def calculation(self) -> dict[str, Any]:
        """The whole of it. Only after `is_valid()`."""
        given = self.cleaned_data
        kind = given["conclusion"]
        told: dict[str, Any] = {"kind": kind, "value_fen": given["value"] or 0}
        if kind == SINGLE:
            told["method"] = (given.get("conclusion_method") or self.methods[0]) if self.methods else ""
        elif kind == WEIGHTED:
            told["weights"] = [[name, given[f"weight_{name}"] or 0] for name in self.methods]
        else:
            told = {"kind": kind, "low_fen": given["value"] or 0, "high_fen": given["high"] or 0}
        return {
            "unit_fen": int(given["unit_fen"]), "methods": [self.method(name) for name in self.methods], "conclusion": told,
        }  # fmt: skip

    def place_of(self, where: str) -> str:
        """The field beside which a fault of the calculation or of the service is told."""
        if where in self.methods:
            return f"{where}_value"
        return {"conclusion": "value", "file": "report", "methods": "unit_fen"}.get(where, where)


def _fault(zh: str, en: str) -> forms.ValidationError:
    return forms.ValidationError(zh if language.current() == "zh" else en)
