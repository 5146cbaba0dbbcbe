"""What trade tells others: contracts, their policy and money lines, vouchers."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from django.db.models import Count, Q, QuerySet, Sum
from django.db.models.functions import TruncMonth

from shugu.formats.policy import Policy
from shugu.kernel import documents, runtime
from shugu.kernel.cases import Actor, ActorKind
from shugu.kernel.errors import NotFound
from shugu.party import queries as parties
from shugu.trade import withdrawing
from shugu.trade.domain import (
    BUYER,
    FUNDED,
    PROVIDER,
    FeeLine,
    FeeRule,
    ShareLine,
    amount_class,
    buyer_pays,
    dated_policy,
)
from shugu.trade.models import Contract, Signature, Voucher

# Seats that may read any contract; they act only where the table gives them a step.
WATCHING = frozenset({
    "trade_reviewer", "compliance_officer", "settlement_officer", "operator", "regulator", "auditor",
})  # fmt: skip
PAGE_MOST = 200
withdrawal_grounds = withdrawing.grounds
ground_title = withdrawing.ground_title


@dataclass(frozen=True)
class SignatureView:
    """`signed` as party.services.sign gave it: org, vkey, signature (base64), signed_at."""

    role: str
    org: str
    person: int | None
    signed_at: datetime
    signed: Mapping[str, str]


@dataclass(frozen=True)
class ContractView:
    """A contract as it stands. `digest`: SHA-256 of `terms`, what both sides sign; `document_digest`: of the credential
    the venue signed at approval ("" before); money in fen; `effective_*` once the money is held."""

    id: int
    number: str
    case: int
    case_number: str
    state: str
    negotiation_id: int
    provider_org: int
    buyer_org: int
    product_version_id: int
    entry_id: int
    price_fen: int
    buyer_pays_fen: int
    term_days: int
    purpose: str
    delivery_form: str
    quantity: int
    policy: Mapping[str, Any]
    fees: tuple[FeeLine, ...]
    shares: tuple[ShareLine, ...]
    service_bodies: tuple[int, ...]
    affiliated: bool
    terms: Mapping[str, Any]
    digest: str
    revision: int
    document_digest: str
    signatures: tuple[SignatureView, ...]
    drafted_at: datetime
    effective_at: datetime | None
    effective_until: datetime | None
    delivery: Mapping[str, Any]
    voucher_number: str

    def side_of(self, org: int | None) -> str:
        return PROVIDER if org == self.provider_org else BUYER if org == self.buyer_org else ""

    @property
    def product_title(self) -> str:
        return str(self.terms["product"]["title"])

    @property
    def signed_roles(self) -> frozenset[str]:
        return frozenset(s.role for s in self.signatures)


@dataclass(frozen=True)
class VoucherView:
    """A voucher. What a stranger may know is in `public`; the credential is for the parties and the venue."""

    number: str
    contract_id: int
    contract_number: str
    provider_org: int
    buyer_org: int
    digest: str
    amount_class: str
    issued_at: datetime
    completed_on: date
    fact: int
    withdrawn_at: datetime | None
    withdrawn_ground: str
    withdrawn_document: str
    credential: Mapping[str, Any]

    @property
    def public(self) -> dict[str, Any]:
        subject = self.credential["credentialSubject"]
        return {
            "number": self.number, "type": "DataTransactionVoucher", "venue": subject["venue"],
            "issuer": self.credential["issuer"],
            "product": {"number": subject["product"]["number"], "title": subject["product"]["title"]},
            "registration": subject["registration"]["number"], "amount_class": subject["amount"]["class"],
            "completed_on": subject["completed_on"], "digest": self.digest, **({"demo": True} if subject.get("demo") else {}),
            "valid": self.withdrawn_at is None,
            **({"withdrawn": {"at": self.withdrawn_at.isoformat(), "ground": self.withdrawn_ground,
                              "document": self.withdrawn_document}} if self.withdrawn_at else {}),
        }  # fmt: skip


def fee_from(raw: Mapping[str, Any]) -> FeeLine:
    rule = raw["rule"]
    return FeeLine(
        raw["kind"], raw["payee"], raw["payer"], raw["amount_fen"],
        FeeRule(rule["name"], raw["rate_bps"], rule["document"], rule["article"], rule["force"]),
    )  # fmt: skip


def _rows() -> QuerySet[Contract]:
    return Contract.objects.select_related("case", "voucher").prefetch_related("signatures")


def _seen(actor: Actor) -> QuerySet[Contract]:
    if actor.kind is not ActorKind.PERSON or actor.seats & WATCHING:
        return _rows()
    if actor.org is None:
        return _rows().none()
    return _rows().filter(Q(provider_id=actor.org) | Q(buyer_id=actor.org))


def contract(which: int | str, actor: Actor) -> ContractView:
    """By id, number or case number: for both sides, the venue's seats that watch trade, and other apps (mandates).
    Errors: NotFound: a stranger learns nothing."""
    where = Q(pk=which) if isinstance(which, int) else Q(number=which) | Q(case__number=which)
    row = _seen(actor).filter(where).first()
    if row is None:
        raise NotFound(what=(f"合同 {which}", f"contract {which}"))
    return view(row)


def contract_by_id(contract_id: int) -> ContractView:
    """For later apps that hold the id already. Errors: NotFound."""
    row = _rows().filter(pk=contract_id).first()
    if row is None:
        raise NotFound(what=("合同", "contract"))
    return view(row)


def contract_of_case(case: int) -> ContractView:
    """Errors: NotFound."""
    row = _rows().filter(case_id=case).first()
    if row is None:
        raise NotFound(what=("合同", "contract"))
    return view(row)


def contract_of_negotiation(negotiation_id: int) -> ContractView | None:
    row = _rows().filter(negotiation_id=negotiation_id).first()
    return view(row) if row is not None else None


def contracts(actor: Actor, *, state: str = "", limit: int = 50, offset: int = 0) -> list[ContractView]:
    """Those the actor may see, newest first; `limit` at most 200."""
    rows = _seen(actor).order_by("-drafted_at", "-pk")
    if state:
        rows = rows.filter(case__state=state)
    return [view(r) for r in rows[max(offset, 0) : max(offset, 0) + min(max(limit, 0), PAGE_MOST)]]


def view(row: Contract) -> ContractView:
    terms = row.terms
    fees = tuple(fee_from(f) for f in terms["fees"])
    voucher: Voucher | None = getattr(row, "voucher", None)
    bodies = tuple(parties.organisation_by_number(f.payee).id for f in fees if f.kind == "service_body")
    ends = row.effective_at + timedelta(days=terms["term_days"]) if row.effective_at else None
    return ContractView(
        id=row.pk, number=row.number, case=row.case_id, case_number=row.case.number, state=row.case.state,
        negotiation_id=row.negotiation_id, provider_org=row.provider_id, buyer_org=row.buyer_id,
        product_version_id=row.version_id, entry_id=row.entry_id, price_fen=row.price_fen,
        buyer_pays_fen=buyer_pays(row.price_fen, fees), term_days=terms["term_days"], purpose=terms["purpose"],
        delivery_form=terms["delivery_form"], quantity=terms["quantity"], policy=terms["policy"], fees=fees,
        shares=tuple(ShareLine(s["org"], s["parts"], s["amount_fen"]) for s in terms["revenue"]), service_bodies=bodies,
        affiliated=row.affiliated, terms=terms, digest=row.terms_digest, revision=row.revision,
        document_digest=row.document_digest, signatures=tuple(_signature(s) for s in _signed(row)), drafted_at=row.drafted_at,
        effective_at=row.effective_at, effective_until=ends, delivery=row.delivery,
        voucher_number=voucher.number if voucher else "",
    )  # fmt: skip


def _signed(row: Contract) -> list[Signature]:
    return sorted((s for s in row.signatures.all() if s.revision == row.revision), key=lambda s: s.role, reverse=True)


def _signature(row: Signature) -> SignatureView:
    return SignatureView(row.role, row.signed["org"], row.person, row.signed_at, row.signed)


def policy_of(contract_id: int) -> dict[str, object]:
    """The contract's ODRL policy (formats.policy); from the day it is in force with the term's dates. Errors: NotFound."""
    found = contract_by_id(contract_id)
    policy = Policy.from_dict(dict(found.policy))
    if found.effective_at is not None:
        policy = dated_policy(policy, found.effective_at, found.term_days)
    return policy.as_dict()


def is_funded(contract_id: int) -> bool:
    """Whether the money is held or was paid out for it. Errors: NotFound."""
    return contract_by_id(contract_id).state in FUNDED


def document(found: ContractView) -> dict[str, Any]:
    """The signed credential once approved; before, the terms with the signatures there are."""
    if found.document_digest:
        credential: dict[str, Any] = json.loads(documents.get(found.document_digest))
        return credential
    return {"terms": dict(found.terms), "terms_digest": found.digest, "signatures": signature_rows(found), "approved": False}


def signature_rows(found: ContractView) -> list[dict[str, Any]]:
    return [{"role": s.role, **s.signed} for s in found.signatures]


def voucher(number: str) -> VoucherView:
    """By its number or the contract's. Who reads it decides what to show: `public`, or the credential.
    Errors: NotFound."""
    row = Voucher.objects.select_related("contract").filter(Q(number=number) | Q(contract__number=number)).first()
    if row is None:
        raise NotFound(what=(f"交易凭证 {number}", f"voucher {number}"))
    return VoucherView(
        number=row.number, contract_id=row.contract_id, contract_number=row.contract.number,
        provider_org=row.contract.provider_id, buyer_org=row.contract.buyer_id, digest=row.digest,
        amount_class=row.amount_class, issued_at=row.issued_at, completed_on=row.completed_on, fact=row.fact,
        withdrawn_at=row.withdrawn_at, withdrawn_ground=row.withdrawn_ground, withdrawn_document=row.withdrawn_document,
        credential=json.loads(documents.get(row.digest)),
    )  # fmt: skip


def voucher_numbered_by(digest: str) -> str:
    """The number of the voucher with that credential digest. Errors: NotFound."""
    row = Voucher.objects.filter(digest=digest).first()
    if row is None:
        raise NotFound(what=("该摘要的交易凭证", "voucher with this digest"))
    return row.number


def voucher_bytes(number: str) -> bytes:
    """The credential exactly as signed. Errors: NotFound."""
    return documents.get(voucher(number).digest)


def may_read_voucher(found: VoucherView, actor: Actor | None) -> bool:
    """Whether the whole credential, with the amount and the sides, is for this reader."""
    if actor is None:
        return False
    return bool(actor.seats & WATCHING) or actor.org in (found.provider_org, found.buyer_org)


def vouchers(actor: Actor, *, limit: int = 50, offset: int = 0) -> list[VoucherView]:
    rows = Voucher.objects.order_by("-issued_at", "-pk")
    if not actor.seats & WATCHING:
        rows = rows.filter(Q(contract__provider_id=actor.org) | Q(contract__buyer_id=actor.org)) if actor.org else rows.none()
    return [voucher(r.number) for r in rows[max(offset, 0) : max(offset, 0) + min(max(limit, 0), PAGE_MOST)]]


def classes() -> tuple[Mapping[str, Any], ...]:
    return runtime.rules().value("trade.amount_classes").rows


def class_of(amount_fen: int) -> Mapping[str, Any]:
    """The venue's own class of an amount (rule trade.amount_classes)."""
    return amount_class(amount_fen, classes())


@dataclass(frozen=True)
class SettledView:
    """A trade performed and paid: what its voucher says, for statistics. `price_fen` is the contract's price."""

    number: str
    contract_number: str
    provider_org: int
    buyer_org: int
    completed_on: date
    price_fen: int


@dataclass(frozen=True)
class SettledMonth:
    month: date
    count: int
    price_fen: int


def settled(*, limit: int = 50, offset: int = 0) -> list[SettledView]:
    """Trades that ended with a voucher, newest first. The caller answers for who reads them."""
    rows = Voucher.objects.select_related("contract").order_by("-completed_on", "-pk")[offset : offset + limit]
    return [
        SettledView(v.number, c.number, c.provider_id, c.buyer_id, v.completed_on, c.price_fen)
        for v in rows for c in (v.contract,)
    ]  # fmt: skip


def settled_months() -> list[SettledMonth]:
    """Count and value of settled trades by month of completion, oldest first."""
    rows = (
        Voucher.objects.annotate(month=TruncMonth("completed_on")).values("month")
        .annotate(count=Count("pk"), value=Sum("contract__price_fen")).order_by("month")
    )  # fmt: skip
    return [SettledMonth(r["month"], r["count"], int(r["value"])) for r in rows]
