"""Wenzhou’s pilot opinions (2023-12-07), Shanxi’s trial measures (2019), Hunan’s draft (2023): cards, approvals, rights."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest

from shugu.kernel.errors import GuardRefused, InputInvalid, MaterialsMissing, NotYourStep, SeparationOfDuties, TooLate
from shugu.kernel.models import Fact
from shugu.kernel.regimes import load_regime
from shugu.kernel.rule_files import RULES, read_document
from shugu.kernel.rules import Force
from shugu.registry import queries
from shugu.registry.applications import code_table, form_fields, right_codes, rules_of
from shugu.registry.models import EntryVersion, Filing
from shugu.registry.queries_book import children_of, encumbrances, parents_of
from shugu.registry.services import Parent
from shugu.registry.tests.regime_stages import step
from shugu.registry.tests.regimes import Regime
from tests.world import World

pytestmark = pytest.mark.django_db

BEFORE_GOLDEN_WEEK = date(2026, 9, 28)
LEDGERS = ("wenzhou", "shanxi", "hunan")
ASSET = {
    "shanxi": {"secret": "no", "clear_right": "yes", "quantifiable": "yes", "controllable": "yes", "exchangeable": "yes"},
    "wenzhou": {"strict_protection": "no", "clear_right": "yes"},
    "hunan": {},
}


def carded(r: Regime, **answers: str) -> Filing:
    row = r.file("first", answers={**ASSET[r.register], **answers})
    step(r, row, "submit", r.world.alice)
    return row


def taken_in(r: Regime, row: Filing) -> Filing:
    r.act(row, "accept", r.world.rita)
    r.act(row, "pass", r.world.rong)
    return r.act(row, "issue", r.world.rita)


def entered(r: Regime) -> str:
    return r.entry(taken_in(r, carded(r))).number


@pytest.mark.parametrize("regime", LEDGERS)
def test_a_card_is_made_sent_taken_in_and_updated(atlas: World, regime: str) -> None:
    """山西第七条、第八条；温州三（二）；湖南第二十一条（程序为场所自定）

    carries: P4-165 P4-166 P3-200 P5-307
    """
    r = Regime(atlas, regime)
    entry = entered(r)
    shown = queries.entry_by_number(entry, r.now.date())
    assert shown.facets == {"valid"} and queries.certificate(shown.certificate_number, r.now.date()).kind == "asset_card"
    row = r.file("change", entry=entry, answers={"quantity": "240 万条"})
    with pytest.raises(MaterialsMissing):
        r.act(row, "submit")
    step(r, row, "submit", atlas.alice)
    taken_in(r, row)
    after = queries.entry_by_number(entry, r.now.date())
    assert (after.version, after.form["quantity"]) == (2, "240 万条")


def test_a_card_names_its_one_source_and_every_state_of_it_is_a_fact(atlas: World) -> None:
    """温州三（一）、三（二）；北京实施意见三（六）：一数一源、动态更新、上链存证

    carries: P2-086
    """
    r = Regime(atlas, "wenzhou")
    with pytest.raises(InputInvalid) as told:
        r.file("first", answers={**ASSET["wenzhou"], "data_source": ""})
    assert set(told.value.field_errors) == {"form.data_source"}
    entry = entered(r)
    row = r.file("change", entry=entry, answers={"quantity": "240 万条"})
    step(r, row, "submit", atlas.alice)
    taken_in(r, row)
    states = EntryVersion.objects.filter(entry__number=entry).order_by("version")
    assert [v.form["quantity"] for v in states] == ["按规定填写", "240 万条"]
    assert len({v.form["data_source"] for v in states}) == 1
    facts = Fact.objects.filter(pk__in=[v.fact for v in states])
    assert len(facts) == 2 and all(len(bytes(f.digest)) == 32 for f in facts)


def test_a_product_of_the_market_names_the_public_card_it_was_made_from(atlas: World) -> None:
    """甘肃二（一）2；重庆第 4 项: what market subjects register is linked with the ledger of public data.

    carries: P3-200 P5-326
    """
    card = entered(Regime(atlas, "wenzhou"))
    r = Regime(atlas, "hangzhou")
    made = (Parent(card, processing="脱敏后按街道汇总", parts=10_000),)
    row = r.file("first", applicant=atlas.bob, object_kind="data_product", rights=("processing_use", "operation"), lineage=made)
    step(r, row, "submit", atlas.bob)
    r.act(row, "accept", atlas.rita)
    r.act(row, "pass", atlas.rong)
    r.now += timedelta(days=14)
    r.sweep()
    r.act(row, "issue", atlas.rita)
    assert [p.number for p in parents_of(r.entry(row).id)] == [card]
    assert [n for n, _ in children_of(queries.entry_by_number(card).id)] == [r.entry(row).number]


@pytest.mark.parametrize("regime", LEDGERS)
def test_who_takes_a_card_in_does_not_approve_it(atlas: World, regime: str) -> None:
    """山西第八条：接受同级政务信息管理部门监督、指导"""
    r = Regime(atlas, regime)
    both = replace(atlas.rita, seats=frozenset({"registrar", "reviewer"}))
    row = carded(r)
    with pytest.raises(NotYourStep):
        r.act(row, "accept", atlas.alice)
    r.act(row, "accept", both)
    with pytest.raises(SeparationOfDuties):
        r.act(row, "pass", both)


@pytest.mark.parametrize(
    ("regime", "field", "answer"),
    [("shanxi", "secret", "yes"), ("shanxi", "clear_right", "no"), ("shanxi", "quantifiable", "no"),
     ("shanxi", "controllable", "no"), ("shanxi", "exchangeable", "no"), ("wenzhou", "strict_protection", "yes"),
     ("wenzhou", "clear_right", "no")],
)  # fmt: skip
def test_what_may_not_be_an_asset_is_barred_at_the_door(atlas: World, regime: str, field: str, answer: str) -> None:
    """山西第三条；温州二（二）"""
    r = Regime(atlas, regime)
    row = carded(r, **{field: answer})
    assert r.state(row) == "barred" and queries.entries_of(atlas.alice.org or 0, r.now.date()) == []


def refusals(regime: str) -> list[tuple[str, str]]:
    rows = load_regime(regime, on=date(2026, 3, 2)).values["registry.refusal_grounds"].rows
    return [(regime, str(row["code"])) for row in rows]


@pytest.mark.parametrize(("regime", "ground"), [*refusals("shanxi"), *refusals("wenzhou")])
def test_each_ground_of_refusal_keeps_a_card_out(atlas: World, regime: str, ground: str) -> None:
    """山西第三条、第十二条、第十三条；温州二（二）、三"""
    r = Regime(atlas, regime)
    row = carded(r)
    r.act(row, "accept", atlas.rita)
    with pytest.raises(InputInvalid):
        r.act(row, "refuse", atlas.rong, refusal_ground="incomplete_materials", reason="x")
    r.act(row, "refuse", atlas.rong, refusal_ground=ground, reason="不符合规定")
    assert r.state(row) == "refused"


def test_the_authorisation_of_a_developer_is_filed_with_all_its_contract_states(atlas: World) -> None:
    """山西第十条、第十二条

    carries: P4-168 P4-170 P5-307
    """
    r = Regime(atlas, "shanxi")
    entry = entered(r)
    for field in rules_of("shanxi").value("registry.contract_contents").codes:
        with pytest.raises(InputInvalid) as told:
            r.file("authorisation", entry=entry, counterparty=atlas.bob.org, answers={field: ""})
        assert f"form.{field}" in told.value.field_errors
    row = r.file("authorisation", entry=entry, counterparty=atlas.bob.org, answers={"term_until": "2027-03-01"})
    with pytest.raises(MaterialsMissing) as missing:
        r.act(row, "submit")
    assert missing.value.article == "第十二条"
    step(r, row, "submit", atlas.alice)
    taken_in(r, row)
    (noted,) = encumbrances(queries.entry_by_number(entry).id)
    assert (noted.kind, noted.beneficiary, noted.until) == ("licence", atlas.bob.org, date(2027, 3, 1))
    assert [c.kind for c in r.certificates(row)] == ["authorisation_record"]


@pytest.mark.parametrize("paid", ["yes", "no"])
def test_paid_use_is_authorised_after_approval_and_valuation(atlas: World, paid: str) -> None:
    """温州三（五）"""
    r = Regime(atlas, "wenzhou")
    row = r.file("authorisation", entry=entered(r), counterparty=atlas.bob.org, answers={"paid": paid})
    r.upload(row, "contract")
    if paid == "yes":
        with pytest.raises(MaterialsMissing) as told:
            r.act(row, "submit")
        assert told.value.article == "三（五）；第十一条"
        r.upload(row, "valuation_report")
    r.act(row, "submit")
    assert r.state(row) == "submitted"


def test_an_institution_disposes_of_nothing_without_approval(atlas: World) -> None:
    """温州三（七）"""
    r = Regime(atlas, "wenzhou")
    entry = entered(r)
    row = r.file("disposal", entry=entry)
    with pytest.raises(MaterialsMissing) as told:
        r.act(row, "submit")
    assert told.value.article == "三（五）、三（七）"
    step(r, row, "submit", atlas.alice)
    r.act(row, "accept", atlas.rita)
    with pytest.raises(NotYourStep):
        r.act(row, "pass", atlas.alice)
    r.act(row, "pass", atlas.rong)
    r.act(row, "issue", atlas.rita)
    assert "cancelled" in r.facets(entry)


def test_a_review_of_security_is_filed_when_it_is_asked_for(atlas: World) -> None:
    """温州三（七）：可以组织安全合规评审论证"""
    r = Regime(atlas, "wenzhou")
    row = r.file("disposal", entry=entered(r))
    step(r, row, "submit", atlas.alice)
    r.act(row, "ask_correction", atlas.rita, defects="涉及个人信息", required_by_registrar="安全合规评审论证")
    with pytest.raises(MaterialsMissing):
        r.act(row, "correct")
    r.upload(row, "security_review")
    r.act(row, "correct")
    assert r.state(row) == "submitted"


def test_a_card_of_data_ip_names_its_certificate(atlas: World) -> None:
    """温州三（二）

    carries: P4-104
    """
    r = Regime(atlas, "wenzhou")
    row = taken_in(r, carded(r, ip_certificate="ZSCQ-2023-0001"))
    assert r.entry(row).form["ip_certificate"] == "ZSCQ-2023-0001"
    assert "ip_certificate" in {f.id for f in form_fields("wenzhou", "data_asset") if f.public and not f.required}


def test_a_correction_is_taken_on_its_last_day_and_lapses_the_day_after(atlas: World) -> None:
    """期限为场所自定，跨国庆假期与调休"""
    r = Regime(atlas, "shanxi")
    row = carded(r)
    r.at(BEFORE_GOLDEN_WEEK)
    r.act(row, "ask_correction", atlas.rita, defects="数量缺计量单位")
    r.at(date(2026, 10, 16), 23, 59)
    r.act(row, "correct")
    other = carded(r)
    r.at(BEFORE_GOLDEN_WEEK)
    r.act(other, "ask_correction", atlas.rita, defects="数量缺计量单位")
    r.at(date(2026, 10, 17), 9)
    with pytest.raises(TooLate):
        r.act(other, "correct")
    r.sweep()
    assert (r.state(row), r.state(other)) == ("submitted", "lapsed")
    with pytest.raises(GuardRefused):
        r.act(row, "ask_correction", atlas.rita, defects="再次")


def test_the_owner_of_government_data_is_the_state_by_rule(atlas: World) -> None:
    """山西第七条

    carries: P4-165
    """
    rules = rules_of("shanxi")
    owner = rules.value("registry.owner")
    assert (owner.force, owner.article) == (Force.MUST, "第七条")
    assert list(code_table(rules, "registry.register_parts")) == ["rules", "dynamic", "catalogue", "system"]


def test_four_rights_are_registered_where_the_draft_names_four(atlas: World) -> None:
    """湖南第二十一条

    carries: P5-273
    """
    r = Regime(atlas, "hunan")
    assert list(right_codes("hunan")) == ["collection", "holding", "processing_use", "operation"]
    assert "collection" not in right_codes("shanxi")
    row = r.file("first", rights=("collection", "holding"))
    step(r, row, "submit", atlas.alice)
    taken_in(r, row)
    assert r.entry(row).rights == ("collection", "holding")
    with pytest.raises(InputInvalid):
        Regime(atlas, "shanxi").file("first", rights=("collection",))
    assert rules_of("hunan").value("registry.rights").force is Force.MAY


def vocabularies() -> tuple[dict[str, set[str]], tuple[Any, ...]]:
    values = read_document(RULES, RULES / "national/rights-vocabularies/2022-12-19.toml").values
    words: dict[str, set[str]] = {}
    for row in values["registry.right_vocabularies"].rows:
        listed: Any = row["words"]
        words[str(row["code"])] = {str(w["code"]) for w in listed}
    return words, values["registry.right_mapping"].rows


def test_the_vocabularies_of_rights_stand_side_by_side() -> None:
    """数据二十条二（三）；T/TJIFA003 3.5；湖南第二十一条；北京第二十条

    carries: P2-009 P5-273
    """
    words, _ = vocabularies()
    assert {code: len(listed) for code, listed in words.items()} == {
        "three_right": 3, "four_powers": 4, "four_right": 4, "eight_action": 8,
    }  # fmt: skip


def test_each_mapping_joins_known_words_and_names_its_article_or_says_it_is_ours() -> None:
    """深圳第七条（一）；湖南第二十一条"""
    words, rows = vocabularies()
    for row in rows:
        assert row["word"] in words[row["set"]] and set(row["to"]) <= words[row["into"]], row
        assert (row["force"] == "venue") == (not row.get("article")), row
    asked = {(row["set"], row["word"], row["into"]) for row in rows}
    assert len(asked) == len(rows)
    pairs = {(row["set"], row["into"]) for row in rows}
    for source, into in pairs:
        assert {row["word"] for row in rows if (row["set"], row["into"]) == (source, into)} == words[source], (source, into)


def test_what_the_shenzhen_measures_say_of_the_three_rights_agrees_with_the_mapping() -> None:
    """深圳第七条（一）

    carries: P3-061 P3-106 P5-121
    """
    rule = load_regime("shenzhen", on=date(2026, 3, 2)).values["registry.right_contents"]
    contents = {str(row["code"]): str(row["zh"]) for row in rule.rows}
    named = {"possession": "占有", "use": "使用", "benefit": "收益", "disposal": "处分"}
    _, rows = vocabularies()
    for row in rows:
        if (row["set"], row["into"]) == ("three_right", "four_powers"):
            assert {code for code, zh in named.items() if zh in contents[row["word"]]} == set(row["to"]), row
