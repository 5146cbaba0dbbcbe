"""What pages and later apps read of the register. The book is public; filings and their materials are not."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from django.db.models import Prefetch, Q, QuerySet

from shugu.kernel import documents, runtime
from shugu.kernel import queries as cases
from shugu.kernel.cases import Actor
from shugu.kernel.errors import NotFound
from shugu.kernel.text import Text
from shugu.kernel.workdays import local_day
from shugu.party import queries as parties
from shugu.registry import applications, certificates, standing, vouchers
from shugu.registry.domain import BLOCKING, FACET_TITLES, Facet, FacetLine, blocking
from shugu.registry.models import Certificate, Entry, EntryVersion, Filing, Mark, Objection
from shugu.web.printing import printed

# What stops another venue from relying on a certificate: it has no force, or its right is objected to.
STOPPING = frozenset(facet.value for facet in (*BLOCKING, Facet.OBJECTED))
UNDERTAKING = (
    "本单位知悉该权利存在异议登记，自愿继续办理并自担风险。 "
    "We know that an objection to this right is on record, go on of our own will and bear the risk."
)


@dataclass(frozen=True)
class HolderShare:
    org: int
    parts: int


@dataclass(frozen=True)
class EntryView:
    """A line of the account book as it stands on a day. `valid_until` is the last day, included."""

    id: int
    number: str
    register: str
    title: str
    object_kind: str
    holder_org: int
    holders: tuple[HolderShare, ...]
    rights: tuple[str, ...]
    source: str
    form: Mapping[str, str]
    version: int
    version_id: int
    entered_on: date
    valid_from: date
    valid_until: date
    lines: tuple[FacetLine, ...]
    certificate_number: str
    filing_number: str

    @property
    def facets(self) -> frozenset[str]:
        return frozenset(line.facet.value for line in self.lines)


@dataclass(frozen=True)
class Reason:
    """Why an entry cannot be traded: the facet, the sentence and the article."""

    code: str
    text: Text
    article: str


@dataclass(frozen=True)
class CertificateView:
    number: str
    kind: str
    title: Text
    entry_number: str
    entry_id: int
    register: str
    version: int
    digest: str
    issued_at: datetime
    valid_until: date
    credential: Mapping[str, Any]
    lines: tuple[FacetLine, ...]
    fact: int
    seat: int | None = None

    @property
    def facets(self) -> frozenset[str]:
        return frozenset(line.facet.value for line in self.lines)

    @property
    def article(self) -> str:
        """The article behind the first facet: what makes it valid or takes that away."""
        return self.lines[0].article if self.lines else ""


@dataclass(frozen=True)
class FilingView:
    id: int
    number: str
    case_number: str
    register: str
    operation: str
    state: str
    title: str
    object_kind: str
    applicant: int
    reviewer: int | None
    rights: tuple[str, ...]
    holders: tuple[HolderShare, ...]
    form: Mapping[str, str]
    filed_at: datetime
    defects: tuple[str, ...] = ()
    ground: str = ""
    reason: str = ""
    entry_number: str = ""
    objections: tuple[ObjectionView, ...] = field(default=())


@dataclass(frozen=True)
class ObjectionView:
    id: int
    number: str
    case_number: str
    state: str
    ground: str
    statement: str
    filed_at: datetime
    person: int
    org: int | None
    filing_number: str
    entry_number: str


def _versions() -> Prefetch[Any]:
    rows = EntryVersion.objects.order_by("version").select_related("filing").prefetch_related("shares", "certificates")
    return Prefetch("versions", queryset=rows)


def _entries() -> QuerySet[Entry]:
    return Entry.objects.prefetch_related(_versions(), Prefetch("marks", queryset=Mark.objects.order_by("id")))


def shares(rows: Iterable[Mapping[str, Any]]) -> tuple[HolderShare, ...]:
    return tuple(HolderShare(int(h["org"]), int(h["parts"])) for h in rows)


def _view(entry: Entry, on: date) -> EntryView:
    version = standing.last_version(entry, on)
    issued = [c for c in version.certificates.all() if c.mark_id is None]
    return EntryView(
        id=entry.pk, number=entry.number, register=entry.register, title=version.title, object_kind=entry.object_kind,
        holder_org=entry.holder_id, holders=tuple(HolderShare(s.org_id, s.parts) for s in version.shares.all()),
        rights=tuple(version.rights), source=str(version.form.get("source", "")), form=version.form,
        version=version.version, version_id=version.pk, entered_on=entry.entered_on, valid_from=version.valid_from,
        valid_until=version.valid_until, lines=standing.entry_lines(entry, version, on),
        certificate_number=issued[-1].number if issued else "", filing_number=version.filing.number,
    )  # fmt: skip


def _one(where: Q, what: str, on: date | None) -> EntryView:
    found = _entries().filter(where).first()
    if found is None:
        raise NotFound(what=(f"登记条目 {what}", f"entry {what}"))
    return _view(found, on or _today())


def _today() -> date:
    from shugu.kernel import clock

    return local_day(clock.now())


def entry(id: int, on: date | None = None) -> EntryView:
    """An entry of the public book as it stands on `on` (today). Errors: NotFound."""
    return _one(Q(pk=id), str(id), on)


def entry_by_number(number: str, on: date | None = None) -> EntryView:
    """Errors: NotFound."""
    return _one(Q(number=number), number, on)


def entries_of(org: int, on: date | None = None) -> list[EntryView]:
    """Every entry the organisation holds, alone or with others, newest first."""
    day = on or _today()
    mine = Entry.objects.filter(Q(holder_id=org) | Q(versions__shares__org_id=org)).values("pk")
    return [_view(e, day) for e in _entries().filter(pk__in=mine).order_by("-pk")]


def entries_by_id(ids: Iterable[int], on: date) -> list[EntryView]:
    """The entries with these ids, in their order."""
    found = {e.pk: e for e in _entries().filter(pk__in=list(ids))}
    return [_view(found[pk], on) for pk in ids if pk in found]


def search_entries(
    q: str = "", register: str = "", *, limit: int = 50, offset: int = 0, on: date | None = None
) -> list[EntryView]:
    """The public book: by title or number, newest first; `limit` at most 200."""
    from shugu.registry import queries_search

    return list(queries_search.search(q, register, limit=limit, offset=offset, on=on or _today()).entries)


def tradable(entry_id: int, on: date, buyer: int | None = None) -> tuple[Reason, ...]:
    """Why the entry may not be traded on that day (with this buyer); empty = it may. Errors: NotFound."""
    found = entry(entry_id, on)
    blocked = (Reason(line.facet.value, FACET_TITLES[line.facet], line.article) for line in blocking(found.lines))
    missing = vouchers.missing_subjects(applications.rules_of(found.register), found.register, found.holder_org, buyer, on)
    return (*blocked, *(Reason(code, text, article) for code, text, article in missing))


def undertaking_needed(entry_id: int, on: date) -> tuple[str, str] | None:
    """(text to confirm, article) when the entry is objected to and a disposal needs the undertaking; else None."""
    for line in entry(entry_id, on).lines:
        if line.facet is Facet.OBJECTED:
            return UNDERTAKING, line.article
    return None


def certificate(number: str, on: date | None = None) -> CertificateView:
    """A certificate with the facets it has on `on` (today): the register prevails. Errors: NotFound."""
    row = Certificate.objects.select_related("version__entry", "mark").filter(number=number).first()
    if row is None:
        raise NotFound(what=(f"证书 {number}", f"certificate {number}"))
    entry_, day = _entries().get(pk=row.version.entry_id), on or _today()
    return CertificateView(
        number=row.number, kind=row.kind, title=_kind_title(row.kind, entry_.register), entry_number=entry_.number,
        entry_id=entry_.pk, register=entry_.register, version=row.version.version, digest=row.digest,
        issued_at=row.issued_at, valid_until=row.valid_until, credential=json.loads(documents.get(row.digest)),
        lines=standing.certificate_lines(row, entry_, day), fact=row.fact, seat=row.seat,
    )  # fmt: skip


def _kind_title(kind: str, register: str) -> Text:
    return applications.kind_titles(register, applications.rules_of(register)).get(kind) or certificates.kind_title(kind)


def certificate_numbered_by(digest: str) -> str:
    """The number of the certificate with that credential digest. Errors: NotFound."""
    row = Certificate.objects.filter(digest=digest).first()
    if row is None:
        raise NotFound(what=("该摘要的证书", "certificate with this digest"))
    return row.number


def certificate_bytes(number: str) -> bytes:
    """The credential exactly as signed. Errors: NotFound."""
    row = Certificate.objects.filter(number=number).first()
    if row is None:
        raise NotFound(what=(f"证书 {number}", f"certificate {number}"))
    return documents.get(row.digest)


def certificate_pdf(number: str, lang: str, *, now: datetime, actor: Actor | None = None) -> bytes:
    """The printed certificate, signed (shugu.web.printing). Errors: NotFound."""
    shown = certificate(number)
    kind = shown.credential["credentialSubject"]["object_kind"]["code"]
    codes = applications.operation_codes(shown.register)
    fields = [f for code in codes for f in applications.form_fields(shown.register, kind, code)]
    labels = {f.id: f.title for f in fields}
    answers = {f.id: dict(f.options) for f in fields if f.options}
    title = Text(*applications.register_named(shown.register).title)
    paper = certificates.document(shown.credential, shown.digest, title, labels, answers)
    return printed(paper, documents.get(shown.digest), lang=lang, now=now, actor=actor)


def ground_to_look(row: Filing, actor: Actor) -> str | None:
    """The coded ground on which this actor may see the filing (rule `registry.query_grounds`), or None."""
    if actor.person is None:
        return None
    named = {row.applicant_id, row.counterparty_id, row.agent_id, row.reviewer_id, row.verifier_id} - {None}
    if actor.org is not None and (actor.org in named | {h["org"] for h in row.holders} or cases.is_party(row.pk, actor)):
        return "own"
    for ground in applications.rules_of(row.register).value("registry.query_grounds").rows:
        seats = ground.get("seats", ())
        if isinstance(seats, tuple) and actor.seats & {str(s) for s in seats}:
            return str(ground["code"])
    return None


def filing(number: str, actor: Actor) -> FilingView:
    """A filing for those who may see it; a stranger sees nothing. Every look from a page or the API goes through
    services.look_at_filing, which records it. Errors: NotFound."""
    row = Filing.objects.select_related("case").filter(Q(number=number) | Q(case__number=number)).first()
    if row is None or ground_to_look(row, actor) is None:
        raise NotFound(what=(f"登记申请 {number}", f"filing {number}"))
    return filing_view(row)


def filing_view(row: Filing) -> FilingView:
    """Everything of a filing; the caller has made sure that it may be seen."""
    data = row.case.data
    entered = EntryVersion.objects.filter(filing=row).select_related("entry").first()
    return FilingView(
        id=row.pk, number=row.number, case_number=row.case.number, register=row.register, operation=row.operation,
        state=row.case.state, title=row.title, object_kind=row.object_kind, applicant=row.applicant_id,
        reviewer=row.reviewer_id, rights=tuple(row.rights), holders=shares(row.holders), form=row.form, filed_at=row.filed_at,
        defects=tuple(data.get("defects", ())), ground=str(data.get("refusal_ground", "")), reason=str(data.get("reason", "")),
        entry_number=entered.entry.number if entered else "",
        objections=tuple(_objection(o) for o in Objection.objects.filter(filing=row).select_related("case").order_by("pk")),
    )  # fmt: skip


def filings_of(org: int) -> list[FilingView]:
    rows = Filing.objects.select_related("case").filter(applicant_id=org).order_by("-pk")
    return [filing_view(r) for r in rows]


def _objection(row: Objection) -> ObjectionView:
    return ObjectionView(
        id=row.pk, number=row.number, case_number=row.case.number, state=row.case.state, ground=row.ground,
        statement=row.statement, filed_at=row.filed_at, person=row.person, org=row.org,
        filing_number=row.filing.number if row.filing else "", entry_number=row.entry.number if row.entry else "",
    )  # fmt: skip


def objection(number: str, actor: Actor) -> ObjectionView:
    """For the parties of the objection and for the venue's staff. Errors: NotFound."""
    row = Objection.objects.select_related("case", "filing", "entry").filter(number=number).first()
    staff = bool(actor.seats & {"registrar", "reviewer", "regulator", "auditor"})
    if row is None or not (staff or cases.is_party(row.pk, actor)):
        raise NotFound(what=(f"异议 {number}", f"objection {number}"))
    return _objection(row)


def holder_names(shares: Iterable[HolderShare]) -> str:
    rows = tuple(shares)
    names = parties.org_names([s.org for s in rows])
    return "、".join(names.get(s.org, str(s.org)) for s in rows)


def registers() -> list[dict[str, Any]]:
    """Every register of the venue: id, titles, whether it is open, the operations it has procedures for."""
    return [
        {"id": r.id, "title": {"zh": r.title[0], "en": r.title[1]}, "open": r.open, "certificate": r.certificate,
         "operations": sorted(r.procedures)}
        for r in runtime.rules().profile.registers
    ]  # fmt: skip


def count_entries() -> int:
    """How many lines the account book has, for statistics."""
    return Entry.objects.count()


def rights_of(register: str) -> dict[str, Text]:
    """{code: title} of the rights a register knows."""
    return dict(applications.right_codes(register))
