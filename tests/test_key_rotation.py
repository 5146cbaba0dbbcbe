"""Keys begin and end at a running venue: overlap, retirement, loss, adoption of SM2, recovery; audit stays green."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import DatabaseError, connection, transaction

from shugu import audit
from shugu.evidence import queries, rotation, services
from shugu.evidence.errors import NoSuchKey, OverlapRunning, RecoveryNeeded
from shugu.evidence.log_audit import audit_keys, audit_log
from shugu.evidence.models import LogState
from shugu.evidence.rotation import BeginKey
from shugu.formats import checkpoint as checkpoints
from shugu.formats.canonical import sha256
from shugu.formats.checks import Outcome
from shugu.formats.credential import Document, credential_digest, sign_credential, verify_credential
from shugu.formats.keyhistory import HistoryNotTrusted, JoinMissing, KeyPeriods, check_in_force, trusted
from shugu.formats.sealed import Sealed, read_sealed
from shugu.formats.suites import Keyring, generate
from shugu.formats.witnessing import Submission
from shugu.kernel import documents, journal, key_lines, keystore, signer
from shugu.kernel.cases import Actor, ActorKind, mandate
from shugu.kernel.errors import Forbidden
from shugu.kernel.models import Fact, KeyLine
from shugu.logtools.witness import FolderLedger, add_checkpoint

pytestmark = pytest.mark.django_db

ALICE = Actor(ActorKind.PERSON, person=1, org=10)
OPERATOR = Actor(ActorKind.PERSON, person=7, seats=frozenset({"operator"}))
LATER = timedelta(days=91)


@pytest.fixture(autouse=True)
def own_home(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Key files of this test alone: what it makes is nobody else's."""
    folder = tmp_path / "keys"
    folder.mkdir()
    monkeypatch.setattr(keystore, "folder", lambda: folder)
    signer.forget()


def issue(now: datetime, number: str) -> Sealed:
    credential = signer.sign_document("RegisterReport", number=number, subject={"n": 1}, now=now)
    digest = documents.put(signer.document_bytes(credential))
    journal.record("thing.done", subject="kernel_test.thing:1", actor=ALICE, now=now, digests={"document": digest})
    services.sequence_once(now)
    return read_sealed(queries.sealed(digest))


def holds(document: Sealed, periods: KeyPeriods) -> bool:
    assert document.proof is not None
    size = document.proof.covered_by().size
    checkpoints.verify_strict(document.proof.checkpoint, periods.for_checkpoint(size))
    checks = verify_credential(document.credential, periods.for_entry(document.proof.index))
    return all(c.outcome is not Outcome.FAILED for c in checks)


def rotate(suite: str, now: datetime) -> tuple[str, str]:
    """(old key id, new key id), the old one retired; the time has moved on by the overlap."""
    old = next(k for k in signer.periods().in_force() if k.suite.name == suite).key_id
    rotation.begin_key(BeginKey(suite), actor=OPERATOR, now=now)
    rotation.retire_key(old, actor=OPERATOR, now=now + LATER)
    return old, [k.key_id for k in signer.periods().in_force() if k.suite.name == suite][-1]


@pytest.mark.parametrize("suites", [["intl"], ["intl", "sm"]])
def test_certificates_under_old_and_new_keys_verify_with_what_was_pinned_first(
    now: datetime, suites: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(key_lines, "_suites", lambda: suites)
    pinned = signer.keyring()
    first = issue(now, "C-1")
    for suite in suites:
        rotate(suite, now)
    second = issue(now + LATER, "C-2")
    periods = trusted(pinned, queries.key_history())
    assert holds(first, periods) and holds(second, periods)
    assert first.proof and second.proof
    check_in_force(periods, second.proof)
    with pytest.raises(JoinMissing):
        check_in_force(periods, first.proof)
    size = first.proof.covered_by().size
    ends = min(p.until for p in periods.periods if p.until is not None)
    check_in_force(periods, first.proof, queries.consistency(size, ends).hashes)
    again = read_sealed(queries.sealed(_digest(first)))
    assert again.proof is not None and holds(again, periods)
    check_in_force(periods, again.proof)
    assert list(audit_log()) == list(audit_keys()) == [] and list(audit.audit_documents()) == []
    assert [s.outcome for s in queries.evidence_of(queries.naming_fact(_digest(first)), None).steps].count(Outcome.FAILED) == 0


def _digest(document: Sealed) -> str:
    return credential_digest(document.credential)


def test_in_the_overlap_both_keys_sign_checkpoints_and_the_new_one_documents(now: datetime) -> None:
    pinned = signer.keyring()
    issue(now, "C-1")
    rotation.begin_key(BeginKey("intl"), actor=OPERATOR, now=now)
    old, new = signer.keyring().keys
    document = issue(now, "C-2")
    assert document.proof is not None
    assert checkpoints.verify(document.proof.checkpoint, pinned).size == document.proof.covered_by().size
    assert document.proof.checkpoint.count(b"\xe2\x80\x94 ") == 2
    assert [str(p["verificationMethod"]) for p in _proofs(document.credential)] == [new.method]
    with pytest.raises(OverlapRunning):
        rotation.retire_key(old.key_id, actor=OPERATOR, now=now + timedelta(days=89))
    with pytest.raises(OverlapRunning):
        rotation.begin_key(BeginKey("intl"), actor=OPERATOR, now=now)
    with pytest.raises(OverlapRunning):
        rotation.retire_key(new.key_id, actor=OPERATOR, now=now + LATER)


def _proofs(credential: Document) -> list[dict[str, object]]:
    found = credential["proof"]
    assert isinstance(found, list)
    return found


def test_a_stolen_retired_key_backdates_nothing(now: datetime) -> None:
    issue(now, "C-1")
    pinned, (stolen,) = signer.keyring(), signer.keys()
    rotate("intl", now)
    periods = trusted(pinned, queries.key_history())
    body = {k: v for k, v in signer.sign_document("RegisterReport", number="F", subject={}, now=now).items() if k != "proof"}
    digest = documents.put(signer.document_bytes(sign_credential(body, [stolen], now - timedelta(days=300))))
    journal.record("thing.done", subject="kernel_test.thing:1", actor=ALICE, now=now, digests={"document": digest})
    services.sequence_once(now + LATER)
    assert not holds(read_sealed(queries.sealed(digest)), periods)
    assert [v.check for v in audit.audit_documents()] == ["kernel.documents"]


def test_a_lost_key_ends_at_once_and_another_takes_its_place(now: datetime) -> None:
    pinned = signer.keyring()
    before = issue(now, "C-1")
    rotation.lose_key(pinned.keys[0].key_id, actor=OPERATOR, now=now)
    after = issue(now, "C-2")
    periods = trusted(pinned, queries.key_history())
    assert [(p.reason, p.until) for p in periods.periods][1:] == [("replaced", None)]
    assert holds(before, periods) and holds(after, periods)
    assert list(audit_log()) == list(audit_keys()) == [] and list(audit.audit_documents()) == []
    with pytest.raises(NoSuchKey):
        rotation.lose_key(pinned.keys[0].key_id, actor=OPERATOR, now=now)


def test_a_venue_adopts_sm2_later(now: datetime) -> None:
    pinned = signer.keyring()
    before = issue(now, "C-1")
    rotation.begin_key(BeginKey("sm"), actor=OPERATOR, now=now)
    after = issue(now, "C-2")
    periods = trusted(pinned, queries.key_history())
    assert holds(before, periods) and holds(after, periods)
    assert len(_proofs(before.credential)) == 1 and len(_proofs(after.credential)) == 2
    assert [p.reason for p in periods.periods] == ["founded", "adopted"]
    assert list(audit_log()) == list(audit_keys()) == []


def test_with_a_recovery_key_nobody_brings_in_a_key_without_it(now: datetime) -> None:
    offline, other = generate("intl", f"{signer.origin()}/recovery"), generate("intl", f"{signer.origin()}/recovery")
    pinned = Keyring((*signer.keyring().keys, offline.verify_key))
    rotation.name_recovery(offline, actor=OPERATOR, now=now)
    with pytest.raises(RecoveryNeeded):
        rotation.begin_key(BeginKey("intl"), actor=OPERATOR, now=now)
    with pytest.raises(RecoveryNeeded):
        rotation.name_recovery(other, actor=OPERATOR, now=now)
    lost = signer.keyring().keys[0].key_id
    rotation.lose_key(lost, actor=OPERATOR, now=now, recovery=offline)
    assert trusted(pinned, queries.key_history()).count == 4
    with pytest.raises(HistoryNotTrusted):
        trusted(Keyring((*pinned.keys[:1], other.verify_key)), queries.key_history())


def test_every_version_of_the_history_is_in_the_log(now: datetime) -> None:
    rotate("intl", now)
    services.sequence_once(now + LATER)
    named = [f.payload for f in Fact.objects.filter(name__startswith="venue_key.").order_by("id")]
    assert len(named) == 3 and sha256(queries.key_history()).hex() in str(named[-1])


def test_nobody_but_the_operator_and_nothing_but_a_line_that_follows(now: datetime) -> None:
    with pytest.raises(Forbidden):
        rotation.begin_key(BeginKey("intl"), actor=ALICE, now=now)
    rotation.begin_key(BeginKey("intl"), actor=mandate("venue", "keys"), now=now)
    last = KeyLine.objects.order_by("-n").first()
    assert last is not None
    with pytest.raises(HistoryNotTrusted):
        rotation.say_line(rotation.SayLine(last.line.encode()), actor=OPERATOR, now=now)


def test_the_database_keeps_every_line(now: datetime) -> None:
    key_lines.found(now)
    key_lines.found(now)
    assert KeyLine.objects.count() == 1
    for statement in ("UPDATE kernel_keyline SET line = ''", "DELETE FROM kernel_keyline"):
        with pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(statement)


def test_those_who_witness_our_log_follow_our_history(now: datetime, tmp_path: Any) -> None:
    """A witness elsewhere pinned our first key: what only the next one signs it cosigns once it has read our history."""
    issue(now, "C-1")
    ledger = FolderLedger.found(tmp_path / "witness", "witness.example")
    ledger.add(signer.keyring(), "http://us.example")
    first, size = bytes(LogState.objects.get().checkpoint), LogState.objects.get().size
    assert add_checkpoint(Submission(0, (), first).encode(), ledger, ledger.key, 1).status == 200
    rotate("intl", now)
    issue(now + LATER, "C-2")
    state = LogState.objects.get()
    body = Submission(size, queries.consistency(size, state.size).hashes, bytes(state.checkpoint)).encode()
    assert add_checkpoint(body, ledger, ledger.key, 2).status == 403
    assert ledger.follow(lambda site: queries.key_history()) == {signer.origin(): ""}
    assert add_checkpoint(body, ledger, ledger.key, 2).status == 200
