"""Money lines, classes and gates without a database."""

from __future__ import annotations

from datetime import UTC, datetime

from hypothesis import given, settings
from hypothesis import strategies as st

from shugu.formats.policy import Action, Counters, Denied, Permission, Policy, Reason, Request, evaluate
from shugu.kernel.text import Text
from shugu.trade.domain import FeeRule, amount_class, buyer_pays, dated_policy, fee_lines, gates, share_lines

CLASSES = ({"code": "A", "from_fen": 0}, {"code": "B", "from_fen": 10_000_000}, {"code": "C", "from_fen": 100_000_000})
GATES = tuple({"code": c, "zh": c, "en": c} for c in ("source_confirmed", "scope_defined", "traceable", "risk_contained"))
KNOWN: dict[str, object] = {
    "source": "public", "registration": "REG-1", "blocked": False, "purpose": Text("科学研究", "research"),
    "permissions": 1, "connector": "c",
    "data_digest": "", "listed": True,
}  # fmt: skip


@given(
    st.integers(1, 10**12), st.integers(0, 2000), st.integers(0, 500), st.sampled_from(("provider", "buyer")),
    st.lists(st.integers(1, 100), min_size=1, max_size=5),
)  # fmt: skip
@settings(max_examples=100, deadline=None)
def test_shares_and_the_providers_fees_sum_to_the_price_to_the_fen(
    price: int, venue: int, body: int, payer: str, parts: list[int]
) -> None:
    """Holders earn by their parts. carries: P5-070 P6-323 P3-204"""
    fees = fee_lines(
        price, venue="v", venue_rule=FeeRule("a", venue, "d", "", "venue"), bodies=("ORG-9",),
        body_rule=FeeRule("b", body, "d", "", "venue"), payer=payer, rounding="half_up",
    )  # fmt: skip
    shares = share_lines(price, fees, [(f"ORG-{n}", p) for n, p in enumerate(parts)])
    from_provider = sum(f.amount_fen for f in fees if f.payer == "provider")
    assert sum(s.amount_fen for s in shares) + from_provider == price
    assert buyer_pays(price, fees) + from_provider == price + sum(f.amount_fen for f in fees)


def test_an_amount_falls_into_the_highest_class_it_reaches() -> None:
    found = [amount_class(fen, CLASSES)["code"] for fen in (1, 9_999_999, 10_000_000, 99_999_999, 100_000_000)]
    assert found == ["A", "A", "B", "B", "C"]


def test_each_gate_shuts_on_its_own_ground_and_one_nobody_can_check_stays_shut() -> None:
    assert all(g.passed for g in gates(GATES, KNOWN))
    shut: dict[str, dict[str, object]] = {
        "source_confirmed": {"blocked": True}, "scope_defined": {"purpose": ()}, "traceable": {"connector": ""},
        "risk_contained": {"listed": False},
    }  # fmt: skip
    for code, change in shut.items():
        assert [g.code for g in gates(GATES, {**KNOWN, **change}) if not g.passed] == [code]
    assert not gates(({"code": "new", "zh": "新", "en": "new"},), KNOWN)[0].passed


def test_the_term_counts_from_the_moment_the_money_is_held_and_ends_exactly() -> None:
    start = datetime(2026, 3, 20, 2, 0, tzinfo=UTC)
    policy = dated_policy(Policy("u", "t", "a", "b", (Permission(Action.USE),)), start, 10)

    def at(moment: datetime) -> object:
        return evaluate(policy, Request(Action.READ, moment), Counters())

    assert at(datetime(2026, 3, 20, 1, 59, 59, tzinfo=UTC)) == Denied(Reason.TOO_EARLY)
    assert not isinstance(at(start), Denied)
    assert at(datetime(2026, 3, 30, 2, 0, tzinfo=UTC)) == Denied(Reason.TOO_LATE)
