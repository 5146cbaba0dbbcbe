"""Public notices: the filings anybody may read of and object to, and only what may be read of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime

from shugu.kernel.errors import NotFound
from shugu.kernel.models import Case, Clock
from shugu.registry import applications
from shugu.registry.models import Filing
from shugu.registry.queries import HolderShare, shares


@dataclass(frozen=True)
class NoticeView:
    """What the public may read of a filing under notice. Where it is anonymised, no holders and 0 for the applicant."""

    number: str
    case: int
    register: str
    title: str
    object_kind: str
    applicant: int
    holders: tuple[HolderShare, ...]
    rights: tuple[str, ...]
    form: Mapping[str, str]
    noticed_on: date
    until: date
    open: bool
    objections: int


def notices(now: datetime, *, limit: int = 50, offset: int = 0) -> list[NoticeView]:
    """Filings under public notice, the one that ends first on top."""
    rows = Clock.objects.filter(clock="notice_period", case__subject="registry.filing", case__state__in=("notice", "objected"))
    ordered = list(rows.order_by("due_on", "pk").values_list("case_id", flat=True)[offset : offset + min(limit, 200)])
    found = {f.pk: f for f in Filing.objects.filter(pk__in=ordered)}
    return [_notice(found[pk], now) for pk in ordered]


def notice(number: str, now: datetime) -> NoticeView:
    """A filing under notice, or one whose notice is over. Errors: NotFound when it never was under notice."""
    row = Filing.objects.filter(number=number).first()
    if row is None:
        raise NotFound(what=(f"公示 {number}", f"notice {number}"))
    return _notice(row, now)


def _notice(row: Filing, now: datetime) -> NoticeView:
    clock = Clock.objects.filter(case_id=row.pk, clock="objection_window").order_by("-pk").first()
    if clock is None:
        raise NotFound(what=(f"公示 {row.number}", f"notice {row.number}"))
    state = Case.objects.only("state").get(pk=row.pk).state
    hidden = _anonymised(row)
    open_count = Case.objects.filter(parent_id=row.pk, closed_at__isnull=True).count()
    return NoticeView(
        number=row.number, case=row.pk, register=row.register, title=row.title, object_kind=row.object_kind,
        applicant=0 if hidden else row.applicant_id, holders=() if hidden else shares(row.holders), rights=tuple(row.rights),
        form=_public(row),
        noticed_on=clock.starts_on, until=clock.due_on, open=state == "notice" and now < clock.due_at, objections=open_count,
    )  # fmt: skip


def _anonymised(row: Filing) -> bool:
    """Whether the applicant asked that the notice name nobody, where the rules give a field for it
    (`registry.anonymous_notice_field`)."""
    rule = applications.rules_of(row.register).get("registry.anonymous_notice_field")
    return rule is not None and row.form.get(str(rule.value)) == "yes"


def _public(row: Filing) -> dict[str, str]:
    """The answers without those the rules keep from public notice."""
    fields = applications.form_fields(row.register, row.object_kind, row.operation)
    hidden = {f.id for f in fields if not f.public}
    return {name: answer for name, answer in row.form.items() if name not in hidden}
