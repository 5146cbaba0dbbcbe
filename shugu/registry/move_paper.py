"""What this venue signed about a move, on paper for the holder: the transfer-out, the entry here, or the refusal."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

from shugu.formats.times import read_time
from shugu.kernel import documents, seals
from shugu.kernel.cases import Actor
from shugu.kernel.errors import NotFound
from shugu.kernel.text import Text
from shugu.kernel.workdays import local_day
from shugu.party import queries as parties
from shugu.registry import applications
from shugu.registry.models import Filing
from shugu.registry.models_federation import Move
from shugu.registry.moving import TRANSFER_IN, TRANSFER_OUT, TRANSFER_REFUSED
from shugu.registry.shown import particulars, register_title, rights_text
from shugu.web import short_links
from shugu.web.paper import NO_TEXT, Document, Kind, Row, Seal, Section, date_words
from shugu.web.printing import printed, venue_title

TITLES: Mapping[str, Text] = {
    TRANSFER_OUT: Text("登记条目迁出文书", "Transfer-Out of a Register Entry"),
    TRANSFER_IN: Text("登记条目迁入登簿文书", "Transfer-In of a Register Entry"),
    TRANSFER_REFUSED: Text("拒绝迁入文书", "Refusal of a Move"),
}


def signed(filing: Filing) -> str:
    """Digest of what this venue signed in this move; nothing for what is no move, or not so far yet."""
    move = Move.objects.filter(pk=filing.pk).first()
    if move is None:
        return ""
    return move.document if move.outward else move.answer


def _held(filing: Filing) -> tuple[bytes, str]:
    digest = signed(filing)
    if not digest:
        raise NotFound(what=("迁移文书", "document of a move"))
    return documents.get(digest), digest


def credential(filing: Filing) -> bytes:
    """As signed. Errors: NotFound."""
    return _held(filing)[0]


def _day(text: str) -> Text:
    day = date.fromisoformat(text)
    return Text(date_words(day, "zh"), date_words(day, "en"))


def document(filing: Filing, shown: Mapping[str, Any], digest: str) -> Document:
    """From the credential; the holder is named as on the day of issue."""
    s, kind = shown["credentialSubject"], str(shown["type"][1])
    issued = local_day(read_time(shown["validFrom"]))
    sections = _leaving(filing, s) if kind == TRANSFER_OUT else _answering(kind, filing, s)
    answered = s.get("transfer_out")
    proofs = (
        *((Row(Text("迁出文书摘要", "The transfer-out"), f"sha256:{answered}", mono=True),) if answered else ()),
        Row(Text("本文书摘要", "This document"), f"sha256:{digest}", mono=True),
    )
    return Document(
        kind=Kind.NOTICE, title=TITLES[kind], number=s["number"], issuer=venue_title(), issued_on=issued,
        addressee=parties.organisation(filing.applicant_id, issued).name,
        sections=(*sections, Section(Text("存证", "Evidence"), rows=proofs)),
        seal=Seal(venue_title(), seals.PURPOSES["registration"], use="registration"),
        qr_url=short_links.address(s["number"]), demo=bool(s.get("demo")),
    )  # fmt: skip


def _leaving(filing: Filing, s: Mapping[str, Any]) -> tuple[Section, ...]:
    entry = s["entry"]
    kinds = applications.object_kinds(entry["register"])
    lead = Text(
        f"贵单位申请将下列登记条目迁往 {s['to']}。经审核，准予迁出，该条目在本登记簿自即日起终止；对方登簿后以其证书为准，"
        "对方拒收的，凭其签署的拒绝文书恢复原条目。",
        f"You asked to move the entry below to {s['to']}. It is let go, and its line here ends today. Once entered there, the "
        "certificate given there counts; if it is refused there, the signed refusal lets the line stand again here.",
    )
    rows = (
        Row(Text("名称", "Title"), s["title"]), Row(Text("原登记簿", "Register here"), register_title(entry["register"])),
        Row(Text("原登记编号", "Number here"), entry["number"], mono=True),
        Row(Text("登记日期", "Entered on"), _day(entry["entered_on"])),
        Row(Text("种类", "Kind"), kinds.get(s["object_kind"], Text(s["object_kind"], s["object_kind"]))),
        Row(Text("权利", "Rights"), rights_text(entry["register"], s["rights"])),
        *(Row(Text("权利人", "Holder"), f"{h['name']}（{h['uscc']}）") for h in s["holders"]),
        Row(Text("有效期至", "Valid until"), _day(s["valid_until"])),
        Row(Text("迁往登记簿", "Register there"), s["target"], mono=True),
        Row(Text("申请编号", "Application"), s["filing"], mono=True),
    )  # fmt: skip
    asked = particulars(entry["register"], s["object_kind"], s["particulars"], public=True)
    told = tuple(Row(title, _value(answer)) for title, answer in asked)
    more = (Section(Text("登记事项", "Particulars"), rows=told),) if told else ()
    return (Section(NO_TEXT, paragraphs=(lead,)), Section(Text("迁出的条目", "The entry"), rows=rows), *more)


def _value(answer: object) -> str | Text:
    return answer if isinstance(answer, Text) else str(answer)


def _answering(kind: str, filing: Filing, s: Mapping[str, Any]) -> tuple[Section, ...]:
    entered = s["entry"]
    if kind == TRANSFER_IN:
        lead = Text(
            f"贵单位自 {s['to']} 迁来的登记条目已登入本登记簿，原条目不再恢复。",
            f"The entry that you moved here from {s['to']} is entered in this register; its line there does not stand again.",
        )
        rows: tuple[Row, ...] = (
            Row(Text("名称", "Title"), filing.title), Row(Text("登记簿", "Register"), register_title(entered["register"])),
            Row(Text("登记编号", "Registration"), entered["number"], mono=True),
        )  # fmt: skip
    else:
        lead = Text(
            f"自 {s['to']} 迁来的登记条目，本场所不予登簿，且不再受理同一迁出文书。原条目凭本文书在原场所恢复。",
            f"This venue does not enter the entry that comes from {s['to']} and takes the same transfer-out no more. On this "
            "document its line stands again there.",
        )
        rows = (Row(Text("名称", "Title"), filing.title), Row(Text("理由", "Reason"), entered["reason"]))
    return (Section(NO_TEXT, paragraphs=(lead,)), Section(Text("迁入", "The move"), rows=rows))


def move_pdf(filing: Filing, lang: str, *, now: datetime, actor: Actor) -> bytes:
    """Signed (shugu.web.printing). Errors: NotFound."""
    content, digest = _held(filing)
    return printed(document(filing, json.loads(content), digest), content, lang=lang, now=now, actor=actor)
