"""One process signs and seals documents while another rotates, retires and loses keys: nothing is signed out of its time."""

from __future__ import annotations

import multiprocessing
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from multiprocessing.synchronize import Event
from pathlib import Path

import pytest
from django.db import connections, transaction

from shugu import audit
from shugu.evidence import rotation, services
from shugu.evidence.log_audit import audit_keys, audit_log
from shugu.formats.canonical import parse_object
from shugu.kernel import documents, journal, keystore, signer
from shugu.kernel.cases import Actor, ActorKind
from shugu.kernel.models import Fact, Position

ALICE = Actor(ActorKind.PERSON, person=1, org=10)
OPERATOR = Actor(ActorKind.PERSON, person=7, seats=frozenset({"operator"}))
LATER = timedelta(days=91)
PATIENCE = 60


def sign(number: str, now: datetime) -> None:
    with transaction.atomic():
        credential = signer.sign_document("RegisterReport", number=number, subject={"n": 1}, now=now)
        time.sleep(0.002)  # what a command does between signing and its fact
        digest = documents.put(signer.document_bytes(credential))
        journal.record("thing.done", subject="kernel_test.thing:1", actor=ALICE, now=now, digests={"document": digest})


def work(begun: Event, done: Event, now: datetime) -> None:
    """A web process that signs without a pause, and a worker that brings into the log what it can."""
    connections.close_all()
    count = 0
    while not done.is_set():
        sign(f"C-{count}", now)
        count += 1
        if count % 7 == 0:
            with services.writer() as mine:
                if mine:
                    services.sequence_once(now)
        if count == 10:
            begun.set()
    connections.close_all()


def waited(moved: Callable[[], bool]) -> None:
    for _ in range(PATIENCE * 20):
        if moved():
            return
        time.sleep(0.05)
    raise AssertionError("the other process signs nothing")


def signed_with() -> list[tuple[int, list[str]]]:
    """(index in the log, methods of the proofs) of every document, in order."""
    out = []
    for fact, place in Position.objects.filter(fact__name="thing.done").order_by("position").values_list("fact", "position"):
        payload = parse_object((Fact.objects.get(pk=fact).payload or "").encode())
        digests = payload["digests"]
        assert isinstance(digests, dict)
        proofs = parse_object(documents.get(str(digests["document"])))["proof"]
        assert isinstance(proofs, list)
        out.append((place, [proof["verificationMethod"] for proof in proofs]))
    return out


@pytest.mark.django_db(transaction=True)
def test_nothing_is_signed_by_a_key_that_has_ended(now: datetime, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "keys"
    folder.mkdir()
    monkeypatch.setattr(keystore, "folder", lambda: folder)
    signer.forget()
    signer.periods()
    fork = multiprocessing.get_context("fork")
    begun, done = fork.Event(), fork.Event()
    connections.close_all()
    other = fork.Process(target=work, args=(begun, done, now), daemon=True)
    other.start()
    try:
        assert begun.wait(PATIENCE)
        for _ in range(2):
            old = signer.keyring().keys[0]
            rotation.begin_key(rotation.BeginKey("intl"), actor=OPERATOR, now=now)
            seen = Fact.objects.count()
            waited(lambda at=seen: Fact.objects.count() > at + 5)  # type: ignore[misc]
            now += LATER
            rotation.retire_key(old.key_id, actor=OPERATOR, now=now)
            seen = Fact.objects.count()
            waited(lambda at=seen: Fact.objects.count() > at + 5)  # type: ignore[misc]
        rotation.lose_key(signer.keyring().keys[0].key_id, actor=OPERATOR, now=now)
        seen = Fact.objects.count()
        waited(lambda: Fact.objects.count() > seen + 5)
    finally:
        done.set()
        other.join(PATIENCE)
    assert other.exitcode == 0
    with services.writer(wait=True):
        while (last := services.sequence_once(now)).size > last.first:
            pass
    periods = signer.periods()
    found = signed_with()
    for place, methods in found:
        ring = periods.for_entry(place)
        assert all(ring.by_method(method) is not None for method in methods), (place, methods)
    assert len({method for _, methods in found for method in methods}) == len(periods.periods) == 4
    assert list(audit_log()) == list(audit_keys()) == list(audit.audit_documents()) == []
    signer.forget()
