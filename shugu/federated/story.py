"""The story: three venues under three regimes recognise one another's certificates and move an entry. Told and checked.

`tell(out, …)` runs it and says whether every step held; it knows nothing of Django: the venues are processes (houses.py).
"""

from __future__ import annotations

import base64
import hashlib
import json
import tempfile
from collections.abc import Collection
from functools import partial
from pathlib import Path
from typing import Any

from shugu.federated.chains import IDS, Chains, anvil
from shugu.federated.houses import Declined, Died, House, free_port
from shugu.federated.relying import relying
from shugu.federated.trading import trading
from shugu.federated.watching import Refused, until
from shugu.formats.canonical import parse_object
from shugu.formats.message import require_both
from shugu.formats.suites import Keyring, keyring
from shugu.telling import Teller

# The steps at which a side is killed; the trimmed story takes the first and the last of each side.
OUT_STEPS = ("move.sent about to be queued", "move.sent queued", "move.sent about to be posted", "move.sent answered",
             "move.sent delivered")  # fmt: skip
IN_STEPS = ("move.sent taken", "move.sent committed")
BACK_STEPS = ("move.answered about to be queued", "move.answered queued", "move.answered about to be posted",
              "move.answered answered")  # fmt: skip
BACK_IN_STEPS = ("move.answered taken", "move.answered committed")


class Story(Teller):
    """The three venues and the chains they anchor in."""

    def __init__(self, out: Path, houses: tuple[House, House, House], trimmed: bool, schema: Path | None = None) -> None:
        super().__init__(out, "both", _words_of)
        self.houses, self.trimmed, self.schema = houses, trimmed, schema
        self.a, self.b, self.c = houses
        self.chains: Chains | None = None
        self.buyer = ""  # the API key of the buyer of the trade over two venues

    def anchored(self, house: House) -> None:
        """What the venue's log holds now is anchored in its chain and final; nothing where the story goes without chains."""
        if self.chains is not None:
            # A venue anchors a small log once a day: the clocks of all run on together.
            for one in self.houses:
                one.ask("days", count=2)
            size = self.chains.anchor(house)
            self.say(f"{house.titles[0]}的检查点 {size} 已锚定", f"checkpoint {size} is anchored")

    def registered(self, house: House, title: str) -> str:
        """A data product of alice's in the venue's register; the entry's number."""
        reviewer = {"reviewer": "quinn"} if house is self.b else {}
        made = _register(self, house, applicant="alice", register="data-property", title=title, object_kind="data_product",
                     rights=["processing_use", "operation"], **reviewer)  # fmt: skip
        assert made["state"] == "registered", made
        return str(made["entry"])

    def settle(self, rounds: int = 3) -> None:
        """Turns of every worker, so that what was told is received and answered."""
        for _ in range(rounds):
            for house in self.houses:
                house.ask("round")


_OWN = (Declined, Died, Refused, AssertionError)


def _words_of(error: BaseException) -> str | None:
    """A refusal that was not expected, a death, or a broken promise ends the story."""
    return str(error) or "a promise did not hold" if isinstance(error, _OWN) else None


def tell(
    out: Path, homes: Path, *, trimmed: bool = False, only: Collection[str] = (), schema: Path | None = None
) -> int:  # fmt: skip
    """0 only if every step held. `homes` is where the venues keep everything; it must not exist yet. `only`: names of the
    chapters to tell besides the founding and the agreements, all for none. `schema`: a home whose stopped embedded server has
    an empty database of the present schema; one is made without it."""
    out.mkdir(parents=True, exist_ok=True)
    venues = (("hangzhou", ("杭州", "Hangzhou")), ("shenzhen", ("深圳", "Shenzhen")), ("dali", ("大理", "Dali")))
    houses = [House(venue, titles, homes / venue, free_port()) for venue, titles in venues]
    story = Story(out, (houses[0], houses[1], houses[2]), trimmed, schema)
    try:
        for chapter in CHAPTERS:
            if not only or chapter in _ALWAYS or chapter.__name__ in only:
                chapter(story)
    except _OWN as error:
        print(f"✗ {error}", flush=True)
    finally:
        for house in houses:
            house.end()
        if story.chains is not None:
            story.chains.end()
        told = story.chains.contracts if story.chains is not None else "skipped"
        summary = story.summary(trimmed=trimmed, chains=told)
        (out / "summary.json").write_text(json.dumps(summary, ensure_ascii=False, indent=1), "utf-8")
    return 0 if story.held else 1


def founding(story: Story) -> None:
    with story.step("founding", "建立三个场所，各有制度、密钥与日志", "three venues, each with regime, keys and log"):
        template = House("hangzhou", story.a.titles, story.a.home.parent / "template", story.a.port)
        if story.schema is None:
            template.schema()
        for house in story.houses:
            house.copy_of(story.schema or template.home)
        for house in story.houses:
            house.begin()
        for house in story.houses:
            house.wait()
        for house in story.houses:
            house.vkeys = house.ask("cast")
            house.origin = keyring(house.vkeys).keys[0].name
            story.keep(f"{house.venue}.vkey", house.vkeys.encode())
            story.say(f"{house.titles[0]} {house.origin} {house.url}", f"{house.titles[1]} {house.origin}")


def chaining(story: Story) -> None:
    program = anvil()
    if program is None:
        print("!!! 没有 anvil（npm）或 web3：跳过锚定 / no anvil (npm) or no web3: anchors are SKIPPED", flush=True)
        return
    with story.step("chains", "两条链、两份合约，各场所登记", "two chains, a contract in each, every venue registered"):
        story.chains = Chains()
        story.chains.start(program)
        for house in story.houses:
            story.chains.equip(house)
        story.note(chains=dict(IDS), contracts=dict(story.chains.contracts))


def _told_of(teller: House, other: House, reference: str) -> bool:
    """Whether the other knows of it: a message that a busy machine let run into its time is sent again."""
    teller.ask("round")
    try:
        return bool(other.ask("agreement", reference=reference))
    except Declined:
        return False


def _in_force(houses: tuple[House, House], reference: str) -> bool:
    houses[0].ask("round")
    sides = [house.ask("agreement", reference=reference) for house in houses]
    return all((side["state"], side["state_of_proof"]) == ("in_force", "sealed") for side in sides)


def agreeing(story: Story) -> None:
    with story.step("peers", "互相登记并核准公钥", "each pins the others' keys"):
        for house in story.houses:
            for other in story.houses:
                if other is not house:
                    zh, en = other.titles
                    house.ask("add_peer", venue=other.venue, zh=zh, en=en, url=other.url, vkeys=other.vkeys)
    with story.step("agreements", "三份互认协议：提出、会签、生效", "three agreements offered, countersigned, in force"):
        for first, second in ((story.a, story.b), (story.b, story.c), (story.a, story.c)):
            reference = first.ask("offer", venue=second.venue, terms=terms(story, first, second))
            until(f"the offer {reference} at {second.venue}", partial(_told_of, first, second, reference))
            second.ask("act_on_agreement", reference=reference, act="countersign")
            until(f"{reference} in force, and in both logs", partial(_in_force, (second, first), reference))
            sides = [house.ask("agreement", reference=reference) for house in (first, second)]
            assert sides[0]["credential"] == sides[1]["credential"], "the two venues hold different agreements"
            content = base64.b64decode(sides[0]["credential"])
            both = Keyring((*keyring(first.vkeys).keys, *keyring(second.vkeys).keys))
            require_both(parse_object(content), both, (first.origin, second.origin))
            story.keep(f"agreement-{first.venue}-{second.venue}.json", content)
            sealed = first.ask("sealed_of", digest=hashlib.sha256(content).hexdigest())
            story.keep(f"agreement-{first.venue}-{second.venue}.sealed.json", base64.b64decode(sealed))
            story.note(**{reference: {first.venue: sides[0]["index"], second.venue: sides[1]["index"]}})


REGISTERS = {"hangzhou": "data-property", "shenzhen": "data-property", "dali": "data-asset"}
KINDS = {
    "hangzhou": ["data_property_certificate"],
    "shenzhen": ["data_property_certificate", "data_resource_licence_voucher"],
    "dali": ["data_registration_certificate"],
}  # fmt: skip
WAIVED = {"hangzhou": ["source_proof"], "shenzhen": ["source_proof"], "dali": ["authorisation_proof"]}


def terms(story: Story, first: House, second: House) -> dict[str, Any]:
    """Each recognises the other's certificates for its own first registrations; entries may move between them."""

    def row(by: House, of: House) -> dict[str, Any]:
        waives = [{"register": REGISTERS[by.venue], "operation": "first", "materials": WAIVED[by.venue]}]
        kinds = [*KINDS[of.venue], "data_transaction_voucher"]
        return {"by": by.origin, "of": of.origin, "kinds": kinds, "regimes": [of.venue, "trade"], "waives": waives}

    moves = [
        {"from": a.origin, "to": b.origin, "registers": {REGISTERS[a.venue]: REGISTERS[b.venue]}}
        for a, b in ((first, second), (second, first))
    ]
    sharing = [
        {"from": a.origin, "to": b.origin, "industries": [], "freshness": 600} for a, b in ((first, second), (second, first))
    ]
    anchors = story.chains.demanded(first, second) if story.chains is not None else {}
    return {
        "recognises": [row(first, second), row(second, first)], "moves": moves,
        "evidence": {"status_max_age": 604_800, "witnesses": 0, "anchors": anchors}, "fees": {"listing": 7000, "selling": 3000},
        "notice_days": 30, "valid_from": "2025-01-01", "valid_until": "2030-12-31", "sharing": sharing,
        "netting": "day",
    }  # fmt: skip


def recognising(story: Story) -> None:
    a, b = story.a, story.b
    with story.step("certificate", "甲在杭州登记数据产权，取得证书", "a data property is registered in Hangzhou and certified"):
        made = _register(story, a, applicant="alice", register="data-property", title="西湖客流统计数据", rights=["holding"])
        assert made["state"] == "registered", made
        story.anchored(a)
        content = a.ask("sealed", certificate=made["certificate"])
        story.keep("hangzhou-certificate.sealed.json", base64.b64decode(content))
        story.note(**made)
    with story.step("presentation", "向深圳出示：逐项核验，承认", "presented in Shenzhen: every check, recognised"):
        shown = b.ask("present", who="alice", content=content)
        for check in shown["checks"]:
            story.say(f"{check['n']:>2} {check['title'][0]} {check['outcome']}", f"{check['title'][1]}")
        assert shown["state"] == "recognised", shown
        outcome = next(c["outcome"] for c in shown["checks"] if c["id"] == "anchor")
        assert outcome == ("ok" if story.chains is not None else "skipped"), shown
        story.keep("presentation.json", json.dumps(shown, ensure_ascii=False, indent=1).encode())
    with story.step("waiver", "据以申请登记：恰好免交约定的材料", "applied with it: exactly what was agreed is waived"):
        plain = _register(story, b, applicant="carol", register="data-property", title="深圳湾水质数据", rights=["holding"],
                      reviewer="quinn")  # fmt: skip
        waived = _register(story, b, applicant="alice", register="data-property", title="西湖客流统计数据", rights=["holding"],
                       recognition=shown["recognition"], reviewer="quinn")  # fmt: skip
        assert (plain["state"], waived["state"]) == ("registered", "registered"), (plain, waived)
        assert set(plain["asked"]) - set(waived["asked"]) == {"source_proof"}, (plain, waived)
        story.note(asked=plain["asked"], asked_with_it=waived["asked"])
    refusing(story, content, made)


def _register(story: Story, house: House, **given: Any) -> dict[str, Any]:
    """A whole registration; where it waits for a notice to end, the clocks of all venues run on together and what was
    recognised is asked about again."""
    made: dict[str, Any] = house.ask("register", **given)
    while made["waiting"]:
        for one in story.houses:
            one.ask("until", day=made["waiting"])
        house.ask("recheck")
        made = house.ask("go_on", filing=made["filing"])
    return made


def refusing(story: Story, content: str, made: dict[str, Any]) -> None:
    a, b = story.a, story.b
    with story.step("refusals", "伪造、未知场所、他人、已撤销：均拒", "forged, unknown venue, another's, revoked: all refused"):
        raw = base64.b64decode(content)
        forged = base64.b64encode(raw.replace("西湖".encode(), "东湖".encode(), 1)).decode()
        assert b.ask("present", who="alice", content=forged)["failed"] == "proof-ed25519"
        unknown = base64.b64encode(raw.replace(a.origin.encode(), b"elsewhere.example", 99)).decode()
        assert b.ask("present", who="alice", content=unknown)["failed"] == "known-venue"
        assert b.ask("present", who="carol", content=content)["failed"] == "holder"
    with story.step("ended", "甲地撤销后，乙地的承认自行失效", "revoked there, the recognition here ends by itself"):
        a.ask("hold", entry=made["entry"], facet="revoked")
        for house in story.houses:
            house.ask("days", count=4)  # more than half of the age the agreement allows: it is asked about again
        b.ask("recheck")
        states = {(r["state"], r["failed"]) for r in b.ask("recognitions", who="alice")}
        assert ("ended", "revoked") in states and not any(s == "live" for s, _ in states), states
        assert b.ask("present", who="alice", content=content)["failed"] == "status"


def authorising(story: Story) -> None:
    """Authorised in one place, recognised in another: the licence over public data registered in Shenzhen is the proof of
    authorisation that Dali asks for (article 14 (4))."""
    b, c = story.b, story.c
    with story.step("authorisation", "深圳登记的许可，大理认作授权证明", "a licence of Shenzhen is proof in Dali"):
        owned = _register(story, b, applicant="carol", register="data-property", title="公共气象数据资源", rights=["holding"],
                      object_kind="data_resource", reviewer="quinn")  # fmt: skip
        licence = _register(story, b, applicant="bob", register="data-property", title="", rights=["processing_use"],
                        operation="licence", entry=owned["entry"], reviewer="quinn")  # fmt: skip
        assert licence["state"] == "registered" and licence["certificate"], licence
        story.anchored(b)
        content = b.ask("sealed", certificate=licence["certificate"])
        story.keep("shenzhen-licence.sealed.json", base64.b64decode(content))
        shown = c.ask("present", who="bob", content=content)
        assert shown["state"] == "recognised", shown
        _register(story, c, applicant="bob", register="data-asset", title="账户", rights=[], operation="open_account")
        done = _register(story, c, applicant="bob", register="data-asset", title="气象服务数据", rights=["processing_use"],
                     recognition=shown["recognition"], reviewer="quinn", answers={"gained_on_venue": "no"})  # fmt: skip
        assert done["state"] == "registered" and "authorisation_proof" not in done["asked"], done
        story.note(licence=licence, registered=done)


def moving(story: Story) -> None:
    a, b = story.a, story.b
    kills = [(a, s) for s in OUT_STEPS] + [(b, s) for s in IN_STEPS + BACK_STEPS] + [(a, s) for s in BACK_IN_STEPS]
    if story.trimmed:
        kills = [(a, "move.sent queued"), (b, "move.sent taken"), (a, "move.answered committed")]
    for number, (victim, at) in enumerate(kills, 1):
        with story.step(
            f"move-{number}", f"迁移：{victim.titles[0]}在“{at}”被杀", f"an entry moves; {victim.titles[1]} is killed at “{at}”"
        ):
            _one_move(story, a, b, victim, at, number)
    with story.step("move-refused", "对方拒收：凭签名文书恢复", "refused: the line stands again on the signed word"):
        made = _fresh(story, a, 90)
        case = a.ask("ask_move", who="alice", entry=made["entry"], venue=b.venue)
        a.ask("act_on_move", case=case, act="release")
        story.settle(2)
        coming = next(m for m in b.ask("moves", outward=False) if m["state"] == "received")
        _never_two(story, a, b, made["entry"])
        b.ask("act_on_move", case=coming["case"], act="refuse", reason="不属于本簿范围")
        story.settle(2)
        gone = next(m for m in a.ask("moves", outward=True) if m["case"] == case)
        assert gone["state"] == "returned" and "valid" in a.ask("facets", entry=made["entry"]), gone
        story.keep("transfer-refused.json", base64.b64decode(a.ask("document", digest=gone["answer"])))


def _fresh(story: Story, house: House, number: int) -> dict[str, Any]:
    made: dict[str, Any] = _register(
        story, house, applicant="alice", register="data-property", title=f"迁移样本数据 {number}", rights=["holding"],
        object_kind="data_product",
    )  # fmt: skip
    assert made["state"] == "registered", made
    return made


def _valid(house: House, title: str) -> int:
    return sum("valid" in e["facets"] for e in house.ask("held", who="alice") if e["title"] == title)


def _never_two(story: Story, a: House, b: House, entry: str, title: str = "") -> int:
    """How many lines of the right are valid in both books together. Errors: AssertionError for more than one."""
    named = title or next(e["title"] for e in a.ask("held", who="alice") if e["entry"] == entry)
    count = _valid(a, named) + _valid(b, named)
    assert count <= 1, f"{entry} is valid twice"
    return count


def _one_move(story: Story, a: House, b: House, victim: House, at: str, number: int) -> None:
    """One move with one death in it; in the end exactly one line, and it is the other venue's."""
    made = _fresh(story, a, number)
    title = f"迁移样本数据 {number}"
    case = a.ask("ask_move", who="alice", entry=made["entry"], venue=b.venue)
    victim.ask("arm", step=at)
    a.ask("act_on_move", case=case, act="release")
    killed = 0
    for _ in range(6):
        for house in (a, b):
            try:
                if house is b:
                    for move in b.ask("moves", outward=False):
                        if move["state"] == "received":
                            b.ask("act_on_move", case=move["case"], act="enter")
                house.ask("round")
            except Died:
                killed += 1
                assert house is victim, "another process died"
            if not victim.alive:
                killed = max(killed, 1)
                victim.again()
            _never_two(story, a, b, made["entry"], title)
    assert killed, f"nobody was killed at {at}"
    gone = next(m for m in a.ask("moves", outward=True) if m["case"] == case)
    assert gone["state"] == "moved" and gone["number"], gone
    assert (_valid(a, title), _valid(b, title)) == (0, 1), "the right is not valid in exactly one book"
    story.note(entry=made["entry"], moved_to=gone["number"], killed_at=at)
    if number == 1:
        story.keep("transfer-out.json", base64.b64decode(a.ask("document", digest=gone["document"])))
        story.keep("transfer-in.json", base64.b64decode(a.ask("document", digest=gone["answer"])))


CHAPTERS = (founding, chaining, agreeing, recognising, authorising, trading, moving, relying)
_ALWAYS = (founding, agreeing)


def main(out: Path, *, trimmed: bool = False, only: Collection[str] = ()) -> int:
    """`shugu federation demo`: the venues' homes are a temporary folder; what they signed stays in `out`."""
    with tempfile.TemporaryDirectory(prefix="shugu-federation-", ignore_cleanup_errors=True) as homes:
        return tell(out, Path(homes), trimmed=trimmed, only=only)
