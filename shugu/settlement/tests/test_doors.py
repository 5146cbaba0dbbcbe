"""The pages and the API as their callers meet them."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from django.http import HttpRequest
from django.test import RequestFactory
from django.utils import translation

from shugu.formats.errors import ShuguError
from shugu.kernel.cases import Actor
from shugu.kernel.errors import Forbidden, SignInNeeded
from shugu.kernel.money import format_fen
from shugu.settlement import books, desk, operations_views, services, views
from shugu.settlement.tests import stages
from shugu.web import case_acts
from tests.world import World

View = Callable[..., Any]


def _ask(view: View, actor: Actor | None, path: str = "/money/", data: dict[str, str] | None = None, **given: str) -> Any:
    factory = RequestFactory()
    request: HttpRequest = factory.post(path, data) if data is not None else factory.get(path)
    request.session = {}  # type: ignore[assignment]
    request._messages = _Kept()  # type: ignore[attr-defined]
    request.actor = actor  # type: ignore[attr-defined]
    return view(request, **given)


class _Kept(list[str]):
    """Where the messages framework puts what it is told."""

    def add(self, level: int, message: str, extra_tags: str = "") -> None:
        self.append(message)


def test_the_money_page_tells_the_buyer_how_to_pay(world: World) -> None:
    escrow = stages.escrow_of(stages.approved(world))
    page = _ask(views.money, world.bob).content.decode()
    assert escrow.number in page and "请缴款" in page and "附言" in page
    assert "请缴款" not in _ask(views.money, world.alice).content.decode()
    assert escrow.number not in _ask(views.money, world.mallory).content.decode()


def test_the_statement_shows_each_fee_with_its_article(world: World) -> None:
    stages.confirmed(world)
    period = f"{world.now:%Y-%m}"
    page = _ask(views.statement, world.alice, period=period).content.decode()
    assert "五（十二）" in page and "费率 2.50%" in page
    assert _ask(views.statement_pdf, world.alice, period=period).content.startswith(b"%PDF-")
    told = _ask(views.statement_json, world.alice, period=period).content.decode()
    assert '"closing_fen": 0' in told
    csv = b"".join(_ask(views.money, world.alice, "/money/?format=csv&table=history").streaming_content).decode()
    assert "银行付款" in csv


def test_the_second_officer_sees_every_payment_before_approving_it(world: World) -> None:
    stages.delivered(world)
    stages.accounts(world)
    run = services.propose_run(services.ProposeRun(), actor=world.mona, now=world.now)
    second = stages.second_officer(world)
    shown = _ask(operations_views.run, second, "/operations/settlement/", number=run.number).content.decode()
    lines = desk.run_case(run.number, second).instructions
    assert len(lines) >= 3 and all(line.payee and line.account and line.account in shown for line in lines)
    assert all(format_fen(line.amount) in shown for line in lines) and format_fen(sum(i.amount for i in lines)) in shown
    assert 'data-act="approve"' in shown
    mine = _ask(operations_views.run, world.mona, "/operations/settlement/", number=run.number).content.decode()
    assert 'href="/cases/' in mine and not re.search(r'<(a|button)[^>]*data-act="approve"', mine)
    with pytest.raises(Forbidden):
        _ask(operations_views.run, world.alice, "/operations/settlement/", number=run.number)
    assert case_acts.detail_url(run.case) == f"/operations/settlement/runs/{run.number}/"


def test_the_operations_page_shows_dues_runs_and_the_reconciliation(world: World) -> None:
    run = stages.issued(world)
    page = _ask(operations_views.operations, world.mona, "/operations/settlement/").content.decode()
    assert run.number in page and "制作结算单" in page and "账面应存" in page
    watched = _ask(operations_views.operations, world.sven, "/operations/settlement/").content.decode()
    assert run.number in watched and "制作结算单" not in watched
    file = _ask(operations_views.instruction_file, world.mona, number=run.number)
    assert b'"PaymentInstructions"' in file.content


@pytest.mark.parametrize("who", ["alice", "rita", None])
def test_the_operations_page_is_for_the_seats_of_money_and_supervision(world: World, who: str | None) -> None:
    expected: type[ShuguError] = SignInNeeded if who is None else Forbidden
    with pytest.raises(expected):
        _ask(operations_views.operations, getattr(world, who) if who else None)


def test_naming_an_account_wrongly_keeps_what_was_typed(world: World) -> None:
    data = {"holder": "数源数据", "bank": "杭州银行", "number": "12", "key": "9b2b7f0e-4f7e-4b7e-9c58-0c8a4a2f0d11"}
    page = _ask(views.bank_account, world.alice, data=data)
    assert page.status_code == 422 and "数源数据" in page.content.decode()
    data["number"] = "6228 4800 0000 1234"
    assert _ask(views.bank_account, world.alice, data=data).status_code == 302


def test_the_history_is_read_page_by_page_and_its_balances_run_over_every_kind(
    world: World, django_assert_max_num_queries: Any
) -> None:
    stages.confirmed(world)
    whole = books.history(world.alice)
    lines = list(whole)
    assert len(whole) == len(lines) >= 4 and lines[0].balance == 0
    running = 0
    for line in reversed(lines):
        running += (line.credit or 0) - (line.debit or 0)
        assert line.balance == running
    for start in range(len(lines)):
        assert whole[start] == lines[start] and whole[start : start + 2] == lines[start : start + 2]
    fees = books.history(world.alice, kind="venue_fee")
    assert list(fees) == [line for line in lines if line.kind == "venue_fee"] and len(fees) == 1
    assert whole[len(lines) :] == [] and list(books.history(world.mallory)) == []
    with django_assert_max_num_queries(7):
        assert len(whole[:50]) == len(lines)


def test_the_other_side_is_named_in_the_readers_language(world: World) -> None:
    stages.confirmed(world)
    with translation.override("en"):
        english = _ask(views.money, world.alice).content.decode()
    assert "custody bank" in english and "存管银行" not in english
