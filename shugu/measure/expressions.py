"""Business rules as small typed expressions, compiled to Ibis; no SQL and no Python is ever run.

Grammar (Python spelling): columns by name or `col("any name")`, integers, 'text', true/false/null;
`== != < <= > >=`, chained comparisons, `in (..)`, `is null`, `and or not`, `+ - * // %`, and
`iff(a,b) implies(a,b) length(t) abs(n) timestamp(y,m,d,h) minutes_between(a,b) hours_between(a,b)`.
Fractions are written `decimal('0.5')`. Three-valued: an expression over nulls is unknown, except `is null`.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping
from decimal import Decimal, InvalidOperation
from typing import Any

import ibis
import ibis.common.annotations
import ibis.common.exceptions
import ibis.expr.types as ir

from .errors import BadExpression, UnknownColumn

MAX_LENGTH = 2000

_COMPARE: dict[type[ast.cmpop], Callable[[Any, Any], Any]] = {
    ast.Eq: lambda a, b: a == b,
    ast.NotEq: lambda a, b: a != b,
    ast.Lt: lambda a, b: a < b,
    ast.LtE: lambda a, b: a <= b,
    ast.Gt: lambda a, b: a > b,
    ast.GtE: lambda a, b: a >= b,
}
_ARITHMETIC: dict[type[ast.operator], Callable[[Any, Any], Any]] = {
    ast.Add: lambda a, b: a + b,
    ast.Sub: lambda a, b: a - b,
    ast.Mult: lambda a, b: a * b,
    ast.FloorDiv: lambda a, b: a // b,
    ast.Mod: lambda a, b: a % b,
}
# What Ibis raises when an operation does not exist for the types at hand.
_MISFITS = (
    TypeError,
    AttributeError,
    ibis.common.exceptions.IbisError,
    ibis.common.annotations.ValidationError,
)
_NAMED = {"true": True, "false": False, "True": True, "False": False}


def _timestamp(*parts: Any) -> Any:
    """Built through text: a calendar date that does not exist becomes unknown instead of stopping the scan."""
    year, month, day, hour = (part.cast("string") for part in parts)
    text = year + "-" + month.lpad(2, "0") + "-" + day.lpad(2, "0") + " " + hour.lpad(2, "0") + ":00:00"
    return text.try_cast("timestamp")


_FUNCTIONS: dict[str, tuple[int, Callable[..., Any]]] = {
    "iff": (2, lambda a, b: a == b),
    "implies": (2, lambda a, b: ~a | b),
    "length": (1, lambda a: a.length()),
    "abs": (1, lambda a: a.abs()),
    "timestamp": (4, _timestamp),
    "minutes_between": (2, lambda a, b: b.delta(a, unit="minute")),
    "hours_between": (2, lambda a, b: b.delta(a, unit="hour")),
}


def compile_rule(place: str, text: str, columns: Mapping[str, ir.Value]) -> ir.BooleanValue:
    """The expression as a boolean Ibis value over `columns` (typed). Raises BadExpression, UnknownColumn."""
    if len(text) > MAX_LENGTH:
        raise BadExpression(place=place, detail=(f"超过 {MAX_LENGTH} 个字符", f"longer than {MAX_LENGTH} characters"))
    try:
        # Parsed in parentheses so that a rule may be broken over several lines.
        body = ast.parse(f"({text}\n)", mode="eval").body
        result = _Compiler(place, columns).visit(body)
    except SyntaxError as error:
        raise BadExpression(place=place, detail=str(error.msg)) from error
    except RecursionError as error:
        raise BadExpression(place=place, detail=("嵌套过深", "too deeply nested")) from error
    except _MISFITS as error:
        detail = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise BadExpression(place=place, detail=(f"类型不符({detail})", f"the types do not fit ({detail})")) from error
    if not isinstance(result, ir.BooleanValue):
        raise BadExpression(place=place, detail=("结果必须为真或假", "the result must be true or false"))
    return result


class _Compiler:
    def __init__(self, place: str, columns: Mapping[str, ir.Value]) -> None:
        self.place = place
        self.columns = columns

    def refuse(self, zh: str, en: str) -> BadExpression:
        return BadExpression(place=self.place, detail=(zh, en))

    def visit(self, node: ast.expr) -> Any:
        match node:
            case ast.Name(id=name):
                return ibis.literal(_NAMED[name]) if name in _NAMED else self.column(name)
            case ast.Constant(value=value) if isinstance(value, int | str):
                return ibis.literal(value)
            case ast.Compare():
                return self.comparison(node)
            case ast.BoolOp(op=op, values=values):
                return self.junction(op, [self.boolean(value) for value in values])
            case ast.UnaryOp(op=ast.Not(), operand=operand):
                return ~self.boolean(operand)
            case ast.UnaryOp(op=ast.USub(), operand=operand):
                return -self.visit(operand)
            case ast.BinOp(left=left, op=op, right=right) if type(op) in _ARITHMETIC:
                return _ARITHMETIC[type(op)](self.visit(left), self.visit(right))
            case ast.Call(func=ast.Name(id=name), args=args, keywords=[]):
                return self.call(name, args)
        if isinstance(node, ast.Constant) and isinstance(node.value, float):
            raise self.refuse("小数请写成 decimal('0.5')", "write fractions as decimal('0.5')")
        raise self.refuse(
            f"规则语言中没有 {type(node).__name__}", f"{type(node).__name__} is not part of the rule language"
        )

    def column(self, name: str) -> ir.Value:
        if name not in self.columns:
            raise UnknownColumn(place=self.place, column=name)
        return self.columns[name]

    def boolean(self, node: ast.expr) -> Any:
        value = self.visit(node)
        if not isinstance(value, ir.BooleanValue):
            raise self.refuse("and、or、not 只能连接条件", "and, or, not want conditions")
        return value

    def junction(self, op: ast.boolop, values: list[Any]) -> Any:
        result = values[0]
        for value in values[1:]:
            result = result & value if isinstance(op, ast.And) else result | value
        return result

    def comparison(self, node: ast.Compare) -> Any:
        parts = []
        left = node.left
        for op, right in zip(node.ops, node.comparators, strict=True):
            parts.append(self.pair(left, op, right))
            left = right
        return self.junction(ast.And(), parts)

    def pair(self, left: ast.expr, op: ast.cmpop, right: ast.expr) -> Any:
        if isinstance(op, ast.Is | ast.IsNot):
            empty = isinstance(right, ast.Constant) and right.value is None
            if not empty and not (isinstance(right, ast.Name) and right.id == "null"):
                raise self.refuse("“is”只能与 null 连用", "“is” only goes with null")
            value = self.visit(left)
            return value.isnull() if isinstance(op, ast.Is) else value.notnull()
        if isinstance(op, ast.In | ast.NotIn):
            if not isinstance(right, ast.Tuple | ast.List) or not right.elts:
                raise self.refuse("“in”之后应为常数列表", "“in” wants a list of constants")
            inside = self.visit(left).isin([self.visit(item) for item in right.elts])
            return inside if isinstance(op, ast.In) else ~inside
        first, second = self.visit(left), self.visit(right)
        if isinstance(first, ir.StringValue) != isinstance(second, ir.StringValue):
            raise self.refuse("文本与非文本相比较", "text is compared with something that is not text")
        return _COMPARE[type(op)](first, second)

    def call(self, name: str, args: list[ast.expr]) -> Any:
        if name in ("col", "decimal"):
            match args:
                case [ast.Constant(value=str(text))]:
                    return self.column(text) if name == "col" else self.decimal(text)
            raise self.refuse(f"{name} 需要一个带引号的文本", f"{name} wants one quoted text")
        if name not in _FUNCTIONS:
            raise self.refuse(f"没有函数 {name}", f"there is no function {name}")
        arity, build = _FUNCTIONS[name]
        if len(args) != arity:
            raise self.refuse(f"{name} 需要 {arity} 个参数", f"{name} wants {arity} arguments")
        return build(*(self.visit(argument) for argument in args))

    def decimal(self, text: str) -> Any:
        try:
            return ibis.literal(Decimal(text))
        except InvalidOperation as error:
            raise self.refuse(f"{text} 不是十进制数", f"{text} is not a decimal number") from error
