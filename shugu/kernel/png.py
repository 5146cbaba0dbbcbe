"""A picture that a venue hands in, read strictly: a still PNG, whole, of a size for print, and nothing else in it.

What is kept is written anew from its own pixels' chunks: no comments, no colour profiles, no second picture behind the
first, so that the file printed is a picture and only that.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

SIGNATURE: Final = b"\x89PNG\r\n\x1a\n"
_CHANNELS: Final = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}
_KEPT: Final = (b"IHDR", b"PLTE", b"tRNS", b"IDAT", b"IEND")


class NoPicture(ValueError):
    """`zh` and `en` say what is wrong with it."""

    def __init__(self, zh: str, en: str) -> None:
        super().__init__(en)
        self.zh, self.en = zh, en


@dataclass(frozen=True)
class Picture:
    """`content`: the PNG written anew; `clear`: it has transparent places."""

    width: int
    height: int
    clear: bool
    content: bytes


def read(content: bytes, *, least: int, most: int, most_bytes: int) -> Picture:
    """A PNG of at most `most_bytes`, each side `least` to `most` pixels, no side longer than 1.25 times the other, eight
    bits a channel, not interlaced. Raises NoPicture."""
    if not content.startswith(SIGNATURE):
        raise NoPicture("不是 PNG 图片", "it is no PNG picture")
    if len(content) > most_bytes:
        raise NoPicture(f"超过 {most_bytes // 1024} KB", f"it exceeds {most_bytes // 1024} KB")
    chunks = list(_chunks(content))
    names = [name for name, _ in chunks]
    if names[:1] != [b"IHDR"] or names[-1:] != [b"IEND"] or names.count(b"IHDR") != 1 or b"IDAT" not in names:
        raise NoPicture("PNG 不完整", "the PNG is not whole")
    if b"acTL" in names:
        raise NoPicture("不能是动图", "it must not move")
    header = chunks[0][1]
    if len(header) != 13:
        raise NoPicture("PNG 头部有误", "its header is wrong")
    width, height, depth, colour, packing, filtering, interlaced = struct.unpack(">IIBBBBB", header)
    if not (least <= width <= most and least <= height <= most) or 4 * max(width, height) > 5 * min(width, height):
        raise NoPicture(
            f"宽高应各为 {least}–{most} 像素且接近方形，现为 {width}×{height}",
            f"each side has {least} to {most} pixels and it is nearly square, this one is {width} by {height}",
        )
    if depth != 8 or colour not in _CHANNELS or packing or filtering or interlaced:
        raise NoPicture("应为每通道 8 位、不隔行的 PNG", "it has eight bits a channel and is not interlaced")
    if (colour == 3) != (b"PLTE" in names) and colour not in (2, 6):
        raise NoPicture("调色板有误", "its palette is wrong")
    _check_pixels(b"".join(data for name, data in chunks if name == b"IDAT"), height * (1 + width * _CHANNELS[colour]))
    kept = b"".join(_chunk(name, data) for name, data in chunks if name in _KEPT)
    return Picture(width, height, colour in (4, 6) or b"tRNS" in names, SIGNATURE + kept)


def _chunks(content: bytes) -> Iterator[tuple[bytes, bytes]]:
    at = len(SIGNATURE)
    while at < len(content):
        if at + 12 > len(content):
            raise NoPicture("PNG 被截断", "the PNG is cut off")
        (length,), name = struct.unpack(">I", content[at : at + 4]), content[at + 4 : at + 8]
        data, check = content[at + 8 : at + 8 + length], content[at + 8 + length : at + 12 + length]
        if len(data) != length or len(check) != 4:
            raise NoPicture("PNG 被截断", "the PNG is cut off")
        if zlib.crc32(name + data).to_bytes(4, "big") != check:
            raise NoPicture("PNG 校验和不符", "a checksum of the PNG is wrong")
        yield name, data
        at += 12 + length
        if name == b"IEND" and at != len(content):
            raise NoPicture("图片之后另有内容", "something follows the picture")


def _check_pixels(packed: bytes, expected: int) -> None:
    """Unpacks no more than the picture may hold: a bomb is not unpacked."""
    unpack = zlib.decompressobj()
    try:
        pixels = unpack.decompress(packed, expected + 1)
    except zlib.error as error:
        raise NoPicture("像素数据损坏", "its pixels are damaged") from error
    if len(pixels) != expected or not unpack.eof or unpack.unused_data:
        raise NoPicture("像素数据与宽高不符", "its pixels do not fit its size")


def _chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + zlib.crc32(name + data).to_bytes(4, "big")
