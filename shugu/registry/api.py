"""The register over JSON. Filings are private: every look at one is recorded; the book and notices are public."""

from __future__ import annotations

import base64
from typing import Any

from django.http import HttpRequest
from ninja import Field, Router

from shugu.kernel import clock
from shugu.kernel.cases import Actor
from shugu.kernel.errors import InputInvalid, NotFound
from shugu.kernel.workdays import local_day
from shugu.registry import (
    api_import,
    applications,
    queries,
    queries_book,
    queries_notices,
    queries_search,
    services,
    verifying,
    windows,
)
from shugu.registry.models import Filing, Window
from shugu.registry.queries import EntryView, HolderShare
from shugu.web.api import Strict, actor_of, key_of

router = Router()
router.add_router("", api_import.router)


class HolderIn(Strict):
    org: int
    parts: int


class ParentIn(Strict):
    """`entry` (a number) or `source`; `parts` of ten thousand."""

    entry: str = ""
    source: str = ""
    processing: str = ""
    parts: int = 0


class FilingIn(Strict):
    # `register` itself is a method of every schema.
    register_id: str = Field(alias="register")
    applicant_org: int | None = None
    title: str = ""
    object_kind: str = "data_product"
    rights: list[str] = []
    form: dict[str, str] = {}
    holders: list[HolderIn] = []
    reviewer_org: int | None = None
    operation: str = "first"
    entry: str = ""
    counterparty_org: int | None = None
    agent_org: int | None = None
    verifier_org: int | None = None
    lineage: list[ParentIn] = []
    mark: int | None = None


class WindowIn(Strict):
    filings: list[FilingIn]


class AppealIn(Strict):
    statement: str


class ActIn(Strict):
    input: dict[str, str | list[str]] = {}
    undertaking: str = ""


class MaterialIn(Strict):
    """`content` is base64."""

    material: str
    filename: str
    media_type: str
    content: str
    signers: int = 1


class QueryDocumentIn(Strict):
    """`answers` by field id of the regime; `copies` name their field as `material`."""

    answers: dict[str, str]
    copies: list[MaterialIn] = []


class ObjectionIn(Strict):
    ground: str
    statement: str


def _shares(rows: tuple[HolderShare, ...]) -> list[dict[str, int]]:
    return [{"org": s.org, "parts": s.parts} for s in rows]


def _filing(row: Filing) -> dict[str, Any]:
    shown = queries.filing_view(row)
    return {
        "id": shown.id, "number": shown.number, "case": shown.case_number, "register": shown.register, "state": shown.state,
        "operation": shown.operation,
        "title": shown.title, "object_kind": shown.object_kind, "applicant_org": shown.applicant,
        "reviewer_org": shown.reviewer, "rights": list(shown.rights), "holders": _shares(shown.holders),
        "form": dict(shown.form), "filed_at": shown.filed_at.isoformat(), "defects": list(shown.defects),
        "refusal_ground": shown.ground, "entry": shown.entry_number,
        "may_repeat": [{"entry": number, "why": why} for number, why in queries_search.repeated_by(row)],
    }  # fmt: skip


def _line(shown: EntryView) -> dict[str, Any]:
    """A line of the book as a list tells it."""
    return {
        "id": shown.id, "number": shown.number, "register": shown.register, "title": shown.title,
        "object_kind": shown.object_kind, "holder_org": shown.holder_org, "holders": _shares(shown.holders),
        "rights": list(shown.rights), "version": shown.version,
        "form": {n: a for n, a in shown.form.items() if n not in applications.secrets(shown.register)},
        "entered_on": shown.entered_on.isoformat(), "valid_until": shown.valid_until.isoformat(),
        "facets": [{"facet": line.facet.value, "article": line.article} for line in shown.lines],
        "certificate": shown.certificate_number,
    }  # fmt: skip


def _entry(shown: EntryView) -> dict[str, Any]:
    """The whole line: with what lies on it, what it was made from and what belongs to it."""
    return {
        **_line(shown),
        "encumbrances": [{"id": o.id, "kind": o.kind, "until": o.until.isoformat() if o.until else None, "article": o.article}
                         for o in queries_book.encumbrances(shown.id)],
        "parents": [{"entry": p.number, "title": p.title, "processing": p.processing, "parts": p.parts}
                    for p in queries_book.parents_of(shown.id)],
        "children": [number for number, _ in queries_book.children_of(shown.id)],
        "links": [{"kind": kind, "entry": number} for kind, number, _ in queries_book.links_of(shown.id)],
    }  # fmt: skip


def _upload(payload: MaterialIn) -> services.Upload:
    """Errors: InputInvalid."""
    try:
        content = base64.b64decode(payload.content, validate=True)
    except ValueError as error:
        raise InputInvalid(fields="content", field_errors={"content": ("不是 Base64", "not base64")}) from error
    return services.Upload(payload.material, payload.filename, payload.media_type, content)


def _found(number: str) -> Filing:
    row = Filing.objects.filter(number=number).first()
    if row is None:
        raise NotFound(what=(f"登记申请 {number}", f"filing {number}"))
    return row


@router.get("/registers")
def registers(request: HttpRequest) -> list[dict[str, Any]]:
    return queries.registers()


@router.post("/filings")
def submit_filing(request: HttpRequest, payload: FilingIn) -> dict[str, Any]:
    """Opens an application; file its materials, then act `submit` (or `commission`)."""
    actor = actor_of(request)
    return _filing(services.submit_filing(_command(payload, actor), actor=actor, now=clock.now(), key=key_of(request)))


def _command(payload: FilingIn, actor: Actor) -> services.SubmitFiling:
    return services.SubmitFiling(
        payload.register_id, payload.applicant_org or actor.org or 0, payload.title, payload.object_kind, tuple(payload.rights),
        payload.form, tuple((h.org, h.parts) for h in payload.holders), payload.reviewer_org, operation=payload.operation,
        entry_number=payload.entry, counterparty_org=payload.counterparty_org, agent_org=payload.agent_org,
        verifier_org=payload.verifier_org, mark=payload.mark,
        lineage=tuple(services.Parent(p.entry, p.source, p.processing, p.parts) for p in payload.lineage),
    )  # fmt: skip


def _window(row: Window) -> dict[str, Any]:
    return {
        "number": row.number, "case": row.case.number, "title": row.title, "received_at": row.received_at.isoformat(),
        "filings": [{"register": o.register, "filing": o.filing, "case": o.case_number, "state": o.state, "entry": o.entry}
                    for o in windows.outcomes(row)],
    }  # fmt: skip


@router.post("/windows")
def submit_window(request: HttpRequest, payload: WindowIn) -> dict[str, Any]:
    """One application to several registers under one receipt number."""
    actor = actor_of(request)
    cmd = services.SubmitWindow(tuple(_command(one, actor) for one in payload.filings))
    return _window(services.submit_window(cmd, actor=actor, now=clock.now(), key=key_of(request)))


@router.get("/windows/{number}")
def window(request: HttpRequest, number: str) -> dict[str, Any]:
    return _window(windows.window_of(number, actor_of(request)))


@router.post("/windows/{number}/materials")
def add_window_material(request: HttpRequest, number: str, payload: MaterialIn) -> dict[str, Any]:
    """The document goes to every application whose next step asks for it; `taken` says to how many."""
    upload = _upload(payload)
    cmd = services.AddWindowMaterial(number, upload)
    return {"taken": services.add_window_material(cmd, actor=actor_of(request), now=clock.now(), key=key_of(request))}


@router.post("/windows/{number}/{do}")
def act_on_window(request: HttpRequest, number: str, do: str, payload: ActIn) -> dict[str, Any]:
    """`submit` or `accept` in every application at once, all or none."""
    actor = actor_of(request)
    services.act_on_window(services.ActOnWindow(number, do, payload.input), actor=actor, now=clock.now(), key=key_of(request))
    return _window(windows.window_of(number, actor))


@router.post("/filings/{number}/appeal")
def file_appeal(request: HttpRequest, number: str, payload: AppealIn) -> dict[str, Any]:
    """To have a refusal looked at again, once and in time."""
    cmd = services.FileAppeal(number, payload.statement)
    row = services.file_appeal(cmd, actor=actor_of(request), now=clock.now(), key=key_of(request))
    return {"number": row.number, "case": row.case.number, "filed_at": row.filed_at.isoformat()}


@router.get("/accounts/{number}")
def account(request: HttpRequest, number: str) -> dict[str, Any]:
    """A holder's account, for itself and the venue's staff; the look is recorded."""
    row = services.look_at_account(services.LookAtAccount(number), actor=actor_of(request), now=clock.now())
    held = [e for e in queries.entries_of(row.org_id, local_day(clock.now())) if e.register == row.register]
    return {
        "number": row.number, "register": row.register, "org": row.org_id, "opened_on": row.opened_on.isoformat(),
        "changed_on": row.changed_on.isoformat() if row.changed_on else None,
        "closed_on": row.closed_on.isoformat() if row.closed_on else None, "entries": [_entry(e) for e in held],
    }  # fmt: skip


@router.post("/filings/{number}/query-document")
def hand_in_document(request: HttpRequest, number: str, payload: QueryDocumentIn) -> dict[str, Any]:
    """The document that entitles to a look; it opens this filing to the caller for the day."""
    cmd = services.HandInDocument(number, payload.answers, tuple(_upload(copy) for copy in payload.copies))
    row = services.hand_in_document(cmd, actor=actor_of(request), now=clock.now(), key=key_of(request))
    return {"number": row.number}


@router.get("/filings/{number}")
def filing(request: HttpRequest, number: str) -> dict[str, Any]:
    row = services.look_at_filing(services.LookAtFiling(number), actor=actor_of(request), now=clock.now())
    return _filing(row)


@router.post("/filings/{number}/materials")
def add_material(request: HttpRequest, number: str, payload: MaterialIn) -> dict[str, Any]:
    actor = actor_of(request)
    cmd = services.AddMaterial(_found(number).pk, _upload(payload), payload.signers)
    row = services.add_material(cmd, actor=actor, now=clock.now(), key=key_of(request))
    return {"id": row.pk, "material": row.material, "digest": row.digest, "size": row.size}


@router.post("/filings/{number}/{do}")
def act_on_filing(request: HttpRequest, number: str, do: str, payload: ActIn) -> dict[str, Any]:
    actor = actor_of(request)
    cmd = services.ActOnFiling(_found(number).pk, do, payload.input, payload.undertaking)
    return _filing(services.act_on_filing(cmd, actor=actor, now=clock.now(), key=key_of(request)))


@router.get("/entries")
def entries(
    request: HttpRequest, q: str = "", register_id: str = "", limit: int = 50, offset: int = 0
) -> list[dict[str, Any]]:
    """The newest lines that match, in the order of the book; `offset` up to 2,000: say more to find older ones."""
    found = queries.search_entries(q, register_id, limit=limit, offset=offset, on=local_day(clock.now()))
    return [_line(e) for e in found]


@router.get("/entries/{number}")
def entry(request: HttpRequest, number: str) -> dict[str, Any]:
    return _entry(queries.entry_by_number(number, local_day(clock.now())))


@router.get("/credentials/{number}")
def credential(request: HttpRequest, number: str, on: str = "", digest: str = "") -> dict[str, Any]:
    """How a credential of any kind stands, today or `on` an earlier day, and by which status lists. One that is between its
    parties is told to who knows its `digest` (SHA-256 of the credential)."""
    now = clock.now()
    found = verifying.answer(number, verifying.read_day(on, now), now, digest)
    if found is None:
        raise NotFound(what=(f"凭证 {number}", f"credential {number}"))
    return verifying.as_dict(found)


@router.get("/certificates/{number}")
def certificate(request: HttpRequest, number: str, on: str = "") -> dict[str, Any]:
    """As the register has it today, or on an earlier day."""
    shown = queries.certificate(number, verifying.read_day(on, clock.now()))
    return {
        "number": shown.number, "kind": shown.kind, "entry": shown.entry_number, "version": shown.version,
        "digest": shown.digest, "issued_at": shown.issued_at.isoformat(), "valid_until": shown.valid_until.isoformat(),
        "facets": [{"facet": line.facet.value, "article": line.article} for line in shown.lines],
        "credential": shown.credential,
    }  # fmt: skip


@router.get("/notices")
def notices(request: HttpRequest, limit: int = 50, offset: int = 0) -> list[dict[str, Any]]:
    return [
        {"number": n.number, "register": n.register, "title": n.title, "applicant_org": n.applicant,
         "holders": _shares(n.holders), "rights": list(n.rights), "form": dict(n.form), "from": n.noticed_on.isoformat(),
         "until": n.until.isoformat(), "open": n.open, "objections": n.objections}
        for n in queries_notices.notices(clock.now(), limit=max(min(limit, 200), 0), offset=max(offset, 0))
    ]  # fmt: skip


@router.post("/notices/{number}/objections")
def object_to_notice(request: HttpRequest, number: str, payload: ObjectionIn) -> dict[str, Any]:
    cmd = services.FileObjection(payload.ground, payload.statement, filing_number=number)
    row = services.file_objection(cmd, actor=actor_of(request), now=clock.now(), key=key_of(request))
    return {"number": row.number, "case": row.case.number, "filed_at": row.filed_at.isoformat()}
