"""Regimes as files: a register's law, what it leaves open, what it falls back on."""

from __future__ import annotations

from pathlib import Path

import pytest

from shugu.kernel.regimes import regime_ids
from shugu.kernel.rules import RuleError, Status
from shugu.kernel.tests.test_rules import NOTE, REGIME, VENUE, Home, value


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path)


def test_a_register_runs_under_its_regime_and_another_beside_it_under_another(home: Home) -> None:
    second = VENUE[VENUE.index("[[register]]"):].replace("data-property", "data-ip").replace('"x"', '"y"')
    home.law("[registry]\n" + value("a", "7", "may", 'article = "七"'), name="2025-01-01")
    home.regime('[registry]\nrights = { value = ["own"], force = "venue", ' + NOTE + " }\n" + value("b", "1"), name="base",
                head='[regime]\ntitle = { zh = "基", en = "base" }\ndocuments = []\n')  # fmt: skip
    home.regime("[registry]\n" + value("b", "2"), head=REGIME.replace("documents = []", 'documents = ["x/law"]\nbase = "base"'))
    home.regime("", head=REGIME.replace("documents = []", 'documents = []\nbase = "base"'), name="y")
    home.venue("", head=VENUE.replace('[[choose]]\ndocument = "x/law"\n', "") + second)
    rules = home.load()
    assert [rules.value("registry.b", register=r).value for r in ("data-property", "data-ip")] == [2, 1]
    assert rules.value("registry.a", register="data-property").article == "七"
    assert rules.get("registry.a", register="data-ip") is None
    assert ("x/law/2025-01-01", Status.IN_FORCE) in rules.documents


@pytest.mark.parametrize(
    "head",
    [
        REGIME.replace("title", "name"),
        REGIME.replace("documents = []", 'documents = ["x/none"]'),
        REGIME.replace('"registry.rights"', '"registry.wrongs"'),
        REGIME.replace('{ first = "x.first" }', "{ first = 1 }"),
        REGIME.replace('certificate = "c"\n', ""),
    ],
)
def test_it_refuses_a_malformed_regime(home: Home, head: str) -> None:
    home.regime("", head=head)
    with pytest.raises(RuleError):
        home.load()


def test_a_base_serves_no_register_and_its_values_never_stand_over_a_document(home: Home) -> None:
    base = '[regime]\ntitle = { zh = "基", en = "base" }\ndocuments = []\n'
    own = 'rights = { value = ["own"], force = "venue", ' + NOTE + " }"
    home.law("[registry]\n" + value("a", "7", "must", 'article = "七"') + own)
    home.regime("[registry]\n" + value("a", "1"), name="base", head=base)
    home.regime("", head=REGIME.replace("documents = []", 'documents = ["x/law"]\nbase = "base"'))
    home.venue("", head=VENUE.replace('[[choose]]\ndocument = "x/law"\n', ""))
    assert regime_ids(home.root) == ("x",)
    assert home.load().value("registry.a", register="data-property").value == 7


def test_a_regime_may_not_be_weaker_than_its_document(home: Home) -> None:
    home.law("[registry]\n" + value("a", "7", "must", 'article = "七"'))
    home.regime("[registry]\n" + value("a", "6"), head=REGIME.replace("documents = []", 'documents = ["x/law"]'))
    with pytest.raises(RuleError, match=r"regimes/x\.toml"):
        home.load()
