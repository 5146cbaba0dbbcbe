"""What somebody does to a signed PDF who knows the format: additions, exchanged parts, pieces cut off."""

from __future__ import annotations

import io
import random
from collections.abc import Callable, Sequence

from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.generic import pdf_name
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter

from shugu.formats.pdf_signature import locate

Way = tuple[str, Callable[[bytes, random.Random], bytes]]


def _added(data: bytes, change: Callable[[IncrementalPdfFileWriter], None]) -> bytes:
    """The file as it is with an addition behind it: what it covered stays byte for byte."""
    writer = IncrementalPdfFileWriter(io.BytesIO(data))
    change(writer)
    out = io.BytesIO()
    writer.write(out)
    return out.getvalue()


def another_page(data: bytes, draw: random.Random) -> bytes:
    """The first page shows something else."""

    def change(writer: IncrementalPdfFileWriter) -> None:
        page, _ = writer.find_page_for_modification(0)
        told = f"BT /F1 12 Tf 72 {draw.randint(200, 700)} Td (1,000,000.00) Tj ET".encode()
        page.get_object()[pdf_name("/Contents")] = writer.add_object(generic.StreamObject(stream_data=told))
        writer.mark_update(page)

    return _added(data, change)


def a_note(data: bytes, draw: random.Random) -> bytes:
    """A note is laid over the page."""

    def change(writer: IncrementalPdfFileWriter) -> None:
        page, _ = writer.find_page_for_modification(0)
        note = generic.DictionaryObject({
            pdf_name("/Type"): pdf_name("/Annot"), pdf_name("/Subtype"): pdf_name("/FreeText"),
            pdf_name("/Rect"): generic.ArrayObject(generic.NumberObject(n) for n in (0, 0, 300, draw.randint(20, 300))),
            pdf_name("/Contents"): generic.TextStringObject("已注销"),
        })  # fmt: skip
        page.get_object()[pdf_name("/Annots")] = generic.ArrayObject([writer.add_object(note)])
        writer.mark_update(page)

    return _added(data, change)


def other_credential(data: bytes, draw: random.Random) -> bytes:
    """The attached credential says something else."""

    def change(writer: IncrementalPdfFileWriter) -> None:
        files = writer.root["/Names"]["/EmbeddedFiles"]["/Names"]
        spec = files[1].get_object() if hasattr(files[1], "get_object") else files[1]
        stream = spec["/EF"].raw_get("/F")
        other = generic.StreamObject(stream_data=b'{"forged":%d}' % draw.randrange(1000))
        spec["/EF"][pdf_name("/F")] = writer.add_object(other)
        writer.update_container(spec["/EF"])
        assert stream is not None

    return _added(data, change)


def other_title(data: bytes, draw: random.Random) -> bytes:
    def change(writer: IncrementalPdfFileWriter) -> None:
        writer.set_info(generic.DictionaryObject({pdf_name("/Keywords"): generic.TextStringObject(f"CER-{draw.randrange(9)}")}))

    return _added(data, change)


def behind_the_end(data: bytes, draw: random.Random) -> bytes:
    return data + draw.choice((b"\n", b"%%EOF\n", draw.randbytes(draw.randint(1, 40))))


def cut_off(data: bytes, draw: random.Random) -> bytes:
    return data[: draw.randrange(1, len(data))]


def in_the_container(data: bytes, draw: random.Random) -> bytes:
    """A hexadecimal digit of the signature's own container, spelt otherwise or changed."""
    start, end = locate(data).hole
    at = draw.choice([n for n in range(start + 1, end - 1) if data[n : n + 1].isalpha()])
    other = draw.choice((data[at : at + 1].swapcase(), b"0", b" "))
    return data[:at] + other + data[at + 1 :]


def signature_of(other: bytes) -> Callable[[bytes, random.Random], bytes]:
    """The container of another paper of the same venue in place of its own."""

    def way(data: bytes, draw: random.Random) -> bytes:
        (start, end), (first, last) = locate(data).hole, locate(other).hole
        theirs = other[first + 1 : last - 1].rstrip(b"0")[: end - start - 2]
        return data[: start + 1] + theirs.ljust(end - start - 2, b"0") + data[end - 1 :]

    return way


def ways(other: bytes) -> Sequence[Way]:
    return (
        ("another page in an addition", another_page), ("a note in an addition", a_note),
        ("another credential in an addition", other_credential), ("another number in an addition", other_title),
        ("bytes behind the end", behind_the_end), ("cut off", cut_off), ("a digit of the container", in_the_container),
        ("the signature of another paper", signature_of(other)),
    )  # fmt: skip
