"""The endpoints in process: what is let through, what is refused, and what the meter says afterwards."""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from connector import verify_meter
from connector.meter import audit, latest
from connector.store import Store
from shugu.formats.delivery import Kind, Limits, NoticeAction, QualityOrder, digest, opened, sign_order
from shugu.formats.policy import Constraint, Operand, Operator
from shugu.formats.suites import generate, new_keys
from shugu.formats.times import write_time

from .world import START, Web, World, policy

FILE = "/data/G1/numbers.parquet"


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


@pytest.fixture
def web(world: World) -> Iterator[Web]:
    client = Web(world)
    client.post("/grants", json=world.signed())
    yield client
    assert audit(world.home.store) == []


def code(answer: Any) -> str:
    body = answer.json()
    assert set(body) >= {"code", "message", "remedy"} and body["message"] and body["remedy"]
    return str(body["code"])


def test_it_tells_its_health_and_keys(world: World, web: Web) -> None:
    assert web.get("/health").json()["ok"] is True
    told = web.get("/.well-known/connector.json").json()
    assert told["id"] == "connector-test"
    assert told["keys"] == world.home.keyring.text().splitlines()


def test_a_whole_file_is_delivered_metered_and_receipted(world: World, web: Web) -> None:
    answer = web.get(FILE, headers=world.headers())
    assert answer.status_code == 200
    assert answer.content == world.file.read_bytes()
    assert answer.headers["etag"] == f'"{world.product.sha256}"'
    [receipt] = web.get("/receipts/G1", headers=world.headers()).json()["receipts"]
    _, said = opened(receipt, Kind.RECEIPT, world.home.keyring)
    assert said["billable_bytes"] == said["sent_bytes"] == world.product.size
    assert said["ranges"] == [[0, world.product.size]]
    assert said["contract_sha256"] == "ab" * 32


def test_head_tells_size_and_digest_and_meters_nothing(world: World, web: Web) -> None:
    answer = web.head(FILE, headers=world.headers())
    assert (answer.status_code, answer.content) == (200, b"")
    assert int(answer.headers["content-length"]) == world.product.size
    assert world.home.store.rows("SELECT * FROM delivery") == []


def test_ranges_are_answered_and_billed_once(world: World, web: Web) -> None:
    size = world.product.size
    content = world.file.read_bytes()
    for header, start, end in (("bytes=0-99", 0, 100), ("bytes=50-149", 50, 150), (f"bytes=-{size - 150}", 150, size)):
        answer = web.get(FILE, headers=world.headers(Range=header))
        assert answer.status_code == 206
        assert answer.content == content[start:end]
        assert answer.headers["content-range"] == f"bytes {start}-{end - 1}/{size}"
    found = latest(world.home.store, "G1", "numbers.parquet", world.product.sha256)
    assert found is not None
    assert (found.number, found.billable, found.sent, found.resent) == (1, size, size + 50, 50)
    assert found.completed_at is not None


@pytest.mark.parametrize(
    "header", ["bytes=9999999-", "bytes=5-4", "bytes=-0", "bytes=0-1,5-6", "lines=1-2", "bytes=-", "bytes=a-"]
)
def test_it_refuses_a_range_it_cannot_meet(world: World, web: Web, header: str) -> None:
    answer = web.get(FILE, headers=world.headers(Range=header))
    assert answer.status_code == 416
    assert answer.headers["content-range"] == f"bytes */{world.product.size}"


def test_if_range_with_another_digest_gives_the_whole_file(world: World, web: Web) -> None:
    answer = web.get(FILE, headers=world.headers(**{"Range": "bytes=5-9", "If-Range": '"old"'}))
    assert (answer.status_code, len(answer.content)) == (200, world.product.size)


def test_it_refuses_without_a_token(web: Web) -> None:
    answer = web.get(FILE)
    assert (answer.status_code, code(answer)) == (401, "token-missing")
    assert answer.headers["www-authenticate"] == "Bearer"


@pytest.mark.parametrize(
    ("changes", "status"),
    [
        ({"aud": "another"}, 401),
        ({"not_after": 1}, 401),
        ({"not_before": 4_000_000_000, "not_after": 4_000_000_001}, 401),
        ({"contract": "C2"}, 403),
        ({"buyer": "B2"}, 403),
        ({"product": "ee" * 32}, 403),
        ({"grant": "G2"}, 403),
    ],
)
def test_it_refuses_a_token_of_something_else(world: World, web: Web, changes: dict[str, Any], status: int) -> None:
    answer = web.get(FILE, headers=world.headers(world.token(**changes)))
    assert answer.status_code == status
    assert world.home.store.rows("SELECT * FROM delivery") == []


def test_it_refuses_a_forged_token(world: World, web: Web) -> None:
    mallory = generate("intl", "venue.example")
    answer = web.get(FILE, headers=world.headers(world.token(key=mallory)))
    assert (answer.status_code, code(answer)) == (401, "token-refused")
    assert world.home.store.rows("SELECT * FROM delivery") == []


def test_a_changed_character_anywhere_in_the_token_opens_nothing(world: World, web: Web) -> None:
    good = world.token()
    for place in range(0, len(good), 5):
        bad = good[:place] + ("A" if good[place] != "A" else "B") + good[place + 1 :]
        assert web.get(FILE, headers=world.headers(bad)).status_code == 401
    assert world.home.store.rows("SELECT * FROM delivery") == []


def test_it_refuses_a_wrong_or_missing_purpose(world: World, web: Web) -> None:
    answer = web.get(FILE, headers=world.headers(purpose="advertising"))
    assert (answer.status_code, code(answer)) == (403, "wrong-purpose")
    token = {"Authorization": f"Bearer {world.token()}"}
    assert code(web.get(FILE, headers=token)) == "wrong-purpose"


def test_errors_speak_the_language_asked_for(world: World, web: Web) -> None:
    heads = world.headers(purpose="x")
    zh, en = (web.get(FILE, headers={**heads, "Accept-Language": lang}).json()["message"] for lang in ("zh-CN", "en"))
    assert zh != en and en.isascii()


def test_it_refuses_files_outside_the_grant_and_changed_files(world: World, web: Web) -> None:
    assert code(web.get("/data/G1/secret.parquet", headers=world.headers())) == "file-unknown"
    assert web.get("/data/G1/..%2F..%2Fetc%2Fpasswd", headers=world.headers()).status_code == 404
    world.file.write_bytes(world.file.read_bytes() + b"x")
    assert code(web.get(FILE, headers=world.headers())) == "file-changed"


def acknowledged(world: World, web: Web, base: str = FILE, token: str | None = None) -> Any:
    web.get(base, headers=world.headers(token))
    body = {"sha256": world.product.sha256}
    return web.post(f"{base}/acknowledgement", headers=world.headers(token), json=body)


@pytest.mark.parametrize("by_policy", [True, False])
def test_it_refuses_more_deliveries_than_granted(world: World, web: Web, by_policy: bool) -> None:
    limit = (
        {"policy": policy(Constraint(Operand.COUNT, Operator.LTEQ, 1))} if by_policy else {"limits": Limits(count=1)}
    )
    web.post("/grants", json=world.signed("G2", **limit))
    heads = world.headers(world.token("G2"))
    answer = acknowledged(world, web, "/data/G2/numbers.parquet", world.token("G2"))
    assert answer.status_code == 200
    assert answer.json()["credentialSubject"]["receipt"] == "G2.1"
    refused = web.get("/data/G2/numbers.parquet", headers=heads)
    assert (refused.status_code, code(refused)) == (403, "over-count")


def test_an_unacknowledged_delivery_can_be_fetched_again_once(world: World, web: Web) -> None:
    web.post("/grants", json=world.signed("G2", limits=Limits(count=1)))
    heads = world.headers(world.token("G2"))
    statuses = [web.get("/data/G2/numbers.parquet", headers=heads).status_code for _ in range(3)]
    assert statuses == [200, 200, 403]
    found = latest(world.home.store, "G2", "numbers.parquet", world.product.sha256)
    assert found is not None and (found.billable, found.resent) == (world.product.size, world.product.size)


def test_it_refuses_more_bytes_than_granted(world: World, web: Web) -> None:
    web.post("/grants", json=world.signed("G2", limits=Limits(bytes=1000)))
    heads = world.headers(world.token("G2"))
    assert web.get("/data/G2/numbers.parquet", headers={**heads, "Range": "bytes=0-999"}).status_code == 206
    assert web.get("/data/G2/numbers.parquet", headers={**heads, "Range": "bytes=0-999"}).status_code == 206
    assert code(web.get("/data/G2/numbers.parquet", headers={**heads, "Range": "bytes=1000-1000"})) == "over-bytes"


def test_it_refuses_requests_that_come_too_fast_and_recovers(world: World, web: Web) -> None:
    web.post("/grants", json=world.signed("G2", limits=Limits(requests_per_minute=2)))
    heads = world.headers(world.token("G2"), Range="bytes=0-0")
    assert [web.get("/data/G2/numbers.parquet", headers=heads).status_code for _ in range(3)] == [206, 206, 429]
    refused = web.get("/data/G2/numbers.parquet", headers=heads)
    assert (code(refused), refused.headers["retry-after"]) == ("over-rate", "30")
    world.clock.pass_by(seconds=30)
    assert web.get("/data/G2/numbers.parquet", headers=heads).status_code == 206


def test_it_refuses_outside_the_term(world: World, web: Web) -> None:
    later = world.signed("G2", valid_from=START + timedelta(days=1))
    web.post("/grants", json=later)
    assert code(web.get("/data/G2/numbers.parquet", headers=world.headers(world.token("G2")))) == "too-early"
    world.clock.pass_by(days=31)
    assert code(web.get("/data/G2/numbers.parquet", headers=world.headers(world.token("G2")))) == "too-late"
    assert web.post("/grants", json=world.signed("G3", valid_until=START + timedelta(days=2))).status_code == 422


def test_suspend_resume_and_revoke_by_rising_sequence_only(world: World, web: Web) -> None:
    def say(action: NoticeAction, sequence: int) -> int:
        return web.post("/grants/G1/notices", json=world.notice(action, sequence)).status_code

    assert say(NoticeAction.SUSPEND, 1) == 200
    assert code(web.get(FILE, headers=world.headers())) == "grant-not-live"
    assert say(NoticeAction.RESUME, 1) == 409
    assert say(NoticeAction.RESUME, 2) == 200
    assert web.get(FILE, headers=world.headers()).status_code == 200
    assert say(NoticeAction.SUSPEND, 1) == 409
    assert say(NoticeAction.REVOKE, 7) == 200
    assert say(NoticeAction.RESUME, 8) == 403
    assert code(web.get(FILE, headers=world.headers())) == "grant-not-live"
    assert web.post("/grants", json=world.signed()).status_code == 201
    assert code(web.get(FILE, headers=world.headers())) == "grant-not-live"


def test_the_same_grant_again_changes_nothing_and_other_content_is_refused(world: World, web: Web) -> None:
    answers = [web.post("/grants", json=world.signed("G2")) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [201, 201]
    assert answers[0].json() == answers[1].json()
    assert web.post("/grants", json=world.signed("G2", buyer="B9")).status_code == 409


def test_it_refuses_grants_that_are_not_the_venues(world: World, web: Web) -> None:
    genuine = world.signed("G2")
    for member in ("buyer", "contract", "product_version", "grant"):
        forged = json.loads(json.dumps(genuine))
        forged["credentialSubject"][member] = "other"
        assert web.post("/grants", json=forged).status_code == 422
    longer = {**genuine, "validUntil": write_time(START + timedelta(days=999))}
    assert web.post("/grants", json=longer).status_code == 422
    token = world.token("G2")
    world.venue = new_keys("sm", "venue.example")
    assert code(web.post("/grants", json=world.signed("G2"))) == "exchange-key-unknown"
    assert web.post("/grants", content=b"{").status_code == 422
    assert web.post("/grants", content=b"x" * (2 << 20)).status_code == 422
    assert code(web.get("/data/G2/numbers.parquet", headers=world.headers(token))) == "grant-unknown"


@pytest.mark.parametrize("changes", [{"connector": "another"}, {"product": "P9"}, {"limits": Limits(count=-1)}])
def test_it_refuses_grants_it_cannot_keep(world: World, web: Web, changes: dict[str, Any]) -> None:
    assert web.post("/grants", json=world.signed("G2", **changes)).status_code in (404, 422)


def test_rows_are_filtered_metered_and_counted(world: World, web: Web) -> None:
    web.post("/grants", json=world.signed("G2", limits=Limits(count=2)))
    heads = world.headers(world.token("G2"))
    answer = web.get("/data/G2/rows?columns=n,word&where=n:ge:5&where=n:lt:8&limit=2", headers=heads)
    assert answer.status_code == 200, answer.text
    body = answer.json()
    assert body["columns"] == ["n", "word"] and [row[0] for row in body["rows"]] == [5, 6]
    table = pq.read_table(io.BytesIO(web.get("/data/G2/rows?format=parquet&where=n:eq:7", headers=heads).content))
    assert table.column("n").to_pylist() == [7]
    assert code(web.get("/data/G2/rows", headers=heads)) == "over-count"
    receipts = web.get("/receipts/G2", headers=heads).json()["receipts"]
    assert receipts[0]["credentialSubject"]["file_sha256"] == hashlib.sha256(answer.content).hexdigest()


@pytest.mark.parametrize(
    "query",
    ["columns=nope", "where=n:like:1", "where=n", "limit=0", "limit=99999999999", "format=csv", "where=n:eq:abc",
     "where=n%22%20OR%201=1:eq:1"],
)  # fmt: skip
def test_it_refuses_malformed_queries(world: World, web: Web, query: str) -> None:
    assert code(web.get(f"/data/G1/rows?{query}", headers=world.headers())) == "query-malformed"


def order_for(world: World, **changes: Any) -> dict[str, object]:
    order = QualityOrder("O1", "connector-test", "P1", "numbers.parquet", world.product.sha256)
    order = QualityOrder(**{**order.__dict__, **changes})
    return sign_order(order, world.venue, world.clock(), world.clock() + timedelta(hours=1))


def test_a_quality_order_gives_one_signed_report(world: World, web: Web) -> None:
    document = order_for(world)
    answer = web.post("/quality/P1", json=document)
    assert answer.status_code == 200, answer.text
    _, said = opened(answer.json(), Kind.REPORT, world.home.keyring)
    report: Any = said["report"]
    assert report["data"]["revision"] == world.product.sha256 == said["file_sha256"]
    assert report["data"]["rows"] == world.rows
    again = web.post("/quality/P1", json=order_for(world))
    assert digest(again.json()) == digest(answer.json())
    assert web.post("/quality/P1", json=order_for(world, file="other.parquet")).status_code == 409


def test_it_refuses_orders_that_are_not_for_it(world: World, web: Web) -> None:
    assert web.post("/quality/P2", json=order_for(world)).status_code == 422
    assert web.post("/quality/P1", json=order_for(world, connector="x")).status_code == 422
    assert web.post("/quality/P1", json=order_for(world, sha256="00" * 32)).status_code == 422
    assert web.post("/quality/P1", json=world.signed()).status_code == 422
    stale = order_for(world)
    world.clock.pass_by(hours=2)
    assert web.post("/quality/P1", json=stale).status_code == 422


@pytest.mark.parametrize(
    "damage",
    [
        "UPDATE meter SET body = replace(body, '\"end\":', '\"end\":1') WHERE body LIKE '%reserve%'",
        "DELETE FROM meter WHERE n = 3",
        "UPDATE delivery SET billable = billable - 1",
        "DELETE FROM receipt",
        "UPDATE receipt SET document = replace(document, 'billable_bytes\": ', 'billable_bytes\": 1')",
    ],
)
def test_the_audit_finds_a_changed_meter(world: World, damage: str) -> None:
    client = Web(world)
    client.post("/grants", json=world.signed())
    client.get(FILE, headers=world.headers())
    assert verify_meter(world.path) == []
    store: Store = world.home.store
    with store.transaction() as database:
        database.execute("DROP TRIGGER meter_no_update")
        database.execute("DROP TRIGGER meter_no_delete")
        database.execute(damage)
    assert verify_meter(world.path) != []
