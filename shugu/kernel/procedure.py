"""A procedure table: what it may say, read from TOML into frozen rows. Pure; no database, no clock.

Grammar: docs/procedures.md. A table that breaks it is refused when the process starts (`checks.py`).
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from shugu.kernel.text import Text, text_of

CLOCK = "clock"
MANDATE = "mandate"
CASE_ACTS = "case"  # among a step's `acts`: what this case as a whole does, as its data say (`acts`)


class ProcedureError(ValueError):
    """A table that cannot be run; the message names file, row and remedy."""


@dataclass(frozen=True)
class Party:
    """Who may hold a role in a case: a seat of the venue's staff, or rows per case checked by predicate `is`."""

    role: str
    title: Text
    seat: str | None = None
    is_: str | None = None
    needs: tuple[str, ...] = ()
    apart: tuple[str, ...] = ()


@dataclass(frozen=True)
class State:
    id: str
    title: Text
    final: bool = False


@dataclass(frozen=True)
class Outcome:
    to: str
    when: str | None = None


@dataclass(frozen=True)
class MaterialRow:
    id: str
    title: Text
    when: str | None = None
    waived_by: str | None = None
    signed_by: int = 1
    article: str = ""


@dataclass(frozen=True)
class Step:
    """A row of the table. `standing`: may be done at any time and so waits on nobody's desk (withdraw, delist …)."""

    from_: tuple[str, ...]
    do: str
    title: Text
    by: tuple[str, ...]
    outcomes: tuple[Outcome, ...]
    fact: str
    guards: tuple[str, ...] = ()
    quorum: str | int | None = None
    consent_fact: str | None = None
    materials: tuple[MaterialRow, ...] = ()
    input: tuple[str, ...] = ()
    optional: tuple[str, ...] = ()
    acts: tuple[str, ...] = ()
    opens: str | None = None
    effect: str | None = None
    parent: Mapping[str, str] = field(default_factory=dict)
    article: str = ""
    standing: bool = False


@dataclass(frozen=True)
class Length:
    """A rule value that gives a clock's length, when `when` holds; the last of a clock's is unconditional."""

    rule: str
    when: str | None = None


@dataclass(frozen=True)
class ClockRow:
    """kind: fire | duty | window | bar. `on` names facts, `date` a declared date field of the case."""

    id: str
    title: Text
    kind: str
    lengths: tuple[Length, ...]
    on: tuple[str, ...] = ()
    date: str | None = None
    act: tuple[str, ...] = ()
    direction: str = "forward"
    first_day_counts: bool = False
    spans: tuple[str, ...] = ()
    pauses_while: tuple[str, ...] = ()
    pauses_in: tuple[str, ...] = ()
    resume: str = "continue"

    @property
    def length(self) -> str:
        """The rule that holds when no condition of another does."""
        return self.lengths[-1].rule


@dataclass(frozen=True)
class Table:
    id: str
    version: int
    app: str
    title: Text
    source: str
    subject: str
    opened: str
    opener: tuple[str, ...]
    parties: tuple[Party, ...]
    states: tuple[State, ...]
    steps: tuple[Step, ...]
    clocks: tuple[ClockRow, ...] = ()
    distinct: tuple[tuple[str, ...], ...] = ()
    duty: bool = False
    opened_by_fact: str | None = None

    @property
    def key(self) -> str:
        return f"{self.id}.v{self.version}"

    @property
    def initial(self) -> str:
        return self.states[0].id

    @cached_property
    def state(self) -> Mapping[str, State]:
        return {s.id: s for s in self.states}

    @cached_property
    def party(self) -> Mapping[str, Party]:
        return {p.role: p for p in self.parties}

    @cached_property
    def _by_pair(self) -> Mapping[tuple[str, str], Step]:
        return {(f, s.do): s for s in self.steps for f in s.from_}

    def step(self, state: str, do: str) -> Step | None:
        return self._by_pair.get((state, do))

    def steps_from(self, state: str) -> Iterator[Step]:
        return (s for s in self.steps if state in s.from_)

    @cached_property
    def commands(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(s.do for s in self.steps))

    @cached_property
    def facts(self) -> tuple[str, ...]:
        named = [self.opened, *(s.fact for s in self.steps), *(s.consent_fact for s in self.steps if s.consent_fact)]
        return tuple(dict.fromkeys(named))


def load_table(path: Path, app: str) -> Table:
    """Read one `procedures/<name>.v<N>.toml`. Errors: ProcedureError naming the file and the row."""
    try:
        raw = tomllib.loads(path.read_text("utf-8"))
        return parse_table(raw, app, path.name)
    except (tomllib.TOMLDecodeError, KeyError, TypeError, ValueError) as error:
        if isinstance(error, ProcedureError):
            raise
        raise ProcedureError(f"{path}: {error!r}") from error


_TOP = {
    "id", "version", "title", "source", "subject", "opened", "opener", "party", "state", "step", "clock",
    "distinct", "duty", "opened_by_fact", "matrix",
}


def parse_table(raw: Mapping[str, Any], app: str, where: str) -> Table:
    _only(raw, _TOP, where)
    matrix = {name: tuple(_material(m, where) for m in rows) for name, rows in raw.get("matrix", {}).items()}
    table = Table(
        id=raw["id"],
        version=raw["version"],
        app=app,
        title=text_of(raw["title"], where),
        source=raw["source"],
        subject=raw["subject"],
        opened=raw["opened"],
        opener=tuple(raw["opener"]),
        parties=tuple(_party(p, where) for p in raw.get("party", ())),
        states=tuple(_state(s, where) for s in raw["state"]),
        steps=tuple(_step(s, where, matrix) for s in raw["step"]),
        clocks=tuple(_clock(c, where) for c in raw.get("clock", ())),
        distinct=tuple(tuple(d) for d in raw.get("distinct", ())),
        duty=raw.get("duty", False),
        opened_by_fact=raw.get("opened_by_fact"),
    )
    if where.endswith(".toml") and where != f"{table.key}.toml":
        raise ProcedureError(f"{where}: holds {table.key}; rename the file to {table.key}.toml")
    return table


def _only(raw: Mapping[str, Any], allowed: set[str], where: str) -> None:
    unknown = set(raw) - allowed
    if unknown:
        raise ProcedureError(f"{where}: unknown keys {sorted(unknown)}; allowed are {sorted(allowed)}")


def _party(raw: Mapping[str, Any], where: str) -> Party:
    _only(raw, {"role", "title", "seat", "is", "needs", "apart"}, f"{where} party")
    return Party(
        role=raw["role"],
        title=text_of(raw["title"], f"{where} party {raw['role']}"),
        seat=raw.get("seat"),
        is_=raw.get("is"),
        needs=tuple(raw.get("needs", ())),
        apart=tuple(raw.get("apart", ())),
    )


def _state(raw: Mapping[str, Any], where: str) -> State:
    _only(raw, {"id", "title", "final"}, f"{where} state")
    return State(raw["id"], text_of(raw["title"], f"{where} state {raw['id']}"), raw.get("final", False))


def _step(raw: Mapping[str, Any], where: str, matrix: Mapping[str, tuple[MaterialRow, ...]]) -> Step:
    where = f"{where} step {raw.get('from')}/{raw.get('do')}"
    allowed = {
        "from", "do", "title", "by", "to", "outcomes", "fact", "if", "quorum", "consent_fact", "materials",
        "input", "optional", "acts", "opens", "effect", "parent", "article", "standing",
    }
    _only(raw, allowed, where)
    if ("to" in raw) == ("outcomes" in raw):
        raise ProcedureError(f"{where}: give either `to` or `outcomes`")
    for row in raw.get("outcomes", ()):
        _only(row, {"to", "if"}, where)
    outcomes = (
        (Outcome(raw["to"]),) if "to" in raw else tuple(Outcome(o["to"], o.get("if")) for o in raw["outcomes"])
    )
    from_ = raw["from"]
    return Step(
        from_=(from_,) if isinstance(from_, str) else tuple(from_),
        do=raw["do"],
        title=text_of(raw["title"], where),
        by=tuple(raw["by"]),
        outcomes=outcomes,
        fact=raw["fact"],
        guards=tuple(raw.get("if", ())),
        quorum=raw.get("quorum"),
        consent_fact=raw.get("consent_fact"),
        materials=_materials(raw.get("materials", ()), matrix, where),
        input=tuple(raw.get("input", ())),
        optional=tuple(raw.get("optional", ())),
        acts=tuple(raw.get("acts", ())),
        opens=raw.get("opens"),
        effect=raw.get("effect"),
        parent=dict(raw.get("parent", {})),
        article=raw.get("article", ""),
        standing=raw.get("standing", False),
    )


def _materials(
    given: Any, matrix: Mapping[str, tuple[MaterialRow, ...]], where: str
) -> tuple[MaterialRow, ...]:
    """Rows of the step's own, or the name of a list under `[matrix]` that several steps share."""
    if not isinstance(given, str):
        return tuple(_material(m, where) for m in given)
    if given not in matrix:
        raise ProcedureError(f"{where}: no list {given!r} under [matrix]")
    return matrix[given]


def _material(raw: Mapping[str, Any], where: str) -> MaterialRow:
    _only(raw, {"id", "title", "when", "waived_by", "signed_by", "article"}, where)
    return MaterialRow(
        id=raw["id"],
        title=text_of(raw["title"], f"{where} material {raw['id']}"),
        when=raw.get("when"),
        waived_by=raw.get("waived_by"),
        signed_by=raw.get("signed_by", 1),
        article=raw.get("article", ""),
    )


def _clock(raw: Mapping[str, Any], where: str) -> ClockRow:
    where = f"{where} clock {raw.get('id')}"
    allowed = {
        "id", "title", "kind", "length", "starts", "act", "direction", "first_day_counts", "spans",
        "pauses_while", "pauses_in", "resume",
    }
    _only(raw, allowed, where)
    starts = raw["starts"]
    _only(starts, {"on", "date"}, where)
    on = starts.get("on", ())
    return ClockRow(
        id=raw["id"],
        title=text_of(raw["title"], where),
        kind=raw["kind"],
        lengths=_lengths(raw["length"], where),
        on=(on,) if isinstance(on, str) else tuple(on),
        date=starts.get("date"),
        act=tuple(raw.get("act", ())),
        direction=raw.get("direction", "forward"),
        first_day_counts=raw.get("first_day_counts", False),
        spans=tuple(raw.get("spans", ())),
        pauses_while=tuple(raw.get("pauses_while", ())),
        pauses_in=tuple(raw.get("pauses_in", ())),
        resume=raw.get("resume", "continue"),
    )


def _lengths(given: Any, where: str) -> tuple[Length, ...]:
    if isinstance(given, str):
        return (Length(given),)
    for row in given:
        _only(row, {"rule", "if"}, where)
    found = tuple(Length(row["rule"], row.get("if")) for row in given)
    if not found or found[-1].when is not None or any(row.when is None for row in found[:-1]):
        raise ProcedureError(f"{where}: of several lengths exactly the last has no `if`")
    return found
