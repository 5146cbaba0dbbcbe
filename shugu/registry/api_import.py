"""Bulk import over the API: the file as multipart, the state and report as JSON, one step for the whole batch."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from ninja import File, Form, Router
from ninja.files import UploadedFile

from shugu.kernel import clock, documents
from shugu.kernel.errors import NotFound
from shugu.registry import importing, queries_import
from shugu.registry.importing import BeginImport, MoveImport, ResumeImport
from shugu.registry.models_import import Import
from shugu.registry.submitting import Upload
from shugu.web.api import Strict, actor_of, key_of

router = Router()


class MoveIn(Strict):
    do: str
    input: dict[str, str | list[str]] = {}
    undertaking: str = ""


def _told(row: Import) -> dict[str, Any]:
    work = row.work
    return {
        "id": row.pk, "register": row.register, "filename": row.filename, "file_digest": row.file_digest, "state": row.state,
        "dry_run": row.dry_run, "done": row.done, "total": row.total, "errors": row.errors, "warnings": row.warnings,
        "problems": row.problems, "begun_at": row.begun_at.isoformat(),
        "standing": [{"state": {"zh": c.state.zh, "en": c.state.en}, "count": c.count} for c in queries_import.counts(row)],
        "work": {k: work[k] for k in ("do", "moved", "refused") if k in work},
    }  # fmt: skip


@router.post("/imports")
def begin_import(
    request: HttpRequest,
    file: File[UploadedFile],
    mandate: File[UploadedFile | None] = None,
    # `register` itself is a method of every schema.
    register_id: str = Form(),  # type: ignore[type-arg]
    dry_run: Form[bool] = False,
) -> dict[str, Any]:
    """Takes a .csv or .xlsx in; the work goes on after the answer. The same file with the same papers is taken in once."""
    paper = Upload("mandate", mandate.name or "", mandate.content_type or "", mandate.read()) if mandate else None
    cmd = BeginImport(register_id, file.name or "", file.read(), paper, dry_run)
    return _told(importing.begin_import(cmd, actor=actor_of(request), now=clock.now(), key=key_of(request)))


@router.get("/imports/{number}")
def one_import(request: HttpRequest, number: int) -> dict[str, Any]:
    """How far it is, and the first problems; the report has all."""
    return _told(importing.visible(number, actor_of(request)))


@router.get("/imports/{number}/report")
def import_report(request: HttpRequest, number: int) -> HttpResponse:
    """Every problem of every row, as CSV."""
    row = importing.visible(number, actor_of(request))
    if not row.report:
        raise NotFound(what=("报告", "report"))
    return HttpResponse(documents.get(row.report), content_type="text/csv; charset=utf-8")


@router.post("/imports/{number}/move")
def move_import(request: HttpRequest, number: int, payload: MoveIn) -> dict[str, Any]:
    """One step for every application that stands where it begins."""
    cmd = MoveImport(number, payload.do, payload.input, payload.undertaking)
    return _told(importing.move_import(cmd, actor=actor_of(request), now=clock.now(), key=key_of(request)))


@router.post("/imports/{number}/resume")
def resume_import(request: HttpRequest, number: int) -> dict[str, Any]:
    """Go on with an import whose worker died half-way."""
    return _told(importing.resume_import(ResumeImport(number), actor=actor_of(request), now=clock.now(), key=key_of(request)))
