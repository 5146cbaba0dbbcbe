"""An entry that moves: the line here ends first, stands again only on the other side's signed refusal, and is entered once."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from shugu.edges.federation import messages, services, transfers
from shugu.edges.federation.errors import AgreementMissing
from shugu.edges.federation.tests.kit import ORIGIN, Other
from shugu.edges.federation.tests.test_agreements import Pair, signed, tell
from shugu.edges.federation.tests.test_presenting import sealed_by
from shugu.evidence import services as evidence
from shugu.formats.canonical import parse_object
from shugu.formats.credential import Document, credential_digest
from shugu.formats.pdf import verify_pdf
from shugu.formats.sealed import read_sealed
from shugu.formats.verdicts import Verdict
from shugu.formats.verify import verify_sealed
from shugu.kernel import own_documents, signer, subscriptions
from shugu.kernel.errors import Forbidden, GuardRefused, HeldBack, InputInvalid, NotYourStep
from shugu.kernel.workdays import local_day
from shugu.party import queries as parties
from shugu.registry import move_paper
from shugu.registry import queries as book
from shugu.registry import services as registry
from shugu.registry.errors import EntryEnded
from shugu.registry.models import Filing
from tests.world import World


@pytest.fixture()
def pair(world: World) -> Pair:
    other = Other.make("sm")
    found: Pair = (other, other.added(world))
    signed(found, world)
    return found


def facets(number: str, world: World) -> frozenset[str]:
    return book.entry_by_number(number, local_day(world.now)).facets


def ask(pair: Pair, world: World) -> tuple[str, Any]:
    line = world.registered_entry()
    return line.number, services.ask_move(services.AskMove(line.number, "faraway"), actor=world.alice, now=world.now)


def act(filing: Any, do: str, world: World, by: Any = None, **given: str) -> None:
    registry.act_on_filing(registry.ActOnFiling(filing.pk, do, given), actor=by or world.rita, now=world.now)


def rounds(pair: Pair, world: World) -> None:
    """The worker: facts into the log, to subscribers, then what is due to the other venue."""
    evidence.sequence_once(world.now)
    subscriptions.deliver(world.now)
    transfers.send_due(world.now)
    transfers.answer_recalls(world.now)
    messages.deliver(world.now, pair[0].post(world.now))


def let_go(pair: Pair, world: World) -> tuple[str, Any, Document]:
    number, filing = ask(pair, world)
    act(filing, "release", world)
    rounds(pair, world)
    kind, body = pair[0].last()
    assert kind == "move.sent"
    return number, filing, body["sealed"]


def answer(pair: Pair, kind: str, document: str, world: World, **more: Any) -> str:
    subject = {"to": signer.origin(), "transfer_out": document, "entry": more}
    sealed = parse_object(sealed_by(pair[0], pair[0].signed(kind, "MOV-FARAWAY", subject, world.now)))
    return tell(pair[0], "move.answered", {"document": document, "sealed": sealed}, world.now)


def test_the_line_ends_here_before_anything_is_said(world: World, pair: Pair) -> None:
    number, _filing, sealed = let_go(pair, world)
    assert "moved" in facets(number, world) and "valid" not in facets(number, world)
    from shugu.formats.canonical import canonical

    report = verify_sealed(read_sealed(canonical(sealed)), signer.keyring(), world.now)
    assert report.verdict is Verdict.SEALED
    said: Any = sealed["credential"]["credentialSubject"]  # type: ignore[index]
    assert (said["to"], said["target"], said["entry"]["number"]) == (ORIGIN, "data-property", number)
    with pytest.raises(EntryEnded):
        services.ask_move(services.AskMove(number, "faraway"), actor=world.alice, now=world.now)


def test_entered_there_it_has_moved_for_good(world: World, pair: Pair) -> None:
    number, filing, sealed = let_go(pair, world)
    document = credential_digest(sealed["credential"])  # type: ignore[arg-type]
    assert answer(pair, "TransferIn", document, world, number="ENT-FARAWAY-9", register="data-property") == ""
    filing.case.refresh_from_db()
    paper = move_paper.move_pdf(filing, "zh", now=world.now, actor=world.alice)
    told = verify_pdf(paper, own_documents.verifier(world.now))
    assert told.verdict is Verdict.SEALED and told.credential == sealed["credential"]
    move = registry.moves(outward=True, state="moved")[0]
    assert (filing.case.state, move.number) == ("moved", "ENT-FARAWAY-9")
    assert answer(pair, "TransferRefused", document, world, reason="late") == "not-in-procedure"
    assert "moved" in facets(number, world)


def test_only_a_signed_refusal_lets_it_stand_again(world: World, pair: Pair) -> None:
    number, filing, sealed = let_go(pair, world)
    document = credential_digest(sealed["credential"])  # type: ignore[arg-type]
    forger: Pair = (Other.make("sm"), pair[1])
    false = parse_object(sealed_by(forger[0], forger[0].signed(
        "TransferRefused", "X", {"to": signer.origin(), "transfer_out": document, "entry": {}}, world.now)))  # fmt: skip
    assert tell(pair[0], "move.answered", {"document": document, "sealed": false}, world.now) == "not-verified"
    assert answer(pair, "TransferRefused", "0" * 64, world, reason="x") == "bad-message"
    assert "moved" in facets(number, world)
    assert answer(pair, "TransferRefused", document, world, reason="不收") == ""
    filing.case.refresh_from_db()
    assert filing.case.state == "returned" and "valid" in facets(number, world)
    again = services.ask_move(services.AskMove(number, "faraway"), actor=world.alice, now=world.now)
    assert again.pk != filing.pk


def test_a_refused_message_is_followed_by_a_recall(world: World, pair: Pair) -> None:
    number, filing = ask(pair, world)
    act(filing, "release", world)
    evidence.sequence_once(world.now)
    transfers.send_due(world.now)
    messages.deliver(world.now, lambda peer, content: pair[0].receipt(content, world.now, code="not-found"))
    rounds(pair, world)
    assert pair[0].last()[0] == "move.recalled" and "moved" in facets(number, world)


def test_the_registrar_may_ask_it_back(world: World, pair: Pair) -> None:
    number, filing, sealed = let_go(pair, world)
    act(filing, "ask_back", world, reason="对方久未登簿")
    rounds(pair, world)
    kind, body = pair[0].last()
    assert (kind, body["document"], body["reason"]) == ("move.recalled", credential_digest(sealed["credential"]), "对方久未登簿")  # type: ignore[arg-type]
    assert "moved" in facets(number, world)


def test_what_is_objected_to_encumbered_or_suspended_stays(world: World, pair: Pair) -> None:
    number, filing = ask(pair, world)
    line = book.entry_by_number(number)
    for facet in ("objected", "encumbered", "suspended"):
        place = registry.PlaceHold(line.id, facet, "测试", forbids=())
        mark = registry.place_hold(place, actor=world.rita, now=world.now)
        with pytest.raises(GuardRefused):
            act(filing, "release", world)
        registry.lift_hold(registry.LiftHold(mark.pk), actor=world.rita, now=world.now)
        world.now += timedelta(days=1)
    held = registry.place_hold(registry.PlaceHold(line.id, "revoked_in_part", "查封"), actor=world.rita, now=world.now)
    with pytest.raises(HeldBack):
        act(filing, "release", world)
    registry.lift_hold(registry.LiftHold(held.pk), actor=world.rita, now=world.now)
    world.now += timedelta(days=1)
    act(filing, "release", world)


def test_who_may_ask_and_where_to(world: World, pair: Pair) -> None:
    line = world.registered_entry()
    with pytest.raises(Forbidden):
        services.ask_move(services.AskMove(line.number, "faraway"), actor=world.bob, now=world.now)
    ip = world.now + timedelta(days=400)
    with pytest.raises(AgreementMissing):
        services.ask_move(services.AskMove(line.number, "faraway"), actor=world.alice, now=ip)
    filing = services.ask_move(services.AskMove(line.number, "faraway"), actor=world.alice, now=world.now)
    with pytest.raises(InputInvalid):
        services.ask_move(services.AskMove(line.number, "faraway"), actor=world.alice, now=world.now)
    with pytest.raises(NotYourStep):
        act(filing, "release", world, by=world.rong)
    act(filing, "withdraw", world, by=world.alice)
    assert "valid" in facets(line.number, world)


def coming(pair: Pair, world: World, **changes: Any) -> tuple[str, dict[str, Any]]:
    """A transfer-out of the other venue to us: its digest, the message's body."""
    assert world.alice.org is not None
    subject = {
        "to": signer.origin(), "target": "data-property", "filing": "REG-F", "title": "远方迁来的数据",
        "entry": {"number": "ENT-FARAWAY-7", "version": 2, "register": "data-property", "regime": "shenzhen",
                  "entered_on": "2025-01-01"},
        "object_kind": "data_product", "rights": ["holding"], "valid_until": "2027-06-30",
        "holders": [{"name": "x", "uscc": parties.organisation(world.alice.org).uscc, "parts": 1}],
        "particulars": {"summary": "s", "industry": "transport", "region": "r", "source": "s"}, **changes,
    }  # fmt: skip
    credential = pair[0].signed("TransferOut", "MOV-FARAWAY-1", subject, world.now)
    return credential_digest(credential), {"sealed": parse_object(sealed_by(pair[0], credential))}


def test_it_is_entered_here_once_with_its_origin(world: World, pair: Pair) -> None:
    """An entry that leaves another register comes in once.
    carries: P3-248
    """
    document, body = coming(pair, world)
    assert tell(pair[0], "move.sent", body, world.now) == ""
    assert tell(pair[0], "move.sent", body, world.now) == ""  # told again under another number
    (move,) = registry.moves(outward=False)
    registry.act_on_filing(registry.ActOnFiling(move.case, "enter"), actor=world.rita, now=world.now)
    (line,) = book.entries_of(world.alice.org or 0)
    assert line.facets == {"valid"} and str(line.valid_until) == "2027-06-30"
    rounds(pair, world)
    kind, told = pair[0].last()
    said = told["sealed"]["credential"]["credentialSubject"]
    assert (kind, told["document"], said["entry"]["number"]) == ("move.answered", document, line.number)
    assert tell(pair[0], "move.recalled", {"document": document, "reason": "x"}, world.now) == ""
    assert book.entries_of(world.alice.org or 0)[0].facets == {"valid"}


def test_a_refusal_is_for_ever(world: World, pair: Pair) -> None:
    _document, body = coming(pair, world)
    tell(pair[0], "move.sent", body, world.now)
    (move,) = registry.moves(outward=False)
    registry.act_on_filing(registry.ActOnFiling(move.case, "refuse", {"reason": "材料不符"}), actor=world.rita, now=world.now)
    rounds(pair, world)
    assert pair[0].last()[1]["sealed"]["credential"]["type"][1] == "TransferRefused"
    paper = move_paper.move_pdf(Filing.objects.get(pk=move.case), "zh", now=world.now, actor=world.alice)
    assert verify_pdf(paper, own_documents.verifier(world.now)).verdict is Verdict.SEALED
    assert tell(pair[0], "move.sent", body, world.now) == ""
    assert [m.state for m in registry.moves(outward=False)] == ["refused"] and not book.entries_of(world.alice.org or 0)


def test_what_was_recalled_before_it_came_can_never_come(world: World, pair: Pair) -> None:
    document, body = coming(pair, world)
    assert tell(pair[0], "move.recalled", {"document": document, "reason": "误发"}, world.now) == ""
    rounds(pair, world)
    assert pair[0].last()[1]["sealed"]["credential"]["type"][1] == "TransferRefused"
    assert tell(pair[0], "move.sent", body, world.now) == "input-invalid"
    assert registry.moves(outward=False) == []


@pytest.mark.parametrize(
    "changes", [{"to": "third.example"}, {"target": "data-ip"}, {"holders": []}, {"entry": {"register": "unknown"}}]
)
def test_one_that_does_not_fit_is_refused(world: World, pair: Pair, changes: dict[str, Any]) -> None:
    _, body = coming(pair, world, **changes)
    assert tell(pair[0], "move.sent", body, world.now) != "" and registry.moves(outward=False) == []
