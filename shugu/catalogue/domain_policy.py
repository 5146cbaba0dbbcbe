"""A licence as the provider fills it in, as an ODRL policy, and in plain words. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from shugu.formats.policy import Action, Constraint, Duty, Operand, Operator, Permission, Policy
from shugu.kernel.text import Text

Fault = tuple[str, str]
# What a provider may permit, and the words for it; re-identification can never be permitted.
ACTIONS: Final[Mapping[str, Text]] = {
    Action.USE.value: Text("使用（读取、查询、分析、加工衍生）", "use (read, query, analyse, derive)"),
    Action.READ.value: Text("读取", "read"),
    Action.QUERY.value: Text("查询", "query"),
    Action.ANALYZE.value: Text("分析", "analyse"),
    Action.DERIVE.value: Text("加工衍生", "derive"),
    Action.DISTRIBUTE.value: Text("向第三方提供", "pass on to third parties"),
}
FORBIDDEN: Final[Mapping[str, Text]] = {
    Action.DISTRIBUTE.value: Text("向第三方提供原数据", "pass the data on to third parties"),
    Action.REIDENTIFY.value: Text("重新识别个人", "re-identify individuals"),
    Action.SELL.value: Text("转售", "resell"),
}
ANY_BUYER: Final = "urn:shugu:any-accredited-buyer"


@dataclass(frozen=True)
class LicenceTerms:
    """What a buyer gets. `purposes`: codes of rule catalogue.purposes. Limits None = the contract sets none.

    `calls`: deliveries in the whole term; `bytes`: volume in the whole term; `per_minute`: rate.
    """

    actions: tuple[str, ...]
    purposes: tuple[str, ...]
    term_days: int
    calls: int | None = None
    bytes: int | None = None
    per_minute: int | None = None
    attribute: bool = False
    delete_at_end: bool = True


def licence_faults(terms: LicenceTerms, purposes: tuple[str, ...], longest_term: int) -> dict[str, Fault]:
    """Field errors of a licence; empty when a policy can be built from it."""
    faults: dict[str, Fault] = {}
    if not terms.actions or set(terms.actions) - set(ACTIONS):
        faults["actions"] = ("至少选一项许可行为", "choose at least one permitted act")
    if not terms.purposes or set(terms.purposes) - set(purposes):
        faults["purposes"] = ("至少选一项许可用途", "choose at least one permitted purpose")
    if type(terms.term_days) is not int or not 1 <= terms.term_days <= longest_term:
        faults["term_days"] = (f"1–{longest_term} 天的整数", f"a whole number of days, 1 to {longest_term}")
    for name in ("calls", "bytes", "per_minute"):
        value = getattr(terms, name)
        if value is not None and (type(value) is not int or not 1 <= value < 2**53):
            faults[name] = ("应为正整数，或留空表示不限", "a positive whole number, or empty for no limit")
    return faults


def policy_of(terms: LicenceTerms, *, uid: str, target: str, assigner: str, assignee: str = ANY_BUYER) -> Policy:
    """The ODRL policy of a licence. Dates are the contract's: they are not in it. Errors: BadPolicy."""
    constraints = [Constraint(Operand.PURPOSE, Operator.IS_ANY_OF, tuple(sorted(set(terms.purposes))))]
    limits = ((Operand.COUNT, terms.calls), (Operand.BYTES, terms.bytes), (Operand.RATE, terms.per_minute))
    constraints += [Constraint(operand, Operator.LTEQ, limit) for operand, limit in limits if limit is not None]
    duties = (Duty(Action.ATTRIBUTE),) if terms.attribute else ()
    permitted = [Action(a) for a in ACTIONS if a in terms.actions]
    if Action.USE in permitted:  # it covers the narrower ones
        permitted = [a for a in permitted if a in (Action.USE, Action.DISTRIBUTE)]
    prohibited = [Action.REIDENTIFY, Action.SELL]
    if Action.DISTRIBUTE not in permitted:
        prohibited.insert(0, Action.DISTRIBUTE)
    return Policy(
        uid=uid, target=target, assigner=assigner, assignee=assignee,
        permissions=tuple(Permission(action, tuple(constraints), duties) for action in permitted),
        prohibitions=tuple(prohibited),
        obligations=(Duty(Action.DELETE),) if terms.delete_at_end else (),
    )  # fmt: skip


def licence_from(stored: Mapping[str, Any]) -> LicenceTerms:
    """The terms as kept in a version's `licence` column."""
    rest = {k: stored.get(k) for k in ("term_days", "calls", "bytes", "per_minute", "attribute", "delete_at_end")}
    return LicenceTerms(tuple(stored["actions"]), tuple(stored["purposes"]), **rest)  # type: ignore[arg-type]


def plain_words(terms: LicenceTerms, purposes: Mapping[str, Text]) -> tuple[tuple[Text, Text], ...]:
    """(label, sentence) lines a buyer reads before signing."""
    def listed(texts: list[Text]) -> Text:
        return Text("、".join(t.zh for t in texts), ", ".join(t.en for t in texts))

    forbidden = [words for code, words in FORBIDDEN.items() if code not in terms.actions]
    limits: list[Text] = []
    if terms.calls is not None:
        limits.append(Text(f"最多交付 {terms.calls:,} 次", f"at most {terms.calls:,} deliveries"))
    if terms.bytes is not None:
        limits.append(Text(f"最多 {terms.bytes:,} 字节", f"at most {terms.bytes:,} bytes"))
    if terms.per_minute is not None:
        limits.append(Text(f"每分钟最多 {terms.per_minute:,} 次请求", f"at most {terms.per_minute:,} requests a minute"))
    duties: list[Text] = []
    if terms.attribute:
        duties.append(Text("使用时注明数据来源", "name the source of the data"))
    if terms.delete_at_end:
        duties.append(Text("许可期满后删除数据", "delete the data when the licence ends"))
    lines = [
        (Text("您可以", "You may"), listed([ACTIONS[a] for a in ACTIONS if a in terms.actions])),
        (Text("用途限于", "Only for"), listed([purposes.get(p, Text(p, p)) for p in terms.purposes])),
        (Text("期限", "Term"), Text(f"自合同生效起 {terms.term_days} 天", f"{terms.term_days} days from the contract's start")),
        (Text("额度", "Limits"), listed(limits) if limits else Text("合同未设上限", "none set")),
        (Text("您不可以", "You may not"), listed(forbidden)),
    ]
    if duties:
        lines.append((Text("您应当", "You must"), listed(duties)))
    return tuple(lines)
