"""The first trade by clicks and typing, in Chinese, as a newcomer meets it; key pages again in English and at 375 px."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from shugu.formats.identifiers import make_uscc

if TYPE_CHECKING:
    from playwright.sync_api import Browser

    from tests.journeys.conftest import LiveVenue
    from tests.journeys.hands import Hands

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("journeys")]
PASSWORD = "journey-pass-2026"
SHOTS = Path(os.environ["SHUGU_SHOTS"]) if os.environ.get("SHUGU_SHOTS") else None


@dataclass
class Story:
    venue: LiveVenue
    browser: Browser
    people: dict[str, Hands] = field(default_factory=dict)
    memory: dict[str, Any] = field(default_factory=dict)

    def __call__(self, login: str) -> Hands:
        """The browser of a person, signed in."""
        from tests.journeys.hands import Hands

        if login not in self.people:
            self.people[login] = Hands.open(self.browser, self.venue.url)
            if login not in ("irene", "visitor"):
                self.people[login].sign_in(login, PASSWORD)
        return self.people[login]

    def look(self, login: str, name: str, path: str = "") -> None:
        who = self(login)
        (who.go(path) if path else who).look(SHOTS, name)


def test_a_newcomer_sells_and_a_buyer_buys_by_clicks_alone(venue: LiveVenue, browser: Browser) -> None:
    story = Story(venue, browser)
    join_and_be_accredited(story)
    register_a_right(story)
    faults = [fault for hands in story.people.values() for fault in hands.faults]
    assert faults == []
    assert venue.audit() == []


def join_and_be_accredited(story: Story) -> None:
    irene = story("irene")
    story.look("irene", "market-empty", "/")
    irene.go("/join/").fill(
        {
            "name": "艾琳", "login": "irene", "password": PASSWORD, "again": PASSWORD, "org_name": "数源航空数据有限公司",
            "org_name_en": "Shuyuan Aviation Data Ltd.", "uscc": make_uscc("91330108MA2GGGGG7"), "kind": "enterprise",
        }
    )  # fmt: skip
    story.look("visitor", "join", "/join/")
    irene.submit()
    irene.sees("申请入驻").fill({"kind": "provider"}).submit()
    irene.upload("licence", "commitment")
    story.look("irene", "accreditation")
    irene.act("submit").sees("待受理")
    story.venue.settle()
    story("rita").case("入驻").act("accept").sees("审核中")
    story.look("rong", "desk-reviewer", "/desk/")
    story("rong").case("入驻").act("approve").sees("已入驻")


def register_a_right(story: Story) -> None:
    irene = story("irene")
    irene.go("/desk/").go("/register/apply/")
    story.look("irene", "register-choose")
    irene.press("首次登记")
    irene.fill(
        {
            "title": "纽约机场气象观测数据", "rights": ["holding", "operation"], "form_summary": "2013 年纽约三座机场逐小时气象观测",
            "form_industry": "transport", "form_region": "美国纽约", "form_source": "公开统计，持有人整理",
        }
    )  # fmt: skip
    story.look("visitor", "register-book", "/register/")
    irene.submit()
    irene.upload("source_proof", "identity", "declaration").act("submit").sees("待受理")
    story.look("irene", "filing-case")
    story("rita").case("气象").act("accept").sees("审查中")
    story("rong").case("气象").act("pass").sees("公示中")
    story.venue.settle()
    visitor = story("visitor").go("/notices/").sees("纽约机场气象观测数据")
    story.look("visitor", "notices")
    visitor.press("纽约机场气象观测数据") if visitor.page.get_by_role("link", name="纽约机场气象观测数据").count() else None
    story.venue.pass_days(18)
    story("rita").case("气象").act("issue").sees("已登记")
    story.venue.settle()


_ = json, Any
