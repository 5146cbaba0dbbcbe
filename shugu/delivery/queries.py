"""What delivery tells others: deliveries with their grants, usage and receipts; connectors and what is bound to them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import quote

from django.db.models import Q, QuerySet

from shugu.delivery import proving
from shugu.delivery.domain import Usage, purposes_of, usage_of
from shugu.delivery.granting import may_see, paper_of
from shugu.delivery.models import Binding, Connector, Delivery, Grant, QualityOrder, Receipt
from shugu.formats.delivery import Grant as GrantPaper
from shugu.kernel import documents
from shugu.kernel.cases import Actor
from shugu.kernel.errors import NotFound
from shugu.trade.queries import WATCHING, ContractView, contract_by_id

PAGE_MOST = 200
ProofView = proving.ProofView
proof, proof_of, may_read_proof = proving.proof, proving.proof_of, proving.may_read_proof


@dataclass(frozen=True)
class ReceiptView:
    number: str
    file: str
    file_sha256: str
    size: int
    ranges: tuple[tuple[int, int], ...]
    billable: int
    sent: int
    digest: str
    meter_head: str
    meter_records: int
    started_at: datetime
    completed_at: datetime
    taken_at: datetime
    fact: int


@dataclass(frozen=True)
class GrantView:
    """state: active | suspended | revoked; `taken_at` None = the connector has not taken it yet, `problem` says why
    (code, zh, en). `url`: where the buyer pulls the file."""

    number: str
    round: int
    state: str
    connector_id: str
    connector_url: str
    url: str
    file: str
    sha256: str
    size: int
    purposes: tuple[str, ...]
    valid_from: datetime
    valid_until: datetime
    issued_at: datetime
    taken_at: datetime | None
    attempts: int
    next_try_at: datetime | None
    problem: Mapping[str, str] | None
    notices_waiting: int
    digest: str
    usage: Usage
    receipts: tuple[ReceiptView, ...]


@dataclass(frozen=True)
class DeliveryView:
    """A delivery as both sides see it. `grant`: that of the present round, None while no file is bound."""

    case: int
    case_number: str
    number: str
    state: str
    round: int
    contract_id: int
    contract_number: str
    product_title: str
    provider_org: int
    buyer_org: int
    data_digest: str
    confirmed_digest: str
    opened_at: datetime
    grant: GrantView | None
    grants: tuple[GrantView, ...]

    def side_of(self, org: int | None) -> str:
        return "provider" if org == self.provider_org else "buyer" if org == self.buyer_org else ""


@dataclass(frozen=True)
class ConnectorView:
    id: int
    connector_id: str
    org: int
    url: str
    vkeys: tuple[str, ...]
    registered_at: datetime
    checked_at: datetime | None
    problem: Mapping[str, str] | None


def _rows() -> QuerySet[Delivery]:
    return Delivery.objects.select_related("case")


def delivery(number: str, actor: Actor) -> DeliveryView:
    """By its number or its case's. Errors: NotFound, also for a stranger."""
    row = _rows().filter(Q(number=number) | Q(case__number=number)).first()
    if row is None or not may_see(row, actor):
        raise NotFound(what=(f"交付 {number}", f"delivery {number}"))
    return view(row)


def delivery_of(contract_id: int) -> DeliveryView | None:
    """For later apps that hold the contract's id."""
    row = _rows().filter(contract_id=contract_id).first()
    return view(row) if row is not None else None


def number_of_case(case: int) -> str:
    return Delivery.objects.filter(pk=case).values_list("number", flat=True).first() or ""


def connectors_of(case: int) -> list[ConnectorView]:
    """The connectors that served a delivery, by its case."""
    served = Grant.objects.filter(delivery_id=case).values("connector")
    return [connector_view(row) for row in Connector.objects.filter(pk__in=served).order_by("pk")]


def deliveries(actor: Actor, *, state: str = "", limit: int = 50, offset: int = 0) -> list[DeliveryView]:
    """Those the actor may see, newest first; `limit` at most 200."""
    rows = _rows().order_by("-opened_at", "-pk")
    if not actor.seats & WATCHING:
        rows = rows.filter(Q(provider_id=actor.org) | Q(buyer_id=actor.org)) if actor.org is not None else rows.none()
    if state:
        rows = rows.filter(case__state=state)
    return [view(r) for r in rows[max(offset, 0) : max(offset, 0) + min(max(limit, 0), PAGE_MOST)]]


def view(row: Delivery) -> DeliveryView:
    contract: ContractView = contract_by_id(row.contract_id)
    grants = tuple(_grant(g) for g in row.grants.select_related("connector", "binding").order_by("-round", "-id"))
    present = next((g for g in grants if g.round == row.round), None)
    return DeliveryView(
        row.pk, row.case.number, row.number, row.case.state, row.round, row.contract_id, contract.number,
        contract.product_title, row.provider_id, row.buyer_id, row.data_digest, row.confirmed_digest, row.opened_at, present,
        grants,
    )  # fmt: skip


def usage(grant_number: str) -> Usage:
    """What a grant has given and has left, by the receipts received. Errors: NotFound."""
    row = Grant.objects.filter(number=grant_number).first()
    if row is None:
        raise NotFound(what=(f"授权 {grant_number}", f"grant {grant_number}"))
    return _usage(row, paper_of(row))


def _usage(row: Grant, paper: GrantPaper) -> Usage:
    told = [(r.file, r.ranges, r.billable, r.sent) for r in row.receipts.order_by("delivery_number")]
    return usage_of(paper, told)


def _grant(row: Grant) -> GrantView:
    paper = paper_of(row)
    file = paper.files[0]
    waiting = row.notices.filter(taken_at__isnull=True).count()
    return GrantView(
        number=row.number, round=row.round, state=row.state, connector_id=paper.connector, connector_url=row.connector.url,
        url=f"{row.connector.url}/data/{quote(row.number)}/{quote(file.name)}", file=file.name, sha256=file.sha256,
        size=file.size, purposes=purposes_of(paper.policy), valid_from=row.valid_from, valid_until=row.valid_until,
        issued_at=row.issued_at, taken_at=row.taken_at, attempts=row.attempts, next_try_at=row.next_try_at,
        problem=row.problem, notices_waiting=waiting, digest=row.digest, usage=_usage(row, paper),
        receipts=tuple(_receipt(r) for r in row.receipts.order_by("-delivery_number")),
    )  # fmt: skip


def _receipt(r: Receipt) -> ReceiptView:
    return ReceiptView(
        r.number, r.file, r.file_sha256, r.size, tuple((p[0], p[1]) for p in r.ranges), r.billable, r.sent, r.document_digest,
        r.meter_head, r.meter_records, r.started_at, r.completed_at, r.taken_at, r.fact,
    )  # fmt: skip


def receipt_document(number: str, actor: Actor) -> dict[str, Any]:
    """The receipt exactly as the connector signed it. Errors: NotFound."""
    row = Receipt.objects.select_related("grant__delivery").filter(number=number).first()
    if row is None or not may_see(row.grant.delivery, actor):
        raise NotFound(what=(f"回执 {number}", f"receipt {number}"))
    found: dict[str, Any] = json.loads(documents.get(row.document_digest))
    return found


def connectors(actor: Actor) -> list[ConnectorView]:
    """Those of the actor's organisation; all for the venue's watching seats."""
    rows = Connector.objects.order_by("connector_id")
    if not actor.seats & WATCHING:
        rows = rows.filter(org_id=actor.org) if actor.org is not None else rows.none()
    return [connector_view(r) for r in rows]


def connector(connector_id: str, actor: Actor) -> ConnectorView:
    """Errors: NotFound."""
    found = next((c for c in connectors(actor) if c.connector_id == connector_id), None)
    if found is None:
        raise NotFound(what=(f"连接器 {connector_id}", f"connector {connector_id}"))
    return found


def connector_view(r: Connector) -> ConnectorView:
    return ConnectorView(r.pk, r.connector_id, r.org_id, r.url, tuple(r.vkeys), r.registered_at, r.checked_at, r.problem)


def bindings(connector_pk: int) -> list[Binding]:
    rows = Binding.objects.filter(connector_id=connector_pk, retired_at__isnull=True)
    return list(rows.select_related("version__product").order_by("-bound_at"))


def binding_of(version_id: int) -> Binding | None:
    return Binding.objects.select_related("connector").filter(version_id=version_id, retired_at__isnull=True).first()


def quality_orders(connector_pk: int, limit: int = 50) -> list[QualityOrder]:
    rows = QualityOrder.objects.filter(connector_id=connector_pk).select_related("report", "entry")
    return list(rows.order_by("-ordered_at")[:limit])


def quality_order(number: str, actor: Actor) -> QualityOrder:
    """Errors: NotFound."""
    row = QualityOrder.objects.select_related("report", "connector", "entry").filter(number=number).first()
    if row is None or not (actor.seats & WATCHING or (actor.org is not None and actor.org == row.org_id)):
        raise NotFound(what=(f"指令 {number}", f"order {number}"))
    return row
