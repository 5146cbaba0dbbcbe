"""Pages anybody may read: the account book, notices, verification, certificates."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_http_methods

from shugu.formats.checks import Outcome
from shugu.formats.credential import credential_digest
from shugu.formats.errors import BadIdentifier, FormatError, Pair
from shugu.formats.identifiers import parse_number
from shugu.formats.package import TITLES, Finding, PackageReport, is_zip, read_zip, verify_package
from shugu.formats.pdf import is_pdf, verify_pdf
from shugu.formats.verdicts import EXIT, VERDICTS, Verdict
from shugu.formats.verify import Verifier
from shugu.kernel import clock, own_documents
from shugu.kernel.errors import InputInvalid
from shugu.kernel.text import Text
from shugu.kernel.workdays import local_day
from shugu.registry import (
    applications,
    moving,
    queries,
    queries_book,
    queries_notices,
    queries_search,
    recognitions,
    retention,
    verifying,
)
from shugu.registry.domain import Facet
from shugu.registry.forms import VerifyForm
from shugu.registry.operations import On, operations
from shugu.registry.shown import (
    FACET_TONES,
    encumbrance_lines,
    entry_events,
    entry_record,
    facet_chips,
    particulars,
    register_title,
    retention_line,
    rights_text,
)
from shugu.registry.views_apply import offered_to
from shugu.web import language
from shugu.web.shapes import Chip, Empty, Link, Tone
from shugu.web.tables import Choice, Column, Kind, make_table


def _entry_href(row: queries.EntryView) -> str:
    return reverse("registry:entry", args=[row.number])


# Signed and not sealed is the ordinary first second of a document.
VERDICT_TONES = dict.fromkeys(Verdict, Tone.WARNING) | {Verdict.FAILED: Tone.BAD}
VERDICT_TONES |= {v: Tone.GOOD for v in Verdict if EXIT[v] in (0, EXIT[Verdict.SIGNED])}


@require_GET
def book(request: HttpRequest) -> HttpResponseBase:
    """The account book: every entry, searchable by title and number."""
    register = request.GET.get("register", "")
    rows = queries_search.Matches(request.GET.get("q", ""), register, local_day(clock.now()))
    columns = (
        Column("number", Text("登记编号", "Number"), kind=Kind.CODE, href=_entry_href),
        Column("title", Text("名称", "Title")),
        Column("holder", Text("登记主体", "Holder"), rows.holders),
        Column("rights", Text("权利", "Rights"), lambda e: rights_text(e.register, e.rights)),
        Column("state", Text("状态", "State"), lambda e: Chip(e.lines[0].title, FACET_TONES[e.lines[0].facet]), Kind.CHIP),
        Column("entered", Text("登记日", "Entered on"), "entered_on", Kind.DAY),
        Column("until", Text("有效期至", "Valid until"), "valid_until", Kind.DAY),
    )
    options = tuple((r["id"], Text(r["title"]["zh"], r["title"]["en"])) for r in queries.registers())
    apply = Link(Text("申请首次登记", "Apply for first registration"), reverse("registry:choose"))
    shown = make_table(
        request, id="book", caption=Text("登记簿", "Account book"), columns=columns, rows=rows,
        search=lambda found, q: found, choices=(Choice("register", Text("登记簿", "Register"), options, register),),
        empty=Empty(Text("登记簿上还没有条目。", "The book has no entries yet."), apply),
    )  # fmt: skip
    if shown.wants_csv:
        return shown.csv_response()
    capped = len(rows) if rows.more else 0
    return render(request, "registry/book.html", {"table": shown, "apply": apply, "capped": capped})


@require_GET
def entry(request: HttpRequest, number: str) -> HttpResponse:
    shown = queries.entry_by_number(number, local_day(clock.now()))
    codes: list[str] = next((r["operations"] for r in queries.registers() if r["id"] == shown.register), [])
    page = {
        "entry": shown, "record": entry_record(shown), "facets": facet_chips(shown.lines),
        "rights": rights_text(shown.register, shown.rights), "events": entry_events(shown),
        "rows": particulars(shown.register, shown.object_kind, shown.form, public=True),
        "may_object": "objection" in codes, "ways": _ways(request, shown, codes), "marks": encumbrance_lines(shown.id),
        "parents": queries_book.parents_of(shown.id), "children": queries_book.children_of(shown.id),
        "origins": recognitions.origins_of(shown.id), "moves": moving.moves(outward=True, entry_id=shown.id),
        "links": queries_book.links_of(shown.id), "certificates": queries_book.certificates_of(shown.id),
        "kept": retention_line(retention.of_entry(shown, local_day(clock.now()))),
    }  # fmt: skip
    return render(request, "registry/entry.html", page)


def _ways(request: HttpRequest, shown: queries.EntryView, codes: list[str]) -> list[Link]:
    """What this reader may apply for about this entry."""
    known = operations(applications.rules_of(shown.register)).values()
    address = {op.code: reverse("registry:apply_for", args=[shown.register, op.code]) for op in known}
    return [
        Link(op.title, f"{address[op.code]}?entry={shown.number}")
        for op in known
        if op.code in codes and op.on is On.ENTRY and offered_to(request, op)
    ]


@require_GET
def notices(request: HttpRequest) -> HttpResponseBase:
    now = clock.now()
    columns = (
        Column("number", Text("编号", "Number"), kind=Kind.CODE, href=lambda n: reverse("registry:notice", args=[n.number])),
        Column("title", Text("名称", "Title"), order="x"),
        Column("applicant", Text("申请人", "Applicant"), lambda n: queries.holder_names(n.holders)),
        Column("register", Text("登记簿", "Register"), lambda n: register_title(n.register)),
        Column("from", Text("公示起", "From"), "noticed_on", Kind.DAY, order="x"),
        Column("until", Text("公示止", "Until"), "until", Kind.DAY, order="x"),
        Column("objections", Text("异议", "Objections"), "objections", Kind.NUMBER),
    )
    shown = make_table(
        request, id="notices", caption=Text("公示中的登记申请", "Applications under public notice"), columns=columns,
        rows=queries_notices.notices(now, limit=200), empty=Empty(Text("现在没有公示中的申请。", "Nothing is under notice now.")),
    )  # fmt: skip
    return shown.csv_response() if shown.wants_csv else render(request, "registry/notices.html", {"table": shown})


@require_http_methods(["GET", "POST"])
def verify(request: HttpRequest) -> HttpResponse:
    """By number, today or on an earlier day: how a credential of any kind stands. By file: every check of the offline
    verifier, then the same."""
    now = clock.now()
    asked = request.POST if request.method == "POST" else request.GET
    number, on = asked.get("number", "").strip(), asked.get("on", "").strip()
    form = VerifyForm(request.POST or None, request.FILES or None)
    page: dict[str, Any] = {"form": form, "number": number, "on": on, "latest": local_day(now)}
    digest = ""
    if request.method == "POST" and form.is_valid():
        content, verifier = form.cleaned_data["file"].read(), own_documents.verifier(now)
        if is_zip(content):
            return render(request, "registry/verify.html", page | _package(content, verifier, now))
        report = verify_pdf(content, verifier) if is_pdf(content) else verifier.document(content)
        told = report.as_dict("en" if language.current() == "en" else "zh")
        page |= {"report": told, "verdict": Chip(str(told["sentence"]), VERDICT_TONES[report.verdict])}
        shown = report.credential or {}
        page |= {"foreign": verifying.foreign(shown), "told": verifying.kind_told(shown)}
        subject = shown.get("credentialSubject")
        if report.verdict is not Verdict.FAILED and isinstance(subject, dict):
            number, digest = str(subject.get("number", "")), credential_digest(shown)
    if number:
        page |= _standing(number, on, digest, now)
    return render(request, "registry/verify.html", page)


# What a package from a stranger may unpack to, in bytes: it is read into memory.
_UNPACKED = 64 << 20


def _package(content: bytes, verifier: Verifier, now: datetime) -> dict[str, Any]:
    """The checks of an evidence package; as the offline verifier makes them."""
    side = 1 if language.current() == "en" else 0
    try:
        report = verify_package(read_zip(content, _UNPACKED), verifier.pins, now, verifier.join)
    except FormatError as error:
        why = (error.message("zh"), error.message("en"))
        report = PackageReport((Finding(1, TITLES[0], Outcome.FAILED, why),), now)
    checks = [
        {"n": f.n, "title": f.title[side], "outcome": f.outcome.value, "detail": f.detail[side]} for f in report.findings
    ]
    return {"report": {"checks": checks}, "verdict": Chip(VERDICTS[report.verdict][side], VERDICT_TONES[report.verdict])}


def _standing(number: str, on: str, digest: str, now: datetime) -> dict[str, Any]:
    try:
        day = verifying.read_day(on, now)
    except InputInvalid as error:
        return {"refused": error.field_errors["on"]}
    found = verifying.answer(number, day, now, digest)
    if found is None:
        return {"uploaded": True} if digest else {"unknown": number, "day": day, "mistyped": _mistyped(number)}
    lines = [(Chip(line.words, FACET_TONES[Facet(line.facet)]), line.article, line.reason) for line in found.standing.lines]
    rows = [(label, _plain(value)) for label, value in found.standing.rows]
    return {"found": found, "facets": lines, "standing": found.standing, "rows": rows}


def _mistyped(number: str) -> Pair | None:
    """Why it can be no number of any venue, its check character above all; None for one that may be."""
    try:
        parse_number(number)
    except BadIdentifier as error:
        return error.message("zh"), error.message("en")
    return None


def _plain(value: object) -> object:
    """Days as days: what a kind tells is text otherwise."""
    if isinstance(value, datetime):
        return local_day(value).isoformat()
    return value.isoformat() if isinstance(value, date) else value


@require_GET
def certificate_pdf(request: HttpRequest, number: str) -> HttpResponse:
    content = queries.certificate_pdf(number, language.current(), now=clock.now(), actor=getattr(request, "actor", None))
    response = HttpResponse(content, content_type="application/pdf")
    response["Content-Disposition"] = f'inline; filename="{number}.pdf"'
    return response


@require_GET
def certificate_json(request: HttpRequest, number: str) -> HttpResponse:
    """The credential, byte for byte as signed."""
    response = HttpResponse(queries.certificate_bytes(number), content_type="application/json")
    response["Content-Disposition"] = f'attachment; filename="{number}.json"'
    return response
