"""What goes wrong, through services and over HTTP; after each story every audit still finds nothing."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from shugu.formats.canonical import canonical
from shugu.formats.errors import ShuguError
from shugu.kernel import engine
from shugu.kernel.cases import Actor
from tests.journeys import test_first_trade_api as api

if TYPE_CHECKING:
    from tests.journeys.conftest import LiveVenue
    from tests.world import World

pytestmark = pytest.mark.xdist_group("journeys")


@pytest.fixture()
def world(world: World) -> Iterator[World]:
    """The cast; whatever went wrong with it, everything still adds up."""
    from shugu.audit import audit_everything

    yield world
    assert list(audit_everything()) == []


def code_of(raised: pytest.ExceptionInfo[ShuguError]) -> str:
    """The code of a refusal, which must say in both languages what happened and what to do."""
    refusal = raised.value
    assert all(refusal.message(lang) and refusal.remedy_text(lang) for lang in ("zh", "en"))
    return refusal.code


def calling(actor: Actor, now: Any) -> Client:
    """A program with an API key of this actor."""
    from tests.world import token

    return Client(headers={"authorization": f"Bearer {token(actor, now)}"})


def sent(client: Client, path: str, body: Any, **headers: str) -> tuple[int, Any]:
    answer = client.post(f"/api{path}", json.dumps(body), content_type="application/json", headers=headers)
    return answer.status_code, answer.json()


GOOD = "chip tone-good"


def verified(content: bytes) -> str:
    """What the verify page says of a file."""
    file = SimpleUploadedFile("document.json", content, "application/json")
    answer = Client().post("/verify/", {"file": file, "key": str(uuid4())})
    assert answer.status_code == 200, answer.status_code
    return str(answer.content.decode())


def test_a_refused_registration_says_why_and_leaves_no_entry(world: World) -> None:
    from shugu.registry import queries
    from shugu.registry.tests import stages

    row = stages.submitted(world)
    stages.act(row, "accept", world.rita, world.now)
    stages.act(row, "refuse", world.rong, world.now, refusal_ground="ownership_dispute", reason="权属尚有争议，未见共有人同意。")
    shown = queries.filing_view(row)
    assert (shown.state, shown.ground) == ("refused", "ownership_dispute")
    assert queries.entries_of(world.alice.org or 0) == []
    with pytest.raises(ShuguError) as refused:
        stages.act(row, "issue", world.rita, world.now)
    assert code_of(refused) == "not-in-procedure"


def test_correction_is_asked_once_and_a_second_time_refused(world: World) -> None:
    from shugu.registry.tests import stages

    row = stages.submitted(world)
    stages.act(row, "ask_correction", world.rita, world.now, defects="来源材料缺页")
    stages.act(row, "correct", world.alice, world.now)
    with pytest.raises(ShuguError) as refused:
        stages.act(row, "ask_correction", world.rita, world.now, defects="又想起一处")
    assert code_of(refused) == "guard-refused"


def test_a_correction_not_made_in_time_counts_as_withdrawn(world: World) -> None:
    from shugu.registry import queries
    from shugu.registry.tests import stages

    row = stages.submitted(world)
    stages.act(row, "ask_correction", world.rita, world.now, defects="来源材料缺页")
    late = world.now + timedelta(days=30)
    with pytest.raises(ShuguError) as refused:
        stages.act(row, "correct", world.alice, late)
    assert code_of(refused) == "too-late"
    engine.sweep(late)
    assert queries.filing_view(row).state == "lapsed"
    with pytest.raises(ShuguError) as again:
        stages.act(row, "correct", world.alice, late)
    assert code_of(again) == "not-in-procedure"


def test_a_second_objection_on_the_same_ground_is_refused(world: World) -> None:
    from shugu.registry.tests import stages

    row = stages.noticed(world)
    first = stages.objected(world, row, world.mallory, world.now)
    with pytest.raises(ShuguError) as early:
        stages.act(row, "issue", world.rita, world.now)
    assert code_of(early) in ("too-early", "guard-refused")
    stages.answer(first, "answer", world.alice, world.now, answer="系公开来源加工所得")
    stages.answer(first, "dismiss", world.rong, world.now, reason="异议人未能证明")
    with pytest.raises(ShuguError) as refused:
        stages.objected(world, row, world.mallory, world.now)
    assert code_of(refused) == "objected-before"
    assert refused.value.article


def test_a_withdrawn_offer_cannot_be_accepted(world: World) -> None:
    from shugu.market import queries, services
    from shugu.market.tests import stages

    talk = stages.offered(world, stages.listed(world))
    standing = queries.negotiation(talk.number, world.alice).standing
    assert standing is not None
    services.withdraw_offer(services.WithdrawOffer(talk.number, "预算变化"), actor=world.bob, now=world.now)
    with pytest.raises(ShuguError) as refused:
        services.accept_offer(services.AcceptOffer(talk.number, standing.number), actor=world.alice, now=world.now)
    assert code_of(refused) in ("offer-gone", "not-in-procedure")
    answer = sent(calling(world.alice, world.now), f"/negotiations/{talk.number}/accept", {"offer": standing.number})
    assert answer[0] == 409


def test_a_price_in_fractions_of_a_fen_is_refused_in_the_form_and_in_the_api(world: World) -> None:
    from shugu.market import queries
    from shugu.market.forms import offer_form
    from shugu.market.offered import listed
    from shugu.market.pages import price_of
    from shugu.market.tests import stages

    product = stages.listed(world)
    terms = {"term_days": 365, "purpose": "research", "delivery_form": "data_set"}
    status, body = sent(calling(world.bob, world.now), "/negotiations", {"product": product, "price_fen": 100.5, "terms": terms})
    assert (status, set(body["error"]["field_errors"])) == (422, {"price_fen"})
    item = listed(product)
    assert item is not None
    form = offer_form(item, priced=True)({**terms, "price_fen": "90.005", "key": str(uuid4())})
    assert form.is_valid(), form.errors
    with pytest.raises(ShuguError) as refused:
        price_of(form.cleaned_data["price_fen"])
    assert "price_fen" in refused.value.field_errors or code_of(refused)
    assert queries.negotiations(world.bob) == []


def test_a_command_repeated_with_other_content_is_refused_and_changes_nothing(world: World) -> None:
    from shugu.market import queries
    from shugu.market.tests import stages

    bob, product = calling(world.bob, world.now), stages.listed(world)
    terms = {"term_days": 365, "purpose": "research", "delivery_form": "data_set"}
    asked = {"product": product, "price_fen": 900_000, "terms": terms}
    key = {"Idempotency-Key": "unhappy-0001"}
    first = sent(bob, "/negotiations", asked, **key)
    assert first[0] == 201 and sent(bob, "/negotiations", asked, **key) == first
    status, body = sent(bob, "/negotiations", {**asked, "price_fen": 1}, **key)
    assert (status, body["error"]["code"]) == (409, "idempotency-conflict")
    assert [o.price_fen for n in queries.negotiations(world.bob) for o in n.offers] == [900_000]


@pytest.mark.parametrize(
    ("name", "kind", "content"),
    [
        ("licence.pdf", "application/pdf", b"<html><script>alert(1)</script></html>"),
        ("licence.png", "image/png", b"%PDF-1.4 not a picture"),
        ("licence.exe", "application/x-msdownload", b"MZ\x90\x00"),
        ("empty.pdf", "application/pdf", b""),
    ],
)
def test_an_upload_that_is_not_what_it_claims_is_refused(world: World, name: str, kind: str, content: bytes) -> None:
    from shugu.kernel import queries
    from shugu.party import services as party

    applied = party.apply_accreditation(
        party.ApplyAccreditation(world.mallory.org or 0, "provider", ""), actor=world.mallory, now=world.now
    )
    client = calling(world.mallory, world.now)
    file = SimpleUploadedFile(name, content, kind)
    answer = client.post(f"/api/cases/{applied.case.number}/materials/licence", {"file": file})
    assert answer.status_code == 422, answer.content
    assert answer.json()["error"]["remedy"]
    assert queries.materials(applied.case_id) == []


def test_a_tampered_voucher_fails_on_the_verify_page_and_the_true_one_passes(world: World) -> None:
    from shugu.settlement.tests import stages
    from shugu.trade import queries

    run = stages.confirmed(world)
    assert run.pk
    voucher = queries.vouchers(world.bob)[0]
    genuine = queries.voucher_bytes(voucher.number)
    forged = json.loads(genuine)
    forged["credentialSubject"]["amount"]["fen"] += 1
    assert GOOD in verified(genuine)
    page = verified(canonical(forged))
    assert "不通过" in page and GOOD not in page


def test_an_oversized_forgery_on_the_verify_page_is_told_not_crashed_on(world: World) -> None:
    for content in (b"{", b"[]", b"{}", b"\xff\xfe", b'{"a":' * 2_000, b"1" * 100_000):
        assert GOOD not in verified(content)


def test_a_stranger_learns_nothing_of_a_contract_he_names(world: World) -> None:
    from shugu.settlement.tests import stages

    contract = stages.approved(world)
    for who in (world.mallory, replace(world.quinn)):
        client = calling(who, world.now)
        assert client.get(f"/api/contracts/{contract.number}").status_code == 404
        assert client.get(f"/api/cases/{contract.case_number}").status_code == 404


def test_forged_and_stale_tokens_move_nothing_and_two_rejections_end_in_a_refund(venue: LiveVenue) -> None:
    """The connector follows the venue's clock, eleven days behind: a token can grow old."""
    from connector.client import PullFailed, pull

    story = api.Story(venue)
    api.join_and_be_accredited(story)
    api.register_a_right(story)
    bob, dest = story("bob"), venue.files / "weather.parquet"
    with venue.connector(story.memory["entry"]) as connector:
        api.measure_and_be_judged(story, connector)
        api.list_the_product(story, connector)
        api.agree_and_sign(story)
        delivery, given = api.pay_for_token(story)
        forged = given["token"][:-6] + ("aaaaaa" if given["token"][-6:] != "aaaaaa" else "bbbbbb")
        venue.pass_days(2)
        for token in (forged, given["token"], "nonsense"):
            with pytest.raises(PullFailed) as refused:
                pull(given["url"], token, dest, purpose="research", attempts=1)
            assert refused.value.http_status in (401, 403), refused.value.answer
        assert not dest.exists()
        for left in (1, 0):
            fresh = bob.post(f"/deliveries/{delivery}/token", None, 201)
            got = pull(fresh["url"], fresh["token"], dest, purpose="research")
            api.await_receipt(story, delivery)
            assert got.sha256 == connector.sha256
            rejected = bob.act(f"/deliveries/{delivery}/reject", rejection="not_as_described", reason="缺少风向")
            venue.settle()
            if left:
                assert rejected["state"] == "redelivery"
                story("irene").act(f"/deliveries/{delivery}/redeliver", note="同一文件")
                venue.settle()
    assert bob.get(f"/deliveries/{delivery}")["state"] == "failed"
    contract = bob.get(f"/contracts/{story.memory['contract']}")
    assert (contract["state"], contract["voucher"]) == ("terminated", "")
    api.pay_out(story, 1)
    assert story("mona").get("/settlement")["reconciliation"] == {
        "ledger_fen": 0, "bank_fen": 0, "difference_fen": 0, "holds": True,
    }  # fmt: skip
    assert venue.audit() == []
