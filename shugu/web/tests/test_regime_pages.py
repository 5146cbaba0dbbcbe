"""The regime explorer over whatever regimes there are, and what it says about two of them in particular."""

from __future__ import annotations

import re
from datetime import date

import pytest
from django.test import Client

from shugu.kernel.regimes import load_regime, read_head, regime_ids
from shugu.kernel.table_questions import asked_predicates
from shugu.kernel.tables import all_tables
from shugu.web.regime_words import condition

pytestmark = pytest.mark.urls("shugu.urls")
RUNNING = [n for n in regime_ids() if set(read_head(n).procedures.values()) <= set(all_tables())]


def read(path: str, **asked: str) -> str:
    answer = Client().get(path, asked)
    assert answer.status_code == 200, path
    return answer.content.decode()


def rows(page: str, grid: str) -> list[list[str]]:
    """Texts of the cells of one table of a page."""
    section = page.partition(f'id="{grid}"')[2].partition("</section>")[0]
    body = section.partition("<tbody")[2]
    lines = re.findall(r"<tr.*?</tr>", body, re.DOTALL)
    return [[re.sub(r"<[^>]+>", "", c).strip() for c in re.findall(r"<td.*?</td>", line, re.DOTALL)] for line in lines]


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_every_regime_is_listed_with_the_status_of_its_documents(db: None, lang: str) -> None:
    page = read("/regimes/", lang=lang)
    assert all(f"/regimes/{name}/" in page for name in regime_ids())


@pytest.mark.parametrize("lang", ["zh", "en"])
@pytest.mark.parametrize("name", regime_ids())
def test_a_regime_shows_its_operations_periods_and_every_procedure_drawn(db: None, name: str, lang: str) -> None:
    page = read(f"/regimes/{name}/", lang=lang)
    assert rows(page, "operations") and rows(page, "clocks")
    assert page.count('<svg class="flow"') == page.count('id="steps-')
    assert 'id="others"' in page


def test_a_value_stands_with_its_article_and_force(db: None) -> None:
    page = read("/regimes/shenzhen/")
    kept = next(line for line in rows(page, "clocks") if "保存期限" in line[0])
    assert kept[1] == "30 年"
    assert "第十条" in kept[3]


@pytest.mark.parametrize("name", regime_ids())
def test_two_regimes_stand_side_by_side_with_the_difference_in_words(db: None, name: str) -> None:
    other = next(n for n in regime_ids() if n != name)
    page = read("/regimes/compare/", a=name, b=other)
    verdicts = {line[-1] for line in rows(page, "periods")}
    assert verdicts <= {"相同", "不同", "仅左方有", "仅右方有"} and verdicts
    only = read("/regimes/compare/", a=name, b=other, only="differences")
    assert "相同" not in {line[-1] for line in rows(only, "periods")}


def test_a_regime_compared_with_itself_does_not_differ(db: None) -> None:
    page = read("/regimes/compare/", a="shenzhen", b="shenzhen")
    assert {line[-1] for line in rows(page, "periods")} == {"相同"}
    assert "其中 0 项不同" in page


@pytest.mark.parametrize("lang", ["zh", "en"])
@pytest.mark.parametrize("name", RUNNING)
def test_a_case_is_tried_out_under_every_regime(db: None, name: str, lang: str) -> None:
    page = read(f"/regimes/{name}/simulate/", on="2026-03-02", lang=lang)
    assert len(rows(page, "answer-steps")) >= 2


def test_the_notice_of_a_case_passes_over_the_golden_week(db: None) -> None:
    """Five working days of notice from 2026-09-25 (Civil Code art. 201: from the following day)."""
    page = read("/regimes/shenzhen/simulate/", on="2026-09-25", operation="first")
    notice = next(line for line in rows(page, "answer-clocks") if line[0] == "公示期")
    assert notice[2].startswith("2026-09-25")
    ended = next(line for line in rows(page, "answer-steps") if line[0] == "公示期满")
    assert ended[2] > notice[3]


def test_a_day_in_a_year_without_a_holiday_notice_is_provisional(db: None) -> None:
    assert "（暂定）" in read("/regimes/shenzhen/simulate/", on="2031-04-28")
    published = rows(read("/regimes/shenzhen/simulate/", on="2026-03-02"), "answer-steps")
    assert "（暂定）" not in "".join(cell for line in published for cell in line)


@pytest.mark.parametrize("on", ["gestern", "1999-01-01", "9999-12-31"])
def test_a_day_that_cannot_be_counted_is_told_beside_its_field(db: None, on: str) -> None:
    answer = Client().get("/regimes/shenzhen/simulate/", {"on": on})
    assert answer.status_code == 422
    page = answer.content.decode()
    assert 'id="id_on_error"' in page and "answer-steps" not in page


def test_before_its_documents_apply_a_regime_gives_no_dates(db: None) -> None:
    page = read("/regimes/shenzhen/simulate/", on="2020-01-06")
    assert 'role="alert"' in page and "answer-steps" not in page


def test_an_unknown_regime_is_not_found(db: None) -> None:
    for path in ("/regimes/nowhere/", "/regimes/nowhere/simulate/", "/regimes/compare/?a=nowhere"):
        assert Client().get(path).status_code == 404


@pytest.mark.parametrize("name", RUNNING)
def test_every_condition_of_a_regimes_procedures_is_told_in_words(name: str) -> None:
    """A guard or predicate without words in regime_words would stand on the page as its name in code."""
    found = load_regime(name, date(2026, 3, 2))
    tables = [all_tables()[p][max(all_tables()[p])] for p in set(found.head.procedures.values())]
    asked = {n for t in tables for n in (*asked_predicates(t), *(g for s in t.steps for g in s.guards))}
    assert [n for n in sorted(asked) if condition(n, found).zh == n] == []


def test_a_reader_with_a_keyboard_reaches_the_drawing_and_the_tables(db: None) -> None:
    page = read("/regimes/shenzhen/")
    regions = re.findall(r'<div class="(?:flow|table)-scroll"([^>]*)>', page)
    assert len(regions) > 5
    assert all('tabindex="0"' in r and 'role="region"' in r and "aria-label" in r for r in regions)
