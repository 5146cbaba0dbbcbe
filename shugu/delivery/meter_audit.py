"""meters = receipts: every receipt verifies, agrees with its row, its fact and its grant, and no two contradict."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from shugu.delivery.domain import ReceiptData, read_receipt
from shugu.delivery.granting import paper_of
from shugu.delivery.models import Connector, Delivery, Grant, Receipt
from shugu.formats.delivery import Kind, opened
from shugu.formats.errors import ShuguError
from shugu.formats.suites import Keyring, parse_vkey
from shugu.kernel import documents
from shugu.kernel.audits import Violation
from shugu.kernel.models import Fact
from shugu.party.queries import connector_keys
from shugu.trade.queries import contract_by_id

CHECK = "delivery.meters"
EARNED = frozenset({"effective", "performing", "delivered", "completed", "terminated"})


def audit_meters() -> Iterator[Violation]:
    """Runs over receipts, then over the chains they tell of, then over grants and accepted deliveries."""
    for receipt in Receipt.objects.select_related("grant__connector", "grant__delivery").order_by("id").iterator(500):
        for what in _receipt_faults(receipt):
            yield Violation(CHECK, f"receipt:{receipt.number}", what)
    for connector in Connector.objects.order_by("id"):
        yield from _chain_faults(connector)
    for grant in Grant.objects.select_related("delivery").order_by("id").iterator(500):
        for what in _grant_faults(grant):
            yield Violation(CHECK, f"grant:{grant.number}", what)
    accepted = Delivery.objects.filter(case__state="accepted").order_by("pk")
    for row in accepted.exclude(grants__receipts__isnull=False):
        yield Violation(CHECK, f"delivery:{row.number}", ("验收合格但没有回执", "accepted without a receipt"))


def _receipt_faults(row: Receipt) -> Iterator[tuple[str, str]]:
    try:
        document: dict[str, Any] = json.loads(documents.get(row.document_digest))
        keys = Keyring(tuple(parse_vkey(k) for k in connector_keys(row.grant.connector.connector_id)))
        _, subject = opened(document, Kind.RECEIPT, keys)
        found = read_receipt(subject)
    except (ShuguError, AssertionError, ValueError) as error:
        yield (f"回执文件不成立：{error}", f"its document does not hold: {error}")
        return
    if not isinstance(found, ReceiptData):
        yield found
        return
    told = (found.receipt, found.billable_bytes, found.sent_bytes, found.size, found.file_sha256, found.meter_head,
            found.meter_records, [list(r) for r in found.ranges])  # fmt: skip
    kept = (row.number, row.billable, row.sent, row.size, row.file_sha256, row.meter_head, row.meter_records, row.ranges)
    if told != kept:
        yield ("行与回执所述不同", "the row is not what the receipt says")
    fact = Fact.objects.filter(pk=row.fact).first()
    payload = json.loads(fact.payload) if fact is not None and fact.payload else {}
    if fact is None or (fact.payload and payload.get("digests", {}).get("delivery_receipt") != row.document_digest):
        yield ("事实中没有这一回执的摘要", "no fact names this receipt's digest")
    if contract_by_id(row.grant.delivery.contract_id).state not in EARNED:
        yield ("合同未生效却有交付", "delivered under a contract that was never in force")
    if not row.grant.valid_from <= row.started_at < row.grant.valid_until:
        yield ("交付不在授权期限内", "delivered outside the grant's term")


def _chain_faults(connector: Connector) -> Iterator[Violation]:
    """A meter only grows: a later completion never stands on a shorter chain, and one place holds one record."""
    heads: dict[int, str] = {}
    last: Receipt | None = None
    for row in Receipt.objects.filter(grant__connector=connector).order_by("meter_records", "id"):
        if heads.setdefault(row.meter_records, row.meter_head) != row.meter_head:
            yield Violation(CHECK, f"receipt:{row.number}", ("计量链分叉", "the meter's chain has two heads at one place"))
        if last is not None and row.completed_at < last.completed_at:
            yield Violation(CHECK, f"receipt:{row.number}", ("计量链倒退", "the meter's chain went back"))
        last = row


def _grant_faults(row: Grant) -> Iterator[tuple[str, str]]:
    try:
        paper = paper_of(row)
    except ShuguError as error:
        yield (f"授权文件不成立：{error.message('zh')}", f"the grant's document does not hold: {error.message('en')}")
        return
    if (row.valid_from, row.valid_until) != (paper.valid_from, paper.valid_until):
        yield ("行与授权文件的期限不同", "the row's term is not its document's")
    receipts = list(row.receipts.all())
    if paper.limits.count is not None and len(receipts) > paper.limits.count:
        yield ("交付次数超过授权", "more deliveries than were granted")
    if paper.limits.bytes is not None and sum(r.billable for r in receipts) > paper.limits.bytes:
        yield ("交付字节数超过授权", "more bytes than were granted")
    if receipts and row.taken_at is None:
        yield ("连接器未收到授权却有回执", "receipts of a grant the connector never took")
