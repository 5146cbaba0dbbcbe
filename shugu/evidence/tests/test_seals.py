"""The venue's own seal: taken only as what it claims to be, pressed on papers from its day on, never on earlier ones."""

from __future__ import annotations

import struct
import zlib
from datetime import UTC, date, datetime, timedelta

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from shugu.kernel import png, seals
from shugu.kernel.errors import Forbidden, InputInvalid
from shugu.kernel.models import Fact
from shugu.kernel.seals import SetSeal
from shugu.kernel.text import Text
from shugu.kernel.workdays import local_day
from shugu.web import printing
from shugu.web.paper import Document, Kind, Seal, render
from tests.seated import signed_in
from tests.world import World

pytestmark = pytest.mark.django_db
LIMITS = {"least": seals.LEAST, "most": seals.MOST, "most_bytes": seals.MOST_BYTES}


def chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + zlib.crc32(name + data).to_bytes(4, "big")


def picture(width: int = 480, height: int = 480, *, colour: int = 6, middle: bytes = b"", pixels: bytes | None = None) -> bytes:
    """A red ring on a transparent ground, or on a white one without an alpha channel."""
    channels = {2: 3, 6: 4}[colour]
    rows = bytearray()
    for y in range(height):
        rows.append(0)
        for x in range(width):
            far = ((x - width / 2) ** 2 + (y - height / 2) ** 2) ** 0.5
            ring = width * 0.42 < far < width * 0.46
            rows += (b"\xc8\x14\x1e\xff" if ring else b"\xff\xff\xff\x00")[:channels]
    packed = zlib.compress(bytes(rows) if pixels is None else pixels)
    header = struct.pack(">IIBBBBB", width, height, 8, colour, 0, 0, 0)
    return png.SIGNATURE + chunk(b"IHDR", header) + middle + chunk(b"IDAT", packed) + chunk(b"IEND", b"")


def paper(on: date, use: str = "voucher") -> Document:
    return Document(
        kind=Kind.VOUCHER, title=Text("数据交易凭证", "Voucher"), number="VCH-1", issuer=Text("数谷", "Shugu"), issued_on=on,
        seal=Seal(Text("数谷", "Shugu"), seals.PURPOSES[use], use=use),
    )  # fmt: skip


def test_what_is_kept_has_the_pixels_and_nothing_else() -> None:
    told = chunk(b"tEXt", b"Comment\x00who made it") + chunk(b"iCCP", b"x\x00\x00" + zlib.compress(b"profile"))
    found = png.read(picture(middle=told), **LIMITS)
    assert found.content == picture() and found.clear and (found.width, found.height) == (480, 480)


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"%PDF-1.7", "no PNG"),
        (b"\xff\xd8\xff\xe0 a photograph", "no PNG"),
        (picture(399, 399), "400 to 1600"),
        (picture(480, 640), "nearly square"),
        (picture()[:-5], "cut off"),
        (picture() + b"PK\x03\x04", "follows the picture"),
        (picture()[:60] + b"?" + picture()[61:], "checksum"),
        (picture(middle=chunk(b"acTL", bytes(8))), "must not move"),
        (picture(pixels=bytes(10)), "do not fit"),
        (picture(pixels=bytes(480 * (1 + 480 * 4) + 1)), "do not fit"),
        (png.SIGNATURE + bytes(seals.MOST_BYTES), "exceeds 512 KB"),
    ],
)
def test_what_is_not_what_it_claims_is_refused_with_the_reason(content: bytes, why: str) -> None:
    with pytest.raises(png.NoPicture, match=why):
        png.read(content, **LIMITS)


def test_only_the_operator_sets_it_and_every_fault_is_told(world: World) -> None:
    with pytest.raises(Forbidden):
        seals.set_seal(SetSeal("voucher", picture()), actor=world.cora, now=world.now)
    with pytest.raises(InputInvalid) as told:
        seals.set_seal(SetSeal("marriage", picture(colour=2), "12"), actor=world.otto, now=world.now)
    assert set(told.value.field_errors) == {"purpose", "code", "image"}
    assert "transparent" in told.value.field_errors["image"][1]


def test_a_paper_bears_the_seal_of_its_day_whenever_it_is_printed(world: World) -> None:
    today = local_day(world.now)
    seals.set_seal(SetSeal("", picture(), "3301000012345"), actor=world.otto, now=world.now)
    for on, pressed in ((today - timedelta(days=1), False), (today, True)):
        seal = printing.dressed(paper(on)).seal
        assert seal is not None and bool(seal.image) is pressed and bool(seal.code) is pressed
    later = world.now + timedelta(days=2)
    seals.set_seal(SetSeal("voucher", None, ""), actor=world.otto, now=later)  # the drawn one again, for vouchers alone
    kept, drawn = printing.dressed(paper(today)).seal, printing.dressed(paper(local_day(later))).seal
    other = printing.dressed(paper(local_day(later), "contract")).seal
    assert kept and kept.image and drawn and not drawn.image and other and other.image
    assert Fact.objects.filter(name="seal.set").count() == 2


def test_the_picture_is_in_the_page_and_the_page_stays_pdf_a(world: World) -> None:
    seals.set_seal(SetSeal("voucher", picture()), actor=world.otto, now=world.now)
    today = local_day(world.now)
    plain, pressed = (render(each, lang="zh") for each in (paper(today), printing.dressed(paper(today))))
    assert plain.count(b"/Subtype /Image") == 0 and b"/SMask" in pressed and b"pdfaid:part" in pressed
    assert render(printing.dressed(paper(today)), lang="zh") == pressed


def test_the_operator_sets_it_on_the_page_and_sees_it_tried(world: World) -> None:
    operator, officer = signed_in(world.otto), signed_in(world.cora)
    assert "/operations/seals/" in operator.get("/operations/").content.decode()
    assert officer.get("/operations/seals/").status_code == 200 and officer.get("/operations/seals/change/").status_code == 403
    sent = SimpleUploadedFile("seal.png", b"not a picture", "image/png")
    form = {"purpose": "voucher", "code": "", "key": "5b0a7f4e-4b4e-4c53-9d0b-0c3f0a6e9f01"}
    refused = operator.post("/operations/seals/change/?lang=en", {**form, "image": sent})
    assert refused.status_code == 422 and "no PNG" in refused.content.decode()
    sent = SimpleUploadedFile("seal.png", picture(), "image/png")
    assert operator.post("/operations/seals/change/?lang=en", {**form, "image": sent}).status_code == 302
    digest = seals.listed()[3][2]
    assert digest is not None and digest.digest in operator.get("/operations/seals/").content.decode()
    assert officer.get(f"/operations/seals/{digest.digest}.png").content == picture()
    assert officer.get(f"/operations/seals/{'0' * 64}.png").status_code == 404
    assert operator.get("/operations/seals/trial/voucher.png").content.startswith(png.SIGNATURE)


def test_nobody_takes_back_what_was_pressed(world: World) -> None:
    from django.db import DatabaseError, transaction

    row = seals.set_seal(SetSeal("voucher", picture()), actor=world.otto, now=datetime(2026, 3, 2, tzinfo=UTC))
    with pytest.raises(DatabaseError), transaction.atomic():
        type(row).objects.filter(pk=row.pk).update(digest="")
