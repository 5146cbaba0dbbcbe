"""What is told of one contract's money: where it stands, who holds it now, what each fee is for. Door: queries."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from django.db.models import Q

from shugu.kernel import runtime
from shugu.kernel.cases import Actor, ActorKind
from shugu.kernel.errors import Forbidden, NotFound
from shugu.kernel.models import Clock
from shugu.kernel.money import percent
from shugu.kernel.tables import table
from shugu.kernel.text import Text
from shugu.settlement.domain import DUE_TITLES, POSTING_TITLES, RELIEF_RULE, Fee, Sale
from shugu.settlement.models import Escrow, Posting

# Seats whose duty is the venue's money or its supervision: they may see every contract's.
SEATS = frozenset({"settlement_officer", "operator", "trade_reviewer", "regulator", "auditor"})


@dataclass(frozen=True)
class EscrowView:
    """A payment request as its buyer reads it: pay `requested` fen with `number` as the reference until `due_on`."""

    number: str
    case: int
    case_number: str
    contract: int
    contract_number: str
    state: str
    state_title: Text
    buyer: int
    provider: int
    price: int
    requested: int
    opened_at: datetime
    due_on: date | None


@dataclass(frozen=True)
class Basis:
    """What a fee stands on: rule name, document, article and force (must | may | venue), rate in basis points."""

    name: str
    document: str
    article: str
    force: str
    rate_bps: int

    @property
    def rate(self) -> str:
        return percent(self.rate_bps)


@dataclass(frozen=True)
class MoneyLine:
    title: Text
    amount: int
    at: datetime
    basis: Basis | None = None
    org: int | None = None


@dataclass(frozen=True)
class ContractMoney:
    """`holder`: who has the money now, in words; `lines`: the postings; `dues`: (title, org or None, fen, paid or None)."""

    escrow: EscrowView
    holder: Text
    lines: tuple[MoneyLine, ...]
    dues: tuple[tuple[Text, int | None, int, datetime | None], ...]


HOLDERS = {
    "requested": Text("款项尚未缴存", "not paid in yet"),
    "funded": Text("需求方账户，已预留，存管银行保管", "on the buyer's account, reserved, kept by the custody bank"),
    "released": Text("已划入收款各方账户，待银行付款", "on the payees' accounts, waiting for the bank to pay"),
    "refunded": Text("需求方账户，待银行退款", "on the buyer's account, waiting for the bank to pay it back"),
    "expired": Text("逾期未缴", "not paid in time"),
    "cancelled": Text("缴款申请已撤销", "the request was withdrawn"),
}
PAID_OUT = Text("收款各方，银行已付款", "with the payees: the bank has paid")
PAID_BACK = Text("需求方，银行已退款", "with the buyer: the bank has paid it back")


def view_of(escrow: Escrow) -> EscrowView:
    case = escrow.case
    clock = Clock.objects.filter(case=case, clock="payment_window", status="running").first()
    title = table(case.procedure, case.version).state[case.state].title
    return EscrowView(
        escrow.number, case.pk, case.number, escrow.contract_id, escrow.contract_number, case.state, title, escrow.buyer_id,
        escrow.provider_id, escrow.price, escrow.requested, escrow.opened_at, clock.due_on if clock else None,
    )  # fmt: skip


def requests(actor: Actor, *, state: str = "") -> list[EscrowView]:
    """The escrows the actor's organisation takes part in (all of them for the seats of SEATS), newest first."""
    rows = Escrow.objects.select_related("case").order_by("-id")
    if not SEATS & actor.seats:
        rows = rows.filter(Q(buyer_id=actor.org) | Q(provider_id=actor.org))
    if state:
        rows = rows.filter(case__state=state)
    return [view_of(row) for row in rows[:200]]


def may_see(escrow: Escrow, actor: Actor) -> bool:
    if actor.kind is not ActorKind.PERSON or SEATS & actor.seats:
        return True
    return actor.org is not None and (
        actor.org in (escrow.buyer_id, escrow.provider_id) or escrow.dues.filter(account__org_id=actor.org).exists()
    )


def contract_money(contract: int, actor: Actor) -> ContractMoney:
    """Errors: NotFound, for a stranger too. A fellow right holder or third party sees only its own lines."""
    escrow = Escrow.objects.select_related("case").filter(contract_id=contract).first()
    if escrow is None or not may_see(escrow, actor):
        raise NotFound(what=("托管款项", "escrow"))
    whole = actor.kind is not ActorKind.PERSON or bool(SEATS & actor.seats) or actor.org in (escrow.buyer_id, escrow.provider_id)
    lines = [line_of(p, escrow) for p in escrow.postings.select_related("source", "destination").order_by("id")]
    dues = [
        (DUE_TITLES[d.kind], d.account.org_id, d.amount, d.settled_at)
        for d in escrow.dues.select_related("account").order_by("id")
    ]
    if not whole:
        lines, dues = [x for x in lines if x.org == actor.org], [d for d in dues if d[1] == actor.org]
    return ContractMoney(view_of(escrow), holder_of(escrow), tuple(lines), tuple(dues))


def line_of(posting: Posting, escrow: Escrow) -> MoneyLine:
    title = POSTING_TITLES[posting.kind]
    return MoneyLine(title, posting.amount, posting.posted_at, basis_of(posting, escrow), posting.destination.org_id)


def basis_of(posting: Posting, escrow: Escrow | None) -> Basis | None:
    """The rule behind a fee arrow (as the contract was signed under it) or behind a relief; None for other arrows."""
    if escrow is None or posting.kind not in ("venue_fee", "service_fee", "selling_venue", "fee_relief"):
        return None
    sale = Sale.from_terms(escrow.terms)
    if posting.kind == "fee_relief":
        rule = runtime.rules_by_id(escrow.case.rule_set).value(RELIEF_RULE)
        return Basis(rule.name, rule.document, rule.article, str(rule.force), sale.relief)
    for fee in sale.fees:
        if _is_of(fee, posting):
            return Basis(**fee.rule)
    return None


def _is_of(fee: Fee, posting: Posting) -> bool:
    if fee.kind == "venue":
        return posting.kind == "venue_fee"
    wanted = "selling_venue" if fee.kind == "selling_venue" else "service_fee"
    return posting.kind == wanted and posting.destination.org_id == fee.org


def holder_of(escrow: Escrow) -> Text:
    state = escrow.case.state
    if state in ("released", "refunded") and not escrow.dues.filter(settled_at__isnull=True).exists():
        return PAID_OUT if state == "released" else PAID_BACK
    return HOLDERS[state]


def need_officer(actor: Actor, *, reading: bool = False) -> None:
    """Errors: Forbidden."""
    if actor.kind is ActorKind.PERSON and not (SEATS if reading else {"settlement_officer"}) & actor.seats:
        raise Forbidden()
