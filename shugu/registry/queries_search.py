"""Search of the book in a million lines, and the lines that an application may be a second registration of.

A search costs the same whether its words are rare or everywhere: the newest lines are looked through first, the index of
bigrams answers for the rest, and counting stops at REACH; what is shown says so.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from functools import partial
from typing import Any, Final, overload

from django.db import connection

from shugu.party import queries as parties
from shugu.registry import applications, queries
from shugu.registry.domain import title_key
from shugu.registry.models import Entry, Filing
from shugu.registry.operations import Writes
from shugu.registry.queries import EntryView

# Counting stops here: nobody reads on, and a word that is everywhere must not cost more than a rare one.
REACH: Final = 2_000
# So many of the newest lines are looked through before the index is asked: a word in one of ten lines fills its pages there.
NEWEST: Final = 20_000
# What the index gives for a word that the newest lines hardly hold is looked through up to here.
CANDIDATES: Final = 10_000
MOST: Final = 200
WORDS_MAX: Final = 8
TWINS_MAX: Final = 10


@dataclass(frozen=True)
class Found:
    """One page, newest first. `total` is what was counted, `more`: there are further ones beyond it."""

    entries: tuple[EntryView, ...]
    total: int
    more: bool


def search(q: str = "", register: str = "", *, limit: int = 50, offset: int = 0, on: date) -> Found:
    """The public book by pieces of the title (all of them, spaces between) or by number. `limit` at most 200, `offset` at
    most REACH."""
    limit, offset = min(max(limit, 0), MOST), min(max(offset, 0), REACH)
    words = _words(q)
    if q.strip() and not words:
        return Found((), 0, False)  # only signs were asked for: no title holds them
    exact = Entry.objects.filter(number=q.strip().upper()).values_list("pk", "register").first() if q.strip() else None
    if exact is not None:
        ids = [exact[0]] if register in ("", exact[1]) and not offset else []
        return Found(_views(ids, on), 1, False)
    ids, total = _newest(register, limit, offset) if not words else _matching(words, register, limit, offset)
    return Found(_views(ids, on), min(total, REACH), total > REACH)


class Matches(Sequence[EntryView]):
    """The lines that match as a table shows them, fetched a page at a time; its length is what was counted (at most REACH).
    `names` are the holders' of what was fetched."""

    def __init__(self, q: str, register: str, on: date, page: int = 51) -> None:
        self._ask = partial(search, q, register, on=on)
        self._first = self._ask(limit=page)
        self.more = self._first.more
        self.names: dict[int, str] = {}

    def __len__(self) -> int:
        return self._first.total

    @overload
    def __getitem__(self, place: int) -> EntryView: ...
    @overload
    def __getitem__(self, place: slice) -> list[EntryView]: ...
    def __getitem__(self, place: int | slice) -> EntryView | list[EntryView]:
        if isinstance(place, int):
            return self[place : place + 1][0]
        start, stop, _ = place.indices(len(self))
        rows = list(self._first.entries[start:stop])
        while len(rows) < stop - start:
            fresh = self._ask(limit=min(stop - start - len(rows), MOST), offset=start + len(rows)).entries
            if not fresh:
                break
            rows += fresh
        self.names |= parties.org_names({s.org for e in rows for s in e.holders} - self.names.keys())
        return rows

    def __iter__(self) -> Iterator[EntryView]:
        for start in range(0, len(self), MOST):
            yield from self[start : start + MOST]

    def holders(self, line: EntryView) -> str:
        return "、".join(self.names.get(s.org, str(s.org)) for s in line.holders)


def _words(q: str) -> list[str]:
    return [key for key in (title_key(word) for word in q.split()[:WORDS_MAX]) if key]


def _grams(words: Sequence[str]) -> list[str]:
    """The bigrams of every word; a lone character itself."""
    return sorted({w[n : n + 2] for w in words for n in range(max(len(w) - 1, 1))})


def _views(ids: Sequence[int], on: date) -> tuple[EntryView, ...]:
    return tuple(queries.entries_by_id(ids, on))


def _ask(sql: str, values: Iterable[Any]) -> list[Any]:
    with connection.cursor() as cursor:
        cursor.execute(sql, list(values))
        return [row[0] for row in cursor.fetchall()]


def _newest(register: str, limit: int, offset: int) -> tuple[list[int], int]:
    where, values = ("WHERE register = %s", [register]) if register else ("", [])
    order = "ORDER BY entered_on DESC, id DESC"
    ids = _ask(f"SELECT id FROM registry_entry {where} {order} LIMIT %s OFFSET %s", [*values, limit, offset])
    total = _ask(f"SELECT count(*) FROM (SELECT 1 FROM registry_entry {where} LIMIT %s) near", [*values, REACH + 1])
    return ids, int(total[0])


def _matching(words: Sequence[str], register: str, limit: int, offset: int) -> tuple[list[int], int]:
    """(ids of the page, how many there are up to REACH + 1)."""
    likes = " AND ".join(["title_key LIKE %s"] * len(words))
    patterns = [f"%{w}%" for w in words]
    where, values = ("WHERE register = %s", [register]) if register else ("", [])
    seen = _ask(
        f"SELECT id FROM (SELECT id, title_key FROM registry_entry {where} ORDER BY entered_on DESC, id DESC LIMIT %s) newest "
        f"WHERE {likes} LIMIT %s",
        [*values, NEWEST, *patterns, REACH + 1],
    )
    if len(seen) > REACH:
        return seen[offset : offset + limit], len(seen)
    also = " AND register = %s" if register else ""
    held = f"registry_grams(title_key) @> %s::text[] AND {likes}{also}"
    asked = [_grams(words), *patterns, *values]
    if len(seen) >= offset + limit:
        total = _ask(f"SELECT count(*) FROM (SELECT 1 FROM registry_entry WHERE {held} LIMIT %s) near", [*asked, REACH + 1])
        return seen[offset : offset + limit], int(total[0])
    ids = _ask(
        f"SELECT id FROM (SELECT id, entered_on FROM registry_entry WHERE {held} LIMIT %s) near "
        "ORDER BY entered_on DESC, id DESC LIMIT %s",
        [*asked, CANDIDATES, REACH + 1],
    )
    return ids[offset : offset + limit], len(ids)


@dataclass(frozen=True)
class Twin:
    """A line of the book that an application may repeat. `why`: "content" (the same bytes), "title" (the same name but for
    spaces, marks and case). `own`: it is the applicant's."""

    entry: str
    title: str
    why: str
    own: bool


def twins_of(register: str, pairs: Sequence[tuple[str, str]], holder: int | None = None) -> dict[tuple[str, str], list[Twin]]:
    """For every (title key, content digest) the lines of the register with the same content or name; those without any are
    left out. One statement for all, so that a whole file can be asked about."""
    keys = sorted({key for key, _ in pairs if key})
    digests = sorted({digest for _, digest in pairs if digest})
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT number, title, title_key, content_sha256, holder_id FROM registry_entry "
            "WHERE register = %s AND (title_key = ANY(%s) OR (content_sha256 <> '' AND content_sha256 = ANY(%s))) "
            "ORDER BY id DESC",
            [register, keys, digests],
        )
        rows = cursor.fetchall()
    by_key: dict[str, list[Any]] = {}
    by_digest: dict[str, list[Any]] = {}
    for row in rows:
        by_key.setdefault(row[2], []).append(row)
        if row[3]:
            by_digest.setdefault(row[3], []).append(row)
    out: dict[tuple[str, str], list[Twin]] = {}
    for key, digest in set(pairs):
        same = {r[0]: Twin(r[0], r[1], "content", r[4] == holder) for r in (by_digest.get(digest, []) if digest else [])}
        named = {r[0]: Twin(r[0], r[1], "title", r[4] == holder) for r in by_key.get(key, []) if key}
        found = [*{**named, **same}.values()]
        if found:
            out[(key, digest)] = found[:TWINS_MAX]
    return out


def likely_duplicates(register: str, title: str, content_sha256: str, holder: int) -> list[tuple[str, str]]:
    """(entry number, why) of lines of the register that this application may repeat: "content" first, then "title"."""
    key, digest = title_key(title), content_sha256.strip().lower()
    found = twins_of(register, [(key, digest)], holder).get((key, digest), [])
    return [(t.entry, t.why) for t in sorted(found, key=lambda t: (t.why != "content", not t.own))]


def repeated_by(row: Filing) -> list[tuple[str, str]]:
    """What an open first registration may repeat; nothing for other operations and for those that have ended."""
    entering = applications.writes_of(row.register, row.operation) is Writes.ENTER
    if row.entry_id is not None or row.case.closed_at is not None or not entering:
        return []
    return likely_duplicates(row.register, row.title, str(row.form.get("content_sha256", "")), row.applicant_id)
