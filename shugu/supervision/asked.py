"""From a search form or API parameters to the queries, the same for both."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from shugu.kernel.cases import Actor
from shugu.kernel.errors import InputInvalid, NotFound
from shugu.kernel.workdays import local_day
from shugu.party import queries as parties
from shugu.supervision import queries, services


def org_of(text: str, now: datetime) -> int | None:
    """Errors: InputInvalid for a number nobody has."""
    if not text:
        return None
    day = local_day(now)
    for find in (parties.organisation_by_number, parties.organisation_by_uscc):
        try:
            return find(text, day).id
        except NotFound:
            continue
    raise InputInvalid(fields="organisation", field_errors={"organisation": ("没有此单位", "no such organisation")})


def case_query(given: Mapping[str, Any], now: datetime) -> queries.CaseQuery:
    return queries.CaseQuery(
        number=given.get("number") or "", org=org_of(given.get("organisation") or "", now),
        procedure=given.get("procedure") or "", state=given.get("state") or "", first=given.get("first"),
        last=given.get("last"), overdue=bool(given.get("overdue")), before=given.get("before"),
    )  # fmt: skip


def fact_query(given: Mapping[str, Any], now: datetime) -> queries.FactQuery:
    return queries.FactQuery(
        name=given.get("name") or "", subject=given.get("subject") or "", org=org_of(given.get("organisation") or "", now),
        first=given.get("first"), last=given.get("last"), position=given.get("position"), before=given.get("before"),
    )  # fmt: skip


def record(what: str, criteria: Mapping[str, Any], actor: Actor, now: datetime) -> None:
    """One fact for one page of content that is not public."""
    told = {k: str(v) for k, v in criteria.items() if v not in (None, "", False)}
    services.look_up(services.LookUp(what, told), actor=actor, now=now)
