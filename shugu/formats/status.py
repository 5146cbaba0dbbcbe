"""Where a credential stands: bits, bitstrings and `credentialStatus` (W3C Bitstring Status List v1.0; docs/formats.md 13).

A block of 131,072 credentials has three lists. `revocation` and `suspension` hold one bit a credential and are read by
any W3C verifier: a set revocation bit means that the credential has no force any more and never will again. `facets`
holds one byte a credential: eight one-bit entries side by side, each of a purpose of its own, that say why and what else.
"""

from __future__ import annotations

import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import IntFlag
from typing import Final

from shugu.formats.canonical import b64url, unb64url
from shugu.formats.errors import BadBase64, BadCredential, BadStatusList

ENTRIES: Final = 131_072  # credentials a block: the least the specification allows a list to hold
MOST_BYTES: Final = 1 << 20  # of a decoded bitstring: eight times our longest
ENTRY_TYPE: Final = "BitstringStatusListEntry"
_HEADER: Final = b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x02\xff"  # gzip: no name, no time, best compression, unknown system


class Flag(IntFlag):
    """The byte of a credential in the facets list; the highest bit is the first of its eight."""

    REVOKED = 0x80
    CANCELLED = 0x40
    SUPERSEDED = 0x20
    MOVED = 0x10
    SUSPENDED = 0x08
    OBJECTED = 0x04
    REVOKED_IN_PART = 0x02
    ENCUMBERED = 0x01


NONE: Final = Flag(0)
# Each of these ends the credential for ever: the revocation bit, which never falls.
FINAL: Final = Flag.REVOKED | Flag.CANCELLED | Flag.SUPERSEDED | Flag.MOVED
# What the facets list calls them. Suspension has a list of its own: its bit there is always unset.
PURPOSES: Final[Mapping[Flag, str]] = {
    Flag.REVOKED: "revoked",
    Flag.CANCELLED: "cancelled",
    Flag.SUPERSEDED: "superseded",
    Flag.MOVED: "moved",
    Flag.OBJECTED: "objected",
    Flag.REVOKED_IN_PART: "revokedInPart",
    Flag.ENCUMBERED: "encumbered",
}
REVOCATION, SUSPENSION, FACETS = "revocation", "suspension", "facets"
LISTS: Final[Mapping[str, tuple[str, ...]]] = {
    REVOCATION: (REVOCATION,),
    SUSPENSION: (SUSPENSION,),
    FACETS: tuple(PURPOSES.values()),
}
_FLAGS: Final[Mapping[str, Flag]] = {
    REVOCATION: FINAL,
    SUSPENSION: Flag.SUSPENDED,
    **{name: flag for flag, name in PURPOSES.items()},
}
_MEMBERS: Final = {"type", "statusPurpose", "statusListIndex", "statusListCredential"}
_MOST_DIGITS: Final = 12


@dataclass(frozen=True)
class StatusEntry:
    """One entry of `credentialStatus`: bit `index` of the list with the URL `list`, for `purpose`."""

    purpose: str
    list: str
    index: int

    def as_dict(self) -> dict[str, object]:
        return {
            "type": ENTRY_TYPE,
            "statusPurpose": self.purpose,
            "statusListIndex": str(self.index),
            "statusListCredential": self.list,
        }


def list_name(block: int, which: str) -> str:
    """`0-revocation`: a list's name at its venue."""
    return f"{block}-{which}"


def list_url(base: str, block: int, which: str) -> str:
    """The URL of a list, which is also the `id` of its credential: `<base>/status/0-revocation.json`."""
    return f"{base}/status/{list_name(block, which)}.json"


def entries(base: str, block: int, index: int, flags: Flag) -> tuple[StatusEntry, ...]:
    """The entries of a credential with place `index` in `block` to which `flags` can happen: revocation where one of
    them is final, suspension, and what the facets list adds to these."""
    out = []
    if flags & FINAL:
        out.append(StatusEntry(REVOCATION, list_url(base, block, REVOCATION), index))
    if flags & Flag.SUSPENDED:
        out.append(StatusEntry(SUSPENSION, list_url(base, block, SUSPENSION), index))
    said = flags & ~(Flag.SUSPENDED | (Flag.REVOKED if flags & FINAL == Flag.REVOKED else NONE))
    url = list_url(base, block, FACETS)
    out += [StatusEntry(name, url, 8 * index + _place(flag)) for flag, name in PURPOSES.items() if flag & said]
    return tuple(out)


def _place(flag: Flag) -> int:
    return 8 - flag.value.bit_length()


def read_entries(value: object) -> tuple[StatusEntry, ...]:
    """The entries of a `credentialStatus`, in its one spelling: a list of 1 to 16 objects of exactly four members, no
    purpose twice. Raises BadCredential."""
    if not isinstance(value, list) or not 1 <= len(value) <= 16:
        raise BadCredential(reason=("credentialStatus 应为 1 至 16 项的列表", "credentialStatus is a list of 1 to 16"))
    found = tuple(_entry(item) for item in value)
    if len({e.purpose for e in found}) != len(found):
        raise BadCredential(reason=("同一状态用途出现两次", "a status purpose stands twice"))
    return found


def _entry(item: object) -> StatusEntry:
    if not isinstance(item, dict) or item.keys() != _MEMBERS or not all(isinstance(v, str) for v in item.values()):
        raise BadCredential(reason=("状态条目成员不符", "wrong members in a status entry"))
    purpose, index, url = item["statusPurpose"], item["statusListIndex"], item["statusListCredential"]
    digits = index.isascii() and index.isdigit() and len(index) <= _MOST_DIGITS and str(int(index)) == index
    if item["type"] != ENTRY_TYPE or not digits or purpose not in _FLAGS:
        raise BadCredential(reason=("状态条目有误", "malformed status entry"))
    if not url.startswith(("https://", "http://")) or not url.endswith(".json"):
        raise BadCredential(reason=("状态列表的网址有误", "malformed URL of a status list"))
    return StatusEntry(purpose, url, int(index))


def bitstring(which: str, flags: Mapping[int, Flag]) -> bytes:
    """The bits of a list of one block: {place in the block: flags}, every other place unset."""
    if which == FACETS:
        facets = bytearray(ENTRIES)
        for index, value in flags.items():
            facets[index] = value & ~Flag.SUSPENDED
        return bytes(facets)
    mask, out = _FLAGS[which], bytearray(ENTRIES // 8)
    for index, value in flags.items():
        if value & mask:
            out[index >> 3] |= 0x80 >> (index & 7)
    return bytes(out)


def bit(bits: bytes, index: int) -> bool:
    """Bit `index`, counted from the highest bit of the first byte. Raises BadStatusList beyond the end."""
    if not 0 <= index < 8 * len(bits):
        raise BadStatusList(reason=("索引超出列表", "the index is beyond the list"))
    return bool(bits[index >> 3] & 0x80 >> (index & 7))


def encode(bits: bytes) -> str:
    """`encodedList`: `u` and base64url without padding of the gzip of the bits; the same text each time."""
    squeeze = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    body = squeeze.compress(bits) + squeeze.flush()
    ends = zlib.crc32(bits).to_bytes(4, "little") + (len(bits) % 2**32).to_bytes(4, "little")
    return "u" + b64url(_HEADER + body + ends)


def decode(text: str) -> bytes:
    """Inverse of `encode`. Raises BadStatusList: another spelling of the base64, a gzip header that tells a name or a
    time, anything behind the gzip, fewer than 131,072 bits, or more than a megabyte (a bomb is not unpacked)."""
    if not text.startswith("u"):
        raise BadStatusList(reason=("缺少多基前缀 u", "the multibase prefix u is missing"))
    if len(text) > 2 * MOST_BYTES:
        raise BadStatusList(reason=("列表过大", "the list is too large"))
    try:
        packed = unb64url(text[1:])
    except BadBase64 as error:
        raise BadStatusList(reason=("base64url 写法不唯一或有误", "its base64url is wrong or another spelling")) from error
    if packed[:8] != _HEADER[:8]:
        raise BadStatusList(reason=("gzip 头部不符", "wrong gzip header"))
    unpack = zlib.decompressobj(zlib.MAX_WBITS | 16)
    try:
        bits = unpack.decompress(packed, MOST_BYTES + 1)
    except zlib.error as error:
        raise BadStatusList(reason=("无法解压", "it cannot be unpacked")) from error
    if len(bits) > MOST_BYTES:
        raise BadStatusList(reason=("解压后过大", "it is too large when unpacked"))
    if not unpack.eof or unpack.unused_data or unpack.unconsumed_tail:
        raise BadStatusList(reason=("gzip 不完整或其后另有内容", "the gzip is cut off, or something follows it"))
    if len(bits) < ENTRIES // 8:
        raise BadStatusList(reason=("少于 131072 位", "it has fewer than 131,072 bits"))
    return bits


def flags_from(purposes: Sequence[str]) -> Flag:
    """What set bits of these purposes say: a revocation that nothing explains is one; what explains it stands for it."""
    out = NONE
    for name in purposes:
        if name != REVOCATION:
            out |= _FLAGS[name]
    if REVOCATION in purposes and not out & FINAL:
        out |= Flag.REVOKED
    return out
