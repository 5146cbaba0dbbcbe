"""Printed documents: certificates, contracts, vouchers, reports, statements and notices as PDF/A-3a and PDF/UA-1.

A `Document` is plain values; `render` turns it into the bytes of a PDF, the same bytes for the same
document. Everything a person wrote reaches the typesetter as JSON data and never as source, so no
text can become markup. No Django here; `shugu.web.printing` signs what is printed.
"""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, time
from functools import lru_cache
from hashlib import sha256
from importlib.metadata import version
from pathlib import Path
from typing import Final, Literal

import noto_cjk_sans_otc
import typst

from shugu.web.paper_document import (
    NO_TEXT,
    Align,
    Bar,
    Clause,
    Document,
    Kind,
    Row,
    Seal,
    Section,
    Signature,
    Table,
    Value,
)
from shugu.web.paper_json import BEIJING, as_json, date_words

__all__ = [
    "NO_TEXT", "Align", "Attachment", "Bar", "Clause", "Document", "Kind", "Row", "Seal", "Section", "Signature", "Table",
    "Value", "date_words", "layouts_digest", "preview", "render",
]  # fmt: skip

LAYOUTS = Path(__file__).parent / "paper"
Standard = Literal["a-3a", "a-3b", "ua-1"]
# Archival with the credential attached (ISO 19005-3, level A: tagged), and readable aloud (PDF/UA-1, ISO 14289-1).
STANDARDS: Final[tuple[Standard, ...]] = ("a-3a", "ua-1")
# Of a text in which a heading holds not one letter nothing can be read aloud: it is printed all the same, archival only.
ARCHIVAL: Final[tuple[Standard, ...]] = ("a-3b",)
# What no face has a glyph for is printed as the printers' mark for a missing sort (U+3013); PDF/A allows no empty box.
MISSING = "〓"
_NO_GLYPH = re.compile(r'the text `"((?:[^"\\]|\\.)*)"` could not be displayed')
_ESCAPED = re.compile(r"\\u\{([0-9a-f]+)\}")
_TRIES = 4


@dataclass(frozen=True)
class Attachment:
    """A JSON file within the PDF, associated with it (PDF/A-3): `relationship` is "source", "data" or "supplement"."""

    name: str
    text: str
    relationship: str
    description: str


def render(document: Document, *, lang: str, attached: Sequence[Attachment] = ()) -> bytes:
    """The PDF in `lang` ("zh…" or "en…"): CJK fonts embedded as subsets, tagged, dated `issued_on`.

    The same document with the same attachments gives the same bytes: no clock, no random identifier.
    """
    # Midday in Beijing keeps the day the same for readers that show the date in their own zone.
    stamp = datetime.combine(document.issued_on, time(12), BEIJING).astimezone(UTC)
    files = json.dumps([asdict(each) for each in attached], ensure_ascii=False)
    values, standards = as_json(document, lang), STANDARDS
    for left in reversed(range(_TRIES)):
        try:
            with _ONE_AT_A_TIME:
                pdf = _compiler().compile(
                    format="pdf", sys_inputs={"document": values, "attached": files},
                    timestamp=int(stamp.timestamp()), pdf_standards=list(standards),
                )  # fmt: skip
        except typst.TypstError as error:
            missing = _without_glyph(error)
            if "PDF/UA" in str(error.diagnostic) and standards is not ARCHIVAL and left:
                standards = ARCHIVAL
                continue
            if not missing or not left:
                raise
            for each in missing:
                values = values.replace(each, MISSING if each.isprintable() else "")
        else:
            break
    assert isinstance(pdf, bytes)
    return pdf


def _without_glyph(error: typst.TypstError) -> list[str]:
    """The texts that no face can print, longest first, from the typesetter's own words."""
    found = {_ESCAPED.sub(lambda m: chr(int(m[1], 16)), text) for text in _NO_GLYPH.findall(str(error.diagnostic))}
    return sorted((text for text in found if text), key=lambda text: (-len(text), text))


@lru_cache(maxsize=1)
def layouts_digest() -> str:
    """SHA-256 over typesetter, standards and layouts: another release may print the same document differently."""
    layouts = (path.name.encode() + path.read_bytes() for path in sorted(LAYOUTS.glob("*.typ")))
    parts = [version("typst").encode(), *(name.encode() for name in STANDARDS), *layouts]
    return sha256(b"\0".join(parts)).hexdigest()


def preview(document: Document, *, lang: str, ppi: int = 96) -> tuple[bytes, ...]:
    """The same pages as PNG pictures, one each, for a thumbnail beside the download."""
    with _ONE_AT_A_TIME:
        pages = _compiler().compile(
            format="png", ppi=float(ppi), sys_inputs={"document": as_json(document, lang), "attached": "[]"}
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
