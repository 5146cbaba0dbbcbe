"""A register's report to an authority, on paper, made from its credential alone."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

from shugu.formats.times import read_time
from shugu.kernel import documents, seals
from shugu.kernel.cases import Actor
from shugu.kernel.text import Text
from shugu.kernel.workdays import local_day
from shugu.registry.models import RegisterReport
from shugu.registry.shown import register_title
from shugu.web import short_links
from shugu.web.paper import Align, Document, Kind, Row, Seal, Section, Table, date_words
from shugu.web.printing import printed, venue_title


def _day(text: str) -> Text:
    day = date.fromisoformat(text)
    return Text(date_words(day, "zh"), date_words(day, "en"))


def _heading(text: str) -> str:
    """Rule files name reports in lower case, as within a sentence."""
    return text[:1].upper() + text[1:]


def _figure(value: object) -> str:
    return f"{value:,}" if isinstance(value, int) else str(value)


def document(credential: Mapping[str, Any], digest: str) -> Document:
    s = credential["credentialSubject"]
    first, last = _day(s["first_day"]), _day(s["last_day"])
    to = Text(s["to"]["zh"], s["to"]["en"])
    about = (
        Row(Text("登记簿", "Register"), register_title(s["register"])),
        Row(Text("报告期", "Period"), Text(f"{first.zh}至{last.zh}", f"{first.en} to {last.en}")),
        *((Row(Text("报送机关", "To"), to),) if to.zh else ()),
        *((Row(Text("依据", "Under"), s["article"]),) if s["article"] else ()),
    )
    rows = tuple((Text(f["zh"], f["en"]), _figure(f["value"])) for f in s["figures"])
    columns = (Text("指标", "Figure"), Text("数值", "Value"))
    return Document(
        kind=Kind.REPORT, title=Text(s["report"]["zh"], _heading(s["report"]["en"])), number=s["number"], issuer=venue_title(),
        issued_on=local_day(read_time(credential["validFrom"])),
        sections=(
            Section(Text("报告", "Report"), rows=about),
            Section(Text("登记情况", "Figures"), table=Table(columns, rows, (Align.LEFT, Align.RIGHT), (4, 1))),
            Section(Text("存证", "Evidence"), rows=(Row(Text("报告摘要", "This report"), f"sha256:{digest}", mono=True),)),
        ),
        seal=Seal(venue_title(), seals.PURPOSES["registration"], use="registration"),
        qr_url=short_links.address(s["number"]), demo=bool(s.get("demo")),
    )  # fmt: skip


def content(row: RegisterReport) -> bytes:
    """The credential as signed."""
    return documents.get(row.digest)


def report_pdf(row: RegisterReport, lang: str, *, now: datetime, actor: Actor) -> bytes:
    """Signed (shugu.web.printing)."""
    held = content(row)
    return printed(document(json.loads(held), row.digest), held, lang=lang, now=now, actor=actor)
