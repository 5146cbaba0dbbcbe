"""The rule files that ship: they load, they are sourced, they are locked, they say what the texts say."""

from __future__ import annotations

import json
import shutil
from datetime import date

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from shugu.kernel.regimes import pick_document
from shugu.kernel.rule_files import LOCK, RULES, read_lock
from shugu.kernel.rules import Force, RuleError, RuleSet, SchemaBook, Status, diff, load_profile, venues
from shugu.kernel.workdays import Calendar, Length, Unit

TODAY = date(2026, 3, 2)


@pytest.mark.parametrize("venue", venues())
def test_every_shipped_venue_loads_and_can_be_stored_and_read_back(venue: str) -> None:
    rules = load_profile(venue, TODAY, book=SchemaBook())
    stored = json.loads(json.dumps(rules.as_document()))
    assert RuleSet.from_document(stored) == rules
    assert rules.id.startswith(f"{venue}/")
    assert all(item.note[0] and item.note[1] for item in rules.iter_values())


def test_every_shipped_law_value_has_an_article_and_every_venue_value_is_its_own_choice() -> None:
    for venue in venues():
        for item in load_profile(venue, TODAY, book=SchemaBook()).iter_values():
            if item.document.startswith(("venues/", "regimes/")):
                assert (item.force, item.status) == (Force.VENUE, Status.VENUE), item.name
            else:
                assert item.article or item.force is Force.VENUE, item.name


def test_every_shipped_document_file_is_released_unchanged() -> None:
    files = {
        str(path.relative_to(RULES))
        for path in RULES.rglob("*.toml")
        if path.parent.name not in ("venues", "calendars", "regimes", "rules")
    }
    assert files
    assert files <= set(read_lock(RULES))


def test_hangzhou_periods_are_the_venues_own_and_its_targets_the_citys() -> None:
    rules = load_profile("hangzhou", TODAY, book=SchemaBook())
    notice = rules.value("registry.notice_period", register="data-property")
    assert (notice.length, notice.force) == (Length(5, Unit.WORKING_DAY), Force.VENUE)
    trading = rules.value("supervision.kpi_trading_value")
    assert trading.value == 10_000_000_000 * 100
    assert (trading.unit, trading.article) == ("fen", "一、总体要求")
    assert rules.value("supervision.kpi_due").value == date(2026, 12, 31)
    assert rules.profile.register("data-property").procedures["first"] == "hangzhou.first"
    assert len(rules.value("catalogue.industries").value) == 12  # type: ignore[arg-type]


def test_shenzhen_gives_an_objector_fifteen_calendar_days_by_law() -> None:
    rules = load_profile("shenzhen", TODAY, book=SchemaBook())
    period = rules.value("registry.objection_litigation_period", register="data-property")
    assert (period.length, period.force) == (Length(15, Unit.CALENDAR_DAY), Force.MUST)
    retention = rules.length("registry.retention", register="data-property")
    assert (period.article, retention) == ("第二十条", Length(30, Unit.YEAR))
    assert rules.value("catalogue.prohibitions").article == "第六十七条"


def test_a_document_past_its_last_day_goes_on_as_the_venues_choice_under_a_new_id() -> None:
    before = load_profile("shenzhen", date(2026, 6, 30), book=SchemaBook())
    after = load_profile("shenzhen", date(2026, 7, 1), book=SchemaBook())
    assert before.lapsed == ()
    assert [name.partition(".")[0] for name in after.lapsed] == ["shenzhen/data-property-registration/2023-07-01"]
    assert after.id.startswith("shenzhen/2026-07-01#")
    retention = after.value("registry.retention", register="data-property")
    assert (retention.force, retention.status) == (Force.VENUE, Status.LAPSED)
    changed = {change.name for change in diff(before, after)}
    assert "data-property:registry.retention" in changed
    assert "data-property:registry.notice_period" not in changed


FILES = sorted(str(path.relative_to(RULES)) for path in RULES.rglob("*.toml"))
JUNK = ("5", "-1", '"x"', '""', "[]", "{}", "[5]", "[{}]", "1.5", "nan", "true", "2026-01-01", "12:00:00")


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_a_spoilt_line_in_any_file_is_refused_as_a_rule_error_or_does_no_harm(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    root = tmp_path_factory.mktemp("rules")
    shutil.copytree(RULES, root, dirs_exist_ok=True)
    (root / LOCK).unlink()
    path = root / data.draw(st.sampled_from(FILES))
    lines = path.read_text(encoding="utf-8").splitlines()
    place = data.draw(st.integers(0, len(lines) - 1))
    key, equals, _ = lines[place].partition(" = ")
    lines[place] = key + equals + data.draw(st.sampled_from(JUNK)) if equals else ""
    path.write_text("\n".join(lines), encoding="utf-8")
    for venue in venues(root):
        try:
            rules = load_profile(venue, TODAY, root=root, book=SchemaBook())
            Calendar.load(root / "calendars").year(2027)
        except RuleError as refusal:
            assert refusal.message("zh") and refusal.remedy_text("en")
        else:
            assert RuleSet.from_document(rules.as_document()) == rules


def test_a_document_named_by_a_number_is_refused_as_a_rule_error() -> None:
    with pytest.raises(RuleError, match="is no name of a document"):
        pick_document(RULES, "regimes/x.toml", 5, date(2026, 3, 2), "drop")  # type: ignore[arg-type]
