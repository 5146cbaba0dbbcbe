"""A look at what is not public by whoever comes with a document: its number, organ and scope are recorded first.

A regime asks for it by `registry.query_document_fields` (T/TJIFA003 6.3.5); a field whose id ends in `_copy` is a file.
A document opens one filing to the one person who handed it in, on the day it was handed in.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from shugu.kernel import documents, journal
from shugu.kernel.cases import Actor
from shugu.kernel.commands import command
from shugu.kernel.errors import InputInvalid, NotFound, Refused
from shugu.kernel.models import Fact
from shugu.kernel.queries import name_fact
from shugu.kernel.text import Text
from shugu.kernel.workdays import local_day
from shugu.registry import applications, queries
from shugu.registry.models import Filing
from shugu.registry.submitting import Upload

name_fact("filing.query_document", "登记查询文件", "document for a query handed in")

GROUND = "judicial"
COPY = "_copy"
_LONGEST = 300


class DocumentNeeded(Refused):
    code = "query-document-needed"
    sentence = ("查询 {filing} 须先登记所持的法律文件。", "To look at {filing}, first hand in the document that entitles you.")
    remedy = ("填写文件编号、出具机关和查询范围，并附文件副本。", "Give its number, organ and scope, and attach a copy.")


@dataclass(frozen=True)
class DocumentField:
    id: str
    title: Text

    @property
    def is_copy(self) -> bool:
        return self.id.endswith(COPY)


@dataclass(frozen=True)
class HandInDocument:
    """`answers` by field id; `copies` the files of the fields that are copies."""

    filing: str
    answers: Mapping[str, str]
    copies: tuple[Upload, ...] = ()


def document_fields(register: str) -> tuple[DocumentField, ...]:
    """What is asked of whoever looks on a document; empty where the regime asks for none."""
    rule = applications.rules_of(register).get("registry.query_document_fields")
    if rule is None:
        return ()
    return tuple(DocumentField(str(r["id"]), Text(str(r["zh"]), str(r["en"]))) for r in rule.rows)


def require_document(row: Filing, ground: str | None, actor: Actor, now: datetime) -> None:
    """Errors: DocumentNeeded when the ground is a document and this person has handed in none today."""
    if ground != GROUND or not document_fields(row.register):
        return
    handed_in = Fact.objects.filter(
        name="filing.query_document", subject=f"registry.filing:{row.pk}", person=actor.person, effective_on=local_day(now)
    )
    if not handed_in.exists():
        raise DocumentNeeded(filing=row.number, article=_article(row.register))


def _article(register: str) -> str:
    return applications.rules_of(register).value("registry.query_grounds").article


@command("registry.hand_in_query_document", ("登记查询文件", "hand in the document for a query"))
def hand_in_document(cmd: HandInDocument, *, actor: Actor, now: datetime) -> Filing:
    """Errors: NotFound unless the actor's seat may look on a document at all; InputInvalid, every field at once."""
    row = Filing.objects.filter(number=cmd.filing).first()
    if row is None or queries.ground_to_look(row, actor) != GROUND:
        raise NotFound(what=(f"登记申请 {cmd.filing}", f"filing {cmd.filing}"))
    fields = document_fields(row.register)
    _check(cmd, fields)
    digests = {}
    for upload in cmd.copies:
        documents.check_upload(upload.filename, upload.media_type, upload.content)
        digests[upload.material] = documents.put(upload.content)
    journal.record(
        "filing.query_document", subject=f"registry.filing:{row.pk}", actor=actor, now=now,
        data={"filing": row.number, "document": {f.id: cmd.answers[f.id].strip() for f in fields if not f.is_copy}},
        digests=digests,
    )  # fmt: skip
    return row


def _check(cmd: HandInDocument, fields: tuple[DocumentField, ...]) -> None:
    errors: dict[str, tuple[str, str]] = {}
    sent = {upload.material for upload in cmd.copies}
    for field in fields:
        if field.is_copy:
            if field.id not in sent:
                errors[field.id] = ("须附文件副本", "attach a copy of the document")
            continue
        answer = cmd.answers.get(field.id, "").strip()
        if not answer or len(answer) > _LONGEST:
            errors[field.id] = (f"必填，不超过 {_LONGEST} 字", f"required, at most {_LONGEST} characters")
    known = {field.id for field in fields}
    for unknown in (set(cmd.answers) | sent) - known:
        errors[unknown] = ("没有这一项", "there is no such field")
    if errors:
        raise InputInvalid(fields="、".join(sorted(errors)), field_errors=errors)
