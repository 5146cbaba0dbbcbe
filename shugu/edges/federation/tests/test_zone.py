"""The local zone: what other venues list is shown while they confirm it, one object once, and never mixed with our market."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client

from shugu.catalogue import queries as catalogue
from shugu.catalogue.services import ActOnListing, CreateProduct, act_on_listing, create_product
from shugu.catalogue.tests import stages
from shugu.edges.federation import queries_zone, sharing, zone
from shugu.edges.federation.domain_sharing import read_listing
from shugu.edges.federation.errors import ListingStale
from shugu.edges.federation.models import Agreement, Outgoing, Peer
from shugu.edges.federation.models_sharing import Feed, ZoneListing
from shugu.edges.federation.services import ActOnAgreement, act_on_agreement
from shugu.edges.federation.tests.kit import Other
from shugu.edges.federation.tests.kit_sharing import Catalogue, known, listing, tell
from shugu.formats.canonical import canonical, digest_hex, parse_object
from shugu.formats.errors import BadMessage
from shugu.formats.suites import generate
from shugu.kernel import documents
from shugu.kernel.errors import GuardRefused, NotFound
from shugu.kernel.models import Fact
from tests.world import World

Zone = tuple[Catalogue, Peer]


def venue(world: World, origin: str = "faraway.shugu.example") -> Zone:
    other = Other.make(origin=origin)
    return Catalogue(other, world.now), known(other, world)


@pytest.fixture()
def there(world: World) -> Zone:
    return venue(world)


def seen(world: World, **asked: Any) -> list[str]:
    return [row.product for row in queries_zone.listings(world.now, **asked).rows]


def later(world: World, there: Catalogue, **span: int) -> None:
    world.now += timedelta(**span)
    there.now = world.now


def answers(peer: Peer) -> list[tuple[str, str]]:
    rows = Outgoing.objects.filter(peer=peer, kind="listing.answered").order_by("sequence")
    bodies: list[Any] = [parse_object(documents.get(r.digest))["credentialSubject"] for r in rows]
    return [(b["body"]["state"], b["body"]["code"]) for b in bodies]


def test_a_listing_of_another_venue_is_found_in_the_zone_and_not_on_our_market(world: World, there: Zone) -> None:
    assert there[0].tells() == ""
    assert there[0].tells("P-2", industry="finance", title="贷款余额", title_en="Loans", summary="按月", keywords=[]) == ""
    assert seen(world) == ["P-2", "P-1"] and seen(world, q="吞吐") == ["P-1"] and seen(world, q="throughp") == ["P-1"]
    assert seen(world, industry="finance") == ["P-2"] and seen(world, venue="elsewhere") == [] and seen(world, q="，") == []
    assert catalogue.search(catalogue.SearchQuery(q="吞吐")).cards == () and catalogue.on_market() == []
    view = queries_zone.listing("faraway", "P-1", world.now)
    assert (view.origin, view.stale, view.listing["price_fen"]) == ("faraway.shugu.example", False, 50_000)
    assert view.fees == {"listing": 7000, "selling": 3000}
    assert Fact.objects.filter(name="zone.listed").count() == 2
    assert zone.orderable(there[1], "P-1", world.now).product == "P-1"


def test_a_withdrawal_takes_effect_with_its_message(world: World, there: Zone) -> None:
    there[0].tells()
    assert there[0].withdraws() == "" and seen(world) == []
    for ask in (lambda: queries_zone.listing("faraway", "P-1", world.now), lambda: zone.orderable(there[1], "P-1", world.now)):
        with pytest.raises(NotFound):
            ask()
    assert there[0].tells() == "" and seen(world) == ["P-1"], "it may be listed again"


def test_a_withdrawal_that_was_not_passed_on_is_found_within_the_minute(world: World, there: Zone) -> None:
    there[0].tells()
    zone.ask(world.now, there[0].fetch)
    there[0].withdraws(silent=True)
    assert zone.ask(world.now, there[0].fetch) == 0, "it was asked just now"
    later(world, there[0], seconds=21)
    assert zone.ask(world.now, there[0].fetch) == 1 and seen(world) == []
    assert timedelta(seconds=60) > sharing.EVERY


def test_what_is_not_confirmed_in_time_is_shown_stale_and_cannot_be_ordered(world: World, there: Zone) -> None:
    there[0].tells()
    there[0].down = True
    later(world, there[0], minutes=10)
    zone.ask(world.now, there[0].fetch)
    assert not queries_zone.listing("faraway", "P-1", world.now).stale
    later(world, there[0], seconds=1)
    assert queries_zone.listing("faraway", "P-1", world.now).stale and seen(world) == ["P-1"]
    with pytest.raises(ListingStale):
        zone.orderable(there[1], "P-1", world.now)
    there[0].down = False
    later(world, there[0], seconds=20)
    zone.ask(world.now, there[0].fetch)
    assert zone.orderable(there[1], "P-1", world.now).product == "P-1"


def test_an_old_head_played_again_confirms_nothing(world: World, there: Zone) -> None:
    there[0].tells()
    old = there[0].head()
    zone.ask(world.now, there[0].fetch)
    later(world, there[0], minutes=5)
    zone.ask(world.now, there[0].fetch)
    confirmed = Feed.objects.get(peer=there[1]).confirmed_at
    there[0].withdraws(silent=True)
    there[0].says = old
    later(world, there[0], minutes=5)
    zone.ask(world.now, there[0].fetch)
    feed = Feed.objects.get(peer=there[1])
    assert feed.confirmed_at == confirmed and "catalogue-behind" in feed.trouble
    later(world, there[0], minutes=5, seconds=1)
    with pytest.raises(ListingStale):
        zone.orderable(there[1], "P-1", world.now)


def test_a_forged_or_misdirected_head_is_refused(world: World, there: Zone) -> None:
    there[0].tells()
    forger = Catalogue(Other([replace(generate("intl", there[0].other.origin))]), world.now)
    future = there[0].head(world.now + timedelta(hours=1))
    for said in (forger.head(), there[0].head(to="elsewhere.example"), future, b"{}", b"[]", there[0].head(serial=-1)):
        there[0].says = said
        later(world, there[0], seconds=21)
        assert zone.ask(world.now, there[0].fetch) == 0
        feed = Feed.objects.get(peer=there[1])
        assert feed.trouble and feed.confirmed_at is None, said[:40]
    assert seen(world) == ["P-1"]


def test_a_gap_is_noticed_and_everything_is_compared(world: World, there: Zone) -> None:
    there[0].tells()
    there[0].lists("P-2")
    there[0].lists("P-1", price_fen=60_000)
    assert there[0].tells("P-3") == ""
    assert Feed.objects.get(peer=there[1]).gap and set(seen(world)) == {"P-1", "P-3"}
    assert zone.ask(world.now, there[0].fetch) == 2
    assert set(seen(world)) == {"P-1", "P-2", "P-3"} and not Feed.objects.get(peer=there[1]).gap
    assert queries_zone.listing("faraway", "P-1", world.now).listing["price_fen"] == 60_000
    assert Fact.objects.filter(name="zone.resynchronised").count() == 1


def test_what_a_snapshot_told_already_is_not_taken_again_from_a_late_message(world: World, there: Zone) -> None:
    first = there[0].lists()
    there[0].withdraws(silent=True)
    zone.ask(world.now, there[0].fetch)
    assert tell(there[0].other, "listing.listed", {"serial": 1, "listing": first}, world.now) == ""
    assert tell(there[0].other, "listing.withdrawn", {"serial": 2, "product": "P-1"}, world.now) == ""
    assert seen(world) == [] and not ZoneListing.objects.exists()


def test_an_index_or_listing_with_another_digest_is_not_taken(world: World, there: Zone) -> None:
    there[0].lists()

    def swapped(peer: Peer, path: str) -> bytes:
        content = there[0].fetch(peer, path)
        return canonical({**parse_object(content), "price_fen": 1}) if b"price_fen" in content else content

    assert zone.ask(world.now, swapped) == 0 and seen(world) == []
    assert "another digest" in Feed.objects.get(peer=there[1]).trouble


def test_our_own_product_of_the_same_data_goes_before(world: World, there: Zone) -> None:
    data = stages.appraised_entry(world)[1].data_digest
    cmd = CreateProduct(entry_id=_entry(world), **stages.offer(data_digest=data))
    row = create_product(cmd, actor=world.alice, now=world.now)
    stages.listed(world, row)
    there[0].now = world.now
    there[0].tells(data=data)
    later(world, there[0], seconds=30)
    zone.ask(world.now, there[0].fetch)
    assert seen(world) == []
    assert queries_zone.listing("faraway", "P-1", world.now).same_as == ("hangzhou.shugu.example", row.number)
    with pytest.raises(NotFound):
        zone.orderable(there[1], "P-1", world.now)
    assert answers(there[1]) == [("same_object", f"hangzhou.shugu.example:{row.number}")]


def test_data_that_another_venue_lists_is_not_listed_here_until_it_is_withdrawn_there(world: World, there: Zone) -> None:
    data = stages.appraised_entry(world)[1].data_digest
    there[0].now = world.now
    there[0].tells(data=data)
    cmd = CreateProduct(entry_id=_entry(world), **stages.offer(data_digest=data))
    row = create_product(cmd, actor=world.alice, now=world.now)
    with pytest.raises(GuardRefused) as refused:
        stages.submitted(world, row)
    assert f"{there[1].origin}:P-1" in refused.value.message("en")
    assert there[0].withdraws() == ""
    listing = stages.submitted(world, row)
    there[0].tells(data=data)  # the other venue was faster: ours is not approved any more
    with pytest.raises(GuardRefused):
        act_on_listing(ActOnListing(listing.pk, "approve"), actor=world.otto, now=world.now)


def _entry(world: World) -> int:
    from shugu.kernel.workdays import local_day
    from shugu.registry import queries as registry

    assert world.alice.org is not None
    return registry.entries_of(world.alice.org, local_day(world.now))[0].id


def test_the_same_object_by_another_venue_is_shown_once(world: World, there: Zone) -> None:
    third = venue(world, "third.shugu.example")
    first = listing(there[0].other)
    there[0].tells()
    third[0].tells("Q-1", data=first["data"])
    third[0].tells("Q-2", registration=first["registration"])
    assert seen(world) == ["P-1"]
    origin = there[0].other.origin
    assert answers(third[1]) == [("same_object", f"{origin}:P-1")] * 2 and answers(there[1]) == []
    there[0].withdraws()
    assert set(seen(world)) == {"Q-1", "Q-2"}, "the first is gone: the next one stands"
    assert [a[0] for a in answers(third[1])][2:] == ["shown", "shown"]


def test_what_a_venue_only_received_it_may_not_pass_on(world: World, there: Zone) -> None:
    third = venue(world, "third.shugu.example")
    document = listing(there[0].other)
    code = tell(third[0].other, "listing.listed", {"serial": 1, "listing": document}, world.now)
    assert code == "" and seen(world) == [] and answers(third[1]) == [("refused", "not_its_own")]
    assert there[0].tells("P-9", industry="catering") == "" and seen(world) == []
    assert answers(there[1]) == [("refused", "not_covered")]


def test_under_a_suspended_agreement_nothing_is_shown(world: World, there: Zone) -> None:
    there[0].tells()
    row = Agreement.objects.get()
    act_on_agreement(ActOnAgreement(row.pk, "suspend", {"reason": "核查"}), actor=world.otto, now=world.now)
    assert seen(world) == []
    with pytest.raises(NotFound):
        queries_zone.listing("faraway", "P-1", world.now)


@pytest.mark.parametrize(
    "change",
    [
        {"price_fen": -1}, {"price_fen": 1.0}, {"price_fen": True}, {"term_days": 0}, {"data": "A" * 64}, {"title": ""},
        {"quality": {"report": "Q", "score": 10_001, "digest": "1" * 64}}, {"licence": [{"label": ["a"], "text": ["b", "c"]}]},
        {"delivery_forms": "api"}, {"product": "../x"}, {"registration": {}}, {"extra": 1}, {"keywords": ["x" * 41]},
    ],
)  # fmt: skip
def test_a_malformed_listing_is_refused(change: dict[str, Any]) -> None:
    document = listing(Other.make())
    assert read_listing(document).digest == digest_hex(document)
    with pytest.raises(BadMessage):
        read_listing({**document, **change})


def test_pages_say_where_it_is_listed_how_fresh_and_what_its_certificate_is_worth(
    world: World, there: Zone, client: Client
) -> None:
    assert "还没有其他场所" in client.get("/zone/").content.decode()
    there[0].tells(title_en="Port throughput P-1")
    chinese, english = ("远方数据交易所", "港口吞吐量 P-1"), ("Faraway Exchange", "Port throughput P-1")
    for lang, words in (("zh", chinese), ("en", english)):
        page = client.get(f"/zone/?q=P-1&lang={lang}").content.decode()
        assert all(word in page for word in words), lang
    page = client.get("/zone/faraway/P-1/?lang=zh").content.decode()
    assert "证书尚未从挂牌场所取得" in page and "http://127.0.0.1:9/products/P-1/" in page
    assert client.get("/zone/faraway/P-2/").status_code == 404
    assert "地方专区" in client.get("/federation/market/now/").content.decode()
