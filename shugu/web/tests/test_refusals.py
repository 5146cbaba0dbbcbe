from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from shugu.kernel.home import Home

HTML = {"accept": "text/html"}


def test_a_person_gets_a_page_with_sentence_remedy_and_article(visitor: Client) -> None:
    answer = visitor.get("/refuse/", headers=HTML)
    html = answer.content.decode()
    assert answer.status_code == 400
    for part in ("校验位不符", "请对照营业执照核对", "GB 32100-2015", "bad-uscc", 'class="masthead"'):
        assert part in html
    assert "<b>91" not in html and "&lt;b&gt;91" in html


def test_a_program_gets_the_one_json_shape_in_its_language(visitor: Client) -> None:
    answer = visitor.get("/api/refuse/", headers={"accept-language": "en"})
    assert answer.status_code == 400
    error = answer.json()["error"]
    assert set(error) == {"code", "message", "remedy", "article", "field_errors"}
    assert error["code"] == "bad-uscc" and error["article"] == "GB 32100-2015"
    assert error["field_errors"] == {"uscc": "The check digit does not match."}
    assert "check digit" in error["message"]


def test_whoever_accepts_only_json_gets_json_everywhere(visitor: Client) -> None:
    assert visitor.get("/refuse/", headers={"accept": "application/json"}).json()["error"]["code"] == "bad-uscc"


def test_htmx_gets_a_notice_for_its_own_place(visitor: Client) -> None:
    answer = visitor.get("/refuse/", headers={"hx-request": "true"})
    assert answer["HX-Retarget"] == "#notices" and answer.status_code == 400
    assert "<html" not in answer.content.decode() and 'role="alert"' in answer.content.decode()


@pytest.mark.parametrize(("path", "status", "code"), [("/nowhere/", 404, "not-found"), ("/closed/", 403, "forbidden")])
def test_missing_and_closed_pages_look_the_same(
    visitor: Client, settings: Any, path: str, status: int, code: str
) -> None:
    settings.DEBUG = False
    page = visitor.get(path, headers=HTML)
    assert page.status_code == status and f"<code>{code}</code>" in page.content.decode()
    data = visitor.get(path, headers={"accept": "application/json"})
    assert data.status_code == status and data.json()["error"]["code"] == code


def test_a_stranger_is_led_to_the_sign_in_and_back(visitor: Client) -> None:
    answer = visitor.get("/private/?a=1", headers=HTML)
    assert answer.status_code == 302 and answer["Location"] == "/sign-in/?next=%2Fprivate%2F%3Fa%3D1"
    assert visitor.get("/private/", headers={"accept": "application/json"}).status_code == 401
    assert visitor.post("/private/").status_code == 401


def test_the_page_for_a_breakdown_leans_on_nothing(visitor: Client) -> None:
    page = visitor.get("/broken/?lang=en")
    assert page.status_code == 500 and "Something broke" in page.content.decode()
    assert 'class="masthead"' not in page.content.decode()
    assert visitor.get("/broken/", headers={"accept": "application/json"}).json()["error"]["code"] == "server-error"


def test_an_expired_form_is_refused_in_the_same_look() -> None:
    strict = Client(enforce_csrf_checks=True)
    answer = strict.post("/find/", {"a": "1"})
    assert answer.status_code == 403 and "form-expired" in answer.content.decode()


def test_the_way_back_never_leads_to_another_site(visitor: Client) -> None:
    html = visitor.get("/refuse/", headers={**HTML, "referer": "https://evil.example/"}).content.decode()
    assert "evil.example" not in html


def test_a_demonstration_is_marked_on_every_page(visitor: Client, demo_home: Home) -> None:
    assert b'class="demo"' in visitor.get("/style/").content
    assert b'class="demo"' in visitor.get("/refuse/", headers=HTML).content


def test_a_real_venue_bears_no_such_mark_and_its_own_name(visitor: Client) -> None:
    html = visitor.get("/style/").content.decode()
    assert 'class="demo"' not in html and "杭州数据交易所" in html
