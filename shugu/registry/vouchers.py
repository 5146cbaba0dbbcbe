"""Registration as the condition of trading: one subject one registration, one object one registration.

A register of trading subjects and objects names in its rules which object kinds are subjects (`registry.subject_kinds`)
and which objects each of its operations takes (`registry.operation_objects`). Guards see the book through the context.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

from django.db.models import OuterRef, QuerySet, Subquery

from shugu.kernel.cases import CaseView
from shugu.kernel.rulebook import RegisterRules
from shugu.kernel.text import Text
from shugu.kernel.vocabulary import OK, No, Verdict, guard
from shugu.registry import applications
from shugu.registry.domain import ENDED, title_key
from shugu.registry.models import Entry, EntryVersion, Filing, Mark


def _live(register: str, on: date) -> QuerySet[Entry]:
    """Lines of a register that are neither ended nor expired on that day."""
    ended = Mark.objects.filter(facet__in=[f.value for f in ENDED], lifted_at__isnull=True).values("entry_id")
    newest = EntryVersion.objects.filter(entry=OuterRef("pk")).order_by("-version")
    found = Entry.objects.filter(register=register).exclude(pk__in=ended)
    return found.annotate(last_day=Subquery(newest.values("valid_until")[:1])).filter(last_day__gte=on)


def registered_kinds(register: str, org: int, on: date) -> frozenset[str]:
    """What the organisation has registered in this register that is in force: object kinds."""
    return frozenset(_live(register, on).filter(holder_id=org).values_list("object_kind", flat=True))


def twins(row: Filing, on: date) -> tuple[str, ...]:
    """Numbers of other live objects of the register with the same name or the same content. Subjects have no twins: what
    one of them may register is bounded by who it is."""
    subjects = applications.rules_of(row.register).get("registry.subject_kinds")
    kinds = subjects.codes if subjects is not None else ()
    if row.object_kind in kinds:
        return ()
    others = _live(row.register, on).exclude(pk=row.entry_id or 0).exclude(object_kind__in=kinds)
    found = set(others.filter(title_key=title_key(row.title)).values_list("number", flat=True))
    content = str(row.form.get("content_sha256", "")).lower()
    if content:
        found |= set(others.filter(content_sha256=content).values_list("number", flat=True))
    return tuple(sorted(found))


def missing_subjects(
    rules: RegisterRules, register: str, holder: int, buyer: int | None, on: date
) -> tuple[tuple[str, Text, str], ...]:
    """Who would trade without a subject registration, as (code, words, article); nothing where the register's regime asks
    for none (it names no `registry.subject_kinds`)."""
    kinds, flow = rules.get("registry.subject_kinds"), rules.get("registry.trading_flow")
    if kinds is None or flow is None:
        return ()
    asked = (
        ("provider_unregistered", holder, Text("供方没有主体登记", "the provider is not registered as a trading subject")),
        ("buyer_unregistered", buyer, Text("需方没有主体登记", "the buyer is not registered as a trading subject")),
    )
    known = frozenset(kinds.codes)
    return tuple(
        (code, words, flow.article)
        for code, org, words in asked
        if org is not None and not registered_kinds(register, org, on) & known
    )


def _codes(view: CaseView, name: str) -> frozenset[str]:
    return frozenset(view.rules.value(name).codes)


@guard("registry.object_of_operation")
def object_of_operation(view: CaseView) -> Verdict:
    """The operation takes objects of this kind (`registry.operation_objects`, rows { code, objects })."""
    rows: tuple[Mapping[str, Any], ...] = view.rules.value("registry.operation_objects").rows
    allowed = {str(r["code"]): tuple(r["objects"]) for r in rows}
    kinds = allowed.get(str(view.data.get("operation")))
    if kinds is not None and view.data.get("object_kind") not in kinds:
        return No(Text("该登记事项不办理此类登记对象", "this operation does not register such an object"))
    return OK


@guard("registry.one_registration")
def one_registration(view: CaseView) -> Verdict:
    """One subject, one registration. An operation on the registration itself passes."""
    known = frozenset(view.facts.get("registered_kinds", ())) & _codes(view, "registry.subject_kinds")
    if known and view.data.get("entry") is None:
        rule = view.rules.value("registry.one_subject_one_registration")
        told = Text("该主体已登记（一主体一登记）", "the subject is registered already: one subject, one registration")
        return No(told, rule.article)
    return OK


@guard("registry.subject_registered")
def subject_registered(view: CaseView) -> Verdict:
    """Subject registration comes before object registration."""
    if not frozenset(view.facts.get("registered_kinds", ())) & _codes(view, "registry.subject_kinds"):
        rule = view.rules.value("registry.trading_flow")
        return No(Text("申请人尚未办理主体登记", "the applicant is not registered as a trading subject"), rule.article)
    return OK


@guard("registry.one_object")
def one_object(view: CaseView) -> Verdict:
    """One object, one registration: nothing of the same name or content is registered."""
    found = view.facts.get("twins", ())
    if found:
        said = "、".join(found)
        return No(Text(f"该标的已登记：{said}（一标的一登记）", f"the object is registered already: {said}"))
    return OK
