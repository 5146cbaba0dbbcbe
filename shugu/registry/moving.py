"""An entry that moves to another venue's register, and one that comes from there: never two valid lines (decision 0016).

Out: the holder asks, the registrar lets it go: in one transaction the line ends (facet `moved`) and the transfer-out
credential is signed. From then on this venue restores its line only on the other venue's signed refusal, which that venue
gives only if it has not entered the line and then never can. In: a transfer-out credential opens one case, once; the
registrar enters the line or refuses, and either is answered with a credential of our own.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from shugu.formats.status import Flag
from shugu.kernel import documents, engine, journal, signer, status, store
from shugu.kernel.cases import Actor, ActorKind, Command, PartyView, Rules
from shugu.kernel.commands import command
from shugu.kernel.engine import Applied
from shugu.kernel.errors import Forbidden, InputInvalid, NotFound
from shugu.kernel.queries import name_fact
from shugu.kernel.rules import RuleValue
from shugu.kernel.text import Text
from shugu.kernel.vocabulary import effect
from shugu.kernel.workdays import local_day
from shugu.party import queries as parties
from shugu.registry import applications, book, queries, writing
from shugu.registry.domain import Facet
from shugu.registry.errors import EntryEnded
from shugu.registry.models import Entry, EntryVersion, Filing, Mark
from shugu.registry.models_federation import Move, MoveRefusal, Origin
from shugu.registry.operations import MOVES, By, On, Operation, Writes
from shugu.registry.printing import named

OUT, IN = "registry.move_out", "registry.move_in"
TRANSFER_OUT, TRANSFER_IN, TRANSFER_REFUSED = "TransferOut", "TransferIn", "TransferRefused"
STATUS = Flag.REVOKED  # what can happen to a transfer-out: refused there, the line stands here again

for _name, _zh, _en in (
    ("move.asked", "申请迁出", "move to another venue asked for"),
    ("move.released", "准予迁出，本簿条目终止", "let go: the line here has ended"),
    ("move.withdrawn", "撤回迁出申请", "the move was withdrawn"),
    ("move.declined", "不准迁出", "the move was declined"),
    ("move.completed", "迁出完成", "entered at the other venue"),
    ("move.returned", "对方拒收，恢复条目", "refused there: the line stands again"),
    ("move.received", "收到迁入条目", "an entry comes from another venue"),
    ("move.entered", "迁入登簿", "entered from another venue"),
    ("move.refused", "拒绝迁入", "an entry from another venue refused"),
    ("move.recall_asked", "请求对方退回", "the other venue is asked to give it back"),
    ("move.turned_away", "签发拒绝迁入文书", "refusal of the move signed"),
    ("entry.moved_out", "条目迁出", "entry moved to another venue"),
    ("entry.moved_in", "条目迁入", "entry moved here from another venue"),
    ("entry.moved_back", "条目恢复", "entry stands again"),
):
    name_fact(_name, _zh, _en)


@dataclass(frozen=True)
class AskMove:
    """`target`: the register there. Who the other venue is and that the agreement covers it is the caller's to know."""

    entry_number: str
    venue: str
    origin: str
    target: str


@dataclass(frozen=True)
class ReceiveMove:
    """A transfer-out credential that the caller has verified: `document` its digest, `subject` what it says, `register` ours."""

    document: str
    venue: str
    origin: str
    register: str
    subject: Mapping[str, Any]


@dataclass(frozen=True)
class AnswerMove:
    """The other venue's signed answer to a transfer-out: entered there under `number`, or refused (`number` empty)."""

    document: str
    answer: str
    number: str = ""


def _by_mandate(actor: Actor) -> None:
    if actor.kind is not ActorKind.MANDATE:
        raise Forbidden()


def move_operation(code: str, rules: Rules) -> Operation:
    """As an operation that enters a line; its articles are those of the register's own list."""
    source: RuleValue = rules.value("registry.operations")
    return Operation(code, MOVES[code], On.NOTHING, By.HOLDER, Writes.ENTER, None, "", "", source)


@command("registry.ask_move", ("申请迁出登记条目", "ask to move an entry to another venue"))
def ask_move(cmd: AskMove, *, actor: Actor, now: datetime) -> Filing:
    """By its one holder. Errors: NotFound, Forbidden, EntryEnded, InputInvalid while a move is under way."""
    line = Entry.objects.select_for_update().filter(number=cmd.entry_number).first()
    if line is None:
        raise NotFound(what=(f"登记条目 {cmd.entry_number}", f"entry {cmd.entry_number}"))
    last = EntryVersion.objects.filter(entry=line).order_by("-version")[0]
    if actor.org != line.holder_id or last.shares.count() != 1:
        raise Forbidden()
    if Facet.MOVED.value in queries.entry(line.pk, local_day(now)).facets:
        raise EntryEnded(entry=line.number)
    if Move.objects.filter(filing__entry=line, outward=True, filing__case__closed_at__isnull=True).exists():
        problem = ("该条目已在迁出中", "a move of this entry is under way")
        raise InputInvalid(fields="entry", field_errors={"entry": problem})
    filing = _open(OUT, "move_out", line.register, line.title, line.object_kind, line.holder_id, line, last, actor, now)
    Move.objects.create(filing=filing, outward=True, venue=cmd.venue, origin=cmd.origin, target=cmd.target)
    return filing


def _open(
    procedure: str, code: str, register: str, title: str, object_kind: str, holder: int, line: Entry | None,
    last: EntryVersion | None, actor: Actor, now: datetime, said: Mapping[str, Any] | None = None,
) -> Filing:  # fmt: skip
    number = store.next_number("registration", local_day(now).year)
    rights = list(last.rights) if last is not None else list((said or {}).get("rights", ()))
    held = [{"org": holder, "parts": 1}]
    case = engine.open_case(
        procedure, actor=actor, now=now, title=title, parties=(PartyView("holder", None, holder),),
        subjects=(f"party.org:{holder}", *([f"registry.entry:{line.pk}"] if line is not None else [])),
        data={"register": register, "operation": code, "holders": held, "object_kind": object_kind, "rights": rights,
              "entry": line.pk if line is not None else None},
        fact_data={"filing": number, "register": register, "operation": code, **({"entry": line.number} if line else {})},
    )  # fmt: skip
    return Filing.objects.create(
        case_id=case, number=number, register=register, operation=code, entry=line, applicant_id=holder, title=title[:200],
        object_kind=object_kind, rights=rights, holders=held,
        form=dict(last.form) if last is not None else dict((said or {}).get("particulars", {})), filed_at=now,
    )  # fmt: skip


@effect("registry.let_go")
def let_go(applied: Applied) -> None:
    """The line ends and the transfer-out is signed, in the transaction of the registrar's decision."""
    filing = Filing.objects.select_related("entry", "move").get(pk=applied.case)
    assert filing.entry is not None
    line, move = Entry.objects.select_for_update().get(pk=filing.entry.pk), filing.move
    last = EntryVersion.objects.filter(entry=line).order_by("-version")[0]
    rules = applications.rules_of(line.register)
    placed = book.PlaceHold(
        entry_id=line.pk, facet=Facet.MOVED.value, reason=f"{move.venue} {filing.number}", forbids=book.DISPOSALS,
        article=applications.article_of(rules.value("registry.move_stops")), detail={"venue": move.venue, "origin": move.origin},
    )  # fmt: skip
    move.mark = book.mark_entry(placed, applied.actor, applied.now, case=filing.pk)
    number = store.next_number("move", local_day(applied.now).year)
    said, seat = _leaving(line, last, move, filing), status.allot(STATUS)
    content = signer.document_bytes(
        signer.sign_document(TRANSFER_OUT, number=number, now=applied.now, subject=said, status=seat)
    )
    move.document, move.moved_at, move.seat = documents.put(content), applied.now, seat.number
    move.save(update_fields=["mark", "document", "moved_at", "seat"])
    _record("entry.moved_out", line, filing, applied, {"transfer_out": move.document}, venue=move.venue, transfer=number)


def _leaving(line: Entry, last: EntryVersion, move: Move, filing: Filing) -> dict[str, Any]:
    secret = applications.secrets(line.register)
    return {
        "to": move.origin, "target": move.target, "filing": filing.number, "title": last.title,
        "entry": {"number": line.number, "version": last.version, "register": line.register,
                  "regime": applications.register_named(line.register).regime, "entered_on": line.entered_on.isoformat()},
        "object_kind": line.object_kind, "rights": list(last.rights), "valid_until": last.valid_until.isoformat(),
        "holders": [{k: h[k] for k in ("name", "uscc", "parts")} for h in named([{"org": line.holder_id, "parts": 1}])],
        "particulars": {k: v for k, v in last.form.items() if k not in secret},
    }  # fmt: skip


def _record(name: str, line: Entry, filing: Filing, applied: Applied, digests: Mapping[str, str], **data: Any) -> int:
    return journal.record(
        name, subject=f"registry.entry:{line.pk}", actor=applied.actor, now=applied.now, case=filing.pk, digests=dict(digests),
        data={"filing": filing.number, "entry": line.number, **data},
    )  # fmt: skip


@command("registry.answer_move", ("收到对方对迁出的答复", "take the other venue's answer to a move"))
def answer_move(cmd: AnswerMove, *, actor: Actor, now: datetime) -> Move:
    """By the app that verified it. The same answer again changes nothing. Errors: Forbidden, NotFound, Refused."""
    _by_mandate(actor)
    move = Move.objects.select_for_update(of=("self",)).filter(document=cmd.document, outward=True).first()
    if move is None:
        raise NotFound(what=("迁出", "move"))
    if move.answer == cmd.answer:
        return move
    move.answer, move.number = cmd.answer, cmd.number
    move.save(update_fields=["answer", "number"])
    engine.act(
        move.pk, Command("complete" if cmd.number else "take_back"), actor=actor, now=now, digests={"answer": cmd.answer},
        fact_data={"moved_to": cmd.number, "venue": move.venue},
    )  # fmt: skip
    return move


@effect("registry.stand_again")
def stand_again(applied: Applied) -> None:
    filing = Filing.objects.select_related("entry", "move").get(pk=applied.case)
    assert filing.entry is not None and filing.move.mark_id is not None
    mark = Mark.objects.select_for_update().get(pk=filing.move.mark_id)
    book.lift_mark(mark, applied.actor, applied.now, ground=f"filing:{filing.number}")
    if filing.move.seat is not None:
        status.mark({filing.move.seat: STATUS})
    # What the status lists called moved stays so: the line that stands again has a certificate of its own.
    rules = applications.rules_of(filing.register)
    writing.certify_again(
        writing.Writing(
            filing, move_operation("move_out", rules), rules, applied.actor, applied.now, applied.effective_on, applied.fact_id
        )
    )
    _record("entry.moved_back", filing.entry, filing, applied, {"refusal": filing.move.answer}, venue=filing.move.venue)


@command("registry.receive_move", ("收到迁入条目", "receive an entry that moves here"))
def receive_move(cmd: ReceiveMove, *, actor: Actor, now: datetime) -> Filing:
    """Opens the registrar's case, once for each transfer-out. Errors: Forbidden, NotFound for a holder or register unknown
    here, InputInvalid."""
    _by_mandate(actor)
    known = Move.objects.filter(document=cmd.document).select_related("filing").first()
    if known is not None:
        return known.filing
    if MoveRefusal.objects.filter(document=cmd.document).exists():
        problem = ("该迁出文书已被本场所永久拒收", "this transfer-out was refused here for ever")
        raise InputInvalid(fields="document", field_errors={"document": problem})
    said = cmd.subject
    holders: Any = said.get("holders")
    if not isinstance(holders, list) or len(holders) != 1:
        problem = ("应只有一个持有人", "it has one holder")
        raise InputInvalid(fields="holders", field_errors={"holders": problem})
    holder = parties.organisation_by_uscc(str(holders[0].get("uscc", "")))
    if cmd.register not in {r["id"] for r in queries.registers() if r["open"]}:
        raise NotFound(what=(f"登记簿 {cmd.register}", f"register {cmd.register}"))
    filing = _open(
        IN, "move_in", cmd.register, str(said.get("title", "")), str(said.get("object_kind", ""))[:40], holder.id, None, None,
        actor, now, said,
    )  # fmt: skip
    entry: Any = said.get("entry") or {}
    Move.objects.create(
        filing=filing, outward=False, venue=cmd.venue, origin=cmd.origin, target=cmd.register, document=cmd.document,
        number=str(entry.get("number", ""))[:60], content=dict(said),
    )  # fmt: skip
    return filing


@effect("registry.take_in")
def take_in(applied: Applied) -> None:
    """The line is entered once, with its origin, and the transfer-in is signed."""
    filing = Filing.objects.select_related("move").get(pk=applied.case)
    move, rules = filing.move, applications.rules_of(filing.register)
    w = writing.Writing(
        filing, move_operation("move_in", rules), rules, applied.actor, applied.now, applied.effective_on, applied.fact_id
    )
    until = date.fromisoformat(str(move.content["valid_until"]))
    line = writing.enter_moved(w, until, {
        "recognition": "", "venue": move.venue, "certificate": "", "entry": move.number, "digest": move.document,
    })  # fmt: skip
    move.answer = _answer(TRANSFER_IN, move, filing, applied, {"number": line.number, "register": line.register})
    move.moved_at = applied.now
    move.save(update_fields=["answer", "moved_at"])
    digests = {"transfer_out": move.document, "transfer_in": move.answer}
    fact = _record("entry.moved_in", line, filing, applied, digests, venue=move.venue)
    Origin.objects.create(
        entry=line, kind="moved_in", venue=move.venue, origin=move.origin, number=move.number, certificate="",
        digest=move.document, fact=fact,
    )  # fmt: skip


@effect("registry.turn_away")
def turn_away(applied: Applied) -> None:
    """A signed refusal: this transfer-out can never be entered here any more, its case being at its end."""
    filing = Filing.objects.select_related("move").get(pk=applied.case)
    move = filing.move
    reason = str(applied.input.get("reason", ""))[:400]
    move.answer = _answer(TRANSFER_REFUSED, move, filing, applied, {"reason": reason})
    move.save(update_fields=["answer"])
    journal.record(
        "move.turned_away", subject=f"registry.filing:{filing.pk}", actor=applied.actor, now=applied.now, case=filing.pk,
        data={"filing": filing.number, "venue": move.venue}, digests={"transfer_out": move.document, "refusal": move.answer},
    )  # fmt: skip


def _answer(kind: str, move: Move, filing: Filing, applied: Applied, more: Mapping[str, Any]) -> str:
    return _signed(kind, filing.number, move.origin, move.document, more, applied.now)


def _signed(kind: str, number: str, to: str, document: str, more: Mapping[str, Any], now: datetime) -> str:
    subject = {"to": to, "transfer_out": document, "entry": dict(more)}
    return documents.put(signer.document_bytes(signer.sign_document(kind, number=number, now=now, subject=subject)))


@dataclass(frozen=True)
class RecallMove:
    """The venue that signed a transfer-out wants it back: ours to give only while the line has not been entered here."""

    document: str
    origin: str
    reason: str


@command("registry.recall_move", ("应对方请求拒收迁入条目", "refuse an entry that its venue wants back"))
def recall_move(cmd: RecallMove, *, actor: Actor, now: datetime) -> dict[str, str]:
    """{"answer": digest of what this venue signed about it}: the refusal, or the transfer-in if the line was entered. A
    transfer-out that never came is refused for ever. Errors: Forbidden, NotFound for another venue's."""
    _by_mandate(actor)
    move = Move.objects.select_for_update(of=("self",)).filter(document=cmd.document, outward=False).first()
    if move is not None:
        if move.origin != cmd.origin:
            raise NotFound(what=("迁入", "move"))
        if not move.answer:
            engine.act(move.pk, Command("recall"), actor=actor, now=now, fact_data={"reason": cmd.reason[:400]})
            move.refresh_from_db()
        return {"answer": move.answer}
    known = MoveRefusal.objects.filter(document=cmd.document).first()
    if known is not None:
        return {"answer": known.answer}
    number = store.next_number("move", local_day(now).year)
    answer = _signed(TRANSFER_REFUSED, number, cmd.origin, cmd.document, {"reason": cmd.reason[:400]}, now)
    fact = journal.record(
        "move.turned_away", subject=f"registry.move:{number}", actor=actor, now=now, data={"move": number, "origin": cmd.origin},
        digests={"transfer_out": cmd.document, "refusal": answer},
    )  # fmt: skip
    MoveRefusal.objects.create(document=cmd.document, origin=cmd.origin, answer=answer, fact=fact)
    return {"answer": answer}


@dataclass(frozen=True)
class MoveView:
    """`state`: its case's. `document` and `answer`: digests of the two sides' credentials."""

    filing: str
    case: int
    case_number: str
    outward: bool
    state: str
    venue: str
    origin: str
    target: str
    entry: str
    number: str
    document: str
    answer: str

    @property
    def title(self) -> Text:
        if self.outward:
            done = {"moved": Text("已迁往", "moved to"), "returned": Text("曾拟迁往（对方拒收）", "refused by")}
            return done.get(self.state, Text("拟迁往", "on its way to"))
        return Text("迁自", "moved from")


def moves(*, outward: bool, entry_id: int | None = None, state: str = "") -> list[MoveView]:
    rows = Move.objects.filter(outward=outward).select_related("filing__case", "filing__entry").order_by("pk")
    if entry_id is not None:
        rows = rows.filter(filing__entry_id=entry_id)
    if state:
        rows = rows.filter(filing__case__state=state)
    return [_view(row) for row in rows]


def refusals() -> list[tuple[str, str, str]]:
    """(transfer-out, our answer, whose it was) of those refused without a case."""
    return list(MoveRefusal.objects.order_by("pk").values_list("document", "answer", "origin"))


def move_of(document: str) -> MoveView | None:
    row = Move.objects.filter(document=document).select_related("filing__case", "filing__entry").first()
    return _view(row) if row is not None else None


def _view(row: Move) -> MoveView:
    filing = row.filing
    return MoveView(
        filing.number, filing.pk, filing.case.number, row.outward, filing.case.state, row.venue, row.origin, row.target,
        filing.entry.number if filing.entry is not None else "", row.number, row.document, row.answer,
    )  # fmt: skip


__all__ = [
    "IN",
    "OUT",
    "AnswerMove",
    "AskMove",
    "MoveView",
    "RecallMove",
    "ReceiveMove",
    "answer_move",
    "ask_move",
    "move_of",
    "moves",
    "recall_move",
    "receive_move",
    "refusals",
]  # fmt: skip
