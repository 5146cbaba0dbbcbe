"""The application: which fields a register asks, read from its rules, and what is wrong with an answer. No writes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from shugu.formats.errors import Pair
from shugu.kernel import runtime
from shugu.kernel.rulebook import RegisterRules
from shugu.kernel.rules import Register, RuleValue
from shugu.kernel.text import Text

KINDS = ("line", "text", "date", "table")
LINE_MAX, TEXT_MAX, TITLE_MAX = 200, 4000, 200


@dataclass(frozen=True)
class FormField:
    """One question of the application. `options` are (code, words) of a table; `when` an object kind or empty."""

    id: str
    title: Text
    kind: str
    required: bool
    when: str
    options: tuple[tuple[str, Text], ...]
    source: RuleValue


def register_named(register: str) -> Register:
    """Errors: RuleError for a register the venue does not keep."""
    return runtime.rules().profile.register(register)


def rules_of(register: str) -> RegisterRules:
    return RegisterRules(runtime.rules(), register)


def code_table(rules: RegisterRules, name: str) -> dict[str, Text]:
    return {str(row.get("code", row.get("id"))): Text(str(row["zh"]), str(row["en"])) for row in rules.value(name).rows}


def form_fields(register: str, object_kind: str) -> tuple[FormField, ...]:
    """The questions of a first registration, from the rule `registry.fields_first`."""
    rules = rules_of(register)
    source = rules.value("registry.fields_first")
    out = []
    for row in source.rows:
        when = str(row.get("when", ""))
        if when and when != object_kind:
            continue
        table = str(row.get("table", ""))
        options = tuple(code_table(rules, table).items()) if table else ()
        title = Text(str(row["zh"]), str(row["en"]))
        kind = "table" if table else str(row.get("kind", "line"))
        out.append(FormField(str(row["id"]), title, kind, bool(row.get("required", True)), when, options, source))
    return tuple(out)


def right_codes(register: str) -> dict[str, Text]:
    return code_table(rules_of(register), register_named(register).rights)


def object_kinds(register: str) -> dict[str, Text]:
    return code_table(rules_of(register), "registry.objects")


def application_errors(
    register: str, *, title: str, object_kind: str, rights: tuple[str, ...], form: Mapping[str, Any]
) -> dict[str, Pair]:
    """Every defect of an application's plain answers by field; empty when there is none."""
    errors: dict[str, Pair] = {}
    if not 1 <= len(title.strip()) <= TITLE_MAX:
        errors["title"] = (f"名称为 1–{TITLE_MAX} 个字", f"a title has 1–{TITLE_MAX} characters")
    if object_kind not in object_kinds(register):
        errors["object_kind"] = ("登记对象不在可选之列", "no such object of registration")
    known = right_codes(register)
    if not rights or len(set(rights)) != len(rights) or not set(rights) <= set(known):
        errors["rights"] = (f"从{'、'.join(t.zh for t in known.values())}中选择", "choose among the rights listed")
    questions = {field.id: field for field in form_fields(register, object_kind)}
    for name in sorted(set(form) - set(questions)):
        errors[f"form.{name}"] = ("未知字段", "unknown field")
    for name, question in questions.items():
        problem = _answer_problem(question, form.get(name, ""))
        if problem is not None:
            errors[f"form.{name}"] = problem
    return errors


def _answer_problem(question: FormField, answer: Any) -> Pair | None:
    if not isinstance(answer, str):
        return ("应为文字", "it is text")
    answer = answer.strip()
    if not answer:
        return ("必填", "required") if question.required else None
    limit = TEXT_MAX if question.kind == "text" else LINE_MAX
    if len(answer) > limit:
        return (f"不超过 {limit} 个字", f"at most {limit} characters")
    if question.kind == "table" and answer not in dict(question.options):
        return ("不在可选之列", "not among the choices")
    if question.kind == "date":
        try:
            date.fromisoformat(answer)
        except ValueError:
            return ("日期写作 2026-03-02", "write a date as 2026-03-02")
    return None


def ground_errors(register: str, given: Mapping[str, Any]) -> dict[str, Pair]:
    """A refusal names one of the coded grounds of the register's rules."""
    if "refusal_ground" in given and given["refusal_ground"] not in code_table(rules_of(register), "registry.refusal_grounds"):
        return {"refusal_ground": ("从规则列明的情形中选择", "choose one of the grounds listed in the rules")}
    return {}


def defect_lines(given: Any) -> list[str]:
    """The defects told at once: a list of sentences, or one text with a line for each."""
    lines = given.splitlines() if isinstance(given, str) else given if isinstance(given, list | tuple) else []
    return [str(line).strip() for line in lines if str(line).strip()]
