"""Receipts and connectors: what the venue takes from a connector, and what it refuses."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from django.test import Client

from shugu.delivery import ordering, queries, services
from shugu.delivery.errors import ConnectorMismatch, ConnectorUnreachable, ReceiptConflict, ReceiptRefused
from shugu.delivery.meter_audit import audit_meters
from shugu.delivery.models import Receipt
from shugu.delivery.tests import stages
from shugu.delivery.tests.stages import Plane, Stage, headers
from shugu.delivery.wire import check_address
from shugu.formats.delivery import Kind, sign_document
from shugu.kernel import clock
from shugu.kernel.cases import mandate
from shugu.kernel.errors import Forbidden, InputInvalid, NotFound
from shugu.kernel.models import Fact
from shugu.party import services as party

BROUGHT = mandate("connector", "test")


@pytest.fixture(scope="module")
def other(tmp_path_factory: pytest.TempPathFactory, django_db_setup: None, django_db_blocker: Any) -> Iterator[Plane]:
    """A second connector with the same file, Carol's own."""
    with django_db_blocker.unblock():
        made = Plane(tmp_path_factory.mktemp("other"), "carol-plane")
    yield from stages.running(made)


def key_for(actor: Any) -> dict[str, Any]:
    issued = party.issue_api_key(party.IssueApiKey("test", ("read", "act"), actor.org), actor=actor, now=clock.now())
    return {"HTTP_AUTHORIZATION": f"Bearer {issued.token}"}


def test_an_api_without_a_key_answers_with_the_error_shape(db: None, client: Client) -> None:
    answer = client.get("/api/deliveries")
    assert answer.status_code == 401 and answer.json()["error"]["code"] == "sign-in-needed"


def test_a_receipt_posted_twice_counts_once_and_with_other_content_is_a_conflict(
    stage: Stage, tmp_path: Path, client: Client
) -> None:
    stages.granted(stage)
    receipt = stages.pulled(stage, tmp_path / "got.parquet")
    sent = client.post("/api/connectors/receipts", json.dumps(receipt), content_type="application/json")
    assert sent.status_code == 201 and Receipt.objects.count() == 1
    assert Fact.objects.filter(name="delivery.received", case_id=stage.delivery().case).count() == 1
    told = dict(receipt["credentialSubject"])  # type: ignore[call-overload]
    more = {"sent_bytes": told["sent_bytes"] + 1, "resent_bytes": told["resent_bytes"] + 1}
    changed = sign_document(Kind.RECEIPT, {**told, **more}, [stage.plane.key], clock.wall())
    with pytest.raises(ReceiptConflict):
        services.take_receipt(services.TakeReceipt(changed), actor=BROUGHT, now=stage.now)
    again = client.post("/api/connectors/receipts", json.dumps(changed), content_type="application/json")
    assert again.status_code == 409 and again.json()["error"]["code"] == "receipt-conflict"


def test_what_a_receipt_may_not_say(stage: Stage, tmp_path: Path) -> None:
    """Each single lie, signed by the right key, is refused and changes nothing."""
    stages.granted(stage)
    text = stages.token(stage)
    from connector.client import pull

    receipt = pull(stage.grant().url, text, tmp_path / "got.parquet", purpose=stages.PURPOSE).receipt
    told = receipt["credentialSubject"]
    size = told["size"]
    lies: list[dict[str, Any]] = [
        {"grant": "GRT-none"}, {"contract": "CTR-other"}, {"contract_sha256": "ab" * 32}, {"buyer": "ORG-other"},
        {"product_version": "ab" * 32}, {"file_sha256": "ab" * 32}, {"file": "other.parquet"}, {"size": size - 1},
        {"ranges": [[0, size - 1]]}, {"ranges": [[0, size], [0, size]]}, {"ranges": [[5, 1]]}, {"billable_bytes": 1},
        {"sent_bytes": size - 1}, {"delivery": 2}, {"completed_at": "2999-01-01T00:00:00Z"},
        {"started_at": "2020-01-01T00:00:00Z"}, {"meter": {"head": "x", "records": 1}}, {"receipt": "R"}, {"more": 1},
    ]  # fmt: skip
    for lie in lies:
        document = sign_document(Kind.RECEIPT, {**told, **lie}, [stage.plane.key], clock.wall())
        with pytest.raises(ReceiptRefused):
            services.take_receipt(services.TakeReceipt(document), actor=BROUGHT, now=stage.now)
    assert Receipt.objects.count() == 0 and stage.delivery().state == "delivering"
    services.take_receipt(services.TakeReceipt(receipt), actor=BROUGHT, now=stage.now)
    assert stage.delivery().state == "delivered"


def test_a_receipt_of_another_connector_is_refused(stage: Stage, other: Plane, tmp_path: Path) -> None:
    stages.granted(stage)
    stages.registered(stage.world, other, stage.world.carol)
    text = stages.token(stage)
    from connector.client import pull

    receipt = pull(stage.grant().url, text, tmp_path / "got.parquet", purpose=stages.PURPOSE).receipt
    told = receipt["credentialSubject"]
    for subject in (told, {**told, "connector": other.name}):
        document = sign_document(Kind.RECEIPT, subject, [other.key], clock.wall())
        with pytest.raises(ReceiptRefused):
            services.take_receipt(services.TakeReceipt(document), actor=BROUGHT, now=stage.now)
    broken = json.loads(json.dumps(receipt).replace(told["file_sha256"], "0" * 64))
    with pytest.raises(ReceiptRefused):
        services.take_receipt(services.TakeReceipt(broken), actor=BROUGHT, now=stage.now)
    assert Receipt.objects.count() == 0


def test_the_audit_sees_a_receipt_row_that_was_changed(stage: Stage, tmp_path: Path) -> None:
    stages.granted(stage)
    stages.pulled(stage, tmp_path / "got.parquet")
    assert list(audit_meters()) == []
    Receipt.objects.update(billable=1)
    assert [v.what[1] for v in audit_meters()] == ["the row is not what the receipt says"]


def test_a_connector_is_registered_only_where_it_answers_with_its_own_key(stage: Stage, other: Plane) -> None:
    world = stage.world
    good = services.RegisterConnector(world.carol.org or 0, other.name, other.url, other.vkey)
    with pytest.raises(Forbidden):
        services.register_connector(good, actor=world.mallory, now=stage.now)
    wrong = services.RegisterConnector(world.carol.org or 0, other.name, stage.plane.url, other.vkey)
    with pytest.raises(ConnectorMismatch):
        services.register_connector(wrong, actor=world.carol, now=stage.now)
    stolen = services.RegisterConnector(world.carol.org or 0, other.name, other.url, stage.plane.vkey)
    with pytest.raises(ConnectorMismatch):
        services.register_connector(stolen, actor=world.carol, now=stage.now)
    nobody = services.RegisterConnector(world.carol.org or 0, other.name, f"http://127.0.0.1:{stages.free_port()}", other.vkey)
    with pytest.raises(ConnectorUnreachable):
        services.register_connector(nobody, actor=world.carol, now=stage.now)
    assert queries.connectors(world.carol) == []
    row = services.register_connector(good, actor=world.carol, now=stage.now, key="register-1")
    assert services.register_connector(good, actor=world.carol, now=stage.now, key="register-1").pk == row.pk
    with pytest.raises(NotFound):
        queries.connector(other.name, world.alice)


def test_addresses_that_are_no_plain_http_are_refused(stage: Stage) -> None:
    for url in ("file:///etc/passwd", "http://u:p@127.0.0.1/", "http://127.0.0.1/?a=1", "ftp://127.0.0.1", "http://[", ""):
        with pytest.raises(Exception, match="cannot be used"):
            check_address(url)


def test_a_file_with_another_digest_or_another_owners_product_cannot_be_bound(stage: Stage, other: Plane) -> None:
    plane, world = stage.plane, stage.world
    with pytest.raises(InputInvalid):
        services.bind_product(
            services.BindProduct(stage.product, plane.name, stages.FILE, "ab" * 32, plane.size), actor=world.alice, now=stage.now
        )
    stages.registered(world, other, world.carol)
    with pytest.raises(NotFound):
        foreign = services.BindProduct(stage.product, other.name, stages.FILE, plane.sha256, plane.size)
        services.bind_product(foreign, actor=world.carol, now=stage.now)


def test_a_quality_order_of_a_file_the_connector_does_not_hold_is_closed_with_its_reason(stage: Stage) -> None:
    cmd = services.OrderQuality(stage.plane.name, "none.parquet", stage.plane.sha256, product=stage.product, label=stages.LABEL)
    row = services.order_quality(cmd, actor=stage.world.alice, now=stage.now)
    assert not ordering.run_order(row.pk, clock.wall)
    found = queries.quality_order(row.number, stage.world.alice)
    assert found.closed_at is not None and found.report is None and found.problem is not None
    assert found.problem["code"] == "connector-refused-it"
    with pytest.raises(NotFound):
        queries.quality_order(row.number, stage.world.mallory)


def test_pages_and_api_take_a_delivery_from_token_to_acceptance(stage: Stage, tmp_path: Path, client: Client) -> None:
    number = stages.granted(stage).number
    bob, alice, mallory = (key_for(getattr(stage.world, n)) for n in ("bob", "alice", "mallory"))
    assert client.get(f"/api/deliveries/{number}", **mallory).status_code == 404
    page = client.get(f"/deliveries/{number}/?lang=en", **bob).content.decode()
    assert "Get a token" in page and "curl" in page and stage.grant().url in page
    got = client.post(f"/api/deliveries/{number}/token", "{}", content_type="application/json", **bob).json()
    assert httpx.head(got["url"], headers=headers(got["token"]), trust_env=False).status_code == 200
    stages.pulled(stage, tmp_path / "got.parquet")
    seen = client.get(f"/api/deliveries/{number}", **alice).json()
    assert seen["state"] == "delivered" and seen["grant"]["usage"]["billable_bytes"] == stage.plane.size
    receipt = seen["grant"]["receipts"][0]["number"]
    assert client.get(f"/deliveries/receipts/{receipt}.json", **alice).status_code == 200
    refused = client.post(f"/api/deliveries/{number}/accept", "{}", content_type="application/json", **alice)
    assert refused.status_code == 403
    done = client.post(f"/api/deliveries/{number}/accept", '{"input": {}}', content_type="application/json", **bob)
    assert done.status_code == 200 and done.json()["state"] == "accepted"
    own = f"/connectors/{stage.plane.name}/"
    pages = ["/deliveries/", f"/deliveries/{number}/", "/connectors/", "/connectors/new/", own]
    pages += [f"{own}products/new/", f"{own}quality/"]
    for lang in ("zh", "en"):
        for path in pages:
            assert client.get(f"{path}?lang={lang}", **alice).status_code == 200, path


def test_a_newcomer_registers_a_connector_and_a_buyer_gets_a_token_in_the_browser(
    stage: Stage, other: Plane, client: Client
) -> None:
    carol, bob = key_for(stage.world.carol), key_for(stage.world.bob)
    form = {"connector_id": other.name, "url": stage.plane.url, "vkey": other.vkey, "key": "0b0c1d2e-3f40-4a5b-8c6d-7e8f90a1b2c3"}
    wrong = client.post("/connectors/new/?lang=en", form, **carol)
    assert wrong.status_code == 422 and other.vkey.split("+")[0] in wrong.content.decode()
    right = client.post("/connectors/new/", {**form, "url": other.url}, **carol)
    assert right.status_code == 302 and right["Location"] == f"/connectors/{other.name}/"
    assert client.post(f"/connectors/{other.name}/check/", **carol).status_code == 302
    number = stages.granted(stage).number
    shown = client.post(f"/deliveries/{number}/token/?lang=en", **bob)
    assert shown.status_code == 200 and "shown this once" in shown.content.decode()
    assert shown["Cache-Control"].find("no-store") >= 0
