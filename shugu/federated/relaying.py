"""What a dishonest relayer between two live venues can do to a shared listing: keep it from being fresh, and nothing else."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from shugu.federated.ground import actor, moment
from shugu.federated.relay import Relay
from shugu.federated.watching import WITHIN, Refused, api, page, until

if TYPE_CHECKING:
    from shugu.federated.story import Story

_STALE_MINUTES: Final = 11  # more than the ten minutes for which the story's agreements let a listing count


def relayed(story: Story, product: dict[str, Any]) -> None:
    """Both ways between listing and selling venue go through relayers; in the end all is as it was."""
    a, b = story.a, story.b
    before_a, before_b = Relay(a), Relay(b)
    for relay in (before_a, before_b):
        relay.start()
    try:
        b.ask("reroute", venue=a.venue, url=before_a.url)
        a.ask("reroute", venue=b.venue, url=before_b.url)
        _tell(story, product, before_a, before_b)
    finally:
        for house, other in ((a, b), (b, a)):
            if house.alive:
                house.ask("reroute", venue=other.venue, url=other.url)
        for relay in (before_a, before_b):
            relay.stop()


def _tell(story: Story, product: dict[str, Any], before_a: Relay, before_b: Relay) -> None:
    a, b = story.a, story.b
    path = f"/zone/{a.venue}/{product['product']}/"
    head = f"/federation/catalogue/{b.origin}/head"
    with story.step("through", "消息与目录经中继传递：暂停、恢复挂牌", "through relayers: suspended and resumed"):
        b.ask("confirm", venue=a.venue)
        assert head in before_a.answered, "the relayer was not asked"
        a.ask("suspend_listing", listing=product["listing"])
        until("suspension", lambda: page(b, path)[0] == 404)
        a.ask("resume_listing", listing=product["listing"])
        until("return", lambda: "已确认在售" in page(b, path)[1])
        until("both messages", lambda: len(before_b.messages) >= 2)
        b.ask("confirm", venue=a.venue)
        earlier = before_b.messages[1]
    with story.step("withheld", "中继扣下消息：挂牌转为未确认，不能下单", "a relayer withholds: the listing turns stale"):
        seen = len(before_b.messages)
        before_a.mode = before_b.mode = "withhold"
        a.ask("suspend_listing", listing=product["listing"])
        for house in story.houses:
            house.ask("minutes", count=_STALE_MINUTES)
        _, took = until("staleness", lambda: "未及时确认" in page(b, path)[1])
        refused_order(story, product, "peer-unreachable")
        until("a try to tell the withdrawal", lambda: len(before_b.messages) > seen)
        story.note(stale_after=took, withheld=len(before_b.messages) - seen)
    with story.step("replayed", "中继重放旧目录与旧消息：不作数", "old answers and old messages played again: nothing"):
        before_a.mode = "replay"
        refused_order(story, product, "catalogue-behind")
        _played_again(story, earlier)
        assert "未及时确认" in page(b, path)[1]
    with story.step("altered", "中继改动消息：不予签收", "an altered message is not taken"):
        before_a.mode, before_b.mode = "withhold", "alter"
        tried = len(before_b.messages)
        until("another try", lambda: len(before_b.messages) > tried)
        assert page(b, path)[0] == 200 and "未及时确认" in page(b, path)[1]
    with story.step("passed", "恢复传递：一分钟内不再展示，随后恢复", "passed on again: gone within a minute, then back"):
        before_a.mode = before_b.mode = "pass"
        _, gone = until("withdrawal", lambda: page(b, path)[0] == 404)
        a.ask("resume_listing", listing=product["listing"])
        _, back = until("return", lambda: "已确认在售" in page(b, path)[1])
        assert gone < WITHIN and back < WITHIN, (gone, back)
        story.say(f"{gone:.1f} 秒后不再展示，{back:.1f} 秒后恢复", f"gone after {gone:.1f} s, back after {back:.1f} s")
        story.note(gone_after=gone, back_after=back)


def refused_order(story: Story, product: dict[str, Any], code: str) -> None:
    """The buyer tries to order it. Errors: AssertionError unless that is refused with this code."""
    try:
        api(story.b, "federation/orders", {"venue": story.a.venue, "product": product["product"]}, story.buyer)
    except Refused as refused:
        assert refused.code == code, refused
        story.say(f"下单被拒：{code}", f"an order is refused: {code}")
    else:
        raise AssertionError("it could be ordered")


def _played_again(story: Story, taken: bytes) -> None:
    """A message that was taken before comes again, and again: the receipt of then."""
    import httpx

    address = story.b.url + "/federation/messages"
    answers = []
    for _ in range(2):
        answers.append(httpx.post(address, content=taken, timeout=20, trust_env=False))
        time.sleep(0.1)
    assert answers[0].status_code == 200 and answers[0].content == answers[1].content, [x.status_code for x in answers]


def reroute(venue: str, url: str) -> str:
    """The other venue's address, as this venue's operator enters it."""
    from shugu.edges.federation import peers, services

    cmd = services.ChangePeer(peers.peer_named(venue).origin, base_url=url)
    return str(services.change_peer(cmd, actor=actor("otto"), now=moment()).base_url)


def act_on_listing(listing: int, do: str) -> str:
    from shugu.catalogue import services as catalogue

    given = {"reason": "核查"} if do == "suspend" else {}
    cmd = catalogue.ActOnListing(listing, do, given)
    return str(catalogue.act_on_listing(cmd, actor=actor("otto"), now=moment()).case.state)


def minutes(count: int) -> str:
    """Let the demonstration clock run on."""
    from shugu.kernel import founding

    return str(founding.advance_clock(timedelta(minutes=count)).isoformat())


def confirm(venue: str) -> int:
    """Compare our copy of the other venue's catalogue now, as the worker does every 20 seconds."""
    from shugu.edges.federation import peers, zone

    return zone.confirm(peers.peer_named(venue), moment())


ACTS: Mapping[str, Callable[..., Any]] = {
    "reroute": reroute, "minutes": minutes, "confirm": confirm,
    "suspend_listing": lambda listing: act_on_listing(listing, "suspend"),
    "resume_listing": lambda listing: act_on_listing(listing, "resume"),
}  # fmt: skip
