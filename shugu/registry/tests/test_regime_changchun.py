"""长春市数据交易管理办法: certificates of merchants, third-party bodies and objects before trading."""

from __future__ import annotations

from datetime import date

import pytest

from shugu.kernel import engine
from shugu.kernel.cases import Command
from shugu.kernel.errors import GuardRefused, InputInvalid, MaterialsMissing, NotYourStep
from shugu.kernel.regimes import load_regime
from shugu.registry import applications, queries
from shugu.registry.tests.regimes import Regime
from shugu.registry.tests.vouchers import drafted_object, entered, handed_in, registered_object, subject
from tests.world import World

pytestmark = pytest.mark.django_db

OBJECTS = ("data_product", "data_service", "professional_service", "other_object")


@pytest.fixture()
def r(atlas: World) -> Regime:
    return Regime(atlas, "changchun")


@pytest.mark.parametrize(
    ("kind", "certificate"), [("merchant", "merchant_certificate"), ("third_party_body", "third_party_body_certificate")]
)
def test_merchants_and_third_party_bodies_get_their_certificates(r: Regime, kind: str, certificate: str) -> None:
    """第九条、第十九条.

    carries: P6-355 P6-364
    """
    assert [c.kind for c in r.certificates(subject(r, "subject", kind))] == [certificate]


@pytest.mark.parametrize("kind", ["provider", "demander"])
def test_providers_and_demanders_sign_up_and_are_verified_without_a_certificate(r: Regime, kind: str) -> None:
    """第十条、第十二条: registered after review; article 9 asks a certificate of the other two only.

    carries: P6-355 P6-356 P6-358
    """
    row = subject(r, "sign_up", kind)
    assert r.state(row) == "registered" and r.certificates(row) == []
    assert r.entry(row).object_kind == kind


@pytest.mark.parametrize(
    ("operation", "kind", "wanted"),
    [
        ("sign_up", "provider", {"provider_commitment_letter"}),
        ("subject", "merchant", {"merchant_commitment_letter", "merchant_ability_proof"}),
        ("sign_up", "demander", {"demander_ability_proof"}),
        ("subject", "third_party_body", {"establishment_proof", "qualification_proof", "practitioner_proof"}),
    ],
)
def test_a_subject_proves_what_its_kind_requires(r: Regime, operation: str, kind: str, wanted: set[str]) -> None:
    """第十条至第十三条.

    carries: P6-356 P6-357 P6-358 P3-207
    """
    for absent in sorted(wanted):
        row = r.file(operation, object_kind=kind, rights=("participation",))
        r.upload_all(row, "submit", but=(absent,))
        with pytest.raises(MaterialsMissing):
            r.act(row, "submit")


def test_a_merchant_is_of_one_or_several_of_the_listed_types(r: Regime) -> None:
    """第十一条.

    carries: P6-357
    """
    asked = {f.id: f for f in applications.form_fields("changchun", "merchant", "subject")}
    assert {"data_service", "computing_power", "tools", "network", "security"} <= set(dict(asked["merchant_type"].options))
    with pytest.raises(InputInvalid):
        r.file("subject", object_kind="merchant", rights=("participation",), answers={"merchant_type": "bank"})
    several = {"merchant_type": "computing_power,network"}
    assert r.file("subject", object_kind="merchant", rights=("participation",), answers=several).form["merchant_type"]


@pytest.mark.parametrize(
    ("operation", "kind"), [("sign_up", "merchant"), ("subject", "provider"), ("subject", "data_product"), ("first", "merchant")]
)
def test_who_needs_a_certificate_cannot_merely_sign_up(r: Regime, operation: str, kind: str) -> None:
    """第九条.

    carries: P6-355
    """
    row = r.file(operation, object_kind=kind, rights=("participation",))
    r.upload_all(row, "submit")
    with pytest.raises(GuardRefused):
        r.act(row, "submit")


def test_one_subject_has_one_registration(r: Regime) -> None:
    """第十九条.

    carries: P6-364
    """
    subject(r, "subject", "merchant")
    row = r.file("sign_up", object_kind="demander", rights=("participation",))
    r.upload_all(row, "submit")
    with pytest.raises(GuardRefused):
        r.act(row, "submit")


@pytest.mark.parametrize("kind", OBJECTS)
def test_every_kind_of_object_gets_a_certificate_after_the_evaluation(r: Regime, kind: str) -> None:
    """第十四条、第十九条.

    carries: P6-364
    """
    subject(r, "subject", "merchant")
    row = handed_in(r, drafted_object(r, kind))
    r.act(row, "accept", by=r.world.rita)
    with pytest.raises(MaterialsMissing):
        r.act(row, "pass", by=r.world.rong)
    r.upload(row, "evaluation_record", by=r.world.rong)
    r.act(row, "pass", by=r.world.rong)
    r.act(row, "issue", by=r.world.rita)
    assert [c.kind for c in r.certificates(row)] == ["object_certificate"]


def test_an_agreement_that_forbids_trading_blocks_the_object_until_released(r: Regime) -> None:
    """第十五条（五）: a lawful agreement counts like the law.

    carries: P2-268
    """
    subject(r, "subject", "merchant")
    row = drafted_object(r, barring_agreement="yes")
    r.upload_all(row, "submit", but=("agreement_release",))
    with pytest.raises(MaterialsMissing):
        r.act(row, "submit")


def test_an_object_is_registered_by_a_registered_subject_only(r: Regime) -> None:
    """第九条、第十八条.

    carries: P6-355
    """
    row = drafted_object(r)
    r.upload_all(row, "submit")
    with pytest.raises(GuardRefused):
        r.act(row, "submit")


def test_a_merchant_without_a_certificate_does_not_trade(r: Regime) -> None:
    """第九条: provider and buyer are registered and the object's certificate is in force, or there is no trade.

    carries: P6-355
    """
    bob = r.world.bob
    merchant = subject(r, "subject", "merchant")
    found = r.entry(registered_object(r))

    def blocks() -> set[str]:
        return {reason.code for reason in queries.tradable(found.id, r.now.date(), bob.org)}

    assert blocks() == {"buyer_unregistered"}
    subject(r, "sign_up", "demander", by=bob)
    assert blocks() == set()
    entered(r, handed_in(r, r.file("cancellation", entry=r.entry(merchant).number)))
    assert blocks() == {"provider_unregistered"}
    carol = subject(r, "subject", "merchant", by=r.world.carol)
    assert r.state(carol) == "registered"


@pytest.mark.parametrize(
    "ground",
    [
        "security", "privacy", "unauthorised", "unlawful_source", "forbidden", "subject_requirements", "registered_before",
        "evaluation",
    ],
)
def test_it_refuses_on_every_ground(r: Regime, ground: str) -> None:
    """第十条至第十三条、第十五条、第十九条."""
    row = handed_in(r, r.file("subject", object_kind="merchant", rights=("participation",)))
    r.act(row, "accept", by=r.world.rita)
    r.act(row, "refuse", by=r.world.rong, refusal_ground=ground, reason="不符合要求")
    assert r.state(row) == "refused"


def test_the_operating_company_issues_nothing(r: Regime) -> None:
    """第七条、第八条: the centre verifies and issues; the company's seat has no part in it.

    carries: P6-353
    """
    row = handed_in(r, r.file("subject", object_kind="merchant", rights=("participation",)))
    for do, centre in (("accept", r.world.rita), ("pass", r.world.rong), ("issue", r.world.rita)):
        with pytest.raises(NotYourStep):
            engine.act(row.pk, Command(do), actor=r.world.otto, now=r.now)
        r.act(row, do, by=centre)


def test_twenty_years_and_who_may_be_what_are_in_the_rules() -> None:
    """第十条至第十三条、第二十七条.

    carries: P6-372 P6-382
    """
    values = load_regime("changchun", date(2026, 3, 2)).values
    assert (values["registry.retention"].value, values["registry.retention"].unit) == (20, "year")
    persons = {str(row["code"]): tuple(row.get("persons", ())) for row in values["registry.objects"].rows}  # type: ignore[arg-type]
    assert "natural" in persons["demander"]
    assert not any("natural" in persons[kind] for kind in ("provider", "merchant", "third_party_body"))
