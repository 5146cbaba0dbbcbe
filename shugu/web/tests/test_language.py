from __future__ import annotations

import pytest
from django.test import Client


def test_pages_are_chinese_by_default_and_english_on_request(visitor: Client) -> None:
    assert b'<html lang="zh-CN">' in visitor.get("/style/").content
    assert b'<html lang="en">' in visitor.get("/style/?lang=en").content


def test_a_choice_in_the_address_lasts(visitor: Client) -> None:
    visitor.get("/style/?lang=en")
    assert b'<html lang="en">' in visitor.get("/style/").content
    visitor.get("/style/?lang=zh")
    assert b'<html lang="zh-CN">' in visitor.get("/style/").content


def test_the_switch_keeps_the_choice_and_returns_to_the_same_page(visitor: Client) -> None:
    answer = visitor.get("/lang/", {"lang": "en", "next": "/style/?q=a&page=2"})
    assert answer.status_code == 302 and answer["Location"] == "/style/?q=a&page=2"
    assert answer.cookies["lang"].value == "en" and answer.cookies["lang"]["samesite"] == "Lax"


@pytest.mark.parametrize("elsewhere", ["https://evil.example/", "//evil.example/", "javascript:alert(1)"])
def test_the_switch_never_leads_to_another_site(visitor: Client, elsewhere: str) -> None:
    assert visitor.get("/lang/", {"lang": "en", "next": elsewhere})["Location"] == "/"


def test_the_switch_ignores_a_language_it_does_not_speak(visitor: Client) -> None:
    assert "lang" not in visitor.get("/lang/", {"lang": "fr"}).cookies
    assert b'<html lang="zh-CN">' in visitor.get("/style/?lang=fr").content


def test_the_link_on_the_page_leads_to_the_same_address_in_the_other_language(visitor: Client) -> None:
    html = visitor.get("/style/?lang=en&page=2").content.decode()
    assert 'href="/lang/?lang=zh&amp;next=%2Fstyle%2F%3Fpage%3D2"' in html


def test_only_the_api_listens_to_accept_language(visitor: Client) -> None:
    english = {"accept-language": "en-GB,en;q=0.9"}
    assert visitor.get("/style/", headers=english)["Content-Language"] == "zh-CN"
    assert visitor.get("/api/refuse/", headers=english)["Content-Language"] == "en"
