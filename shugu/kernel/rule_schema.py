"""Schemas: what each app expects of its rules, declared as frozen dataclasses.

@rule_schema("registry")
@dataclass(frozen=True)
class RegistryRules:
    notice_period: Length = rule("公示期", "length of public notice", units=("wd", "cd"), high=60)
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from types import UnionType
from typing import Any, TypeVar, Union, get_args, get_origin, get_type_hints

from shugu.kernel.rule_errors import RuleError
from shugu.kernel.rule_files import RuleValue, fault
from shugu.kernel.workdays import Length

S = TypeVar("S")


@dataclass(frozen=True)
class Expected:
    """What a field accepts. Bounds are inclusive and in the value's own unit."""

    help: tuple[str, str]
    units: tuple[str, ...]
    low: int | None
    high: int | None
    one_of: tuple[str, ...]


def rule(
    help_zh: str,
    help_en: str,
    *,
    units: tuple[str, ...] = (),
    low: int | None = None,
    high: int | None = None,
    one_of: tuple[str, ...] = (),
    optional: bool = False,
) -> Any:
    """A schema field. An optional one is None when no document and no venue sets it."""
    expected = Expected((help_zh, help_en), units, low, high, one_of)
    if optional:
        return field(default=None, kw_only=True, metadata={"rule": expected})
    return field(kw_only=True, metadata={"rule": expected})


@dataclass
class SchemaBook:
    """Registered schemas by prefix (`registry`, `supervision.kpi`)."""

    schemas: dict[str, type[Any]] = field(default_factory=dict)

    def register(self, prefix: str, schema: type[Any]) -> None:
        """Raises RuleError for a second schema of one prefix or a field not made by `rule`."""
        known = self.schemas.get(prefix)
        if known is not None and known.__qualname__ != schema.__qualname__:
            raise fault(schema.__module__, prefix, "该前缀已有另一个规则表", "the prefix already has another schema")
        for item in dataclasses.fields(schema):
            if "rule" not in item.metadata:
                raise fault(
                    schema.__module__,
                    f"{prefix}.{item.name}",
                    "字段须用 rule() 声明",
                    "the field must be declared with rule()",
                )
        schema.rule_prefix = prefix
        self.schemas[prefix] = schema

    def check(self, values: Mapping[str, RuleValue], file: str) -> None:
        """Every registered schema can be read, and its apps have no value nobody knows."""
        for schema in self.schemas.values():
            read_schema(values, schema, file)
        apps = {prefix.partition(".")[0] for prefix in self.schemas}
        for name in values:
            prefix, _, last = name.rpartition(":")[2].rpartition(".")
            if prefix.partition(".")[0] not in apps:
                continue
            known = self.schemas.get(prefix)
            if known is None or last not in {item.name for item in dataclasses.fields(known)}:
                raise fault(
                    values[name].document,
                    name,
                    "没有应用认识这个值",
                    "no app knows this value",
                    (
                        "改正名称，或在该应用的 rules.py 中声明",
                        "correct the name or declare it in the app's rules.py",
                    ),
                )


SCHEMAS = SchemaBook()


def rule_schema(prefix: str, book: SchemaBook = SCHEMAS) -> Callable[[type[S]], type[S]]:
    """Register the frozen dataclass below as the schema of values named `<prefix>.<field>`."""

    def register(schema: type[S]) -> type[S]:
        book.register(prefix, schema)
        return schema

    return register


def read_schema(values: Mapping[str, RuleValue], schema: type[S], file: str) -> S:
    """An instance filled from the values; RuleError names file, key and remedy.

    A register's own values are checked by the same fields before they are used.
    """
    prefix = str(schema.rule_prefix)  # type: ignore[attr-defined]
    hints = get_type_hints(schema)
    filled: dict[str, Any] = {}
    for item in dataclasses.fields(schema):  # type: ignore[arg-type]
        name = f"{prefix}.{item.name}"
        found = values.get(name)
        for own in (key for key in values if key.endswith(f":{name}")):
            _fitted(values[own], hints[item.name], item.metadata["rule"])
        if found is not None:
            filled[item.name] = _fitted(found, hints[item.name], item.metadata["rule"])
        elif item.default is dataclasses.MISSING:
            raise fault(
                file,
                name,
                "缺少这个值",
                "this value is missing",
                (
                    f'写上 {item.name} = {{ value = …, force = "venue", note = … }}',
                    f'add {item.name} = {{ value = …, force = "venue", note = … }}',
                ),
            )
    return schema(**filled)


def _fitted(found: RuleValue, hint: Any, expected: Expected) -> Any:
    def refuse(zh: str, en: str) -> RuleError:
        return fault(found.document, found.name, zh, en)

    kind = hint
    if get_origin(hint) in (Union, UnionType):
        kind = next(part for part in get_args(hint) if part is not type(None))
    if kind is not Length and not _is_a(found.value, kind):
        raise refuse(f"类型须为 {_name(kind)}", f"its type must be {_name(kind)}")
    if expected.units and found.unit not in expected.units:
        units = " ".join(expected.units)
        raise refuse(f"单位须为 {units}", f"its unit must be one of {units}")
    if expected.one_of and found.value not in expected.one_of:
        raise refuse(f"须为 {' '.join(expected.one_of)} 之一", f"it must be one of {' '.join(expected.one_of)}")
    if isinstance(found.value, int | Decimal) and not isinstance(found.value, bool):
        if expected.low is not None and found.value < expected.low:
            raise refuse(f"不得小于 {expected.low}", f"it must be at least {expected.low}")
        if expected.high is not None and found.value > expected.high:
            raise refuse(f"不得大于 {expected.high}", f"it must be at most {expected.high}")
    return found.length if kind is Length else found.value


def _is_a(value: object, kind: Any) -> bool:
    if get_origin(kind) is tuple:
        return isinstance(value, tuple) and all(_is_a(item, get_args(kind)[0]) for item in value)
    if get_origin(kind) is not None:
        return isinstance(value, get_origin(kind))
    if kind is int:
        return isinstance(value, int) and not isinstance(value, bool)
    if kind in (bool, str, Decimal, date):
        return type(value) is kind
    return kind is Any or isinstance(value, kind)


def _name(kind: Any) -> str:
    return getattr(kind, "__name__", str(kind)) if get_origin(kind) is None else str(kind)
