"""How things stand between this venue and witnesses: those it asks, and the logs it witnesses itself."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from shugu.evidence.cosigning import TROUBLES
from shugu.evidence.models import Cosignature, LogState, WitnessAlarm, WitnessedLog, WitnessTrouble
from shugu.formats.quorum import Witness
from shugu.formats.suites import keyring
from shugu.kernel import witness_keys
from shugu.kernel.text import Text
from shugu.logtools import following


@dataclass(frozen=True)
class WitnessLine:
    """A witness of the policy: whether its line is on the public checkpoint, when it last cosigned, what is wrong with it."""

    name: str
    key_name: str
    url: str
    on_public: bool
    last_at: datetime | None
    last_size: int | None
    trouble: Text | None
    trouble_since: datetime | None


@dataclass(frozen=True)
class Witnesses:
    """`demanded`: a quorum is needed. `reached`: the latest signed tree is public. `waiting`: its size while it is not."""

    demanded: bool
    reached: bool
    waiting: int | None
    lines: tuple[WitnessLine, ...]


def ours(note: bytes | None, size: int) -> Witnesses | None:
    """Over the public checkpoint, if there is one. Errors: BadWitnessPolicy, HomeError."""
    policy, state = witness_keys.policy(), LogState.objects.filter(pk=1).first()
    if policy is None or not policy.witnesses:
        return None
    public = {w.name for w, _ in policy.standing(note).cosigned} if note else set()
    waiting = state.size if state and size < state.size else None
    lines = tuple(_witness_line(w, w.name in public) for w in policy.witnesses)
    return Witnesses(policy.demands, waiting is None, waiting, lines)


def _witness_line(witness: Witness, on_public: bool) -> WitnessLine:
    last = Cosignature.objects.filter(vkey=witness.key.vkey()).order_by("-size", "-cosigned_at").first()
    bad = WitnessTrouble.objects.filter(pk=witness.key.vkey()).first()
    return WitnessLine(
        witness.name, witness.key.name, witness.url, on_public, last.cosigned_at if last else None,
        last.size if last else None, TROUBLES[bad.code] if bad else None, bad.since if bad else None,
    )  # fmt: skip


@dataclass(frozen=True)
class WitnessedView:
    """A log witnessed here; `alarms` counts all, `forks` those that convict it. `ended_at`: no longer witnessed. `keys`: ids of
    those whose signature counts today; `lines` of the key history they follow from, None while the pinned keys stand alone;
    `trouble`: why nothing new is taken of it."""

    origin: str
    log_id: str
    vkeys: str
    size: int
    cosigned_at: datetime | None
    ended_at: datetime | None
    alarms: int
    forks: int
    site: str = ""
    keys: tuple[str, ...] = ()
    lines: int | None = None
    followed_at: datetime | None = None
    trouble: str = ""


@dataclass(frozen=True)
class Alarm:
    """`first` was cosigned, `second` contradicts it (`proven`) or came with a proof that does not hold."""

    id: int
    origin: str
    seen_size: int
    size: int
    proven: bool
    raised_at: datetime
    first: bytes
    second: bytes


def witnessed() -> tuple[WitnessedView, ...]:
    found: dict[int, list[bool]] = {}
    for log, proven in WitnessAlarm.objects.values_list("log_id", "proven"):
        found.setdefault(log, []).append(proven)
    return tuple(_witnessed(r, found.get(r.pk, [])) for r in WitnessedLog.objects.order_by("origin"))


def _witnessed(row: WitnessedLog, proven: list[bool]) -> WitnessedView:
    pins, history = keyring(row.vkeys), bytes(row.history)
    periods = following.held_periods(pins, history)
    return WitnessedView(
        row.origin, row.log_id, row.vkeys, row.size, row.cosigned_at, row.ended_at, len(proven), sum(proven), row.site,
        tuple(key.key_id for key in following.live(pins, history).keys), periods.count if periods else None,
        row.followed_at if periods else None, row.trouble,
    )  # fmt: skip


def alarms(limit: int) -> tuple[Alarm, ...]:
    rows = WitnessAlarm.objects.select_related("log").order_by("-raised_at", "-id")[:limit]
    return tuple(
        Alarm(r.pk, r.log.origin, r.log.size, r.size, r.proven, r.raised_at, bytes(r.first), bytes(r.second)) for r in rows
    )


def latest(log_id: str) -> bytes | None:
    row = WitnessedLog.objects.filter(log_id=log_id).first()
    return bytes(row.note) if row and row.note else None
