"""What goes wrong in rules, calendars, lengths and money."""

from __future__ import annotations

from typing import Self

from shugu.formats.errors import ShuguError


class RuleError(ShuguError):
    """A rule file, calendar, venue profile or schema that cannot be used: names file and key."""

    code = "rule.invalid"
    status = 500
    sentence = ("规则文件 {file} 的 {key}：{zh}。", "Rule file {file}, {key}: {en}.")
    remedy = ("{remedy_zh}。", "{remedy_en}.")

    @classmethod
    def at(cls, file: str, key: str, *, zh: str, en: str, remedy_zh: str, remedy_en: str) -> Self:
        return cls(file=file, key=key, zh=zh, en=en, remedy_zh=remedy_zh, remedy_en=remedy_en)


class RuleLocked(RuleError):
    """A released rule file whose bytes changed."""

    code = "rule.locked"


class UnknownRule(ShuguError):
    """A rule value that no chosen document and no venue choice provides."""

    code = "rule.unknown"
    status = 500
    sentence = (
        "规则集 {rule_set} 没有 {name}。",
        "The rule set {rule_set} has no value {name}.",
    )
    remedy = (
        "在场所配置 shugu/rules/venues/ 中加上该值，或选用含有该值的文件。",
        "Add the value to the venue profile in shugu/rules/venues/, or choose a document that has it.",
    )


class LengthError(ShuguError):
    """A period that cannot be counted."""

    code = "workdays.length"
    status = 400
    sentence = ("期限无法计算：{length}。", "This period cannot be counted: {length}.")
    remedy = (
        "期限为正整数，单位 wd、cd、month 或 year；时间须带时区；按月、按年的期限暂停后用延期计算。",
        "Use a whole number of wd, cd, month or year; moments need a time zone; a paused month is extended.",
    )


class MoneyError(ShuguError):
    """An amount that is not a whole number of fen written properly."""

    code = "money.invalid"
    status = 400
    sentence = ("金额“{text}”无效：{zh}。", "The amount “{text}” is not valid: {en}.")
    remedy = (
        "写成元，最多两位小数，例如 1,234.56。",
        "Write yuan with at most two decimals, for example 1,234.56.",
    )
