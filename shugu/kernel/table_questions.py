"""What a procedure table asks about a case, and where it wants to lead. Pure."""

from __future__ import annotations

from shugu.kernel.procedure import Table

_CODED = ("registry.found:", "registry.answer:")


def good_end(table: Table) -> str:
    """Where `issue` leads, in a table that has it; else the first final state."""
    ends = [o.to for s in table.steps if s.do == "issue" for o in s.outcomes if table.state[o.to].final]
    return ends[0] if ends else next(s.id for s in table.states if s.final)


def asked_predicates(table: Table) -> tuple[str, ...]:
    """Every predicate by which the table decides: outcomes, materials, lengths of clocks."""
    names = [o.when for s in table.steps for o in s.outcomes]
    names += [n for s in table.steps for m in s.materials for n in (m.when, m.waived_by)]
    names += [length.when for clock in table.clocks for length in clock.lengths]
    return tuple(dict.fromkeys(n for n in names if n))


def asked_codes(table: Table) -> dict[str, tuple[str, ...]]:
    """field: codes, of every `found:<field>=<code>` and `answer:<field>=<code>` in the table."""
    names = [*asked_predicates(table), *(g for s in table.steps for g in s.guards)]
    found: dict[str, list[str]] = {}
    for name in names:
        prefix = next((p for p in _CODED if name.startswith(p)), None)
        if prefix is not None:
            key, _, code = name.removeprefix(prefix).partition("=")
            found.setdefault(key, []).append(code)
    return {key: tuple(dict.fromkeys(codes)) for key, codes in found.items()}


def barring(table: Table) -> frozenset[tuple[str, str]]:
    """(field, code): the answers that by themselves end a case badly."""
    good = good_end(table)
    named = [o.when for s in table.steps for o in s.outcomes if o.when and table.state[o.to].final and o.to != good]
    found = (n.removeprefix("registry.answer:").partition("=") for n in named if n.startswith("registry.answer:"))
    return frozenset((key, code) for key, _, code in found)
