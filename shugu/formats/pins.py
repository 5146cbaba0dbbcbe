"""What a verifier trusts: pinned keys, and key histories that say which of a venue's keys count where in its log.

Without a history of a venue its pinned keys count everywhere. A history is taken only if it is that of the pinned keys.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence

from shugu.formats.errors import BadKey
from shugu.formats.keyhistory import HistoryNotTrusted, KeyPeriods, extends, replay, trusted
from shugu.formats.keystatements import read_history
from shugu.formats.suites import Keyring


class Pins:
    """Raises BadKey for two histories of one venue, and what `keyhistory.trusted` raises."""

    def __init__(self, keys: Keyring, histories: Sequence[bytes] = ()) -> None:
        self.keys = keys
        self._periods: dict[str, KeyPeriods] = {}
        self._histories: dict[str, bytes] = {}
        for history in histories:
            found = trusted(keys, history)
            if found.name in self._periods:
                raise BadKey(reason=(f"{found.name} 有两份密钥历史", f"there are two key histories of {found.name}"))
            self._periods[found.name] = found
            self._histories[found.name] = history
        self._turns = {name: _turns(periods) for name, periods in self._periods.items()}
        self._rings: dict[tuple[str, int], Keyring] = {}

    def beside(self, history: bytes) -> Pins:
        """These pins and a history that came with a document: it counts where none of that venue is held, and has to agree
        with one that is. One that has some of the venue's pinned keys and not all is older than they: it counts for
        nothing, as if it had been left out. Raises FormatError, HistoryNotTrusted, BadSignature."""
        told = replay(read_history(history))
        held = self._histories.get(told.name)
        if held is not None:
            if not extends(history, held) and not extends(held, history):
                raise HistoryNotTrusted(reason=("两份密钥沿革不一致", "two histories of one venue disagree"))
            return self
        known = [told.period(key) is not None for key in self.keys.keys if key.name == told.name]
        if any(known) and not all(known):
            return self
        return Pins(self.keys, [*self._histories.values(), history])

    def periods(self, name: str) -> KeyPeriods | None:
        """What the history of `name` says; None without one."""
        return self._periods.get(name)

    def entry(self, name: str, index: int | None) -> Keyring:
        """The keys that count for the entry at `index` of that venue's log; for None, which is not sealed, those
        without an end. Raises KeyNotInForce."""
        periods = self._periods.get(name)
        if periods is None:
            return self.keys
        # Between two turns the same keys count; -1 stands for what is not sealed.
        where = (name, -1 if index is None else bisect_right(self._turns[name], index))
        if where not in self._rings:
            self._rings[where] = periods.for_entry(index)
        return self._rings[where]

    def checkpoint(self, name: str, size: int) -> Keyring:
        """The keys that count for the checkpoint of that size. Raises KeyNotInForce."""
        return self.entry(name, max(size - 1, 0))


def _turns(periods: KeyPeriods) -> list[int]:
    """The sizes at which a key begins or ends, in order."""
    turns = {p.since for p in periods.periods} | {p.until for p in periods.periods if p.until is not None}
    return sorted(turns)
