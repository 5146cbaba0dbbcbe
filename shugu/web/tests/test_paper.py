from __future__ import annotations

import hashlib
import re
import subprocess
import sys
import threading
import zlib
from dataclasses import replace
from datetime import date, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shugu.kernel.text import Text
from shugu.web.paper import (
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
    date_words,
    preview,
    render,
)
from shugu.web.tests.paper_samples import CERTIFICATE, CONTRACT, NOTICE, REPORT, SAMPLES, VOUCHER, statement

LANGS = ("zh", "en")


def opened(pdf: bytes) -> bytes:
    """The file with every deflated stream inflated after it, so that names and maps can be searched."""
    parts = [pdf]
    for match in re.finditer(rb"stream\r?\n", pdf):
        try:
            parts.append(zlib.decompressobj().decompress(pdf[match.end():]))
        except zlib.error:
            continue  # an image or a font program that is not deflated
    return b"\n".join(parts)


def page_count(pdf: bytes) -> int:
    return len(re.findall(rb"/Type\s*/Page\b(?!s)", opened(pdf)))


def readable(pdf: bytes) -> set[str]:
    """Every character a reader can copy out: the targets of the fonts' ToUnicode maps."""
    found: set[str] = set()
    for block in re.findall(rb"beginbf(?:char|range)(.*?)endbf", opened(pdf), re.S):
        for line in block.splitlines():
            codes = re.findall(rb"<([0-9A-Fa-f]+)>", line)
            if len(codes) == 2:
                found.update(bytes.fromhex(codes[1].decode()).decode("utf-16-be"))
            elif len(codes) == 3:
                first, last = int(codes[0], 16), int(codes[1], 16)
                found.update(chr(int(codes[2], 16) + step) for step in range(last - first + 1))
    return found


@pytest.mark.parametrize("lang", LANGS)
@pytest.mark.parametrize("document", SAMPLES, ids=lambda d: d.kind.value)
def test_each_layout_is_a_pdf_with_the_cjk_font_embedded_as_a_subset(document: Document, lang: str) -> None:
    pdf = render(document, lang=lang)
    assert pdf.startswith(b"%PDF-")
    assert pdf.rstrip().endswith(b"%%EOF")
    assert re.search(rb"/[A-Z]{6}\+NotoSansCJK", opened(pdf))
    assert len(pdf) < 250_000, "the whole font has 19 MB: only the glyphs used belong in the file"


@pytest.mark.parametrize("document", SAMPLES, ids=lambda d: d.kind.value)
def test_what_is_printed_can_be_copied_out_again(document: Document) -> None:
    wanted = set(document.title.zh + document.issuer.zh + document.number + document.title.en) - {" "}
    assert wanted <= readable(render(document, lang="zh"))


def test_it_prints_the_asked_language() -> None:
    rows = (Row(Text("甲乙丙", "Quux"), Text("丁戊己", "Zyzzy")),)
    document = replace(CERTIFICATE, sections=(Section(Text("庚", "W"), rows=rows),))
    zh, en = readable(render(document, lang="zh")), readable(render(document, lang="en"))
    assert set("甲乙丙丁戊己庚") <= zh
    assert not set("甲乙丙丁戊己庚") & en
    assert set("QuxZyz") <= en


@pytest.mark.parametrize("document", SAMPLES, ids=lambda d: d.kind.value)
def test_the_same_document_gives_the_same_bytes(document: Document) -> None:
    first = render(document, lang="zh")
    render(document, lang="en")  # another document between them leaves no trace
    assert render(document, lang="zh") == first


def test_another_process_gives_the_same_bytes() -> None:
    program = (
        "import sys, hashlib; from shugu.web.paper import render;"
        "from shugu.web.tests.paper_samples import CERTIFICATE;"
        "print(hashlib.sha256(render(CERTIFICATE, lang='zh')).hexdigest())"
    )
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == hashlib.sha256(render(CERTIFICATE, lang="zh")).hexdigest()


def test_another_number_date_or_seal_gives_other_bytes() -> None:
    base = render(CERTIFICATE, lang="zh")
    assert CERTIFICATE.seal is not None
    others = (
        replace(CERTIFICATE, number="YL-DPR-2026-000318"),
        replace(CERTIFICATE, issued_on=date(2026, 11, 3)),
        replace(CERTIFICATE, seal=replace(CERTIFICATE.seal, code="5201000042318")),
        replace(CERTIFICATE, seal=None),
        replace(CERTIFICATE, qr_url=""),
        replace(CERTIFICATE, demo=True),
        replace(CERTIFICATE, landscape=True),
    )
    pages = {render(each, lang="zh") for each in others}
    assert len(pages) == len(others)
    assert base not in pages


def test_the_file_carries_the_day_of_issue_and_no_other() -> None:
    dates = set(re.findall(rb"D:(\d{8})", opened(render(CERTIFICATE, lang="zh"))))
    assert dates == {b"20261102"}


def test_a_demo_document_says_so_whatever_watermark_was_asked() -> None:
    real = replace(VOUCHER, watermark=Text("副本", "COPY"))
    assert {"副", "本"} <= readable(render(real, lang="zh"))
    assert not {"演", "示"} & readable(render(real, lang="zh"))
    demo = readable(render(replace(real, demo=True), lang="zh"))
    assert {"演", "示", "法", "律", "效", "力"} <= demo
    assert "副" not in demo


def test_a_demo_seal_is_marked_even_without_page_marks() -> None:
    demo = readable(render(replace(CERTIFICATE, demo=True), lang="en"))
    assert {"演", "示"} <= demo


def test_a_translation_says_which_text_prevails() -> None:
    plain = replace(NOTICE, sections=(), demo=False)
    assert {"译", "文", "准"} <= readable(render(replace(plain, language="en"), lang="zh"))
    assert "译" not in readable(render(replace(plain, language="zh"), lang="zh"))


@pytest.mark.parametrize(("lines", "pages"), [(1, 1), (60, 3), (400, 11)])
def test_a_long_table_breaks_over_pages(lines: int, pages: int) -> None:
    pdf = render(statement(lines), lang="zh")
    assert page_count(pdf) == pages == len(preview(statement(lines), lang="zh", ppi=20))


def test_a_certificate_lies_on_its_side_when_asked() -> None:
    boxes = re.compile(rb"/MediaBox\s*\[([^\]]*)\]")
    upright, lying = (
        boxes.findall(opened(render(replace(CERTIFICATE, landscape=side), lang="zh")))
        for side in (False, True)
    )
    width, height = (float(part) for part in upright[0].split()[2:])
    assert width < height
    assert [float(part) for part in lying[0].split()[2:]] == [height, width]


HOSTILE = (
    '#read("/etc/passwd") #import "x.typ" #panic("no") $ sum_(i=0)^n $',
    "*bold* _it_ `raw` ```block``` <label> @ref = heading\n- list\n+ enum // gone /* gone",
    "\\u{41} \\ ~ -- --- ... 'quotes' \"double\" ] } ) [ { (",
    "emoji 🧾👩‍👩‍👧‍👦🇨🇳 and 𠮷 and combining e\u0301\u0301\u0301",
    "שלום עולם مرحبا بالعالم mixed with 中文",
    "\u202eevil\u202c \u0000\u0007\x1b[31m \ud800 lone",
    "long" * 2000,
    "长" * 3000,
    "",
    "\n\n\n",
)


@pytest.mark.parametrize("kind", list(Kind))
@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_hostile_text_is_only_ever_text(text: str, kind: Kind) -> None:
    pdf = render(filled_with(text[:200], kind), lang="zh")
    assert pdf.startswith(b"%PDF-")
    assert page_count(pdf) <= 7, "a long name must not press a column to nothing"


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_a_very_long_value_flows_over_pages(text: str) -> None:
    long = replace(REPORT, sections=(Section(Text("甲", "A"), paragraphs=(text * 3,)),))
    assert page_count(render(long, lang="en")) >= 1


def filled_with(text: str, kind: Kind) -> Document:
    """A document in which every place that takes a person's words holds `text`."""
    both = Text(text, text)
    return Document(
        kind=kind, title=both, number=text, issuer=both, issued_on=date(2026, 1, 2), qr_url="https://e.example",
        sections=(
            Section(
                both, paragraphs=(text,), rows=(Row(both, text), Row(both, text, mono=True)),
                bars=(Bar(both, 1, 3, text, text), Bar(both, None, 3)),
                table=Table((both, both), ((text, both),), (Align.LEFT, Align.RIGHT), (0, 1), (text, text)),
                clauses=(Clause(both, both, (text,)),),
            ),
        ),
        seal=Seal(both, both, text), footer=both, watermark=both, statement=both, addressee=text,
        signatures=(Signature(both, text, None, text, text, text),),
    )


def test_markup_is_printed_letter_by_letter() -> None:
    text = "#panic(1)$§*_`<@\\~]}{["
    rows = (Row(Text("值", "Value"), text),)
    shown = readable(render(replace(NOTICE, sections=(Section(Text("", ""), rows=rows),)), lang="zh"))
    assert set(text) <= shown


def test_direction_overrides_and_controls_do_not_reach_the_page() -> None:
    rows = (Row(Text("值", "Value"), "a\u202eb\u2066c\u0007d"),)
    shown = readable(render(replace(NOTICE, sections=(Section(Text("", ""), rows=rows),)), lang="zh"))
    assert not shown & set("\u202e\u2066\u0007")
    assert set("abcd") <= shown


def test_a_long_digest_wraps_without_gaining_characters() -> None:
    shown = readable(render(CERTIFICATE, lang="zh"))
    assert not shown & {"\u200b", "\u00ad"}


@settings(max_examples=50, deadline=None)
@given(st.text(max_size=60), st.sampled_from(list(Kind)))
def test_any_text_can_be_printed(text: str, kind: Kind) -> None:
    assert render(filled_with(text, kind), lang="en").startswith(b"%PDF-")


def test_threads_may_print_at_once() -> None:
    wanted = {lang: render(CONTRACT, lang=lang) for lang in LANGS}
    got: list[tuple[str, bytes]] = []

    def work(lang: str) -> None:
        got.extend((lang, render(CONTRACT, lang=lang)) for _ in range(4))

    threads = [threading.Thread(target=work, args=(lang,)) for lang in LANGS * 2]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(got) == 16
    assert all(pdf == wanted[lang] for lang, pdf in got)


def test_it_refuses_a_table_with_a_ragged_row() -> None:
    with pytest.raises(ValueError, match="2 columns"):
        Table((Text("甲", "A"), Text("乙", "B")), (("1", "2"), ("3",)))
    with pytest.raises(ValueError, match="at least one column"):
        Table((), ())


@pytest.mark.parametrize(("value", "whole"), [(-1, 10), (11, 10), (0, 0), (None, 0)])
def test_it_refuses_a_bar_outside_its_scale(value: int | None, whole: int) -> None:
    with pytest.raises(ValueError, match="a bar shows"):
        Bar(Text("甲", "A"), value, whole)


def test_it_refuses_a_signing_time_without_a_zone() -> None:
    with pytest.raises(ValueError, match="aware"):
        Signature(Text("甲", "A"), "x", datetime(2026, 1, 1))


def test_dates_are_written_as_each_language_writes_them() -> None:
    assert date_words(date(2026, 1, 9), "zh-hans") == "2026年1月9日"
    assert date_words(date(2026, 1, 9), "en") == "9 January 2026"
