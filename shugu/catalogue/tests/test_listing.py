"""Listing: what it needs, who decides, when it ends, and that search shows what is listed and nothing else."""

from __future__ import annotations

from datetime import timedelta

import pytest

from shugu.appraisal.tests import stages as appraised
from shugu.catalogue import queries, services
from shugu.catalogue.errors import AlreadyListing, NothingNew, NotProvider
from shugu.catalogue.models import Listing, SearchTerm
from shugu.catalogue.queries import SearchQuery
from shugu.catalogue.services import ActOnListing, CreateProduct, SubmitListing
from shugu.catalogue.tests import stages
from shugu.kernel import engine
from shugu.kernel.cases import Actor
from shugu.kernel.errors import GuardRefused, InputInvalid, NotFound, NotInProcedure, NotYourStep
from shugu.kernel.models import Case, Fact
from tests.world import World


def state(listing: Listing) -> str:
    return Case.objects.get(pk=listing.pk).state


def act(world: World, listing: Listing, do: str, actor: Actor, **given: object) -> Listing:
    return services.act_on_listing(ActOnListing(listing.pk, do, given), actor=actor, now=world.now)


def found(q: str) -> list[str]:
    return [c.number for c in queries.search(SearchQuery(q=q)).cards]


def test_an_approved_product_is_on_the_market_and_found_by_two_character_words(world: World) -> None:
    """What is registered and approved stands in the catalogue. carries: P3-200 P3-201"""
    row = stages.product(world)
    listing = stages.submitted(world, row)
    assert found("航班") == [] and state(listing) == "reviewing"
    act(world, listing, "approve", world.otto)
    assert state(listing) == "listed"
    words = ["航班", "准点", "延误", "纽约", "航", "交通", "Flight", "flig", "delay", "数源", "ＦＬＩＧＨＴ"]
    for word in (*words, row.number, "航班 准点"):
        assert found(word) == [row.number], word
    for word in ("班纽", "天气", "航天", "，"):
        assert found(word) == [], word
    assert queries.product(row.number).listed and queries.listed(row.number) is not None


@pytest.mark.parametrize("missing", ["quality", "compliance", "failing", "gates", "other data"])
def test_a_listing_is_not_submitted_while_a_condition_is_missing(world: World, missing: str) -> None:
    """The conditions of admitting a product. carries: P3-207 P6-212"""
    entry = appraised.entry(world)
    digest = "b" * 64
    if missing != "quality":
        quality = appraised.quality(world, entry.id)
        digest = quality.data_digest if missing != "other data" else digest
    if missing != "compliance":
        appraised.compliance(world, entry.id, "not_compliant" if missing == "failing" else "compliant")
    cmd = CreateProduct(entry_id=entry.id, **stages.offer(data_digest=digest))
    row = services.create_product(cmd, actor=world.alice, now=world.now)
    gates = stages.GATES[:3] if missing == "gates" else stages.GATES
    with pytest.raises(GuardRefused):
        services.submit_listing(SubmitListing(row.number, gates), actor=world.alice, now=world.now)
    assert not Listing.objects.exists() and not Fact.objects.filter(name="listing.opened").exists()


def test_only_the_provider_submits_and_only_the_operator_decides(world: World) -> None:
    row = stages.product(world)
    with pytest.raises(NotProvider):
        services.submit_listing(SubmitListing(row.number, stages.GATES), actor=world.bob, now=world.now)
    listing = stages.submitted(world, row)
    for actor in (world.alice, world.bob, world.rita):
        with pytest.raises(NotYourStep):
            act(world, listing, "approve", actor)
    with pytest.raises(AlreadyListing):
        stages.submitted(world, row)
    act(world, listing, "approve", world.otto)
    with pytest.raises(NothingNew):
        stages.submitted(world, row)
    with pytest.raises(NotInProcedure):
        act(world, listing, "approve", world.otto)


def test_a_listing_is_returned_once_and_corrected_with_the_newest_version(world: World) -> None:
    row = stages.product(world)
    listing = stages.submitted(world, row)
    with pytest.raises(InputInvalid):
        act(world, listing, "return", world.otto)
    act(world, listing, "return", world.otto, defects="说明更新频率")
    stages.revised(world, row, title="纽约航班准点数据（按月更新）")
    again = act(world, listing, "submit", world.alice)
    assert state(again) == "reviewing" and Listing.objects.get(pk=again.pk).version.version == 2
    with pytest.raises(GuardRefused):
        act(world, listing, "return", world.otto, defects="又一处")
    act(world, listing, "approve", world.otto)
    assert found("按月更新") == [row.number]


def test_an_uncorrected_listing_lapses(world: World) -> None:
    listing = stages.submitted(world)
    act(world, listing, "return", world.otto, defects="说明更新频率")
    engine.sweep(world.now + timedelta(days=40))
    assert state(listing) == "lapsed" and Listing.objects.get(pk=listing.pk).ended_at is not None


def test_data_refused_on_a_prohibition_cannot_be_submitted_again(world: World) -> None:
    row = stages.product(world)
    listing = stages.submitted(world, row)
    with pytest.raises(InputInvalid):
        act(world, listing, "refuse", world.otto, prohibition="ugly", reason="x")
    act(world, listing, "refuse", world.otto, prohibition="confidential", reason="含保密内容")
    assert state(listing) == "refused" and found("航班") == []
    with pytest.raises(GuardRefused) as refused:
        stages.submitted(world, row)
    assert "保密" in refused.value.message("zh")


def test_suspending_delisting_and_the_term_take_a_product_off_the_market(world: World) -> None:
    row = stages.product(world)
    listing = stages.listed(world, row)
    act(world, listing, "suspend", world.otto, reason="核查")
    assert found("航班") == []
    with pytest.raises(NotFound):
        queries.product(row.number, world.bob)
    act(world, listing, "resume", world.otto)
    assert found("航班") == [row.number]
    act(world, listing, "delist", world.alice)
    assert found("航班") == [] and not SearchTerm.objects.exists()
    second = stages.listed(world, row)
    engine.sweep(world.now + timedelta(days=370))
    assert state(second) == "delisted" and found("航班") == []


def test_a_new_version_replaces_the_old_one_only_when_approved(world: World) -> None:
    row = stages.product(world)
    first = stages.listed(world, row)
    stages.revised(world, row, title="纽约航班与天气", price=services.PriceTerms(99_00))
    second = stages.submitted(world, row)
    assert found("准点") == [row.number] and queries.product(row.number).current.version == 1
    assert [v.version for v in queries.product(row.number).versions] == [1]
    act(world, second, "approve", world.otto)
    assert (state(first), state(second)) == ("replaced", "listed")
    assert found("天气") == [row.number] and found("准点") == []
    assert queries.product(row.number).current.price_fen == 9900


def test_filters_facets_and_orders_agree_with_each_other(world: World) -> None:
    entry, quality = stages.appraised_entry(world)
    for place, (title, industry, fen) in enumerate(
        (("航班准点", "transport", 300), ("航班票价", "commerce", 100), ("港口吞吐", "transport", 200))
    ):
        cmd = CreateProduct(
            entry_id=entry.id,
            **stages.offer(
                title=title, title_en="", keywords=(), summary=f"第{place}项", industry=industry, data_digest=quality.data_digest,
                price=services.PriceTerms(fen), delivery_forms=("api",) if place else ("report",),
            ),
        )  # fmt: skip
        stages.listed(world, services.create_product(cmd, actor=world.alice, now=world.now))

    def titles(**asked: object) -> list[str]:
        return [c.title for c in queries.search(SearchQuery(**asked)).cards]  # type: ignore[arg-type]

    assert titles(sort="cheapest") == ["航班票价", "港口吞吐", "航班准点"]
    assert titles(sort="dearest", industry="transport") == ["航班准点", "港口吞吐"]
    assert titles(price_from=150, price_to=250) == ["港口吞吐"]
    assert titles(delivery_form="report") == ["航班准点"] and titles(form="data_model") == []
    assert len(titles(quality_from=1)) == 3 and titles(quality_from=10_001) == []
    counts = queries.facets(SearchQuery(q="票价 航班"))
    assert dict(counts.industry) == {"commerce": 1} and dict(counts.delivery_form) == {"api": 1}
    assert queries.facets(SearchQuery(industry="transport")).industry["commerce"] == 1
    # The dictionary of all three names a flight; the titles that say so come first.
    assert queries.search(SearchQuery(q="航班")).total == 3 and titles(q="航班")[2] == "港口吞吐"
    assert services.reindex() == 3 and len(titles(q="航班")) == 3
