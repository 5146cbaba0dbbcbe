"""One listing shared, a trade over two venues, one voucher in both logs: told while every venue's worker runs by itself.

The listing venue is Hangzhou, the buyer is at home in Shenzhen, Dali shows the listing too. What takes time is measured
between two processes, over their pages. Each side is killed once in the middle of the order.
"""

from __future__ import annotations

import base64
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from shugu.federated.dying import killed
from shugu.federated.houses import Declined, House
from shugu.federated.relaying import refused_order, relayed
from shugu.federated.selling import BUYER, PASSWORD
from shugu.federated.watching import Refused, api, everywhere, key, page, until
from shugu.formats.canonical import parse_object
from shugu.formats.credential import credential_digest

if TYPE_CHECKING:
    from shugu.federated.story import Story

PRICE: Final = 12_345_67  # fen: its fee does not divide evenly
TITLE: Final = ("纽约三机场逐时气象数据集", "Hourly weather at New York's three airports")
_FIRMS: Final = {
    "hangzhou": ("杭州数据交易所有限公司", "Hangzhou Data Exchange Ltd.", "91330100MA2HHHHH8"),
    "shenzhen": ("深圳数据交易所有限公司", "Shenzhen Data Exchange Ltd.", "91440300MA5GGGGG6"),
}  # fmt: skip


def trading(story: Story) -> None:
    """The chapter: everything below, with a connector of the provider's as a process of its own."""
    a, b = story.a, story.b
    with story.step(
        "parties", "场所互为单位，买方在深圳入驻", "venues as organisations, the buyer accredited in Shenzhen"
    ):
        for house, other in ((a, b), (b, a)):
            zh, en, prefix = _FIRMS[other.venue]
            house.ask("venue_firm", venue=other.venue, zh=zh, en=en, prefix=prefix)
        story.buyer = key(b, BUYER[0], PASSWORD, b.ask("enrol"))
        a.ask("name_accounts")
        for house in (a, b):
            house.ask("venue_account")
    founded = a.ask("connector")
    with _connector(founded["command"]):
        product = sharing(story, founded)
        try:
            number, contract = ordering(story, product)
            delivering(story, number, contract)
            vouching(story, number, contract)
            claim = claiming(story, number)
            relayed(story, product)
            withdrawing(story, product)
            netting(story, claim)
        finally:
            for house in story.houses:
                if house.alive:
                    house.ask("work", on=False)
    with story.step("trade-audit", "三个场所各自审计，均无不一致", "each venue audited: no violation"):
        for house in story.houses:
            found = house.ask("audited")
            assert not found, (house.venue, found)


@contextmanager
def _connector(command: list[str]) -> Iterator[None]:
    """The provider's connector: its own process, which no death of a venue touches."""
    clean = {k: v for k, v in os.environ.items() if not k.startswith(("SHUGU_", "DJANGO_", "DATABASE_URL"))}
    process = subprocess.Popen(command, env=clean, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        yield
    finally:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _dates(story: Story) -> None:
    """The venues' clocks are brought together: registrations let that of one run ahead."""
    latest = max(str(house.ask("now")) for house in story.houses)
    for house in story.houses:
        house.ask("until", day=latest)


def sharing(story: Story, founded: dict[str, Any]) -> dict[str, Any]:
    """Listed at one venue, shown at the two others; the same data is listed nowhere a second time."""
    a, b, c = story.houses
    with story.step(
        "shared-entry",
        "杭州登记并备好产品，深圳也登记了同一数据",
        "registered in both venues",
    ):
        entry = story.registered(a, TITLE[0])
        again = story.registered(b, f"{TITLE[0]}（深圳登记）")
        _dates(story)
        product: dict[str, Any] = a.ask(
            "offer_product", entry=entry, title=TITLE[0], title_en=TITLE[1], vkeys=founded["vkeys"], price_fen=PRICE
        )
        story.note(**product)
    with story.step(
        "shared", "一地上架：另两地展示，载明来源", "listed once: shown in both other venues with its provenance"
    ):
        for house in story.houses:
            house.ask("work", on=True)
        path = f"/zone/{a.venue}/{product['product']}/"
        assert all(page(house, path)[0] == 404 for house in (b, c)), "shown before it was listed"
        a.ask("approve_listing", listing=product["listing"])
        took = everywhere((b, c), lambda house: _shown(house, path, a))
        for venue, seconds in took.items():
            story.say(f"{venue} 地方专区 {seconds:.1f} 秒后展示", f"shown at {venue} after {seconds:.1f} s")
        story.note(seconds_until_shown=took)
    with story.step("no-second", "深圳拒绝再次上架同一数据", "Shenzhen refuses to list the same data again"):
        try:
            b.ask("offer_again", entry=again, title="同一数据", sha256=product["sha256"])
        except Declined as refused:
            assert refused.code == "guard-refused" and f"{a.origin}:{product['product']}" in str(refused), refused
            story.say("已在杭州挂牌，不再受理", "listed in Hangzhou already: refused")
        else:
            raise AssertionError("the same object was listed twice")
    return product


def _shown(house: House, path: str, origin: House) -> bool:
    """Shown as confirmed, with the venue it comes from and the address of its own page there."""
    status, text = page(house, path)
    if status != 200:
        return False
    assert origin.origin in text and origin.url in text, "the listing does not say where it comes from"
    return "已确认在售" in text


def ordering(story: Story, product: dict[str, Any]) -> tuple[str, str]:
    """The order, with a death of the listing venue while it takes it and one of the selling venue before it knows."""
    a, b = story.a, story.b
    with story.step(
        "order", "深圳的买方下单；杭州受理途中被杀", "ordered in Shenzhen; Hangzhou is killed while taking it"
    ):
        with killed(story, a, "order.placed taken", always=True):
            made = api(b, "federation/orders", {"venue": a.venue, "product": product["product"]}, story.buyer)
        _, seconds = until("admission", lambda: b.ask("orders")[made["order"]]["state"] == "admitted")
        assert [o["state"] for o in a.ask("orders").values()] == ["admitted"], "not exactly one order"
        story.note(order=made["order"], admitted_after=seconds)
    with story.step(
        "contract", "买方凭口令在杭州办理：成交、签署、审核", "with the code in Hangzhou: agreed, signed, approved"
    ):
        todo = api(b, f"federation/orders/selling/{made['order']}", token=story.buyer)["todo"]
        assert todo[0]["url"] == f"{a.url}/federation/guest/", todo
        api(a, "persons", {"login": BUYER[0], "name": BUYER[1], "name_en": BUYER[2], "password": PASSWORD})
        alone = key(a, BUYER[0], PASSWORD)
        entered = api(a, "federation/guest", {"code": made["code"]}, alone)
        assert entered["name"] == BUYER[3], entered
        try:
            api(a, "federation/guest", {"code": made["code"]}, alone)
        except Refused as refused:
            story.say(f"口令只用一次：{refused.code}", f"the code lets one person in, once: {refused.code}")
        else:
            raise AssertionError("the code was good twice")
        with killed(story, b, "order.contracted committed"):
            a.ask("negotiate", product=product["product"])
        contract, _ = until("contract", lambda: next(iter(a.ask("orders").values()))["contract"])
        with killed(story, a, "order.progressed answered"):
            a.ask("conclude", contract=contract)
        through = a.ask("terms", contract=contract)["through"]
        story.say(
            f"服务费分成：挂牌场所 {through['listing_fen'] / 100:.2f} 元，成交场所 {through['selling_fen'] / 100:.2f} 元",
            f"the fee: listing {through['listing_fen']} fen, selling {through['selling_fen']} fen",
        )
        fee = through["listing_fen"] + through["selling_fen"]
        assert through["origin"] == b.origin and through["selling_fen"] == fee * 3000 // 10_000 > 0, through
        until("contract at the selling venue", lambda: b.ask("orders")[made["order"]]["contract"] == contract)
        story.note(contract=contract, through=through)
    return str(made["order"]), str(contract)


def delivering(story: Story, number: str, contract: str) -> None:
    """Money into custody, the data from the provider's connector to the buyer, accepted; both paid through the bank."""
    from connector import client

    a, b = story.a, story.b
    with story.step("money", "买方缴款，存管入账，合同生效", "the buyer pays into custody; the contract is in force"):
        paid, _ = until("request for payment", lambda: a.ask("pay"))
        granted, _ = until("grant at the connector", lambda: a.ask("token", contract=contract))
        story.note(paid_fen=paid)
    with story.step("delivery", "连接器交付，逐字节计量，买方验收", "delivered by the connector, metered, accepted"):
        target = story.out / "delivered" / granted["file"]
        target.parent.mkdir(parents=True, exist_ok=True)
        pulled = client.pull(granted["url"], granted["token"], target, purpose=granted["purpose"])
        a.ask("accept", number=granted["delivery"], receipt=pulled.receipt, sha256=pulled.sha256)
        story.note(bytes=pulled.size, sha256=pulled.sha256)
        story.say(f"{pulled.size:,} 字节", f"{pulled.size:,} bytes")
    with story.step(
        "settlement",
        "杭州结算付款；深圳确认凭证途中被杀",
        "paid; Shenzhen is killed taking the voucher",
    ):
        with killed(story, a, "order.acknowledged taken"), killed(story, b, "order.completed taken", always=True):
            until("settlement run", lambda: a.ask("run"))
            until("payments", lambda: a.ask("bank"))
        until("completion", lambda: b.ask("orders")[number]["state"] == "completed")
        until("acknowledgement", lambda: next(iter(a.ask("orders").values()))["acknowledgement"])


def vouching(story: Story, number: str, contract: str) -> None:
    """One voucher; each log names it; both verify offline."""
    a, b = story.a, story.b
    with story.step(
        "one-voucher", "一份凭证，两本日志均载，离线核验", "one voucher, named in both logs, verified offline"
    ):
        here, there = next(iter(a.ask("orders").values())), b.ask("orders")[number]
        same = [(o["voucher"], o["acknowledgement"]) for o in (here, there)]
        assert same[0] == same[1], same
        fees = [(o["listing_fen"], o["selling_fen"]) for o in (here, there)]
        made = a.ask("voucher", contract=contract)
        through = made["subject"]["through"]
        assert fees[0] == fees[1] == (through["listing_fen"], through["selling_fen"]), (fees, through)
        assert made["facts"] == 1 and made["digest"] == here["voucher"], made
        files = []
        for house, digest, name in ((a, here["voucher"], "voucher"), (b, there["acknowledgement"], "acknowledgement")):
            content, _ = until(f"seal of the {name}", partial(house.ask, "sealed_of", digest=digest))
            files.append(story.keep(f"trade/{name}.sealed.json", base64.b64decode(content)))
        told: Any = parse_object(files[1].read_bytes())
        voucher: Any = parse_object(files[0].read_bytes())["credential"]
        assert told["credential"]["credentialSubject"]["voucher"] == credential_digest(voucher), (
            "another voucher is acknowledged"
        )
        named = told["fact"]["payload"]["digests"].values()
        assert credential_digest(voucher) in named, "the selling venue's log does not name the voucher"
        _verified(story, files)
        for house in (a, b):
            facts = house.ask("naming", digest=here["voucher"])
            story.say(f"{house.titles[0]}日志：{'、'.join(facts)}", f"log of {house.titles[1]}: {', '.join(facts)}")
        story.note(voucher=here["voucher"], fees=fees[0])


def claiming(story: Story, number: str) -> dict[str, Any]:
    """The selling venue's part: due in one ledger, claimed in the other, and agreed."""
    a, b = story.a, story.b
    with story.step("claiming", "深圳请款，杭州确认", "claimed by Shenzhen, agreed by Hangzhou"):
        fee = b.ask("orders")[number]["selling_fen"]
        _between(a, b, payable=fee, receivable=fee, earned=0)
        with killed(story, a, "settlement.claimed taken"):
            claim: dict[str, Any] = b.ask("claim", venue=a.venue)
        assert claim["amount_fen"] == fee, claim
        _declined(b, "nothing-due", "claim", venue=a.venue)
        until("claim at the listing venue", lambda: claim["settlement"] in a.ask("settlements"))
        with killed(story, b, "settlement.agreed committed"):
            a.ask("agree", settlement=claim["settlement"])
        until("agreement", lambda: b.ask("settlements")[claim["settlement"]]["state"] == "agreed")
        _declined(b, "netting-period-runs", "net", venue=a.venue)
        story.say(f"{claim['settlement']}：{fee / 100:.2f} 元，期满轧差", f"{fee} fen, netted once the day is over")
        story.note(**claim)
    return claim


def netting(story: Story, claim: dict[str, Any]) -> None:
    """The day is over: the balance is drawn up, compared by the other venue, agreed, paid and received through both banks."""
    a, b = story.a, story.b
    fee = claim["amount_fen"]
    with story.step("netting", "次日轧差：对账一致，只付差额", "the next day: statements agree, only the balance is paid"):
        tomorrow = max(str(house.ask("now")) for house in (a, b))
        for house in (a, b):
            house.ask("until", day=(datetime.fromisoformat(tomorrow) + timedelta(days=1)).isoformat())
        with killed(story, a, "settlement.netted taken"):
            made = b.ask("net", venue=a.venue)
        assert made["amount_fen"] == fee, made
        until("netting at the listing venue", lambda: made["settlement"] in a.ask("settlements"))
        with killed(story, b, "settlement.agreed committed"):
            a.ask("agree", settlement=made["settlement"])
        for house in (a, b):
            until("set off", partial(_in, house, claim["settlement"], "netted"))
        until("settlement run", lambda: a.ask("run"))
        with killed(story, a, "settlement.paid answered"):
            until("payment", lambda: a.ask("bank"))
        paid, _ = until("payment told", lambda: b.ask("settlements")[made["settlement"]]["instruction"])
        _between(a, b, payable=0, receivable=fee, earned=0)
        with killed(story, b, "settlement.received about to be posted"):
            b.ask("arrive", reference=made["settlement"], amount_fen=fee, payer=a.titles[0])
        for house in (a, b):
            until("reception", partial(_in, house, made["settlement"], "received"))
        _between(a, b, payable=0, receivable=0, earned=fee)
        story.say(f"{made['settlement']}：{fee / 100:.2f} 元，付款指令 {paid}", f"{fee} fen by instruction {paid}")
        story.note(**made, instruction=paid)


def _declined(house: House, code: str, act: str, **given: Any) -> None:
    try:
        house.ask(act, **given)
    except Declined as refused:
        assert refused.code == code, refused
    else:
        raise AssertionError(f"{act} was not declined")


def _in(house: House, settlement: str, state: str) -> bool:
    return bool(house.ask("settlements")[settlement]["state"] == state)


def _between(a: House, b: House, **wanted: int) -> None:
    """The listing venue's payable, the selling venue's receivable and what it has earned. Errors: AssertionError."""
    there, here = a.ask("between", venue=b.venue), b.ask("between", venue=a.venue)
    found = {"payable": there["payable"], "receivable": here["receivable"], "earned": here["earned"]}
    assert found == wanted, (found, wanted)
    assert there["postings"] == 1, there


def _verified(story: Story, files: list[Path]) -> None:
    """As somebody who has the files and the two public keys: another process, no network, no database."""
    clean = {k: v for k, v in os.environ.items() if not k.startswith(("SHUGU_", "DJANGO_", "DATABASE_URL"))}
    keys = [part for house in (story.a, story.b) for part in ("--key", str(story.out / f"{house.venue}.vkey"))]
    for file in files:
        done = subprocess.run(
            [sys.executable, "-m", "shugu.verifier", str(file), *keys, "--both", "--short"],
            capture_output=True, text=True, check=False, env=clean,
        )  # fmt: skip
        assert done.returncode == 0, done.stdout + done.stderr
        print("".join(f"      {line}\n" for line in done.stdout.splitlines()), end="", flush=True)


def withdrawing(story: Story, product: dict[str, Any]) -> None:
    a, b, c = story.houses
    with story.step(
        "withdrawn", "杭州摘牌，一分钟内两地不再展示", "delisted in Hangzhou: gone in both venues within a minute"
    ):
        path = f"/zone/{a.venue}/{product['product']}/"
        a.ask("delist", listing=product["listing"])
        took = everywhere((b, c), lambda house: page(house, path)[0] == 404)
        for venue, seconds in took.items():
            story.say(f"{venue} {seconds:.1f} 秒后不再展示", f"gone at {venue} after {seconds:.1f} s")
        story.note(seconds_until_gone=took)
        refused_order(story, product, "not-found")

