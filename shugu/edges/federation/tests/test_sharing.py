"""Our listings at other venues: told once, told again when they change, gone when they end, and nothing else is told."""

from __future__ import annotations

import hashlib
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from hypothesis import given
from hypothesis import strategies as st

from shugu.catalogue.services import ActOnListing, act_on_listing
from shugu.catalogue.tests import stages
from shugu.edges.federation import messages, queries_zone, sharing
from shugu.edges.federation.domain_sharing import (
    Candidate,
    read_head,
    read_items,
    read_listing,
    same_objects,
)
from shugu.edges.federation.errors import TermsInvalid
from shugu.edges.federation.models import Agreement, Peer
from shugu.edges.federation.models_sharing import Shared
from shugu.edges.federation.services import ActOnAgreement, act_on_agreement
from shugu.edges.federation.tests.kit import Other
from shugu.edges.federation.tests.kit_sharing import agreed, known, sharing_terms, tell
from shugu.formats.canonical import canonical, digest_hex, parse_object
from shugu.formats.errors import BadMessage, FormatError
from shugu.kernel import clock, runtime, signer
from shugu.kernel.errors import NotFound
from shugu.kernel.models import Fact
from tests.world import World

Pair = tuple[Other, Peer]


@pytest.fixture()
def there(world: World) -> Pair:
    other = Other.make()
    return other, known(other, world)


def told(there: Pair, world: World) -> list[tuple[str, Any]]:
    """What the other venue received of listings, once we have shared what there is to share."""
    sharing.share(world.now)
    before = len(there[0].asked)
    while messages.deliver(world.now, there[0].post(world.now)):
        pass
    subjects: list[Any] = [parse_object(content)["credentialSubject"] for content in there[0].asked[before:]]
    return [(s["kind"], s["body"]) for s in subjects if s["kind"].startswith("listing.")]


def step(world: World, **span: int) -> None:
    world.now += timedelta(**span)


def test_a_listed_product_is_told_once_with_what_stands_behind_it(world: World, there: Pair) -> None:
    assert told(there, world) == []
    row = stages.listed(world).product
    step(world, seconds=30)
    [(kind, body)] = told(there, world)
    shown = read_listing(body["listing"])
    d = shown.document
    assert (kind, body["serial"], shown.product, d["origin"]) == ("listing.listed", 1, row.number, signer.origin())
    assert d["quality"] and d["registration"]["certificate"] and d["price_fen"] == 128_000
    assert d["provider"]["name"] == "数源数据科技有限公司"
    step(world, seconds=30)
    assert told(there, world) == [] and Shared.objects.get().digest == shown.digest
    assert Fact.objects.filter(name="sharing.told").count() == 1


def test_changes_and_the_end_are_told_and_the_serial_counts_on(world: World, there: Pair) -> None:
    listing = stages.listed(world)
    step(world, seconds=30)
    told(there, world)
    stages.revised(world, listing.product, title="纽约航班准点数据（修订）")
    newer = stages.listed(world, listing.product)
    step(world, seconds=30)
    [(kind, body)] = told(there, world)
    assert (kind, body["serial"], body["listing"]["title"]) == ("listing.changed", 2, "纽约航班准点数据（修订）")
    act_on_listing(ActOnListing(newer.pk, "suspend", {"reason": "核查"}), actor=world.otto, now=world.now)
    step(world, seconds=30)
    assert told(there, world) == [("listing.withdrawn", {"serial": 3, "product": listing.product.number})]
    act_on_listing(ActOnListing(newer.pk, "resume", {}), actor=world.otto, now=world.now)
    step(world, seconds=30)
    assert [kind for kind, _ in told(there, world)] == ["listing.listed"]


def test_a_fact_of_the_listing_wakes_the_sharing_at_once(world: World, there: Pair) -> None:
    from shugu.evidence import services as evidence
    from shugu.kernel import subscriptions

    row = stages.product(world)
    told(there, world)
    stages.listed(world, row)
    assert sharing.share(world.now) == 0, "it compared just now"
    evidence.sequence_once(world.now)
    subscriptions.deliver(world.now)
    assert sharing.share(world.now) == 1


def test_what_no_agreement_covers_is_withdrawn(world: World, there: Pair) -> None:
    stages.listed(world)
    step(world, seconds=30)
    assert len(told(there, world)) == 1
    row = Agreement.objects.get()
    act_on_agreement(ActOnAgreement(row.pk, "suspend", {"reason": "核查"}), actor=world.otto, now=world.now)
    step(world, seconds=30)
    assert [kind for kind, _ in told(there, world)] == ["listing.withdrawn"]
    act_on_agreement(ActOnAgreement(row.pk, "resume", {}), actor=world.otto, now=world.now)
    step(world, seconds=30)
    assert [kind for kind, _ in told(there, world)] == ["listing.listed"]


def test_what_was_received_is_never_shared_on(world: World, there: Pair) -> None:
    from shugu.edges.federation.tests.kit_sharing import Catalogue

    third = Other.make(origin="third.shugu.example")
    known(third, world)
    assert Catalogue(third, world.now).tells("Q-1") == ""
    assert len(queries_zone.listings(world.now).rows) == 1
    step(world, seconds=30)
    assert told(there, world) == []


def test_the_head_the_index_and_each_listing_hang_together(world: World, there: Pair, client: Client) -> None:
    row = stages.listed(world).product
    step(world, seconds=30)
    told(there, world)
    base = f"/federation/catalogue/{there[0].origin}"
    content = client.get(f"{base}/head").content
    head = read_head(content, signer.keyring(), signer.origin(), there[0].origin, runtime.demo(), clock.now())
    items = client.get(f"{base}/{head.root}").content
    assert hashlib.sha256(items).hexdigest() == head.root and (head.serial, head.count) == (1, 1)
    [(product, digest)] = read_items(items).items()
    listing = client.get(f"{base}/{digest}").content
    assert product == row.number and read_listing(parse_object(listing)).digest == digest
    assert client.get(f"/federation/catalogue/elsewhere.example/{digest}").status_code == 404
    assert client.get(f"{base}/{'0' * 64}").status_code == 404
    foreign = Shared.objects.get().digest
    Shared.objects.update(withdrawn_at=world.now)
    assert client.get(f"{base}/{foreign}").status_code == 404, "what is withdrawn is not given out"


def test_the_certificate_behind_a_listing_is_given_sealed_and_verifies(world: World, there: Pair) -> None:
    from shugu.evidence import services as evidence
    from shugu.formats.credential import credential_digest
    from shugu.formats.sealed import read_sealed
    from shugu.formats.verdicts import Verdict
    from shugu.formats.verify import verify_sealed

    row = stages.listed(world).product
    step(world, seconds=30)
    [(_, body)] = told(there, world)
    evidence.sequence_once(world.now)
    sealed = read_sealed(sharing.certificate(there[0].origin, row.number))
    assert credential_digest(sealed.credential) == body["listing"]["registration"]["digest"]
    assert verify_sealed(sealed, signer.keyring(), world.now).verdict is Verdict.SEALED
    with pytest.raises(NotFound):
        sharing.certificate("elsewhere.example", row.number)


def test_the_answer_of_the_other_venue_is_kept_and_shown_to_the_provider(world: World, there: Pair) -> None:
    row = stages.listed(world).product
    step(world, seconds=30)
    told(there, world)
    body = {"product": row.number, "digest": Shared.objects.get().digest, "state": "same_object", "code": "third.example:P-1"}
    assert tell(there[0], "listing.answered", {**body, "digest": "0" * 64}, world.now) == ""
    assert [line.answer for line in queries_zone.shared(world.alice)] == [""]
    assert tell(there[0], "listing.answered", body, world.now) == ""
    assert [(x.answer, x.answer_code) for x in queries_zone.shared(world.alice)] == [("same_object", "third.example:P-1")]
    assert queries_zone.shared(world.bob) == [] and len(queries_zone.shared(world.otto)) == 1
    assert tell(there[0], "listing.answered", {**body, "state": "sold"}, world.now) == "bad-message"
    assert tell(there[0], "listing.answered", {**body, "product": "P-0"}, world.now) == "not-found"


@pytest.mark.parametrize(
    "sharing_rows",
    [[], [{}], "all", [{"from": "a", "to": "b", "industries": [], "freshness": 600}]],
)
def test_terms_of_sharing_have_one_form(world: World, there: Pair, sharing_rows: Any) -> None:
    with pytest.raises(TermsInvalid):
        agreed(there[0], there[1], world, sharing=sharing_rows)


def test_freshness_and_directions_are_bounded(world: World, there: Pair) -> None:
    from shugu.edges.federation import services

    for change in ({"freshness": 59}, {"freshness": 604_801}, {"industries": ["a", "a"]}, {"industries": None}):
        given_terms = sharing_terms(there[0].origin)
        given_terms["sharing"][0] = {**given_terms["sharing"][0], **change}
        with pytest.raises(TermsInvalid):
            services.offer_agreement(services.OfferAgreement(there[1].origin, given_terms), actor=world.otto, now=world.now)
    twice = sharing_terms(there[0].origin)
    twice["sharing"] = [twice["sharing"][0]] * 2
    with pytest.raises(TermsInvalid):
        services.offer_agreement(services.OfferAgreement(there[1].origin, twice), actor=world.otto, now=world.now)


_ROWS = st.lists(st.tuples(st.sampled_from("abc"), st.integers(0, 3), st.integers(0, 3)), max_size=8)


@given(_ROWS, st.sets(st.integers(0, 3)))
def test_no_object_is_shown_for_two_venues(rows: list[tuple[str, int, int]], own: set[int]) -> None:
    found = [Candidate(n, v, f"{v}:{n}", f"d{d}", f"c{c}") for n, (v, d, c) in enumerate(rows)]
    same = same_objects(found, {f"d{d}": "own" for d in own})
    shown = [row for row in found if not same[row.key]]
    for a in shown:
        assert a.data not in {f"d{d}" for d in own}
        for b in shown:
            assert a.venue == b.venue or (a.data != b.data and a.certificate != b.certificate)


def test_an_index_has_one_spelling() -> None:
    pairs = [("P-1", "a" * 64), ("P-2", "b" * 64)]
    good = canonical({"items": [list(p) for p in pairs]})
    assert read_items(good) == dict(pairs)
    for bad in (pairs[::-1], pairs + pairs[:1], [("P 1", "a" * 64)], [("P-1", "A" * 64)]):
        with pytest.raises(BadMessage):
            read_items(canonical({"items": [list(p) for p in bad]}))
    with pytest.raises(FormatError):
        read_items(good + b" ")
    assert digest_hex({"items": []}) == hashlib.sha256(canonical({"items": []})).hexdigest()
