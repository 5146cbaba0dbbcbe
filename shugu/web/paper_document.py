"""What is printed, as plain values: a `Document` and its parts. No Django here."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

from shugu.kernel.text import Text

NO_TEXT = Text("", "")


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
    """The round red seal: venue around, a star, the purpose (`登记专用章`) below, a code at the foot. `use`: which of the
    venue's own seals it is (shugu.kernel.seals); `image`: that one's picture (PNG), pressed in place of the drawn seal."""

    venue: Text
    purpose: Text
    code: str = ""
    use: str = ""
    image: bytes = b""


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
