"""How a witness follows the keys of a log: from those its operator pinned to those in force, by the log's own key history
(docs/formats.md section 2).

A history is taken only if it is that of the pinned keys and begins with every line of the one held, as everybody else takes
one. A new checkpoint must bear keys in force: what an ended key signs moves nothing here, whoever holds that key. Pure but for
`fetch`.
"""

from __future__ import annotations

from typing import Final

from shugu.formats.errors import FormatError, VerificationError
from shugu.formats.keyhistory import HistoryNotTrusted, KeyPeriods, extends, trusted
from shugu.formats.suites import Keyring
from shugu.logtools.sources import Http

PLACE: Final = ".well-known/venue-keys.json"
EVERY: Final = 300.0  # seconds between two looks
PAUSE: Final = 10.0  # and after a checkpoint under an unknown key, so that strangers do not drive the witness
MAX_HISTORY: Final = 1 << 20


def held_periods(pins: Keyring, history: bytes) -> KeyPeriods | None:
    """What the history held says; None without one, or when the operator has pinned a key since that it lacks: he prevails."""
    if not history:
        return None
    try:
        return trusted(pins, history)
    except (VerificationError, FormatError):
        return None


def live(pins: Keyring, history: bytes) -> Keyring:
    """Whose signatures a new checkpoint must bear."""
    found = held_periods(pins, history)
    return Keyring(found.in_force()) if found is not None else pins


def accept(pins: Keyring, history: bytes, content: bytes) -> KeyPeriods:
    """A newer history over the one held. Errors: HistoryNotTrusted, BadSignature, FormatError."""
    found = trusted(pins, content)
    if held_periods(pins, history) is not None and not extends(history, content):
        why = ("它不是已采信的密钥沿革的续写", "it does not go on from the history accepted before")
        raise HistoryNotTrusted(reason=why)
    return found


def fetch(site: str) -> bytes:
    """The history that a venue publishes at its site. Errors: SourceFails, ObjectMissing, HistoryNotTrusted for one beyond all
    measure."""
    content = Http(site).read(PLACE)
    if len(content) > MAX_HISTORY:
        raise HistoryNotTrusted(reason=("过大", "it is too large"))
    return content
