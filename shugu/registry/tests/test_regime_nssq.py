"""T/NSSQ 025—2022 数据资产确权登记导则: two levels of registration, trades appended, accountability."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from shugu.kernel.cases import mandate
from shugu.kernel.errors import GuardRefused, InputInvalid, MaterialsMissing, NotInProcedure, TooEarly, TooLate
from shugu.kernel.regimes import load_regime
from shugu.kernel.rules import Force
from shugu.registry import queries, services
from shugu.registry.applications import code_table, rules_of
from shugu.registry.models import EntryVersion, Filing, TradeRecord
from shugu.registry.queries_book import children_of, parents_of
from shugu.registry.services import Parent, RecordTrade
from shugu.registry.tests.regime_stages import step
from shugu.registry.tests.regimes import Regime
from tests.world import World

pytestmark = pytest.mark.django_db

UNIFICATIONS = ("basis", "registrar", "carrier", "procedure", "review_rules", "certificate", "effect")
FUNCTIONS = ("rights", "circulation", "decisions", "supervision", "publicity")


@pytest.fixture()
def n(atlas: World) -> Regime:
    return Regime(atlas, "nssq")


def examined(n: Regime, object_kind: str = "resource_asset", operation: str = "first", **found: str) -> Filing:
    """Under public notice after the examination of substance."""
    w = n.world
    lineage = (Parent(entry=found.pop("parent"), processing="清洗、汇总、建模", parts=10_000),) if "parent" in found else ()
    row = n.file(operation, object_kind=object_kind, title=f"{object_kind} {operation}", lineage=lineage)
    step(n, row, "submit", w.alice)
    n.act(row, "accept", w.rita)
    n.act(row, "pass", w.rong, **{"subject_clear": "yes", "conditions_met": "yes", **found})
    return row


def registered(n: Regime, object_kind: str = "resource_asset", operation: str = "first", **found: str) -> str:
    row = examined(n, object_kind, operation, **found)
    n.now += timedelta(days=14)
    n.sweep()
    n.act(row, "issue", n.world.rita)
    return n.entry(row).number


def test_two_levels_are_registered_each_with_its_certificate(n: Regime) -> None:
    """7.1.2、7.2.1、7.3.6

    carries: P4-070 P4-075 P4-082
    """
    rules = rules_of("nssq")
    assert list(code_table(rules, "registry.objects")) == ["resource_asset", "operating_asset"]
    for kind in ("resource_asset", "operating_asset"):
        shown = queries.entry_by_number(registered(n, kind))
        assert queries.certificate(shown.certificate_number, n.now.date()).kind == f"{kind}_certificate"


def test_a_right_names_its_subject_its_content_and_four_participants(n: Regime) -> None:
    """4.1、5.1、5.2、7.1.1

    carries: P4-058 P4-061 P4-062 P4-069
    """
    for field in ("registrant_kind", "right_subject", "data_owner", "data_manager", "data_producer", "data_user"):
        with pytest.raises(InputInvalid) as told:
            n.file("first", answers={field: ""})
        assert f"form.{field}" in told.value.field_errors
    with pytest.raises(InputInvalid):
        n.file("first", rights=())


@pytest.mark.parametrize("finding", ["subject_clear", "conditions_met"])
def test_without_a_clear_subject_or_a_condition_nothing_is_entered(n: Regime, finding: str) -> None:
    """4.1、7.4.1

    carries: P4-058
    """
    row = examined(n, **{finding: "no"})
    n.now += timedelta(days=14)
    n.sweep()
    with pytest.raises(GuardRefused):
        n.act(row, "issue", n.world.rita)


def test_the_registrar_examines_the_substance_and_then_shows_it_to_others(n: Regime) -> None:
    """7.1.4

    carries: P4-071
    """
    w, row = n.world, examined(n)
    with pytest.raises(TooEarly):
        n.act(row, "issue", w.rita)
    objection = n.objection(row)
    n.now += timedelta(days=14)
    n.sweep()
    assert n.state(row) == "objected"
    n.answer(objection, "uphold", w.rong, reason="权属不清")
    assert n.state(row) == "refused"


def test_a_product_keeps_the_link_to_the_resource_it_was_made_from(n: Regime) -> None:
    """7.2.5、7.3.3

    carries: P4-073
    """
    resource = registered(n)
    product = registered(n, "operating_asset", "conversion", parent=resource)
    made, source = (queries.entry_by_number(number).id for number in (product, resource))
    assert [p.number for p in parents_of(made)] == [resource] and [c for c, _ in children_of(source)] == [product]
    assert product != resource


def test_every_trade_is_appended_to_the_product_and_told_once(n: Regime) -> None:
    """表1（登记单位）、7.3.5

    carries: P4-074
    """
    line = queries.entry_by_number(registered(n, "operating_asset"))
    for reference in ("HT-1", "HT-2", "HT-2"):
        cmd = RecordTrade(line.id, reference, {"contract": reference}, buyer_org=n.world.bob.org)
        services.record_trade(cmd, actor=mandate("trade", reference), now=n.now)
    told = TradeRecord.objects.filter(entry_id=line.id).order_by("pk").values_list("reference", flat=True)
    assert list(told) == ["HT-1", "HT-2"]


def test_what_is_written_off_can_be_traded_no_more(n: Regime) -> None:
    """4.2、7.4.3

    carries: P4-059
    """
    entry = registered(n, "operating_asset")
    line = queries.entry_by_number(entry)
    assert queries.tradable(line.id, n.now.date()) == ()
    row = n.file("scrapping", entry=entry)
    with pytest.raises(MaterialsMissing):
        n.act(row, "submit")
    step(n, row, "submit", n.world.alice)
    n.act(row, "accept", n.world.rita)
    n.act(row, "pass", n.world.rong)
    n.act(row, "issue", n.world.rita)
    assert queries.tradable(line.id, n.now.date()) != ()


def test_the_matrix_of_accountability_comes_with_the_application(n: Regime) -> None:
    """6.3、6.4"""
    row = n.file("first")
    n.upload_all(row, "submit", but=("accountability_matrix",))
    with pytest.raises(MaterialsMissing):
        n.act(row, "submit")
    rules = rules_of("nssq")
    assert list(code_table(rules, "registry.accountability_roles")) == ["owner", "producer", "user", "manager", "custodian"]
    assert len(rules.value("registry.accountability_setup").rows) == 6 and len(rules.value("registry.unifications").rows) == 7


def test_a_group_standard_binds_nobody_and_every_length_is_our_own() -> None:
    """1（适用范围）"""
    values = load_regime("nssq", on=date(2026, 3, 2)).values.values()
    assert not [v.name for v in values if v.force is Force.MUST and v.name.startswith("registry.")]
    assert not [v.name for v in values if v.unit in ("wd", "cd", "month", "year") and v.force is not Force.VENUE]


def test_seven_unifications_and_five_functions_are_told_with_their_clauses(n: Regime) -> None:
    """7.1.5、7.3.1、7.3.2

    carries: P4-072 P4-078
    """
    rules = rules_of("nssq")
    assert tuple(code_table(rules, "registry.unifications")) == UNIFICATIONS
    assert tuple(code_table(rules, "registry.registration_functions")) == FUNCTIONS
    assert rules.value("registry.unifications").article == "7.1.5"


def test_an_entry_is_unique_and_its_history_is_only_appended_to(n: Regime) -> None:
    """7.3.2（健全、唯一且不可篡改）

    carries: P4-078
    """
    entry = registered(n)
    row = n.file("change", entry=entry, title="更名后的资源")
    step(n, row, "submit", n.world.alice)
    n.act(row, "accept", n.world.rita)
    n.act(row, "pass", n.world.rong)
    n.act(row, "issue", n.world.rita)
    versions = EntryVersion.objects.filter(entry__number=entry).order_by("version")
    assert [(v.version, v.title) for v in versions] == [(1, "resource_asset first"), (2, "更名后的资源")]


@pytest.mark.parametrize(
    "ground",
    ["no_clear_subject", "not_past_event", "no_control", "not_measurable", "no_value_inflow", "agreement_only", "other"],
)
def test_each_ground_refuses_in_the_examination(n: Regime, ground: str) -> None:
    """4.1、4.3、7.4.1"""
    row = n.file("first")
    step(n, row, "submit", n.world.alice)
    n.act(row, "accept", n.world.rita)
    with pytest.raises(InputInvalid):
        n.act(row, "refuse", n.world.rong, refusal_ground="core_data", reason="x")
    n.act(row, "refuse", n.world.rong, refusal_ground=ground, reason="不符合确认条件")
    assert n.state(row) == "refused"


def test_a_correction_and_the_notice_end_on_their_days_over_national_day(n: Regime) -> None:
    """期限为本制度自定，跨国庆假期与调休"""
    row = n.file("first")
    step(n, row, "submit", n.world.alice)
    n.at(date(2026, 9, 28))
    n.act(row, "ask_correction", n.world.rita, defects="缺认责矩阵说明")
    n.at(date(2026, 10, 17), 9)
    with pytest.raises(TooLate):
        n.act(row, "correct")
    n.sweep()
    assert n.state(row) == "lapsed"
    n.at(date(2026, 9, 28))
    noticed = examined(n)
    n.at(date(2026, 10, 10), 23, 59)
    with pytest.raises(TooEarly):
        n.act(noticed, "issue", n.world.rita)
    n.at(date(2026, 10, 11), 9).sweep()
    with pytest.raises((TooLate, NotInProcedure)):
        n.objection(noticed)
    assert n.state(noticed) == "cleared"
