"""What the register computes and forbids: facets of entries and certificates, guards of its tables. Pure."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Any

from shugu.kernel.cases import CaseView
from shugu.kernel.text import Text
from shugu.kernel.vocabulary import OK, No, Verdict, guard, guard_of, predicate, predicate_of

REQUIRED_BY_REGISTRAR = "required_by_registrar"


class Facet(StrEnum):
    VALID = "valid"
    SUPERSEDED = "superseded"
    ENCUMBERED = "encumbered"
    OBJECTED = "objected"
    SUSPENDED = "suspended"
    EXPIRED = "expired"
    REVOKED_IN_PART = "revoked_in_part"
    REVOKED = "revoked"
    CANCELLED = "cancelled"
    MOVED = "moved"


FACET_TITLES: Mapping[Facet, Text] = {
    Facet.VALID: Text("有效", "valid"),
    Facet.SUPERSEDED: Text("已被新版本取代", "superseded"),
    Facet.ENCUMBERED: Text("有他项权益", "encumbered"),
    Facet.OBJECTED: Text("有异议登记", "objected"),
    Facet.SUSPENDED: Text("已中止", "suspended"),
    Facet.EXPIRED: Text("已过有效期", "expired"),
    Facet.REVOKED_IN_PART: Text("已部分撤销", "revoked in part"),
    Facet.REVOKED: Text("已撤销", "revoked"),
    Facet.CANCELLED: Text("已注销", "cancelled"),
    Facet.MOVED: Text("已迁往其他场所", "moved to another venue"),
}
# What a mark may say; the others follow from days and versions.
MARKS = (
    Facet.ENCUMBERED, Facet.OBJECTED, Facet.SUSPENDED, Facet.REVOKED_IN_PART, Facet.REVOKED, Facet.CANCELLED, Facet.MOVED,
)  # fmt: skip
# An entry with one of these cannot be traded; an encumbrance or objection lets it pass on an undertaking.
BLOCKING = (Facet.SUPERSEDED, Facet.SUSPENDED, Facet.EXPIRED, Facet.REVOKED, Facet.CANCELLED, Facet.MOVED)
# Nothing more is registered about such an entry. Only a move ends again, when the other venue refuses it for ever.
ENDED = (Facet.REVOKED, Facet.CANCELLED, Facet.MOVED)


@dataclass(frozen=True)
class MarkView:
    facet: Facet
    article: str
    reason: str = ""
    until: date | None = None


@dataclass(frozen=True)
class FacetLine:
    """One facet that holds on a day, with the article behind it."""

    facet: Facet
    article: str
    reason: str = ""

    @property
    def title(self) -> Text:
        return FACET_TITLES[self.facet]


def facet_lines(
    *, on: date, valid_until: date, version: int, last_version: int, marks: Iterable[MarkView],
    term_article: str, book_article: str,
) -> tuple[FacetLine, ...]:  # fmt: skip
    """What holds of a version (or of its certificate) on a day; `valid` only when nothing blocks.

    `valid_until` is the last day, included. `term_article` stands behind expiry, `book_article` behind validity and
    supersession: the register prevails over what was issued from it.
    """
    lines = [
        FacetLine(m.facet, m.article, m.reason)
        for m in sorted(marks, key=lambda m: MARKS.index(m.facet))
        if m.until is None or on <= m.until
    ]
    if version < last_version:
        lines.append(FacetLine(Facet.SUPERSEDED, book_article))
    if on > valid_until:
        lines.append(FacetLine(Facet.EXPIRED, term_article))
    if not any(line.facet in BLOCKING for line in lines):
        lines.insert(0, FacetLine(Facet.VALID, book_article))
    return tuple(lines)


def blocking(lines: Iterable[FacetLine]) -> tuple[FacetLine, ...]:
    return tuple(line for line in lines if line.facet in BLOCKING)


@predicate("registry.applicant_is_holder")
def applicant_is_holder(view: CaseView) -> bool:
    """Every applicant is among the holders named in the application."""
    holders = {h["org"] for h in view.data.get("holders", ())}
    return view.orgs("applicant") <= holders


@predicate("registry.applicant_is_party_to_entry")
def applicant_is_party_to_entry(view: CaseView) -> bool:
    """A holder of the entry, or the other side of what is registered about it."""
    named = {h["org"] for h in view.data.get("holders", ())} | view.orgs("holder") | view.orgs("counterparty")
    return view.orgs("applicant") <= named


@predicate("registry.agent_has_power")
def agent_has_power(view: CaseView) -> bool:
    """The applicant gave the agent a power of attorney, in force when the application was opened."""
    return bool(view.data.get("agent_has_power"))


@predicate_of("registry.operation_is")
def operation_is(view: CaseView, argument: str) -> bool:
    return view.data.get("operation") == argument


@predicate_of("registry.by_is")
def by_is(view: CaseView, argument: str) -> bool:
    return view.data.get("by") == argument


@predicate_of("registry.object_is")
def object_is(view: CaseView, argument: str) -> bool:
    return view.data.get("object_kind") == argument


@predicate_of("registry.right_is")
def right_is(view: CaseView, argument: str) -> bool:
    return argument in view.data.get("rights", ())


def _answered(view: CaseView, argument: str) -> bool:
    """`field=code`: what a step's input or a field of the application says; of several codes one."""
    name, _, code = argument.partition("=")
    return code in str(view.data.get(name, "")).split(",")


@predicate_of("registry.answer")
def answer(view: CaseView, argument: str) -> bool:
    return _answered(view, argument)


@predicate("registry.has_agent")
def has_agent(view: CaseView) -> bool:
    return any(p.role == "agent" for p in view.parties)


@predicate("registry.has_counterparty")
def has_counterparty(view: CaseView) -> bool:
    return view.data.get("counterparty") is not None


@predicate("registry.traded_on_recognised_venue")
def traded_on_recognised_venue(view: CaseView) -> bool:
    """The book tells of a trade to this applicant or counterparty, the application cites the voucher of another venue that
    was checked here, or such a voucher was filed: a sealed one counts once it was checked, of others the registrar judges."""
    if view.facts.get("traded") or (view.facts.get("recognised") or {}).get("trade"):
        return True
    unproven = view.facts.get("unproven_vouchers", ())
    return any(m.id == "venue_voucher" and m.digest not in unproven for m in view.materials)


@predicate("registry.body_is_accredited")
def body_is_accredited(view: CaseView) -> bool:
    return bool(view.data.get("reviewer_accredited"))


@predicate("registry.object_is_resource")
def object_is_resource(view: CaseView) -> bool:
    return view.data.get("object_kind") == "data_resource"


@predicate("registry.object_is_product")
def object_is_product(view: CaseView) -> bool:
    return view.data.get("object_kind") == "data_product"


@predicate("registry.required_by_registrar")
def required_by_registrar(view: CaseView) -> bool:
    return bool(view.data.get(REQUIRED_BY_REGISTRAR))


@predicate("registry.has_co_holders")
def has_co_holders(view: CaseView) -> bool:
    """Before the operation: the entry's holders, or those named in a first registration."""
    return len(view.data.get("present", view.data.get("holders", ()))) > 1


@predicate("registry.objection_open")
def objection_open(view: CaseView) -> bool:
    return any(view.children.values())


@guard("registry.no_open_objection")
def no_open_objection(view: CaseView) -> Verdict:
    if objection_open(view):
        return No(Text("公示异议尚未处理完毕", "an objection to the notice is still open"))
    return OK


@guard("registry.correction_left")
def correction_left(view: CaseView) -> Verdict:
    """Correction is asked for at most as often as the rule says, so every defect has to be told at once."""
    allowed = int(view.rules.value("registry.correction_rounds").value)
    if int(view.facts.get("corrections", 0)) >= allowed:
        return No(Text(f"补正以 {allowed} 次为限", f"correction may be asked for {allowed} time(s) only"))
    return OK


@guard("registry.found_real_and_lawful")
def found_real_and_lawful(view: CaseView) -> Verdict:
    if view.data.get("review_conclusion") != "passed":
        return No(
            Text("第三方实质性审查结论不是“真实、合法”", "the substantive review did not find it real and lawful"),
            "第十五条",
        )
    return OK


@guard_of("registry.found")
def found(view: CaseView, argument: str) -> Verdict:
    """`field=code`: an earlier step of this case said so."""
    if not _answered(view, argument):
        return No(Text(f"前一程序的结论不是“{argument.partition('=')[2]}”", f"an earlier step did not find “{argument}”"))
    return OK


@guard("registry.account_open")
def account_open(view: CaseView) -> Verdict:
    if not view.facts.get("account"):
        return No(Text("申请人在本登记簿没有账户", "the applicant has no account in this register"))
    return OK


@guard("registry.entry_live")
def entry_live(view: CaseView) -> Verdict:
    """Neither expired, suspended, revoked nor cancelled."""
    blocked = [f for f in view.facts.get("facets", ()) if Facet(f) in BLOCKING]
    if blocked:
        title = FACET_TITLES[Facet(blocked[0])]
        return No(Text(f"该登记条目{title.zh}", f"the entry is {title.en}"))
    return OK


@guard("registry.not_encumbered")
def not_encumbered(view: CaseView) -> Verdict:
    if Facet.ENCUMBERED.value in view.facts.get("facets", ()):
        return No(Text("该登记条目上有他项权益", "the entry is encumbered"))
    return OK


@guard("registry.may_move")
def may_move(view: CaseView) -> Verdict:
    """None of the facets in `registry.move_stops` stands, and nothing blocks the line."""
    rule = view.rules.value("registry.move_stops")
    found = [f for f in view.facts.get("facets", ()) if f in rule.codes or Facet(f) in BLOCKING]
    if found:
        title = FACET_TITLES[Facet(found[0])]
        return No(Text(f"该登记条目{title.zh}，不能迁出", f"the entry is {title.en} and may not move"), rule.article)
    return OK


@guard("registry.may_take_in")
def may_take_in(view: CaseView) -> Verdict:
    """The register here knows such objects and rights."""
    if not view.facts.get("can_hold"):
        return No(Text("本登记簿不登记此类对象或权利", "this register does not take such objects or rights"))
    return OK


@guard("registry.in_renewal_window")
def in_renewal_window(view: CaseView) -> Verdict:
    """Between `registry.renewal_window` before the last day and `registry.renewal_grace` after it."""
    window = view.facts.get("renewal")
    today = view.facts.get("today")
    if window is None or today is None or not window[0] <= today <= window[1]:
        told = "—" if window is None else f"{window[0]} – {window[1]}"
        return No(Text(f"不在可以申请续展的期间（{told}）", f"outside the time in which renewal may be sought ({told})"))
    return OK


@guard("registry.in_time")
def in_time(view: CaseView) -> Verdict:
    """A renewal is sought in its window; anything else at any time."""
    return in_renewal_window(view) if view.data.get("operation") == "renewal" else OK


@predicate("registry.window_pending")
def window_pending(view: CaseView) -> bool:
    return any(view.children.values())


@guard("registry.object_current")
def object_current(view: CaseView) -> Verdict:
    """Everything it was made from is still registered."""
    ended = view.facts.get("ended_parents", ())
    if ended:
        told = f"所依据的登记已失效：{'、'.join(ended)}"
        return No(Text(told, f"what it was made from is no longer registered: {', '.join(ended)}"))
    return OK


def title_key(title: str) -> str:
    """A title without spaces, marks and case: two products of one name are found whatever is put between the words."""
    return "".join(c for c in unicodedata.normalize("NFKC", title).casefold() if c.isalnum())[:200]


def same_shares(holders: Iterable[Mapping[str, Any]]) -> tuple[tuple[int, int], ...]:
    """Holders as (organisation, parts), in the order given."""
    return tuple((int(h["org"]), int(h["parts"])) for h in holders)
