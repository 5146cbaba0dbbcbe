"""What imports write by the thousand: numbers, facts, documents, materials and opened cases, a few statements for all.

Everything is written as the single doors write it (store, journal, documents, engine); only the round trips are shared.
"""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from typing import Any, TypeVar

from django.db import connection, transaction

from shugu.formats.identifiers import NumberKind, make_number
from shugu.kernel import documents, engine, journal, runtime, store
from shugu.kernel.cases import Actor, PartyView
from shugu.kernel.clockwork import ClockPlan, plan
from shugu.kernel.errors import Forbidden, Refused
from shugu.kernel.procedure import Table
from shugu.kernel.rulebook import RegisterRules
from shugu.kernel.store import Keyed
from shugu.kernel.tables import table
from shugu.kernel.workdays import local_day

T = TypeVar("T")
BATCH = 5_000  # rows a statement: larger saves nothing and holds more memory


@dataclass(frozen=True)
class NewCase:
    """A case about to be opened by `actor`; the members as in `engine.open_case`."""

    title: str
    actor: Actor
    parties: tuple[PartyView, ...]
    data: Mapping[str, Any]
    subjects: tuple[str, ...] = ()
    fact_data: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class NewMaterial:
    """A document to file in a case, whose bytes are stored already (`put_many`)."""

    case: int
    number: str
    subject: str
    material: str
    filename: str
    media_type: str
    size: int
    digest: str
    actor: Actor


def next_numbers(kind: str, year: int, count: int) -> list[str]:
    """`count` numbers at once, as `store.next_number` gives them."""
    if not count:
        return []
    first = store.next_number(kind, year)
    sequence = f"kernel_number_{NumberKind.named(kind).value.lower()}_{year:d}"
    with connection.cursor() as cursor:
        cursor.execute("SELECT nextval(%s) FROM generate_series(2, %s)", [sequence, count])
        more = [int(row[0]) for row in cursor.fetchall()]
    return [first, *(make_number(kind, runtime.venue_id(), year, serial) for serial in more)]


def record_many(facts: Sequence[journal.NewFact]) -> list[int]:
    """Write facts that are no moves in the caller's transaction; their ids in the order given.
    Errors: RuntimeError outside a transaction."""
    if not connection.in_atomic_block:
        raise RuntimeError("facts are written in the transaction of the change they tell of")
    ids: list[int] = []
    for group in batches(facts):
        with connection.cursor() as cursor:
            cursor.execute(_FACTS, [json.dumps([_fact_row(f) for f in group])])
            found = {bytes(digest): int(id_) for id_, digest in cursor.fetchall()}
        ids += [found[f.digest] for f in group]
    return ids


_FACTS = f"""
INSERT INTO kernel_fact ({journal.COLUMNS})
SELECT r.name, r.subject, r.case_id, r.person, r.org, r.recorded_at, r.effective_on, r.payload, decode(r.salt, 'hex'),
       decode(r.digest, 'hex'), decode(r.sm3, 'hex')
FROM json_to_recordset(%s::json) AS r(n int, name text, subject text, case_id bigint, person bigint, org bigint,
     recorded_at timestamptz, effective_on date, payload text, salt text, digest text, sm3 text)
RETURNING id, digest
"""


def _fact_row(fact: journal.NewFact) -> dict[str, Any]:
    return {
        "name": fact.name, "subject": fact.subject, "case_id": fact.case, "person": fact.person, "org": fact.org,
        "recorded_at": fact.recorded_at.isoformat(), "effective_on": fact.effective_on.isoformat(),
        "payload": fact.payload.decode(), "salt": fact.salt.hex(), "digest": fact.digest.hex(),
        "sm3": fact.digest_sm3.hex() if fact.digest_sm3 else None,
    }  # fmt: skip


def batches(rows: Sequence[T], size: int = BATCH) -> Iterable[Sequence[T]]:
    return (rows[i : i + size] for i in range(0, len(rows), size))


def put_many(contents: Sequence[bytes]) -> list[str]:
    """Store many documents durably; their SHA-256 in order. One wait for the disk instead of two a document."""
    digests = [hashlib.sha256(content).hexdigest() for content in contents]
    moves: list[tuple[str, str]] = []
    folders: set[str] = set()
    for digest, content in dict(zip(digests, contents, strict=True)).items():
        target = documents.path_of(digest)
        if target.exists():
            continue
        if str(target.parent) not in folders:
            target.parent.mkdir(parents=True, exist_ok=True)
            folders.add(str(target.parent))
        descriptor, temporary = tempfile.mkstemp(dir=target.parent)
        with os.fdopen(descriptor, "wb") as handle:
            handle.write(content)
        moves.append((temporary, str(target)))
    if moves:
        os.sync()  # the bytes first, then their names: a name never stands for bytes that a power cut took
        for temporary, name in moves:
            os.replace(temporary, name)
        os.sync()
    return digests


def file_many(materials: Sequence[NewMaterial], now: datetime) -> None:
    """File documents in cases just opened, which have none yet under these names; one `material.filed` a document.
    In the caller's transaction. Who may do so is the calling command's to check."""
    for group in batches(materials):
        with connection.cursor() as cursor:
            cursor.execute(_MATERIALS, [now, json.dumps([_material_row(m) for m in group])])
    record_many([_filed(m, now) for m in materials])


_MATERIALS = """
INSERT INTO kernel_material (case_id, material, filename, media_type, size, digest, signers, person, org, filed_at, superseded)
SELECT r.case_id, r.material, r.filename, r.media_type, r.size, r.digest, 1, r.person, r.org, %s::timestamptz, false
FROM json_to_recordset(%s::json) AS r(case_id bigint, material text, filename text, media_type text, size bigint,
     digest text, person bigint, org bigint)
"""


def _material_row(m: NewMaterial) -> dict[str, Any]:
    return {
        "case_id": m.case, "material": m.material, "filename": m.filename[-200:], "media_type": m.media_type, "size": m.size,
        "digest": m.digest, "person": m.actor.person, "org": m.actor.org,
    }  # fmt: skip


def _filed(m: NewMaterial, now: datetime) -> journal.NewFact:
    return journal.build(
        "material.filed", subject=f"{m.subject}:{m.case}", actor=m.actor, now=now, case=m.case,
        data={"case": m.number, "material": m.material, "signers": 1}, digests={m.material: m.digest},
    )  # fmt: skip


def opening_refusal(procedure: str, case: NewCase, now: datetime) -> Refused | Forbidden | None:
    """Why `open_many` would not open this case; None when it would."""
    tab = table(procedure)
    try:
        engine.check_opening(tab, case.actor, _view(tab, case, 0, "", local_day(now)))
    except (Refused, Forbidden) as refusal:
        return refusal
    return None


def open_many(procedure: str, cases: Sequence[NewCase], *, now: datetime) -> list[tuple[int, str]]:
    """Open cases of the newest version of `procedure`, as `engine.open_case` does each; (id, number) in the order given.
    Errors: Forbidden, Refused for the first that may not be opened: then none is."""
    tab, day = table(procedure), local_day(now)
    store.keep_rule_set(runtime.rules())
    out: list[tuple[int, str]] = []
    with transaction.atomic():
        for group in batches(cases):
            out += _open(tab, group, now, day)
    return out


def _view(tab: Table, case: NewCase, id_: int, number: str, day: date) -> Keyed:
    rules = RegisterRules(runtime.rules(), case.data.get("register"))
    return Keyed(
        id=id_, number=number, state=tab.initial, revision=0, opened_on=day, rules=rules, data=dict(case.data),
        subjects=case.subjects, parties=case.parties, procedure=tab.id, version=tab.version,
    )  # fmt: skip


def _open(tab: Table, cases: Sequence[NewCase], now: datetime, day: date) -> list[tuple[int, str]]:
    for case in cases:
        engine.check_opening(tab, case.actor, _view(tab, case, 0, "", day))
    numbers = next_numbers("case", day.year, len(cases))
    rows = [_case_row(n, number, case) for n, (number, case) in enumerate(zip(numbers, cases, strict=True))]
    with connection.cursor() as cursor:
        cursor.execute(
            _CASES,
            [tab.id, tab.version, tab.subject, tab.initial, runtime.rules().id, now, day, json.dumps(rows)],
        )
        ids = dict(cursor.fetchall())
        seats = [
            {"case_id": ids[number], "role": p.role, "person": p.person, "org": p.org}
            for number, case in zip(numbers, cases, strict=True) for p in case.parties
        ]  # fmt: skip
        cursor.execute(_PARTIES, [json.dumps(seats)])
    opened = [(int(ids[number]), number) for number in numbers]
    facts, clocks = [], list[tuple[int, ClockPlan]]()
    for (id_, number), case in zip(opened, cases, strict=True):
        view = _view(tab, case, id_, number, day)
        facts.append(_opened(tab, view, case, now, day))
        clocks.append((id_, _first_clocks(tab, view, day)))
    record_many(facts)
    store.write_many_clocks(clocks)
    return opened


_CASES = """
INSERT INTO kernel_case (number, procedure, version, subject, title, state, revision, rule_set, opened_at, opened_on,
                         subjects, data)
SELECT r.number, %s, %s, %s, r.title, %s, 0, %s, %s::timestamptz, %s::date, r.subjects, r.data
FROM json_to_recordset(%s::json) AS r(n int, number text, title text, subjects jsonb, data jsonb) ORDER BY r.n
RETURNING number, id
"""
_PARTIES = """
INSERT INTO kernel_caseparty (case_id, role, person, org)
SELECT r.case_id, r.role, r.person, r.org
FROM json_to_recordset(%s::json) AS r(case_id bigint, role text, person bigint, org bigint)
"""


def _case_row(n: int, number: str, case: NewCase) -> dict[str, Any]:
    return {
        "n": n, "number": number, "title": case.title[:300], "subjects": list(case.subjects), "data": dict(case.data),
    }  # fmt: skip


def _opened(tab: Table, view: Keyed, case: NewCase, now: datetime, day: date) -> journal.NewFact:
    return journal.build(
        tab.opened, subject=f"{tab.subject}:{view.id}", actor=case.actor, now=now, effective_on=day, case=view.id,
        data={"case": view.number, "procedure": tab.key, **case.fact_data}, move={"do": "open", "to": tab.initial},
        rule_set=view.rules.id,
    )  # fmt: skip


def _first_clocks(tab: Table, view: Keyed, day: date) -> ClockPlan:
    return plan(
        tab, replace(view, data={}), fact=tab.opened, to=tab.initial, effective_on=day, data=view.data,
        calendar=runtime.calendar(),
    )  # fmt: skip
