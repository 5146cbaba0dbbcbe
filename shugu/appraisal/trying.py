"""A calculation worked out before anything is filed: what each method gives, and what the conclusion would be."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from shugu.appraisal.domain_valuation import Codes, Shown, shown_method
from shugu.formats.valuation import BadValuation, concluded, yuan
from shugu.kernel.text import Text


@dataclass(frozen=True)
class Tried:
    """`methods` that could be worked out; `due` in fen (both ends of a range), empty where a method or weight is missing."""

    methods: tuple[Shown, ...]
    due: tuple[int, ...]

    @property
    def value(self) -> str:
        return " — ".join(yuan(fen) for fen in self.due)


def tried(calculation: Mapping[str, Any], known: Codes) -> Tried:
    """Never refuses: what cannot be worked out is left out, the faults are told elsewhere."""
    unit, found = int(calculation["unit_fen"]), []
    for method in calculation["methods"]:
        try:
            found.append(shown_method(method, unit, known))
        except BadValuation:
            continue
    values = {one.method: one.due_fen for one in found}
    try:
        whole = len(found) == len(calculation["methods"])
        due: tuple[int, ...] = concluded(calculation["conclusion"], values, unit) if whole else ()
    except BadValuation:
        due = ()
    return Tried(tuple(found), due)


def completed(calculation: Mapping[str, Any], found: Tried) -> dict[str, Any]:
    """The calculation with every result not stated yet (0) taken from what was worked out, so that only other faults are left."""
    due = {one.method: one.due_fen for one in found.methods}
    methods = [{**m, "value_fen": m["value_fen"] or due.get(m["method"], 0)} for m in calculation["methods"]]
    said = dict(calculation["conclusion"])
    names = ("low_fen", "high_fen") if len(found.due) > 1 else ("value_fen",)
    for name, fen in zip(names, found.due, strict=False):
        said[name] = said[name] or fen
    return {**calculation, "methods": methods, "conclusion": said}


def as_dict(found: Tried) -> dict[str, Any]:
    """For the API: figures in fen and the steps rounded for reading."""
    return {"methods": [method_dict(one) for one in found.methods], "value": found.value}


def method_dict(one: Shown) -> dict[str, Any]:
    def pair(text: Text) -> dict[str, str]:
        return {"zh": text.zh, "en": text.en}

    return {
        "method": one.method, "title": pair(one.title), "formula": pair(one.formula), "due_fen": one.due_fen,
        "told_fen": one.told_fen, "agrees": one.due_fen == one.told_fen,
        "inputs": [[pair(label), pair(value) if isinstance(value, Text) else value] for label, value in one.inputs],
        "steps": [
            {"label": pair(step.label), "base": step.base, "factor": step.factor, "amount": step.amount} for step in one.steps
        ],
    }  # fmt: skip
