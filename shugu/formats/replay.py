"""Walking a case again: each of its facts in order, against the procedure table it ran under. Pure; needs facts only.

A fact that tells a move names `do`, `from` (absent when the case is opened) and `to` (absent for a voice of a quorum).
A table is the TOML text of docs/procedures.md; of it only states and steps are read.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from shugu.formats.errors import FormatError, ProofInvalid

Payload = Mapping[str, object]


@dataclass(frozen=True)
class Steps:
    """What a table allows: (from, do) -> the states it may lead to. `initial` is the first state listed."""

    initial: str
    leads: Mapping[tuple[str, str], frozenset[str]]


@dataclass(frozen=True)
class Walk:
    """How far a case came: moves made (the opening among them) and the state it ended in."""

    moves: int
    state: str


def read_steps(text: str) -> Steps:
    """Raises FormatError for what is no procedure table."""
    try:
        raw = tomllib.loads(text)
        states = [str(row["id"]) for row in raw["state"]]
        leads: dict[tuple[str, str], set[str]] = {}
        for row in raw["step"]:
            begin = [row["from"]] if isinstance(row["from"], str) else row["from"]
            ends = [row["to"]] if "to" in row else [outcome["to"] for outcome in row["outcomes"]]
            for state in begin:
                leads.setdefault((str(state), str(row["do"])), set()).update(map(str, ends))
    except (tomllib.TOMLDecodeError, KeyError, TypeError, IndexError) as error:
        raise FormatError(reason=(f"流程表无法读取（{error}）", f"the procedure table cannot be read ({error})")) from error
    if not states:
        raise FormatError(reason=("流程表没有状态", "the procedure table has no states"))
    return Steps(states[0], {pair: frozenset(to) for pair, to in leads.items()})


def replay(payloads: Iterable[Payload | None], steps: Steps) -> Walk:
    """Walk the moves among these facts, oldest first; facts without a move are passed over, an erased one (None) too.

    Raises ProofInvalid where a move does not begin in the state the one before ended in, or is not in the table. An
    erased fact in between leaves the state unknown: the next move is then taken as it stands.
    """
    state, known, moves = "", False, 0
    for payload in payloads:
        if payload is None:
            known = False
            continue
        move = payload.get("move")
        if not isinstance(move, Mapping):
            continue
        begun, do, to = str(move.get("from", "")), str(move.get("do", "")), move.get("to")
        if not begun:
            _check(moves == 0 and to == steps.initial, f"{do} → {to}", "立案不是第一步", "opening is not the first step")
        else:
            _check(not known or begun == state, f"{begun} · {do}", f"应自“{state}”开始", f"should begin in “{state}”")
            leads = steps.leads.get((begun, do))
            _check(leads is not None, f"{begun} · {do}", "流程表没有这一步", "the table has no such step")
            _check(to is None or str(to) in (leads or ()), f"{do} → {to}", "流程表不通向该状态", "the table does not lead there")
        if to is not None:
            state, known, moves = str(to), True, moves + 1
    _check(moves > 0, "", "没有任何办理", "nothing was done")
    return Walk(moves, state)


def _check(holds: bool, what: str, zh: str, en: str) -> None:
    if not holds:
        raise ProofInvalid(reason=(f"{what}：{zh}", f"{what}: {en}"))
