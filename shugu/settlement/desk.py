"""What the settlement officers work with: dues, runs, instruction files, breaks, the reconciliation. Door: queries."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from django.db.models import Sum

from shugu.kernel.cases import Actor
from shugu.kernel.errors import NotFound
from shugu.kernel.models import Clock
from shugu.kernel.tables import table
from shugu.kernel.text import Text
from shugu.party import queries as parties
from shugu.settlement.domain import AccountKind
from shugu.settlement.models import Account, BankStatement, Break, Due, Run
from shugu.settlement.runs import instructions_bytes, payable, payees
from shugu.settlement.trades import need_officer

BREAK_TITLES = {
    "wrong_amount": Text("金额不符", "wrong amount"),
    "unknown_reference": Text("无法识别的附言", "unknown reference"),
    "duplicate": Text("重复缴款", "paid twice"),
    "late": Text("逾期到账", "paid too late"),
    "returned": Text("付款被退回", "payment came back"),
    "unexplained_debit": Text("无指令的支出", "debit nobody ordered"),
}


@dataclass(frozen=True)
class InstructionView:
    number: str
    payee: str
    bank: str
    account: str
    amount: int
    state: str


@dataclass(frozen=True)
class RunView:
    case: int
    case_number: str
    number: str
    state: str
    state_title: Text
    sequence: int | None
    digest: str
    total: int
    proposed_at: datetime
    issued_at: datetime | None
    instructions: tuple[InstructionView, ...]


@dataclass(frozen=True)
class BreakView:
    case: int
    case_number: str
    kind: str
    title: Text
    state: str
    state_title: Text
    direction: str
    amount: int
    bank_id: str
    reference: str
    counterparty: str
    booked_at: datetime
    escrow: str
    due_on: date | None


@dataclass(frozen=True)
class Reconciliation:
    """Fen. `ledger`: what the custody bank must hold by our arrows; `bank`: what its last statement says."""

    ledger: int
    bank: int
    sequence: int | None
    taken_at: datetime | None
    clients: int
    venue: int
    suspense: int

    @property
    def difference(self) -> int:
        return self.bank - self.ledger

    @property
    def holds(self) -> bool:
        return self.difference == 0


@dataclass(frozen=True)
class DueLine:
    reference: str
    kind: str
    contract_number: str
    owner: str
    amount: int
    since: datetime
    ready: bool


def reconciliation(actor: Actor) -> Reconciliation:
    """Errors: Forbidden."""
    need_officer(actor, reading=True)
    return reconcile()


def reconcile() -> Reconciliation:
    sums = dict(Account.objects.values_list("kind").annotate(n=Sum("balance")))
    last = BankStatement.objects.order_by("-sequence").first()
    clients = int(sums.get(AccountKind.CLIENT, 0)) + int(sums.get(AccountKind.SERVICE_FEE, 0))
    return Reconciliation(
        -int(sums.get(AccountKind.BANK, 0)), last.closing if last else 0, last.sequence if last else None,
        last.taken_at if last else None, clients, int(sums.get(AccountKind.VENUE_FEE, 0)),
        int(sums.get(AccountKind.SUSPENSE, 0)),
    )  # fmt: skip


def due_lines(actor: Actor) -> list[DueLine]:
    """What is due and in no run; `ready` False: the owner has named no bank account. Errors: Forbidden."""
    need_officer(actor, reading=True)
    ready, blocked = payable()
    names = parties.org_names({d.account.org_id for d in (*ready, *blocked) if d.account.org_id is not None})
    return [_due(d, names.get(d.account.org_id or 0, ""), ok) for group, ok in ((ready, True), (blocked, False)) for d in group]


def _due(due: Due, owner: str, ready: bool) -> DueLine:
    contract = due.escrow.contract_number if due.escrow else ""
    return DueLine(due.reference, due.kind, contract, owner, due.amount, due.since, ready)


def runs(actor: Actor, limit: int = 50) -> list[RunView]:
    """Newest first. Errors: Forbidden."""
    need_officer(actor, reading=True)
    return [_run(r) for r in Run.objects.select_related("case").prefetch_related("instructions__account").order_by("-id")[:limit]]


def run_case(number: str, actor: Actor) -> RunView:
    """Errors: Forbidden, NotFound."""
    need_officer(actor, reading=True)
    return _run(_find(number))


def _find(number: str) -> Run:
    found = Run.objects.select_related("case").filter(number=number).first()
    if found is None:
        raise NotFound(what=("结算单", "settlement run"))
    return found


def _run(run: Run) -> RunView:
    rows = list(run.instructions.all())
    names = parties.org_names({r.account.org_id for r in rows if r.account.org_id is not None})
    # Until a run is issued nothing is fixed: what would be paid to is the account named now.
    named = payees() if any(not r.payee for r in rows) else {}
    lines = []
    for r in sorted(rows, key=lambda r: r.pk):
        to = named.get(r.account.org_id)
        payee = r.payee or ({"holder": to.holder, "bank": to.bank, "number": to.number} if to is not None else {})
        holder = payee.get("holder", "") or names.get(r.account.org_id or 0, "")
        lines.append(InstructionView(r.number, holder, payee.get("bank", ""), payee.get("number", ""), r.amount, r.state))
    case = run.case
    title = table(case.procedure, case.version).state[case.state].title
    return RunView(
        case.pk, case.number, run.number, case.state, title, run.sequence, run.digest, sum(r.amount for r in rows),
        run.proposed_at, run.issued_at, tuple(lines),
    )  # fmt: skip


def instruction_files(after: int = 0) -> list[tuple[int, str, str, bytes]]:
    """For the bank edge: (sequence, run number, SHA-256 hex, signed bytes) of every order after `after`, in order."""
    rows = Run.objects.filter(sequence__gt=after).order_by("sequence")
    return [(r.sequence or 0, r.number, r.digest, instructions_bytes(r)) for r in rows]


def instruction_file(number: str, actor: Actor) -> tuple[int, bytes]:
    """(sequence, signed bytes) of one run's order. Errors: Forbidden, NotFound."""
    need_officer(actor, reading=True)
    run = _find(number)
    return run.sequence or 0, instructions_bytes(run)


def breaks(actor: Actor, *, state: str = "") -> list[BreakView]:
    """Newest first. Errors: Forbidden."""
    need_officer(actor, reading=True)
    rows = Break.objects.select_related("case", "line", "escrow").order_by("-id")
    return [_break(b) for b in (rows.filter(case__state=state) if state else rows)[:500]]


def _break(b: Break) -> BreakView:
    title = table(b.case.procedure, b.case.version).state[b.case.state].title
    clock = Clock.objects.filter(case=b.case, clock="reconciliation_window", status__in=("running", "overdue")).first()
    return BreakView(
        b.case_id, b.case.number, b.kind, BREAK_TITLES[b.kind], b.case.state, title, b.line.direction, b.line.amount,
        b.line.bank_id, b.line.reference, b.line.counterparty, b.line.booked_at, b.escrow.number if b.escrow else "",
        clock.due_on if clock else None,
    )  # fmt: skip
