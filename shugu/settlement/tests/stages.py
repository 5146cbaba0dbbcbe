"""The stages of a contract's money as tests tell them, every step through the real services and the journal."""

from __future__ import annotations

from datetime import datetime, timedelta

from shugu.catalogue.tests import stages as catalogue
from shugu.kernel import journal, subscriptions
from shugu.kernel.cases import Actor, mandate
from shugu.market.tests import stages as market
from shugu.party import queries as parties
from shugu.party import services as party
from shugu.settlement import services
from shugu.settlement.models import BankStatement, Escrow, Run
from shugu.settlement.services import BankLine, TakeStatement
from shugu.trade import queries as trade
from shugu.trade import services as trades
from shugu.trade.queries import ContractView
from tests.world import SETUP, World

CUSTODY = "6228480000000000018"
DELIVERY = mandate("delivery", "test")
BANK = mandate("bank", "test")


def drain(now: datetime) -> None:
    """Facts get their positions and reach their subscribers until nothing is left."""
    for _ in range(40):
        journal.assign_positions()
        if not subscriptions.deliver(now):
            assert subscriptions.stuck() == []
            return
    raise AssertionError("the subscribers did not come to rest")


def approved(world: World) -> ContractView:
    """A contract of Alice's and Bob's, signed by both, approved by Tara; its payment request is open."""
    product = catalogue.product(world)
    catalogue.listed(world, product)
    negotiation = market.agreed(world, product.number)
    drain(world.now)
    found = trade.contract_of_negotiation(negotiation.pk)
    assert found is not None
    for actor in (world.alice, world.bob):
        trades.sign_contract(trades.SignContract(found.number, found.digest), actor=actor, now=world.now)
    trades.review_contract(trades.ReviewContract(found.number, "approve"), actor=world.tara, now=world.now)
    drain(world.now)
    return trade.contract_by_id(found.id)


def escrow_of(contract: ContractView) -> Escrow:
    return Escrow.objects.select_related("case").get(contract_id=contract.id)


def line(place: str, amount: int, reference: str, now: datetime, direction: str = "in") -> BankLine:
    return BankLine(place, direction, amount, reference, now, "远航物流研究有限公司", "6222020000001111")


def statement(world: World, *lines: BankLine, actor: Actor | None = None) -> BankStatement:
    """The next statement of the custody account with these lines."""
    last = BankStatement.objects.order_by("-sequence").first()
    number, opening = (last.sequence + 1, last.closing) if last else (1, 0)
    moved = sum(x.amount if x.direction == "in" else -x.amount for x in lines)
    digest = f"{number:064x}"
    cmd = TakeStatement(number, CUSTODY, opening, opening + moved, tuple(lines), digest)
    taken = services.take_statement(cmd, actor=actor or BANK, now=world.now)
    drain(world.now)
    return taken


def funded(world: World) -> ContractView:
    contract = approved(world)
    escrow = escrow_of(contract)
    statement(world, line("L1", escrow.requested, escrow.number, world.now))
    return trade.contract_by_id(contract.id)


def delivered(world: World) -> ContractView:
    """Delivery's confirmations to trade, as delivery gives them."""
    contract = funded(world)
    perform(world, contract)
    return trade.contract_by_id(contract.id)


def perform(world: World, contract: ContractView) -> None:
    trades.begin_performance(trades.BeginPerformance(contract.id, "DLV-1"), actor=DELIVERY, now=world.now)
    trades.confirm_delivery(trades.ConfirmDelivery(contract.id, "DLV-1", {"data": "a" * 64}), actor=DELIVERY, now=world.now)
    drain(world.now)


def second_officer(world: World) -> Actor:
    person = party.register_person(party.RegisterPerson("milo", "米洛", "Milo Mi"), actor=SETUP, now=world.now)
    party.grant_seat(party.GrantSeat(person.pk, "settlement_officer"), actor=SETUP, now=world.now)
    return parties.actor_for(person.pk)


def accounts(world: World) -> None:
    """Everybody who may be paid names an account; the venue too."""
    for place, actor in enumerate((world.alice, world.bob, world.carol, world.quinn)):
        cmd = services.SetBankAccount(actor.org, f"户名{place}", "杭州银行", f"622848000000{place:04d}")
        services.set_bank_account(cmd, actor=actor, now=world.now)
    venue = services.SetBankAccount(None, "杭州数据交易所", "杭州银行", "6228480000009999")
    services.set_bank_account(venue, actor=world.mona, now=world.now)


def issued(world: World) -> Run:
    """A delivered contract whose payments Mona proposed and Milo approved."""
    delivered(world)
    return issue(world)


def issue(world: World) -> Run:
    accounts(world)
    run = services.propose_run(services.ProposeRun(), actor=world.mona, now=world.now)
    services.act_on_run(services.ActOnRun(run.case_id, "approve"), actor=second_officer(world), now=world.now)
    drain(world.now)
    return Run.objects.get(pk=run.pk)


def confirmed(world: World) -> Run:
    run = issued(world)
    paid = [line(f"P{i.pk}", i.amount, i.number, world.now, "out") for i in run.instructions.order_by("id")]
    statement(world, *paid)
    return run


def later(world: World, days: int) -> datetime:
    world.now += timedelta(days=days)
    return world.now
