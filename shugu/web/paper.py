"""Printed documents: certificates, contracts, vouchers, reports, statements and notices as PDF.

A `Document` is plain values; `render` turns it into the bytes of a PDF, the same bytes for the same
document. Everything a person wrote reaches the typesetter as JSON data and never as source, so no
text can become markup. No Django here.
"""

from __future__ import annotations

import json
import re
import threading
import unicodedata
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, timezone
from enum import StrEnum
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

import noto_cjk_sans_otc
import segno
import typst

from shugu.kernel.text import Text

if TYPE_CHECKING:
    from collections.abc import Mapping

LAYOUTS = Path(__file__).parent / "paper"
# Times on paper are Beijing time: the venue and its readers sit in one zone without summer time.
BEIJING = timezone(timedelta(hours=8))
# In half-width characters of a page that holds about 95: beyond these a column takes a share instead.
SNUG_COLUMN = 26
SNUG_TABLE = 60
NO_TEXT = Text("", "")
DEMO_MARK = Text("演示 DEMO", "DEMO 演示")
# Direction overrides would let a name show other letters than it holds; they carry no meaning on paper.
_DIRECTION = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
_MONTHS = ("January", "February", "March", "April", "May", "June",
           "July", "August", "September", "October", "November", "December")

WORDS: Mapping[str, Text] = {
    "number": Text("编号", "No."),
    "issued": Text("签发日期", "Date of issue"),
    "verify": Text("扫码核验", "Scan to verify"),
    "page": Text("第 {page} 页 共 {pages} 页", "Page {page} of {pages}"),
    "demo": Text("演示环境文件，不具有法律效力", "Issued by a demonstration system; without legal effect"),
    "prevails": Text("译文仅供参考，以{language}文本为准", "Translation; the {language} text prevails"),
    "language_zh": Text("中文", "Chinese"),
    "language_en": Text("英文", "English"),
    "signatures": Text("签署", "Signatures"),
    "signed_at": Text("签署时间", "Signed at"),
    "key_id": Text("密钥标识", "Key id"),
    "algorithm": Text("签名算法", "Algorithm"),
    "signature": Text("签名值", "Signature"),
    "unsigned": Text("尚未签署", "Not yet signed"),
    "not_assessable": Text("不可评", "not assessable"),
    "end": Text("（以下无正文）", "(End of text)"),
}


class Kind(StrEnum):
    """The layout a document is set in; one typst file each."""

    CERTIFICATE = "certificate"
    CONTRACT = "contract"
    VOUCHER = "voucher"
    REPORT = "report"
    STATEMENT = "statement"
    NOTICE = "notice"


class Align(StrEnum):
    LEFT = "left"
    CENTRE = "center"
    RIGHT = "right"


Value = str | Text
"""What a person wrote (str, printed as it is) or what we wrote (Text, printed in the asked language)."""


@dataclass(frozen=True)
class Row:
    """One labelled value. `mono` sets identifiers and digests in a fixed-width face."""

    label: Text
    value: Value
    mono: bool = False


@dataclass(frozen=True)
class Table:
    """Cells by column; `weights` are relative widths (0: as wide as its content), all equal when empty.

    The header repeats on every page; `totals` is one last row, kept with the row before it.
    Raises ValueError when a row, the totals, `align` or `weights` do not have one cell for each column.
    """

    columns: tuple[Text, ...]
    rows: tuple[tuple[Value, ...], ...]
    align: tuple[Align, ...] = ()
    weights: tuple[int, ...] = ()
    totals: tuple[Value, ...] = ()

    def __post_init__(self) -> None:
        width = len(self.columns)
        if width == 0:
            raise ValueError("a table has at least one column")
        optional = [part for part in (self.align, self.weights, self.totals) if part]
        if any(len(part) != width for part in (*optional, *self.rows)):
            raise ValueError(f"a table of {width} columns has {width} cells in every row")


@dataclass(frozen=True)
class Clause:
    """A numbered clause; `number` is printed as given (`第一条`, `1.`)."""

    number: Text
    title: Text
    paragraphs: tuple[Value, ...]


@dataclass(frozen=True)
class Bar:
    """`value` out of `whole`, drawn to scale; `value` None is "not assessable", which is not zero.

    `figure` is the number as printed (`98.20%`); `note` stands beneath it.
    Raises ValueError outside 0 <= value <= whole, or for a whole that is not positive.
    """

    label: Text
    value: int | None
    whole: int
    figure: str = ""
    note: Value = ""

    def __post_init__(self) -> None:
        if self.whole <= 0 or (self.value is not None and not 0 <= self.value <= self.whole):
            raise ValueError(f"a bar shows 0 <= value <= whole, not {self.value} of {self.whole}")


@dataclass(frozen=True)
class Section:
    """A titled part; what it has is printed in this order: paragraphs, rows, bars, table, clauses."""

    title: Text
    paragraphs: tuple[Value, ...] = ()
    rows: tuple[Row, ...] = ()
    bars: tuple[Bar, ...] = ()
    table: Table | None = None
    clauses: tuple[Clause, ...] = ()


@dataclass(frozen=True)
class Seal:
    """The round red seal: venue around, a star, the purpose (`登记专用章`) below, a code at the foot."""

    venue: Text
    purpose: Text
    code: str = ""


@dataclass(frozen=True)
class Signature:
    """One signer's block. `signed_at` None leaves the block open; otherwise it is an aware time."""

    role: Text
    name: str
    signed_at: datetime | None = None
    key_id: str = ""
    algorithm: str = ""
    signature: str = ""

    def __post_init__(self) -> None:
        if self.signed_at is not None and self.signed_at.tzinfo is None:
            raise ValueError("a signing time is aware of its zone")


@dataclass(frozen=True)
class Document:
    """All that is printed. `language` is that of the text that prevails; another one is a translation.

    `addressee` stands first in a notice; `statement` is the sentence that certifies, in a certificate or
    voucher; `landscape` lays a certificate on its side; `watermark` runs across each page (a demo
    document always carries the demo mark instead).
    """

    kind: Kind
    title: Text
    number: str
    issuer: Text
    issued_on: date
    sections: tuple[Section, ...] = ()
    language: str = "zh"
    seal: Seal | None = None
    qr_url: str = ""
    demo: bool = False
    footer: Text = NO_TEXT
    watermark: Text | None = None
    statement: Text | None = None
    addressee: Value = ""
    signatures: tuple[Signature, ...] = ()
    landscape: bool = False


def render(document: Document, *, lang: str) -> bytes:
    """The PDF in `lang` ("zh…" or "en…"): CJK fonts embedded as subsets, tagged, dated `issued_on`.

    The same document gives the same bytes: no clock, no random identifier.
    """
    inputs = {"document": _json(document, lang)}
    # Midday in Beijing keeps the day the same for readers that show the date in their own zone.
    stamp = datetime.combine(document.issued_on, time(12), BEIJING).astimezone(UTC)
    with _ONE_AT_A_TIME:
        pdf = _compiler().compile(format="pdf", sys_inputs=inputs, timestamp=int(stamp.timestamp()))
    assert isinstance(pdf, bytes)
    return pdf


def preview(document: Document, *, lang: str, ppi: int = 96) -> tuple[bytes, ...]:
    """The same pages as PNG pictures, one each, for a thumbnail beside the download."""
    with _ONE_AT_A_TIME:
        pages = _compiler().compile(
            format="png", ppi=float(ppi), sys_inputs={"document": _json(document, lang)}
        )
    return (pages,) if isinstance(pages, bytes) else tuple(pages or ())


# The kept compiler holds one world (fonts, sources, inputs); two threads must not share it at once.
_ONE_AT_A_TIME = threading.Lock()


@lru_cache(maxsize=1)
def _compiler() -> typst.Compiler:
    """Built once a process: parsing the 19 MB font and the layouts is most of a cold render."""
    return typst.Compiler(
        LAYOUTS / "main.typ",
        root=LAYOUTS,
        font_paths=[Path(noto_cjk_sans_otc.__file__).parent],
        ignore_system_fonts=True,
    )


def _clean(text: str) -> str:
    """What a printer can set: no controls but the line feed, no direction overrides, no lone surrogates."""
    kept = []
    for char in unicodedata.normalize("NFC", text.replace("\r\n", "\n").replace("\t", " ")):
        category = unicodedata.category(char)
        if category == "Cs":
            kept.append("\ufffd")
        elif char == "\n" or (category != "Cc" and char not in _DIRECTION):
            kept.append(char)
    return "".join(kept)


def _say(value: Value, lang: str) -> str:
    return _clean(value.pick(lang) if isinstance(value, Text) else value)


def date_words(day: date, lang: str) -> str:
    """`2026年11月2日` or `2 November 2026`."""
    if lang.startswith("en"):
        return f"{day.day} {_MONTHS[day.month - 1]} {day.year}"
    return f"{day.year}年{day.month}月{day.day}日"


def _json(document: Document, lang: str) -> str:
    """The document as the layouts read it: one language, plain strings, numbers and lists."""
    lang = "en" if lang.startswith("en") else "zh"
    other = "zh" if lang == "en" else "en"
    words = {name: text.pick(lang) for name, text in WORDS.items()}
    authority = "en" if document.language.startswith("en") else "zh"
    prevails = words["prevails"].format(language=words[f"language_{authority}"]) if authority != lang else ""
    mark = DEMO_MARK if document.demo else document.watermark
    subtitle = _say(document.title, other)
    title = _say(document.title, lang)
    return json.dumps(
        {
            "kind": document.kind.value,
            "lang": lang,
            "title": title,
            "subtitle": subtitle if subtitle != title else "",
            "number": _clean(document.number),
            "issuer": _say(document.issuer, lang),
            "issued_on": date_words(document.issued_on, lang),
            "day": [document.issued_on.year, document.issued_on.month, document.issued_on.day],
            "sections": [_section(section, lang) for section in document.sections],
            "seal": _seal(document.seal),
            "qr": _qr(document.qr_url),
            "qr_url": _clean(document.qr_url),
            "demo": document.demo,
            "prevails": prevails,
            "footer": _say(document.footer, lang),
            "watermark": _say(mark, lang) if mark else "",
            "statement": _say(document.statement, lang) if document.statement else "",
            "addressee": _say(document.addressee, lang),
            "signatures": [_signature(each, lang) for each in document.signatures],
            "landscape": document.landscape,
            "words": words,
        },
        ensure_ascii=False,
    )


def _seal(seal: Seal | None) -> dict[str, str] | None:
    """A seal is one picture in every language: Chinese around, English when there is no Chinese."""
    if seal is None:
        return None
    return {
        "venue": _say(seal.venue, "zh").replace("\n", " ") or _say(seal.venue, "en"),
        "purpose": _say(seal.purpose, "zh"),
        "code": _clean(seal.code),
    }


def _qr(url: str) -> str:
    """An SVG of the address, error level M (15 %): readable when a seal or a fold touches it."""
    if not url:
        return ""
    svg = segno.make_qr(url, error="m").svg_inline(border=0, svgclass=None, lineclass=None, omitsize=True)
    return str(svg)


def _section(section: Section, lang: str) -> dict[str, object]:
    table = section.table
    return {
        "title": _say(section.title, lang),
        "paragraphs": [_say(each, lang) for each in section.paragraphs],
        "rows": [
            {"label": _say(row.label, lang), "value": _say(row.value, lang), "mono": row.mono}
            for row in section.rows
        ],
        "bars": [_bar(bar, lang) for bar in section.bars],
        "table": None if table is None else _table(table, lang),
        "clauses": [
            {
                "number": _say(clause.number, lang),
                "title": _say(clause.title, lang),
                "paragraphs": [_say(each, lang) for each in clause.paragraphs],
            }
            for clause in section.clauses
        ],
    }


def _bar(bar: Bar, lang: str) -> dict[str, str | int | None]:
    words = {"label": _say(bar.label, lang), "figure": _clean(bar.figure), "note": _say(bar.note, lang)}
    return {**words, "value": bar.value, "whole": bar.whole}


def _table(table: Table, lang: str) -> dict[str, object]:
    width = len(table.columns)
    columns = [_say(column, lang) for column in table.columns]
    rows = [[_say(cell, lang) for cell in row] for row in table.rows]
    totals = [_say(cell, lang) for cell in table.totals]
    return {
        "columns": columns,
        "align": [each.value for each in table.align] or [Align.LEFT.value] * width,
        "weights": _weights(table.weights or (1,) * width, [columns, *rows, totals]),
        "rows": rows,
        "totals": totals,
    }


def _half_widths(text: str) -> int:
    """Width in half-width characters: a Chinese character counts two."""
    return sum(2 if unicodedata.east_asian_width(char) in "WF" else 1 for char in text)


def _weights(weights: tuple[int, ...], rows: list[list[str]]) -> list[int]:
    """Weights the page can hold: a column as wide as its content must not starve its neighbours.

    Without this one long name would press the other columns to nothing and the table to hundreds of pages.
    """
    widest = [max((_half_widths(row[at]) for row in rows if row), default=0) for at in range(len(weights))]
    snug = [weight == 0 and wide <= SNUG_COLUMN for weight, wide in zip(weights, widest, strict=True)]
    if sum(wide for wide, fits in zip(widest, snug, strict=True) if fits) > SNUG_TABLE:
        snug = [False] * len(weights)
    return [0 if fits else max(weight, 1) for weight, fits in zip(weights, snug, strict=True)]


def _signature(each: Signature, lang: str) -> dict[str, str]:
    signed_at = each.signed_at
    return {
        "role": _say(each.role, lang),
        "name": _clean(each.name),
        "signed_at": "" if signed_at is None
        else f"{signed_at.astimezone(BEIJING):%Y-%m-%d %H:%M:%S} UTC+8",
        "key_id": _clean(each.key_id),
        "algorithm": _clean(each.algorithm),
        "signature": _clean(re.sub(r"\s+", "", each.signature)),
    }
