"""What the story's venues do in a trade over two of them: a product offered, an order, contract, money, delivery.

Everything goes through the services that pages and API call; the worker is the real one, running while it is told to.
"""

from __future__ import annotations

import base64
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

from shugu.federated.ground import actor, moment, tidy
from shugu.formats.canonical import parse_object

# A firm that only the selling venue knows: the cast is the same everywhere, and who has a file of its own is no guest.
PASSWORD: Final = "the buyer's own 2026"  # noqa: S105  lives and ends with the story
BUYER: Final = ("gao", "高远", "Gao Yuan", "深海物流科技有限公司", "Shenhai Logistics Ltd.", "91440300MA5EEEEE5")
_PURPOSE: Final = "research"
_STOPS: list[tuple[threading.Thread, threading.Event]] = []


def work(on: bool) -> bool:
    """The venue's worker, every part of it, in threads of this process until it is told to stop."""
    from shugu import worker

    if on and not _STOPS:
        stop = threading.Event()
        thread = threading.Thread(target=worker.run, args=(stop,), name="worker", daemon=True)
        thread.start()
        _STOPS.append((thread, stop))
    while not on and _STOPS:
        thread, stop = _STOPS.pop()
        stop.set()
        thread.join(60)
        assert not thread.is_alive(), "the worker did not stop"
    return bool(_STOPS)


def rest() -> int:
    """The worker's parts one after another until nothing is left to do; for a venue whose worker is not running."""
    from shugu import worker

    return worker.settle()


def connector() -> dict[str, Any]:
    """The provider's connector, founded; the command that starts it and its address."""
    from shugu.demo import stage

    vkeys = "\n".join(stage.found_connector())
    return {"command": stage.connector_command(), "url": stage.connector_url(), "vkeys": vkeys}


def _data() -> Path:
    from shugu.demo import stage

    return stage.connector_home() / "data"


def offer(entry: str, title: str, title_en: str, vkeys: str, price_fen: int) -> dict[str, Any]:
    """A product of a registered entry through the venue's whole way onto the market: connector, product, quality,
    compliance, up to the operator's decision. {"product", "sha256", "listing"}."""
    from shugu.appraisal import services as appraisal
    from shugu.catalogue import services as catalogue
    from shugu.delivery import services as delivery
    from shugu.demo import cast, stage
    from shugu.kernel import runtime
    from shugu.kernel.text import Text
    from shugu.measure.samples import WEATHER, write_samples
    from shugu.measure.source import digest_file
    from shugu.registry import queries as book

    alice, quinn, entry_id = actor("alice"), actor("quinn"), book.entry_by_number(entry).id
    assert alice.org is not None and quinn.org is not None
    file = write_samples(_data())["weather"]
    sha256 = digest_file(file).sha256
    registering = delivery.RegisterConnector(alice.org, stage.CONNECTOR_NAME, stage.connector_url(), vkeys)
    delivery.register_connector(registering, actor=alice, now=moment())
    made = catalogue.create_product(_product(entry_id, title, title_en, sha256, price_fen), actor=alice, now=moment())
    held, size = stage.hold(made.number, file, WEATHER, {"airports": _data() / "airports.parquet"})
    binding = delivery.BindProduct(made.number, stage.CONNECTOR_NAME, file.name, held, size)
    delivery.bind_product(binding, actor=alice, now=moment())
    ordering = delivery.OrderQuality(stage.CONNECTOR_NAME, file.name, sha256, made.number)
    delivery.order_quality(ordering, actor=alice, now=moment())
    rest()
    ordered = appraisal.order_compliance(
        appraisal.OrderCompliance(entry_id, quinn.org, "数据来源、内容与流通合规"), actor=alice, now=moment()
    )
    appraisal.act_on_assignment(appraisal.ActOnAssignment(ordered.pk, "accept"), actor=quinn, now=moment())
    content = cast.paper(Text("合规评估报告", "compliance report"), quinn.org, ((Text("结论", "Conclusion"), "合规"),))
    report = appraisal.FileComplianceReport(
        ordered.pk, "compliant", "来源公开，无个人信息。", ("奎音", "蒯衡"), "report.pdf", content
    )
    appraisal.file_compliance_report(report, actor=quinn, now=moment())
    appraisal.act_on_assignment(appraisal.ActOnAssignment(ordered.pk, "deliver"), actor=quinn, now=moment())
    gates = runtime.rules().value("catalogue.circulation_gates").codes
    listing = catalogue.submit_listing(catalogue.SubmitListing(made.number, gates), actor=alice, now=moment())
    return {"product": made.number, "sha256": sha256, "listing": listing.pk}


def _product(entry: int, title: str, title_en: str, sha256: str, price_fen: int) -> Any:
    from shugu.catalogue import services as catalogue
    from shugu.measure.samples import WEATHER

    columns = tuple(
        catalogue.ColumnEntry(c["name"], str(c["type"]), c.get("title_zh", ""), not c.get("expected", False))
        for c in WEATHER.as_dict()["columns"]
    )
    return catalogue.CreateProduct(
        entry_id=entry, title=title, title_en=title_en, summary="纽约三机场 2013 年逐时气象：气温、湿度、风、降水、能见度。",
        industry="transport", form="data_set", delivery_forms=("data_set",), dictionary=columns, data_digest=sha256,
        keywords=("气象", "机场"), price=catalogue.PriceTerms(price_fen),
        licence=catalogue.LicenceTerms(("use",), (_PURPOSE, "product_development"), 365, calls=20, attribute=True),
    )  # fmt: skip


def offer_again(entry: str, title: str, sha256: str) -> str:
    """Somebody lists the same data here too. Errors: GuardRefused while another venue lists it."""
    from shugu.catalogue import services as catalogue
    from shugu.kernel import runtime
    from shugu.registry import queries as book

    alice = actor("alice")
    product = _product(book.entry_by_number(entry).id, title, "", sha256, 100_00)
    made = catalogue.create_product(product, actor=alice, now=moment())
    gates = runtime.rules().value("catalogue.circulation_gates").codes
    return str(catalogue.submit_listing(catalogue.SubmitListing(made.number, gates), actor=alice, now=moment()).number)


def approve_listing(listing: int) -> str:
    from shugu.catalogue import services as catalogue

    cmd = catalogue.ActOnListing(listing, "approve")
    return str(catalogue.act_on_listing(cmd, actor=actor("otto"), now=moment()).case.state)


def delist(listing: int) -> str:
    from shugu.catalogue import services as catalogue

    cmd = catalogue.ActOnListing(listing, "delist", {"reason": "提供方撤回"})
    return str(catalogue.act_on_listing(cmd, actor=actor("alice"), now=moment()).case.state)


def enrol() -> str:
    """The buyer's firm at the venue where it is at home: registered and accredited."""
    from shugu.demo import cast
    from shugu.formats.identifiers import make_uscc
    from shugu.party import queries as parties
    from shugu.party import services as party

    login, zh, en, firm, firm_en, prefix = BUYER
    secret = party.Secret(PASSWORD)
    person = party.register_person(party.RegisterPerson(login, zh, en, password=secret), actor=cast.SETUP, now=moment())
    cmd = party.RegisterOrganisation(firm, make_uscc(prefix), firm_en)
    org = party.register_organisation(cmd, actor=parties.actor_for(person.pk), now=moment())
    cast.accredit(parties.actor_for(person.pk, org.pk), "buyer", actor("rita"), actor("rong"))
    return str(org.number)


def _gao() -> Any:
    from shugu.formats.identifiers import make_uscc
    from shugu.party import queries as parties

    org = parties.organisation_by_uscc(make_uscc(BUYER[5])).id
    return parties.actor_for(parties.people_of(org)[0][0], org)


def venue_firm(venue: str, zh: str, en: str, prefix: str) -> str:
    """The organisation of another venue here, named by the operator as who is paid and who owes."""
    from shugu.demo import cast
    from shugu.edges.federation import peers, services
    from shugu.formats.identifiers import make_uscc
    from shugu.party import services as party

    cmd = party.RegisterOrganisation(zh, make_uscc(prefix), en, "venue")
    org = party.register_organisation(cmd, actor=cast.SETUP, now=moment())
    naming = services.NamePayee(peers.peer_named(venue).origin, org.number)
    services.name_payee(naming, actor=actor("otto"), now=moment())
    return str(org.number)


def orders() -> dict[str, dict[str, Any]]:
    """By number, as the venue's watchers see them."""
    from shugu.edges.federation import queries_zone

    return {
        r.number: {"state": r.state, "side": r.side, "contract": r.contract, "voucher": r.voucher, "reason": r.reason,
                   "acknowledgement": r.acknowledgement, "listing_fen": r.listing_fen, "selling_fen": r.selling_fen}
        for r in queries_zone.orders(actor("otto"))
    }  # fmt: skip


def negotiate(product: str) -> str:
    """The buyer takes the listed price; the contract is drafted by the worker."""
    from shugu.market import queries as market
    from shugu.market import services as markets
    from shugu.market.domain import Terms

    asking = markets.OpenNegotiation(product, at_listed_price=True, terms=Terms(365, _PURPOSE, "data_set"))
    row = markets.open_negotiation(asking, actor=_gao(), now=moment())
    standing = market.negotiation(row.number, _gao()).standing
    assert standing is not None
    markets.accept_offer(markets.AcceptOffer(row.number, standing.number), actor=_gao(), now=moment())
    return str(row.number)


def conclude(contract: str) -> str:
    """Both sides sign, the venue approves; the state."""
    from shugu.trade import queries as trade
    from shugu.trade import services as trades

    found = trade.contract(contract, actor("alice"))
    for who in (actor("alice"), _gao()):
        trades.sign_contract(trades.SignContract(contract, found.digest), actor=who, now=moment())
    trades.review_contract(
        trades.ReviewContract(contract, "approve", opinion="符合"), actor=actor("tara"), now=moment()
    )
    return contract_state(contract)


def terms(contract: str) -> dict[str, Any]:
    """What both sides have signed."""
    from shugu.trade import queries as trade

    return dict(trade.contract(contract, actor("tara")).terms)


def contract_state(contract: str) -> str:
    from shugu.trade import queries as trade

    return str(trade.contract(contract, actor("tara")).state)


def pay() -> int:
    """The buyer's bank pays what is asked for, the custody bank says so; 0 while nothing is asked for."""
    from shugu.edges.bank import simulator
    from shugu.settlement import queries as money

    asked = [r for r in money.requests(_gao()) if r.state == "requested"]
    for request in asked:
        simulator.pay(request.number, request.requested, payer=BUYER[3], account="6222020000000000055", now=moment())
    if asked:
        simulator.write_statement(moment())
    return sum(r.requested for r in asked)


def token(contract: str) -> dict[str, str]:
    """What the buyer pulls with, once the connector has the grant; {} before."""
    from shugu.delivery import queries as deliveries
    from shugu.delivery import services as delivery
    from shugu.trade import queries as trade

    view = deliveries.delivery_of(trade.contract(contract, actor("tara")).id)
    if view is None or view.grant is None or view.grant.taken_at is None:
        return {}
    issued = delivery.issue_token(delivery.IssueToken(view.number), actor=_gao(), now=moment())
    return {"delivery": view.number, "url": view.grant.url, "file": view.grant.file, "token": delivery.token_text(issued),
            "purpose": _PURPOSE}  # fmt: skip


def accept(number: str, receipt: dict[str, Any], sha256: str) -> None:
    """The buyer brings the connector's receipt and accepts."""
    from shugu.delivery import services as delivery

    delivery.take_receipt(delivery.TakeReceipt(receipt), actor=_gao(), now=moment())
    delivery.accept_delivery(delivery.AcceptDelivery(number, sha256), actor=_gao(), now=moment())


def name_accounts() -> int:
    """Who is paid names where."""
    from shugu.party import queries as parties
    from shugu.settlement import services as settling

    people = [actor(login) for login in ("alice", "carol", "quinn")]
    for place, one in enumerate(people, 1):
        holder = parties.organisation(int(one.org or 0)).name
        account = settling.SetBankAccount(one.org, holder, "示范银行", f"622848{place:013d}")
        settling.set_bank_account(account, actor=one, now=moment())
    return len(people)


def run() -> str:
    """A settlement run, proposed by one officer and approved by another; "" where nothing is due."""
    from shugu.settlement import services as settling
    from shugu.settlement.errors import NothingDue

    try:
        made = settling.propose_run(settling.ProposeRun(), actor=actor("mona"), now=moment())
    except NothingDue:
        return ""
    settling.act_on_run(settling.ActOnRun(made.case_id, "approve"), actor=actor("nina"), now=moment())
    return str(made.number)


def bank() -> int:
    """The custody bank executes what it was ordered and says so; how many payments."""
    from shugu.edges.bank import simulator

    paid = simulator.execute_orders(moment())
    simulator.write_statement(moment())
    return paid


def sealed_of(digest: str) -> str:
    """The sealed form of a credential by its digest, base64; "" while its fact is not in the published log."""
    from shugu.evidence import queries as evidence

    found = evidence.sealed_or_none(digest)
    return base64.b64encode(found).decode() if found is not None else ""


def voucher(contract: str) -> dict[str, Any]:
    """The vouchers of a contract: how many, the digest, the subject."""
    from shugu.kernel import documents
    from shugu.kernel.models import Fact
    from shugu.trade import queries as trade

    found = trade.contract(contract, actor("tara"))
    made = trade.voucher(found.voucher_number) if found.voucher_number else None
    body: Any = parse_object(documents.get(made.digest)) if made is not None else {}
    facts = Fact.objects.filter(case_id=found.case, name="contract.completed").count()
    return {"digest": made.digest if made else "", "facts": facts, "subject": body.get("credentialSubject", {})}


def audited() -> list[str]:
    """What `shugu audit` finds, in words."""
    from shugu import audit

    tidy()
    return [f"{v.check} {v.subject} {v.what[1]}" for v in audit.audit_everything()]


def naming(digest: str) -> list[str]:
    """The facts of this venue's log that name a digest, by name."""
    from shugu.kernel.models import Fact

    rows = Fact.objects.filter(payload__contains=digest).order_by("pk")
    return [str(row.name) for row in rows]


ACTS: Mapping[str, Callable[..., Any]] = {
    "work": work, "rest": rest, "connector": connector, "offer_product": offer, "offer_again": offer_again,
    "approve_listing": approve_listing, "delist": delist,
    "enrol": enrol, "venue_firm": venue_firm, "orders": orders, "negotiate": negotiate,
    "conclude": conclude, "terms": terms, "contract_state": contract_state, "pay": pay, "token": token, "accept": accept,
    "name_accounts": name_accounts, "run": run, "bank": bank, "sealed_of": sealed_of, "voucher": voucher, "audited": audited,
    "naming": naming,
}  # fmt: skip
