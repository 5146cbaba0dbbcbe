"""What every certificate of a register prints from its rules, and how it names holders."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from shugu.kernel.cases import Rules
from shugu.kernel.rules import Register
from shugu.kernel.text import Text
from shugu.party import queries as parties
from shugu.registry import applications
from shugu.registry.domain import same_shares


@dataclass(frozen=True)
class Printed:
    """What every certificate of a register prints from its rules."""

    register: Register
    rights: Mapping[str, Text]
    objects: Mapping[str, Text]
    kinds: Mapping[str, Text]
    issuing: Mapping[str, Any]
    secrets: frozenset[str]
    fields: frozenset[str] | None

    def particulars(self, form: Mapping[str, str]) -> dict[str, str]:
        """The answers a certificate may show: public ones, and only those `registry.certificate_fields` names."""
        shown = {name: answer for name, answer in form.items() if name not in self.secrets}
        return shown if self.fields is None else {name: answer for name, answer in shown.items() if name in self.fields}


def printed(register: str, rules: Rules) -> Printed:
    return Printed(
        applications.register_named(register), applications.right_codes(register), applications.object_kinds(register),
        applications.kind_titles(register, rules), _issuing(rules), applications.secrets(register), _fields(rules),
    )  # fmt: skip


def _fields(rules: Rules) -> frozenset[str] | None:
    listed = rules.get("registry.certificate_fields")  # type: ignore[attr-defined]
    return frozenset(listed.codes) if listed is not None else None


def _issuing(rules: Rules) -> dict[str, Any]:
    """Who issues and who supervises, as the regime has it printed."""
    rule = {name: rules.get(f"registry.certificate_{name}") for name in ("issuer", "supervisor")}  # type: ignore[attr-defined]
    return {name: dict(r.value) for name, r in rule.items() if r is not None and r.value and r.value.get("zh")}


def named(holders: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Holders as certificates print them."""
    out = []
    for org, parts in same_shares(holders):
        shown = parties.organisation(org)
        out.append({"org": shown.number, "name": shown.name, "uscc": shown.uscc, "parts": parts})
    return out
