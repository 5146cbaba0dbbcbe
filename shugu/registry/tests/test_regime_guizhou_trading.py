"""贵州省数据流通交易管理办法（试行）: subjects sign up, merchants and intermediaries hold a certificate before they trade."""

from __future__ import annotations

from datetime import date

import pytest

from shugu.kernel import engine
from shugu.kernel.cases import Command
from shugu.kernel.errors import GuardRefused, InputInvalid, MaterialsMissing, NotYourStep
from shugu.kernel.regimes import load_regime
from shugu.registry.tests.regimes import Regime
from shugu.registry.tests.vouchers import entered, handed_in, subject
from tests.world import World

pytestmark = pytest.mark.django_db


@pytest.fixture()
def r(atlas: World) -> Regime:
    return Regime(atlas, "guizhou-trading")


@pytest.mark.parametrize("kind", ["merchant", "intermediary"])
def test_merchants_and_intermediaries_get_their_certificates(r: Regime, kind: str) -> None:
    """第十七条、第二十三条.

    carries: P6-257 P6-264
    """
    assert [c.kind for c in r.certificates(subject(r, "first", kind))] == [f"{kind}_certificate"]


@pytest.mark.parametrize("kind", ["provider", "demander"])
def test_providers_and_demanders_sign_up(r: Regime, kind: str) -> None:
    """第十七条: no certificate is asked of them.

    carries: P6-257 P6-259 P6-260
    """
    row = subject(r, "sign_up", kind)
    assert r.state(row) == "registered" and r.certificates(row) == []


@pytest.mark.parametrize(
    ("operation", "kind", "wanted"),
    [
        ("sign_up", "provider", {"source_statement"}),
        ("sign_up", "demander", {"protection_proof"}),
        ("first", "merchant", {"merchant_source_statement", "ability_proof"}),
        ("first", "intermediary", {"establishment_proof", "qualification_proof", "practitioner_proof"}),
    ],
)
def test_a_subject_proves_what_its_kind_requires(r: Regime, operation: str, kind: str, wanted: set[str]) -> None:
    """第十八条至第二十一条.

    carries: P6-259 P6-260 P6-261
    """
    for absent in sorted(wanted):
        row = r.file(operation, object_kind=kind, rights=("participation",))
        r.upload_all(row, "submit", but=(absent,))
        with pytest.raises(MaterialsMissing):
            r.act(row, "submit")


def test_nobody_registers_without_undertaking_to_observe_the_rules(r: Regime) -> None:
    """第十八条至第二十一条.

    carries: P6-259 P6-260 P6-261 P6-212
    """
    with pytest.raises(InputInvalid) as refused:
        r.file("first", object_kind="merchant", rights=("participation",), answers={"observes_rules": ""})
    assert "form.observes_rules" in refused.value.field_errors


@pytest.mark.parametrize(("operation", "kind"), [("first", "intermediary"), ("sign_up", "provider")])
def test_one_subject_has_one_registration(r: Regime, operation: str, kind: str) -> None:
    """第二十三条: the second is refused; the first is changed instead.

    carries: P6-264
    """
    first = subject(r, "first", "merchant")
    row = r.file(operation, object_kind=kind, rights=("participation",))
    r.upload_all(row, "submit")
    with pytest.raises(GuardRefused):
        r.act(row, "submit")
    changed = entered(r, handed_in(r, r.file("change", entry=r.entry(first).number)))
    assert [c.kind for c in r.certificates(changed)] == ["merchant_certificate"]
    assert "superseded" in r.certificates(first)[0].facets


def test_after_deregistration_a_subject_may_register_again(r: Regime) -> None:
    """第二十三条: one registration at a time.

    carries: P6-264
    """
    first = subject(r, "first", "merchant")
    entered(r, handed_in(r, r.file("cancellation", entry=r.entry(first).number)))
    assert r.facets(r.entry(first).number) == {"cancelled"}
    assert r.state(subject(r, "first", "intermediary")) == "registered"


@pytest.mark.parametrize(("operation", "kind"), [("sign_up", "merchant"), ("first", "demander")])
def test_who_needs_a_certificate_cannot_merely_sign_up(r: Regime, operation: str, kind: str) -> None:
    """第十七条.

    carries: P6-257
    """
    row = r.file(operation, object_kind=kind, rights=("participation",))
    r.upload_all(row, "submit")
    with pytest.raises(GuardRefused):
        r.act(row, "submit")


@pytest.mark.parametrize(
    "ground",
    ["provider_requirements", "demander_requirements", "merchant_requirements", "intermediary_requirements", "registered_before"],
)
def test_it_refuses_on_every_ground(r: Regime, ground: str) -> None:
    """第十七条至第二十一条、第二十三条.

    carries: P6-264
    """
    row = handed_in(r, r.file("first", object_kind="merchant", rights=("participation",)))
    r.act(row, "accept", by=r.world.rita)
    r.act(row, "refuse", by=r.world.rong, refusal_ground=ground, reason="不符合要求")
    assert r.state(row) == "refused"


def test_the_operating_company_issues_nothing(r: Regime) -> None:
    """第九条: certificates are the centre's, daily operation the company's.

    carries: P6-249
    """
    row = handed_in(r, r.file("first", object_kind="merchant", rights=("participation",)))
    for do, centre in (("accept", r.world.rita), ("pass", r.world.rong), ("issue", r.world.rita)):
        with pytest.raises(NotYourStep):
            engine.act(row.pk, Command(do), actor=r.world.otto, now=r.now)
        r.act(row, do, by=centre)


def test_twenty_years_and_who_may_be_what_are_in_the_rules() -> None:
    """第十七条、第二十四条、第二十九条.

    carries: P6-265 P6-270 P6-279
    """
    values = load_regime("guizhou-trading", date(2026, 3, 2)).values
    assert (values["registry.retention"].value, values["registry.retention"].unit) == (20, "year")
    assert values["registry.one_object_one_registration"].article == "第二十四条"
    persons = {str(row["code"]): tuple(row.get("persons", ())) for row in values["registry.objects"].rows}  # type: ignore[arg-type]
    assert "natural" not in persons["intermediary"] and "natural" in persons["merchant"]
