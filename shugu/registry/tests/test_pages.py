"""The pages as a browser asks for them: public ones without signing in, the others by a signed-in member."""

from __future__ import annotations

import json
from datetime import datetime, timedelta

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from shugu.kernel import clock
from shugu.kernel.cases import Actor
from shugu.kernel.models import Case, Fact
from shugu.party.models import Person
from shugu.registry import queries
from shugu.registry.models import Filing, Objection
from shugu.registry.tests.stages import act, issued, noticed, submitted
from tests.world import FORM, World

pytestmark = pytest.mark.django_db
KEY = "5b0a7f4e-4b4e-4c53-9d0b-0c3f0a6e9f%02d"


@pytest.fixture()
def now() -> datetime:
    """Pages read the clock, so their stories are set just before now."""
    return clock.now() - timedelta(minutes=1)


def signed_in(actor: Actor) -> Client:
    assert actor.person is not None
    client, person = Client(), Person.objects.get(pk=actor.person)
    session, stamp = client.session, clock.now().isoformat()
    session["seat"] = {"person": person.pk, "org": actor.org, "stamp": person.stamp, "since": stamp, "seen_at": stamp}
    session.save()
    client.cookies["sessionid"] = str(session.session_key)
    return client


def page(client: Client, path: str, status: int = 200) -> str:
    answer = client.get(path)
    assert answer.status_code == status, (path, answer.status_code)
    return answer.content.decode()


def certificate_number(world: World) -> str:
    issued(world, world.now - timedelta(days=30))
    return queries.entries_of(world.alice.org or 0)[0].certificate_number


def test_a_visitor_reads_the_book_an_entry_and_its_certificate(world: World) -> None:
    number = certificate_number(world)
    entry = queries.entries_of(world.alice.org or 0)[0]
    client = Client()
    assert entry.title in page(client, "/register/")
    assert entry.title in page(client, "/register/?q=航班")
    assert entry.title not in page(client, "/register/?q=没有这样的名称")
    shown = page(client, f"/register/{entry.number}/")
    assert number in shown and "交通运输" in shown and "有效" in shown
    english = page(client, f"/register/{entry.number}/?lang=en")
    assert "Valid" in english and "transport" in english
    assert client.get(f"/certificates/{number}.pdf").content.startswith(b"%PDF-")
    assert client.get(f"/certificates/{number}.json").content == queries.certificate_bytes(number)
    page(client, "/register/NOPE/", 404)


def test_verification_by_number_states_the_facets_with_their_article(world: World) -> None:
    """Anybody verifies a certificate. carries: S1-016 P3-201"""
    number = certificate_number(world)
    shown = page(Client(), f"/verify/?number={number}")
    assert "有效" in shown and "二（三）" in shown
    assert "没有可凭编号" in page(Client(), "/verify/?number=CER-X")
    assert "校验位不符" in page(Client(), "/verify/?number=CER-HANGZHOU-2026-00000001X")
    assert "校验位不符" not in page(Client(), "/verify/?number=CER-HANGZHOU-2026-00000001K")


def test_verification_of_an_uploaded_file_and_of_a_tampered_one(world: World) -> None:
    number = certificate_number(world)
    content = queries.certificate_bytes(number)
    client = Client()

    def upload(data: bytes) -> str:
        form = {"key": KEY % 1, "file": SimpleUploadedFile("c.json", data, "application/json")}
        return client.post("/verify/", form).content.decode()

    assert 'id="standing"' in upload(content) and "签名有效" in upload(content)
    tampered = json.loads(content)
    tampered["credentialSubject"]["title"] = "别的数据"
    answer = upload(json.dumps(tampered, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode())
    assert "验证不通过" in answer and 'id="standing"' not in answer


def test_an_applicant_applies_in_the_browser_and_comes_to_the_case(world: World) -> None:
    client = signed_in(world.alice)
    shown = page(client, "/register/apply/data-property/")
    assert "所属行业或领域" in shown and 'name="form_summary"' in shown
    given = {"key": KEY % 2, "title": "纽约航班", "rights": ["holding"], "holders": "",
             **{f"form_{k}": v for k, v in FORM.items()}}  # fmt: skip
    bad = client.post("/register/apply/data-property/", {**given, "title": "", "holders": "x"})
    assert bad.status_code == 422 and not Filing.objects.exists()
    assert "纽约" in bad.content.decode()
    done = client.post("/register/apply/data-property/", given)
    row = Filing.objects.get()
    assert done.status_code == 302 and done.headers["Location"] == f"/cases/{row.case.number}/"
    assert client.post("/register/apply/data-property/", given).headers["Location"] == f"/cases/{row.case.number}/"
    assert Filing.objects.count() == 1
    assert "数据来源佐证材料" in page(client, f"/cases/{row.case.number}/")


def test_the_object_of_registration_changes_the_questions(world: World) -> None:
    client = signed_in(world.alice)
    assert 'name="form_scale"' not in page(client, "/register/apply/data-property/")
    assert 'name="form_scale"' in page(client, "/register/apply/data-property/?object=data_resource")


def test_a_filing_page_is_for_its_parties_and_records_the_look(world: World) -> None:
    row = submitted(world)
    assert row.title in page(signed_in(world.alice), f"/filings/{row.number}/")
    assert Fact.objects.filter(name="filing.looked_at").count() == 1
    page(signed_in(world.mallory), f"/filings/{row.number}/", 404)
    assert Client().get(f"/filings/{row.number}/").status_code == 302
    assert Fact.objects.filter(name="filing.looked_at").count() == 1


def test_the_defects_stand_on_the_page_where_they_are_mended(world: World) -> None:
    row = submitted(world)
    act(row, "ask_correction", world.rita, world.now, defects="地区不准确\n来源不详")
    client = signed_in(world.alice)
    for path in (f"/filings/{row.number}/", f"/filings/{row.number}/edit/"):
        assert "地区不准确" in page(client, path) and "来源不详" in page(client, path)
    given = {"key": KEY % 3, "title": row.title, "rights": row.rights,
             **{f"form_{k}": v for k, v in {**FORM, "region": "纽约州"}.items()}}  # fmt: skip
    assert client.post(f"/filings/{row.number}/edit/", given).status_code == 302
    assert Filing.objects.get().form["region"] == "纽约州"


def test_anybody_signed_in_objects_on_the_notice_page_and_twice_is_refused_with_its_rule(world: World) -> None:
    row = noticed(world)
    assert row.title in page(Client(), "/notices/")
    assert "登录" in page(Client(), f"/notices/{row.number}/")
    client = signed_in(world.mallory)
    given = {"key": KEY % 4, "ground": "ownership", "statement": "该数据由我方采集"}
    assert client.post(f"/notices/{row.number}/", given).status_code == 302
    again = client.post(f"/notices/{row.number}/", {**given, "key": KEY % 5})
    text = again.content.decode()
    assert again.status_code == 422 and "不予受理" in text and "本场所规则" in text and "该数据由我方采集" in text
    assert Objection.objects.count() == 1


def test_a_register_that_takes_no_objection_to_entries_offers_none(world: World) -> None:
    certificate_number(world)
    entry = queries.entries_of(world.alice.org or 0)[0]
    assert f"/register/{entry.number}/object/" not in page(signed_in(world.mallory), f"/register/{entry.number}/")
    assert signed_in(world.mallory).post(f"/register/{entry.number}/object/", {}).status_code == 409


def test_a_closed_register_says_so(shenzhen: World) -> None:
    assert "尚未开放受理" in page(Client(), "/register/apply/")
    world = shenzhen
    assert signed_in(world.alice).get("/register/apply/data-ip/").status_code == 409
    page(signed_in(world.alice), "/register/apply/houses/", 404)


def test_the_generic_case_page_acts_on_a_filing(world: World) -> None:
    row = submitted(world)
    client = signed_in(world.alice)
    done = client.post(f"/cases/{row.case.number}/withdraw/", {"key": KEY % 6})
    assert done.status_code == 302
    assert Case.objects.get(pk=row.pk).state == "withdrawn"
