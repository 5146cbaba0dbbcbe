"""深圳市数据产权登记管理暂行办法 第十五条: the first registration, its two reviews, materials and what they leave behind."""

from __future__ import annotations

from datetime import timedelta

import pytest

from shugu.kernel.errors import Forbidden, InputInvalid, MaterialsMissing, NotInProcedure, NotYourStep
from shugu.kernel.models import Material
from shugu.registry import queries, services
from shugu.registry.applications import form_fields
from shugu.registry.tests.regime_stages import examine, step
from shugu.registry.tests.regimes import Regime
from tests.world import World

pytestmark = pytest.mark.django_db


@pytest.fixture()
def r(atlas: World) -> Regime:
    return Regime(atlas, "shenzhen")


def test_first_registration_has_two_reviews_by_two_hands(r: Regime) -> None:
    """第十五条

    carries: P3-076
    """
    w, row = r.world, r.file("first", reviewer=r.world.quinn.org)
    step(r, row, "commission", w.alice)
    with pytest.raises(NotInProcedure):
        r.act(row, "submit")
    with pytest.raises(MaterialsMissing):
        r.act(row, "report", w.quinn, review_conclusion="passed")
    examine(r, row)
    step(r, row, "submit", w.alice)
    r.act(row, "accept", w.rita)
    with pytest.raises(NotYourStep):
        r.act(row, "pass", w.quinn)
    r.act(row, "pass", w.rong)
    assert [f for f in r.facts(row) if f in ("filing.examined", "filing.noticed")] == ["filing.examined", "filing.noticed"]


def test_the_holder_applies_and_agrees_with_the_others_first(r: Regime) -> None:
    """第十五条

    carries: P3-077
    """
    w = r.world
    alice, bob, carol = (a.org or 0 for a in (w.alice, w.bob, w.carol))
    with pytest.raises(InputInvalid) as told:
        r.file("first", reviewer=w.quinn.org, holders=((bob, 1), (carol, 1)))
    assert "holders" in told.value.field_errors
    row = r.file("first", reviewer=w.quinn.org, holders=((alice, 1), (bob, 1)))
    step(r, row, "commission", w.alice)
    examine(r, row)
    r.upload_all(row, "submit", but=("holders_agreement",))
    with pytest.raises(MaterialsMissing):
        r.act(row, "submit")
    step(r, row, "submit", w.alice)


@pytest.mark.parametrize(("kind", "basic"), [("data_resource", "resource_table"), ("data_product", "product_table")])
def test_first_registration_asks_for_the_listed_materials(r: Regime, kind: str, basic: str) -> None:
    """第十五条（一）至（七）

    carries: P3-078
    """
    row = r.file("first", object_kind=kind, reviewer=r.world.quinn.org)
    step(r, row, "commission", r.world.alice)
    examine(r, row)
    step(r, row, "submit", r.world.alice)
    filed = set(Material.objects.filter(case_id=row.pk).values_list("material", flat=True))
    assert filed == {"application_form", basic, "source_proof", "substantive_review", "identity"}
    asked_for = {f.id for f in form_fields("shenzhen", kind) if f.required}
    assert {"industry", "region", "source"} <= asked_for
    assert ({"scale", "span_from", "span_until"} <= asked_for) is (kind == "data_resource")


def test_what_was_submitted_stays_as_it_was_submitted(r: Regime) -> None:
    """第二十九条

    carries: P3-100
    """
    row = r.file("first", reviewer=r.world.quinn.org)
    step(r, row, "commission", r.world.alice)
    examine(r, row)
    step(r, row, "submit", r.world.alice)
    change = services.ReviseFiling(row.pk, "另一名称", tuple(row.rights), dict(row.form))
    with pytest.raises(Forbidden):
        services.revise_filing(change, actor=r.world.alice, now=r.now)
    r.act(row, "ask_correction", r.world.rita, defects="名称不符")
    services.revise_filing(change, actor=r.world.alice, now=r.now)
    forms = Material.objects.filter(case_id=row.pk, material="application_form").order_by("pk")
    assert [m.superseded for m in forms] == [True, False] and len({m.digest for m in forms}) == 2


def test_an_applicant_becomes_a_registrant_when_the_certificate_is_issued(r: Regime) -> None:
    """第六条、第七条

    carries: P3-060
    """
    w, row = r.world, r.file("first", reviewer=r.world.quinn.org)
    assert queries.entries_of(w.alice.org or 0, r.now.date()) == []
    step(r, row, "commission", w.alice)
    examine(r, row)
    step(r, row, "submit", w.alice)
    r.act(row, "accept", w.rita)
    r.act(row, "pass", w.rong)
    assert queries.entries_of(w.alice.org or 0, r.now.date()) == []
    r.now += timedelta(days=14)
    r.sweep()
    r.act(row, "issue", w.rita)
    (line,) = queries.entries_of(w.alice.org or 0, r.now.date())
    assert line.certificate_number and line.holder_org == w.alice.org
