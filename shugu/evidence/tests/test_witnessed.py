"""We are a witness: the table of C2SP tlog-witness over the database, and the operator's commands."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from uuid import uuid4

import pytest
from django.db import DatabaseError, connection
from django.test import Client

from shugu.evidence import log_cli, queries, services, witnessed
from shugu.evidence.errors import AlreadyWitnessed
from shugu.evidence.models import WitnessAlarm, WitnessedLog
from shugu.evidence.tests.conftest import AUDITOR, STRANGER
from shugu.formats import checkpoint as checkpoints
from shugu.formats.cosignature import parse_cosignatures, verify_cosignature
from shugu.formats.keyhistory import Kind, write_history
from shugu.formats.note import parse_note
from shugu.formats.suites import Keyring, generate, new_keys, parse_witness_vkey
from shugu.formats.witnessing import SIZE_TYPE, origin_id
from shugu.kernel import clock
from shugu.kernel.cases import Actor, ActorKind
from shugu.kernel.errors import Forbidden, InputInvalid, NotFound
from shugu.kernel.models import Fact
from shugu.logtools.forks import Fork, verify_fork
from shugu.logtools.tests.small_log import SmallLog, numbered
from shugu.logtools.tests.test_following import ORIGIN as KEYS_ORIGIN
from shugu.logtools.tests.test_following import Rotating

ORIGIN = "other.example/log"
KEYS = new_keys("sm", ORIGIN)
OPERATOR = Actor(ActorKind.PERSON, person=7, seats=frozenset({"operator"}))
Visit = Callable[[Actor | None], Client]


@pytest.fixture()
def log(tmp_path: Path) -> SmallLog:
    return SmallLog(tmp_path / "log", KEYS, numbered(700))


def begin(log: SmallLog, now: datetime) -> None:
    services.witness_log(services.WitnessLog(log.pinned.text()), actor=OPERATOR, now=now)


def post(client: Client, body: bytes) -> tuple[int, bytes, str]:
    answer = client.post("/witness/add-checkpoint", body, content_type="text/plain")
    return answer.status_code, answer.content, answer["Content-Type"]


def test_growth_is_cosigned_over_http(visit: Visit, log: SmallLog, now: datetime) -> None:
    begin(log, now)
    client = visit(None)
    key = parse_witness_vkey(client.get("/witness/witness.vkey").content.decode().strip())
    for old, size in ((0, 300), (300, 300), (300, 700)):
        status, body, _ = post(client, log.submission(old, size))
        assert status == 200
        assert verify_cosignature(parse_note(log.note(size)).text, parse_cosignatures(body)[0], key) > 0
    note = client.get(f"/witness/{origin_id(ORIGIN)}/checkpoint").content
    assert checkpoints.verify_strict(note, Keyring((*log.pinned.keys, key))).size == 700
    assert client.get(f"/witness/{'0' * 64}/checkpoint").status_code == 404
    assert post(client, log.submission(0, 700)) == (409, b"700\n", SIZE_TYPE)
    assert post(client, b"x" * 70_000)[0] == 413
    assert not Fact.objects.filter(name="witness.fork_seen").exists()


def test_every_refusal_has_its_status_and_moves_nothing(visit: Visit, log: SmallLog, now: datetime, tmp_path: Path) -> None:
    client = visit(None)
    assert post(client, log.submission(0, 300))[0] == 404
    begin(log, now)
    assert post(client, log.submission(0, 300))[0] == 200
    stranger = SmallLog(tmp_path / "s", new_keys("intl", ORIGIN), numbered(700))
    cases = [(b"", 400), (log.submission(701, 700), 400), (stranger.submission(300), 403), (log.submission(200), 409)]
    for body, status in cases:
        assert post(client, body)[0] == status
        assert WitnessedLog.objects.get().size == 300
    services.unwitness_log(services.UnwitnessLog(ORIGIN), actor=OPERATOR, now=now)
    assert post(client, log.submission(300))[0] == 404
    begin(log, now)
    assert post(client, log.submission(0, 200))[0] == 409  # taking it up again turns nothing back
    with pytest.raises(DatabaseError, match="not taken back"):
        WitnessedLog.objects.update(size=1)


def test_a_fork_is_refused_a_fact_and_an_alarm(visit: Visit, log: SmallLog, now: datetime, tmp_path: Path) -> None:
    begin(log, now)
    client = visit(None)
    assert post(client, log.submission(0, 300))[0] == 200
    fork = SmallLog(tmp_path / "f", KEYS, numbered(700, "x"))
    for body, status in ((fork.submission(300, 300), 422), (fork.submission(0, 300), 409), (fork.submission(300, 700), 422)):
        assert post(client, body)[0] == status
        assert post(client, body)[0] == status
    assert sorted(WitnessAlarm.objects.values_list("size", "proven")) == [(300, True), (700, False)]
    assert Fact.objects.filter(name="witness.fork_seen").count() == 2
    proven = next(a for a in queries.witness_alarms() if a.proven)
    verify_fork(Fork(proven.first, proven.second), log.pinned)
    # Anybody can send a log's own checkpoint with a wrong proof: that is told once a day, not once a request.
    for size in (400, 500, 600):
        assert post(client, fork.submission(300, size))[0] == 422
    assert WitnessAlarm.objects.count() == 2
    page = visit(AUDITOR).get("/operations/witness/").content.decode()
    assert "已证实分叉" in page
    assert "停止见证" not in page
    got = visit(AUDITOR).get(f"/operations/witness/alarms/{proven.id}/second").content
    assert got == proven.second
    assert visit(STRANGER).get("/operations/witness/").status_code == 403


@pytest.mark.django_db(transaction=True)
def test_of_two_at_once_with_one_old_size_exactly_one_wins(log: SmallLog, now: datetime) -> None:
    begin(log, now)
    assert witnessed.answer(log.submission(0, 300), now).status == 200
    bodies, statuses, gate = [log.submission(300, 301 + n) for n in range(6)], list[int](), threading.Barrier(6)

    def one(body: bytes) -> None:
        gate.wait()
        try:
            statuses.append(witnessed.answer(body, now).status)
        finally:
            connection.close()

    threads = [threading.Thread(target=one, args=(b,)) for b in bodies]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(statuses) == [200] + [409] * 5


def test_only_the_operator_adds_and_removes(db: None, log: SmallLog, now: datetime) -> None:
    cmd = services.WitnessLog(log.pinned.text())
    for actor in (STRANGER, AUDITOR):
        with pytest.raises(Forbidden):
            services.witness_log(cmd, actor=actor, now=now)
        with pytest.raises(Forbidden):
            services.unwitness_log(services.UnwitnessLog(ORIGIN), actor=actor, now=now)
    with pytest.raises(NotFound):
        services.unwitness_log(services.UnwitnessLog(ORIGIN), actor=OPERATOR, now=now)
    for text in ("", "x", log.pinned.text() + new_keys("intl", "b.example")[0].verify_key.vkey()):
        with pytest.raises(InputInvalid):
            services.witness_log(services.WitnessLog(text), actor=OPERATOR, now=now)
    one = services.witness_log(cmd, actor=OPERATOR, now=now, key="12345678")
    assert services.witness_log(cmd, actor=OPERATOR, now=now, key="12345678").pk == one.pk
    with pytest.raises(AlreadyWitnessed, match="already"):
        services.witness_log(cmd, actor=OPERATOR, now=now)
    services.witness_log(services.WitnessLog(log.keys[0].verify_key.vkey()), actor=OPERATOR, now=now)
    assert [f.name for f in Fact.objects.order_by("id")] == ["witness.log_added", "witness.log_added"]


def test_the_page_adds_and_removes(visit: Visit, log: SmallLog, now: datetime) -> None:
    client = visit(OPERATOR)
    refused = client.post("/operations/witness/add/", {"vkeys": "nonsense", "key": str(uuid4())})
    assert refused.status_code == 200
    assert "nonsense" in refused.content.decode()
    assert client.post("/operations/witness/add/", {"vkeys": log.pinned.text(), "key": str(uuid4())}).status_code == 302
    assert ORIGIN in client.get("/operations/witness/").content.decode()
    assert client.post("/operations/witness/remove/", {"origin": ORIGIN}).status_code == 302
    assert [w.ended_at is None for w in queries.witnessed()] == [False]


def test_the_command_lists(db: None, log: SmallLog, now: datetime, capsys: pytest.CaptureFixture[str]) -> None:
    begin(log, now)
    assert log_cli.run(["witness", "list"]) == 0
    assert capsys.readouterr().out == f"{ORIGIN}\t0\twitnessed\t0\t0\t{','.join(k.key_id for k in log.pinned.keys)}\n"
    with pytest.raises(NotFound):
        log_cli.run(["witness", "remove", ORIGIN, "--as", "nobody"])


@pytest.fixture()
def rotating(tmp_path: Path) -> Rotating:
    return Rotating(SmallLog(tmp_path / "rotating", [generate("intl", KEYS_ORIGIN)], numbered(5)))


def test_the_keys_of_a_witnessed_log_are_followed(visit: Visit, rotating: Rotating, now: datetime) -> None:
    """Rotated, then stolen: the history is asked for at once after an unknown key, and the thief's checkpoint moves nothing."""
    log, client, origin = rotating.log, visit(None), KEYS_ORIGIN
    services.witness_log(services.WitnessLog(log.pinned.text(), "https://other.example/"), actor=OPERATOR, now=now)
    asked: list[str] = []

    def fetch(site: str) -> bytes:
        asked.append(site)
        return rotating.history

    wall = clock.wall()
    assert services.follow_due(now, wall, fetch) == 1 and services.follow_due(now, wall, fetch) == 0
    assert asked == ["https://other.example"] and post(client, log.submission(0))[0] == 200
    [old] = log.keys
    rotating.announce()
    rotating.end(old, Kind.COMPROMISED)
    body = log.append(numbered(3, "b")).submission(5)
    WitnessedLog.objects.update(asked_at=wall - timedelta(seconds=30))
    assert post(client, body)[0] == 403
    assert services.follow_due(now, wall, fetch) == 1, "asked half a minute ago, and now for the unknown key"
    assert post(client, body)[0] == 200
    true, log.keys = log.keys, [old]
    assert post(client, log.append(numbered(3, "of the thief")).submission(8))[0] == 403
    seen = queries.witnessed()[0]
    assert (seen.size, seen.keys, seen.lines, seen.alarms) == (8, (true[0].verify_key.key_id,), 3, 0)
    facts = Fact.objects.filter(name="witness.keys_followed")
    assert facts.count() == 2 and origin in str(facts[1].payload)
    WitnessedLog.objects.update(asked_at=None)
    stranger = write_history(origin, rotating.lines[:1])
    assert services.follow_due(now, wall, lambda site: stranger) == 0
    shown = visit(OPERATOR).get("/operations/witness/").content.decode()
    assert true[0].verify_key.key_id in shown and "续写" in shown
    with pytest.raises(InputInvalid):
        services.witness_log(services.WitnessLog(log.pinned.text(), "ftp://x"), actor=OPERATOR, now=now)
