"""The bank's word: statements of the custody account taken line by line, matched, or put on the list of breaks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db import connection

from shugu.kernel import engine, journal
from shugu.kernel.cases import Actor, ActorKind, Command, mandate
from shugu.kernel.commands import command
from shugu.kernel.engine import Applied
from shugu.kernel.errors import Forbidden, GuardRefused, InputInvalid, NotFound
from shugu.kernel.money import format_fen
from shugu.kernel.vocabulary import context
from shugu.kernel.workdays import local_day
from shugu.settlement import escrows, ledger, runs, venues
from shugu.settlement.domain import AccountKind, Arrow, DueKind, PostingKind
from shugu.settlement.errors import NotEnoughMatched, StatementRefused
from shugu.settlement.models import BankStatement, Break, Due, Escrow, Instruction, StatementLine

PROCEDURE = "settlement.break"
_STATEMENT_LOCK = 0x5348_5543
Pair = tuple[str, str]


@dataclass(frozen=True)
class BankLine:
    """One movement on the custody account. `direction`: in or out; `amount` fen, positive; `id` is the bank's own."""

    id: str
    direction: str
    amount: int
    reference: str
    booked_at: datetime
    counterparty: str = ""
    counterparty_account: str = ""


@dataclass(frozen=True)
class TakeStatement:
    """`opening` and `closing` are the bank's balances in fen; `digest` the SHA-256 (hex) of the file it came in."""

    sequence: int
    account: str
    opening: int
    closing: int
    lines: tuple[BankLine, ...]
    digest: str


@dataclass(frozen=True)
class ActOnBreak:
    """do: match (`escrow` number; `with_` further break cases whose money belongs to it), send_back, explain."""

    case: int
    do: str
    reason: str = ""
    escrow: str = ""
    with_: tuple[int, ...] = ()
    input: Mapping[str, Any] = field(default_factory=dict)


@context("settlement.break")
def break_context(case: int, now: datetime) -> dict[str, Any]:
    direction = Break.objects.filter(case_id=case).values_list("line__direction", flat=True).first()
    return {"held": direction == "in"}


@command("settlement.take_statement", ("接收银行对账单", "take a bank statement"))
def take_statement(cmd: TakeStatement, *, actor: Actor, now: datetime) -> BankStatement:
    """Every line once, in the bank's order; the same statement again changes nothing.
    By a settlement officer or the bank edge. Errors: Forbidden, StatementRefused."""
    if actor.kind is ActorKind.PERSON and "settlement_officer" not in actor.seats:
        raise Forbidden()
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_STATEMENT_LOCK])
    known = BankStatement.objects.filter(digest=cmd.digest).first()
    if known is not None:
        return known
    _check(cmd)
    statement = BankStatement.objects.create(
        sequence=cmd.sequence, account=cmd.account, opening=cmd.opening, closing=cmd.closing, digest=cmd.digest, taken_at=now
    )
    journal.record(
        "statement.taken", subject=f"settlement.statement:{statement.pk}", actor=actor, now=now,
        data={"sequence": cmd.sequence, "lines": len(cmd.lines), "closing_fen": cmd.closing},
        digests={"bank_statement": cmd.digest},
    )  # fmt: skip
    for line in cmd.lines:
        row = StatementLine.objects.create(
            bank_id=line.id, statement=statement, direction=line.direction, amount=line.amount,
            reference=line.reference.strip().upper()[:80], counterparty=line.counterparty[:200],
            counterparty_account=line.counterparty_account[:40], booked_at=line.booked_at,
        )  # fmt: skip
        (_take_in if line.direction == "in" else _take_out)(row, actor, now)
    return statement


def _check(cmd: TakeStatement) -> None:
    reason: Pair | None = None
    ids = [line.id for line in cmd.lines]
    last = BankStatement.objects.order_by("-sequence").first()
    expected = 1 if last is None else last.sequence + 1
    opening = 0 if last is None else last.closing
    moved = sum(line.amount if line.direction == "in" else -line.amount for line in cmd.lines)
    if any(type(x.amount) is not int or x.amount <= 0 or x.direction not in ("in", "out") for x in cmd.lines):
        reason = ("每行须有方向与正的金额", "every line has a direction and a positive amount")
    elif cmd.sequence != expected:
        reason = (f"序号应为 {expected}", f"its sequence number should be {expected}")
    elif last is not None and cmd.account != last.account:
        reason = ("不是存管账户的对账单", "it is not of the custody account")
    elif cmd.opening != opening:
        reason = (f"期初余额应为 {format_fen(opening)}", f"its opening balance should be {format_fen(opening)}")
    elif cmd.opening + moved != cmd.closing:
        reason = ("期初加发生额不等于期末", "opening and movements do not make the closing balance")
    elif len(set(ids)) != len(ids) or StatementLine.objects.filter(bank_id__in=ids).exists():
        reason = ("含有已接收过的流水号", "it repeats a line already taken")
    if reason is not None:
        raise StatementRefused(reason=reason)


def _take_in(line: StatementLine, actor: Actor, now: datetime) -> None:
    escrow = Escrow.objects.select_related("case").filter(number=line.reference).first()
    sent = Instruction.objects.filter(number=line.reference).first()
    claim = venues.claimed(line.reference)
    if claim is not None and claim.open and line.amount == claim.amount:
        _deposit(line, AccountKind.VENUE_CLAIM, claim.org, actor, now, None)
        venues.receive(claim, actor=mandate("settlement", f"line:{line.bank_id}"), now=now)
        return
    if escrow is not None and escrow.case.state == "requested" and line.amount == escrow.requested:
        _deposit(line, AccountKind.CLIENT, escrow.buyer_id, actor, now, escrow.pk)
        escrows.fund(escrow, actor=mandate("settlement", f"line:{line.bank_id}"), now=now)
        return
    if escrow is not None:
        late = escrow.case.state in ("expired", "cancelled", "refunded")
        kind = "wrong_amount" if escrow.case.state == "requested" else "late" if late else "duplicate"
    elif claim is not None:
        kind = "wrong_amount" if claim.open else "duplicate"
    else:
        kind = "returned" if sent is not None else "unknown_reference"
    _deposit(line, AccountKind.SUSPENSE, None, actor, now, escrow.pk if escrow else None)
    _open_break(line, kind, escrow, sent, now)


def _deposit(
    line: StatementLine, kind: AccountKind, org: int | None, actor: Actor, now: datetime, escrow: int | None
) -> None:
    bank, target = ledger.account(AccountKind.BANK, None, now), ledger.account(kind, org, now)
    arrow = Arrow(f"bank:{line.bank_id}", bank, target, line.amount, PostingKind.DEPOSIT)
    link = ledger.Link(local_day(line.booked_at), escrow=escrow)
    ledger.draw(f"bank:{line.bank_id}", [arrow], link=link, actor=actor, now=now)


def _take_out(line: StatementLine, actor: Actor, now: datetime) -> None:
    sent = Instruction.objects.select_related("run").filter(number=line.reference).first()
    if sent is not None and sent.state == "issued" and sent.amount == line.amount:
        runs.confirm(sent, actor=actor, now=now, effective=line.booked_at)
        return
    # Nobody was told to pay this: it stays unposted, so that the reconciliation shows the gap until it is mended.
    _open_break(line, "unexplained_debit", None, sent, now)


def _open_break(
    line: StatementLine, kind: str, escrow: Escrow | None, sent: Instruction | None, now: datetime
) -> None:
    data = {"kind": kind, "amount_fen": line.amount, "line": line.bank_id}
    case = engine.open_case(
        PROCEDURE, actor=mandate("settlement", f"break:{line.bank_id}"), now=now,
        title=f"对账差异 · {format_fen(line.amount, symbol=True)}", data=data, fact_data=data,
    )  # fmt: skip
    Break.objects.create(case_id=case, line=line, kind=kind, escrow=escrow, instruction=sent, found_at=now)


def _break(case: int) -> Break:
    found = Break.objects.select_related("case", "line", "escrow", "instruction").filter(case_id=case).first()
    if found is None:
        raise NotFound(what=("对账差异", "reconciliation break"))
    return found


@command("settlement.act_on_break", ("处理对账差异", "resolve a reconciliation break"))
def act_on_break(cmd: ActOnBreak, *, actor: Actor, now: datetime) -> Break:
    """Errors: NotFound, NotEnoughMatched, InputInvalid and every Refused of the engine."""
    found = _break(cmd.case)
    others = [_break(case) for case in dict.fromkeys(cmd.with_) if case != cmd.case]
    acts = {"match": _match, "send_back": _send_back}
    given = {"escrow": cmd.escrow, "with": [o.case.number for o in others]} if cmd.do == "match" and cmd.escrow else {}
    reason = {"reason": cmd.reason, **{k: v for k, v in cmd.input.items() if k not in ("escrow", "with")}}
    data = {"kind": found.kind, "line": found.line.bank_id, "how": cmd.do}
    # Every case moves before any money does: a seat that may not act, or a break already resolved, changes nothing.
    for one in (found, *others):
        engine.act(one.case_id, Command(cmd.do, {**reason, **given}), actor=actor, now=now, fact_data=data, effect=_nothing)
    if cmd.do in acts:
        acts[cmd.do](cmd, found, others, actor, now)
    return found


def _nothing(applied: Applied) -> None:
    return None


def _match(cmd: ActOnBreak, found: Break, others: list[Break], actor: Actor, now: datetime) -> None:
    if found.kind == "returned" and found.instruction is not None:
        _give_back(found, found.instruction, actor, now)
        return
    wanted = cmd.escrow.strip().upper()
    lines = [b.line for b in (found, *others)]
    if any(line.direction != "in" for line in lines):
        raise InputInvalid(fields="with", field_errors={"with": ("只能认领来款", "only payments received can be matched")})
    have = sum(line.amount for line in lines)
    if venues.claimed(wanted) is not None:
        venues.match(wanted, [(f"bank:{x.bank_id}", x.amount) for x in lines], actor=actor, now=now)
        return
    escrow = Escrow.objects.select_related("case").filter(number=wanted).first()
    if escrow is None:
        raise InputInvalid(fields="escrow", field_errors={"escrow": ("没有这个缴款编号", "no such payment request")})
    if escrow.case.state != "requested":
        raise GuardRefused(why=("该缴款申请已不在待缴状态，请退回来款", "that request no longer waits for money: send it back"))
    if have < escrow.requested:
        raise NotEnoughMatched(have=format_fen(have), need=format_fen(escrow.requested))
    escrows.claim(
        f"claim:{found.line.bank_id}", [(f"bank:{x.bank_id}", x.amount) for x in lines], escrow, actor=actor, now=now
    )
    escrows.fund(escrow, actor=mandate("settlement", f"break:{found.case.number}"), now=now)
    if have > escrow.requested:
        account = ledger.account(AccountKind.CLIENT, escrow.buyer_id, now)
        Due.objects.create(
            reference=f"{escrow.number}/excess", account_id=account, amount=have - escrow.requested, kind=DueKind.REFUND,
            escrow=escrow, since=now,
        )  # fmt: skip


def _give_back(found: Break, sent: Instruction, actor: Actor, now: datetime) -> None:
    """A payment that came back is the payee's again and due anew."""
    suspense = ledger.account(AccountKind.SUSPENSE, None, now)
    reference = f"bank:{found.line.bank_id}/claim"
    arrow = Arrow(reference, suspense, sent.account_id, found.line.amount, PostingKind.CLAIM)
    ledger.draw(reference, [arrow], link=ledger.Link(local_day(now)), actor=actor, now=now)
    first = Due.objects.filter(instruction=sent).order_by("id").first()
    kind = first.kind if first is not None else DueKind.RETURN
    payee = dict(first.payee) if first is not None and kind == DueKind.SELLING_VENUE else {}
    Due.objects.create(
        reference=f"{sent.number}/again/{found.pk}", account_id=sent.account_id, amount=found.line.amount, kind=kind,
        payee=payee, since=now,
    )  # fmt: skip


def _send_back(cmd: ActOnBreak, found: Break, others: list[Break], actor: Actor, now: datetime) -> None:
    for one in (found, *others):
        line = one.line
        if line.direction != "in" or not line.counterparty_account:
            problem = ("没有付款人账号，无法退回", "the payer's account is not known")
            raise InputInvalid(fields="reason", field_errors={"reason": problem})
        suspense = ledger.account(AccountKind.SUSPENSE, None, now)
        payee = {"holder": line.counterparty, "bank": "", "number": line.counterparty_account}
        Due.objects.create(
            reference=f"bank:{line.bank_id}/return", account_id=suspense, amount=line.amount, kind=DueKind.RETURN,
            payee=payee, since=now,
        )  # fmt: skip
