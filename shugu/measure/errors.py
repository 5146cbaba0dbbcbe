"""What can go wrong while data is measured. Every refusal names its remedy in Chinese and English."""

from __future__ import annotations

from shugu.formats.errors import ShuguError


class MeasureError(ShuguError):
    """Root of the errors of this package; also raised when the engine cannot finish a scan."""

    code = "measure-failed"
    status = 422
    sentence = ("数据质量评价未能完成：{detail}", "The quality evaluation could not be finished: {detail}")
    remedy = ("请检查数据文件与业务规则后重试。", "Check the data file and the rules, then try again.")


class SourceMissing(MeasureError):
    code = "source-missing"
    status = 404
    sentence = ("找不到数据文件：{path}", "The data file is not there: {path}")
    remedy = ("请核对文件路径。", "Check the path of the file.")


class WrongFileType(MeasureError):
    code = "source-wrong-type"
    sentence = (
        "文件 {path} 不是它所声称的 {claimed} 格式：{detail}",
        "The file {path} is not the {claimed} file it claims to be: {detail}",
    )
    remedy = (
        "请提供真正的 Parquet 或 UTF-8 编码的 CSV 文件。",
        "Give a genuine Parquet file or a CSV file in UTF-8.",
    )


class BadDictionary(MeasureError):
    code = "dictionary-malformed"
    sentence = ("数据字典在 {place} 处有误：{detail}", "The data dictionary is wrong at {place}: {detail}")
    remedy = ("请按所指位置修改数据字典。", "Mend the data dictionary at the place named.")


class UnknownColumn(BadDictionary):
    code = "dictionary-unknown-column"
    sentence = (
        "{place} 引用了数据字典中没有的字段“{column}”",
        "{place} refers to the column “{column}”, which the data dictionary does not declare",
    )
    remedy = (
        "请先在数据字典中登记该字段，或更正规则。",
        "Declare the column in the dictionary first, or correct the rule.",
    )


class BadExpression(BadDictionary):
    code = "dictionary-bad-expression"
    sentence = (
        "规则 {place} 的表达式无法接受：{detail}",
        "The expression of {place} cannot be accepted: {detail}",
    )
    remedy = (
        "表达式只能使用字段、常数、比较、加减乘、整除、取余、and/or/not、in 与列出的函数。",
        "Use only columns, constants, comparisons, + - * // %, and/or/not, in, and the listed functions.",
    )


class BadWeights(MeasureError):
    code = "quality-bad-weights"
    sentence = ("质量维度权重有误：{detail}", "The weights of the quality dimensions are wrong: {detail}")
    remedy = (
        "六个维度各给一个非负十进制数，且不全为零。",
        "Give one non-negative decimal per dimension, not all zero.",
    )
