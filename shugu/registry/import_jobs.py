"""The work on imports: check and open the rows of a file, and take the steps asked for all its cases.

Each job holds a lock of its own, so that of two only one works; its progress is told beside its transaction.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection, connections, transaction
from procrastinate.contrib.django import app

from shugu.formats.errors import ShuguError
from shugu.kernel import bulk, clock, documents, journal, setwise
from shugu.kernel.cases import Actor, ActorKind, Command
from shugu.kernel.decide import needed_materials
from shugu.kernel.errors import InputInvalid, Refused
from shugu.kernel.procedure import Table
from shugu.kernel.setwise import NewMaterial
from shugu.kernel.store import Keyed, read_cases
from shugu.kernel.tables import table
from shugu.kernel.text import Text
from shugu.kernel.workdays import local_day
from shugu.party import queries as parties
from shugu.registry import applications, book, import_rows, submitting
from shugu.registry.import_checks import Importing, Problem, Progress, Reader, check
from shugu.registry.import_rows import UnreadableFile
from shugu.registry.models import Filing
from shugu.registry.models_import import Import, ImportLine
from shugu.registry.submitting import FORM_MATERIALS

QUEUE = "registry"
_LOCK = 0x494D_50  # with the import's number: one worker on one import
SHOWN = 200  # problems the page shows; the report has all
CHUNK = 2_000


@app.task(name="registry.import", queue=QUEUE)
def import_job(number: int) -> None:
    run_import(number, clock.now())


@app.task(name="registry.move_import", queue=QUEUE)
def move_job(number: int) -> None:
    run_move(number, clock.now())


@contextmanager
def _alone(number: int) -> Iterator[bool]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s, %s)", [_LOCK, number])
        ours = bool(cursor.fetchone()[0])
    try:
        yield ours
    finally:
        if ours:
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_advisory_unlock(%s, %s)", [_LOCK, number])


def is_held(number: int) -> bool:
    """Whether a worker is at this import now."""
    with _alone(number) as free:
        return not free


@contextmanager
def _telling(number: int, told: Progress | None = None) -> Iterator[Progress]:
    """Progress on a connection of its own: it is seen while the work's transaction is still open. `told` hears it too."""
    beside = connections["default"].copy()

    def tell(done: int, total: int) -> None:
        if told is not None:
            told(done, total)
        with beside.cursor() as cursor:
            cursor.execute("UPDATE registry_import SET done = %s, total = %s WHERE id = %s", [done, total, number])

    try:
        yield tell
    finally:
        beside.close()


def _state(row: Import, state: str, **values: Any) -> None:
    row.state = state
    for name, value in values.items():
        setattr(row, name, value)
    row.save(update_fields=["state", *values])


def run_import(number: int, now: datetime, told: Progress | None = None) -> Import:
    """Check the file and open its applications. Running it twice, or after it died half-way, opens them once."""
    with _alone(number) as ours:
        row = Import.objects.get(pk=number)
        if not ours or row.state not in ("waiting", "checking", "importing"):
            return row
        with _telling(number, told) as tell:
            _state(row, "checking")
            reader = _read(row, now)
            if reader is None:
                return row
            problems = check(reader, now, tell)
            errors = sum(p.kind == "error" for p in problems)
            _tell_problems(row, problems, errors)
            if errors or row.dry_run:
                _state(row, "refused" if errors else "checked", ended_at=now)
                return row
            _state(row, "importing")
            try:
                _open_all(row, reader, now, tell)
            except ShuguError as error:
                _tell_problems(row, [_whole(error)], 1)
                _state(row, "refused", ended_at=now)
        row.refresh_from_db()
        return row


def _read(row: Import, now: datetime) -> Reader | None:
    """The rows of the file, or None when it cannot be read: then it is refused."""
    about = Importing(row.register, row.operation, _actor(row), row.org, str(row.mandate.get("digest", "")))
    most = applications.rules_of(row.register).value("registry.import_max_rows").number
    try:
        sheet = import_rows.read(documents.get(row.file_digest), row.media_type, row.register, row.operation, max_rows=most)
    except UnreadableFile as error:
        _tell_problems(row, [_whole(error)], 1)
        _state(row, "refused", ended_at=now)
        return None
    return Reader(about, sheet)


def _actor(row: Import) -> Actor:
    return Actor(ActorKind.PERSON, person=row.person, org=row.org)


def _whole(error: ShuguError) -> Problem:
    return Problem(
        1, Text("整个文件", "whole file"), (error.message("zh"), error.message("en")), ("", ""),
        (error.remedy_text("zh"), error.remedy_text("en")),
    )  # fmt: skip


def _tell_problems(row: Import, problems: Sequence[Problem], errors: int) -> None:
    row.report = documents.put(import_rows.report([p.as_row("zh") for p in problems], "zh")) if problems else ""
    row.problems = [p.as_json() for p in sorted(problems, key=lambda p: p.kind)[:SHOWN]]
    row.errors, row.warnings = errors, len(problems) - errors
    row.save(update_fields=["report", "problems", "errors", "warnings"])


def _open_all(row: Import, reader: Reader, now: datetime, tell: Progress) -> None:
    """Every row becomes an application, in one transaction. Errors: what opening one refuses; then none is opened."""
    rows = reader.sheet.rows
    with transaction.atomic():
        for n, group in enumerate(setwise.batches(rows, CHUNK)):
            _open_some(row, reader, group, now)
            tell(min((n + 1) * CHUNK, len(rows)), len(rows))
        fact = journal.record(
            "import.done", subject=f"registry.import:{row.pk}", actor=_actor(row), now=now,
            data={"import": row.pk, "register": row.register, "rows": len(rows)}, digests={"file": row.file_digest},
        )  # fmt: skip
        Import.objects.filter(pk=row.pk).update(
            state="imported", fact=fact, ended_at=now, done=len(rows), total=len(rows)
        )


def _open_some(row: Import, reader: Reader, group: Sequence[tuple[int, tuple[str, ...]]], now: datetime) -> None:
    plans = [submitting.plan_of(reader.command(cells)) for _, cells in group]
    numbers = setwise.next_numbers("registration", local_day(now).year, len(plans))
    news = [
        submitting.new_case(plan, number, reader.about.actor_for(plan.cmd.applicant_org))
        for plan, number in zip(plans, numbers, strict=True)
    ]
    opened = setwise.open_many(plans[0].tab.id, news, now=now)
    filings = Filing.objects.bulk_create(
        [submitting.filing_of(p, number, case, now) for p, number, (case, _) in zip(plans, numbers, opened, strict=True)],
        batch_size=CHUNK,
    )
    ImportLine.objects.bulk_create(
        [ImportLine(source=row, line=line, filing=filing) for (line, _), filing in zip(group, filings, strict=True)],
        batch_size=CHUNK,
    )
    _file_papers(row, plans[0].tab, filings, news, now)


def _file_papers(
    row: Import, tab: Table, filings: Sequence[Filing], news: Sequence[setwise.NewCase], now: datetime
) -> None:
    """The row's own document under the names of the application, the mandate paper under the others asked of whoever
    opens the case."""
    contents = [submitting.form_document(filing) for filing in filings]
    digests = setwise.put_many(contents)
    views = {view.id: view for view in read_cases([f.pk for f in filings])}
    papers: list[NewMaterial] = []
    m = row.mandate
    shared = (str(m["filename"]), str(m["media_type"]), int(m["size"]), str(m["digest"])) if m else None
    for filing, new, content, digest in zip(filings, news, contents, digests, strict=True):
        view = views[filing.pk]
        for material in sorted(_asked(tab, view)):
            if material in FORM_MATERIALS:
                own = (f"{filing.number}-{material}.json", "application/json", len(content), digest)
                papers.append(_paper(filing.pk, view.number, tab, material, own, new.actor))
            elif shared is not None:
                papers.append(_paper(filing.pk, view.number, tab, material, shared, new.actor))
    setwise.file_many(papers, now)


def _paper(
    case: int, number: str, tab: Table, material: str, about: tuple[str, str, int, str], actor: Actor
) -> NewMaterial:
    filename, media_type, size, digest = about
    return NewMaterial(case, number, tab.subject, material, filename, media_type, size, digest, actor)


def _asked(tab: Table, view: Keyed) -> set[str]:
    ours = set(tab.opener)
    return {
        m.id for step in tab.steps for m in needed_materials(view, step) if ours & set(step.by) or m.id in FORM_MATERIALS
    }


def checked_input(register: str, given: Mapping[str, Any]) -> dict[str, Any]:
    """Errors: InputInvalid, as for a single act."""
    from shugu.registry.filings import CONCLUSIONS

    told = dict(given)
    errors = applications.ground_errors(register, told)
    if "defects" in told:
        told["defects"] = applications.defect_lines(told["defects"])
        if not told["defects"]:
            errors["defects"] = ("逐条列明全部缺陷", "list every defect, one a line")
    if "review_conclusion" in told and told["review_conclusion"] not in CONCLUSIONS:
        errors["review_conclusion"] = ("结论为 passed 或 failed", "the conclusion is passed or failed")
    book.refuse_input(errors)
    return told


def run_move(number: int, now: datetime) -> Import:
    """The step asked for every case that stands where it begins; those moved before are left out, so it may run twice."""
    with _alone(number) as ours:
        row = Import.objects.get(pk=number)
        if not ours or row.state != "moving":
            return row
        with _telling(number) as tell:
            done = _move_all(row, now, tell)
        problems = _refusals(done.refused)
        row.work = {
            **row.work, "moved": row.work["moved"] + done.moved, "refused": len(problems),
            "problems": [p.as_json() for p in problems[:SHOWN]],
            "report": documents.put(import_rows.report([p.as_row("zh") for p in problems], "zh")) if problems else "",
        }  # fmt: skip
        _state(row, "imported", work=row.work)
        return row


@dataclass(frozen=True)
class _Done:
    moved: int
    refused: Mapping[int, ShuguError]


def _move_all(row: Import, now: datetime, tell: Progress) -> _Done:
    work = row.work
    actor = parties.actor_for(work["person"], work["org"])
    command = Command(work["do"], work["input"], work["undertaking"])
    groups = _groups(row, actor, command.do)
    total, moved = sum(len(mine) for _, mine in groups), 0
    refused: dict[int, ShuguError] = {}
    tell(0, total)
    for who, mine in groups:
        for group in setwise.batches(mine, CHUNK):
            done = _move_some(group, command, who, now)
            moved += done.moved
            refused.update(done.refused)
            tell(moved + len(refused), total)
    return _Done(moved, refused)


def _move_some(group: Sequence[int], command: Command, actor: Actor, now: datetime) -> _Done:
    """A refusal by an effect concerns one case: the group is halved until it stands alone."""
    try:
        done = bulk.move_many(group, command, actor=actor, now=now)
        return _Done(len(done.moved), done.refused)
    except InputInvalid as error:
        return _Done(0, dict.fromkeys(group, error))
    except Refused as refusal:
        if len(group) == 1:
            return _Done(0, {group[0]: refusal})
    half = len(group) // 2
    first, second = (_move_some(part, command, actor, now) for part in (group[:half], group[half:]))
    return _Done(first.moved + second.moved, {**first.refused, **second.refused})


def _groups(row: Import, actor: Actor, do: str) -> list[tuple[Actor, list[int]]]:
    """Who takes the step for which cases: a registrar who imported for holders acts for each where the step is theirs."""
    lines = ImportLine.objects.filter(source=row, filing__case__closed_at__isnull=True).order_by("filing_id")
    found = lines.values_list(
        "filing_id", "filing__case__procedure", "filing__case__version", "filing__case__state", "filing__applicant_id"
    )
    about = Importing(row.register, row.operation, actor, row.org, str(row.mandate.get("digest", "")))
    groups: dict[int | None, tuple[Actor, list[int]]] = {}
    for case, procedure, version, state, applicant in found:
        tab = table(procedure, version)
        step = tab.step(state, do)
        if step is None:
            continue
        theirs = row.org is None and actor.person == row.person and bool(set(step.by) & set(tab.opener))
        key = applicant if theirs else None
        groups.setdefault(key, (about.actor_for(applicant) if theirs else actor, []))[1].append(case)
    return list(groups.values())


def _refusals(refused: Mapping[int, ShuguError]) -> list[Problem]:
    lines = dict(ImportLine.objects.filter(filing_id__in=list(refused)).values_list("filing_id", "line"))
    return [
        Problem(
            lines[case], Text("办理", "act"), (refusal.message("zh"), refusal.message("en")),
            (refusal.article or "", refusal.article or ""), (refusal.remedy_text("zh"), refusal.remedy_text("en")),
        )
        for case, refusal in sorted(refused.items())
    ]  # fmt: skip

