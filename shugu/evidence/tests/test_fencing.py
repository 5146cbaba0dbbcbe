"""A writer frozen at any step while another goes on, and thawed: it changes nothing any more."""

from __future__ import annotations

import threading
from datetime import datetime
from typing import Any

import pytest
from django.db import DatabaseError, connection, transaction

from shugu.evidence import fencing, journal_rows, services, tile_files
from shugu.evidence.errors import LogForked, WriterSuperseded
from shugu.evidence.log_audit import audit_log
from shugu.evidence.models import Checkpoint, LogState
from shugu.evidence.tests.conftest import Write
from shugu.formats import checkpoint as checkpoints
from shugu.formats.merkle import root

_PATIENCE = 20


class Writer(threading.Thread):
    """A writer with a session of its own that stops at one step until it is thawed. `outcome`: its result or error."""

    def __init__(self, now: datetime, step: int) -> None:
        super().__init__()
        self.now, self.step, self.steps = now, step, list[str]()
        self.frozen, self.thaw = threading.Event(), threading.Event()
        self.outcome: Any = None

    def reached(self, name: str) -> None:
        self.steps.append(name)
        if len(self.steps) - 1 == self.step:
            self.frozen.set()
            assert self.thaw.wait(_PATIENCE)

    def run(self) -> None:
        try:
            self.outcome = services.sequence_once(self.now, reached=self.reached)
        except (DatabaseError, WriterSuperseded) as error:
            self.outcome = error
        finally:
            self.frozen.set()
            connection.close()


def steps_of_a_batch(write: Write, now: datetime) -> list[str]:
    with transaction.atomic():
        write(30)
    writer = Writer(now, -1)
    writer.start()
    writer.join()
    assert writer.outcome.size == 30
    return writer.steps


def go_on(now: datetime, size: int) -> None:
    """What the standby does every 200 ms, without waiting for the frozen writer to become old."""
    for _ in range(50):
        done = services.sequence_once(now)
        if done.size >= size and tile_files.published() == done.note:
            return
        fencing.unseat(0)
    raise AssertionError("the standby never came to write")


@pytest.mark.django_db(transaction=True)
def test_a_writer_frozen_at_any_step_changes_nothing_after_another_went_on(write: Write, now: datetime) -> None:
    steps = steps_of_a_batch(write, now)
    assert {"term claimed", "positions assigned", "checkpoint signed", "state swapped", "term checked"} <= set(steps)
    size = 30
    for step in range(len(steps)):
        with transaction.atomic():
            write(30)
        old = Writer(now, step)
        old.start()
        assert old.frozen.wait(_PATIENCE)
        with transaction.atomic():
            write(11)
        size += 41
        go_on(now, size)
        public = tile_files.published()
        old.thaw.set()
        old.join()
        assert tile_files.published() == public, f"frozen at {steps[step]}: the thawed writer changed what is public"
        assert LogState.objects.get().size == size
    assert list(audit_log()) == []
    entries = journal_rows.entries(0, size)
    for note in Checkpoint.objects.values_list("note", flat=True):
        seen = checkpoints.parse(bytes(note))
        assert seen.root == root(entries[: seen.size])


@pytest.mark.django_db(transaction=True)
def test_a_writer_that_merely_works_is_not_unseated(write: Write, now: datetime) -> None:
    with transaction.atomic():
        write(5)
    busy = Writer(now, 4)
    busy.start()
    assert busy.frozen.wait(_PATIENCE)
    assert services.sequence_once(now).size == 0 and not fencing.unseat()
    busy.thaw.set()
    busy.join()
    assert busy.outcome.size == 5


@pytest.mark.django_db(transaction=True)
def test_an_audit_may_be_silent_for_long(now: datetime) -> None:
    services.sequence_once(now)
    inside, leave = threading.Event(), threading.Event()

    def audit() -> None:
        with fencing.writer(wait=True):
            inside.set()
            leave.wait(_PATIENCE)
        connection.close()

    auditor = threading.Thread(target=audit)
    auditor.start()
    assert inside.wait(_PATIENCE)
    assert not fencing.unseat(0)
    leave.set()
    auditor.join()


@pytest.mark.django_db
def test_only_the_term_in_the_row_grows_the_log(write: Write, now: datetime) -> None:
    services.sequence_once(now)
    old = fencing.claim()
    new = fencing.claim()
    assert new.epoch == old.epoch + 1
    new.check()
    with pytest.raises(WriterSuperseded):
        old.check()
    for statement in (
        "UPDATE evidence_logstate SET epoch = epoch - 1",
        "UPDATE evidence_logstate SET holder = 'somebody'",
        "UPDATE evidence_logstate SET size = size + 1, epoch = epoch + 1, holder = 'somebody'",
    ):
        with pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(statement)
    new.check()


@pytest.mark.django_db
def test_a_journal_that_gives_another_root_never_overwrites_a_file(write: Write, now: datetime) -> None:
    from shugu.evidence.tests.tampering import tamper

    ids = write(300)
    services.sequence_once(now)
    tamper("kernel_fact", "UPDATE kernel_fact SET digest = %s WHERE id = %s", b"\x00" * 32, ids[2])
    before = tile_files.read("tile/entries/000")
    with pytest.raises(LogForked):
        services.rebuild()
    assert tile_files.read("tile/entries/000") == before
