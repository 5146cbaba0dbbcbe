"""Zone, orders and settlements over the API and on the command line."""

from __future__ import annotations

import argparse
import json
from typing import Any

import pytest
from django.test import Client

from shugu.edges.federation import command_line, messages, services, zone
from shugu.edges.federation.models import Peer
from shugu.edges.federation.tests.kit import Other
from shugu.edges.federation.tests.kit_sharing import Catalogue, known, tell
from shugu.edges.federation.tests.test_orders import outbox, payee, placed, shown
from shugu.edges.federation.tests.test_settling import claim_of, completed_here, completed_there, line, statement
from shugu.formats.identifiers import make_uscc
from shugu.kernel import clock
from shugu.party import services as party
from shugu.settlement import services as settlement
from tests.world import SETUP, World, token

Pair = tuple[Other, Peer]


@pytest.fixture()
def there(world: World) -> Pair:
    other = Other.make()
    return other, known(other, world)


@pytest.fixture(autouse=True)
def stopped(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clock, "now", lambda: world.now)


def ask(path: str, actor: Any = None, body: dict[str, Any] | None = None, method: str = "") -> Any:
    headers = {"Authorization": f"Bearer {token(actor, clock.now(), ('read', 'act'))}"} if actor is not None else {}
    client = Client()
    if body is None:
        return client.get(f"/api/federation/{path}", headers=headers)
    send = client.put if method == "put" else client.post
    return send(f"/api/federation/{path}", body, content_type="application/json", headers=headers)


def run(capsys: pytest.CaptureFixture[str], *argv: str) -> Any:
    parser = argparse.ArgumentParser()
    command_line.add_to(parser.add_subparsers(dest="command"))
    assert command_line.run(parser.parse_args(["federation", *argv])) == 0
    return json.loads(capsys.readouterr().out)


def test_everybody_reads_the_zone_and_its_certificate(
    world: World, there: Pair, capsys: pytest.CaptureFixture[str]
) -> None:
    Catalogue(there[0], world.now).tells()
    found = ask("zone?q=港口").json()
    assert (found["total"], found["rows"][0]["product"], found["rows"][0]["orderable"]) == (1, "P-1", True)
    assert found["rows"][0]["origin"] == there[1].origin and found["venues"][0]["count"] == 1
    one = ask("zone/faraway/P-1").json()
    assert one["certificate"] is None and one["listing"]["price_fen"] == 50_000
    assert ask("zone/faraway/P-9").status_code == 404
    assert [row["product"] for row in run(capsys, "zone", "list", "--venue", "faraway")] == ["P-1"]
    assert run(capsys, "zone", "feeds", "--as", "otto")[0]["heard"] == 1
    assert ask("feeds", world.otto).json()[0]["shown"] == 1 and ask("feeds", world.bob).status_code == 403
    assert ask("shared", world.alice).json() == [] and ask("shared").status_code == 401


def test_a_buyer_orders_and_is_told_what_to_do(
    world: World, there: Pair, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    catalogue = Catalogue(there[0], world.now)
    catalogue.tells()
    monkeypatch.setattr(zone, "fetch", catalogue.fetch)
    monkeypatch.setattr(services.order, "__defaults__", (catalogue.fetch,))
    wanted = {"venue": "faraway", "product": "P-1"}
    assert ask("orders", world.bob, wanted).json()["error"]["code"] == "no-payee"
    new = {"name": "远方数据交易所有限公司", "uscc": make_uscc("91330100MA2HHHHH8")}
    assert ask("peers/faraway/payee", world.bob, new, "put").status_code == 403
    named = ask("peers/faraway/payee", world.otto, new, "put").json()
    assert named["payee_name"] == new["name"] and named["receivable_fen"] == 0
    made = ask("orders", world.bob, wanted).json()
    assert made["state"] == "placed" and len(made["code"]) > 20
    assert ask("orders", world.carol, wanted).status_code == 403 and ask("orders", None, wanted).status_code == 401
    messages.deliver(world.now, there[0].post(world.now))
    while messages.deliver(world.now, there[0].post(world.now)):
        pass
    one = ask(f"orders/selling/{made['order']}", world.bob).json()
    assert one["state"] == "admitted" and [t["url"] for t in one["todo"]] == [
        "http://127.0.0.1:9/federation/guest/", "http://127.0.0.1:9/products/P-1/",
    ]  # fmt: skip
    assert ask(f"orders/selling/{made['order']}", world.carol).status_code == 404
    assert [row["order"] for row in run(capsys, "order", "list", "--as", "bob")] == [made["order"]]
    assert ask(f"orders/selling/{made['order']}/withdraw", world.bob, {}).json()["state"] == "admitted"
    messages.deliver(world.now, there[0].post(world.now))
    assert ask("orders", world.bob).json()[0]["state"] == "withdrawn"


def test_a_person_enters_with_the_code(world: World, there: Pair) -> None:
    payee(world, there)
    product = shown(world, there)
    assert tell(there[0], "order.placed", placed(world, there, product), world.now) == ""
    person = party.register_person(party.RegisterPerson("gao", "高客", ""), actor=SETUP, now=world.now)
    from shugu.party import queries as parties

    alone = parties.actor_for(person.pk)
    assert ask("guest", alone, {"code": "another"}).json()["error"]["code"] == "invitation-gone"
    assert ask("guest", alone, {"code": "a code that only the buyer has"}).json()["name"] == "远方客户公司"
    assert ask("guest", alone, {"code": "a code that only the buyer has"}).json()["error"]["code"] == "invitation-gone"
    assert ask("guest", None, {"code": "x"}).status_code == 401


def test_parts_are_claimed_and_agreed_over_the_api(world: World, there: Pair, capsys: pytest.CaptureFixture[str]) -> None:
    completed_here(world, there)
    assert ask("standings", world.mona).json()[0]["claimable_fen"] == 300
    assert ask("settlements", world.mona, {"venue": "faraway"}).status_code == 422  # our own account is not named
    account = settlement.SetBankAccount(None, "本场所", "示范银行", "6228489999999999")
    settlement.set_bank_account(account, actor=world.mona, now=world.now)
    assert ask("settlements", world.bob, {"venue": "faraway"}).status_code == 403
    made = ask("settlements", world.mona, {"venue": "faraway"}).json()
    assert (made["amount_fen"], made["side"], made["state"]) == (300, "claimant", "claimed")
    assert ask(f"settlements/claimant/{made['settlement']}", world.otto).json() == made
    assert ask("settlements", world.bob).status_code == 403
    assert ask(f"settlements/debtor/{made['settlement']}/agree", world.mona, {}).status_code == 404  # that is the other side's
    assert run(capsys, "settle", "list", "--as", "mona")[0]["settlement"] == made["settlement"]
    assert run(capsys, "settle", "standing", "--as", "mona")[0]["receivable_fen"] == 300
    statement(world, line(world, "L-1", "in", 300, made["settlement"]))
    assert ask("settlements", world.mona).json()[0]["state"] == "received"


def test_what_is_due_is_agreed_or_declined(world: World, there: Pair, capsys: pytest.CaptureFixture[str]) -> None:
    row, _ = completed_there(world, there)
    assert tell(there[0], "settlement.claimed", claim_of(row), world.now) == ""
    assert ask("settlements/debtor/XST-1/agree", world.otto, {}).status_code in (403, 409)
    declined = run(capsys, "settle", "decline", "XST-1", "--reason", "账户不符", "--as", "mona")
    assert (declined[0]["state"], declined[0]["reason"]) == ("declined", "账户不符")
    assert outbox(there[1], "settlement.")[-1] == ("settlement.declined", {"settlement": "XST-1", "reason": "账户不符"})
    assert tell(there[0], "settlement.claimed", claim_of(row, settlement="XST-2"), world.now) == ""
    agreed = ask("settlements/debtor/XST-2/agree", world.mona, {}).json()
    assert agreed["state"] == "agreed" and agreed["amount_fen"] == row.selling_fen
