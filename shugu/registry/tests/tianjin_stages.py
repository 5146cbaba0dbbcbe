"""The stages of a registration under T/TJIFA003—2022 as its two conformance tests tell them."""

from __future__ import annotations

from datetime import date
from typing import Any

from shugu.kernel import queries as cases
from shugu.kernel.decide import needed_materials
from shugu.kernel.models import Material
from shugu.kernel.procedure import Step
from shugu.registry import services
from shugu.registry.applications import code_table, rules_of
from shugu.registry.models import Filing
from shugu.registry.tests.regimes import Regime

POWERS = ("possession", "use", "benefit", "disposal")
ANSWERS = {
    "evidenced": "yes", "deidentified": "yes", "structured": "yes", "registered_elsewhere": "no", "acquisition": "original",
    "promise": "yes", "update_cycle": "month", "user_groups": "enterprise,government", "provision_form": "data_set",
}  # fmt: skip
PASSED = {"three_isation_check": "passed", "evidence_check": "passed", "accuracy_check": "passed"}


def drafted(r: Regime, operation: str = "first", **answers: str) -> Filing:
    return r.file(operation, object_kind="data_set", rights=POWERS, answers={**ANSWERS, **answers})


def submitted(r: Regime, operation: str = "first", **answers: str) -> Filing:
    row = drafted(r, operation, **answers)
    r.upload_all(row, do="submit", by=r.world.alice)
    r.act(row, "submit", by=r.world.alice)
    return row


def examined(r: Regime, row: Filing | None = None, **checks: str) -> Filing:
    row = row or submitted(r)
    r.act(row, "examine", by=r.world.rong, **{**PASSED, **checks})
    return row


def noticed(r: Regime, row: Filing | None = None) -> Filing:
    row = row or examined(r)
    r.act(row, "pass", by=r.world.rong)
    return row


def issued(r: Regime, row: Filing | None = None) -> Filing:
    """Noticed on Monday 2 March 2026, certified on Friday 6 March."""
    row = row or noticed(r)
    r.at(date(2026, 3, 6))
    r.sweep()
    r.act(row, "issue", by=r.world.rita)
    return row


def returned(r: Regime) -> Filing:
    row = submitted(r)
    r.act(row, "ask_correction", by=r.world.rong, defects=["结构化报告缺少字段说明"])
    return row


def filed(row: Filing) -> set[str]:
    return set(Material.objects.filter(case_id=row.pk, superseded=False).values_list("material", flat=True))


def step(row: Filing, do: str) -> Step:
    tab, view = cases.view_of(row.pk)
    found = tab.step(view.state, do)
    assert found is not None
    return found


def needed(row: Filing, do: str) -> set[str]:
    return {m.id for m in needed_materials(cases.view_of(row.pk)[1], step(row, do))}


def revised(r: Regime, row: Filing, **answers: str) -> None:
    cmd = services.ReviseFiling(row.pk, row.title, tuple(row.rights), {**row.form, **answers})
    services.revise_filing(cmd, actor=r.world.alice, now=r.now)


def values(name: str) -> dict[str, Any]:
    return dict(code_table(rules_of("tianjin"), f"registry.{name}"))
