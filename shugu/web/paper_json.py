"""A document as the layouts read it: one language, plain strings, numbers and lists, as JSON. No Django here."""

from __future__ import annotations

import json
import re
import unicodedata
from base64 import b64encode
from collections.abc import Mapping
from datetime import date, timedelta, timezone

import segno

from shugu.kernel.text import Text
from shugu.web.paper_document import Align, Bar, Document, Seal, Section, Signature, Table, Value

# Times on paper are Beijing time: the venue and its readers sit in one zone without summer time.
BEIJING = timezone(timedelta(hours=8))
# In half-width characters of a page that holds about 95: beyond these a column takes a share instead.
SNUG_COLUMN = 26
SNUG_TABLE = 60
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


def as_json(document: Document, lang: str) -> str:
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
        "image": _picture(seal.image) if seal.image else "",
    }


def _picture(png: bytes) -> str:
    """An SVG around the picture: JSON holds no bytes, and the typesetter reads the picture out of this."""
    width, height = (int.from_bytes(png[at : at + 4], "big") for at in (16, 20))
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}">'
        f'<image width="{width}" height="{height}" href="data:image/png;base64,{b64encode(png).decode()}"/></svg>'
    )


def _qr(url: str) -> str:
    """An SVG of the address, error level Q (a quarter may be lost): readable when a seal, a stain or a fold touches it."""
    if not url:
        return ""
    svg = segno.make_qr(url, error="q").svg_inline(border=0, svgclass=None, lineclass=None, omitsize=True)
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
