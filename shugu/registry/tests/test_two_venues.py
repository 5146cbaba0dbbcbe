"""Two profiles, one applicant, no line of code between them; and what becomes of open cases when the law changes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from shugu.kernel import runtime
from shugu.kernel.adoption import AdoptRules, adopt_rules
from shugu.kernel.errors import Forbidden, Refused
from shugu.kernel.home import Home, HomeConfig
from shugu.kernel.models import Case, Clock, Fact
from shugu.kernel.tables import table
from shugu.party.models import Person
from shugu.registry.models import Filing
from shugu.registry.tests.conftest import forget
from shugu.registry.tests.regimes import Regime
from shugu.registry.tests.test_pages import page, signed_in
from tests.world import World

pytestmark = pytest.mark.django_db


@pytest.fixture()
def move(tmp_path: Path, settings: Any) -> Any:
    """The same database under another profile, as when a venue puts its register under another regime."""

    def to(venue: str) -> None:
        home = Home(path=tmp_path, port=8000)
        home.write_config(HomeConfig(venue=venue))
        settings.HOME = home
        forget()

    yield to
    settings.HOME = Home.from_environment()
    forget()


def handed_in(r: Regime, **asked: Any) -> Filing:
    row = r.file("first", object_kind="data_product", rights=("holding",), **asked)
    r.upload_all(row, "submit")
    return r.act(row, "submit")


def test_an_open_case_stays_under_the_regime_it_began_under_and_new_ones_follow_the_new(world: World, move: Any) -> None:
    r = Regime(world, "data-property")
    old = handed_in(r)
    before = Case.objects.get(pk=old.pk)
    move("shenzhen")
    new = r.file("first", object_kind="data_product", rights=("holding",), reviewer=world.quinn.org)
    assert (before.procedure, Case.objects.get(pk=new.pk).procedure) == ("hangzhou.first", "shenzhen.first")
    r.act(old, "accept", world.rita)
    r.act(old, "pass", world.rong)
    assert Case.objects.get(pk=old.pk).rule_set == before.rule_set
    assert r.clock(old, "notice_period").due_on.isoformat() == "2026-03-09"


def test_moving_a_case_to_the_new_law_is_an_act_of_its_own_with_its_own_fact(world: World, move: Any) -> None:
    r = Regime(world, "data-property")
    row = handed_in(r)
    before = Case.objects.get(pk=row.pk).rule_set
    clocks = list(Clock.objects.filter(case_id=row.pk).order_by("pk").values_list("clock", "due_on"))
    with pytest.raises(Refused):
        adopt_rules(AdoptRules(row.pk, "same law"), actor=world.rita, now=r.now)
    move("shenzhen")
    with pytest.raises(Refused):
        adopt_rules(AdoptRules(row.pk, " "), actor=world.rita, now=r.now)
    for stranger in (world.alice, world.sven):
        with pytest.raises(Forbidden):
            adopt_rules(AdoptRules(row.pk, "申请人同意"), actor=stranger, now=r.now)
    fact = adopt_rules(AdoptRules(row.pk, "登记簿改适用新制度，申请人同意"), actor=world.rita, now=r.now)["fact"]
    case = Case.objects.get(pk=row.pk)
    assert case.rule_set != before and case.rule_set.startswith("shenzhen/")
    assert Fact.objects.get(pk=fact).name == "case.rules_adopted"
    assert list(Clock.objects.filter(case_id=row.pk).order_by("pk").values_list("clock", "due_on")) == clocks


def test_the_case_page_moves_it_and_shows_what_changes(world: World, move: Any) -> None:
    r = Regime(world, "data-property")
    row = handed_in(r)
    number = Case.objects.get(pk=row.pk).number
    Person.objects.filter(pk=world.rita.person or 0).update(totp_confirmed_at=r.now)
    rita, address = signed_in(world.rita), f"/cases/{number}/adopt-rules/"
    assert "改按现行规则" not in page(rita, f"/cases/{number}/") and rita.get(address).status_code == 404
    move("shenzhen")
    assert "改按现行规则" in page(rita, f"/cases/{number}/")
    shown = page(rita, address)
    assert "shenzhen/" in shown and "hangzhou/" in shown and "将改变的规则" in shown
    assert signed_in(world.alice).get(address).status_code == 404
    given = {"key": "5b0a7f4e-4b4e-4c53-9d0b-0c3f0a6e9f13", "ground": ""}
    assert rita.post(address, given).status_code == 422
    assert rita.post(address, {**given, "ground": "申请人同意"}).status_code == 302
    assert Case.objects.get(pk=row.pk).rule_set.startswith("shenzhen/")


BODIES = {"reviewer": "substantive_reviewer", "verifier": "technical_verifier"}


@pytest.mark.parametrize("register", ["hangzhou", "shenzhen", "dali", "anhui", "tianjin", "guangdong", "beijing"])
def test_one_venue_takes_the_same_applicant_into_every_register_by_its_own_procedure(atlas: World, register: str) -> None:
    """carries: S0-004"""
    operation, procedure = next(iter(runtime.rules().profile.register(register).procedures.items()))
    wanted: dict[str, Any] = {body: atlas.quinn.org for body, role in BODIES.items() if role in table(procedure).party}
    row = Regime(atlas, register).file(operation, **wanted)
    case = Case.objects.get(pk=row.pk)
    assert (case.procedure, case.rule_set.partition("/")[0]) == (procedure, "atlas")
    assert case.data["register"] == register and procedure.partition(".")[0] in (register, "registry")
