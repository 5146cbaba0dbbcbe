from __future__ import annotations

import threading
from datetime import datetime
from pathlib import Path

import pytest
from django.db import DatabaseError, connection, transaction
from django.test.utils import CaptureQueriesContext

from shugu.evidence import domain, journal_rows, log_cli, queries, services, tile_files
from shugu.evidence.errors import LogForked
from shugu.evidence.log_audit import audit_log
from shugu.evidence.models import Checkpoint, LogState
from shugu.evidence.tests.conftest import Write
from shugu.evidence.tests.tampering import tamper
from shugu.formats import checkpoint as checkpoints
from shugu.formats.merkle import EMPTY_ROOT, root
from shugu.formats.suites import keyring_of, new_keys
from shugu.formats.tiles import decode_bundle
from shugu.kernel import keystore, signer
from shugu.kernel.models import Position

pytestmark = pytest.mark.django_db


class Crash(Exception):
    """The process dies here."""


def crash_at(step: int) -> tuple[list[str], tile_files.Reached]:
    seen: list[str] = []

    def reached(name: str) -> None:
        seen.append(name)
        if len(seen) - 1 == step:
            raise Crash(name)

    return seen, reached


def test_an_empty_journal_gives_a_signed_checkpoint_of_nothing(now: datetime) -> None:
    done = services.sequence_once(now)
    assert (done.first, done.size, done.checkpoint.root) == (0, 0, EMPTY_ROOT)
    assert tile_files.published() == done.note
    assert checkpoints.verify_strict(done.note, signer.keyring()) == done.checkpoint


def test_facts_come_into_the_log_in_position_order(write: Write, now: datetime) -> None:
    write(300)
    done = services.sequence_once(now)
    assert (done.first, done.size) == (0, 300)
    entries = journal_rows.entries(0, 300)
    assert done.checkpoint.root == root(entries)
    logged = decode_bundle(tile_files.read("tile/entries/000"), 256) + decode_bundle(tile_files.read("tile/entries/001.p/44"), 44)
    assert logged == entries
    assert list(audit_log()) == []


def test_a_second_call_without_new_facts_signs_nothing_new(write: Write, now: datetime) -> None:
    write(3)
    first = services.sequence_once(now)
    again = services.sequence_once(now)
    assert (again.first, again.size, again.note) == (3, 3, first.note)
    assert Checkpoint.objects.count() == 1


def test_idling_writes_nothing(write: Write, now: datetime) -> None:
    write(3)
    services.sequence_once(now)
    with CaptureQueriesContext(connection) as seen:
        services.sequence_once(now)
    assert not [q["sql"] for q in seen if q["sql"].startswith(("INSERT", "UPDATE"))]


def test_batches_grow_one_tree_across_tile_borders(write: Write, now: datetime) -> None:
    """Many records under one signed root. carries: S0-021"""
    write(700)
    sizes: list[int] = []
    while not sizes or sizes[-1] < 700:
        sizes.append(services.sequence_once(now, 130).size)
    assert sizes == [130, 260, 390, 520, 650, 700]
    assert bytes(LogState.objects.get().root) == root(journal_rows.entries(0, 700))
    assert list(audit_log()) == []


def test_narrow_tiles_go_when_the_full_one_stands(write: Write, now: datetime) -> None:
    write(100)
    services.sequence_once(now)
    assert "tile/0/000.p/100" in set(tile_files.names())
    write(200)
    services.sequence_once(now)
    names = set(tile_files.names())
    assert "tile/0/000" in names and "tile/0/000.p/100" not in names and "tile/0/001.p/44" in names


def steps_of(write: Write, now: datetime) -> int:
    write(300)
    seen, reached = crash_at(-1)
    with transaction.atomic():
        services.sequence_once(now, reached=reached)
        transaction.set_rollback(True)
    for name in list(tile_files.names()):
        (tile_files.root() / name).unlink()
    return len(seen)


def test_a_crash_at_any_step_loses_nothing_and_never_forks(write: Write, now: datetime) -> None:
    """Dies at every step in turn, each time with more facts behind it; what is public must stay in the next tree."""
    steps = steps_of(write, now)
    assert steps > 12
    public: list[bytes] = []
    for step in range(steps):
        write(7)
        _, reached = crash_at(step)
        try:
            services.sequence_once(now, reached=reached)
        except Crash:
            out = tile_files.published()
            if out is not None:
                public.append(out)
                size = checkpoints.parse(out).size
                assert size == 0 or Checkpoint.objects.filter(size=size, note=out).exists()
        if step % 3 == 0:
            public.append(services.sequence_once(now).note)
            assert list(audit_log()) == []
    done = services.sequence_once(now)
    assert done.size == Position.objects.count() == 300 + 7 * steps
    assert list(audit_log()) == []
    entries = journal_rows.entries(0, done.size)
    for note in public:
        seen_head = checkpoints.verify_strict(note, signer.keyring())
        assert seen_head.root == root(entries[: seen_head.size])


def test_a_checkpoint_that_was_signed_but_not_published_comes_out_as_it_was_signed(write: Write, now: datetime) -> None:
    services.sequence_once(now)
    write(5)

    def reached(name: str) -> None:
        if name == "state committed":
            raise Crash(name)

    with pytest.raises(Crash):
        services.sequence_once(now, reached=reached)
    signed = bytes(LogState.objects.get().checkpoint)
    assert tile_files.published() != signed
    assert services.sequence_once(now).note == signed == tile_files.published()


def test_it_refuses_to_sign_when_the_public_checkpoint_is_ahead_of_the_database(write: Write, now: datetime) -> None:
    write(5)
    with transaction.atomic():
        services.sequence_once(now)
        transaction.set_rollback(True)  # the database came back from an older backup
    write(2)
    with pytest.raises(LogForked):
        services.sequence_once(now)
    assert Checkpoint.objects.count() == 0


def test_it_refuses_to_go_on_over_a_journal_that_no_longer_gives_the_signed_root(write: Write, now: datetime) -> None:
    ids = write(5)
    services.sequence_once(now)
    tamper("kernel_fact", "UPDATE kernel_fact SET digest = %s WHERE id = %s", b"\x00" * 32, ids[2])
    write(1)
    with pytest.raises(LogForked):
        services.sequence_once(now)
    assert LogState.objects.get().size == 5


@pytest.mark.parametrize("path", ["tile/1/000.p/1", "tile/0/001.p/44", "tile/entries/001.p/44"])
def test_a_lost_or_damaged_edge_is_derived_again_before_the_log_grows(write: Write, now: datetime, path: str) -> None:
    write(300)
    services.sequence_once(now)
    (tile_files.root() / path).write_bytes(b"\x01" * 32)
    write(1)
    assert services.sequence_once(now).size == 301
    assert list(audit_log()) == []


def test_the_whole_tile_store_is_derived_from_the_journal(write: Write, now: datetime) -> None:
    write(600)
    services.sequence_once(now)
    before = {name: tile_files.read(name) for name in tile_files.names()}
    for name in before:
        (tile_files.root() / name).unlink()
    assert services.rebuild() == len(before) - 1
    assert {name: tile_files.read(name) for name in tile_files.names()} == before
    assert list(audit_log()) == []


def test_a_lost_log_is_derived_again_from_the_command_line(
    write: Write, now: datetime, capsys: pytest.CaptureFixture[str]
) -> None:
    write(3)
    services.sequence_once(now)
    before = {name: tile_files.read(name) for name in tile_files.names()}
    for name in before:
        (tile_files.root() / name).unlink()
    assert log_cli.run(["rebuild"]) == 0
    assert f" {len(before) - 1} " in capsys.readouterr().out
    assert {name: tile_files.read(name) for name in tile_files.names()} == before


def test_the_database_refuses_a_log_that_shrinks(write: Write, now: datetime) -> None:
    write(5)
    services.sequence_once(now)
    for statement in (
        "UPDATE evidence_logstate SET size = 4",
        "UPDATE evidence_logstate SET root = decode(repeat('00', 32), 'hex')",
        "DELETE FROM evidence_logstate",
        "UPDATE evidence_checkpoint SET root = decode(repeat('00', 32), 'hex')",
        "DELETE FROM evidence_checkpoint",
        "INSERT INTO evidence_checkpoint (size, root, note, signed_at) SELECT 3, root, note, signed_at FROM evidence_checkpoint",
    ):
        with pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(statement)
    assert LogState.objects.get().size == 5


def test_a_venue_under_sm_signs_its_checkpoints_twice(write: Write, now: datetime, monkeypatch: pytest.MonkeyPatch) -> None:
    keys = new_keys("sm", signer.origin())
    held = {key.verify_key: key for key in keys}
    monkeypatch.setattr(keystore, "founding", lambda suites, name: keyring_of(keys))
    monkeypatch.setattr(keystore, "open_key", held.__getitem__)
    ids = write(2)
    note = services.sequence_once(now).note
    steps = queries.evidence_of(ids[0], None).steps
    assert [s.id for s in steps if s.outcome.value == "ok"] == ["entry", "path", "checkpoint", "ed25519", "sm2"]
    assert note.count(b"\xe2\x80\x94 ") == 2
    assert checkpoints.verify_strict(note, signer.keyring()).size == 2
    assert list(audit_log()) == []


def test_deriving_gives_the_same_files_as_growing(tmp_path: Path) -> None:
    entries = [b'{"n":%d}' % n for n in range(65_536 + 300)]
    derived = dict(domain.derive([entries[:65_536], entries[65_536:]]))
    grown: dict[str, bytes] = {}
    size, head = 0, EMPTY_ROOT
    for end in (5, 256, 700, 65_536, len(entries)):
        written = domain.append(size, head, entries[size - size % 256 : end], grown.__getitem__)
        grown |= written.files
        size, head = written.size, written.root
    assert head == root(entries)
    assert all(grown[path] == content for path, content in derived.items())
    assert len(derived) == (256 + 2) * 2 + 1 + 1 + 1


@pytest.mark.django_db(transaction=True)
def test_the_loop_makes_a_fact_provable_within_a_second(write: Write, now: datetime) -> None:
    stop = threading.Event()

    def work() -> None:
        try:
            services.run(stop)
        finally:
            connection.close()

    worker = threading.Thread(target=work)
    worker.start()
    try:
        stop.wait(0.5)
        with transaction.atomic():
            (fact,) = write(1)
        stop.wait(1)
        assert queries.badge(fact).state is queries.BadgeState.SEALED
    finally:
        stop.set()
        worker.join()
