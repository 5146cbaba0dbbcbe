"""Bulk import of applications: a file is taken in, checked row by row, and opened as a whole or not at all.

The work is a job (import_jobs): whoever asked for it may leave. A job that dies begins anew; nothing of it was written.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import PurePath
from typing import Any

from shugu.kernel import documents, journal
from shugu.kernel.cases import Actor
from shugu.kernel.commands import command
from shugu.kernel.errors import Forbidden, InputInvalid, NotFound, Refused
from shugu.kernel.queries import name_fact
from shugu.registry import applications, import_jobs
from shugu.registry.import_rows import MEDIA_TYPES
from shugu.registry.models_import import Import
from shugu.registry.operations import Writes
from shugu.registry.submitting import Upload, open_register

name_fact("import.begun", "开始批量导入", "bulk import begun")
name_fact("import.done", "批量导入完成", "bulk import done")
name_fact("import.resumed", "继续批量导入", "bulk import taken up again")

BUSY = ("waiting", "checking", "importing", "moving")


class ImportBusy(Refused):
    code = "import.busy"
    sentence = ("批量导入 {number} 正在处理。", "Bulk import {number} is being worked on.")
    remedy = ("等待处理完成后再操作。", "Wait until it is done.")


class NotStopped(Refused):
    code = "import.not-stopped"
    sentence = ("批量导入 {number} 没有中断。", "Bulk import {number} has not stopped half-way.")
    remedy = ("无需继续；查看其状态。", "There is nothing to go on with; see its state.")


class NotImported(Refused):
    code = "import.not-imported"
    sentence = ("批量导入 {number} 没有导入任何申请。", "Bulk import {number} has brought in no application.")
    remedy = ("查看错误报告，改正后重新上传。", "See its report, correct the file and upload it again.")


@dataclass(frozen=True)
class BeginImport:
    """`mandate`: the holders' power for a registrar, or the papers common to all rows (sources, identity, declarations) in
    one file; it is filed with every application under each material that is not the application itself."""

    register: str
    filename: str
    content: bytes
    mandate: Upload | None = None
    dry_run: bool = False
    operation: str = applications.FIRST


@dataclass(frozen=True)
class MoveImport:
    """One step for every application of an import that stands where the step begins."""

    number: int
    do: str
    input: Mapping[str, Any] = field(default_factory=dict)
    undertaking: str = ""


@dataclass(frozen=True)
class ResumeImport:
    """Go on with an import whose job ended half-way: what was done stays done, the rest is taken up."""

    number: int


@command("registry.begin_import", ("批量导入登记申请", "import applications"))
def begin_import(cmd: BeginImport, *, actor: Actor, now: datetime) -> Import:
    """By a registrar with the holders' mandate, or by a holder for itself. The same file with the same papers is taken in
    once: as long as it was not refused, the earlier import is the answer.
    Errors: RegisterClosed, NotFound, Forbidden, InputInvalid."""
    open_register(cmd.register, cmd.operation)
    if actor.person is None or (actor.org is None and "registrar" not in actor.seats):
        raise Forbidden()
    media_type = _check(cmd, actor)
    digest = documents.put(cmd.content)
    mandate = _mandate(cmd.mandate)
    alike = Import.objects.filter(
        register=cmd.register, operation=cmd.operation, file_digest=digest, org=actor.org, dry_run=cmd.dry_run,
        mandate=mandate,
    )  # fmt: skip
    same = alike.exclude(state="refused").select_for_update().order_by("pk").first()
    if same is not None:
        if same.state in BUSY:
            import_jobs.import_job.defer(number=same.pk)  # should its worker have died: a second one finds the lock taken
        return same
    row = Import.objects.create(
        register=cmd.register, operation=cmd.operation, filename=PurePath(cmd.filename).name[-200:], media_type=media_type,
        file_digest=digest, mandate=mandate, person=actor.person, org=actor.org, dry_run=cmd.dry_run, begun_at=now,
    )  # fmt: skip
    journal.record(
        "import.begun", subject=f"registry.import:{row.pk}", actor=actor, now=now,
        data={"import": row.pk, "register": row.register, "dry_run": row.dry_run},
        digests={"file": digest, **({"mandate": mandate["digest"]} if mandate else {})},
    )  # fmt: skip
    import_jobs.import_job.defer(number=row.pk)
    return row


def _check(cmd: BeginImport, actor: Actor) -> str:
    """The media type of the file. Errors: InputInvalid."""
    errors: dict[str, tuple[str, str]] = {}
    media_type = MEDIA_TYPES.get(PurePath(cmd.filename).suffix.lower(), "")
    limit = applications.rules_of(cmd.register).value("registry.import_max_bytes").number
    if not media_type:
        errors["file"] = ("只接受 .csv 或 .xlsx", "only .csv and .xlsx are taken")
    elif not cmd.content:
        errors["file"] = ("文件是空的", "the file is empty")
    elif len(cmd.content) > limit:
        errors["file"] = (f"文件超过 {limit} 字节", f"the file exceeds {limit} bytes")
    elif not documents.is_what_it_claims(media_type, cmd.content) and media_type != MEDIA_TYPES[".csv"]:
        errors["file"] = ("内容不是 Excel 工作簿", "it is no Excel workbook")
    if actor.org is None and cmd.mandate is None and not cmd.dry_run:
        errors["mandate"] = ("代持有人导入须有授权文件", "a mandate is needed to import for holders")
    if applications.writes_of(cmd.register, cmd.operation) is not Writes.ENTER:
        errors["operation"] = ("只有登入新条目的事项可以批量导入", "only operations that enter new lines are imported")
    if errors:
        raise InputInvalid(fields="、".join(sorted(errors)), field_errors=errors)
    return media_type


def _mandate(paper: Upload | None) -> dict[str, Any]:
    if paper is None:
        return {}
    documents.check_upload(paper.filename, paper.media_type, paper.content)
    return {
        "filename": paper.filename[-200:], "media_type": paper.media_type, "size": len(paper.content),
        "digest": documents.put(paper.content),
    }  # fmt: skip


def visible(number: int, actor: Actor) -> Import:
    """The import for its holder and for the venue's registrars and reviewers. Errors: NotFound."""
    row = Import.objects.filter(pk=number).first()
    staff = bool(actor.seats & {"registrar", "reviewer", "auditor"})
    if row is None or not (staff or (row.org is not None and row.org == actor.org)):
        raise NotFound(what=(f"批量导入 {number}", f"import {number}"))
    return row


@command("registry.move_import", ("批量办理", "act on an import"))
def move_import(cmd: MoveImport, *, actor: Actor, now: datetime) -> Import:
    """Errors: NotFound, ImportBusy, NotImported, InputInvalid. What each case refuses is in the report of the work."""
    found = visible(cmd.number, actor)
    row = Import.objects.select_for_update().get(pk=found.pk)
    if row.state in BUSY:
        raise ImportBusy(number=str(row.pk))
    if row.state != "imported":
        raise NotImported(number=str(row.pk))
    given = import_jobs.checked_input(row.register, cmd.input)
    row.work = {
        "do": cmd.do, "input": given, "undertaking": cmd.undertaking, "person": actor.person, "org": actor.org, "moved": 0,
        "refused": 0, "report": "",
    }  # fmt: skip
    row.state, row.done, row.total = "moving", 0, 0
    row.save()
    import_jobs.move_job.defer(number=row.pk)
    return row


@command("registry.resume_import", ("继续批量导入", "go on with an import"))
def resume_import(cmd: ResumeImport, *, actor: Actor, now: datetime) -> Import:
    """Queue the job of a stopped import again; a second run does only what the first left.
    Errors: NotFound, NotStopped, ImportBusy while a worker is at it."""
    row = Import.objects.select_for_update().get(pk=visible(cmd.number, actor).pk)
    if row.state not in BUSY:
        raise NotStopped(number=str(row.pk))
    if import_jobs.is_held(row.pk):
        raise ImportBusy(number=str(row.pk))
    journal.record(
        "import.resumed", subject=f"registry.import:{row.pk}", actor=actor, now=now,
        data={"import": row.pk, "state": row.state, "do": str(row.work.get("do", ""))},
    )  # fmt: skip
    job = import_jobs.move_job if row.state == "moving" else import_jobs.import_job
    job.defer(number=row.pk)
    return row


def stopped(row: Import) -> bool:
    """Whether the import is under way and nobody works on it: its worker died, or has not taken it up yet."""
    return row.state in BUSY and not import_jobs.is_held(row.pk)
