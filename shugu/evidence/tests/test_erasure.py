"""Erasing what a fact says leaves the log as it is and every proof whole."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

import pytest
from django.test import Client

from shugu.evidence import queries, services, tile_files
from shugu.evidence.log_audit import audit_log
from shugu.evidence.tests.conftest import ALICE, Write
from shugu.formats.canonical import parse_object
from shugu.formats.merkle import leaf_hash
from shugu.formats.proof import verify_proof
from shugu.kernel import signer
from shugu.kernel.cases import Actor, ActorKind
from shugu.kernel.erasure import EraseFact, erase_fact
from shugu.kernel.errors import Forbidden, InputInvalid, KeyConflict, NotFound, Refused
from shugu.kernel.models import Cursor, Fact

pytestmark = pytest.mark.django_db
Visit = Callable[[Actor | None], Client]

OFFICER = Actor(ActorKind.PERSON, person=51, seats=frozenset({"compliance_officer"}))
GROUND = "《个人信息保护法》第四十七条"


@pytest.fixture()
def facts(write: Write, now: datetime) -> list[int]:
    ids = write(300)
    services.sequence_once(now)
    return ids


def erase(fact: int, now: datetime, actor: Actor = OFFICER, key: str | None = None, ground: str = GROUND) -> dict[str, int]:
    return erase_fact(EraseFact(fact, ground, "REQ-2026-7"), actor=actor, now=now, key=key)


def test_every_proof_of_the_rest_stays_and_the_log_is_untouched(facts: list[int], now: datetime) -> None:
    before = {name: tile_files.read(name) for name in tile_files.names()}
    proofs = {fact: queries.proof(fact) for fact in facts}
    answer = erase(facts[7], now)
    assert {name: tile_files.read(name) for name in tile_files.names()} == before
    assert services.sequence_once(now).size == 301
    assert tile_files.read("tile/entries/000") == before["tile/entries/000"]
    for fact in facts:
        held, fresh = proofs[fact], queries.proof(fact)
        assert held is not None and fresh is not None
        leaf = leaf_hash(queries.evidence_of(fact, None).entry)
        assert verify_proof(held, leaf, signer.keyring(), strict=True).size == 300
        assert verify_proof(fresh, leaf, signer.keyring(), strict=True).size == 301
    assert list(audit_log()) == [] and services.rebuild() > 0
    row = Fact.objects.get(pk=facts[7])
    assert (row.payload, row.salt, row.name) == (None, None, "thing.done")
    assert queries.evidence_of(facts[7], ALICE).opened is None
    told = parse_object(str(Fact.objects.get(pk=answer["fact"]).payload).encode())
    assert told["ground"] == GROUND
    assert told["data"] == {"fact": facts[7], "position": 7, "name": "thing.done", "request": "REQ-2026-7"}


def test_the_seat_of_compliance_alone_erases_and_says_on_what_ground(facts: list[int], now: datetime) -> None:
    for actor in (ALICE, Actor(ActorKind.PERSON, person=3, seats=frozenset({"operator", "auditor"}))):
        with pytest.raises(Forbidden):
            erase(facts[1], now, actor)
    with pytest.raises(InputInvalid) as refused:
        erase_fact(EraseFact(facts[1], " ", ""), actor=OFFICER, now=now)
    assert set(refused.value.field_errors) == {"ground", "request"}
    with pytest.raises(NotFound):
        erase(10**9, now)
    assert Fact.objects.get(pk=facts[1]).payload is not None and Fact.objects.count() == 300


def test_what_is_erased_or_tells_of_an_erasure_or_is_still_to_be_read_is_refused(
    facts: list[int], write: Write, now: datetime
) -> None:
    (fresh,) = write(1)
    with pytest.raises(Refused):
        erase(fresh, now)
    services.sequence_once(now)
    Cursor.objects.create(subscriber="somebody", position=7)
    with pytest.raises(Refused):
        erase(facts[7], now)
    done = erase(facts[6], now)
    services.sequence_once(now)
    Cursor.objects.update(position=1000)
    for again in (facts[6], done["fact"]):
        with pytest.raises(Refused):
            erase(again, now)


def test_the_same_key_gives_the_same_answer(facts: list[int], now: datetime) -> None:
    first = erase(facts[2], now, key="erase-key-1")
    assert erase(facts[2], now, key="erase-key-1") == first
    with pytest.raises(KeyConflict):
        erase(facts[3], now, key="erase-key-1")


def test_it_is_asked_for_over_the_api(facts: list[int], visit: Visit) -> None:
    body = {"ground": GROUND, "request": "REQ-2026-8"}

    def ask(actor: Actor | None, **more: str) -> int:
        answer = visit(actor).post(
            f"/api/evidence/facts/{facts[4]}/erase", {**body, **more}, "application/json",
            headers={"Idempotency-Key": "erase-key-2"},
        )  # fmt: skip
        return answer.status_code

    assert ask(None) in (401, 403) and ask(ALICE) == 403
    assert ask(OFFICER, more="x") == 422 and ask(OFFICER, ground="") == 422
    assert ask(OFFICER) == 200
    assert Fact.objects.get(pk=facts[4]).payload is None
