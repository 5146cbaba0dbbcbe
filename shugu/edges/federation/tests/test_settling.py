"""Settlement between venues: postings in both ledgers, a claim agreed, paid and received; and what is refused."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.test import RequestFactory
from django.utils import translation

from shugu.edges.federation import (
    messages,
    progress,
    queries_settling,
    queries_zone,
    services,
    settlement_rows,
    views_settling,
)
from shugu.edges.federation.models import Peer
from shugu.edges.federation.models_settling import VenueSettlement
from shugu.edges.federation.models_sharing import CrossOrder
from shugu.edges.federation.tests.kit import Other
from shugu.edges.federation.tests.kit_sharing import known, tell
from shugu.edges.federation.tests.test_orders import (
    drafted,
    guest,
    outbox,
    payee,
    placed,
    shown,
    sold,
    voucher,
)
from shugu.formats.credential import credential_digest
from shugu.kernel import clock, documents
from shugu.kernel.audits import audits
from shugu.kernel.cases import mandate
from shugu.kernel.errors import Forbidden, GuardRefused, InputInvalid, NotYourStep
from shugu.kernel.models import Fact
from shugu.party import queries as parties
from shugu.party import services as party
from shugu.settlement import queries as money
from shugu.settlement import services as settlement
from shugu.settlement.errors import NotEnoughMatched, NothingDue
from shugu.settlement.models import Account, Break, Due, Instruction, Posting, VenueClaim
from shugu.settlement.services import BankLine, TakeStatement
from shugu.settlement.tests.stages import drain
from shugu.trade import queries as trade
from shugu.trade import services as trades
from shugu.trade.tests.stages import DELIVERY, MONEY, RECEIPT
from tests.world import SETUP, World

Pair = tuple[Other, Peer]


@pytest.fixture()
def there(world: World) -> Pair:
    other = Other.make()
    return other, known(other, world)


BANK = mandate("bank", "statement")


def told(peer: Peer, kind: str) -> list[Any]:
    return [body for name, body in outbox(peer, "settlement.") if name == kind]


def statement(world: World, *lines: BankLine, sequence: int = 1, opening: int = 0) -> None:
    moved = sum(x.amount if x.direction == "in" else -x.amount for x in lines)
    cmd = TakeStatement(sequence, "6228480000000000018", opening, opening + moved, lines, f"{sequence:064x}")
    settlement.take_statement(cmd, actor=BANK, now=world.now)
    drain(world.now)


def line(world: World, number: str, direction: str, amount: int, reference: str) -> BankLine:
    return BankLine(number, direction, amount, reference, world.now, "远方数据交易所", "6222000000000001")


def seat(world: World, login: str) -> Any:
    """A settlement officer."""
    person = party.register_person(party.RegisterPerson(login, login, ""), actor=SETUP, now=world.now)
    party.grant_seat(party.GrantSeat(person.pk, "settlement_officer"), actor=SETUP, now=world.now)
    return parties.actor_for(person.pk)


def completed_here(world: World, there: Pair, fen: int = 300) -> CrossOrder:
    """Our buyer's order at the other venue, with its voucher: our part is owed by that venue."""
    row = sold(world, there)
    contract = {"order": row.number, "contract": "C-1", "terms_digest": "a" * 64, "price_fen": 50_000}
    assert tell(there[0], "order.contracted", contract, world.now) == ""
    good = voucher(world, there, row, selling_fen=fen, listing_fen=-(-fen * 10 // 3) - fen)
    assert tell(there[0], "order.completed", {"order": row.number, "voucher": good}, world.now) == ""
    return CrossOrder.objects.get(pk=row.pk)


def claimed(world: World, there: Pair) -> tuple[VenueSettlement, Any]:
    completed_here(world, there)
    mona = seat(world, "moxi")
    account = settlement.SetBankAccount(None, "本场所", "示范银行", "6228489999999999")
    settlement.set_bank_account(account, actor=mona, now=world.now)
    return services.claim_shares(services.ClaimShares("faraway"), actor=mona, now=world.now), mona


def completed_there(world: World, there: Pair) -> tuple[CrossOrder, trade.ContractView]:
    """The other venue's buyer traded here, paid through custody: its part is due to it."""
    payee(world, there)
    product = shown(world, there)
    assert tell(there[0], "order.placed", placed(world, there, product), world.now) == ""
    gao = guest(world)
    found = drafted(world, gao, product)
    for actor in (world.alice, gao):
        trades.sign_contract(trades.SignContract(found.number, found.digest), actor=actor, now=world.now)
    trades.review_contract(trades.ReviewContract(found.number, "approve"), actor=world.tara, now=world.now)
    drain(world.now)
    request = next(r for r in money.requests(gao) if r.contract_number == found.number)
    statement(world, line(world, "IN-1", "in", request.requested, request.number))
    trades.confirm_delivery(trades.ConfirmDelivery(found.id, "DLV-1", RECEIPT), actor=DELIVERY, now=world.now)
    drain(world.now)
    trades.confirm_settlement(trades.ConfirmSettlement(found.id, "RUN-1"), actor=MONEY, now=world.now)
    drain(world.now)
    return CrossOrder.objects.get(side="listing"), trade.contract_by_id(found.id)


def claim_of(row: CrossOrder, **changes: Any) -> dict[str, Any]:
    order = {"order": row.number, "voucher": row.voucher, "selling_fen": row.selling_fen, **changes.pop("order", {})}
    return {
        "settlement": "XST-1", "orders": [order], "amount_fen": row.selling_fen,
        "account": {"holder": "远方数据交易所有限公司", "bank": "远方银行", "number": "6222000000000001"}, **changes,
    }  # fmt: skip


def test_our_part_is_a_claim_in_the_ledger_until_the_bank_has_it(world: World, there: Pair) -> None:
    row, mona = claimed(world, there)
    org = settlement_rows.venue_org(there[1])
    kinds = dict(Account.objects.values_list("kind", "balance"))
    assert (kinds["venue_claim"], kinds["venue_accrued"]) == (-300, 300) and sum(kinds.values()) == 0
    assert money.between(org) == money.Between(0, 300, 0) and row.amount == 300
    assert not Due.objects.exists(), "nothing is paid out of what has not come"
    [body] = told(there[1], "settlement.claimed")
    assert body["orders"] == [{"order": row.orders[0]["order"], "voucher": row.orders[0]["voucher"], "selling_fen": 300}]
    with pytest.raises(NothingDue):
        services.claim_shares(services.ClaimShares("faraway"), actor=mona, now=world.now)
    with pytest.raises(Forbidden):
        services.claim_shares(services.ClaimShares("faraway"), actor=world.otto, now=world.now)
    with pytest.raises(GuardRefused):  # who asks does not agree to it
        services.act_on_settlement(services.ActOnSettlement(row.pk, "agree"), actor=mona, now=world.now)
    assert tell(there[0], "settlement.agreed", {"settlement": row.number}, world.now) == ""
    statement(world, line(world, "L-1", "in", 299, row.number))
    assert Break.objects.get().kind == "wrong_amount" and VenueClaim.objects.get().received_at is None
    statement(world, line(world, "L-2", "in", 300, row.number), sequence=2, opening=299)
    assert queries_settling.settlement(row.number, mona).state == "received"
    kinds = dict(Account.objects.values_list("kind", "balance"))
    assert (kinds["venue_claim"], kinds["venue_accrued"], kinds["venue_fee"], kinds["suspense"]) == (0, 0, 300, 299)
    assert [(d.kind, d.amount) for d in Due.objects.all()] == [("venue_fee", 300)]
    assert told(there[1], "settlement.received") == [
        {"settlement": row.number, "amount_fen": 300, "received_on": world.now.date().isoformat()}
    ]
    paid = {"settlement": row.number, "instruction": "PAY-9", "paid_on": "2026-03-03"}
    assert tell(there[0], "settlement.paid", paid, world.now) == ""  # their advice came after the money
    assert queries_settling.settlement(row.number, mona).instruction == "PAY-9"
    statement(world, line(world, "L-3", "in", 300, row.number), sequence=3, opening=599)
    assert [b.kind for b in Break.objects.order_by("pk")] == ["wrong_amount", "duplicate"]
    assert list(audits()["federation.fees"]()) == []
    assert money.audit() == []


def test_a_payment_without_the_reference_is_matched_by_an_officer(world: World, there: Pair) -> None:
    row, mona = claimed(world, there)
    statement(world, line(world, "L-1", "in", 100, "分成"), line(world, "L-2", "in", 200, "分成"))
    first, second = Break.objects.order_by("pk")
    wrong = settlement.ActOnBreak(first.case_id, "match", reason="同一笔", escrow=row.number)
    with pytest.raises(NotEnoughMatched):
        settlement.act_on_break(wrong, actor=mona, now=world.now)
    both = settlement.ActOnBreak(first.case_id, "match", reason="同一笔", escrow=row.number, with_=(second.case_id,))
    settlement.act_on_break(both, actor=mona, now=world.now)
    drain(world.now)
    assert queries_settling.settlement(row.number, mona).state == "received"  # before the other venue even agreed
    assert dict(Account.objects.values_list("kind", "balance"))["suspense"] == 0
    assert tell(there[0], "settlement.agreed", {"settlement": row.number}, world.now) == ""


def test_a_declined_claim_can_be_asked_for_again(world: World, there: Pair) -> None:
    row, mona = claimed(world, there)
    assert tell(there[0], "settlement.declined", {"settlement": "XST-9", "reason": "x"}, world.now) == "not-found"
    assert tell(there[0], "settlement.declined", {"settlement": row.number, "reason": "账户不符"}, world.now) == ""
    assert queries_settling.settlement(row.number, mona).state == "declined"
    assert money.between(settlement_rows.venue_org(there[1])).unclaimed == 300
    again = services.claim_shares(services.ClaimShares("faraway"), actor=mona, now=world.now)
    assert again.amount == 300 and again.number != row.number
    assert tell(there[0], "settlement.agreed", {"settlement": row.number}, world.now) == "not-in-procedure"

    def refuse(peer: Peer, content: bytes) -> bytes:
        return there[0].receipt(content, world.now, code="order-mismatch")

    while messages.deliver(world.now, refuse):
        pass
    assert queries_settling.settlement(again.number, mona).reason == "order-mismatch"
    assert money.between(settlement_rows.venue_org(there[1])).unclaimed == 300


def test_their_part_is_due_from_the_trade_and_paid_by_a_run_once_agreed(world: World, there: Pair) -> None:
    row, found = completed_there(world, there)
    org, fen = settlement_rows.venue_org(there[1]), row.selling_fen
    assert fen and money.between(org) == money.Between(fen, 0, 0)
    posting = Posting.objects.get(kind="selling_venue")
    assert (posting.amount, posting.destination.org_id, posting.destination.kind) == (fen, org, "service_fee")
    mona, nina = seat(world, "moxi"), seat(world, "nixi")
    with pytest.raises(NothingDue):  # nobody else has an account, and theirs waits for the settlement
        settlement.propose_run(settlement.ProposeRun(), actor=mona, now=world.now)
    assert tell(there[0], "settlement.claimed", claim_of(row), world.now) == ""
    taken = VenueSettlement.objects.get()
    with pytest.raises(NotYourStep):
        services.act_on_settlement(services.ActOnSettlement(taken.pk, "agree"), actor=world.otto, now=world.now)
    services.act_on_settlement(services.ActOnSettlement(taken.pk, "agree"), actor=mona, now=world.now)
    run = settlement.propose_run(settlement.ProposeRun(), actor=mona, now=world.now)
    settlement.act_on_run(settlement.ActOnRun(run.case_id, "approve"), actor=nina, now=world.now)
    order = Instruction.objects.get()
    assert (order.amount, order.payee["reference"], order.payee["number"]) == (fen, "XST-1", "6222000000000001")
    escrow = trade.contract_by_id(found.id)
    requested = sum(p.amount for p in Posting.objects.filter(kind="deposit"))
    statement(world, line(world, "OUT-1", "out", order.amount, order.number), sequence=2, opening=requested)
    assert queries_settling.settlement("XST-1", mona).state == "paid" and escrow.number
    [body] = told(there[1], "settlement.paid")
    assert body["instruction"] == order.number
    assert money.between(org) == money.Between(0, 0, 0)
    late = {"settlement": "XST-1", "amount_fen": fen, "received_on": "2026-03-04"}
    assert tell(there[0], "settlement.received", {**late, "amount_fen": fen - 1}, world.now) == "order-mismatch"
    assert tell(there[0], "settlement.received", late, world.now) == ""
    assert tell(there[0], "settlement.received", late, world.now) == "not-in-procedure"
    assert queries_settling.settlement("XST-1", mona).state == "received"
    assert list(audits()["federation.settlements"]()) == []
    assert list(audits()["federation.fees"]()) == []
    assert money.audit() == []


def test_a_claim_that_is_not_exactly_what_is_due_is_refused_whole(world: World, there: Pair) -> None:
    row, _ = completed_there(world, there)
    fen = row.selling_fen or 0
    one = claim_of(row)["orders"][0]
    changes: list[dict[str, Any]] = [
        {"order": {"selling_fen": fen + 1}, "amount_fen": fen + 1}, {"amount_fen": fen + 1}, {"orders": []},
        {"order": {"voucher": "0" * 64}}, {"order": {"order": "XO-9"}}, {"orders": [one, one], "amount_fen": 2 * fen},
    ]  # fmt: skip
    for change in changes:
        assert tell(there[0], "settlement.claimed", claim_of(row, **change), world.now) == "order-mismatch", change
    for broken in ({"account": {"holder": "x", "bank": "y"}}, {"settlement": ""}, {"orders": [{"order": "XO-1"}]}):
        assert tell(there[0], "settlement.claimed", claim_of(row, **broken), world.now) == "bad-message", broken
    assert not VenueSettlement.objects.exists()
    assert tell(there[0], "settlement.claimed", claim_of(row), world.now) == ""
    again = claim_of(row, settlement="XST-2")
    assert tell(there[0], "settlement.claimed", again, world.now) == "order-mismatch", "one order is in one settlement"
    liar = Other.make(origin="liar.shugu.example")
    known(liar, world)
    assert tell(liar, "settlement.claimed", claim_of(row, settlement="XST-3"), world.now) == "order-mismatch"
    body = {"settlement": "XST-1", "amount_fen": fen, "received_on": "2026-03-04"}
    assert tell(liar, "settlement.received", body, world.now) == "not-found"
    assert tell(there[0], "settlement.received", body, world.now) == "not-in-procedure", "received before it was agreed"


def test_a_voucher_with_a_changed_fee_leaves_neither_posting_nor_acknowledgement(world: World, there: Pair) -> None:
    row = sold(world, there)
    contract = {"order": row.number, "contract": "C-1", "terms_digest": "a" * 64, "price_fen": 50_000}
    assert tell(there[0], "order.contracted", contract, world.now) == ""
    wrong = voucher(world, there, row, selling_fen=299)
    assert tell(there[0], "order.completed", {"order": row.number, "voucher": wrong}, world.now) == "order-mismatch"
    assert not Posting.objects.exists() and not documents.path_of(credential_digest(wrong)).exists()
    good = voucher(world, there, row)
    content = there[0].message("order.completed", {"order": row.number, "voucher": good}, world.now)
    first = services.receive(content, world.now)
    assert services.receive(content, world.now + timedelta(hours=1)) == first  # played again: the same receipt, nothing done
    assert Posting.objects.count() == 1 and Fact.objects.filter(name="order.completed").count() == 1


def test_progress_is_told_and_guides_the_buyer(world: World, there: Pair) -> None:
    row = sold(world, there)
    body = {"order": row.number, "stage": "approved"}
    assert tell(there[0], "order.progressed", body, world.now) == "bad-message"
    contract = {"order": row.number, "contract": "C-1", "terms_digest": "a" * 64, "price_fen": 50_000}
    assert tell(there[0], "order.contracted", contract, world.now) == ""
    assert tell(there[0], "order.progressed", {**body, "stage": "sold"}, world.now) == "bad-message"
    for stage in progress.STAGES.values():
        assert tell(there[0], "order.progressed", {**body, "stage": stage}, world.now) == ""
    assert queries_zone.order("selling", row.number, world.bob).stage == "delivered"


@pytest.mark.parametrize("lang", ["zh-hans", "en"])
def test_pages_of_settlements(world: World, there: Pair, monkeypatch: pytest.MonkeyPatch, lang: str) -> None:
    monkeypatch.setattr(clock, "now", lambda: world.now)
    row, mona = claimed(world, there)

    def page(view: Any, actor: Any, *args: str) -> str:
        request = RequestFactory().get("/")
        request.actor, request.htmx = actor, False  # type: ignore[attr-defined]
        with translation.override(lang):
            answer = view(request, *args)
        assert answer.status_code == 200
        return str(answer.content.decode())

    listed = page(views_settling.settlements, mona)
    assert row.number in listed and "/federation/settlements/claim/" not in listed, "nothing is left to claim"
    one = page(views_settling.settlement, mona, "claimant", row.number)
    assert row.orders[0]["order"] in one and "6228489999999999" in one
    assert page(views_settling.settlements, world.otto)
    with pytest.raises(Forbidden):
        queries_settling.settlements(world.bob)
    with pytest.raises(InputInvalid):  # another organisation while something is owed
        other = services.NamePayee(there[1].origin, name="另一家有限公司", uscc="91330100MA2LLLLL7B")
        services.name_payee(other, actor=world.otto, now=world.now)
