"""Orders over two venues: admitted as a guest, one contract with the fee divided, one voucher that both logs name."""

from __future__ import annotations

import hashlib
from datetime import timedelta
from typing import Any

import pytest
from django.test import RequestFactory
from django.utils import translation
from hypothesis import given
from hypothesis import strategies as st

from shugu.edges.federation import (
    kinds,
    messages,
    orders_listing,
    queries_settling,
    queries_zone,
    services,
    sharing,
    views_orders,
    views_zone,
)
from shugu.edges.federation.errors import NoPayee
from shugu.edges.federation.models import Outgoing, Peer
from shugu.edges.federation.models_sharing import CrossOrder, Feed, Shared
from shugu.edges.federation.tests.kit import Other
from shugu.edges.federation.tests.kit_sharing import Catalogue, known, tell
from shugu.evidence import queries as evidences
from shugu.evidence import services as evidence
from shugu.formats.canonical import parse_object
from shugu.formats.credential import credential_digest, require_credential
from shugu.formats.errors import ShuguError
from shugu.formats.identifiers import make_uscc
from shugu.formats.sealed import read_sealed
from shugu.formats.suites import keyring_of
from shugu.formats.verdicts import Verdict
from shugu.formats.verify import verify_sealed
from shugu.kernel import clock, documents, signer
from shugu.kernel.cases import Actor
from shugu.kernel.errors import Forbidden, InputInvalid, NotFound
from shugu.kernel.models import Fact
from shugu.market import queries as market
from shugu.market import services as markets
from shugu.market.tests import stages as deals
from shugu.party import queries as parties
from shugu.party import services as party
from shugu.settlement.domain import Sale, divide
from shugu.settlement.models import Escrow
from shugu.settlement.tests.stages import drain
from shugu.trade import queries as trade
from shugu.trade import services as trades
from shugu.trade.domain import FeeLine, FeeRule, shared_fee
from shugu.trade.tests.stages import DELIVERY, MONEY, RECEIPT
from tests.world import SETUP, World

CODE = "a code that only the buyer has"
USCC = make_uscc("91330100MA2GGGGG7")
Pair = tuple[Other, Peer]


@pytest.fixture()
def there(world: World) -> Pair:
    other = Other.make()
    return other, known(other, world)


def state(side: str) -> str:
    return CrossOrder.objects.select_related("case").get(side=side).case.state


def outbox(peer: Peer, kinds: str = "order.") -> list[tuple[str, Any]]:
    rows = Outgoing.objects.filter(peer=peer, kind__startswith=kinds).order_by("sequence")
    subjects: list[Any] = [parse_object(documents.get(r.digest))["credentialSubject"] for r in rows]
    return [(s["kind"], s["body"]) for s in subjects]


def payee(world: World, there: Pair) -> str:
    known_as = Feed.objects.filter(peer=there[1]).exclude(payee="").values_list("payee", flat=True).first()
    if known_as:
        return known_as
    cmd = party.RegisterOrganisation("远方数据交易所有限公司", make_uscc("91330100MA2HHHHH8"), "", "venue")
    org = party.register_organisation(cmd, actor=SETUP, now=world.now)
    services.name_payee(services.NamePayee(there[1].origin, org.number), actor=world.otto, now=world.now)
    return org.number


def placed(world: World, there: Pair, product: str, **changes: Any) -> dict[str, Any]:
    """An order as the other venue would send it, for a product of ours that it shows."""
    accreditation = there[0].signed("AccreditationCertificate", "M-1", {"uscc": USCC, "accreditedAs": "buyer"}, world.now)
    row = Shared.objects.get(product=product)
    agreement = there[1].agreements.get().reference
    return {
        "order": "XO-1", "product": product, "listing": row.digest, "agreement": agreement,
        "code": hashlib.sha256(CODE.encode()).hexdigest(), "buyer": {"name": "远方客户公司", "name_en": "", "uscc": USCC},
        "accreditation": accreditation, **changes,
    }  # fmt: skip


def shown(world: World, there: Pair) -> str:
    product = deals.listed(world)
    world.now += timedelta(seconds=30)
    sharing.share(world.now)
    return product


def guest(world: World) -> Actor:
    """The buyer's person at our venue: registers, enters with the code."""
    person = party.register_person(party.RegisterPerson("gao", "高客", ""), actor=SETUP, now=world.now)
    alone = parties.actor_for(person.pk)
    membership = party.enter_as_guest(party.entering(CODE), actor=alone, now=world.now)
    return parties.actor_for(person.pk, membership.org_id)


def drafted(world: World, gao: Actor, product: str) -> trade.ContractView:
    ask = markets.OpenNegotiation(product, at_listed_price=True, terms=deals.TERMS)
    row = markets.open_negotiation(ask, actor=gao, now=world.now)
    standing = market.negotiation(row.number, gao).standing
    assert standing is not None
    markets.accept_offer(markets.AcceptOffer(row.number, standing.number), actor=gao, now=world.now)
    drain(world.now)
    found = trade.contract_of_negotiation(row.pk)
    assert found is not None
    return found


def test_a_buyer_of_another_venue_trades_here_and_the_fee_is_divided(world: World, there: Pair) -> None:
    number, product = payee(world, there), shown(world, there)
    assert tell(there[0], "order.placed", placed(world, there, product), world.now) == ""
    assert state("listing") == "admitted"
    gao = guest(world)
    found = drafted(world, gao, product)
    assert state("listing") == "contracted" and outbox(there[1])[-1][1]["contract"] == found.number
    fee = sum(f.amount_fen for f in found.fees if f.kind in ("venue", "selling_venue"))
    through = found.terms["through"]
    assert fee > 0 and through["selling_fen"] == fee * 3000 // 10_000 and through["listing_fen"] == fee - through["selling_fen"]
    for actor in (world.alice, gao):
        trades.sign_contract(trades.SignContract(found.number, found.digest), actor=actor, now=world.now)
    trades.review_contract(trades.ReviewContract(found.number, "approve"), actor=world.tara, now=world.now)
    drain(world.now)
    theirs = parties.organisation_by_number(number).id
    division = divide(Sale.from_terms(Escrow.objects.get(contract_id=found.id).terms))
    assert [m.amount for m in division.moves if m.destination == ("service_fee", theirs)] == [through["selling_fen"]]
    assert sum(amount for _, amount, _ in division.dues) == division.requested
    trades.confirm_funding(trades.ConfirmFunding(found.id, "ESC-1"), actor=MONEY, now=world.now)
    trades.confirm_delivery(trades.ConfirmDelivery(found.id, "DLV-1", RECEIPT), actor=DELIVERY, now=world.now)
    voucher = trades.confirm_settlement(trades.ConfirmSettlement(found.id, "RUN-1"), actor=MONEY, now=world.now)
    assert Fact.objects.get(name="contract.completed").case_id == found.case
    from shugu.kernel import journal

    journal.assign_positions()
    fact = next(f for f in journal.read(0, 10_000) if f.name == "contract.completed")
    orders_listing.contract_completed(fact, world.now)
    kind, body = outbox(there[1])[-1]
    assert kind == "order.completed" and credential_digest(body["voucher"]) == voucher.digest and state("listing") == "completed"
    assert body["voucher"]["credentialSubject"]["through"] == through
    acknowledgement = there[0].signed(
        kinds.ACKNOWLEDGEMENT, "A-1",
        {"to": signer.origin(), "order": "XO-1", "voucher": voucher.digest, "selling_fen": through["selling_fen"]}, world.now,
    )  # fmt: skip
    wrong = {**acknowledgement, "id": "urn:shugu:faraway:A-2"}
    assert tell(there[0], "order.acknowledged", {"order": "XO-1", "acknowledgement": wrong}, world.now) != ""
    assert tell(there[0], "order.acknowledged", {"order": "XO-1", "acknowledgement": acknowledgement}, world.now) == ""
    assert Fact.objects.filter(name="order.acknowledged").count() == 1


def test_an_order_that_does_not_fit_is_refused_and_leaves_nothing(world: World, there: Pair) -> None:
    product = shown(world, there)
    assert tell(there[0], "order.placed", placed(world, there, product), world.now) == "no-payee"
    payee(world, there)
    bob = parties.organisation(world.bob.org or 0)
    forger = Other.make(origin=there[0].origin)
    forged = forger.signed("AccreditationCertificate", "M-1", {"uscc": USCC, "accreditedAs": "buyer"}, world.now)
    provider = there[0].signed("AccreditationCertificate", "M-2", {"uscc": USCC, "accreditedAs": "provider"}, world.now)
    for change, code in (
        ({"listing": "0" * 64}, "order-mismatch"), ({"agreement": "A"}, "order-mismatch"),
        ({"accreditation": provider}, "order-mismatch"), ({"code": "x"}, "bad-message"), ({"order": ""}, "bad-message"),
        ({"buyer": {"name": bob.name, "name_en": "", "uscc": bob.uscc}}, "order-mismatch"),
    ):  # fmt: skip
        assert tell(there[0], "order.placed", placed(world, there, product, **change), world.now) == code, change
    refused = tell(there[0], "order.placed", placed(world, there, product, accreditation=forged), world.now)
    assert refused not in ("", "order-mismatch")
    own = there[0].signed("AccreditationCertificate", "M-3", {"uscc": bob.uscc, "accreditedAs": "buyer"}, world.now)
    known_here = placed(world, there, product, accreditation=own, buyer={"name": bob.name, "name_en": "", "uscc": bob.uscc})
    assert tell(there[0], "order.placed", known_here, world.now) == "known-here"
    assert not CrossOrder.objects.exists() and not Fact.objects.filter(name="guest.admitted").exists()


def test_the_code_lets_one_person_in_and_a_withdrawn_order_nobody(world: World, there: Pair) -> None:
    payee(world, there)
    product = shown(world, there)
    assert tell(there[0], "order.placed", placed(world, there, product), world.now) == ""
    gao = guest(world)
    assert gao.org is not None and parties.is_accredited(gao.org, "buyer", world.now.date())
    for code in (CODE, "another"):
        with pytest.raises(ShuguError):
            party.enter_as_guest(party.entering(code), actor=world.mallory, now=world.now)
    assert tell(there[0], "order.withdrawn", {"order": "XO-1"}, world.now) == ""
    assert state("listing") == "withdrawn" and not parties.is_accredited(gao.org, "buyer", world.now.date())
    assert tell(there[0], "order.withdrawn", {"order": "XO-1"}, world.now) == "not-in-procedure"


def test_an_admitted_order_runs_out_and_the_other_venue_is_told(world: World, there: Pair) -> None:
    payee(world, there)
    product = shown(world, there)
    assert tell(there[0], "order.placed", placed(world, there, product), world.now) == ""
    assert orders_listing.expire(world.now + timedelta(days=30)) == 0
    assert [orders_listing.expire(world.now + timedelta(days=n)) for n in (31, 32)] == [1, 0]
    assert state("listing") == "ended" and outbox(there[1])[-1] == ("order.ended", {"order": "XO-1", "reason": "out of time"})


def sold(world: World, there: Pair) -> CrossOrder:
    """Bob orders P-1 of the other venue; it has taken the order."""
    payee(world, there)
    catalogue = Catalogue(there[0], world.now)
    catalogue.tells()
    row, code = services.order("faraway", "P-1", world.bob, world.now, None, catalogue.fetch)
    kind, body = outbox(there[1])[-1]
    assert kind == "order.placed" and body["code"] == hashlib.sha256(code.encode()).hexdigest() and state("selling") == "placed"
    content = require_credential(body["accreditation"], signer.keyring())
    assert content["credentialSubject"]["uscc"] == body["buyer"]["uscc"]  # type: ignore[index]
    while messages.deliver(world.now, there[0].post(world.now)):
        pass
    assert state("selling") == "admitted"
    return row


def voucher(world: World, there: Pair, row: CrossOrder, **changes: Any) -> dict[str, Any]:
    through = {
        "venue": "hangzhou", "origin": signer.origin(), "order": row.number, "agreement": row.agreement, "payee": "O-9",
        "parts": 3000, "listing_fen": 701, "selling_fen": 300, **changes,
    }  # fmt: skip
    uscc = parties.organisation(row.org_id).uscc
    subject = {"contract": {"number": "C-1"}, "buyer": {"uscc": uscc}, "through": through}
    return there[0].signed("DataTransactionVoucher", "V-1", subject, world.now)


def test_our_buyers_order_ends_in_one_voucher_that_our_log_names_too(world: World, there: Pair) -> None:
    row = sold(world, there)
    contract = {"order": row.number, "contract": "C-1", "terms_digest": "a" * 64, "price_fen": 50_000}
    assert tell(there[0], "order.contracted", contract, world.now) == "" and state("selling") == "contracted"
    for change in ({"order": "XO-9"}, {"parts": 2999}, {"selling_fen": 301}, {"agreement": "A"}, {"origin": "x.example"}):
        wrong = voucher(world, there, row, **change)
        assert tell(there[0], "order.completed", {"order": row.number, "voucher": wrong}, world.now) == "order-mismatch", change
    good = voucher(world, there, row)
    assert tell(there[0], "order.completed", {"order": row.number, "voucher": good}, world.now) == ""
    fact = Fact.objects.get(name="order.completed")
    assert fact.payload is not None and credential_digest(good) in fact.payload
    kind, body = outbox(there[1])[-1]
    assert kind == "order.acknowledged"
    said: Any = require_credential(body["acknowledgement"], signer.keyring())["credentialSubject"]
    assert (said["voucher"], said["selling_fen"]) == (credential_digest(good), 300)
    assert require_credential(good, keyring_of(there[0].keys))["issuer"] == f"https://{there[0].origin}"
    evidence.sequence_once(world.now)
    sealed = read_sealed(evidences.sealed(credential_digest(body["acknowledgement"])))
    assert verify_sealed(sealed, signer.keyring(), world.now).verdict is Verdict.SEALED
    digests: Any = sealed.fact.payload["digests"] if sealed.fact is not None else {}
    assert digests["data_transaction_voucher"] == credential_digest(good), "our own log names the other venue's voucher"
    [owed] = queries_settling.standings(world.otto)
    assert (owed.to_them, owed.to_us, owed.claimable) == (0, 300, 300)
    assert [line.state for line in queries_zone.orders(world.bob)] == ["completed"] and queries_zone.orders(world.carol) == []
    assert tell(there[0], "order.completed", {"order": row.number, "voucher": good}, world.now) == "not-in-procedure"


def test_a_withdrawal_counts_once_the_listing_venue_took_it(world: World, there: Pair) -> None:
    row = sold(world, there)
    with pytest.raises(NotFound):
        services.ask_withdrawal(services.AskWithdrawal(row.number), actor=world.carol, now=world.now)
    services.ask_withdrawal(services.AskWithdrawal(row.number), actor=world.bob, now=world.now)
    assert state("selling") == "admitted"
    messages.deliver(world.now, there[0].post(world.now))
    assert state("selling") == "withdrawn"
    with pytest.raises(InputInvalid):
        services.ask_withdrawal(services.AskWithdrawal(row.number), actor=world.bob, now=world.now)


def test_a_refused_order_says_why(world: World, there: Pair) -> None:
    catalogue = Catalogue(there[0], world.now)
    catalogue.tells()
    with pytest.raises(NoPayee):
        services.order("faraway", "P-1", world.bob, world.now, None, catalogue.fetch)
    payee(world, there)
    with pytest.raises(Forbidden):
        services.order("faraway", "P-1", world.carol, world.now, None, catalogue.fetch)
    services.order("faraway", "P-1", world.bob, world.now, None, catalogue.fetch)

    def refuse(peer: Peer, content: bytes) -> bytes:
        subject: Any = parse_object(content)["credentialSubject"]
        return there[0].receipt(content, world.now, code="no-payee" if subject["kind"] == "order.placed" else "")

    while messages.deliver(world.now, refuse):
        pass
    [line] = queries_zone.orders(world.bob)
    assert (line.state, line.reason) == ("refused", "no-payee")


RULE = FeeRule("settlement.venue_fee_bps", 100, "d", "a", "venue")


@given(st.integers(0, 10**15), st.integers(0, 10_000), st.integers(0, 10**9))
def test_a_fee_is_divided_to_the_fen_and_the_odd_one_stays_with_the_venue_that_lists(fee: int, parts: int, body: int) -> None:
    lines = (FeeLine("venue", "here", "buyer", fee, RULE), FeeLine("service_body", "O-1", "buyer", body, RULE))
    out = shared_fee(lines, "O-2", parts)
    by = {kind: sum(f.amount_fen for f in out if f.kind == kind) for kind in ("venue", "selling_venue", "service_body")}
    assert by["venue"] + by["selling_venue"] == fee and by["service_body"] == body and all(f.amount_fen > 0 for f in out)
    assert by["selling_venue"] * 10_000 <= fee * parts < (by["selling_venue"] + 1) * 10_000


@pytest.mark.parametrize("lang", ["zh-hans", "en"])
def test_pages_of_orders_and_of_what_is_shared(world: World, there: Pair, monkeypatch: pytest.MonkeyPatch, lang: str) -> None:
    monkeypatch.setattr(clock, "now", lambda: world.now)
    row = sold(world, there)

    def page(view: Any, actor: Actor, *args: str) -> str:
        request = RequestFactory().get("/")
        request.actor, request.htmx = actor, False  # type: ignore[attr-defined]
        with translation.override(lang):
            answer = view(request, *args)
        assert answer.status_code == 200
        return str(answer.content.decode())

    assert "/zone/faraway/P-1/order/" in page(views_zone.zone_listing, world.bob, "faraway", "P-1")
    wanted = "向挂牌场所下单" if lang == "zh-hans" else "Order from the listing venue"
    assert wanted in page(views_orders.place, world.bob, "faraway", "P-1")
    own = page(views_orders.orders, world.bob)
    assert f"/federation/orders/selling/{row.number}/" in own
    one = page(views_orders.order, world.bob, "selling", row.number)
    assert f"/federation/orders/{row.number}/withdraw/" in one and "http://127.0.0.1:9/federation/guest/" in one
    watched = page(views_orders.order, world.otto, "selling", row.number)
    assert row.number in watched and "/withdraw/" not in watched and row.number not in page(views_orders.orders, world.carol)
    with pytest.raises(NotFound):
        page(views_orders.order, world.carol, "selling", row.number)
    assert 'name="code"' in page(views_orders.guest, world.mallory)
    assert 'name="organisation"' in page(views_orders.payee, world.otto, "faraway")
    assert 'id="feeds"' in page(views_zone.shared, world.otto) and 'id="feeds"' not in page(views_zone.shared, world.alice)
