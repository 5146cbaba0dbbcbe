"""What the register adds to the shell when the process starts: navigation, its cases, the inputs of its acts."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.urls import reverse

from shugu.kernel import queries as cases
from shugu.kernel.cases import Actor
from shugu.kernel.errors import Forbidden
from shugu.kernel.text import Text
from shugu.registry import applications, services
from shugu.registry.models import Appeal, Filing, Objection, RegisterReport, Window
from shugu.web import case_acts, navigation


def act_on_filing(
    case: int, do: str, input: dict[str, Any], undertaking: str, *, actor: Actor, now: datetime, key: str | None
) -> object:
    return services.act_on_filing(services.ActOnFiling(case, do, input, undertaking), actor=actor, now=now, key=key)


def act_on_objection(
    case: int, do: str, input: dict[str, Any], undertaking: str, *, actor: Actor, now: datetime, key: str | None
) -> object:
    return services.act_on_objection(services.ActOnObjection(case, do, input, undertaking), actor=actor, now=now, key=key)


def act_on_appeal(
    case: int, do: str, input: dict[str, Any], undertaking: str, *, actor: Actor, now: datetime, key: str | None
) -> object:
    return services.act_on_appeal(services.ActOnAppeal(case, do, input), actor=actor, now=now, key=key)


def act_on_window(
    case: int, do: str, input: dict[str, Any], undertaking: str, *, actor: Actor, now: datetime, key: str | None
) -> object:
    """Nothing is done in the window's own case: its registers move it."""
    raise Forbidden()


def act_on_report(
    case: int, do: str, input: dict[str, Any], undertaking: str, *, actor: Actor, now: datetime, key: str | None
) -> object:
    number = RegisterReport.objects.values_list("number", flat=True).get(pk=case)
    return services.send_report(services.SendReport(number, str(input.get("note", ""))), actor=actor, now=now, key=key)


def report_url(case: int) -> str:
    number = RegisterReport.objects.filter(pk=case).values_list("number", flat=True).first()
    return reverse("registry:report", args=[number]) if number else ""


def window_url(case: int) -> str:
    number = Window.objects.filter(pk=case).values_list("number", flat=True).first()
    return reverse("registry:window", args=[number]) if number else ""


def appeal_url(case: int) -> str:
    number = Appeal.objects.filter(pk=case).values_list("filing__number", flat=True).first()
    return reverse("registry:filing", args=[number]) if number else ""


def filing_url(case: int) -> str:
    number = Filing.objects.filter(pk=case).values_list("number", flat=True).first()
    return reverse("registry:filing", args=[number]) if number else ""


def objection_url(case: int) -> str:
    row = Objection.objects.select_related("filing", "entry").filter(pk=case).first()
    if row is None:
        return ""
    if row.filing is not None:
        return reverse("registry:notice", args=[row.filing.number])
    return reverse("registry:entry", args=[row.entry.number]) if row.entry is not None else ""


def _refusal_grounds(case: int) -> list[tuple[str, Text]]:
    register = str(cases.view_of(case)[1].data["register"])
    return list(applications.code_table(applications.rules_of(register), "registry.refusal_grounds").items())


def _conclusions(case: int) -> list[tuple[str, Text]]:
    return [("passed", Text("真实、合法", "real and lawful")), ("failed", Text("不真实或不合法", "not real or not lawful"))]


def register() -> None:
    case_acts.register("registry.filing", act_on_filing, filing_url, bulk=True)
    case_acts.register("registry.objection", act_on_objection, objection_url)
    case_acts.register("registry.window", act_on_window, window_url)
    case_acts.register("registry.appeal", act_on_appeal, appeal_url)
    case_acts.register("registry.report", act_on_report, report_url)
    case_acts.name_input("refusal_ground", "不予受理或登记的情形", "Ground of refusal", "choice", _refusal_grounds)
    case_acts.name_input("review_conclusion", "实质性审查结论", "Conclusion of the substantive review", "choice", _conclusions)
    for url_name, zh, en, order in (
        ("registry:book", "登记簿", "Register", 300),
        ("registry:notices", "公示", "Notices", 310),
        ("registry:verify", "核验", "Verify", 320),
    ):
        navigation.register(navigation.NavItem(navigation.EVERYBODY, Text(zh, en), url_name, order))
    for seat in ("merchant", "registrar"):
        navigation.register(navigation.NavItem(seat, Text("批量导入", "Bulk import"), "registry:imports", 306))
    navigation.register(navigation.NavItem("merchant", Text("我的登记", "My registrations"), "registry:mine", 305))
    for seat in ("registrar", "regulator"):
        navigation.register(navigation.NavItem(seat, Text("登记报告", "Reports"), "registry:reports", 315))
