"""What the register computes and forbids: facets of entries and certificates, guards of its tables. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Any

from shugu.kernel.cases import CaseView
from shugu.kernel.text import Text
from shugu.kernel.vocabulary import OK, No, Verdict, guard, predicate

REQUIRED_BY_REGISTRAR = "required_by_registrar"


class Facet(StrEnum):
    VALID = "valid"
    SUPERSEDED = "superseded"
    ENCUMBERED = "encumbered"
    OBJECTED = "objected"
    SUSPENDED = "suspended"
    EXPIRED = "expired"
    REVOKED = "revoked"


FACET_TITLES: Mapping[Facet, Text] = {
    Facet.VALID: Text("有效", "valid"),
    Facet.SUPERSEDED: Text("已被新版本取代", "superseded"),
    Facet.ENCUMBERED: Text("有他项权益", "encumbered"),
    Facet.OBJECTED: Text("有异议登记", "objected"),
    Facet.SUSPENDED: Text("已中止", "suspended"),
    Facet.EXPIRED: Text("已过有效期", "expired"),
    Facet.REVOKED: Text("已撤销", "revoked"),
}
# What a mark may say; the others follow from days and versions.
MARKS = (Facet.ENCUMBERED, Facet.OBJECTED, Facet.SUSPENDED, Facet.REVOKED)
# An entry with one of these cannot be traded; an encumbrance or objection lets it pass on an undertaking.
BLOCKING = (Facet.SUPERSEDED, Facet.SUSPENDED, Facet.EXPIRED, Facet.REVOKED)


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
    return len(view.data.get("holders", ())) > 1


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


def same_shares(holders: Iterable[Mapping[str, Any]]) -> tuple[tuple[int, int], ...]:
    """Holders as (organisation, parts), in the order given."""
    return tuple((int(h["org"]), int(h["parts"])) for h in holders)
