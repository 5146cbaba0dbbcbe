"""The chapter of the story in which Hangzhou is not simply believed: witnessed, with rotated and stolen keys, on paper, behind
with its lists, and lying."""

from __future__ import annotations

import base64
import json
from datetime import datetime
from typing import TYPE_CHECKING, Any

from shugu.federated.houses import House
from shugu.formats.pins import Pins
from shugu.formats.suites import keyring
from shugu.formats.verdicts import Verdict
from shugu.formats.verify import Verifier

if TYPE_CHECKING:
    from shugu.federated.story import Story

DAY_SECONDS = 86_400
_LINE = "西湖水位监测数据"


def relying(story: Story) -> None:
    made, content = _witnessed(story)
    _rotated(story, made, content)
    _on_paper(story, made)
    _behind(story, content)
    _lying(story, made, content)


def _shown(story: Story, content: str, name: str = "") -> dict[str, Any]:
    """Presented in Shenzhen; the checks are kept under `name`."""
    found: dict[str, Any] = story.b.ask("present", who="alice", content=content)
    if name:
        story.keep(f"{name}.json", json.dumps(found, ensure_ascii=False, indent=1).encode())
    return found


def _of(found: dict[str, Any], check: str) -> dict[str, Any]:
    return dict(next(c for c in found["checks"] if c["id"] == check))


def _recognised(found: dict[str, Any]) -> None:
    told = next((f"{c['id']}: {c['detail'][1]}" for c in found["checks"] if c["outcome"] == "failed"), "")
    assert found["state"] == "recognised", f"{found['state']} {told}"


def _say_failed(story: Story, found: dict[str, Any]) -> None:
    check = _of(found, found["failed"])
    story.say(f"{check['n']} {check['title'][0]}：{check['detail'][0]}", f"{check['title'][1]}: {check['detail'][1]}")


def _witnessed(story: Story) -> tuple[dict[str, Any], str]:
    from shugu.federated.story import _register, terms

    a, b, c = story.a, story.b, story.c
    with story.step("witness", "大理为杭州的日志作见证", "Dali witnesses the log of Hangzhou"):
        key = c.ask("witness_for", vkeys=a.vkeys)
        c.ask("pin", origin=a.origin, vkey=key)
        a.ask("witnessed_by", vkey=key, url=f"{c.url}/witness")
    with story.step("witnessed", "新协议：须有该见证，列表不得旧于一日", "agreed anew: cosigned, lists of a day at most"):
        agreed = terms(story, a, b)
        evidence = {**agreed["evidence"], "witnesses": 1, "witnessed_by": [key], "published_max_age": DAY_SECONDS}
        evidence |= {"either": True} if evidence["anchors"] else {}
        reference = a.ask("offer", venue=b.venue, terms={**agreed, "evidence": evidence})
        a.ask("round")
        b.ask("act_on_agreement", reference=reference, act="countersign")
        b.ask("round")
        made = _register(story, a, applicant="alice", register="data-property", title=_LINE, rights=["holding"])
        content = a.ask("sealed", certificate=made["certificate"])
        found = _shown(story, content, "presentation-witnessed")
        assert found["state"] == "recognised", found
        note = a.ask("checkpoint")
        assert f"\u2014 {key.partition('+')[0]} " in note, note
        story.keep("hangzhou-checkpoint-witnessed.txt", note.encode())
        assert {_of(found, one)["outcome"] for one in ("log", "list", "agrees", "status", "witnesses", "key-history")} == {"ok"}
        story.note(agreement=reference, **made)
    return {**made, "witness": key}, content


def _rotated(story: Story, made: dict[str, Any], content: str) -> None:
    a, b = story.a, story.b
    with story.step("rotated", "杭州换密钥：新旧证书均获承认", "Hangzhou rotates: certificates of both keys count"):
        old, new = a.ask("rotate")
        story.c.ask("witness_for", vkeys=a.ask("vkeys"))  # a witness is told by its operator
        fresh = a.ask("sealed", certificate=made["certificate"])
        for one in (content, fresh):
            _recognised(_shown(story, one))
        assert [k["key"] for k in b.ask("history", venue=a.venue) if k["key"] in (old, new)] == [old, new]
        story.note(old=old, new=new)
    with story.step("stolen", "旧密钥失窃：伪造无用，旧证书照认", "the old key is stolen: forgeries gain nothing"):
        a.ask("lose", key=old)
        forged = a.ask("forge", certificate=made["certificate"], key=old, title="西湖全部数据")
        found = _shown(story, forged, "presentation-stolen-key")
        assert (found["state"], found["failed"]) == ("refused", "key-history"), found
        _say_failed(story, found)
        _recognised(_shown(story, content))
        assert next(k for k in b.ask("history", venue=a.venue) if k["key"] == old)["ended"] == "compromised"


def _on_paper(story: Story, made: dict[str, Any]) -> None:
    with story.step("paper", "出示打印的证书（PDF）；改动一字即拒", "presented on paper; a changed one is refused"):
        paper = base64.b64decode(story.a.ask("paper", certificate=made["certificate"], who="alice"))
        story.keep("hangzhou-certificate.pdf", paper)
        found = _shown(story, base64.b64encode(paper).decode(), "presentation-paper")
        assert found["state"] == "recognised" and _of(found, "pdf-signature")["outcome"] == "ok", found
        changed = paper.replace(b"/Type/Pages", b"/Type/Pagez", 1)
        assert changed != paper
        found = _shown(story, base64.b64encode(changed).decode())
        assert (found["state"], found["failed"]) == ("refused", "pdf-signature"), found
        _say_failed(story, found)


def _behind(story: Story, content: str) -> None:
    with story.step("stale", "杭州两日不公布状态列表：拒，并说明已旧多久", "no list for two days: refused, with its age"):
        story.a.ask("publish", on=False)
        _days(story, 2)
        found = _shown(story, content, "presentation-stale")
        assert (found["state"], found["failed"]) == ("refused", "list"), found
        _say_failed(story, found)
        story.a.ask("publish", on=True)
        _recognised(_shown(story, content))


def _days(story: Story, count: int) -> None:
    for house in _all(story):
        house.ask("days", count=count)


def _all(story: Story) -> tuple[House, ...]:
    return (story.a, story.b, story.c)


def _lying(story: Story, made: dict[str, Any], content: str) -> None:
    a, b = story.a, story.b
    with story.step("listed", "杭州撤销：其列表载明，深圳拒并指明版本", "revoked: the list that says so is named"):
        a.ask("hold", entry=made["entry"], facet="revoked")
        a.ask("tidy")
        found = _shown(story, content, "presentation-revoked")
        assert (found["state"], found["failed"]) == ("refused", "status"), found
        assert "0-revocation.json" in _of(found, "status")["detail"][1], found
        _say_failed(story, found)
    with story.step("lying", "杭州谎称有效：答复与列表矛盾，两份签名留证", "it lies: answer and list are kept against it"):
        a.ask("lie", certificate=made["certificate"])
        found = _shown(story, content, "presentation-lie")
        assert (found["state"], found["failed"]) == ("refused", "agrees"), found
        _say_failed(story, found)
        kept = b.ask("contradictions", venue=a.venue)
        assert len(kept) == 1 and kept[0]["first"] != kept[0]["second"], kept
        answer, listed = (base64.b64decode(kept[0][side]) for side in ("first", "second"))
        story.keep("hangzhou-says.json", answer)
        story.keep("hangzhou-list-says.sealed.json", listed)
        _convicts(story, f"{a.vkeys}{made['witness']}\n", a.ask("keys_file"), answer, listed)
        assert not any(r["state"] == "live" for r in b.ask("recognitions", who="alice") if r["number"] == found["recognition"])


def _convicts(story: Story, vkeys: str, history: str, answer: bytes, listed: bytes) -> None:
    """With the keys of the first day and the published history alone, as a court would: both are genuinely Hangzhou's."""
    story.keep("hangzhou-and-witness.vkey", vkeys.encode())
    story.keep("hangzhou-venue-keys.json", history.encode())
    pins = Pins(keyring(vkeys), [history.encode()])
    at = datetime.fromisoformat(story.a.ask("now"))
    assert Verifier(pins, at).document(listed).verdict is Verdict.SEALED
    assert Verifier(pins, at).document(answer).verdict is Verdict.SIGNED
