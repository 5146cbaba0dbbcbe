"""Pages and API of the catalogue as a browser and a program meet them."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client

from shugu.appraisal.tests import stages as appraised
from shugu.catalogue import queries
from shugu.catalogue.domain_product import ColumnEntry, dictionary_from_profile
from shugu.catalogue.models import Listing, Product
from shugu.catalogue.tests import stages
from shugu.kernel import clock
from shugu.kernel.cases import Actor
from shugu.measure import Column, ColumnType, Dictionary
from tests.world import World, token


@pytest.fixture()
def world(db: None) -> World:
    """Pages read the venue's clock, so this story begins 15 days before it: the entry is made by today."""
    return World.begin(clock.now() - timedelta(days=15))


def key_for(actor: Actor) -> dict[str, Any]:
    return {"HTTP_AUTHORIZATION": f"Bearer {token(actor, clock.now())}"}


def body(entry: str, digest: str, **changes: Any) -> dict[str, Any]:
    return {
        "entry": entry, "title": "纽约航班准点数据", "summary": "2013 年离港航班。", "industry": "transport", "form": "data_set",
        "delivery_forms": ["api"], "dictionary": [{"name": "flight", "type": "text"}], "price": {"fen": 128000},
        "licence": {"actions": ["use"], "purposes": ["research"], "term_days": 30}, "data_digest": digest,
    } | changes  # fmt: skip


def test_market_and_product_page_show_a_listed_product_in_both_languages(world: World, client: Client) -> None:
    assert "市场上还没有产品" in client.get("/?lang=zh").content.decode()
    row = stages.product(world)
    stages.listed(world, row)
    for lang, word in (("zh", "纽约航班准点数据"), ("en", "New York flight punctuality")):
        page = client.get(f"/?q=航班&lang={lang}").content.decode()
        assert word in page and "1,280.00" in page and row.number in page
        shown = client.get(f"/products/{row.number}/?lang={lang}")
        assert shown.status_code == 200 and word in shown.content.decode() and "延误分钟" in shown.content.decode()
    assert row.number not in client.get("/?q=天气").content.decode()
    for address in ("/?page=9999&sort=x&price_from=abc&quality_from=-1", "/?q=%27%5C&industry=none", "/?page=0"):
        assert client.get(address).status_code == 200
    assert client.get("/products/PRD-none/").status_code == 404


def test_a_product_that_is_not_listed_is_not_found_by_a_visitor(world: World, client: Client) -> None:
    row = stages.product(world)
    assert client.get(f"/products/{row.number}/").status_code == 404
    assert client.get(f"/api/products/{row.number}").status_code == 404
    assert client.get(f"/products/{row.number}/edit/").status_code in (302, 401)
    assert client.get("/products/mine/").status_code in (302, 401)


def test_a_product_is_created_revised_and_listed_through_the_api(world: World, client: Client) -> None:
    entry, quality = stages.appraised_entry(world)
    alice, otto = key_for(world.alice), key_for(world.otto)
    send: dict[str, Any] = {"content_type": "application/json", **alice}
    made = client.post("/api/products", body(entry.number, quality.data_digest), **send)
    assert made.status_code == 201, made.content
    number = made.json()["number"]
    revised = body("", quality.data_digest, changes="补充简介", summary="2013 年纽约三座机场离港航班。")
    revised.pop("entry")
    assert client.put(f"/api/products/{number}", revised, **send).json()["newest_version"] == 2
    refused = client.post(f"/api/products/{number}/listing", {"gates": ["traceable"]}, **send)
    assert refused.status_code == 409 and refused.json()["error"]["code"] == "guard-refused"
    listing = client.post(f"/api/products/{number}/listing", {"gates": list(stages.GATES)}, **send)
    assert listing.status_code == 201, listing.content
    done = client.post(f"/api/listings/{listing.json()['number']}/approve", {}, content_type="application/json", **otto)
    assert done.json()["state"] == "listed", done.content
    found = client.get("/api/products?q=机场").json()
    assert [i["number"] for i in found["items"]] == [number] and found["facets"]["industry"] == {"transport": 1}
    assert client.get("/api/products?sort=luck").status_code == 422


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"price": {"fen": 12.5}}, "price.fen"),
        ({"price": {"fen": "128000"}}, "price.fen"),
        ({"colour": "red"}, "colour"),
        ({"industry": "mining"}, "industry"),
    ],
)
def test_the_api_answers_bad_input_with_its_field(world: World, client: Client, changes: dict[str, Any], field: str) -> None:
    entry = appraised.entry(world)
    sending: dict[str, Any] = {"content_type": "application/json", **key_for(world.alice)}
    sent = client.post("/api/products", body(entry.number, "a" * 64, **changes), **sending)
    assert sent.status_code == 422 and field in sent.json()["error"]["field_errors"], sent.content
    assert not Product.objects.exists()


def sign_in(client: Client, actor: Actor) -> None:
    """What the sign-in page leaves in the session."""
    from shugu.party.models import Person

    session = client.session
    at = clock.now().isoformat()
    stamp = Person.objects.get(pk=actor.person or 0).stamp
    session["seat"] = {"person": actor.person, "org": actor.org, "stamp": stamp, "since": at, "seen_at": at}
    session.save()


def test_a_newcomer_makes_a_product_step_by_step_in_the_browser(world: World, client: Client) -> None:
    entry, quality = stages.appraised_entry(world)
    sign_in(client, world.alice)
    assert "还没有产品" in client.get("/products/mine/?lang=zh").content.decode()
    assert client.get("/products/new/").headers["Location"].endswith("/products/new/entry/")
    assert entry.number in client.get("/products/new/entry/").content.decode()

    def post(step: str, **given: Any) -> Any:
        return client.post(f"/products/new/{step}/", {"key": "6f2d9c9e-3f5e-4a52-9d0f-0d2d5c0a7b11", **given})

    assert client.get("/products/new/price/").headers["Location"].endswith("/describe/")
    assert post("entry", entry=entry.number).status_code == 302
    assert f'value="{entry.title}"' in client.get("/products/new/describe/").content.decode()
    good = {"title": "航班", "summary": "说明", "industry": "transport", "form": "data_set", "data_class": "enterprise"}
    wrong = post("describe", **(good | {"title": ""}))
    assert wrong.status_code == 422 and "说明" in wrong.content.decode()
    assert post("describe", delivery_forms="api", keywords="航空、延误", **good).status_code == 302
    measured = client.get("/products/new/data/").content.decode()
    for column in quality.report["profile"]["columns"]:
        assert f"{column['name']},{column['stored_type']}" in measured
    assert f'value="{quality.data_digest}"' in measured and f'value="{quality.connector_id}"' in measured
    assert post("data", dictionary="列名,类型\nflight").status_code == 422
    assert post("data", dictionary="列名,类型\nflight,text", sample="flight\nUA1").status_code == 302
    assert post("price", price="12.345", unit="per_contract").status_code == 422
    assert post("price", price="1,280.00", unit="per_contract").status_code == 302
    assert post("licence", actions="use", purposes="research", term_days="30").status_code == 302
    assert "1,280.00" in client.get("/products/new/confirm/").content.decode()
    client.post("/products/new/confirm/", {"key": "6f2d9c9e-3f5e-4a52-9d0f-0d2d5c0a7b12"})
    row = Product.objects.get()
    view = queries.product(row.number, world.alice).current
    assert (view.price_fen, view.keywords) == (128_000, ("航空", "延误")) and view.dictionary[0]["name"] == "flight"
    assert client.get(f"/products/{row.number}/listing/").status_code == 200
    client.post(f"/products/{row.number}/listing/", {"key": "6f2d9c9e-3f5e-4a52-9d0f-0d2d5c0a7b13", "gates": list(stages.GATES)})
    assert client.get(f"/products/{row.number}/edit/").status_code == 302
    assert "航班" in client.get("/products/new/describe/").content.decode()
    assert view.data_digest == quality.data_digest
    assert Listing.objects.get(product=row).case.state == "reviewing"


def test_the_dictionary_a_connector_uses_is_taken_as_it_is() -> None:
    whole = Dictionary(
        "t", (
            Column("id", ColumnType.TEXT, title_zh="编号", unique=True),
            Column("speed", ColumnType.DECIMAL, description="风速", unit="m/s"),
        ),
    )  # fmt: skip
    columns, rows = dictionary_from_profile(json.dumps(whole.as_dict()))
    assert columns == (
        ColumnEntry("id", "text", "编号", nullable=False), ColumnEntry("speed", "decimal", "", nullable=True, note="风速；m/s"),
    )  # fmt: skip
    assert rows == ()
    with pytest.raises(ValueError, match="neither"):
        dictionary_from_profile('{"columns": [{"nam": "x"}]}')
