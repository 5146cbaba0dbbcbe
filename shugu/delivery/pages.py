"""What delivery adds to the shell: navigation, how acts of the generic case page reach its services, its inputs."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from django.urls import reverse

from shugu.delivery import queries, services
from shugu.kernel import runtime
from shugu.kernel.cases import Actor
from shugu.kernel.errors import NotFound
from shugu.kernel.text import Text
from shugu.trade.queries import WATCHING
from shugu.web import case_acts
from shugu.web.navigation import NavItem
from shugu.web.navigation import register as navigate


def register() -> None:
    case_acts.register("delivery.delivery", act_on_case, delivery_url, sees=lambda case, actor: bool(actor.seats & WATCHING))
    case_acts.name_input("rejection", "拒收情形", "Ground of rejection", "choice", rejections)
    case_acts.name_input("sha256", "所收文件的 SHA-256", "SHA-256 of what you received")
    navigate(NavItem("+", Text("交付", "Deliveries"), "delivery:deliveries", 60))
    navigate(NavItem("merchant", Text("连接器", "Connectors"), "delivery:connectors", 35))


def rejections(case: int = 0) -> Iterable[tuple[str, Text]]:
    for row in runtime.rules().value("delivery.rejection_reasons").rows:
        yield str(row["code"]), Text(str(row["zh"]), str(row["en"]))


def delivery_url(case: int) -> str:
    number = queries.number_of_case(case)
    return reverse("delivery:delivery", args=[number]) if number else ""


def act_on_case(
    case: int, do: str, input: dict[str, Any], undertaking: str, *, actor: Actor, now: datetime, key: str | None
) -> object:
    return act(queries.number_of_case(case), do, input, actor=actor, now=now, key=key)


def act(number: str, do: str, input: dict[str, Any], *, actor: Actor, now: datetime, key: str | None) -> object:
    """One act by its name, for pages and the API. Errors: NotFound for an act people do not do."""
    text = {k: str(v) for k, v in input.items() if v is not None}
    reason = text.get("reason", "")
    if do == "begin":
        return services.issue_token(services.IssueToken(number), actor=actor, now=now, key=key)
    if do == "accept":
        accept = services.AcceptDelivery(number, text.get("sha256", ""))
        return services.accept_delivery(accept, actor=actor, now=now, key=key)
    if do == "reject":
        reject = services.RejectDelivery(number, text.get("rejection", ""), reason)
        return services.reject_delivery(reject, actor=actor, now=now, key=key)
    if do == "redeliver":
        return services.redeliver(services.Redeliver(number, text.get("note", "")), actor=actor, now=now, key=key)
    if do == "fail":
        return services.declare_failed(services.DeclareFailed(number, reason), actor=actor, now=now, key=key)
    if do == "confirm":
        confirm = services.ConfirmDigest(number, text.get("sha256", ""))
        return services.confirm_digest(confirm, actor=actor, now=now, key=key)
    if do in ("suspend", "resume", "revoke"):
        return services.change_grant(services.ChangeGrant(number, do, reason), actor=actor, now=now, key=key)
    if do == "retry":
        return services.retry_push(services.RetryPush(number), actor=actor, now=now, key=key)
    raise NotFound(what=("事项", "act"))
