"""Contracts and vouchers as the components take them."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.urls import reverse

from shugu.kernel import runtime
from shugu.kernel.cases import Actor
from shugu.kernel.models import Case
from shugu.kernel.rules import RuleValue
from shugu.kernel.tables import table
from shugu.kernel.text import Text
from shugu.party import queries as parties
from shugu.trade.queries import ContractView
from shugu.web import case_shapes, language
from shugu.web.from_kernel import source_of
from shugu.web.shapes import Act, Chip, Record, Source

PAYERS = {"provider": Text("提供方承担", "borne by the provider"), "buyer": Text("需求方承担", "borne by the buyer")}
FEES = {
    "venue": Text("场所服务费", "venue's fee"), "service_body": Text("第三方服务费", "third-party fee"),
    "selling_venue": Text("成交场所服务费", "selling venue's fee"),
}  # fmt: skip


def org_name(org: int) -> str:
    return parties.org_names([org], language.current()).get(org, "—")


def state_chip(state: str) -> Chip:
    return case_shapes.state_chip(table("trade.contract"), state)


def contract_record(found: ContractView, actor: Actor, now: datetime) -> Record:
    case = Case.objects.get(pk=found.case)
    base = case_shapes.record_of(case, actor, now)
    dates: tuple[tuple[Text, Any], ...] = ((Text("起草", "Drafted"), found.drafted_at),)
    if found.effective_at is not None:
        dates += ((Text("生效", "In force"), found.effective_at), (Text("期满", "Ends"), found.effective_until))
    return Record(
        name=found.product_title, number=found.number, kind=Text("数据交易合同", "data contract"), state=base.state,
        holder=org_name(found.provider_org), dates=dates, clock=base.clock, acts=_acts(base.acts, found),
        subject=f"trade.contract:{found.case}",
    )  # fmt: skip


def _acts(acts: tuple[Act, ...], found: ContractView) -> tuple[Act, ...]:
    """A signature is given on our own page, where the text signed stands above the button."""
    sign = reverse("trade:sign", args=[found.number])
    return tuple(
        Act(a.name, a.title, sign, "get", primary=a.primary, refused=a.refused, article=a.article) if a.name == "sign" else a
        for a in acts
    )


def money_lines(found: ContractView) -> list[dict[str, Any]]:
    """Price, fees, shares, each with who bears it and, for a rate, its rule."""
    lines: list[dict[str, Any]] = [{"title": Text("合同价款", "price"), "note": Text("需求方缴存", "held from the buyer"),
                                    "fen": found.price_fen, "source": None}]  # fmt: skip
    for fee in found.fees:
        source = _source(fee.rule.name)
        lines.append({"title": FEES[fee.kind], "note": PAYERS[fee.payer], "fen": fee.amount_fen, "source": source})
    numbers = [s.org for s in found.shares]
    names = {n: parties.organisation_by_number(n) for n in numbers}
    whole = sum(s.parts for s in found.shares)
    for share in found.shares:
        title = Text(f"{names[share.org].name}所得", f"to {names[share.org].name_en or names[share.org].name}")
        note = Text(f"权利份额 {share.parts}/{whole}", f"{share.parts} of {whole} parts of the right")
        lines.append({"title": title, "note": note, "fen": share.amount_fen, "source": None})
    return lines


def _source(name: str) -> Source | None:
    value: RuleValue | None = runtime.rules().get(name)
    return source_of(value) if value is not None else None


def signature_lines(found: ContractView) -> list[dict[str, Any]]:
    people = parties.person_names([s.person for s in found.signatures if s.person is not None], language.current())
    by_role = {s.role: s for s in found.signatures}
    out = []
    for role, title, org in (
        ("provider", Text("提供方", "Provider"), found.provider_org), ("buyer", Text("需求方", "Buyer"), found.buyer_org)
    ):  # fmt: skip
        signed = by_role.get(role)
        person = people.get(signed.person, "") if signed is not None and signed.person is not None else ""
        out.append({"title": title, "org": org_name(org), "signed": signed, "person": person})
    return out
