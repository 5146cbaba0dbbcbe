"""Versions of the status lists: what the worker publishes, and what is served of it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from urllib.parse import urlsplit

from django.db import connection, transaction

from shugu.formats.canonical import canonical
from shugu.formats.credential import issuer_of, sign_credential
from shugu.formats.status import ENTRIES, LISTS, Flag, bitstring, decode, list_name, list_url
from shugu.formats.status_list import list_body
from shugu.formats.times import write_time
from shugu.kernel import documents, journal, runtime, signer, status
from shugu.kernel.cases import THE_CLOCK
from shugu.kernel.errors import NotFound
from shugu.kernel.models import Fact
from shugu.kernel.models_status import StatusBits, StatusBlock, StatusVersion
from shugu.kernel.queries import name_fact

_LOCK: Final = 0x5348_5354  # one transaction advisory lock a database: whoever holds it publishes

name_fact("status.published", "公布状态列表", "status list published")


@dataclass(frozen=True)
class VersionView:
    """A published version of a list: its number, the digest of its credential, since when, and the fact that seals it."""

    list: str
    version: int
    digest: str
    published_at: datetime
    valid_until: datetime
    fact: int


def max_age() -> timedelta:
    """How old a list may become (rule status.max_age)."""
    return _span("status.max_age")


def _span(rule: str) -> timedelta:
    return timedelta(minutes=runtime.rules().value(rule).number)


def publish_due(now: datetime) -> int:
    """Publish a version of each list whose bits changed, that has none yet, or that is half as old as it may become; how
    many. One process at a time; what others change meanwhile is published by the next call."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(%s)", [_LOCK])
        if not cursor.fetchone()[0]:
            return 0
        # Rows that an open transaction still holds stay dirty.
        cursor.execute("SELECT seat FROM kernel_statusbits WHERE dirty ORDER BY seat FOR UPDATE SKIP LOCKED")
        seats = [int(row[0]) for row in cursor.fetchall()]
        blocks, changed = list(StatusBlock.objects.order_by("block")), {seat // ENTRIES for seat in seats}
        newest = _standing([list_name(block.block, which) for block in blocks for which in LISTS], now)
        made = sum(_publish_block(block, block.block in changed, newest, now) for block in blocks)
        cursor.execute("UPDATE kernel_statusbits SET dirty = false WHERE seat = ANY(%s)", [seats])
    return made


def _standing(names: Sequence[str], at: datetime) -> dict[str, StatusVersion]:
    """The version of each list that stood at `at`: one step into the index a list, however many versions it has."""
    found = StatusVersion.objects.raw(_STANDING, [list(names), at])
    return {row.list: row for row in found}


_STANDING: Final = """
SELECT v.* FROM unnest(%s::text[]) AS n(name) CROSS JOIN LATERAL (
    SELECT * FROM kernel_statusversion WHERE list = n.name AND published_at <= %s ORDER BY published_at DESC, version DESC LIMIT 1
) v
"""


def _publish_block(block: StatusBlock, changed: bool, newest: Mapping[str, StatusVersion], now: datetime) -> int:
    names = {which: list_name(block.block, which) for which in LISTS}
    before = {which: newest.get(name) for which, name in names.items()}
    due = {which for which, last in before.items() if last is None or now - last.published_at >= max_age() / 2}
    if not changed and not due:
        return 0
    flags = _flags(block)
    made = 0
    for which, last in before.items():
        bits = bitstring(which, flags)
        content = hashlib.sha256(bits).hexdigest()
        if which in due or last is None or last.content != content:
            _publish(block, which, bits, content, last, now)
            made += 1
    return made


def _flags(block: StatusBlock) -> dict[int, Flag]:
    """{place in the block: flags} of everything set in it."""
    first = block.block * ENTRIES
    rows = StatusBits.objects.filter(seat__gte=first, seat__lt=first + ENTRIES).exclude(flags=0)
    flags = dict(rows.values_list("seat", "flags"))
    return {place: Flag(flags[seat]) for seat, place in status.places(block, flags).items()}


def _publish(block: StatusBlock, which: str, bits: bytes, content: str, last: StatusVersion | None, now: datetime) -> None:
    now = now.replace(microsecond=0)  # the row says what the credential says
    url, version = list_url(block.base, block.block, which), last.version + 1 if last else 1
    body = list_body(
        url=url, issuer=issuer_of(signer.origin()), purposes=LISTS[which], bits=bits, version=version,
        previous=last.digest if last else "", valid_from=now, valid_until=now + max_age(), ttl=_span("status.ttl"),
        demo=runtime.demo(),
    )  # fmt: skip
    credential = sign_credential(body, list(signer.keys()), now)
    digest = documents.put(canonical(credential))
    name = list_name(block.block, which)
    fact = journal.record(
        "status.published", subject=f"kernel.status:{name}", actor=THE_CLOCK, now=now,
        data={"list": name, "version": version, "from": write_time(now)}, digests={"status_list": digest},
    )  # fmt: skip
    StatusVersion.objects.create(
        list=name, version=version, digest=digest, content=content, published_at=now, valid_until=now + max_age(), fact=fact
    )


def _view(row: StatusVersion) -> VersionView:
    return VersionView(row.list, row.version, row.digest, row.published_at, row.valid_until, row.fact)


def version(name: str, number: int | None = None, at: datetime | None = None) -> VersionView:
    """A version of a list by number; else the one that stood at `at`; else the newest. Errors: NotFound."""
    rows = StatusVersion.objects.filter(list=name)
    if number is not None:
        rows = rows.filter(version=number)
    if at is not None:
        rows = rows.filter(published_at__lte=at)
    row = rows.order_by("-version").first()
    if row is None:
        raise NotFound(what=("状态列表", "status list"))
    return _view(row)


def credential_bytes(found: VersionView) -> bytes:
    """The list exactly as signed."""
    return documents.get(found.digest)


def versions_of(seat: int, at: datetime) -> list[VersionView]:
    """The versions of the lists of a seat's block that stood at `at`, revocation first."""
    found = _standing([list_name(seat // ENTRIES, which) for which in LISTS], at)
    return [_view(row) for row in found.values()]


def chain_faults() -> Iterable[tuple[str, tuple[str, str]]]:
    """(list and version, what) of each version that is damaged, does not follow the one before it, or is the newest and
    does not say what is set: for the audit."""
    before: StatusVersion | None = None
    for row in StatusVersion.objects.order_by("list", "version").iterator():
        follows = before if before is not None and before.list == row.list else None
        for what in _faults(row, follows):
            yield f"{row.list}/{row.version}", what
        before = row
    if not StatusBits.objects.filter(dirty=True).exists():
        yield from _newest_faults()


def _faults(row: StatusVersion, before: StatusVersion | None) -> Iterable[tuple[str, str]]:
    credential = _whole(row.digest)
    if credential is None:
        yield ("凭证缺失或已改变", "its credential is gone or has changed")
        return
    subject = credential["credentialSubject"]
    number, digest = (before.version, before.digest) if before is not None else (0, "")
    if (row.version, subject["version"], subject.get("previous", "")) != (number + 1, number + 1, digest):
        yield ("不接续前一版本", "it does not follow the version before it")
    if hashlib.sha256(decode(subject["encodedList"])).hexdigest() != row.content:
        yield ("与记录的状态位不符", "its bits are not those on record")
    said = (f"/status/{row.list}.json", credential["validFrom"], credential["validUntil"])
    kept = (urlsplit(credential["id"]).path[-len(said[0]) :], _told(row.published_at), _told(row.valid_until))
    if said != kept:
        yield ("名称或时间与凭证不符", "its name or times are not those of its credential")
    fact = Fact.objects.filter(pk=row.fact, name="status.published").first()
    if fact is None or (fact.payload is not None and row.digest not in fact.payload):
        yield ("没有公布它的事实", "no fact tells of it")


def _whole(digest: str) -> Any:
    """The credential with this digest, if it is kept and whole."""
    try:
        content = documents.path_of(digest).read_bytes()
    except (NotFound, FileNotFoundError):
        return None
    return json.loads(content) if hashlib.sha256(content).hexdigest() == digest else None


def _told(at: datetime) -> str:
    """As its credential says it; a moment within the second was not kept so."""
    return write_time(at) if not at.microsecond else at.isoformat()


def _newest_faults() -> Iterable[tuple[str, tuple[str, str]]]:
    """What the newest version says is what is set, unless something waits to be published."""
    for block in StatusBlock.objects.order_by("block"):
        flags = _flags(block)
        for which in LISTS:
            row = StatusVersion.objects.filter(list=list_name(block.block, which)).order_by("-version").first()
            credential = _whole(row.digest) if row is not None else None
            if row is not None and credential and credential["id"] != list_url(block.base, block.block, which):
                yield f"{row.list}/{row.version}", ("网址与所在区不符", "its address is not that of its block")
            if row is not None and row.content != hashlib.sha256(bitstring(which, flags)).hexdigest():
                yield f"{row.list}/{row.version}", ("与应有的状态位不符", "it does not say what is set")
