from __future__ import annotations

from datetime import date
from types import SimpleNamespace

import pytest
from django.test import Client, RequestFactory

from shugu.kernel.procedure import State
from shugu.kernel.queries import ActChoice, ClockLine
from shugu.kernel.rules import Force, load_profile
from shugu.kernel.text import Text
from shugu.web import checks, navigation, slots
from shugu.web.context import seat_of, shell
from shugu.web.from_kernel import acts_of, chip_of, clock_of, source_of
from shugu.web.navigation import NavItem
from shugu.web.shapes import SeatFace, Tone


def test_a_seat_sees_its_own_entries_and_everybodys_in_order() -> None:
    navigation.register(NavItem("*", Text("市场", "Market"), "find", 20))
    navigation.register(NavItem("registrar", Text("办件台", "Desk"), "refuse", 10))
    navigation.register(NavItem("buyer", Text("账单", "Bills"), "closed", 5))
    assert [link.href for link in navigation.links("registrar", "/")] == ["/refuse/", "/find/"]
    assert [link.href for link in navigation.links("visitor", "/")] == ["/find/"]


def test_only_the_nearest_entry_is_active() -> None:
    navigation.register(NavItem("*", Text("找", "Find"), "find"))
    navigation.register(NavItem("*", Text("深", "Deep"), "deep"))
    assert [(x.href, x.active) for x in navigation.links("visitor", "/find/deep/7/")] == [
        ("/find/", False),
        ("/find/deep/", True),
    ]


def test_registering_twice_shows_once() -> None:
    for _ in range(2):
        navigation.register(NavItem("*", Text("找", "Find"), "find"))
        slots.register_slot("a.b", "side")
    assert len(navigation.links("visitor", "/")) == 1
    assert slots.hrefs("a.b", 7) == (("/side/7/", Text("更多内容", "More")),)


def test_the_check_names_every_address_that_does_not_exist() -> None:
    navigation.register(NavItem("*", Text("找", "Find"), "find"))
    navigation.register(NavItem("*", Text("无", "None"), "lost:page"))
    navigation.register_search("party:sign_in")
    slots.register_slot("a.b", "lost:side")
    found = [error.msg for error in checks.names_exist()]
    assert len(found) == 2 and "'lost:page'" in found[0] and "slot a.b" in found[1]


def test_the_shell_shows_search_navigation_and_sign_in(visitor: Client) -> None:
    navigation.register(NavItem("*", Text("找", "Find"), "find"))
    navigation.register_search("find")
    html = visitor.get("/style/?q=航班").content.decode()
    assert 'action="/find/"' in html and 'value="航班"' in html
    assert 'href="/sign-in/?next=' in html and "访客" in html


@pytest.mark.parametrize("wrapped", [True, False])
def test_whoever_sits_here_is_named(wrapped: bool) -> None:
    face = SeatFace("registrar", Text("登记员", "Registrar"), "林二", "登记中心")
    request = RequestFactory().get("/")
    request.seat = SimpleNamespace(face=face) if wrapped else face  # type: ignore[attr-defined]
    assert seat_of(request) is face
    assert shell(request)["shell"].seat.person == "林二"


def test_a_rule_brings_its_document_article_force_and_dates() -> None:
    rules = load_profile("hangzhou", date(2026, 3, 2))
    ours = source_of(rules.value("appraisal.assignment_answer_period"))
    assert ours.force is Force.VENUE and str(ours.document) == "本场所规则"
    law = source_of(rules.value("catalogue.blanket_consent_forbidden"))
    assert law.force is Force.MUST and law.article and law.effective is not None
    assert not str(law.document).startswith("national/")


def test_a_kernel_clock_keeps_the_kernels_words() -> None:
    line = ClockLine(
        "review",
        Text("审查", "Review"),
        "duty",
        "overdue",
        date(2026, 3, 2),
        False,
        ("已逾期 1 个工作日", "1 day overdue"),
        True,
    )
    face = clock_of(line)
    assert face.overdue and face.words == Text("已逾期 1 个工作日", "1 day overdue")


def choice(do: str, **kwargs: object) -> ActChoice:
    shown = {"title": Text(do, do), "allowed": True, "why": None, "article": "", "input": (), "optional": (), **kwargs}
    return ActChoice(do, **shown)  # type: ignore[arg-type]


def test_kernel_acts_become_buttons_or_reasons() -> None:
    found = acts_of(
        [
            choice("refuse"),
            choice("accept"),
            choice("decide", input=("outcome",)),
            choice("issue", allowed=False, why=("公示未满", "notice still runs"), article="第十八条"),
            choice("lift", allowed=False, undertaking=("承诺", "promise")),
        ],
        "/case/7/{}/".format,
        at_once=("accept", "decide", "lift"),
        danger=("refuse",),
    )
    assert [(a.method, a.primary, a.danger) for a in found] == [
        ("get", False, True), ("post", True, False), ("get", False, False), ("get", False, False), ("get", False, False),
    ]  # fmt: skip
    assert found[3].refused == Text("公示未满", "notice still runs") and found[4].refused is None
    assert found[1].url == "/case/7/accept/"


def test_a_state_without_a_tone_is_under_way_until_it_is_final() -> None:
    assert chip_of(State("x", Text("审", "x"))).tone is Tone.PROGRESS
    assert chip_of(State("x", Text("完", "x"), final=True)).tone is Tone.NEUTRAL
    assert chip_of(State("x", Text("证", "x"), final=True), {"x": Tone.GOOD}).tone is Tone.GOOD
