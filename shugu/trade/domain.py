"""The contract's terms, fee lines, gates and classes, and the guards of its table. Pure; money in integer fen."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Final

from shugu.formats.policy import Constraint, Operand, Operator, Policy
from shugu.formats.times import write_time
from shugu.kernel.cases import CaseView
from shugu.kernel.money import bps, split
from shugu.kernel.text import Text
from shugu.kernel.vocabulary import OK, NeedsUndertaking, No, Verdict, guard

TERMS_TYPE: Final = "shugu.contract-terms/v1"
FUNDED: Final = frozenset({"effective", "performing", "delivered", "completed"})
PROVIDER, BUYER = "provider", "buyer"
SELLING_VENUE: Final = "selling_venue"
ARMS_LENGTH: Final = Text(
    "双方有共同的人员；审核人已核对定价的依据，认为价格公允。",
    "The sides share people; the reviewer has checked the basis of the price and holds it to be at arm's length.",
)


@dataclass(frozen=True)
class FeeRule:
    """A rate with its source, as shown before consent."""

    name: str
    rate_bps: int
    document: str
    article: str
    force: str


@dataclass(frozen=True)
class FeeLine:
    """kind: venue | selling_venue | service_body; payee: the venue's id or an organisation's number; payer: provider | buyer."""

    kind: str
    payee: str
    payer: str
    amount_fen: int
    rule: FeeRule

    def as_dict(self) -> dict[str, Any]:
        rule = self.rule
        return {
            "kind": self.kind, "payee": self.payee, "payer": self.payer, "amount_fen": self.amount_fen, "rate_bps": rule.rate_bps,
            "rule": {"name": rule.name, "document": rule.document, "article": rule.article, "force": rule.force},
        }  # fmt: skip


@dataclass(frozen=True)
class ShareLine:
    """What a right holder gets of the revenue: parts of the whole and the fen they come to."""

    org: str
    parts: int
    amount_fen: int

    def as_dict(self) -> dict[str, Any]:
        return {"org": self.org, "parts": self.parts, "amount_fen": self.amount_fen}


def fee_lines(
    price_fen: int, *, venue: str, venue_rule: FeeRule, bodies: Sequence[str], body_rule: FeeRule, payer: str, rounding: str
) -> tuple[FeeLine, ...]:
    """The venue's fee and one for each third-party body that worked on the product."""
    lines = [FeeLine("venue", venue, payer, bps(price_fen, venue_rule.rate_bps, rounding), venue_rule)]
    lines += [FeeLine("service_body", b, payer, bps(price_fen, body_rule.rate_bps, rounding), body_rule) for b in bodies]
    return tuple(line for line in lines if line.amount_fen)


def shared_fee(lines: Iterable[FeeLine], payee: str, parts: int) -> tuple[FeeLine, ...]:
    """The venue's fee divided with the venue that brought the buyer: `parts` of ten thousand, rounded down, are the other's;
    the odd fen stays here. What everybody pays and gets besides is unchanged."""
    out: list[FeeLine] = []
    for line in lines:
        theirs = line.amount_fen * parts // 10_000 if line.kind == "venue" else 0
        out.append(replace(line, amount_fen=line.amount_fen - theirs))
        if theirs:
            out.append(replace(line, kind=SELLING_VENUE, payee=payee, amount_fen=theirs))
    return tuple(line for line in out if line.amount_fen)


def share_lines(price_fen: int, fees: Iterable[FeeLine], holders: Sequence[tuple[str, int]]) -> tuple[ShareLine, ...]:
    """The revenue after the provider's fees, divided by parts; shares and fees the provider bears sum to the price."""
    net = price_fen - sum(f.amount_fen for f in fees if f.payer == PROVIDER)
    amounts = split(net, holders)
    return tuple(ShareLine(org, parts, amounts[org]) for org, parts in holders)


def buyer_pays(price_fen: int, fees: Iterable[FeeLine]) -> int:
    return price_fen + sum(f.amount_fen for f in fees if f.payer == BUYER)


def amount_class(amount_fen: int, rows: Iterable[Mapping[str, Any]]) -> Mapping[str, Any]:
    """The row of trade.amount_classes with the highest `from_fen` that the amount reaches."""
    reached = [row for row in rows if int(row["from_fen"]) <= amount_fen]
    return max(reached, key=lambda row: int(row["from_fen"]))


def dated_policy(policy: Policy, effective_at: datetime, term_days: int) -> Policy:
    """The policy with its term: from the moment the money was held, for `term_days` times 24 hours."""
    ends = effective_at + timedelta(days=term_days)
    term = (
        Constraint(Operand.DATE_TIME, Operator.GTEQ, write_time(effective_at)),
        Constraint(Operand.DATE_TIME, Operator.LT, write_time(ends)),
    )
    permissions = tuple(replace(p, constraints=(*p.constraints, *term)) for p in policy.permissions)
    return replace(policy, permissions=permissions)


@dataclass(frozen=True)
class Gate:
    """One of the gates of trusted circulation (数据二十条 三): passed or not, and on what."""

    code: str
    title: Text
    passed: bool
    basis: Text


def gates(rows: Iterable[Mapping[str, Any]], known: Mapping[str, Any]) -> tuple[Gate, ...]:
    """`known`: source, registration, blocked, purpose (zh, en; empty for none), permissions, connector, data_digest, listed.
    A gate the rules name and nobody can check does not pass."""
    purpose = known["purpose"] or ("", "")
    checks = {
        "source_confirmed": (
            bool(known["source"]) and bool(known["registration"]) and not known["blocked"],
            Text(f"登记编号 {known['registration']}，来源已审查", f"registered as {known['registration']}; source reviewed"),
        ),
        "scope_defined": (
            bool(known["purpose"]) and known["permissions"] > 0,
            Text(f"用途：{purpose[0]}", f"purpose: {purpose[1]}"),
        ),
        "traceable": (
            bool(known["connector"] or known["data_digest"]),
            Text("经连接器交付并计量，数据摘要在案", "delivered and metered by a connector; the data's digest is on record"),
        ),
        "risk_contained": (
            bool(known["listed"]),
            Text("挂牌审核已核对不得交易的情形", "the listing review checked what may not be traded"),
        ),
    }
    nobody = (False, Text("没有核对办法", "nothing checks it"))
    out = []
    for row in rows:
        passed, basis = checks.get(str(row["code"]), nobody)
        out.append(Gate(str(row["code"]), Text(str(row["zh"]), str(row["en"])), passed, basis))
    return tuple(out)


@guard("trade.parties_accredited")
def parties_accredited(view: CaseView) -> Verdict:
    if not view.facts["provider_accredited"]:
        return No(Text("提供方没有有效的数据提供方资格", "the provider is not accredited as a provider"))
    if not view.facts["buyer_accredited"]:
        return No(Text("需求方没有有效的数据需求方资格", "the buyer is not accredited as a buyer"))
    return OK


@guard("trade.entry_tradable")
def entry_tradable(view: CaseView) -> Verdict:
    """The registered right is valid and free of what forbids its disposal (registry.queries.tradable)."""
    blocks = view.facts["blocks"]
    if not blocks:
        return OK
    zh, en = "、".join(b["zh"] for b in blocks), ", ".join(b["en"] for b in blocks)
    return No(Text(f"登记权利不可交易：{zh}", f"the registered right cannot be traded: {en}"), blocks[0]["article"])


@guard("trade.gates_pass")
def gates_pass(view: CaseView) -> Verdict:
    shut = [g for g in view.facts["gates"] if not g["passed"]]
    if not shut:
        return OK
    zh, en = "、".join(g["zh"] for g in shut), ", ".join(g["en"] for g in shut)
    return No(Text(f"未达到流通要求：{zh}", f"a gate of circulation is shut: {en}"), str(view.facts["gates_article"]))


@guard("trade.at_arms_length")
def at_arms_length(view: CaseView) -> Verdict:
    return NeedsUndertaking(ARMS_LENGTH) if view.facts["affiliated"] else OK


@guard("trade.return_left")
def return_left(view: CaseView) -> Verdict:
    most = view.rules.value("trade.return_rounds").number
    if int(view.facts["revision"]) <= most:
        return OK
    return No(Text(f"已退回修改 {most} 次，应作出决定", f"it was returned {most} time(s) already; decide now"))
