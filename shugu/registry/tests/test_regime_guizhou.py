"""贵州省数据要素登记服务管理办法（试行）: initial registration, review, public notice, certificates."""

from __future__ import annotations

from datetime import date

import pytest

from shugu.kernel.cases import mandate
from shugu.kernel.errors import ConflictOfInterest, InputInvalid, MaterialsMissing, NotInProcedure, TooEarly
from shugu.kernel.regimes import load_regime
from shugu.kernel.rule_files import Bound
from shugu.party import services as party
from shugu.registry import applications, services
from shugu.registry.models import TradeRecord
from shugu.registry.tests.guizhou import CLEARED, NOTICE_OVER, drafted, noticed, registered, submitted
from shugu.registry.tests.regimes import Regime
from tests.world import World

pytestmark = pytest.mark.django_db

OBJECTS = ("data_resource", "algorithm_model", "computing_power", "data_product")


@pytest.fixture()
def r(atlas: World) -> Regime:
    return Regime(atlas, "guizhou")


@pytest.mark.parametrize("kind", OBJECTS)
def test_it_registers_every_object_and_issues_element_and_usufruct_certificates(r: Regime, kind: str) -> None:
    """第八条、第二十三条.

    carries: P6-280 P6-285 P6-302
    """
    row = registered(r, kind)
    assert r.state(row) == "registered"
    assert [c.kind for c in r.certificates(row)] == ["data_element_certificate", "usufruct_certificate"]
    assert len({c.number for c in r.certificates(row)}) == 2
    assert r.entry(row).object_kind == kind


def test_it_follows_the_stages_of_the_procedure(r: Regime) -> None:
    """第十五条: application, acceptance, review, public notice, certificate.

    carries: P6-293 P6-308
    """
    row = registered(r)
    assert [f for f in r.facts(row) if f.startswith("filing.")] == [
        "filing.drafted", "filing.submitted", "filing.accepted", "filing.passed", "filing.confirmed", "filing.noticed",
        "filing.notice_ended", "filing.issued",
    ]  # fmt: skip


def test_each_object_is_asked_its_own_fields(r: Regime) -> None:
    """第二十四条至第二十七条: fields and code lists by object.

    carries: P6-291 P6-303 P6-304 P6-305 P6-306 P6-307
    """
    asked = {kind: {f.id: f for f in applications.form_fields("guizhou", kind)} for kind in OBJECTS}
    assert {"source", "acquisition", "scale", "scenario", "realisation"} <= set(asked["data_resource"])
    assert {"algorithm_type", "model_type", "model_scenario", "model_realisation"} <= set(asked["algorithm_model"])
    assert {"computing_type", "computing_scenario"} <= set(asked["computing_power"])
    assert {"contains_resource", "contains_model", "contains_computing"} <= set(asked["data_product"])
    assert "scale" not in asked["algorithm_model"] and "algorithm_type" not in asked["data_product"]
    assert [code for code, _ in asked["data_resource"]["acquisition"].options] == ["collected", "authorised"]
    assert "generative_ai" in dict(asked["algorithm_model"]["algorithm_type"].options)
    assert "disaster_backup" in dict(asked["computing_power"]["computing_type"].options)


@pytest.mark.parametrize(
    ("acquisition", "wanted"), [("collected", "collection_statement"), ("authorised", "authorisation_proof")]
)
def test_what_was_collected_needs_a_statement_and_what_was_authorised_a_proof(
    r: Regime, acquisition: str, wanted: str
) -> None:
    """第二十四条（三）.

    carries: P6-303
    """
    row = drafted(r, answers={"acquisition": acquisition})
    r.upload_all(row, "submit", but=(wanted,))
    with pytest.raises(MaterialsMissing):
        r.act(row, "submit")
    r.upload(row, wanted)
    r.act(row, "submit")
    assert r.state(row) == "submitted"


def test_a_model_needs_its_intellectual_property_papers_and_a_security_review(r: Regime) -> None:
    """第二十五条.

    carries: P6-305
    """
    row = drafted(r, "algorithm_model")
    with pytest.raises(MaterialsMissing):
        r.act(row, "submit")
    submitted(r, row)
    r.act(row, "accept", by=r.world.rita)
    r.act(row, "pass", by=r.world.rong)
    with pytest.raises(MaterialsMissing):
        r.act(row, "confirm", by=r.world.quinn, conclusion="安全")
    r.upload(row, "security_review", by=r.world.quinn)
    r.act(row, "confirm", by=r.world.quinn, conclusion="安全")
    assert r.state(row) == "examined"


def test_a_product_shows_the_certificate_of_a_registered_part_and_the_materials_of_another(r: Regime) -> None:
    """第二十七条: for a registered part its certificate is enough.

    carries: P6-307
    """
    parts = {"contains_resource": "registered", "contains_model": "unregistered", "contains_computing": "none"}
    row = drafted(r, "data_product", answers=parts)
    for wanted in ("resource_certificate", "model_proof"):
        with pytest.raises(MaterialsMissing):
            r.act(row, "submit")
        r.upload(row, wanted)
    r.act(row, "submit")
    assert r.state(row) == "submitted"


def test_agreement_with_interested_parties_comes_first(r: Regime) -> None:
    """第二十三条: no third answer is possible, and the agreement is filed.

    carries: P6-302
    """
    with pytest.raises(InputInvalid):
        drafted(r, answers={"interested_parties": "disagree"})
    row = drafted(r, answers={"interested_parties": "agreed"})
    r.upload_all(row, "submit", but=("agreement",))
    with pytest.raises(MaterialsMissing):
        r.act(row, "submit")


def test_an_agent_applies_with_a_power_of_attorney_only(r: Regime) -> None:
    """第十六条: without a power the agent is not taken; with one it files in the registrant's name.

    carries: P6-295
    """
    alice, bob = r.world.alice, r.world.bob
    with pytest.raises(InputInvalid) as refused:
        drafted(r, agent=bob.org)
    assert "agent_org" in refused.value.field_errors
    power = party.GrantPower(alice.org or 0, bob.org or 0, ("registration",), date(2026, 12, 31))
    party.grant_power(power, actor=alice, now=r.now)
    row = drafted(r, agent=bob.org)
    r.upload_all(row, "submit", but=("power_of_attorney",))
    with pytest.raises(MaterialsMissing):
        r.act(row, "submit", by=bob)
    r.upload(row, "power_of_attorney")
    r.act(row, "submit", by=bob)
    assert r.state(row) == "submitted" and row.applicant_id == alice.org


def test_the_interests_and_records_of_the_draft_regulation_are_kept(r: Regime) -> None:
    """条例（草案）第七条、第十九条: name, source, scenario, delivery and trades; interests by their codes.

    carries: P6-217 P6-232 P6-234
    """
    row = registered(r, rights=("holding", "processing_use", "lawful_property"))
    found = r.entry(row)
    assert found.rights == ("holding", "processing_use", "lawful_property")
    assert found.title and {"source", "scenario", "realisation"} <= set(found.form)
    services.record_trade(
        services.RecordTrade(found.id, "voucher:V-9", {"voucher": "V-9"}, r.world.bob.org),
        actor=mandate("trade", "voucher:V-9"),
        now=r.now,
    )
    assert TradeRecord.objects.get(entry_id=found.id).reference == "voucher:V-9"


def test_acceptance_is_due_on_the_third_working_day(r: Regime) -> None:
    """第十七条, across Qingming: filed Friday 2026-04-03, due Thursday 2026-04-09.

    carries: P6-296
    """
    r.at(date(2026, 4, 3))
    row = submitted(r, drafted(r))
    assert r.clock(row, "acceptance_period").due_on == date(2026, 4, 9)
    r.at(date(2026, 4, 9), 23)
    r.sweep()
    assert r.clock(row, "acceptance_period").status == "running"
    r.at(date(2026, 4, 10), 1)
    r.sweep()
    assert r.clock(row, "acceptance_period").status == "overdue"
    r.act(row, "accept", by=r.world.rita)
    assert r.state(row) == "formal_review"


@pytest.mark.parametrize(
    "ground", ["security_or_infringement", "no_consent", "ownership_dispute", "prohibited", "materials", "substantive_review"]
)
def test_it_refuses_on_every_ground_and_tells_it_within_three_working_days(r: Regime, ground: str) -> None:
    """第十二条、第十四条、第十八条: the decision, then the reasoned notification.

    carries: P6-290 P6-292 P6-297
    """
    row = submitted(r, drafted(r))
    r.act(row, "accept", by=r.world.rita)
    r.act(row, "reject", by=r.world.rong, refusal_ground=ground, reason="不符合要求")
    assert r.clock(row, "result_notice_period").due_on == date(2026, 3, 5)
    r.act(row, "refuse", by=r.world.rita)
    assert r.state(row) == "refused"


def test_it_refuses_on_no_ground_of_its_own_making(r: Regime) -> None:
    """第十八条: the reasons are the listed ones."""
    row = submitted(r, drafted(r))
    r.act(row, "accept", by=r.world.rita)
    with pytest.raises(InputInvalid):
        r.act(row, "reject", by=r.world.rong, refusal_ground="dislike", reason="—")


def test_a_late_notification_of_a_refusal_is_overdue(r: Regime) -> None:
    """第十八条: on the fourth working day it is late.

    carries: P6-297
    """
    row = submitted(r, drafted(r))
    r.act(row, "accept", by=r.world.rita)
    r.act(row, "reject", by=r.world.rong, refusal_ground="materials", reason="材料不完整")
    r.at(date(2026, 3, 6), 1)
    r.sweep()
    assert r.clock(row, "result_notice_period").status == "overdue"


def test_who_was_refused_changes_the_materials_and_files_again(r: Regime) -> None:
    """第十八条.

    carries: P6-297
    """
    row = submitted(r, drafted(r))
    r.act(row, "accept", by=r.world.rita)
    r.act(row, "reject", by=r.world.rong, refusal_ground="materials", reason="材料不完整")
    r.act(row, "refuse", by=r.world.rita)
    with pytest.raises(NotInProcedure):
        r.act(row, "submit")
    assert r.state(submitted(r, drafted(r))) == "submitted"


def test_formal_review_comes_before_the_substantive_one_and_both_must_pass(r: Regime) -> None:
    """第二十四条至第二十七条.

    carries: P6-308
    """
    row = submitted(r, drafted(r))
    r.act(row, "accept", by=r.world.rita)
    with pytest.raises(NotInProcedure):
        r.act(row, "confirm", by=r.world.quinn, conclusion="真实")
    r.act(row, "pass", by=r.world.rong)
    r.act(row, "fail", by=r.world.quinn, conclusion="来源不实")
    assert r.state(row) == "failed"
    with pytest.raises(NotInProcedure):
        r.act(row, "publish", by=r.world.rong)
    r.act(row, "reject", by=r.world.rong, refusal_ground="substantive_review", reason="来源不实")
    assert r.state(row) == "rejected"


def test_only_a_certified_body_that_is_not_the_applicant_reviews_the_substance(r: Regime) -> None:
    """第四十条（四）: certified by the registry; and it may not review what it files itself.

    carries: P6-320
    """
    with pytest.raises(InputInvalid):
        r.file(reviewer=r.world.mallory.org)
    with pytest.raises(InputInvalid):
        r.file()
    row = r.file(applicant=r.world.quinn, reviewer=r.world.quinn.org)
    r.upload_all(row, "submit", by=r.world.quinn)
    r.act(row, "submit", by=r.world.quinn)
    r.act(row, "accept", by=r.world.rita)
    r.act(row, "pass", by=r.world.rong)
    with pytest.raises(ConflictOfInterest):
        r.act(row, "confirm", by=r.world.quinn, conclusion="真实")


def test_public_notice_lasts_thirty_working_days_across_qingming(r: Regime) -> None:
    """第十九条: on the thirtieth day no certificate yet; on the next there is one.

    carries: P6-298
    """
    row = noticed(r, submitted(r, drafted(r)))
    assert r.clock(row, "notice_period").due_on == NOTICE_OVER
    r.at(NOTICE_OVER, 23)
    with pytest.raises(TooEarly):
        r.act(row, "issue", by=r.world.rita)
    r.at(CLEARED)
    r.sweep()
    assert r.state(row) == "cleared"
    r.act(row, "issue", by=r.world.rita)
    assert r.state(row) == "registered"


def test_a_notice_over_golden_week_counts_its_make_up_days(r: Regime) -> None:
    """第十九条: from Monday 2026-09-14; Sunday 20 September and Saturday 10 October are worked in return for
    25 September and 1 to 7 October.

    carries: P6-298
    """
    r.at(date(2026, 9, 14))
    row = noticed(r, submitted(r, drafted(r)))
    assert r.clock(row, "notice_period").due_on == date(2026, 10, 30)


def test_a_certificate_is_valid_two_years_from_its_issue(r: Regime) -> None:
    """第二十一条: issued 2026-04-15, valid until 2028-04-15.

    carries: P6-301
    """
    row = registered(r)
    assert {c.valid_until for c in r.certificates(row)} == {date(2028, 4, 15)}


@pytest.mark.parametrize(
    ("agreed_until", "last"), [("2027-09-01", date(2027, 9, 1)), ("2028-12-31", date(2028, 4, 15))]
)
def test_the_end_of_an_operating_agreement_caps_the_term(r: Regime, agreed_until: str, last: date) -> None:
    """第二十一条: an agreement that ends sooner ends the certificate; a longer one leaves two years.

    carries: P6-301
    """
    row = registered(r, answers={"operating_agreement": "yes", "authorised_until": agreed_until})
    assert {c.valid_until for c in r.certificates(row)} == {last}


def test_the_registry_and_its_authority_stand_on_the_certificate(r: Regime) -> None:
    """第五条、第六条、第八条.

    carries: P6-283 P6-285
    """
    said = r.certificates(registered(r))[0].credential["credentialSubject"]
    assert said["issuer"]["zh"] == "贵州省数据流通交易服务中心"
    assert said["supervisor"]["zh"] == "贵州省人民政府数据主管部门"


def test_the_lists_of_the_measures_are_data_with_their_articles() -> None:
    """第三条、第八条、第九条、第四十条: types, uses of a certificate, retention, definitions.

    carries: P6-281 P6-286 P6-287 P6-321
    """
    values = load_regime("guizhou", date(2026, 3, 2)).values
    assert len(values["registry.registration_types"].rows) == 7
    assert len(values["registry.certificate_uses"].rows) == 7
    retention = values["registry.retention"]
    assert (retention.value, retention.unit, retention.article) == (20, "year", "第九条")
    served = {str(op) for row in values["registry.registration_types"].rows for op in row["operations"]}  # type: ignore[union-attr]
    assert served == set(values["registry.operations"].codes)


def test_retention_may_be_longer_but_not_shorter() -> None:
    """第九条: not less than twenty years.

    carries: P6-287
    """
    assert load_regime("guizhou", date(2026, 3, 2)).values["registry.retention"].bound is Bound.MIN


def test_an_application_is_withdrawn_before_the_certificate_only(r: Regime) -> None:
    """第十六条: what the registrant filed the registrant may take back."""
    row = noticed(r, submitted(r, drafted(r)))
    r.act(row, "withdraw")
    assert r.state(row) == "withdrawn"
    done = registered(r, title="另一项数据资源")
    with pytest.raises(NotInProcedure):
        r.act(done, "withdraw")
