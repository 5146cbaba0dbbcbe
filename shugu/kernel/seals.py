"""The venue's own seal on its papers: a picture for a purpose and the number of the seal, set by the operator.

A seal is the venue's outward sign; what a paper proves rests on its signatures alone. A paper shows the seal that was in
use on the day it was issued, so that it looks the same whenever it is printed.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from functools import lru_cache
from typing import Final

from shugu.kernel import documents, journal, png
from shugu.kernel.cases import Actor
from shugu.kernel.commands import command
from shugu.kernel.errors import Forbidden, InputInvalid
from shugu.kernel.models_seals import VenueSeal as VenueSeal
from shugu.kernel.queries import name_fact
from shugu.kernel.text import Text
from shugu.kernel.workdays import end_of_day

# What is written in the lower half of each seal; a picture may be set for each, and one for all the others.
PURPOSES: Final[Mapping[str, Text]] = {
    "": Text("其余各类文件", "every other paper"),
    "registration": Text("登记专用章", "Registration"),
    "contract": Text("合同审核专用章", "Contracts"),
    "voucher": Text("交易凭证专用章", "Vouchers"),
    "delivery": Text("交付凭证专用章", "Deliveries"),
    "quality": Text("质量评价专用章", "Quality"),
    "valuation": Text("价值评估专用章", "Valuations"),
    "evidence": Text("存证专用章", "Evidence"),
    "accreditation": Text("入驻审核专用章", "Accreditation"),
    "compliance": Text("合规评估专用章", "Compliance"),
}
# Printed 40 mm wide: 300 dpi needs 472 pixels, and beyond 1,600 a paper only grows.
LEAST, MOST, MOST_BYTES = 400, 1600, 512 * 1024
_CODE: Final = re.compile(r"[0-9]{13}")

# The press itself, lent by the app that prints: a picture it cannot set would stop every paper.
_trials: list[Callable[[bytes], bool]] = []


def lend_press(tries: Callable[[bytes], bool]) -> None:
    """`tries(png)`: whether a paper with this picture can be set."""
    _trials[:] = [tries]


name_fact("seal.set", "设定印章图样", "seal set")


@dataclass(frozen=True)
class SetSeal:
    """`image`: a PNG, or nothing for the drawn seal; `code`: the thirteen digits of the seal's number, or nothing."""

    purpose: str
    image: bytes | None = None
    code: str = ""


@dataclass(frozen=True)
class Pressed:
    """What is pressed: the PNG (None: drawn) and the number of the seal."""

    image: bytes | None
    code: str


@command("kernel.set_seal", ("设定印章图样", "set a seal"))
def set_seal(cmd: SetSeal, *, actor: Actor, now: datetime) -> VenueSeal:
    """By the operator. Errors: Forbidden, InputInvalid for a picture that is not what it claims, too large, too small."""
    if "operator" not in actor.seats:
        raise Forbidden()
    errors: dict[str, tuple[str, str]] = {}
    if cmd.purpose not in PURPOSES:
        errors["purpose"] = ("请从用途中选择", "choose from the purposes")
    if cmd.code and not _CODE.fullmatch(cmd.code):
        errors["code"] = ("印章编号为 13 位数字", "the number of a seal has 13 digits")
    picture = None
    if cmd.image is not None:
        try:
            picture = png.read(cmd.image, least=LEAST, most=MOST, most_bytes=MOST_BYTES)
        except png.NoPicture as error:
            errors["image"] = (error.zh, error.en)
        else:
            if not picture.clear:
                errors["image"] = ("背景应为透明，印文才不遮住文字", "its ground must be transparent, or it hides the text")
            elif not all(tries(picture.content) for tries in _trials):
                errors["image"] = ("排版程序读不出这张图片", "the typesetter cannot read this picture")
    if errors:
        raise InputInvalid(fields="、".join(sorted(errors)), field_errors=errors)
    digest = documents.put(picture.content) if picture is not None else ""
    fact = journal.record(
        "seal.set", subject="kernel.seal:1", actor=actor, now=now, data={"purpose": cmd.purpose or "any", "code": cmd.code},
        digests={"seal": digest} if digest else {},
    )  # fmt: skip
    return VenueSeal.objects.create(purpose=cmd.purpose, digest=digest, code=cmd.code, set_at=now, fact=fact)


def in_use(purpose: str, on: date) -> Pressed | None:
    """What is pressed on papers of that day; None where nothing was ever set. A purpose without one of its own takes the
    one for all."""
    row = _row(purpose, on) or _row("", on)
    return Pressed(_image(row.digest) if row.digest else None, row.code) if row is not None else None


def was_set(digest: str) -> bool:
    return bool(digest) and VenueSeal.objects.filter(digest=digest).exists()


def _row(purpose: str, on: date) -> VenueSeal | None:
    return VenueSeal.objects.filter(purpose=purpose, set_at__lt=end_of_day(on)).order_by("-set_at", "-pk").first()


@lru_cache(maxsize=16)
def _image(digest: str) -> bytes:
    return documents.get(digest)


def listed() -> list[tuple[str, Text, VenueSeal | None]]:
    """(purpose, words, what is in use now) of every purpose, in order."""
    newest: dict[str, VenueSeal] = {row.purpose: row for row in VenueSeal.objects.order_by("set_at", "pk")}
    return [(code, words, newest.get(code)) for code, words in PURPOSES.items()]

