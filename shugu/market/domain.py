"""Matching with reasons, offers and their bounds, the policy an offer leads to; guards of the negotiation table. Pure."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any, Final

from shugu.formats.policy import Action, Constraint, Operand, Operator, Permission, Policy
from shugu.kernel.cases import CaseView
from shugu.kernel.text import Text
from shugu.kernel.vocabulary import OK, No, Verdict, guard

PROVIDER: Final = "provider"
BUYER: Final = "buyer"
FULL_QUALITY: Final = 10_000  # basis points of the overall quality score
CRITERIA: Final[Mapping[str, Text]] = {
    "industry": Text("行业", "industry"),
    "keywords": Text("关键词", "keywords"),
    "delivery": Text("交付形式", "delivery form"),
    "price": Text("价格", "price"),
    "quality": Text("质量", "quality"),
    "freshness": Text("更新", "freshness"),
}
# What a buyer may do with data by default reading of a permission; the others must be granted by name.
USES: Final = (Action.USE, Action.READ, Action.QUERY, Action.ANALYZE, Action.DERIVE)


@dataclass(frozen=True)
class Wish:
    """What a demand asks. Money in fen, quality in basis points, freshness in days; None = not asked."""

    industry: str
    keywords: tuple[str, ...]
    delivery_forms: tuple[str, ...]
    price_cap_fen: int | None
    quality_min: int | None
    fresh_days: int | None


@dataclass(frozen=True)
class Candidate:
    """A listed version as matching sees it. `quality` None: no report in force."""

    version_id: int
    product: str
    title: str
    text: str
    industry: str
    delivery_forms: tuple[str, ...]
    price_fen: int
    price_unit: str
    quality: int | None
    updated_on: date
    provider_org: int


@dataclass(frozen=True)
class Reason:
    """Points of one criterion and why: 0 <= points <= of."""

    code: str
    points: int
    of: int
    why: Text

    def as_dict(self) -> dict[str, Any]:
        return {"code": self.code, "points": self.points, "of": self.of, "zh": self.why.zh, "en": self.why.en}


@dataclass(frozen=True)
class Scored:
    candidate: Candidate
    reasons: tuple[Reason, ...]

    @property
    def score(self) -> int:
        return sum(r.points for r in self.reasons)

    @property
    def out_of(self) -> int:
        return sum(r.of for r in self.reasons)


def terms_of(text: str) -> frozenset[str]:
    """The search terms of a text: words of letters and digits, and pairs of neighbouring Chinese characters."""
    found: set[str] = set()
    word = ""
    for char in unicodedata.normalize("NFKC", text).lower() + " ":
        wide = "\u3400" <= char <= "\u9fff"
        if word and (not char.isalnum() or wide != ("\u3400" <= word[-1] <= "\u9fff")):
            found |= _terms_of_run(word)
            word = ""
        if char.isalnum():
            word += char
    return frozenset(found)


def _terms_of_run(run: str) -> set[str]:
    if not "\u3400" <= run[0] <= "\u9fff":
        return {run}
    return {run[i : i + 2] for i in range(len(run) - 1)} or {run}


def _industry(wish: Wish, item: Candidate, most: int) -> Reason | None:
    if not wish.industry:
        return None
    hit = item.industry == wish.industry
    why = Text("行业相同", "same industry") if hit else Text("行业不同", "another industry")
    return Reason("industry", most if hit else 0, most, why)


def _keywords(wish: Wish, item: Candidate, most: int) -> Reason | None:
    wanted = terms_of(" ".join(wish.keywords))
    if not wanted:
        return None
    hits = wanted & terms_of(f"{item.title} {item.text}")
    named = [k for k in wish.keywords if terms_of(k) and terms_of(k) <= hits]
    shown = "、".join(named), ", ".join(named)
    told = (f"：{shown[0]}", f": {shown[1]}") if named else ("", "")
    n, whole = len(hits), len(wanted)
    why = Text(f"{whole} 个检索词中有 {n} 个相合{told[0]}", f"{n} of {whole} search terms found{told[1]}")
    return Reason("keywords", most * n // whole, most, why)


def _delivery(wish: Wish, item: Candidate, most: int) -> Reason | None:
    if not wish.delivery_forms:
        return None
    hit = bool(set(wish.delivery_forms) & set(item.delivery_forms))
    why = Text("可按所需形式交付", "offers a wanted form") if hit else Text("不按所需形式交付", "none of the wanted forms")
    return Reason("delivery", most if hit else 0, most, why)


def _price(wish: Wish, item: Candidate, most: int) -> Reason | None:
    cap = wish.price_cap_fen
    if cap is None:
        return None
    if item.price_fen <= cap:
        return Reason("price", most, most, Text("不高于预算", "within the budget"))
    over = item.price_fen - cap
    percent = -(-over * 100 // cap)
    points = most * max(0, cap - over) // cap
    return Reason("price", points, most, Text(f"高出预算 {percent}%", f"{percent} % above the budget"))


def _quality(wish: Wish, item: Candidate, most: int) -> Reason | None:
    least = wish.quality_min
    if item.quality is None:
        return Reason("quality", 0, most, Text("没有有效的质量报告", "no quality report in force"))
    shown = f"{item.quality // 100}.{item.quality % 100:02d}"
    if least is None:
        return Reason("quality", most * item.quality // FULL_QUALITY, most, Text(f"质量总分 {shown}", f"overall quality {shown}"))
    if item.quality >= least:
        return Reason("quality", most, most, Text(f"质量总分 {shown}，达到要求", f"overall quality {shown}, as asked"))
    points = most * item.quality // least
    return Reason("quality", points, most, Text(f"质量总分 {shown}，低于要求", f"overall quality {shown}, below what is asked"))


def _freshness(wish: Wish, item: Candidate, most: int, on: date) -> Reason | None:
    if wish.fresh_days is None:
        return None
    age = max((on - item.updated_on).days, 0)
    why = Text(f"{age} 天前更新", f"updated {age} days ago")
    return Reason("freshness", most if age <= wish.fresh_days else most * wish.fresh_days // age, most, why)


def score(wish: Wish, item: Candidate, weights: Mapping[str, int], on: date) -> Scored:
    """Every point with its reason; a criterion the demand does not ask about is left out (quality always counts)."""
    found = (
        _industry(wish, item, weights["industry"]),
        _keywords(wish, item, weights["keywords"]),
        _delivery(wish, item, weights["delivery"]),
        _price(wish, item, weights["price"]),
        _quality(wish, item, weights["quality"]),
        _freshness(wish, item, weights["freshness"], on),
    )
    return Scored(item, tuple(r for r in found if r is not None))


def _relevant(scored: Scored) -> bool:
    """Price or freshness alone make no match: what the data is about must agree somewhere, if it was asked."""
    asked = [r for r in scored.reasons if r.code in ("industry", "keywords")]
    return not asked or any(r.points for r in asked)


def rank(wish: Wish, items: Iterable[Candidate], weights: Mapping[str, int], on: date, limit: int) -> tuple[Scored, ...]:
    """Best first; equal scores by lower price, then by product number, so the same input gives the same list."""
    scored = [s for s in (score(wish, i, weights, on) for i in items) if s.score and _relevant(s)]
    return tuple(sorted(scored, key=lambda s: (-s.score, s.candidate.price_fen, s.candidate.product))[:limit])


@dataclass(frozen=True)
class Terms:
    """What an offer proposes beside its price. `quantity`: 1 for a price per contract, calls or periods otherwise;
    `rate`: requests a minute, None for the venue's default."""

    term_days: int
    purpose: str
    delivery_form: str
    quantity: int = 1
    rate: int | None = None

    def as_dict(self) -> dict[str, Any]:
        out: dict[str, Any] = {
            "term_days": self.term_days, "purpose": self.purpose, "delivery_form": self.delivery_form, "quantity": self.quantity,
        }  # fmt: skip
        return out if self.rate is None else {**out, "rate": self.rate}


def terms_from(raw: Mapping[str, Any]) -> Terms:
    return Terms(raw["term_days"], raw["purpose"], raw["delivery_form"], raw["quantity"], raw.get("rate"))


@dataclass(frozen=True)
class Bounds:
    """What an offer for one version must keep to. `purposes` empty: any purpose may be named."""

    delivery_forms: tuple[str, ...]
    purposes: tuple[str, ...]
    max_days: int
    max_quantity: int
    price_min: int
    per_contract: bool


Pair = tuple[str, str]


def offer_errors(price_fen: object, terms: Terms, bounds: Bounds) -> dict[str, Pair]:
    """Every field that is wrong, with its sentence. Money is an integer of fen: nothing is rounded."""
    errors: dict[str, Pair] = {}
    if type(price_fen) is not int:
        errors["price_fen"] = ("价格为整数分，不能有不足一分的零头", "a price is a whole number of fen")
    elif not bounds.price_min <= price_fen <= 2**53 - 1:
        errors["price_fen"] = (f"价格不低于 {bounds.price_min} 分", f"a price is at least {bounds.price_min} fen")
    if type(terms.term_days) is not int or not 1 <= terms.term_days <= bounds.max_days:
        errors["term_days"] = (f"期限为 1 至 {bounds.max_days} 天", f"a term is 1 to {bounds.max_days} days")
    if not terms.purpose.strip() or len(terms.purpose) > 200:
        errors["purpose"] = ("写明用途，不超过 200 字", "name the purpose, at most 200 characters")
    elif bounds.purposes and terms.purpose not in bounds.purposes:
        listed = "、".join(bounds.purposes), ", ".join(bounds.purposes)
        errors["purpose"] = (f"许可的用途为：{listed[0]}", f"the licence permits: {listed[1]}")
    if terms.delivery_form not in bounds.delivery_forms:
        errors["delivery_form"] = ("该产品不按此形式交付", "the product is not delivered in this form")
    if type(terms.quantity) is not int or not 1 <= terms.quantity <= bounds.max_quantity:
        errors["quantity"] = (f"数量为 1 至 {bounds.max_quantity}", f"a quantity is 1 to {bounds.max_quantity}")
    elif bounds.per_contract and terms.quantity != 1:
        errors["quantity"] = ("按合同计价的产品数量为 1", "priced per contract, the quantity is 1")
    if terms.rate is not None and (type(terms.rate) is not int or terms.rate < 1):
        errors["rate"] = ("频率为每分钟至少 1 次", "a rate is at least 1 a minute")
    return errors


def listed_total(price_fen: int, unit: str, quantity: int) -> int:
    """What a purchase at the listed price costs, in fen."""
    return price_fen if unit == "per_contract" else price_fen * quantity


def purposes_of(policy: Policy) -> tuple[str, ...]:
    """The purposes some use of the licence is bound to; empty when a use is free of purpose."""
    named: list[str] = []
    for permission in (p for p in policy.permissions if p.action in USES):
        values = [c.value for c in permission.constraints if c.operand is Operand.PURPOSE]
        if not values:
            return ()
        named += [v for value in values if isinstance(value, tuple) for v in value]
    return tuple(dict.fromkeys(named))


def agreed_policy(licence: Policy, *, uid: str, assignee: str, terms: Terms, per_call: bool) -> Policy:
    """The licence narrowed to what was agreed: the buyer as assignee, the purpose, the calls bought, the rate.
    Never wider than the licence: a smaller limit of the licence stays."""
    limits: list[tuple[Operand, int]] = []
    if per_call:
        limits.append((Operand.COUNT, terms.quantity))
    if terms.rate is not None:
        limits.append((Operand.RATE, terms.rate))
    permissions = tuple(_narrowed(p, terms.purpose, limits) for p in licence.permissions if _serves(p, terms.purpose))
    return replace(licence, uid=uid, assignee=assignee, permissions=permissions)


def _serves(permission: Permission, purpose: str) -> bool:
    named = [c.value for c in permission.constraints if c.operand is Operand.PURPOSE]
    return all(isinstance(v, tuple) and purpose in v for v in named)


def _narrowed(permission: Permission, purpose: str, limits: Sequence[tuple[Operand, int]]) -> Permission:
    replaced = {Operand.PURPOSE, *(operand for operand, _ in limits)}
    kept = [c for c in permission.constraints if c.operand not in replaced]
    own = {c.operand: c.value for c in permission.constraints if isinstance(c.value, int)}
    made = [Constraint(Operand.PURPOSE, Operator.IS_ANY_OF, (purpose,))] if permission.action in USES else [
        c for c in permission.constraints if c.operand is Operand.PURPOSE
    ]
    made += [Constraint(o, Operator.LTEQ, min(n, int(own.get(o, n)))) for o, n in limits]
    return replace(permission, constraints=(*made, *kept))


@guard("market.rounds_left")
def rounds_left(view: CaseView) -> Verdict:
    most = view.rules.value("market.negotiation_rounds").number
    if int(view.facts["offers"]) < most:
        return OK
    return No(Text(f"本次磋商已报价 {most} 次，应接受或退出", f"{most} offers were made already; accept or leave"))


@guard("market.still_listed")
def still_listed(view: CaseView) -> Verdict:
    if view.facts["listed"]:
        return OK
    return No(Text("产品已不在挂牌", "the product is no longer listed"))


@guard("market.both_accredited")
def both_accredited(view: CaseView) -> Verdict:
    """Only accredited providers sell and only accredited buyers buy."""
    if not view.facts["provider_accredited"]:
        return No(Text("提供方没有有效的数据提供方资格", "the provider is not accredited as a provider"))
    if not view.facts["buyer_accredited"]:
        return No(Text("需求方没有有效的数据需求方资格", "the buyer is not accredited as a buyer"))
    return OK
