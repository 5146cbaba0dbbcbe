"""Products: what is kept, what is refused, who sees what."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import pytest
from django.db import DatabaseError, transaction

from shugu.appraisal.tests import stages as appraised
from shugu.catalogue import queries, services
from shugu.catalogue.domain_policy import LicenceTerms, licence_from, plain_words, policy_of
from shugu.catalogue.domain_product import (
    ColumnEntry,
    PriceTerms,
    dictionary_from_csv,
    dictionary_from_profile,
    sample_from_csv,
)
from shugu.catalogue.errors import NotProvider
from shugu.catalogue.models import Product, ProductVersion
from shugu.catalogue.services import CreateProduct, ReviseProduct
from shugu.catalogue.tests import stages
from shugu.formats.policy import Action, Allowed, Counters, Denied, Policy, Reason, Request, evaluate
from shugu.kernel.errors import InputInvalid, KeyConflict, NotFound
from shugu.kernel.models import Fact
from tests.world import World


def test_a_product_keeps_what_was_offered_and_writes_its_fact(world: World) -> None:
    row = stages.product(world)
    view = queries.product(row.number, world.alice)
    assert (view.title, view.current.price_fen, view.current.version, view.listed) == ("纽约航班准点数据", 128_000, 1, False)
    assert view.current.dictionary[1]["title"] == "延误分钟" and view.current.sample[1] == ("UA20", None)
    assert view.current.digest in (Fact.objects.get(pk=view.current.fact).payload or "")
    policy = Policy.from_dict(view.current.policy)
    assert policy.target.endswith(view.current.number)


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"price": PriceTerms(1280.5)}, "price_fen"),  # type: ignore[arg-type]
        ({"price": PriceTerms(True)}, "price_fen"),
        ({"price": PriceTerms(0)}, "price_fen"),
        ({"price": PriceTerms(100, "per_smile")}, "price_unit"),
        ({"title": " "}, "title"),
        ({"industry": "mining"}, "industry"),
        ({"delivery_forms": ()}, "delivery_forms"),
        ({"dictionary": ()}, "dictionary"),
        ({"dictionary": (ColumnEntry("a", "int"), ColumnEntry("a", "int"))}, "dictionary"),
        ({"sample_rows": (("1",),)}, "sample_rows"),
        ({"sample_rows": tuple(("1", "2") for _ in range(101))}, "sample_rows"),
        ({"licence": LicenceTerms(("shugu:reidentify",), ("research",), 10)}, "actions"),
        ({"licence": LicenceTerms(("use",), ("spying",), 10)}, "purposes"),
        ({"licence": LicenceTerms(("use",), ("research",), 0)}, "term_days"),
        ({"data_digest": "A" * 64}, "data_digest"),
        ({"connector_id": "not-mine"}, "connector_id"),
    ],
)
def test_it_refuses_an_offer_with_a_fault_and_names_the_field(world: World, changes: dict[str, Any], field: str) -> None:
    entry = appraised.entry(world)
    with pytest.raises(InputInvalid) as refused:
        services.create_product(CreateProduct(entry_id=entry.id, **stages.offer(**changes)), actor=world.alice, now=world.now)
    assert set(refused.value.field_errors) == {field} and not Product.objects.exists()


def test_all_faults_are_told_at_once(world: World) -> None:
    entry = appraised.entry(world)
    with pytest.raises(InputInvalid) as refused:
        wrong = stages.offer(title="", industry="x", price=PriceTerms(-1), data_digest="")
        services.create_product(CreateProduct(entry_id=entry.id, **wrong), actor=world.alice, now=world.now)
    assert set(refused.value.field_errors) == {"title", "industry", "price_fen", "data_digest"}


def test_only_a_holder_makes_a_product_and_only_its_provider_revises_it(world: World) -> None:
    entry = appraised.entry(world)
    cmd = CreateProduct(entry_id=entry.id, **stages.offer())
    with pytest.raises(NotProvider):
        services.create_product(cmd, actor=world.mallory, now=world.now)
    row = services.create_product(cmd, actor=world.alice, now=world.now)
    with pytest.raises(NotProvider):
        services.revise_product(ReviseProduct(number=row.number, changes="x", **stages.offer()), actor=world.bob, now=world.now)
    with pytest.raises(InputInvalid):
        services.revise_product(ReviseProduct(number=row.number, changes=" ", **stages.offer()), actor=world.alice, now=world.now)


def test_a_revision_is_a_new_version_and_the_old_one_stays_as_it_was(world: World) -> None:
    row = stages.product(world)
    stages.revised(world, row, title="纽约航班准点数据（修订）")
    view = queries.product(row.number, world.alice)
    assert [v.version for v in view.versions] == [2, 1] and view.versions[1].title == "纽约航班准点数据"
    with pytest.raises(DatabaseError), transaction.atomic():
        ProductVersion.objects.filter(product=row, version=1).update(price_fen=1)


def test_a_repeated_creation_with_its_key_makes_one_product(world: World) -> None:
    entry = appraised.entry(world)
    cmd = CreateProduct(entry_id=entry.id, **stages.offer())
    made = {services.create_product(cmd, actor=world.alice, now=world.now, key="create-1234").pk for _ in range(2)}
    assert len(made) == 1 == Product.objects.count()
    with pytest.raises(KeyConflict):
        other = CreateProduct(entry_id=entry.id, **stages.offer(title="另一个"))
        services.create_product(other, actor=world.alice, now=world.now, key="create-1234")


def test_a_stranger_sees_nothing_of_a_product_that_is_not_listed(world: World) -> None:
    row = stages.product(world)
    for actor in (None, world.bob, world.mallory):
        with pytest.raises(NotFound):
            queries.product(row.number, actor)
    assert queries.product(row.number, world.otto).number == row.number
    assert queries.listed(row.number) is None


def test_a_licence_becomes_a_policy_that_allows_just_what_it_says(now: Any) -> None:
    terms = LicenceTerms(("use",), ("research",), 30, calls=2, attribute=True)
    policy = policy_of(terms, uid="urn:x:1", target="urn:x:2", assigner="urn:x:3")
    assert Policy.from_dict(policy.as_dict()) == policy
    allowed = evaluate(policy, Request(Action.ANALYZE, now, purpose="research"), Counters(count=1))
    assert isinstance(allowed, Allowed) and {d.action for d in allowed.duties} == {Action.ATTRIBUTE, Action.DELETE}
    for request, counters, reason in (
        (Request(Action.READ, now, purpose="advertising"), Counters(), Reason.PURPOSE),
        (Request(Action.READ, now, purpose="research"), Counters(count=2), Reason.COUNT),
        (Request(Action.DISTRIBUTE, now, purpose="research"), Counters(), Reason.PROHIBITED),
    ):
        assert evaluate(policy, request, counters) == Denied(reason)
    assert licence_from(asdict(terms)) == terms
    words = " ".join(line.zh for _, line in plain_words(terms, {}))
    assert "30 天" in words and "2 次" in words and "转售" in words


def test_a_dictionary_is_read_from_csv_in_either_language_and_from_a_connectors_report(now: Any) -> None:
    read = dictionary_from_csv("\ufeff列名,类型,名称,可空,说明\nflight,text,航班号,否,\ndelay,int64,延误,,分钟\n")
    assert read == (ColumnEntry("flight", "text", "航班号", False, ""), ColumnEntry("delay", "int64", "延误", True, "分钟"))
    assert dictionary_from_csv("Name,Type\na,int\n")[0].name == "a"
    import json

    columns, sample = dictionary_from_profile(json.dumps({"credentialSubject": {"report": appraised.measured(now)}}))
    assert [c.name for c in columns] == ["flight", "delay"] and len(sample[0]) == 2
    assert sample_from_csv("b,a\n2,1\n,3\n", ["a", "b"]) == (("1", "2"), ("3", None))


@pytest.mark.parametrize("text", ["", "列名,类型\n", "a,b\n1,2\n"])
def test_a_csv_that_is_no_dictionary_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        dictionary_from_csv(text)


def test_a_file_that_is_no_profile_and_a_sample_of_other_columns_are_refused() -> None:
    for text in ("{}", "[]", "{", '{"columns": 1}'):
        with pytest.raises(ValueError):
            dictionary_from_profile(text)
    with pytest.raises(ValueError):
        sample_from_csv("a,c\n1,2\n", ["a", "b"])
