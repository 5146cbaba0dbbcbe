"""What settlement adds to the shell when the process starts: navigation, its cases, the inputs of its acts, its audit."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.urls import reverse

from shugu.kernel.audits import register_audit
from shugu.kernel.cases import Actor
from shugu.kernel.errors import NotFound
from shugu.kernel.text import Text
from shugu.settlement import services
from shugu.settlement.audit import audit
from shugu.settlement.models import Break, Escrow, Run
from shugu.web import case_acts, navigation

TRADERS = ("merchant", "buyer", "body")


def act_on_run(
    case: int, do: str, input: dict[str, Any], undertaking: str, *, actor: Actor, now: datetime, key: str | None
) -> object:
    return services.act_on_run(services.ActOnRun(case, do, input, undertaking), actor=actor, now=now, key=key)


def act_on_break(
    case: int, do: str, input: dict[str, Any], undertaking: str, *, actor: Actor, now: datetime, key: str | None
) -> object:
    """`with`: numbers of further break cases, separated by spaces."""
    numbers = [n for n in str(input.get("with", "")).replace(",", " ").split() if n]
    found = {b.case.number: b.case_id for b in Break.objects.select_related("case").filter(case__number__in=numbers)}
    if len(found) != len(set(numbers)):
        raise NotFound(what=("对账差异", "reconciliation break"))
    cmd = services.ActOnBreak(
        case, do, str(input.get("reason", "")), str(input.get("escrow", "")), tuple(sorted(found.values()))
    )
    return services.act_on_break(cmd, actor=actor, now=now, key=key)


def no_act(
    case: int, do: str, input: dict[str, Any], undertaking: str, *, actor: Actor, now: datetime, key: str | None
) -> object:
    """Money moves by itself, on facts: nobody acts on an escrow by hand. Errors: NotFound."""
    raise NotFound(what=("事项", "act"))


def _operations(case: int) -> str:
    return reverse("settlement:operations")


def _run(case: int) -> str:
    return reverse("settlement:run", args=[Run.objects.only("number").get(case_id=case).number])


def _money(case: int) -> str:
    return reverse("settlement:money")


def _requests(case: int) -> list[tuple[str, Text]]:
    rows = Escrow.objects.filter(case__state="requested").order_by("number")[:500]
    return [(r.number, Text(f"{r.number} · {r.contract_number}", f"{r.number} · {r.contract_number}")) for r in rows]


def register() -> None:
    register_audit("settlement.money", audit)
    case_acts.register("settlement.escrow", no_act, _money)
    case_acts.register("settlement.run", act_on_run, _run)
    case_acts.register("settlement.break", act_on_break, _operations)
    case_acts.name_input("escrow", "缴款编号", "Payment request", "choice", _requests)
    case_acts.name_input("with", "一并认领的差异编号", "Further breaks matched with it (case numbers)")
    for seat in TRADERS:
        navigation.register(navigation.NavItem(seat, Text("资金", "Money"), "settlement:money", 60))
    for seat in ("operator", "regulator"):
        navigation.register(navigation.NavItem(seat, Text("结算", "Settlement"), "settlement:operations", 60))
