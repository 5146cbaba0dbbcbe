"""The kinds of credentials that the venue issues: one model, declared by the app that issues each.

Whoever holds a credential asks here by its number how it stands, now or on an earlier day; the audit asks what each
seat in the status lists must say; docs/credentials.md is made from it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from shugu.formats.status import Flag
from shugu.kernel.rules import RuleSet
from shugu.kernel.text import Text

FACETS: Mapping[str, Text] = {
    "valid": Text("有效", "valid"),
    "superseded": Text("已被新版本取代", "superseded"),
    "encumbered": Text("有他项权益", "encumbered"),
    "objected": Text("有异议登记", "objected"),
    "suspended": Text("已中止", "suspended"),
    "expired": Text("已过有效期", "expired"),
    "revoked_in_part": Text("已部分撤销", "revoked in part"),
    "revoked": Text("已撤销", "revoked"),
    "cancelled": Text("已注销", "cancelled"),
    "moved": Text("已转至其他登记机构", "moved to another register"),
}
# With one of these it has no force on the day asked about.
BLOCKING = frozenset({"superseded", "suspended", "expired", "revoked", "cancelled", "moved"})


@dataclass(frozen=True)
class Line:
    """One facet that holds, with the article behind it. `title` only where the kind has a better word than `FACETS`."""

    facet: str
    article: str = ""
    reason: str = ""
    title: Text | None = None

    @property
    def words(self) -> Text:
        return self.title or FACETS[self.facet]


@dataclass(frozen=True)
class Standing:
    """A credential on a day. `rows` is what anybody may read who knows the number, `href` where more stands. What is not
    `public` is told only to who shows the credential itself: the caller compares `digest`."""

    number: str
    title: Text
    digest: str
    issued_at: datetime
    valid_until: date | None
    lines: tuple[Line, ...]
    fact: int
    seat: int | None
    public: bool
    rows: tuple[tuple[Text, object], ...] = ()
    href: str = ""

    @property
    def facets(self) -> frozenset[str]:
        return frozenset(line.facet for line in self.lines)


def lines(found: Iterable[Line], *, on: date, valid_until: date | None, article: str) -> tuple[Line, ...]:
    """What holds on a day: `found`, expiry after the last day, and `valid` first where nothing takes force away;
    `article` stands behind validity and term."""
    out = list(found)
    if valid_until is not None and on > valid_until:
        out.append(Line("expired", article))
    if not any(line.facet in BLOCKING for line in out):
        out.insert(0, Line("valid", article))
    return tuple(out)


Find = Callable[[str, date], Standing | None]
Books = Callable[[date], Iterable[tuple[int, Flag]]]
Types = Callable[[RuleSet], Sequence[tuple[str, Text]]]


@dataclass(frozen=True)
class Kind:
    """One kind, or a family of kinds under one roof. `types`: (credential type, title) under the rules; `subject`: members of
    the subject besides `number` and `venue`; `flags`: what can happen to it; `where`: addresses it is had from; `find` by
    number on a day (None: no number of this kind, or not issued yet); `by_the_books`: seats that have something to say."""

    name: str
    app: str
    types: Types
    subject: tuple[str, ...]
    flags: Flag
    where: tuple[str, ...]
    find: Find
    by_the_books: Books
    issuer: Text = Text("场所", "the venue")  # noqa: RUF009  a frozen pair
    prefix: str = ""  # of its numbers: where to look first


_KINDS: dict[str, Kind] = {}


def register_kind(kind: Kind) -> None:
    """Called from the app's `ready()`. Errors: ValueError for a name taken by another kind."""
    if _KINDS.get(kind.name, kind) is not kind:
        raise ValueError(f"credential kind {kind.name!r} is registered twice")
    _KINDS[kind.name] = kind


def kinds() -> tuple[Kind, ...]:
    return tuple(_KINDS[name] for name in sorted(_KINDS))


def title_of(credential: Mapping[str, Any], rules: RuleSet) -> Text | None:
    """What a credential of this venue is called; None for a kind that no app knows."""
    told = credential.get("type")
    names = told[1:] if isinstance(told, list) else []
    return next((title for kind in kinds() for name, title in kind.types(rules) if name in names), None)


def standing(number: str, on: date) -> Standing | None:
    """How the credential of this number stands on a day; None when no app knows it, or it came later."""
    for kind in sorted(kinds(), key=lambda one: not (one.prefix and number.startswith(one.prefix))):
        found = kind.find(number, on)
        if found is not None:
            return found
    return None


def one_type(name: str, zh: str, en: str) -> Types:
    return lambda rules: ((name, Text(zh, en)),)


def may_happen(flags: Flag) -> tuple[str, ...]:
    """What can happen to a kind, in the words of `FACETS`."""
    return tuple(str(flag.name).lower() for flag in Flag if flag & flags)


