"""Stages of the Shenzhen regime as its conformance tests tell them, and a step with its papers for any regime."""

from __future__ import annotations

from datetime import timedelta

from shugu.kernel.cases import Actor, mandate
from shugu.registry import queries, services
from shugu.registry.models import Filing, Objection
from shugu.registry.services import RecordTrade
from shugu.registry.tests.regimes import Regime


def step(r: Regime, row: Filing, do: str, by: Actor, **given: str) -> None:
    """Everything the step asks for, then the step."""
    r.upload_all(row, do, by=by)
    r.act(row, do, by, **given)


def entered(r: Regime, object_kind: str = "data_resource") -> str:
    """Alice's resource or product after its first registration; the story stands two weeks later."""
    w = r.world
    row = r.file("first", object_kind=object_kind, reviewer=w.quinn.org)
    r.upload_all(row, "commission")
    r.act(row, "commission")
    examine(r, row)
    r.upload_all(row, "submit")
    r.act(row, "submit")
    r.act(row, "accept", w.rita)
    r.act(row, "pass", w.rong)
    r.now += timedelta(days=14)
    r.sweep()
    r.act(row, "issue", w.rita)
    return r.entry(row).number


def examine(r: Regime, row: Filing, conclusion: str = "passed") -> None:
    r.upload(row, "substantive_review", by=r.world.quinn)
    r.act(row, "report", r.world.quinn, review_conclusion=conclusion)


def asked(r: Regime, operation: str, entry: str, *, by: Actor | None = None, reviewed: bool = True, **more: str) -> Filing:
    """A licence or transfer to Bob (or whom `by` names) as a draft, its duties accepted."""
    reviewer = r.world.quinn.org if reviewed else None
    answers = {"duties_accepted": "yes", **more}
    return r.file(operation, entry=entry, applicant=by or r.world.bob, reviewer=reviewer, answers=answers)


def acquired(
    r: Regime, operation: str, entry: str, *, by: Actor | None = None, undertaking: str = "", **more: str
) -> Filing:
    """A licence or transfer to Bob (or whom `by` names), examined by the third party, as far as the registrar's door."""
    applicant = by or r.world.bob
    row = asked(r, operation, entry, by=applicant, reviewed=True, **more)
    r.upload_all(row, "submit", by=applicant)
    r.act(row, "submit", applicant, undertaking=undertaking)
    examine(r, row)
    return r.act(row, "send", applicant, undertaking=undertaking)


def finish(r: Regime, row: Filing) -> Filing:
    r.act(row, "accept", r.world.rita)
    r.act(row, "pass", r.world.rong)
    return r.act(row, "issue", r.world.rita)


def sold(r: Regime, entry: str) -> None:
    """A trade of this venue that Bob gained the entry by."""
    line = queries.entry_by_number(entry, r.now.date())
    cmd = RecordTrade(line.id, f"trade:{entry}", {"contract": "HT-1"}, buyer_org=r.world.bob.org)
    services.record_trade(cmd, actor=mandate("trade", "contract:1"), now=r.now)


def accepted(r: Regime, entry: str) -> Objection:
    """Mallory's objection to an entry, accepted with proof of the error and of the registrant's refusal."""
    row = r.objection(entry)
    for material in ("proof", "holder_refusal"):
        r.upload(row, material, by=r.world.rita)
    return r.answer(row, "accept")


def litigating(r: Regime, entry: str) -> Objection:
    row = accepted(r, entry)
    r.upload(row, "acceptance_notice", by=r.world.mallory)
    r.answer(row, "show_proceedings", r.world.mallory)
    r.upload(row, "legal_document", by=r.world.rita)
    return row


def by_document(r: Regime, operation: str, entry: str, counterparty: int | None = None) -> Filing:
    """The registrar's own case on a legal document, as far as the reviewer's door."""
    row = r.file(operation, entry=entry, by=r.world.rita, counterparty=counterparty)
    r.upload_all(row, "submit", by=r.world.rita)
    return r.act(row, "submit", r.world.rita)
