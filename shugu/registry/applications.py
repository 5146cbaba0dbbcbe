"""The application: which fields a register asks, read from its rules, and what is wrong with an answer. No writes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

from shugu.formats.errors import Pair
from shugu.kernel import runtime
from shugu.kernel.cases import Rules
from shugu.kernel.rulebook import RegisterRules
from shugu.kernel.rules import Register, RuleValue
from shugu.kernel.text import Text
from shugu.registry.operations import Writes, operations

KINDS = ("line", "text", "date", "table", "flag", "number", "multi")
# Answers of these kinds are codes: procedure tables ask for them and clocks start on dates.
TOLD_TO_THE_CASE = ("date", "table", "flag", "number", "multi")
FLAGS = {"yes": Text("是", "yes"), "no": Text("否", "no")}
FIRST = "first"
LINE_MAX, TEXT_MAX, TITLE_MAX, NUMBER_MAX = 200, 4000, 200, 15


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
    public: bool = True
    article: str = ""


def register_named(register: str) -> Register:
    """Errors: RuleError for a register the venue does not keep."""
    return runtime.rules().profile.register(register)


def rules_of(register: str) -> RegisterRules:
    return RegisterRules(runtime.rules(), register)


def article_of(rule: RuleValue) -> str:
    """The article of a rule, or that it is the venue's own choice."""
    return rule.article or "本场所规则 / the venue's own rule"


def code_table(rules: RegisterRules, name: str) -> dict[str, Text]:
    return {str(row.get("code", row.get("id"))): Text(str(row["zh"]), str(row["en"])) for row in rules.value(name).rows}


# A rule set's id holds the hash of its content: what was read of it once stays true.
_asked: dict[tuple[str, str, str, str], tuple[FormField, ...]] = {}


def form_fields(register: str, object_kind: str, operation: str = FIRST) -> tuple[FormField, ...]:
    """The questions of an operation, from the rule `registry.fields_<operation>`; none where the rules have none. What is
    changed may be anything that was asked at first."""
    rules = rules_of(register)
    key = (rules.id, register, object_kind, operation)
    if key not in _asked:
        _asked[key] = _questions(rules, object_kind, operation)
    return _asked[key]


def _questions(rules: RegisterRules, object_kind: str, operation: str) -> tuple[FormField, ...]:
    fields = _fields(rules, operation, object_kind)
    known = operations(rules)
    if operation in known and known[operation].writes in (Writes.AMEND, Writes.RENEW):
        asked = {field.id for field in fields}
        entering = next((code for code, row in known.items() if row.writes is Writes.ENTER), FIRST)
        at_first = (replace(f, required=False) for f in _fields(rules, entering, object_kind) if f.id not in asked)
        return (*fields, *at_first)
    return fields


def operation_codes(register: str) -> tuple[str, ...]:
    return tuple(operations(rules_of(register)))


def writes_of(register: str, operation: str) -> Writes:
    found = operations(rules_of(register)).get(operation)
    return found.writes if found is not None else Writes.NOTHING


def _fields(rules: RegisterRules, operation: str, object_kind: str) -> tuple[FormField, ...]:
    source = rules.get(f"registry.fields_{operation}")
    if source is None:
        return ()
    out = []
    for row in source.rows:
        when = str(row.get("when", ""))
        if when and when != object_kind:
            continue
        table, kind = str(row.get("table", "")), str(row.get("kind", ""))
        options = tuple(code_table(rules, table).items()) if table else tuple(FLAGS.items()) if kind == "flag" else ()
        title = Text(str(row["zh"]), str(row["en"]))
        out.append(
            FormField(
                str(row["id"]), title, kind or ("table" if table else "line"), bool(row.get("required", True)), when, options,
                source, bool(row.get("public", True)), str(row.get("article", "")),
            )
        )  # fmt: skip
    return tuple(out)


def told_to_the_case(register: str, object_kind: str, operation: str, form: Mapping[str, str]) -> dict[str, str]:
    """The coded answers, by field: what guards, predicates and clocks may ask."""
    fields = form_fields(register, object_kind, operation)
    return {f.id: form[f.id] for f in fields if f.kind in TOLD_TO_THE_CASE and form.get(f.id)}


def secrets(register: str) -> frozenset[str]:
    """Fields whose answers are told neither in a notice, nor on a certificate, nor in the public book."""
    rules = rules_of(register)
    sources = (rules.get(f"registry.fields_{code}") for code in operation_codes(register))
    return frozenset(str(row["id"]) for s in sources if s is not None for row in s.rows if not row.get("public", True))


def certificate_kind(register: str, object_kind: str, rules: Rules) -> str:
    """The kind the rules name for this object, else the register's."""
    kinds = rules.get("registry.certificate_kinds")  # type: ignore[attr-defined]
    own = f"{object_kind}_certificate"
    return own if kinds is not None and own in kinds.codes else register_named(register).certificate


def kind_titles(register: str, rules: Rules) -> dict[str, Text]:
    """What the rules call each kind of certificate."""
    kinds = rules.get("registry.certificate_kinds")  # type: ignore[attr-defined]
    return {str(row["code"]): Text(str(row["zh"]), str(row["en"])) for row in kinds.rows} if kinds is not None else {}


def right_codes(register: str) -> dict[str, Text]:
    return code_table(rules_of(register), register_named(register).rights)


def object_kinds(register: str) -> dict[str, Text]:
    return code_table(rules_of(register), "registry.objects")


def can_hold(register: str, object_kind: str, rights: Iterable[str]) -> bool:
    """Whether the register knows this kind of object and these rights."""
    return object_kind in object_kinds(register) and set(rights) <= set(right_codes(register))


def application_errors(
    register: str, *, title: str, object_kind: str, rights: tuple[str, ...], form: Mapping[str, Any], operation: str = FIRST
) -> dict[str, Pair]:
    """Every defect of an application's plain answers by field; empty when there is none. Only what enters a right in the
    book must name rights."""
    errors: dict[str, Pair] = {}
    if not 1 <= len(title.strip()) <= TITLE_MAX:
        errors["title"] = (f"名称为 1–{TITLE_MAX} 个字", f"a title has 1–{TITLE_MAX} characters")
    entering = writes_of(register, operation) is Writes.ENTER
    if entering and object_kind not in object_kinds(register):
        errors["object_kind"] = ("登记对象不在可选之列", "no such object of registration")
    known = right_codes(register)
    if (entering and not rights) or len(set(rights)) != len(rights) or not set(rights) <= set(known):
        errors["rights"] = (f"从{'、'.join(t.zh for t in known.values())}中选择", "choose among the rights listed")
    questions = {field.id: field for field in form_fields(register, object_kind, operation)}
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
    if question.kind in ("table", "flag") and answer not in dict(question.options):
        return ("不在可选之列", "not among the choices")
    if question.kind == "multi":
        chosen = answer.split(",")
        if len(set(chosen)) != len(chosen) or not set(chosen) <= set(dict(question.options)):
            return ("不在可选之列", "not among the choices")
    if question.kind == "number" and not (answer.isascii() and answer.isdecimal() and len(answer) <= NUMBER_MAX):
        return (f"应为不超过 {NUMBER_MAX} 位的整数", f"a whole number of at most {NUMBER_MAX} digits")
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
