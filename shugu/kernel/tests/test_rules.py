"""Rules: the format's refusals, versions, profiles, schemas, the lock."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from shugu.kernel.rules import (
    Force,
    RuleError,
    RuleLocked,
    RuleSet,
    SchemaBook,
    UnknownRule,
    diff,
    load_profile,
    lock,
    rule,
    rule_schema,
)
from shugu.kernel.workdays import Length, Unit

EMPTY = SchemaBook()
TODAY = date(2026, 3, 2)
HEAD = """[document]
title = { zh = "办法", en = "Measures" }
number = "1"
issuer = "x"
status = "in_force"
from = 2025-01-01
source = "s"
"""
VENUE = """[venue]
title = { zh = "所", en = "Venue" }
origin = "v.example"
suite = "intl"
from = 2025-01-01
tables = {}
[[choose]]
document = "x/law"
[[register]]
id = "data-property"
title = { zh = "簿", en = "register" }
regime = "x"
open = true
"""
REGIME = """[regime]
title = { zh = "制度", en = "Regime" }
documents = []
certificate = "c"
rights = "registry.rights"
procedures = { first = "x.first" }
"""
NOTE = 'note = { zh = "注", en = "note" }'
RIGHTS = f'rights = {{ value = ["holding"], article = "一", force = "may", {NOTE} }}\n'


class Home:
    """A rules folder with one document and one venue, written by the test."""

    def __init__(self, root: Path) -> None:
        self.root = root
        for folder in ("x/law", "venues", "regimes"):
            (root / folder).mkdir(parents=True)
        self.law("[registry]\n" + RIGHTS)
        self.regime("")
        self.venue("")

    def law(self, body: str, *, head: str = HEAD, name: str = "2025-01-01") -> None:
        (self.root / "x/law" / f"{name}.toml").write_text(head + body, encoding="utf-8")

    def regime(self, body: str, *, head: str = REGIME, name: str = "x") -> None:
        (self.root / "regimes" / f"{name}.toml").write_text(head + body, encoding="utf-8")

    def venue(self, body: str, *, head: str = VENUE) -> None:
        (self.root / "venues/v.toml").write_text(head + body, encoding="utf-8")

    def load(self, on: date = TODAY, book: SchemaBook = EMPTY) -> RuleSet:
        return load_profile("v", on, root=self.root, book=book)


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path)


def value(name: str, data: str, force: str = "venue", more: str = "") -> str:
    return f'{name} = {{ value = {data}, force = "{force}", {NOTE}{", " + more if more else ""} }}\n'


# --- the format's refusals


@pytest.mark.parametrize(
    ("body", "key"),
    [
        (value("a", "1", "must"), "registry.a.article"),
        (value("a", "1", "should", 'article = "一"'), "registry.a.force"),
        (value("a", "1", "must", 'article = "一", inference = true'), "registry.a.force"),
        (value("a", "1", "may", 'article = "一", inference = true'), "registry.a.force"),
        (value("a", "1", "venue", 'unit = "week"'), "registry.a.unit"),
        (value("a", '"5"', "venue", 'unit = "wd"'), "registry.a.value"),
        (value("a", "true", "venue", 'unit = "wd"'), "registry.a.value"),
        (value("a", "12:00:00", "venue"), "registry.a.value"),
        (value("a", "1", "venue", 'bound = "about"'), "registry.a.bound"),
        (value("a", "1", "venue", "source = 1"), "registry.a.source"),
        ('a = { value = 1, force = "venue" }\n', "registry.a.note"),
        ("a = 5\n", "registry.a"),
        (value("A", "1"), "registry.A"),
    ],
)
def test_it_refuses_a_malformed_value_and_names_file_and_key(home: Home, body: str, key: str) -> None:
    home.law("[registry]\n" + RIGHTS + body)
    with pytest.raises(RuleError) as refusal:
        home.load()
    assert refusal.value.params["file"] == "x/law/2025-01-01.toml"
    assert refusal.value.params["key"] == key
    assert refusal.value.remedy_text("zh")


@pytest.mark.parametrize(
    "head",
    [
        HEAD.replace("2025-01-01", "2025-01-02"),
        HEAD.replace("in_force", "lapsed"),
        HEAD.replace("in_force", "venue"),
        HEAD.replace('issuer = "x"\n', ""),
        HEAD + "until = 2024-01-01\n",
        HEAD + "colour = 1\n",
        "not toml",
    ],
)
def test_it_refuses_a_malformed_head(home: Home, head: str) -> None:
    home.law("[registry]\n" + RIGHTS, head=head)
    with pytest.raises(RuleError, match=r"2025-01-01\.toml"):
        home.load()


def test_a_draft_or_a_file_of_inferences_binds_nobody(home: Home) -> None:
    must = "[registry]\n" + value("a", "1", "must", 'article = "一"')
    for head in (HEAD.replace("in_force", "draft"), HEAD + "inference = true\n"):
        home.law(must, head=head)
        with pytest.raises(RuleError, match=r"registry\.a\.force"):
            home.load()


def test_numbers_with_a_point_are_exact_decimals(home: Home) -> None:
    home.venue("[trade]\n" + value("ratio", "0.1"))
    rules = home.load()
    assert rules.value("trade.ratio").value == Decimal("0.1")
    assert RuleSet.from_document(rules.as_document()) == rules


# --- versions and profiles


def test_the_newest_file_and_its_newest_revision_apply(home: Home) -> None:
    later = HEAD.replace("2025-01-01", "2026-01-01")
    home.law("[registry]\n" + RIGHTS + value("a", "1"))
    home.law("[registry]\n" + RIGHTS + value("a", "2"), name="2026-01-01", head=later)
    home.law("[registry]\n" + RIGHTS + value("a", "3"), name="2026-01-01.r2", head=later)
    home.law("[registry]\n" + RIGHTS + value("a", "4"), name="2026-01-01.r10", head=later)
    assert home.load(date(2025, 12, 31)).value("registry.a").value == 1
    assert home.load(date(2026, 1, 1)).value("registry.a").value == 4
    assert home.load(date(2026, 1, 1)).id.startswith("v/2026-01-01#")
    with pytest.raises(RuleError, match=r"venue\.from"):
        home.load(date(2024, 12, 31))


def test_an_ended_document_needs_the_venues_word_on_what_follows(home: Home) -> None:
    home.law("[registry]\n" + RIGHTS, head=HEAD + "until = 2025-12-31\n")
    with pytest.raises(RuleError, match="after_end"):
        home.load()
    dropped = VENUE.replace('document = "x/law"', 'document = "x/law"\nafter_end = "drop"')
    home.venue("[registry]\n" + value("rights", "[]"), head=dropped)
    assert home.load().value("registry.rights").force is Force.VENUE


def test_a_venue_may_exceed_a_least_period_but_not_fall_short_of_it(home: Home) -> None:
    must = f'a = {{ value = 30, unit = "year", bound = "min", article = "十", force = "must", {NOTE} }}\n'
    home.law("[registry]\n" + RIGHTS + must)
    home.venue("[registry]\n" + value("a", "40", more='unit = "year"'))
    assert home.load().length("registry.a") == Length(40, Unit.YEAR)
    for own in (value("a", "29", more='unit = "year"'), value("a", "400", more='unit = "month"')):
        home.venue("[registry]\n" + own)
        with pytest.raises(RuleError, match=r"registry\.a"):
            home.load()


def test_no_register_can_slip_below_the_law_behind_a_lawful_venue_value(home: Home) -> None:
    must = f'a = {{ value = 30, unit = "year", bound = "min", article = "十", force = "must", {NOTE} }}\n'
    home.law("[registry]\n" + RIGHTS + must)
    scoped = "[registry]\n{}[scoped.data-property.registry]\n{}"
    home.venue(scoped.format(value("a", "40", more='unit = "year"'), value("a", "10", more='unit = "year"')))
    with pytest.raises(RuleError, match="data-property"):
        home.load()


def test_a_register_may_have_a_value_of_its_own(home: Home) -> None:
    home.venue("[registry]\n" + value("a", "1") + "[scoped.data-property.registry]\n" + value("a", "2"))
    rules = home.load()
    assert rules.value("registry.a").value == 1
    assert rules.value("registry.a", register="data-property").value == 2
    assert rules.value("registry.a", register="other").value == 1
    home.venue("[scoped.other.registry]\n" + value("a", "2"))
    with pytest.raises(RuleError, match=r"scoped\.other"):
        home.load()


def test_two_documents_may_not_set_the_same_value(home: Home) -> None:
    shutil.copytree(home.root / "x/law", home.root / "x/other")
    home.venue('[[choose]]\ndocument = "x/other"\n')
    with pytest.raises(RuleError, match=r"both x/law/2025-01-01 and x/other/2025-01-01"):
        home.load()


@pytest.mark.parametrize(
    "head",
    [
        VENUE.replace('"intl"', '"rsa"'),
        VENUE.replace("v.example", "no host"),
        VENUE.replace('regime = "x"', 'regime = "y"'),
        VENUE.replace("open = true", 'open = "yes"'),
        VENUE.replace("x/law", "x/none"),
        VENUE.replace("tables = {}", 'tables = { industries = "catalogue.none" }'),
        VENUE + VENUE[VENUE.index("[[register]]"):],
    ],
)  # fmt: skip
def test_it_refuses_a_malformed_profile(home: Home, head: str) -> None:
    home.venue("", head=head)
    with pytest.raises(RuleError, match=r"venues/v\.toml"):
        home.load()


def test_a_venue_cannot_pass_its_own_value_off_as_law(home: Home) -> None:
    home.venue("[trade]\n" + value("a", "1", "must", 'article = "一"'))
    with pytest.raises(RuleError, match=r"trade\.a\.force"):
        home.load()


def test_an_unknown_value_is_refused_by_name_and_a_word_is_no_period(home: Home) -> None:
    rules = home.load()
    assert rules.get("registry.none") is None
    with pytest.raises(UnknownRule, match=r"registry\.none"):
        rules.value("registry.none")
    with pytest.raises(RuleError, match="not a period"):
        rules.length("registry.rights")


def test_the_id_follows_the_content_and_a_forged_store_is_refused(home: Home) -> None:
    home.venue("[trade]\n" + value("a", "1"))
    first = home.load()
    assert home.load().id == first.id
    home.venue("[trade]\n" + value("a", "2"))
    second = home.load()
    assert second.id != first.id
    assert [change.name for change in diff(first, second)] == ["trade.a"]
    stored = first.as_document()
    stored["values"]["trade.a"]["value"] = 2
    with pytest.raises(RuleError, match="does not match its id"):
        RuleSet.from_document(stored)


def test_a_rule_set_is_immutable_and_may_key_a_cache(home: Home) -> None:
    home.venue("[trade]\n" + value("a", '{ b = ["c"] }'))
    rules = home.load()
    inner: Any = rules.value("trade.a").value
    with pytest.raises(TypeError):
        inner["b"] = ()
    assert isinstance(inner["b"], tuple)
    assert {rules: 1}[home.load()] == 1


# --- schemas


def make_book() -> tuple[SchemaBook, type]:
    book = SchemaBook()

    @rule_schema("trade", book)
    @dataclass(frozen=True)
    class TradeRules:
        window: Length = rule("签署期限", "signing window", units=("wd",), low=1, high=30)
        payer: str = rule("承担者", "who pays", one_of=("provider", "buyer"))
        codes: tuple[str, ...] = rule("代码", "codes")
        most: int | None = rule("上限", "cap", optional=True)
        weights: Mapping[str, int] | None = rule("权重", "weights", optional=True)
        table: tuple[Mapping[str, str], ...] = rule("表", "table")

    return book, TradeRules


GOOD = (
    value("window", "5", more='unit = "wd"')
    + value("payer", '"buyer"')
    + value("codes", '["a", "b"]')
    + value("table", '[{ code = "a" }]')
)  # fmt: skip


def test_a_schema_reads_typed_values(home: Home) -> None:
    book, schema = make_book()
    home.venue("[trade]\n" + GOOD + value("weights", "{ a = 1 }"))
    read: Any = home.load(book=book).read(schema)
    assert (read.window, read.payer, read.codes, read.most) == (
        Length(5, Unit.WORKING_DAY), "buyer", ("a", "b"), None,
    )  # fmt: skip
    assert (read.weights["a"], read.table[0]["code"]) == (1, "a")


@pytest.mark.parametrize(
    ("body", "key"),
    [
        (GOOD.replace("window", "windows"), "trade.window"),
        (GOOD + value("extra", "1"), "trade.extra"),
        (GOOD + "[trade.group]\n" + value("extra", "1"), "trade.group.extra"),
        (GOOD.replace('"wd"', '"cd"'), "trade.window"),
        (GOOD.replace("value = 5", "value = 31"), "trade.window"),
        (GOOD.replace('"buyer"', '"nobody"'), "trade.payer"),
        (GOOD.replace('"buyer"', "7"), "trade.payer"),
        (GOOD.replace('["a", "b"]', '["a", 1]'), "trade.codes"),
        (GOOD + value("most", "true"), "trade.most"),
        (GOOD + value("weights", "5"), "trade.weights"),
        (GOOD.replace('[{ code = "a" }]', '["a"]'), "trade.table"),
        (GOOD + "[scoped.data-property.trade]\n" + value("payer", "7"), "data-property:trade.payer"),
    ],
)
def test_missing_unknown_and_ill_typed_values_cannot_start(home: Home, body: str, key: str) -> None:
    book, _ = make_book()
    home.venue("[trade]\n" + body)
    with pytest.raises(RuleError) as refusal:
        home.load(book=book)
    assert refusal.value.params["key"] == key


def test_a_schema_field_must_be_declared_as_a_rule() -> None:
    @dataclass(frozen=True)
    class Plain:
        window: int

    with pytest.raises(RuleError, match="declared with rule"):
        rule_schema("trade", SchemaBook())(Plain)


# --- the lock


def test_a_changed_or_missing_released_file_refuses_to_load(home: Home) -> None:
    assert lock(home.root) == ("x/law/2025-01-01.toml",)
    assert lock(home.root) == ()
    home.load()
    path = home.root / "x/law/2025-01-01.toml"
    released = path.read_bytes()
    path.write_bytes(released.replace(b"\n", b"\r\n"))
    home.load()
    path.write_bytes(released + b"\n")
    for act in (home.load, lambda: lock(home.root)):
        with pytest.raises(RuleLocked, match="2025-01-01"):
            act()
    path.unlink()
    with pytest.raises(RuleLocked):
        home.load()


def test_a_venues_own_file_is_not_locked(home: Home) -> None:
    lock(home.root)
    home.venue("[trade]\n" + value("a", "1"))
    assert home.load().value("trade.a").value == 1
