"""The operator's page, the line under a fact, the API, and the commands, as people meet them."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest
from django.http import HttpResponse
from django.test import Client, RequestFactory

from shugu.edges.chain import installed, queries, software, views
from shugu.edges.chain.errors import ChainConfigInvalid, ChainUnknown
from shugu.edges.chain.tests import anvil
from shugu.edges.chain.tests.conftest import Bench
from shugu.edges.chain.tests.venue import PASSPHRASE, Venue, keystore, shugu
from shugu.formats.errors import BadKey
from shugu.kernel import signer
from shugu.kernel.models import Fact
from shugu.web import slots
from tests.world import World

pytestmark = [pytest.mark.django_db, pytest.mark.xdist_group("chain")]


def test_a_fact_shows_its_anchor_and_the_api_lists_it(world: World, venue: Venue, bench: Bench) -> None:
    venue.install(bench)
    venue.facts(5)
    fact = Fact.objects.order_by("pk")[0].pk
    assert "尚未被链上锚定覆盖" in Client().get(f"/evidence/facts/{fact}/anchors/").content.decode()
    assert Client().get("/api/chain/anchors").json() == []
    found = venue.confirmed()
    page = Client().get(f"/evidence/facts/{fact}/anchors/").content.decode()
    assert bench.there.address in page and "0x" + bytes(found.tx_hash or b"").hex() in page
    (row,) = Client().get("/api/chain/anchors").json()
    assert (row["size"], row["chain_id"], row["fact_id"]) == (found.size, bench.chain.chain_id, found.fact)
    assert Client().get(f"/api/chain/facts/{fact}/anchors").json() == [row]
    assert Client().get(f"/api/chain/facts/{found.fact}/anchors").json() == [], "written after the anchored tree"
    assert Client().get("/api/chain/facts/999999999/anchors").status_code == 404
    assert f'hx-get="/evidence/facts/{fact}/anchors/"' in Client().get(f"/evidence/facts/{fact}/").content.decode()


def test_the_operators_page_shows_progress_costs_and_alarms(world: World, venue: Venue, bench: Bench) -> None:
    def page(actor: object) -> str:
        request = RequestFactory().get("/operations/chain/")
        for name, value in (("actor", actor), ("htmx", False), ("seat", None), ("session", {})):
            setattr(request, name, value)
        answer = views.operations(request)
        assert isinstance(answer, HttpResponse)
        return answer.content.decode()

    assert "尚未配置任何链" in page(world.otto)
    venue.install(bench)
    venue.facts(5)
    venue.confirmed()
    text = page(world.otto)
    assert "已确认" in text and "ETH" in text and "报警" not in text
    rows = (venue.home / "chain.toml").read_text("utf-8").replace(bench.chain.rpc, "http://127.0.0.1:9")
    (venue.home / "chain.toml").write_text(rows, "utf-8")
    venue.round()
    assert "报警" in page(world.otto) and "没有应答" in page(world.otto)
    (venue.home / "chain.toml").write_text("[[chain]]\n", "utf-8")
    assert "缺少 name" in page(world.otto)


def test_the_places_it_fills_stand_on_pages() -> None:
    """A slot renamed on one side only would show nothing and refuse nothing."""
    pages = "".join(p.read_text("utf-8") for p in (anvil.ROOT / "shugu").rglob("*.html"))
    filled = [f.page_slot for f in slots.all_fillings() if f.url_name.startswith("chain:")]
    assert len(filled) == 2 and all(f'{{% slot "{name}"' in pages for name in filled), filled


def test_others_do_not_see_the_operators_page(world: World, venue: Venue) -> None:
    assert Client().get("/operations/chain/").status_code in (302, 401)
    assert Client().get("/operations/chain/card/here/").status_code in (302, 401)


def test_a_venue_is_set_up_by_commands_alone(
    venue: Venue, bench: Bench, second: Bench, capsys: pytest.CaptureFixture[str]
) -> None:
    """key, deploy, consent, register, anchor, status, relay: what docs/operating.md tells an operator to type."""
    folder = venue.home / "chain"
    folder.mkdir()
    (folder / "pass").write_text(PASSPHRASE, "utf-8")
    for name, secret in (("admin", anvil.ADMIN), ("payer", anvil.OTHER)):
        (folder / f"{name}.json").write_text(keystore(secret), "utf-8")
    paid = ["--payer", str(folder / "admin.json"), "--payer-passphrase", str(folder / "pass")]
    assert shugu("key", str(folder / "venue.json"), "--passphrase", str(folder / "pass")) == 0
    address = capsys.readouterr().out.strip()
    with pytest.raises(BadKey):
        shugu("key", str(folder / "venue.json"), "--passphrase", str(folder / "pass"))
    software.ready()
    from eth_account import Account

    admin = str(Account.from_key(anvil.ADMIN).address)
    blocks = []
    for at in (bench, second):
        assert shugu("deploy", "--rpc", at.chain.rpc, "--chain-id", str(at.chain.chain_id), "--admin", admin, *paid) == 0
        lines = capsys.readouterr().out
        blocks.append(
            f'[[chain]]\nname = "{at.chain.name}"\nrpc = "{at.chain.rpc}"\nchain_id = {at.chain.chain_id}\n{lines}'
            'key = "chain/venue.json"\npassphrase = "chain/pass"\npayer = "chain/payer.json"\n'
            'payer_passphrase = "chain/pass"\n'
        )
    (venue.home / "chain.toml").write_text("\n".join(blocks), "utf-8")
    assert shugu("consent", "--chain", "city") == 0
    agreed = json.loads(capsys.readouterr().out)
    assert (agreed["signer"], agreed["origin"]) == (address, signer.origin())
    asked = ["--chain", "city", "--signer", address, "--consent", agreed["consent"], "--origin", agreed["origin"]]
    assert shugu("register", *asked, "--call-data") == 0
    assert json.loads(capsys.readouterr().out)["data"].startswith("0x")
    assert shugu("register", *asked, *paid) == 0 and shugu("register", "--chain", "coast", *paid) == 0
    text = (venue.home / "chain.toml").read_text("utf-8")
    (venue.home / "chain.toml").write_text(blocks[0], "utf-8")
    venue.facts(5)
    assert shugu("anchor", "--json") == 0 and shugu("anchor") == 0
    (venue.home / "chain.toml").write_text(text, "utf-8")
    capsys.readouterr()
    assert shugu("relay", "--from", "city", "--to", "coast") == 0
    assert "1 次锚定已搬到 coast" in capsys.readouterr().out
    assert shugu("status", "--json") == 0
    assert [row["chain"] for row in json.loads(capsys.readouterr().out)] == ["city", "coast"]
    with pytest.raises(ChainUnknown):
        shugu("consent", "--chain", "nowhere")


@pytest.mark.parametrize(
    "text",
    [
        "x", "[other]\n", "[[chain]]\nname='a'\n", "[[chain]]\nname='A'\nrpc='http://x'\nchain_id=1\ncontract='0x0'\n",
        "[[chain]]\nname='a'\nrpc='x'\nchain_id=1\ncontract='0x{z}'\n", "[[chain]]\nname='a'\nrpc='http://x'\nchain_id='1'\n",
        "[[chain]]\nname='a'\nrpc='http://x'\nchain_id=-1\ncontract='0x{z}'\n",
        "[[chain]]\nname='a'\nrpc='http://x'\nchain_id=1\ncontract='0x{z}'\nkey='k'\n",
        "[[chain]]\nname='a'\nrpc='http://x'\nchain_id=1\ncontract='0x{z}'\nother=1\n",
        "[[chain]]\nname='a'\nrpc='http://x'\nchain_id=1\ncontract='0x{z}'\n" * 2,
    ],
)  # fmt: skip
def test_a_wrong_configuration_is_named_and_nothing_is_guessed(venue: Venue, text: str) -> None:
    (venue.home / "chain.toml").write_text(text.replace("{z}", "0" * 40), "utf-8")
    with pytest.raises(ChainConfigInvalid):
        installed.chains()
    assert queries.anchors() == []



def test_the_chain_libraries_leave_the_recursion_limit_as_it_was() -> None:
    code = "import sys; b = sys.getrecursionlimit(); from shugu.edges.chain import software; software.ready(); "
    code += "assert 'web3' in sys.modules and sys.getrecursionlimit() == b"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
