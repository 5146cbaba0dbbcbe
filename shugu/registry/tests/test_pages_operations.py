"""The pages and the API of what follows a first registration: operations, the one window, accounts, appeals."""

from __future__ import annotations

import re
import uuid
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.test import Client

from shugu.kernel import clock
from shugu.kernel.cases import Actor
from shugu.kernel.models import Case, Fact
from shugu.party.models import Person
from shugu.registry import queries, queries_book
from shugu.registry.models import Appeal, Filing, Window
from shugu.registry.tests.regimes import Regime
from shugu.registry.tests.test_api import Caller
from shugu.registry.tests.test_pages import KEY, page, signed_in
from tests.world import FORM, PAPER, World

pytestmark = pytest.mark.django_db


@pytest.fixture()
def now() -> datetime:
    """Pages read the clock themselves."""
    return clock.now() - timedelta(minutes=1)


def registered(world: World) -> str:
    """An entry of Alice's at the venue, entered a fortnight ago; the story stands now."""
    now = world.now
    world.now = now - timedelta(days=30)
    number = world.registered_entry().number
    world.now = now
    return number


def staff(actor: Actor) -> Client:
    """Signed in, with a one-time password enrolled."""
    Person.objects.filter(pk=actor.person or 0).update(totp_confirmed_at=clock.now())
    return signed_in(actor)


def posted(client: Client, url: str, **data: Any) -> Any:
    return client.post(url, {"key": str(uuid.uuid4()), **data})


def test_the_choice_lists_what_may_be_applied_for_about_an_entry(world: World) -> None:
    told = page(Client(), "/register/apply/")
    assert "一窗受理" in told and "转移登记" in told and "/register/apply/data-ip/licence/" in told
    shown = page(Client(), f"/register/{registered(world)}/")
    assert "就本登记办理" in shown and "/register/apply/data-property/pledge/?entry=" in shown


def test_nobody_is_offered_a_form_that_would_be_refused(world: World) -> None:
    number = registered(world)
    pages = ("/register/apply/", f"/register/{number}/", "/demands/", "/evidence/deposits/")
    for client in (Client(), signed_in(world.alice), staff(world.rita), staff(world.tara)):
        for path in pages:
            shown = client.get(path)
            if shown.status_code == 200:
                offered = set(
                    re.findall(
                        r'href="(/[^"]*(?:/apply/[a-z-]+/[a-z_]+/|/window/|/new/)[^"]*)"', shown.content.decode()
                    )
                )
                refused = {href for href in offered if client.get(href.replace("&amp;", "&")).status_code == 403}
                assert not refused, (path, refused)
    assert "/data-property/seizure/" in staff(world.rita).get(pages[1]).content.decode()


def test_a_transfer_is_applied_for_from_the_entrys_page(world: World) -> None:
    number, client = registered(world), signed_in(world.alice)
    form = page(client, f"/register/apply/data-property/transfer/?entry={number}")
    assert number in form and "相对方" in form
    wrong = posted(client, "/register/apply/data-property/transfer/", entry=number, counterparty="ORG-NONE")
    assert wrong.status_code == 422 and "没有单位" in wrong.content.decode()
    bob = world.bob.org
    from shugu.party import queries as parties

    done = posted(
        client, "/register/apply/data-property/transfer/", entry=number, counterparty=parties.organisation(bob or 0).number
    )
    assert done.status_code == 302, done.content.decode()[:2000]
    row = Filing.objects.get(operation="transfer")
    assert (row.counterparty_id, row.entry.number if row.entry else "") == (bob, number)


def test_nobody_applies_about_what_another_holds(world: World) -> None:
    number = registered(world)
    told = posted(signed_in(world.bob), "/register/apply/data-property/change/", entry=number, title="新名")
    assert told.status_code == 422 and "不是该登记条目的持有人" in told.content.decode()


def test_the_registrars_own_operations_are_the_registrars(world: World) -> None:
    number = registered(world)
    assert signed_in(world.alice).get(f"/register/apply/data-property/suspension/?entry={number}").status_code == 403
    done = posted(staff(world.rita), "/register/apply/data-property/suspension/", entry=number)
    assert done.status_code == 302
    assert Filing.objects.get(operation="suspension").applicant_id == world.alice.org


def test_one_window_takes_one_form_one_upload_and_one_click(world: World) -> None:
    client = signed_in(world.alice)
    assert "算法" in page(client, "/register/apply/window/")
    common = {f"form_{k}": v for k, v in FORM.items()}
    done = posted(
        client, "/register/apply/window/", title="延误数据", **common,
        **{"data-property__rights": ["holding"], "data-ip__rights": ["data_ip"], "data-ip__form_algorithm": "按航段汇总",
           "data-ip__form_evidence_number": "CZ-1"},
    )  # fmt: skip
    assert done.status_code == 302, done.content.decode()[-3000:]
    row = Window.objects.get()
    address = f"/windows/{row.number}/"
    for material in ("source_proof", "identity", "declaration"):
        from django.core.files.uploadedfile import SimpleUploadedFile

        file = SimpleUploadedFile(f"{material}.pdf", PAPER + material.encode(), "application/pdf")
        assert posted(client, address, material=material, file=file).status_code == 302
    assert posted(client, address, do="submit").status_code == 302
    assert {f.case.state for f in row.filings.select_related("case")} == {"submitted"}
    assert "待受理" in page(staff(world.rita), address)
    page(signed_in(world.mallory), address, 404)


def test_a_defect_at_the_window_stands_beside_its_field(world: World) -> None:
    told = posted(signed_in(world.alice), "/register/apply/window/", title="延误数据")
    assert told.status_code == 422 and not Window.objects.exists()


def test_my_registrations_and_my_account_are_mine(world: World) -> None:
    number = registered(world)
    mine = page(signed_in(world.alice), "/my/register/")
    account = queries_book.account_number("data-property", world.alice.org or 0)
    assert number in mine and account in mine and "首次登记" in mine
    assert number in page(signed_in(world.alice), f"/accounts/{account}/")
    page(signed_in(world.mallory), f"/accounts/{account}/", 404)
    page(staff(world.rita), f"/accounts/{account}/")
    assert Fact.objects.filter(name="account.looked_at").count() == 2


def test_a_refusal_is_appealed_from_the_filings_page(world: World) -> None:
    r = Regime(world, "data-property")
    row = r.file()
    r.upload_all(row, "submit")
    r.act(row, "submit")
    r.act(row, "decline", world.rita, refusal_ground="core_data", reason="属于核心数据")
    client = signed_in(world.alice)
    assert "申请复核" in page(client, f"/filings/{row.number}/")
    assert posted(client, f"/filings/{row.number}/appeal/", statement="不属于核心数据").status_code == 302
    appeal = Appeal.objects.get()
    assert "复核" in page(staff(world.cora), f"/cases/{appeal.case.number}/")
    told = staff(world.cora).post(f"/cases/{appeal.case.number}/uphold/", {"key": KEY % 8, "reason": "维持"})
    assert told.status_code == 302 and Case.objects.get(pk=appeal.pk).state == "upheld"


def test_the_api_knows_operations_windows_and_accounts(world: World) -> None:
    number = registered(world)
    alice = Caller(world.alice, world.now)
    status, told = alice.post(
        "/filings", {"register": "data-property", "operation": "licence", "entry": number, "counterparty_org": world.bob.org,
                     "form": {"licence_mode": "sole", "term_until": "2027-01-01"}},
    )  # fmt: skip
    assert (status, told["operation"]) == (200, "licence")
    one = {"title": "a", "rights": ["holding"], "form": dict(FORM)}
    ip = {"title": "a", "rights": ["data_ip"], "form": {**FORM, "algorithm": "x", "evidence_number": "CZ-1"}}
    status, window = alice.post("/windows", {"filings": [{"register": "data-property", **one}, {"register": "data-ip", **ip}]})
    assert status == 200 and [f["register"] for f in window["filings"]] == ["data-property", "data-ip"]
    assert alice.get(f"/windows/{window['number']}")[1]["filings"] == window["filings"]
    account = queries_book.account_number("data-property", world.alice.org or 0)
    assert alice.get(f"/accounts/{account}")[1]["entries"][0]["number"] == number
    assert Caller(world.mallory, world.now).get(f"/accounts/{account}")[0] == 404
    assert alice.get(f"/entries/{number}")[1]["encumbrances"] == []
    assert queries.entry_by_number(number).version == 1


def test_a_second_registration_of_the_same_is_warned_of_with_the_match(world: World) -> None:
    number, client = registered(world), signed_in(world.alice)
    title = queries.entry_by_number(number).title
    common = {f"form_{k}": v for k, v in FORM.items()}
    address = "/register/apply/data-property/first/?object=data_product"
    done = client.post(address, {"key": str(uuid.uuid4()), "title": f" {title}！", "rights": ["holding"], **common}, follow=True)
    assert number in done.content.decode() and "可能重复登记" in done.content.decode()
    row = Filing.objects.get(operation="first", case__closed_at=None)
    assert number in page(client, f"/filings/{row.number}/")
    assert Caller(world.alice, world.now).get(f"/filings/{row.number}")[1]["may_repeat"] == [{"entry": number, "why": "title"}]
