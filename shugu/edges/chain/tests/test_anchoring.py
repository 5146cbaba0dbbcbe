"""The worker's part against a real node: exactly once through crashes, lost transactions, vanished blocks and silent nodes."""

from __future__ import annotations

import json
import sys

import pytest
from django.db import DatabaseError, connection, transaction

from shugu.edges.chain import audit, queries
from shugu.edges.chain.contract import METHODS
from shugu.edges.chain.errors import ChainSoftwareMissing
from shugu.edges.chain.models import Anchor, ChainState, Sending
from shugu.edges.chain.tests import anvil, trees
from shugu.edges.chain.tests.anvil import Wire
from shugu.edges.chain.tests.conftest import Bench, key_of
from shugu.edges.chain.tests.venue import PAYER, Venue, by_relayer, killed_at, pays
from shugu.evidence import queries as evidence
from shugu.kernel import signer
from shugu.kernel.models import Fact

pytestmark = [pytest.mark.django_db(transaction=False), pytest.mark.xdist_group("chain")]


def events(bench: Bench) -> list[int]:
    return [e.size for e in bench.there.anchors(signer.origin())]


def test_a_checkpoint_is_anchored_once_and_its_fact_tells_where(venue: Venue, bench: Bench, wire: Wire) -> None:
    venue.install(bench, rpc=wire.url)
    log = venue.facts(5)
    paid = pays(bench)
    found = venue.confirmed()
    assert bench.there.root(signer.origin(), log.size) == log.root == bytes(found.root)
    assert events(bench) == [log.size] and pays(bench) == paid + 1
    fact = Fact.objects.get(name="chain.anchored")
    told = json.loads(fact.payload or "{}")["data"]
    assert fact.pk == found.fact and told["tx"] == "0x" + bytes(found.tx_hash or b"").hex()
    assert (told["chain_id"], told["contract"], told["size"]) == (bench.chain.chain_id, bench.there.address, log.size)
    assert venue.alarm() == "" and list(audit.audit_anchors()) == []
    assert set(wire.heard) <= METHODS, "only what lagging chains have too"
    for _ in range(3):
        venue.pass_time(hours=30)
        evidence_size = venue.facts(0).size
        venue.round()
        assert (events(bench), Anchor.objects.count()) == ([log.size], 1), f"an anchor caused an anchor ({evidence_size})"


def test_the_rule_says_when_the_next_is_due(venue: Venue, bench: Bench) -> None:
    venue.install(bench)
    first = venue.facts(5)
    venue.confirmed()
    venue.pass_time(minutes=11)
    venue.facts(5)
    venue.round()
    assert Anchor.objects.count() == 1, "few facts wait"
    venue.pass_time(hours=24)
    second = venue.facts(1)
    venue.confirmed()
    assert events(bench) == [first.size, second.size]


@pytest.mark.parametrize("step", ["prepared", "transaction stored", "transaction sent"])
def test_a_kill_at_any_step_neither_loses_nor_doubles_the_anchor(venue: Venue, bench: Bench, step: str) -> None:
    venue.install(bench)
    log = venue.facts(5)
    paid = pays(bench)
    with pytest.raises(KeyboardInterrupt):
        venue.round(killed_at(step))
    venue.confirmed()
    assert events(bench) == [log.size] and pays(bench) == paid + 1
    assert Fact.objects.filter(name="chain.anchored").count() == Anchor.objects.filter(status="confirmed").count() == 1


def test_a_transaction_that_the_node_forgot_is_sent_again(venue: Venue, bench: Bench, wire: Wire) -> None:
    """The wire takes it, answers with its hash and drops it."""
    venue.install(bench, rpc=wire.url)
    log = venue.facts(5)
    dropped: list[str] = []

    def drop(method: str, body: dict[str, object]) -> object:
        if method == "eth_sendRawTransaction" and not dropped:
            dropped.append(str(body["params"]))
            return {"result": "0x" + bytes(Sending.objects.get().tx_hash or b"").hex()}
        return None

    wire.rule = drop
    venue.round()
    assert dropped and events(bench) == [] and venue.anchor().status == "sent"
    venue.confirmed()
    assert events(bench) == [log.size] and Sending.objects.count() == 1, "the same bytes again, no second transaction"


def test_an_unmined_transaction_is_replaced_at_a_higher_fee(venue: Venue, bench: Bench) -> None:
    venue.install(bench)
    log = venue.facts(5)
    paid = pays(bench)
    bench.node.ask("evm_setAutomine", False)
    try:
        venue.round()
        venue.pass_time(minutes=11)
        venue.round()
        venue.pass_time(minutes=11)
        venue.round()
        assert venue.alarm() == "chain-anchor-late"
        fees = list(Sending.objects.order_by("pk").values_list("nonce", "max_fee", "outcome"))
        assert [f[2] for f in fees] == ["replaced", "replaced", ""] and len({f[0] for f in fees}) == 1
        highest = [f[1] or 0 for f in fees]
        assert highest == sorted(set(highest)), highest
        bench.node.mine()
    finally:
        bench.node.ask("evm_setAutomine", True)
    found = venue.confirmed()
    assert events(bench) == [log.size] and pays(bench) == paid + 1 and venue.alarm() == ""
    assert [s.outcome for s in found.sendings.order_by("pk")] == ["replaced", "replaced", "mined"]


def test_the_fee_stops_at_its_ceiling_and_says_so(venue: Venue, bench: Bench) -> None:
    venue.install(bench, ceiling_wei=int(bench.node.ask("eth_gasPrice"), 16) * 4)
    venue.facts(5)
    bench.node.ask("evm_setAutomine", False)
    try:
        for _ in range(12):
            venue.round()
            venue.pass_time(minutes=11)
        assert venue.alarm() == "chain-fee-ceiling"
        top = Sending.objects.order_by("-max_fee")[0]
        assert top.max_fee is not None and top.max_fee <= queries.configured()[0].ceiling_wei
        bench.node.mine()
    finally:
        bench.node.ask("evm_setAutomine", True)
    venue.confirmed()


def test_a_nonce_used_by_something_else_is_left_behind(venue: Venue, bench: Bench, wire: Wire) -> None:
    venue.install(bench, rpc=wire.url)
    log = venue.facts(5)
    wire.rule = lambda method, body: {"result": "0x" + "0" * 64} if method == "eth_sendRawTransaction" else None
    venue.round()
    lost = Sending.objects.get()
    bench.node.ask("anvil_setNonce", key_of(PAYER).address, hex((lost.nonce or 0) + 3))
    wire.rule = lambda method, body: None
    venue.confirmed()
    nonces = [(s.nonce, s.outcome) for s in Sending.objects.order_by("pk")]
    assert nonces == [(lost.nonce, "replaced"), ((lost.nonce or 0) + 3, "mined")] and events(bench) == [log.size]


def test_a_gap_before_our_nonce_is_closed(venue: Venue, bench: Bench, wire: Wire) -> None:
    """The chain lost an earlier transaction of the account: the one that waits behind it can never be mined."""
    venue.install(bench, rpc=wire.url)
    log = venue.facts(5)
    real = pays(bench)

    def ahead(method: str, body: dict[str, object]) -> object:
        return {"result": hex(real + 4)} if method == "eth_getTransactionCount" else None

    wire.rule = ahead
    venue.round()
    assert Sending.objects.get().nonce == real + 4 and events(bench) == []
    wire.rule = lambda method, body: None
    venue.confirmed()
    assert events(bench) == [log.size] and Sending.objects.order_by("pk")[1].nonce == real


def test_a_node_that_is_down_is_shown_and_keeps_nobody_waiting(venue: Venue, bench: Bench, second: Bench, wire: Wire) -> None:
    venue.install(bench, rpc=wire.url)
    log = venue.facts(5)
    wire.down = True
    venue.round()
    state = ChainState.objects.get(chain="city")
    assert state.alarm == "chain-unreachable" and state.alarm_since == venue.now and state.reached_at is None
    assert venue.facts(2).size == log.size + 2, "the log goes on"
    wire.down = False
    venue.confirmed()
    assert venue.alarm() == "" and events(bench) == [log.size + 2]


NONSENSE: tuple[object, ...] = (None, "x", {}, "0x", 7, [], "0x" + "ff" * 5, [{"address": 1}], {"number": "0x1"})


def lie(wire: Wire, method: str, answer: object) -> None:
    wire.rule = lambda name, body: {"result": answer} if name == method else None


def test_a_node_that_talks_nonsense_is_an_alarm_and_no_crash(venue: Venue, bench: Bench, wire: Wire) -> None:
    venue.install(bench, rpc=wire.url)
    log = venue.facts(5)
    for number, method in enumerate(sorted(METHODS)):
        lie(wire, method, NONSENSE[number % 3])
        venue.round()
    wire.rule = lambda name, body: None
    venue.pass_time(minutes=11)
    venue.confirmed()
    assert events(bench) == [log.size] and venue.alarm() == ""


@pytest.mark.campaign
@pytest.mark.parametrize("method", sorted(METHODS))
def test_every_nonsense_in_every_answer(venue: Venue, bench: Bench, wire: Wire, method: str) -> None:
    venue.install(bench, rpc=wire.url)
    log = venue.facts(5)
    for answer in NONSENSE:
        lie(wire, method, answer)
        venue.round()
        venue.round()
        bench.node.mine(20)
    wire.rule = lambda name, body: None
    venue.pass_time(minutes=11)
    venue.confirmed()
    assert events(bench) == [log.size] and venue.alarm() == ""


def test_one_chain_down_does_not_stop_the_other(venue: Venue, bench: Bench, second: Bench) -> None:
    venue.install(bench, second)
    log = venue.facts(5)
    text = (venue.home / "chain.toml").read_text("utf-8")
    (venue.home / "chain.toml").write_text(text.replace(bench.chain.rpc, "http://127.0.0.1:9"), "utf-8")
    venue.round()
    venue.round()
    assert (events(bench), events(second)) == ([], [log.size]) and venue.alarm() == "chain-unreachable"


def test_a_node_of_another_chain_is_refused(venue: Venue, bench: Bench, second: Bench) -> None:
    venue.install(bench, rpc=second.chain.rpc)
    venue.facts(5)
    venue.round()
    assert venue.alarm() == "chain-mismatch" and not Anchor.objects.exists() and events(bench) == []


def test_a_venue_that_is_not_registered_or_frozen_sends_nothing(venue: Venue, bench: Bench) -> None:
    from shugu.edges.chain.statement import origin_hash

    venue.install(bench)
    venue.facts(5)
    bench.node.ask("evm_snapshot")
    origin = signer.origin()
    one = bench.signed(9, b"\1" * 32, origin=origin)
    bench.act("equivocation", origin_hash(origin), one, bench.signed(9, b"\2" * 32, origin=origin))
    venue.round()
    assert venue.alarm() == "chain-venue-frozen" and not Anchor.objects.exists()


def test_what_is_anchored_and_is_not_ours_stops_everything(venue: Venue, bench: Bench) -> None:
    """A database restored from an old backup, or a stolen key: nothing is signed beside the other tree."""
    from shugu.edges.chain.statement import origin_hash

    venue.install(bench)
    log = venue.facts(5)
    foreign = trees.leaves("another tree", 4)
    origin = signer.origin()
    bench.act("anchor", origin_hash(origin), bench.signed(4, trees.root(foreign, 4), origin=origin), [])
    venue.round()
    assert venue.alarm() == "chain-anchor-contradicts" and not Anchor.objects.exists() and log.size >= 5


def test_a_relayer_brings_it_and_the_venue_pays_nothing(venue: Venue, bench: Bench) -> None:
    relayer = Wire("")
    relayer.rule = by_relayer(bench)
    venue.install(bench, relayers=[relayer.url], payer=False)
    log = venue.facts(5)
    paid = pays(bench)
    found = venue.confirmed()
    relayer.close()
    assert events(bench) == [log.size] and pays(bench) == paid and venue.alarm() == ""
    shown = queries.anchor_by_id(found.pk)
    assert shown.relayed and queries.costs([shown]) == []


def test_a_relayer_that_withholds_is_told_and_gone_around(venue: Venue, bench: Bench) -> None:
    """It says yes and does nothing; a second one answers nonsense: then the venue sends itself."""
    silent, broken = Wire(""), Wire("")
    silent.rule = lambda method, body: {"result": "taken"}
    broken.down = True
    venue.install(bench, relayers=[silent.url, broken.url])
    log = venue.facts(5)
    venue.round()
    venue.pass_time(minutes=9)
    venue.round()
    assert venue.alarm() == "" and events(bench) == []
    venue.pass_time(minutes=2)
    venue.round()
    assert venue.alarm() == "chain-relayer-withholds"
    found = venue.confirmed()
    for wire in (silent, broken):
        wire.close()
    assert events(bench) == [log.size]
    assert [s.outcome for s in found.sendings.order_by("pk")] == ["withheld", "withheld", "mined"]


def test_without_its_software_the_venue_runs_and_says_what_is_missing(
    venue: Venue, bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    venue.install(bench, rpc="http://127.0.0.1:9")
    monkeypatch.setitem(sys.modules, "web3", None)
    assert venue.facts(5).size == 5
    venue.round()
    assert venue.alarm() == "chain-software-missing" and ".[chain]" in ChainSoftwareMissing(name="web3").remedy_text("en")


def test_without_relayer_and_payer_there_is_an_alarm(venue: Venue, bench: Bench) -> None:
    venue.install(bench, payer=False)
    venue.facts(5)
    venue.round()
    assert venue.alarm() == "chain-no-way-to-send"


def test_an_account_without_money_is_an_alarm_and_goes_on_when_funded(venue: Venue, bench: Bench) -> None:
    venue.install(bench)
    log = venue.facts(5)
    address = key_of(PAYER).address
    held = bench.node.ask("eth_getBalance", address, "latest")
    bench.node.ask("anvil_setBalance", address, "0x0")
    try:
        venue.round()
        assert venue.alarm() == "chain-node-refused"
    finally:
        bench.node.ask("anvil_setBalance", address, held)
    venue.confirmed()
    assert events(bench) == [log.size] and venue.alarm() == ""


def test_two_chains_hold_the_same_checkpoint(venue: Venue, bench: Bench, second: Bench) -> None:
    venue.install(bench, second)
    log = venue.facts(5)
    venue.confirmed()
    assert events(bench) == events(second) == [log.size]
    assert bench.node.chain_id != second.node.chain_id
    assert {a.chain for a in Anchor.objects.all()} == {"city", "coast"}
    assert evidence.head() is not None and anvil.node(31001) is bench.node


def test_a_final_anchor_stays_and_audit_names_one_that_was_changed(venue: Venue, bench: Bench) -> None:
    venue.install(bench)
    venue.facts(5)
    venue.confirmed()
    with pytest.raises(DatabaseError), transaction.atomic():
        Anchor.objects.update(root=b"\7" * 32)
    with pytest.raises(DatabaseError), transaction.atomic():
        Sending.objects.update(raw=b"\7")
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE chain_anchor DISABLE TRIGGER chain_anchor_stays")
        Anchor.objects.update(root=b"\7" * 32)
        cursor.execute("ALTER TABLE chain_anchor ENABLE TRIGGER chain_anchor_stays")
    assert {v.check for v in audit.audit_anchors()} == {"chain.anchors"}
