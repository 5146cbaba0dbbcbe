"""Key histories of the logs we witness: followed from the keys the operator pinned (shugu.logtools.following)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from shugu.evidence.models import WitnessedLog
from shugu.formats.errors import ShuguError
from shugu.formats.suites import keyring
from shugu.kernel import documents, journal
from shugu.kernel.cases import Actor, mandate
from shugu.kernel.commands import command
from shugu.kernel.errors import NotFound
from shugu.kernel.queries import name_fact
from shugu.logtools import following

name_fact("witness.keys_followed", "采信所见证日志的密钥沿革", "key history of a witnessed log accepted")

Fetch = Callable[[str], bytes]


@dataclass(frozen=True)
class TakeLogHistory:
    """A newer version of a witnessed log's key history, as its bytes."""

    origin: str
    content: bytes


@command("evidence.take_log_history", ("采信所见证日志的密钥沿革", "accept a witnessed log's key history"))
def take_log_history(cmd: TakeLogHistory, *, actor: Actor, now: datetime) -> bool:
    """Whether it says anything new. Errors: NotFound, HistoryNotTrusted (not of the pinned keys, or not going on from the one
    held), BadSignature, FormatError."""
    row = WitnessedLog.objects.select_for_update().filter(origin=cmd.origin, ended_at__isnull=True).first()
    if row is None:
        raise NotFound(what=("见证的日志", "witnessed log"))
    if bytes(row.history) == cmd.content:
        return False
    found = following.accept(keyring(row.vkeys), bytes(row.history), cmd.content)
    row.history, row.followed_at, row.trouble = cmd.content, now, ""
    row.save(update_fields=["history", "followed_at", "trouble"])
    journal.record(
        "witness.keys_followed", subject=f"evidence.witnessed_log:{row.pk}", actor=actor, now=now,
        digests={"history": documents.put(cmd.content)},
        data={"origin": row.origin, "lines": found.count, "keys": [key.method for key in found.in_force()]},
    )  # fmt: skip
    return True


def hear(origin: str, content: bytes, now: datetime) -> bool:
    """A history that came in another way, of a peer for instance; whether a log witnessed here said something new by it. Why it
    was not taken stands with the log."""
    row = WitnessedLog.objects.filter(origin=origin, ended_at__isnull=True).first()
    if row is None:
        return False
    try:
        taken: bool = take_log_history(TakeLogHistory(origin, content), actor=mandate("evidence", f"keys:{row.pk}"), now=now)
    except ShuguError as refusal:
        _trouble(row, refusal)
        return False
    if row.trouble:
        WitnessedLog.objects.filter(pk=row.pk).update(trouble="")
    return taken


def follow_due(now: datetime, wall: datetime, fetch: Fetch = following.fetch) -> int:
    """Ask each log's site that was not asked for a while; how many said something new."""
    done = 0
    for row in WitnessedLog.objects.filter(ended_at__isnull=True).exclude(site=""):
        if row.asked_at is not None and timedelta(0) <= wall - row.asked_at < timedelta(seconds=following.EVERY):
            continue
        WitnessedLog.objects.filter(pk=row.pk).update(asked_at=wall)
        try:
            content = fetch(row.site)
        except ShuguError as refusal:
            _trouble(row, refusal)
        else:
            done += hear(row.origin, content, now)
    return done


def _trouble(row: WitnessedLog, refusal: ShuguError) -> None:
    told = f"{refusal.message('zh')} / {refusal.message('en')}"[:600]
    WitnessedLog.objects.filter(pk=row.pk).update(trouble=told)
