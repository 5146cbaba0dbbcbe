"""Messages between venues: signed, in order, at least once, taken once; nothing of a stranger, a replayer or a forger."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from django.db import transaction
from django.test import Client

from shugu.edges.federation import messages, services
from shugu.edges.federation.errors import (
    DemonstrationMismatch,
    MessageConflict,
    MessageOutOfOrder,
    MessageTooLarge,
    PeerPaused,
    PeerUnreachable,
    UnknownPeer,
)
from shugu.edges.federation.models import Incoming, Outgoing, Peer
from shugu.edges.federation.tests.kit import Other
from shugu.formats.canonical import canonical, parse_object
from shugu.formats.errors import BadMessage, FormatError, ShuguError, VerificationError
from shugu.formats.message import MAX_BYTES, Message, read_receipt
from shugu.formats.suites import generate, keyring_of
from shugu.kernel import runtime, signer
from shugu.kernel.cases import mandate
from shugu.kernel.errors import Forbidden, InputInvalid
from shugu.kernel.models import Fact
from tests.world import World

US = mandate("test", "federation")


@pytest.fixture()
def heard(monkeypatch: pytest.MonkeyPatch) -> list[Message]:
    """Bodies of `test.said`, which this venue deals with for the length of the test."""
    found: list[Message] = []
    monkeypatch.setitem(messages.HANDLERS, "test.said", lambda peer, message, now: found.append(message))
    return found


def queued(peer: Peer, world: World, text: str = "hello") -> Outgoing:
    with transaction.atomic():
        return messages.queue(peer, "test.said", {"text": text}, reference=f"test:{text}", actor=US, now=world.now)


def test_a_message_is_taken_once_and_answered_with_the_same_receipt(world: World, heard: list[Message]) -> None:
    other = Other.make("sm")
    other.added(world)
    content = other.message("test.said", {"text": "你好"}, world.now)
    receipt = services.receive(content, world.now)
    assert services.receive(content, world.now + timedelta(days=3)) == receipt
    assert [m.body for m in heard] == [{"text": "你好"}]
    read = read_receipt(receipt, signer.keyring(), other.origin, world.now)
    assert (read.outcome, read.sequence, read.sender) == ("taken", 1, signer.origin())
    assert Fact.objects.filter(name="message.received").count() == 1


def test_another_message_under_a_used_number_is_refused(world: World, heard: list[Message]) -> None:
    other = Other.make()
    other.added(world)
    services.receive(other.message("test.said", {"text": "a"}, world.now), world.now)
    with pytest.raises(MessageConflict):
        services.receive(other.message("test.said", {"text": "b"}, world.now, sequence=1), world.now)
    with pytest.raises(MessageOutOfOrder) as refused:
        services.receive(other.message("test.said", {"text": "c"}, world.now, sequence=3), world.now)
    assert refused.value.expected == 2
    assert [m.body["text"] for m in heard] == ["a"]


def test_strangers_forgers_and_misdirected_messages_are_refused(world: World, heard: list[Message]) -> None:
    other, stranger = Other.make(), Other.make(origin="stranger.example")
    peer = other.added(world)
    forged = Other([replace(generate("intl", other.origin))])
    refusals = [
        (stranger.message("test.said", {}, world.now), UnknownPeer),
        (forged.message("test.said", {}, world.now), VerificationError),
        (other.message("test.said", {}, world.now, sequence=1, to="elsewhere.example"), BadMessage),
        (other.message("test.said", {}, world.now + timedelta(hours=1), sequence=1), VerificationError),
        (b"{}", BadMessage),
        (b"[1.5]", FormatError),
        (b" " * (MAX_BYTES + 1), MessageTooLarge),
    ]  # fmt: skip
    for content, refusal in refusals:
        with pytest.raises(refusal):
            services.receive(content, world.now)
    services.change_peer(services.ChangePeer(peer.origin, paused=True), actor=world.otto, now=world.now)
    with pytest.raises(PeerPaused):
        services.receive(other.message("test.said", {}, world.now, sequence=1), world.now)
    assert heard == [] and not Incoming.objects.exists()


def test_a_changed_byte_is_never_taken(world: World, heard: list[Message]) -> None:
    other = Other.make()
    other.added(world)
    content = other.message("test.said", {"text": "abc"}, world.now)
    for place in range(0, len(content), 17):
        changed = bytearray(content)
        changed[place] ^= 1
        with pytest.raises(ShuguError):
            services.receive(bytes(changed), world.now)
    assert heard == []


def test_demonstration_and_real_venues_do_not_mix(
    world: World, heard: list[Message], monkeypatch: pytest.MonkeyPatch
) -> None:
    other = Other.make()
    other.added(world)
    content = other.message("test.said", {}, world.now)
    monkeypatch.setattr(runtime, "demo", lambda: "demo" not in str(parse_object(content)))
    with pytest.raises(DemonstrationMismatch):
        services.receive(content, world.now)


def test_a_refused_body_is_recorded_undone_and_answered(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    other = Other.make()
    peer = other.added(world)

    def refuse(peer: Peer, message: Message, now: object) -> None:
        Peer.objects.filter(pk=peer.pk).update(title_en="half done")
        raise InputInvalid(fields="text", field_errors={})

    monkeypatch.setitem(messages.HANDLERS, "test.said", refuse)
    receipt = services.receive(other.message("test.said", {}, world.now), world.now)
    read = read_receipt(receipt, signer.keyring(), other.origin, world.now)
    assert (read.outcome, read.code) == ("refused", "input-invalid")
    unknown = services.receive(other.message("test.unheard", {}, world.now), world.now)
    assert read_receipt(unknown, signer.keyring(), other.origin, world.now).code == "unknown-message-kind"
    peer.refresh_from_db()
    assert (peer.title_en, peer.received) == ("Faraway Data Exchange", 2)


def test_what_is_queued_is_sent_in_order_until_it_is_received(world: World) -> None:
    other = Other.make()
    peer = other.added(world)
    first, second = queued(peer, world), queued(peer, world, "again")
    assert queued(peer, world).pk == first.pk and (first.sequence, second.sequence) == (1, 2)

    def dead(peer: Peer, content: bytes) -> bytes:
        raise PeerUnreachable(origin=peer.origin, why="ConnectError")

    assert messages.deliver(world.now, dead) == 0
    assert messages.deliver(world.now, other.post(world.now)) == 0  # waits for its next try
    later = world.now + timedelta(seconds=5)
    assert messages.deliver(later, other.post(later)) == 2
    assert [parse_object(m)["credentialSubject"]["sequence"] for m in other.asked] == [1, 2]  # type: ignore[index]
    assert messages.deliver(later, other.post(later)) == 0
    assert Fact.objects.filter(name="message.delivered").count() == 2


def test_a_relayer_that_swallows_a_message_cannot_pretend_it_arrived(world: World) -> None:
    other, relayer = Other.make(), Other.make()
    peer = other.added(world)
    queued(peer, world)
    old = other.receipt(other.message("test.said", {}, world.now), world.now)
    for answer in (b"{}", b"", relayer.receipt(b'{"credentialSubject":{"sequence":1}}', world.now), old):
        assert messages.deliver(world.now, lambda peer, content, answer=answer: answer) == 0  # type: ignore[misc]
        Outgoing.objects.update(retry_at=world.now)
    row = Outgoing.objects.get()
    assert row.delivered_at is None and row.last_error
    assert messages.deliver(world.now, other.post(world.now)) == 1


def test_a_peer_that_lost_its_newest_messages_is_told_them_again(world: World) -> None:
    other = Other.make()
    peer = other.added(world)
    queued(peer, world, "one")
    messages.deliver(world.now, other.post(world.now))
    queued(peer, world, "two")
    answers = {"missing": True}

    def restored(peer: Peer, content: bytes) -> bytes:
        subject = parse_object(content)["credentialSubject"]
        if subject["sequence"] == 2 and answers["missing"]:  # type: ignore[index]
            answers["missing"] = False
            raise MessageOutOfOrder(1)
        return bytes(other.post(world.now)(peer, content))

    assert messages.deliver(world.now, restored) == 1
    assert [parse_object(m)["credentialSubject"]["sequence"] for m in other.asked] == [1, 1, 2]  # type: ignore[index]


def test_a_rotated_key_is_believed_once_the_operator_has_pinned_it(world: World, heard: list[Message]) -> None:
    other = Other.make()
    peer = other.added(world)
    old = other.keys
    other.keys = [generate("intl", other.origin)]
    content = other.message("test.said", {}, world.now)
    with pytest.raises(VerificationError):
        services.receive(content, world.now)
    line = other.keys[0].verify_key.vkey()
    with pytest.raises(Forbidden):
        services.pin_key(services.PinKey(peer.origin, line), actor=world.rita, now=world.now)
    services.pin_key(services.PinKey(peer.origin, line), actor=world.otto, now=world.now)
    services.receive(content, world.now)
    gone = services.RetireKey(peer.origin, old[0].verify_key.vkey())
    services.retire_key(gone, actor=world.otto, now=world.now)
    stolen = Other(old, sent=1).message("test.said", {}, world.now)
    with pytest.raises(VerificationError):
        services.receive(stolen, world.now)
    with pytest.raises(InputInvalid):
        services.retire_key(services.RetireKey(peer.origin, line), actor=world.otto, now=world.now)


def test_over_http_the_refusals_keep_their_status(world: World, heard: list[Message], client: Client) -> None:
    other = Other.make()
    other.added(world)
    late = other.message("test.said", {}, world.now, sequence=2)
    refused = client.post("/federation/messages", late, content_type="application/json")
    assert (refused.status_code, refused["Federation-Expected"]) == (409, "1")
    taken = client.post("/federation/messages", other.message("test.said", {}, world.now), content_type="application/json")
    assert taken.status_code == 200 and canonical(parse_object(taken.content)) == taken.content
    assert client.get("/federation/messages").status_code == 405


def test_adding_a_venue_asks_for_good_keys_and_an_address(world: World) -> None:
    other = Other.make()
    both = keyring_of([*other.keys, *Other.make(origin="third.example").keys]).text()
    bad = services.AddPeer("", "远", "Far", "ftp://x", both)
    with pytest.raises(InputInvalid) as refused:
        services.add_peer(bad, actor=world.otto, now=world.now)
    assert set(refused.value.field_errors) == {"venue", "base_url", "vkeys"}
    own = services.AddPeer("own", "自", "Own", "https://own.example", signer.keyring().text())
    with pytest.raises(InputInvalid):
        services.add_peer(own, actor=world.otto, now=world.now)
    with pytest.raises(Forbidden):
        services.add_peer(replace(own, vkeys=keyring_of(other.keys).text()), actor=world.alice, now=world.now)
