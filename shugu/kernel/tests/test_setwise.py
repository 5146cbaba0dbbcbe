"""What is written set-wise is what the single doors write."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from datetime import datetime, timedelta

import pytest
from django.db import transaction

from shugu.kernel import bulk, documents, engine, journal, setwise, sweeping
from shugu.kernel.cases import Actor, ActorKind, CaseView, Command, PartyView
from shugu.kernel.errors import Forbidden
from shugu.kernel.models import Case, CaseParty, Clock, Fact, Material
from shugu.kernel.procedure import parse_table
from shugu.kernel.setwise import NewCase, NewMaterial
from shugu.kernel.tests import bench_table
from shugu.kernel.tests.test_engine import RITA, RONG, accepted, do, opened, state
from shugu.kernel.text import Text
from shugu.kernel.vocabulary import OK, VOCABULARY, No, Verdict

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("bench")]
ALICE = Actor(ActorKind.PERSON, person=1, org=10)


def new_case(n: int, actor: Actor = ALICE) -> NewCase:
    return NewCase(f"第 {n} 件", actor, (PartyView("applicant", None, 10),), {"n": n})


def test_cases_opened_together_are_those_opened_singly(now: datetime) -> None:
    single = engine.open_case(
        "kernel_test.filing", actor=ALICE, now=now, title="第 0 件", parties=new_case(0).parties, data={"n": 0}
    )
    both = setwise.open_many("kernel_test.filing", [new_case(0), new_case(1)], now=now)
    assert [Case.objects.get(pk=pk).number for pk, _ in both] == [number for _, number in both]
    assert [Case.objects.get(pk=pk).data for pk, _ in both] == [{"n": 0}, {"n": 1}]
    first, second = Case.objects.get(pk=single), Case.objects.get(pk=both[0][0])
    for name in ("procedure", "version", "subject", "title", "state", "revision", "rule_set", "opened_at", "opened_on"):
        assert getattr(first, name) == getattr(second, name)
    for rows, columns in (
        (Fact, ("name", "person", "org")), (CaseParty, ("role", "person", "org")), (Clock, ("clock", "status", "due_on"))
    ):  # fmt: skip
        told = [list(rows.objects.filter(case_id=c).values_list(*columns)) for c in (first.pk, second.pk)]
        assert told[0] == told[1]


def test_one_case_that_may_not_be_opened_opens_none(now: datetime) -> None:
    stranger = Actor(ActorKind.PERSON, person=7, org=77)
    assert isinstance(setwise.opening_refusal("kernel_test.filing", new_case(1, stranger), now), Forbidden)
    with pytest.raises(Forbidden):
        setwise.open_many("kernel_test.filing", [new_case(0), new_case(1, stranger)], now=now)
    assert not Case.objects.exists()


def test_numbers_taken_together_are_different_and_leave_none_out_to_others() -> None:
    numbers = [*setwise.next_numbers("case", 2026, 3), *setwise.next_numbers("case", 2026, 2)]
    assert len(set(numbers)) == 5 and setwise.next_numbers("case", 2026, 0) == []


def test_facts_written_together_are_told_by_their_ids_in_order(now: datetime) -> None:
    facts = [journal.build("test.many", subject=f"test:{n}", actor=ALICE, now=now) for n in range(4)]
    with transaction.atomic():
        ids = setwise.record_many(facts)
    found = {f.pk: f for f in Fact.objects.filter(name="test.many")}
    assert [found[pk].subject for pk in ids] == ["test:0", "test:1", "test:2", "test:3"]
    assert [hashlib.sha256(bytes(found[pk].salt or b"") + (found[pk].payload or "").encode()).digest() for pk in ids] == [
        bytes(found[pk].digest) for pk in ids
    ]


def test_documents_stored_together_are_read_like_any_other() -> None:
    contents = [b"one", b"two", b"one"]
    digests = setwise.put_many(contents)
    assert [documents.get(d) for d in digests] == contents and setwise.put_many(contents) == digests


def test_materials_filed_together_count_for_the_step_that_needs_them(now: datetime) -> None:
    case = opened(now)
    content = b"%PDF-1.4 x"
    digest = setwise.put_many([content])[0]
    number = Case.objects.get(pk=case).number
    paper = NewMaterial(case, number, "kernel_test.filing", "source", "a.pdf", "application/pdf", len(content), digest, ALICE)
    with transaction.atomic():
        setwise.file_many([paper], now)
    assert Material.objects.get(case_id=case).digest == digest
    assert Fact.objects.filter(case_id=case, name="material.filed").count() == 1


def test_an_effect_with_a_set_wise_form_is_called_once_for_all(now: datetime, monkeypatch: pytest.MonkeyPatch) -> None:
    cases = [accepted(now) for _ in range(3)]
    steps = [{**s, "effect": "kernel_test.write"} if s["do"] == "decide" else s for s in bench_table.RAW["step"]]
    tab = parse_table({**bench_table.RAW, "step": steps}, "kernel_test", "test")
    for module in (engine, bulk):
        monkeypatch.setattr(module, "table", lambda procedure, version=None: tab)
    together: list[list[int]] = []
    singly: list[int] = []
    monkeypatch.setitem(VOCABULARY.effects, "kernel_test.write", lambda applied: singly.append(applied.case))
    monkeypatch.setitem(VOCABULARY.bulk_effects, "kernel_test.write", lambda many: together.append([a.case for a in many]))
    bulk.move_many(cases[:2], Command("decide"), actor=RONG, now=now)
    do(cases[2], "decide", RONG, now)
    assert together == [cases[:2]] and singly == [cases[2]]


def test_a_context_with_a_set_wise_form_is_read_once_for_all(now: datetime, monkeypatch: pytest.MonkeyPatch) -> None:
    """Only the cases whose step asks are told, each what the single form would have told it."""
    cases = [accepted(now) for _ in range(3)]
    steps = [{**s, "if": ["kernel_test.even"]} if s["do"] == "decide" else s for s in bench_table.RAW["step"]]
    tab = parse_table({**bench_table.RAW, "step": steps}, "kernel_test", "test")
    for module in (engine, bulk):
        monkeypatch.setattr(module, "table", lambda procedure, version=None: tab)
    asked: list[list[int]] = []

    def even(view: CaseView) -> Verdict:
        return OK if view.facts["place"] % 2 == 0 else No(Text("奇数", "odd"))

    def contexts(many: Sequence[int], at: datetime) -> dict[int, dict[str, int]]:
        asked.append(list(many))
        return {case: {"place": cases.index(case)} for case in many}

    monkeypatch.setitem(VOCABULARY.guards, "kernel_test.even", even)
    monkeypatch.setitem(VOCABULARY.bulk_contexts, tab.subject, contexts)
    done = bulk.move_many(cases, Command("decide"), actor=RONG, now=now)
    assert asked == [cases]
    assert done.moved == (cases[0], cases[2]) and list(done.refused) == [cases[1]]
    again = accepted(now)
    bulk.move_many([again], Command("return", {"defects": ["缺少来源证明"]}), actor=RITA, now=now)
    assert asked == [cases], "a step without words asks for nothing"


def test_many_clocks_of_one_day_fire_together_as_they_would_one_by_one(now: datetime, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sweeping, "FEW", 2)
    monkeypatch.setattr(sweeping, "table", lambda procedure, version=None: bench_table.table())
    single, *many = [accepted(now) for _ in range(4)]
    for case in (single, *many):
        do(case, "return", RITA, now, defects=["缺少来源证明"])
    ends = Clock.objects.get(case_id=single, clock="correction_end").due_at
    Clock.objects.filter(case_id=single).update(due_at=ends + timedelta(days=1))
    assert sweeping.sweep(ends) == 3
    assert engine.sweep(ends + timedelta(days=1)) == 1

    def told(case: int) -> list[object]:
        payload = Fact.objects.get(case_id=case, name="testfiling.lapsed").payload
        assert payload is not None
        found = json.loads(payload)
        clock = Clock.objects.get(case_id=case, clock="correction_end")
        return [state(case), found["ground"], found["move"], found["actor"], clock.status]

    assert [told(case) for case in many] == [told(single)] * 3
