"""Every page and answer of market and trade as its readers get it, in both languages."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.test import Client, RequestFactory

from shugu.kernel import clock
from shugu.kernel.cases import Actor
from shugu.kernel.models import Position
from shugu.market import views as market
from shugu.market.tests import stages as deals
from shugu.market.tests.staged import Stage
from shugu.trade import api, queries, services, views
from shugu.trade.tests import stages
from shugu.web import case_pages


def test_the_pages_of_this_app_are_in_the_address_table(db: None) -> None:
    assert Client().get("/vouchers/VCH-NONE/").status_code == 404


def page(view: Any, actor: Actor | None, path: str, *args: object, lang: str = "zh-hans") -> str:
    from django.utils import translation

    request = RequestFactory().get(path)
    request.actor = actor  # type: ignore[attr-defined]
    request.htmx = False  # type: ignore[attr-defined]
    with translation.override(lang):
        response = view(request, *args)
    assert response.status_code == 200
    return str(response.content.decode())


@pytest.fixture(autouse=True)
def _at(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    """The venue's clock stands where the story stands."""
    monkeypatch.setattr(clock, "now", lambda: stage.world.now)


@pytest.mark.parametrize("lang", ["zh-hans", "en"])
def test_both_sides_see_offers_contract_money_and_voucher(stage: Stage, lang: str) -> None:
    talk = deals.offered(stage.world, stage.product)
    for actor in (stage.world.alice, stage.world.bob, stage.world.tara):
        assert "10,000.00" in page(market.negotiation, actor, "/", talk.number, lang=lang)
        assert talk.number in page(market.negotiations, actor, "/", lang=lang)
    voucher = stages.completed(stage)
    number = voucher.contract.number
    for actor in (stage.world.alice, stage.world.bob, stage.world.tara):
        shown = page(views.contract, actor, "/", number, lang=lang)
        assert "12,800.00" in shown and "320.00" in shown and voucher.number in shown
        assert number in page(views.contracts, actor, "/", lang=lang)
        assert "12,800.00" in page(views.voucher, actor, "/", voucher.number, lang=lang)
    assert "12,800.00" not in page(views.voucher, None, "/", voucher.number, lang=lang)


def test_a_withdrawn_voucher_does_not_call_itself_genuine(stage: Stage) -> None:
    voucher, world = stages.completed(stage), stage.world
    assert "Genuine" in page(views.voucher, None, "/", voucher.number, lang="en")
    services.withdraw_voucher(
        services.WithdrawVoucher(voucher.number, "judgment", "交易被判决撤销", "（2026）浙0192民初1号"),
        actor=world.cora,
        now=world.now,
    )
    shown = page(views.voucher, None, "/", voucher.number, lang="en")
    assert "Withdrawn" in shown and "Genuine" not in shown


def test_the_page_of_a_voucher_says_where_it_stands_in_the_log(stage: Stage) -> None:
    voucher = stages.completed(stage)
    assert "待存证" in page(views.voucher, None, "/", voucher.number)
    Position.objects.create(position=4_711, fact_id=voucher.fact)
    assert "#4711" in page(views.voucher, None, "/", voucher.number)


def test_a_contract_tells_its_gates_in_words_and_is_signed_where_its_text_is(stage: Stage) -> None:
    row = stages.drafted(stage)
    shown = page(views.contract, stage.world.bob, "/", row.number)
    assert "用途：科学研究" in shown and "用途：research" not in shown
    assert f"/evidence/cases/{row.case_id}/slot/" in shown and f"/cases/{row.case.number}/" in shown
    request = RequestFactory().get("/")
    request.actor = stage.world.bob  # type: ignore[attr-defined]
    answer = case_pages.act_page(request, row.case.number, "sign")
    assert answer.status_code == 302 and answer["Location"] == f"/contracts/{row.number}/sign/"


def test_the_page_to_sign_shows_the_text_and_the_digest_that_is_signed(stage: Stage) -> None:
    row = stages.drafted(stage)
    shown = page(views.sign, stage.world.bob, "/", row.number)
    assert row.terms_digest in shown and "纽约机场航班准点数据" in shown


def test_the_json_of_a_contract_tells_its_acts_and_is_json(stage: Stage) -> None:
    row = stages.drafted(stage)
    request = RequestFactory().get("/")
    request.actor = stage.world.bob  # type: ignore[attr-defined]
    told = api.contract(request, row.number)
    assert json.loads(json.dumps(told))["terms_digest"] == row.terms_digest
    assert {a["do"] for a in told["acts"]} == {"sign", "cancel"}
    assert api.document(request, row.number)["approved"] is False
    assert queries.policy_of(row.pk) == told["policy"]
