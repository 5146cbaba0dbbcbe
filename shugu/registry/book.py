"""The account book: what is entered and certified, trades told of it, marks and holds beside its lines."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from shugu.formats.errors import Pair
from shugu.kernel import documents, engine, holds, journal, runtime, signer, store
from shugu.kernel import queries as cases
from shugu.kernel.cases import Actor, ActorKind, Command
from shugu.kernel.commands import command
from shugu.kernel.engine import Applied
from shugu.kernel.errors import Forbidden, InputInvalid, NotFound
from shugu.kernel.queries import name_fact
from shugu.kernel.rules import Register
from shugu.kernel.workdays import Length, due, end_of_day, local_day
from shugu.party import queries as parties
from shugu.registry import applications, certificates
from shugu.registry.domain import MARKS, same_shares
from shugu.registry.errors import ReferenceUsed
from shugu.registry.models import Certificate, Entry, EntryVersion, Filing, Mark, Share, TradeRecord

DISPOSALS = ("dispose", "transfer", "licence", "pledge")

name_fact("entry.traded", "登记交易记录", "trade recorded in the book")


@dataclass(frozen=True)
class RecordTrade:
    """`data`: identifiers, codes and amounts only. The same reference with the same content changes nothing."""

    entry_id: int
    reference: str
    data: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class PlaceHold:
    entry_id: int
    facet: str
    reason: str
    article: str = ""
    forbids: tuple[str, ...] = DISPOSALS
    undertaking: str = ""
    until: date | None = None


@dataclass(frozen=True)
class LiftHold:
    mark_id: int
    ground: str = ""


def refuse_input(errors: Mapping[str, Pair]) -> None:
    """Errors: InputInvalid with every field error, when there is any."""
    if errors:
        raise InputInvalid(fields="、".join(sorted(errors)), field_errors=errors)


def _certificate_kind(register: Register, object_kind: str) -> str:
    """The kind the rules name for this object, else the register's."""
    kinds = applications.rules_of(register.id).get("registry.certificate_kinds")
    own = f"{object_kind}_certificate"
    return own if kinds is not None and own in kinds.codes else register.certificate


def issue(row: Filing, act: Command, actor: Actor, now: datetime) -> None:
    """Enter the right and issue its certificate: the credential is signed first, so that the fact names its digest."""
    _, view = cases.view_of(row.pk)
    day = local_day(now)
    term = view.rules.value("registry.certificate_term")
    last = due(day, Length(term.value, term.unit), calendar=runtime.calendar()).on
    register = applications.register_named(row.register)
    kind = _certificate_kind(register, row.object_kind)
    entry_number = store.next_number("entry", day.year)
    number = store.next_number("certificate", day.year)
    words = applications.right_codes(row.register)
    holders = []
    for org, parts in same_shares(row.holders):
        shown = parties.organisation(org)
        holders.append({"org": shown.number, "name": shown.name, "uscc": shown.uscc, "parts": parts})
    credential = signer.sign_document(
        certificates.credential_type(kind), number=number, now=now, valid_until=end_of_day(last),
        subject=certificates.subject(
            entry=entry_number, version=1, register=row.register, regime=register.regime, title=row.title,
            object_kind=(row.object_kind, applications.object_kinds(row.register)[row.object_kind]),
            rights={code: words[code] for code in row.rights}, holders=holders, form=row.form, filing=row.number,
            entered_on=day, last_day=last, rule_set=view.rules.id, kind=kind,
        ),
    )  # fmt: skip
    content = signer.document_bytes(credential)
    digest = hashlib.sha256(content).hexdigest()

    def write(applied: Applied) -> None:
        documents.put(content)
        _enter(row, applied, entry_number, number, kind, digest, last)

    engine.act(
        row.pk, act, actor=actor, now=now, digests={kind: digest}, effect=write,
        fact_data={"filing": row.number, "entry": entry_number, "certificate": number, "last_day": last.isoformat()},
    )  # fmt: skip


def _enter(row: Filing, applied: Applied, entry: str, number: str, kind: str, digest: str, last: date) -> None:
    line = Entry.objects.create(
        number=entry, register=row.register, object_kind=row.object_kind, title=row.title, holder_id=row.applicant_id,
        entered_on=applied.effective_on,
    )  # fmt: skip
    version = EntryVersion.objects.create(
        entry=line, version=1, filing=row, title=row.title, rights=row.rights, form=row.form, valid_from=applied.effective_on,
        valid_until=last, fact=applied.fact_id,
    )  # fmt: skip
    Share.objects.bulk_create([Share(version=version, org_id=org, parts=parts) for org, parts in same_shares(row.holders)])
    Certificate.objects.create(
        number=number, kind=kind, version=version, digest=digest, issued_at=applied.now, valid_until=last, fact=applied.fact_id
    )


@command("registry.record_trade", ("登记交易记录", "record a trade in the book"))
def record_trade(cmd: RecordTrade, *, actor: Actor, now: datetime) -> TradeRecord:
    """By the app that traded (a mandate). Errors: Forbidden, NotFound, ReferenceUsed."""
    if actor.kind is not ActorKind.MANDATE:
        raise Forbidden()
    line = Entry.objects.select_for_update().filter(pk=cmd.entry_id).first()
    if line is None:
        raise NotFound(what=("登记条目", "entry"))
    known = TradeRecord.objects.filter(reference=cmd.reference).first()
    if known is not None:
        if (known.entry_id, known.data) != (line.pk, dict(cmd.data)):
            raise ReferenceUsed(reference=cmd.reference)
        return known
    fact = journal.record(
        "entry.traded", subject=f"registry.entry:{line.pk}", actor=actor, now=now,
        data={"entry": line.number, "reference": cmd.reference, **cmd.data},
    )  # fmt: skip
    return TradeRecord.objects.create(entry=line, reference=cmd.reference, data=dict(cmd.data), recorded_at=now, fact=fact)


def mark_entry(cmd: PlaceHold, actor: Actor, now: datetime, case: int | None = None) -> Mark:
    """The mark beside the entry and the hold that binds cases about it, in the caller's transaction."""
    hold = holds.place(
        f"registry.entry:{cmd.entry_id}", forbids=cmd.forbids, reason=cmd.reason, actor=actor, now=now,
        undertaking=cmd.undertaking, article=cmd.article, until=cmd.until,
    )  # fmt: skip
    return Mark.objects.create(
        entry_id=cmd.entry_id, facet=cmd.facet, article=cmd.article, reason=cmd.reason, hold=hold, case_id=case, placed_at=now,
        until=cmd.until,
    )  # fmt: skip


def _by_registrar(actor: Actor) -> None:
    if actor.kind is not ActorKind.MANDATE and "registrar" not in actor.seats:
        raise Forbidden()


@command("registry.place_hold", ("设置登记限制", "place a hold on an entry"))
def place_hold(cmd: PlaceHold, *, actor: Actor, now: datetime) -> Mark:
    """By a registrar or a mandate. Errors: Forbidden, NotFound, InputInvalid."""
    _by_registrar(actor)
    errors: dict[str, Pair] = {}
    if cmd.facet not in MARKS:
        errors["facet"] = ("限制种类不在可选之列", "no such kind of hold")
    if not cmd.reason.strip():
        errors["reason"] = ("必填", "required")
    refuse_input(errors)
    if not Entry.objects.filter(pk=cmd.entry_id).exists():
        raise NotFound(what=("登记条目", "entry"))
    return mark_entry(cmd, actor, now)


def lift_mark(row: Mark, actor: Actor, now: datetime, ground: str) -> None:
    row.lifted_at = now
    row.save(update_fields=["lifted_at"])
    if row.hold_id is not None:
        holds.lift(row.hold_id, actor=actor, now=now, ground=ground)


@command("registry.lift_hold", ("解除登记限制", "lift a hold from an entry"))
def lift_hold(cmd: LiftHold, *, actor: Actor, now: datetime) -> Mark:
    """Errors: Forbidden, NotFound."""
    _by_registrar(actor)
    row = Mark.objects.select_for_update().filter(pk=cmd.mark_id, lifted_at__isnull=True).first()
    if row is None:
        raise NotFound(what=("限制", "hold"))
    lift_mark(row, actor, now, cmd.ground)
    return row
