"""The kinds of credentials that the venue issues: one model, declared by the app that issues each.

Whoever holds a credential asks here by its number how it stands, now or on an earlier day; the audit asks what each
seat in the status lists must say; docs/credentials.md is made from it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from functools import lru_cache
from typing import Any

from shugu.formats.status import NONE, Flag
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
    # Of a kind that cannot lose force: why not.
    lasting: Text | None = None

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


def told_nowhere(number: str, on: date) -> Standing | None:
    """For what no number leads to: it passes between two, who hold it."""
    return None


def nothing_said(on: date) -> Iterator[tuple[int, Flag]]:
    """For kinds without seats."""
    yield from ()


@dataclass(frozen=True)
class Kind:
    """One kind, or a family of kinds under one roof. `types`: (credential type, title) under the rules; `subject`: members of
    the subject besides `number` and `venue`; `flags`: what can happen to it, or else `lasting`: why nothing can that a status
    list would have to say; `where`: addresses it is had from; `find` by number on a day (None: no number of this kind, or not
    issued yet); `by_the_books`: seats that have something to say."""

    name: str
    app: str
    types: Types
    subject: tuple[str, ...]
    where: tuple[str, ...]
    flags: Flag = NONE
    lasting: Text | None = None
    find: Find = told_nowhere
    by_the_books: Books = nothing_said
    issuer: Text = Text("场所", "the venue")  # noqa: RUF009  a frozen pair
    prefix: str = ""  # of its numbers: where to look first
    numbered: bool = True  # its subject has `number` and `venue`

    def __post_init__(self) -> None:
        if bool(self.flags) == (self.lasting is not None):
            raise ValueError(f"credential kind {self.name!r} says either what can happen to it or why nothing can")


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
            return replace(found, lasting=kind.lasting)
    return None


def kind_of(type_name: str, rules: RuleSet) -> Kind | None:
    """The kind that declares this credential type under these rules."""
    return next((_KINDS[name] for name in _declared(rules, len(_KINDS)).get(type_name, ())), None)


def need_kind(type_name: str, seated: bool, rules: RuleSet) -> None:
    """Nothing is signed that no app declares, and what can lose force has a seat in the status lists, the rest has none: a
    mistake in our code, so no error of the tree. Errors: ValueError."""
    from shugu.kernel import rulebook

    kind = kind_of(type_name, rules)
    if kind is None:  # a case under older rules may still issue what today's no longer name
        kind = next((found for kept in rulebook.copies() if (found := kind_of(type_name, kept))), None)
    if kind is None:
        raise ValueError(f"no app declares the credential type {type_name!r}")
    if seated != bool(kind.flags):
        raise ValueError(f"{type_name} of kind {kind.name!r}: a seat in the status lists is for what can lose force")


@lru_cache(maxsize=64)
def _declared(rules: RuleSet, _registered: int) -> Mapping[str, tuple[str, ...]]:
    """{credential type: kinds that declare it}, read once for each rule set."""
    found: dict[str, tuple[str, ...]] = {}
    for kind in kinds():
        for name, _ in kind.types(rules):
            found[name] = (*found.get(name, ()), kind.name)
    return found


def one_type(name: str, zh: str, en: str) -> Types:
    return lambda rules: ((name, Text(zh, en)),)


def some_types(*named: tuple[str, str, str]) -> Types:
    """Of (credential type, zh, en)."""
    listed = tuple((name, Text(zh, en)) for name, zh, en in named)
    return lambda rules: listed


def may_happen(flags: Flag) -> tuple[str, ...]:
    """What can happen to a kind, in the words of `FACETS`."""
    return tuple(str(flag.name).lower() for flag in Flag if flag & flags)


