"""What appraisal adds to the shared pages when the process starts: its cases, its inputs, navigation."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.urls import reverse

from shugu.appraisal import queries, services
from shugu.appraisal.models import Assignment
from shugu.appraisal.models_valuation import Valuation
from shugu.kernel.cases import Actor
from shugu.kernel.text import Text
from shugu.web import case_acts, navigation


def act(
    case: int, do: str, input: dict[str, Any], undertaking: str, *, actor: Actor, now: datetime, key: str | None
) -> object:
    return services.act_on_assignment(services.ActOnAssignment(case, do, input, undertaking), actor=actor, now=now, key=key)


def detail_url(case: int) -> str:
    row = Assignment.objects.only("number").filter(pk=case).first()
    return reverse("appraisal:assignment", args=[row.number]) if row else ""


def report_url(case: int) -> str:
    row = Assignment.objects.only("number").get(pk=case)
    return reverse("appraisal:report", args=[row.number])


def conclusion_choices(case: int) -> list[tuple[str, Text]]:
    return [(str(r["code"]), Text(str(r["zh"]), str(r["en"]))) for r in queries.conclusion_table()]


def act_on_valuation(
    case: int, do: str, input: dict[str, Any], undertaking: str, *, actor: Actor, now: datetime, key: str | None
) -> object:
    return services.act_on_valuation(services.ActOnValuation(case, do, input, undertaking), actor=actor, now=now, key=key)


def valuation_url(case: int) -> str:
    row = Valuation.objects.only("number").filter(pk=case).first()
    return reverse("appraisal:valuation", args=[row.number]) if row else ""


def valuation_report_url(case: int) -> str:
    return reverse("appraisal:valuation_file", args=[Valuation.objects.only("number").get(pk=case).number])


def register() -> None:
    valuing = case_acts.OwnForm(valuation_report_url, fulfils=True)
    case_acts.register("appraisal.valuation", act_on_valuation, valuation_url, forms={"file": valuing})
    filing = case_acts.OwnForm(report_url, fulfils=True)
    case_acts.register("appraisal.assignment", act, detail_url, forms={"file": filing})
    case_acts.name_input("conclusion", "结论", "Conclusion", "choice", conclusion_choices)
    for seat in ("merchant", "body"):
        navigation.register(navigation.NavItem(seat, Text("评估", "Evaluation"), "appraisal:assignments", 60))
