from __future__ import annotations

import pytest
from django.test import Client

from shugu.kernel.tables import all_tables

pytestmark = pytest.mark.urls("shugu.urls")
KEYS = [t.key for versions in all_tables().values() for t in versions.values()]


@pytest.mark.parametrize("lang", ["zh", "en"])
@pytest.mark.parametrize("path", ["/rules/", "/rules/?force=must", "/rules/?format=csv", "/procedures/"])
def test_everybody_may_read_the_rules_and_procedures(db: None, path: str, lang: str) -> None:
    sign = "&" if "?" in path else "?"
    assert Client().get(f"{path}{sign}lang={lang}").status_code == 200


def test_a_rule_is_found_by_words_and_shows_its_article_and_force(db: None) -> None:
    page = Client().get("/rules/", {"q": "supervision.kpi_merchants"}).content.decode()
    assert "700" in page and "一、总体要求" in page and "可以" in page
    assert "supervision.inspection_sample" not in page


@pytest.mark.parametrize("key", KEYS)
def test_a_procedure_shows_every_state_and_step(db: None, key: str) -> None:
    page = Client().get(f"/procedures/{key}/").content.decode()
    tab = next(t for versions in all_tables().values() for t in versions.values() if t.key == key)
    assert all(s.title.zh in page for s in tab.states)
    assert all(s.title.zh in page for s in tab.steps)


def test_an_unknown_procedure_is_not_found(db: None) -> None:
    assert Client().get("/procedures/no.such.v1/").status_code == 404
