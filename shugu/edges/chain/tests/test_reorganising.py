"""Re-organisations: what vanished with its block is sent again, what moved is followed, what was final and went is told."""

from __future__ import annotations

import pytest
from django.db import connection

from shugu.edges.chain import audit, queries
from shugu.edges.chain.models import Anchor, Sending
from shugu.edges.chain.tests.conftest import Bench
from shugu.edges.chain.tests.test_anchoring import events
from shugu.edges.chain.tests.venue import Venue
from shugu.kernel.models import Fact

pytestmark = [pytest.mark.django_db(transaction=False), pytest.mark.xdist_group("chain")]


def test_an_anchor_whose_block_vanished_is_sent_again(venue: Venue, bench: Bench) -> None:
    venue.install(bench)
    log = venue.facts(5)
    snapshot = bench.node.ask("evm_snapshot")
    venue.round()
    venue.round()
    assert venue.anchor().status == "mined" and events(bench) == [log.size]
    assert bench.node.ask("evm_revert", snapshot) is True
    bench.node.mine(3)
    assert events(bench) == []
    venue.round()
    vanished = venue.anchor()
    assert (vanished.status, vanished.vanished) == ("sent", 1)
    venue.confirmed()
    assert events(bench) == [log.size] and Fact.objects.filter(name="chain.anchored").count() == 1


def test_an_anchor_that_moved_to_another_block_is_confirmed_there(venue: Venue, bench: Bench) -> None:
    """A re-organisation that carries the same transaction in a later block."""
    venue.install(bench)
    log = venue.facts(5)
    snapshot = bench.node.ask("evm_snapshot")
    venue.round()
    venue.round()
    before = venue.anchor()
    assert before.status == "mined"
    bench.node.ask("evm_revert", snapshot)
    bench.node.mine(2)
    bench.there.send(bytes(Sending.objects.get().raw or b""))
    found = venue.confirmed()
    assert found.vanished == 1 and bytes(found.block_hash or b"") != bytes(before.block_hash or b"")
    assert (found.block_number or 0) > (before.block_number or 0) and events(bench) == [log.size]


def test_a_deep_reorganisation_by_the_node_itself(venue: Venue, bench: Bench) -> None:
    venue.install(bench)
    log = venue.facts(5)
    venue.round()
    venue.round()
    assert venue.anchor().status == "mined"
    bench.node.ask("anvil_reorg", 1, [])
    venue.confirmed()
    assert events(bench) == [log.size]
    there = bench.there
    block = there.block(venue.anchor().block_number or 0)
    assert block is not None and block.hash == bytes(venue.anchor().block_hash or b"")


def test_a_final_anchor_that_the_chain_gives_up_is_told_and_made_again(venue: Venue, bench: Bench) -> None:
    """Deeper than the confirmations: what was final is gone, and a second fact says so."""
    venue.install(bench)
    first = venue.facts(5)
    snapshot = bench.node.ask("evm_snapshot")
    final = venue.confirmed()
    assert bench.node.ask("evm_revert", snapshot) is True
    venue.round()
    assert venue.anchor().status == "confirmed", "the node has not come as far: it says nothing of the anchor"
    bench.node.mine(40)
    venue.round()
    assert [a.status for a in Anchor.objects.filter(pk=final.pk)] == ["undone"]
    told = Fact.objects.get(name="chain.anchor_undone")
    assert told.subject == f"chain.anchor:{final.pk}" and list(audit.audit_anchors()) == []
    assert queries.covering(Fact.objects.order_by("pk").values_list("pk", flat=True)[0]) == []
    venue.pass_time(hours=30)
    later = venue.facts(1)
    again = venue.confirmed()
    assert later.size > first.size and events(bench) == [later.size] and again.pk != final.pk
    assert Fact.objects.filter(name="chain.anchored").count() == 2 and list(audit.audit_anchors()) == []
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE chain_anchor DISABLE TRIGGER chain_anchor_stays")
        Anchor.objects.filter(pk=again.pk).update(status="undone")
        cursor.execute("ALTER TABLE chain_anchor ENABLE TRIGGER chain_anchor_stays")
    assert [v.subject for v in audit.audit_anchors()] == [f"chain.anchor:{again.pk}"]
