"""Settlement runs: what is due is put together by one officer, checked by another and sent to the bank."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db import connection

from shugu.kernel import documents, engine, journal, runtime, signer, store
from shugu.kernel.cases import Actor, Command, PartyView, mandate
from shugu.kernel.commands import command
from shugu.kernel.engine import Applied
from shugu.kernel.errors import Forbidden, NotFound
from shugu.kernel.vocabulary import context
from shugu.kernel.workdays import local_day
from shugu.settlement import ledger
from shugu.settlement.domain import AccountKind, Arrow, DueKind, PostingKind
from shugu.settlement.errors import NothingDue
from shugu.settlement.models import BankAccount, Due, Escrow, Instruction, Reservation, Run

PROCEDURE = "settlement.run"
_SEQUENCE_LOCK = 0x5348_5552  # one run at a time takes the next file number


@dataclass(frozen=True)
class ProposeRun:
    """Everything that is due and can be paid; `contracts` (numbers) narrows it to these."""

    contracts: tuple[str, ...] = ()


@dataclass(frozen=True)
class ActOnRun:
    case: int
    do: str
    input: Mapping[str, Any] = field(default_factory=dict)
    undertaking: str = ""


@context("settlement.run")
def run_context(case: int, now: datetime) -> dict[str, Any]:
    return {}


def payees() -> dict[int | None, BankAccount]:
    """The live bank account of every organisation; the venue's own under None."""
    return {row.org_id: row for row in BankAccount.objects.filter(ended_at__isnull=True)}


def payable(contracts: tuple[str, ...] = ()) -> tuple[list[Due], list[Due]]:
    """(dues that can be paid now, dues whose owner has named no bank account). What a selling venue is due waits until the
    settlement between the venues has named where it goes."""
    open_dues = Due.objects.filter(instruction__isnull=True, settled_at__isnull=True).select_related("account", "escrow")
    if contracts:
        open_dues = open_dues.filter(escrow__contract_number__in=contracts)
    known = payees()
    ready: list[Due] = []
    blocked: list[Due] = []
    for due in open_dues.order_by("id"):
        named = due.kind != DueKind.SELLING_VENUE and due.account.org_id in known
        (ready if due.payee or named else blocked).append(due)
    return ready, blocked


@command("settlement.propose_run", ("制作结算单", "propose a settlement run"))
def propose_run(cmd: ProposeRun, *, actor: Actor, now: datetime) -> Run:
    """One instruction a payee; each reserves its amount. Errors: Forbidden, NothingDue."""
    if "settlement_officer" not in actor.seats:
        raise Forbidden()
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_SEQUENCE_LOCK])
    ready, _ = payable(cmd.contracts)
    if not ready:
        raise NothingDue()
    groups: dict[tuple[int, str], list[Due]] = {}
    for due in ready:
        groups.setdefault((due.account_id, str(due.payee.get("reference", due.payee.get("number", "")))), []).append(due)
    number = store.next_number("run", local_day(now).year)
    total = sum(due.amount for due in ready)
    data = {"run": number, "instructions": len(groups), "total_fen": total}
    case = engine.open_case(
        PROCEDURE, actor=actor, now=now, title=f"{number} · 结算付款", parties=[PartyView("maker", actor.person, None)],
        data=data, fact_data=data,
    )  # fmt: skip
    run = Run.objects.create(case_id=case, number=number, proposed_at=now)
    for (account, _), dues in sorted(groups.items(), key=lambda item: item[0]):
        _propose(run, account, dues, now)
    return run


def _propose(run: Run, account: int, dues: list[Due], now: datetime) -> None:
    amount = sum(due.amount for due in dues)
    number = store.next_number("instruction", local_day(now).year)
    row = Instruction.objects.create(number=number, run=run, account_id=account, amount=amount, payee=dues[0].payee)
    ledger.reserve(number, account, amount, now=now)
    Due.objects.filter(pk__in=[due.pk for due in dues]).update(instruction=row)


@command("settlement.act_on_run", ("办理结算单", "act on a settlement run"))
def act_on_run(cmd: ActOnRun, *, actor: Actor, now: datetime) -> Run:
    """approve (another officer than the maker), reject, withdraw. Errors: NotFound and every Refused of the engine."""
    run = Run.objects.select_related("case").filter(case_id=cmd.case).first()
    if run is None:
        raise NotFound(what=("结算单", "settlement run"))
    content, digests = b"", {}
    data: dict[str, Any] = {"run": run.number}
    if cmd.do == "approve" and run.case.state == "proposed":
        content = _instructions_document(run, now)
        digests = {"payment_instructions": hashlib.sha256(content).hexdigest()}
        data["sequence"] = run.sequence

    def follow(applied: Applied) -> None:
        if applied.state == "issued":
            _issue(run, documents.put(content), actor, now)
        elif applied.state in ("rejected", "withdrawn"):
            _drop(run, now)

    engine.act(
        cmd.case, Command(cmd.do, dict(cmd.input), cmd.undertaking), actor=actor, now=now, fact_data=data, digests=digests,
        effect=follow,
    )  # fmt: skip
    return run


def _instructions_document(run: Run, now: datetime) -> bytes:
    """Fixes payees and the file's number; the signed order to the bank. The case decides afterwards: a refusal undoes it."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_SEQUENCE_LOCK])
        cursor.execute("SELECT coalesce(max(sequence), 0) + 1 FROM settlement_run")
        run.sequence = int(cursor.fetchone()[0])
    known = payees()
    rows = list(Instruction.objects.filter(run=run).select_related("account").order_by("id"))
    for row in rows:
        if not row.payee:
            to = known[row.account.org_id]
            row.payee = {"holder": to.holder, "bank": to.bank, "number": to.number}
            row.save(update_fields=["payee"])
    subject = {
        "sequence": run.sequence,
        "currency": "CNY",
        "count": len(rows),
        "total_fen": sum(row.amount for row in rows),
        "payments": [{"number": r.number, "amount_fen": r.amount, "payee": r.payee} for r in rows],
    }
    credential = signer.sign_document("PaymentInstructions", number=run.number, subject=subject, now=now)
    return signer.document_bytes(credential)


def _issue(run: Run, digest: str, actor: Actor, now: datetime) -> None:
    run.digest, run.issued_at = digest, now
    run.save(update_fields=["digest", "issued_at", "sequence"])
    for row in Instruction.objects.filter(run=run).order_by("id"):
        journal.record(
            "instruction.issued", subject=f"settlement.instruction:{row.pk}", actor=actor, now=now,
            data={"instruction": row.number, "run": run.number, "amount_fen": row.amount},
        )  # fmt: skip
    Instruction.objects.filter(run=run).update(state="issued")


def _drop(run: Run, now: datetime) -> None:
    rows = list(Instruction.objects.filter(run=run))
    for reservation in Reservation.objects.filter(reference__in=[r.number for r in rows], state="pending"):
        ledger.void(reservation.pk, now=now)
    Due.objects.filter(instruction__in=rows).update(instruction=None)
    Instruction.objects.filter(run=run).update(state="dropped")


def confirm(row: Instruction, *, actor: Actor, now: datetime, effective: datetime) -> None:
    """The bank has paid: second phase of the reservation, and what it completes. Call in a transaction."""
    bank = ledger.account(AccountKind.BANK, None, now)
    reservation = Reservation.objects.get(reference=row.number)
    link = ledger.Link(local_day(effective), run=row.run_id)
    arrow = Arrow(f"{row.number}/1", row.account_id, bank, row.amount, PostingKind.PAYOUT)
    ledger.draw(row.number, [arrow], link=link, actor=actor, now=now, reservation=reservation.pk)
    row.state, row.confirmed_at = "confirmed", now
    row.save(update_fields=["state", "confirmed_at"])
    Due.objects.filter(instruction=row).update(settled_at=now)
    journal.record(
        "instruction.confirmed", subject=f"settlement.instruction:{row.pk}", actor=actor, now=now,
        effective_on=local_day(effective),
        data={
            "instruction": row.number, "amount_fen": row.amount,
            **({"reference": row.payee["reference"]} if "reference" in row.payee else {}),
        },
    )  # fmt: skip
    for escrow in Escrow.objects.filter(dues__instruction=row).select_related("case").distinct():
        settle_if_paid(escrow, actor, now)
    run = row.run
    if not Instruction.objects.filter(run=run).exclude(state="confirmed").exists():
        closer = mandate("settlement", f"{run.number}:complete")
        engine.act(run.case_id, Command("complete"), actor=closer, now=now, fact_data={"run": run.number})


def settle_if_paid(escrow: Escrow, actor: Actor, now: datetime) -> None:
    """`escrow.settled` once everybody but the venues has been paid: our fee may stay in custody, and the part of a venue that
    brought the buyer is settled between the venues."""
    waiting = escrow.dues.filter(settled_at__isnull=True).exclude(kind__in=(DueKind.VENUE_FEE, DueKind.SELLING_VENUE))
    if escrow.case.state != "released" or waiting.exists():
        return
    subject = f"settlement.escrow:{escrow.case_id}"
    if journal_has("escrow.settled", subject):
        return
    journal.record(
        "escrow.settled", subject=subject, actor=actor, now=now, case=escrow.case_id,
        data={
            "contract": escrow.contract_number, "contract_id": escrow.contract_id, "escrow": escrow.number,
            "price_fen": escrow.price,
        },
    )  # fmt: skip


def journal_has(name: str, subject: str) -> bool:
    from shugu.kernel.models import Fact

    return Fact.objects.filter(name=name, subject=subject).exists()


def instructions_bytes(run: Run) -> bytes:
    """The signed order as it was stored. Errors: NotFound before it was issued."""
    if not run.digest:
        raise NotFound(what=("付款指令文件", "file of payment instructions"))
    return documents.get(run.digest)


def venue_holder() -> tuple[str, str]:
    return runtime.rules().profile.title


def custody_number() -> str:
    """The custody account as the bank's statements name it; empty before the first."""
    from shugu.settlement.models import BankStatement

    return BankStatement.objects.order_by("-sequence").values_list("account", flat=True).first() or ""
