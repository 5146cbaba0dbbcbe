"""One test for each kind of violation: somebody tampers with rows or files, and the audit names it."""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from django.db import connection, transaction

from shugu import audit
from shugu.evidence import services, tile_files
from shugu.evidence.tests.tampering import tamper
from shugu.kernel import audits, documents, engine, journal, runtime, signer, tables
from shugu.kernel.audits import Violation
from shugu.kernel.cases import Actor, ActorKind, Command, PartyView
from shugu.kernel.models import Case, Clock, Cursor
from shugu.kernel.tests import bench_table
from shugu.kernel.vocabulary import VOCABULARY
from shugu.kernel.workdays import end_of_day

pytestmark = pytest.mark.django_db

APPLICANT = Actor(ActorKind.PERSON, person=1, org=10)
Found = Callable[[], set[str]]


@pytest.fixture(autouse=True)
def _tables(monkeypatch: pytest.MonkeyPatch) -> None:
    filing = bench_table.table()
    every = {**tables.all_tables(), **{t.id: {1: t} for t in (filing, bench_table.objection(), bench_table.report())}}
    monkeypatch.setattr(tables, "all_tables", lambda: every)
    words = bench_table.words()
    for shelf in ("guards", "predicates", "effects", "contexts", "openers"):
        for name, value in getattr(words, shelf).items():
            monkeypatch.setitem(getattr(VOCABULARY, shelf), name, value)


@pytest.fixture()
def case(now: datetime) -> int:
    """A case with a move, a credential and a clock behind it, all of it in the log."""
    made = engine.open_case(
        "kernel_test.filing", actor=APPLICANT, now=now, title="一件", parties=[PartyView("applicant", 1, 10)],
        data={"form": "x"},
    )  # fmt: skip
    Clock.objects.create(
        case_id=made, clock=bench_table.table().clocks[0].id, kind=bench_table.table().clocks[0].kind, status="running",
        starts_on=now.date(), due_on=now.date(), due_at=end_of_day(now.date()),
    )  # fmt: skip
    credential = signer.sign_document("RegisterReport", number="C-1", subject={"n": 1}, now=now)
    digest = documents.put(signer.document_bytes(credential))
    journal.record(
        "thing.certified", subject=f"kernel_test.thing:{made}", actor=APPLICANT, now=now, digests={"certificate": digest}
    )
    for n in range(5):
        journal.record("thing.done", subject=f"kernel_test.thing:{n}", actor=APPLICANT, now=now, case=made, data={"n": n})
    services.sequence_once(now)
    services.sequence_once(now)
    assert audit.audit_everything() == []
    return made


def violations(check: str) -> list[Violation]:
    return [v for v in audit.audit_everything() if v.check == check]


def told(check: str) -> str:
    return " | ".join(f"{v.subject}: {v.what[1]}" for v in violations(check))


def last_fact() -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT max(id) FROM kernel_fact")
        return int(cursor.fetchone()[0])


def test_it_sees_changed_content_of_a_fact(case: int) -> None:
    tamper("kernel_fact", "UPDATE kernel_fact SET payload = replace(payload, '\"n\":4', '\"n\":5') WHERE id = %s", last_fact())
    assert f"fact:{last_fact()} thing.done: the payload does not give the SHA-256 commitment" in told("kernel.commitments")


def test_it_sees_a_changed_salt_and_a_half_erased_fact(case: int) -> None:
    tamper("kernel_fact", "UPDATE kernel_fact SET salt = %s WHERE id = %s", b"\x00" * 32, last_fact())
    tamper("kernel_fact", "UPDATE kernel_fact SET payload = NULL WHERE id = %s", last_fact() - 1)
    assert "does not give" in told("kernel.commitments") and "only one of payload and salt" in told("kernel.commitments")


def test_it_sees_columns_that_say_other_than_the_payload(case: int) -> None:
    tamper("kernel_fact", "UPDATE kernel_fact SET person = 2 WHERE id = %s", last_fact())
    assert "columns are not what its payload says" in told("kernel.commitments")


def test_it_sees_a_changed_commitment_in_journal_and_log(case: int) -> None:
    tamper("kernel_fact", "UPDATE kernel_fact SET digest = %s WHERE id = %s", b"\x01" * 32, last_fact())
    assert "does not give" in told("kernel.commitments")
    log = told("evidence.log")
    assert "the log's file differs from the journal" in log and "the root recomputed from the journal" in log


def test_it_sees_a_fact_inserted_without_a_place_in_the_log(case: int, now: datetime) -> None:
    tamper(
        "kernel_fact",
        "INSERT INTO kernel_fact (xid, name, subject, recorded_at, effective_on, digest) "
        "SELECT '1'::xid8, name, subject, recorded_at, effective_on, digest FROM kernel_fact WHERE id = %s",
        last_fact(),
    )
    assert "it has no position" in told("evidence.log")


def test_it_sees_a_removed_position(case: int) -> None:
    tamper("kernel_position", "DELETE FROM kernel_position WHERE position = 3")
    assert "positions must run without a gap" in told("evidence.log")


def test_it_sees_exchanged_positions(case: int) -> None:
    tamper("kernel_position", "UPDATE kernel_position SET position = position + 1000 WHERE position IN (1, 2)")
    tamper("kernel_position", "UPDATE kernel_position SET position = 1003 - position WHERE position > 1000")
    assert "the root recomputed from the journal" in told("evidence.log")


@pytest.mark.parametrize("path", ["tile/0/000.p/{n}", "tile/entries/000.p/{n}"])
def test_it_sees_a_changed_and_a_lost_file_of_the_log(case: int, path: str) -> None:
    size = services.sequence_once(Case.objects.get().opened_at).size
    file = tile_files.root() / path.format(n=size)
    content = file.read_bytes()
    file.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    assert f"{path.format(n=size)}: the log's file differs" in told("evidence.log")
    file.unlink()
    assert f"{path.format(n=size)}: The log tile {path.format(n=size)} is missing" in told("evidence.log")


def test_it_sees_a_root_put_under_the_latest_checkpoint(case: int) -> None:
    tamper("evidence_logstate", "UPDATE evidence_logstate SET root = %s", b"\x02" * 32)
    assert "the root recomputed from the journal is not the current one" in told("evidence.log")
    assert "what was signed is not what is on record" in told("evidence.log")


def test_it_sees_an_earlier_checkpoint_over_another_tree(case: int, now: datetime) -> None:
    journal.record("thing.done", subject="kernel_test.thing:9", actor=APPLICANT, now=now)
    services.sequence_once(now)
    earliest = "(SELECT min(size) FROM evidence_checkpoint)"
    tamper("evidence_checkpoint", f"UPDATE evidence_checkpoint SET root = %s WHERE size = {earliest}", b"\x03" * 32)
    assert "the checkpoint's root is not the one recomputed" in told("evidence.log")


def test_it_sees_a_checkpoint_with_a_forged_signature(case: int) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT note FROM evidence_checkpoint ORDER BY size DESC LIMIT 1")
        note = bytes(cursor.fetchone()[0])
    forged = note[:-12] + (b"A" if note[-12:-11] != b"A" else b"B") + note[-11:]
    tamper("evidence_checkpoint", "UPDATE evidence_checkpoint SET note = %s", forged)
    assert "signature" in told("evidence.log")


def test_it_sees_a_removed_checkpoint(case: int) -> None:
    tamper("evidence_checkpoint", "DELETE FROM evidence_checkpoint")
    assert "the latest checkpoint is not on record" in told("evidence.log")


def test_it_sees_a_public_checkpoint_that_is_not_ours(case: int) -> None:
    published = tile_files.root() / tile_files.CHECKPOINT
    published.write_bytes(published.read_bytes().replace(b"\n", b"x\n", 1))
    assert "checkpoint: The signature of" in told("evidence.log") and "is invalid" in told("evidence.log")
    published.unlink()
    assert "no checkpoint is public" in told("evidence.log")


def test_it_sees_a_state_that_the_facts_do_not_lead_to(case: int) -> None:
    row = Case.objects.get(pk=case)
    other = next(s.id for s in bench_table.table().states if s.id != row.state)
    tamper("kernel_case", "UPDATE kernel_case SET state = %s WHERE id = %s", other, case)
    assert f"case:{row.number}: its state is {other}, its facts lead to {row.state}" in told("kernel.cases")


def test_it_sees_a_move_without_its_fact(case: int) -> None:
    tamper("kernel_case", "UPDATE kernel_case SET revision = revision + 1 WHERE id = %s", case)
    assert "moves and voices, but" in told("kernel.cases")


def test_it_sees_a_case_without_the_fact_that_opened_it(case: int) -> None:
    tamper("kernel_fact", "UPDATE kernel_fact SET case_id = NULL WHERE case_id = %s", case)
    assert "no fact opened it" in told("kernel.cases")


def test_it_sees_a_break_in_the_chain_of_moves(case: int, now: datetime) -> None:
    journal.record(
        "testfiling.decided", subject=f"kernel_test.filing:{case}", actor=APPLICANT, now=now, case=case,
        move={"do": "decide", "from": "nowhere", "to": Case.objects.get(pk=case).state, "role": "decider"},
    )  # fmt: skip
    tamper("kernel_case", "UPDATE kernel_case SET revision = revision + 1 WHERE id = %s", case)
    assert f"fact {last_fact()} does not start where the one before ended" in told("kernel.cases")


def certificate() -> str:
    with connection.cursor() as cursor:
        cursor.execute("SELECT payload::jsonb #>> '{digests,certificate}' FROM kernel_fact WHERE name = 'thing.certified'")
        return str(cursor.fetchone()[0])


def test_it_sees_a_damaged_document(case: int) -> None:
    file = runtime.home().path / "documents" / certificate()[:2] / certificate()
    content = file.read_bytes()
    try:
        file.write_bytes(content + b" ")
        assert "the document's bytes have changed" in told("kernel.documents")
    finally:
        file.write_bytes(content)


def test_it_sees_a_credential_whose_signature_does_not_hold(case: int, now: datetime) -> None:
    credential = signer.sign_document("RegisterReport", number="C-2", subject={"n": 1}, now=now)
    credential["credentialSubject"]["n"] = 2
    digest = documents.put(signer.document_bytes(credential))
    journal.record("thing.certified", subject="kernel_test.thing:2", actor=APPLICANT, now=now, digests={"certificate": digest})
    assert f"certificate:{digest}" in told("kernel.documents")


def test_it_sees_a_filed_material_that_is_gone(case: int, now: datetime) -> None:
    filed = documents.file_material(
        case, "form", filename="a.pdf", media_type="application/pdf", content=b"%PDF-1.7 gone", actor=APPLICANT, now=now
    )
    assert told("kernel.documents") == ""
    (runtime.home().path / "documents" / filed.digest[:2] / filed.digest).unlink()
    assert f"material:{filed.digest}: a filed material is gone" in told("kernel.documents")


def test_it_sees_a_changed_rule_set_copy(case: int) -> None:
    tamper("kernel_rulesetcopy", "UPDATE kernel_rulesetcopy SET content = jsonb_set(content, '{documents}', '[]')")
    assert "its content does not match its id" in told("kernel.rule_sets")


def test_it_sees_a_rule_set_without_a_copy(case: int) -> None:
    tamper("kernel_case", "UPDATE kernel_case SET rule_set = 'hangzhou/2020-01-01#000000000000' WHERE id = %s", case)
    assert "no copy is kept" in told("kernel.rule_sets")


def test_it_sees_a_subscriber_that_stopped(case: int) -> None:
    Cursor.objects.create(subscriber="trade.test", position=3, attempts=2, last_error="fact 3 thing.done: boom")
    assert "trade.test: stopped at 3: fact 3 thing.done: boom" in told("kernel.subscribers")


def test_it_sees_clocks_that_cannot_be(case: int) -> None:
    clock = Clock.objects.filter(case_id=case).order_by("id").first()
    assert clock is not None
    tamper("kernel_clock", "UPDATE kernel_clock SET due_at = due_at + interval '1 hour' WHERE id = %s", clock.pk)
    assert "it does not end with its last day" in told("kernel.clocks")
    tamper("kernel_clock", "UPDATE kernel_clock SET status = 'paused', clock = 'unheard_of' WHERE id = %s", clock.pk)
    assert "status and day of pause disagree" in told("kernel.clocks") and "no such clock" in told("kernel.clocks")
    tamper("kernel_case", "UPDATE kernel_case SET closed_at = opened_at WHERE id = %s", case)
    assert "its case is closed, yet it runs" in told("kernel.clocks")


def test_it_sees_a_fact_from_the_future(case: int) -> None:
    tamper("kernel_fact", "UPDATE kernel_fact SET recorded_at = now() + interval '1 day' WHERE id = %s", last_fact())
    assert "recorded in the future" in told("kernel.clocks")


def test_an_app_adds_its_own_check(case: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(audits, "_AUDITS", dict(audits._AUDITS))
    wrong = Violation("settlement.balances", "account:3", ("余额不符", "the balance differs"))
    audits.register_audit("settlement.balances", lambda: [wrong])
    assert audit.audit_everything() == [wrong]
    with pytest.raises(ValueError, match="registered twice"):
        audits.register_audit("settlement.balances", lambda: [replace(wrong, subject="account:4")])


def test_the_report_is_precise_and_its_exit_code_tells(case: int) -> None:
    out = io.StringIO()
    assert audit.main(out) == 0 and "审计通过" in out.getvalue()
    tamper("kernel_case", "UPDATE kernel_case SET revision = revision + 1 WHERE id = %s", case)
    out = io.StringIO()
    assert audit.main(out, "en") == 1
    assert "✗ kernel.cases  case:" in out.getvalue() and "The audit found 1 violations." in out.getvalue()


def test_erasure_that_the_law_demands_is_no_violation_and_any_other_is(case: int, now: datetime) -> None:
    fact = last_fact()
    with connection.cursor() as cursor:
        cursor.execute("UPDATE kernel_fact SET payload = NULL, salt = NULL WHERE id = %s", [fact])
    assert "no fact tells of an erasure" in told("kernel.commitments")
    journal.record(
        "fact.erased", subject="kernel_test.thing:1", actor=APPLICANT, now=now, ground="article 24",
        data={"fact": fact, "request": "R-1"},
    )  # fmt: skip
    services.sequence_once(now)
    assert audit.audit_everything() == []


def test_no_column_of_a_fact_can_say_more_or_less_than_its_payload(case: int) -> None:
    fact = last_fact()
    for column, value in (
        ("recorded_at", "recorded_at + interval '1 microsecond'"), ("case_id", "NULL"), ("person", "person + 1"),
        ("salt", "salt || salt"), ("subject", "subject || ' '"),
    ):  # fmt: skip
        with transaction.atomic():
            tamper("kernel_fact", f"UPDATE kernel_fact SET {column} = {value} WHERE case_id = %s OR id = %s", case, fact)
            assert violations("kernel.commitments"), column
            transaction.set_rollback(True)


def test_a_case_that_went_through_several_hands_replays(case: int, now: datetime) -> None:
    documents.file_material(
        case, "source", filename="a.pdf", media_type="application/pdf", content=b"%PDF-1.7 source", actor=APPLICANT, now=now
    )
    registrar = Actor(ActorKind.PERSON, person=3, seats=frozenset({"registrar"}))
    reviewer = Actor(ActorKind.PERSON, person=4, seats=frozenset({"reviewer"}))
    engine.act(case, Command("accept"), actor=registrar, now=now + timedelta(minutes=1))
    engine.act(case, Command("decide"), actor=reviewer, now=now + timedelta(minutes=2))
    services.sequence_once(now)
    assert Case.objects.get(pk=case).revision == 2
    assert audit.audit_everything() == []
    tamper("kernel_fact", "UPDATE kernel_fact SET case_id = NULL WHERE case_id = %s AND name = 'testfiling.accepted'", case)
    assert "does not start where the one before ended" in told("kernel.cases")
    assert "2 moves and voices, but 1 facts of them" in told("kernel.cases")


def test_content_that_is_no_json_any_more_stops_no_audit(case: int) -> None:
    fact = last_fact()
    tamper("kernel_fact", "UPDATE kernel_fact SET payload = substr(payload, 2) WHERE id = %s", fact)
    found = audit.audit_everything()
    assert any(v.check == "kernel.commitments" and v.subject.startswith(f"fact:{fact} ") for v in found)
    assert any(v.check == "kernel.cases" and v.subject == "journal" for v in found)
