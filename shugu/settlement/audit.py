"""What `shugu audit` asks of the money: arrows make the balances, nothing is created or lost, promises are covered."""

from __future__ import annotations

from collections.abc import Iterator

from django.db import connection

from shugu.kernel.audits import Violation
from shugu.settlement.domain import OUTSIDE, Sale, divide
from shugu.settlement.models import Escrow
from shugu.settlement.venues import audit_venues

_REPLAY = """
SELECT a.id, a.kind, a.balance, a.reserved, coalesce(i.n, 0) - coalesce(o.n, 0), coalesce(r.n, 0)
FROM settlement_account a
LEFT JOIN (SELECT destination_id AS id, sum(amount) AS n FROM settlement_posting GROUP BY 1) i ON i.id = a.id
LEFT JOIN (SELECT source_id AS id, sum(amount) AS n FROM settlement_posting GROUP BY 1) o ON o.id = a.id
LEFT JOIN (SELECT source_id AS id, sum(amount) AS n FROM settlement_reservation WHERE state = 'pending' GROUP BY 1) r
    ON r.id = a.id
ORDER BY a.id
"""


def audit() -> list[Violation]:
    return [*_accounts(), *_escrows(), *_bank(), *(_say("venues", *found) for found in audit_venues())]


def _accounts() -> Iterator[Violation]:
    with connection.cursor() as cursor:
        cursor.execute(_REPLAY)
        rows = cursor.fetchall()
    for key, kind, balance, reserved, replayed, promised in rows:
        subject = f"settlement.account:{key}"
        if balance != replayed:
            zh, en = f"余额 {balance}，记账重放为 {replayed}", f"balance {balance}, its postings make {replayed}"
            yield _say("replay", subject, zh, en)
        if reserved != promised:
            zh, en = f"预留 {reserved}，明细为 {promised}", f"reserved {reserved}, its reservations make {promised}"
            yield _say("reserved", subject, zh, en)
        if kind not in OUTSIDE and balance < reserved:
            zh, en = f"余额 {balance} 低于预留 {reserved}", f"balance {balance} is below the reserved {reserved}"
            yield _say("floor", subject, zh, en)
    total = sum(row[2] for row in rows)
    if total:
        yield _say("zero", "settlement.account", f"全部余额之和为 {total}", f"all balances sum to {total}, not to zero")


def _escrows() -> Iterator[Violation]:
    for escrow in Escrow.objects.select_related("case").order_by("id").iterator(chunk_size=500):
        state, subject = escrow.case.state, f"settlement.escrow:{escrow.case_id}"
        pending = sum(escrow.reservations.filter(state="pending").values_list("amount", flat=True))
        wanted = escrow.requested if state == "funded" else 0
        if pending != wanted:
            yield _say("escrow", subject, f"预留 {pending}，应为 {wanted}", f"{pending} is reserved, it should be {wanted}")
        division = divide(Sale.from_terms(escrow.terms))
        given = sum(escrow.postings.filter(kind="price").values_list("amount", flat=True))
        price = escrow.price if state == "released" else 0
        if given != price:
            yield _say("escrow", subject, f"放款 {given}，合同价 {price}", f"{given} was released, the contract says {price}")
        owed = sum(escrow.dues.exclude(reference__endswith="/excess").values_list("amount", flat=True))
        due = division.requested if state in ("released", "refunded") else 0
        if owed != due:
            yield _say("escrow", subject, f"应付 {owed}，托管 {due}", f"{owed} is due to payees of an escrow of {due}")


def _bank() -> Iterator[Violation]:
    """A gap between ledger and bank is allowed only while a break explains it."""
    from shugu.settlement.desk import reconcile
    from shugu.settlement.models import Break

    found = reconcile()
    unposted = sum(
        Break.objects.filter(kind="unexplained_debit").values_list("line__amount", flat=True)
    )  # fmt: skip
    if found.sequence is not None and found.bank != found.ledger - unposted:
        zh, en = f"账面 {found.ledger}，银行 {found.bank}", f"ledger {found.ledger}, bank {found.bank}"
        yield _say("bank", "settlement.bank", zh, en)


def _say(check: str, subject: str, zh: str, en: str) -> Violation:
    return Violation(f"settlement.{check}", subject, (zh, en))
