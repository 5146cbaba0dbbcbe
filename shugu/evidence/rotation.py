"""Keys begin and end: a line in the signed history and its fact, said while the log stands still.

`_log_at_rest` makes this process the log's writer, lets every transaction that is signing a document end, and brings all
its facts into the log. So the size in a line cuts cleanly: what the old keys signed lies below it, what comes after is
signed by the keys of the new line, and no checkpoint comes in between.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime

from shugu.evidence import services
from shugu.evidence.errors import NoSuchKey, OverlapRunning, RecoveryNeeded
from shugu.formats.canonical import canonical
from shugu.formats.checkpoint import Checkpoint as TreeHead
from shugu.formats.keyhistory import KeyPeriods, Kind, Line, Period, Reason, Statement, needs_recovery, sign_line
from shugu.formats.keystatements import read_line
from shugu.formats.suites import Signer, VerifyKey
from shugu.kernel import key_lines, keystore, runtime, signer
from shugu.kernel.cases import Actor, ActorKind
from shugu.kernel.commands import command
from shugu.kernel.errors import Forbidden, NotFound
from shugu.kernel.key_standing import overlap_until
from shugu.kernel.models import KeyLine
from shugu.kernel.workdays import local_day


@dataclass(frozen=True)
class BeginKey:
    """A new key of a suite ("intl", "sm"), made in `store` ("software", "pkcs11"; "" as home.toml says)."""

    suite: str
    store: str = ""


@dataclass(frozen=True)
class SayLine:
    """A line of the key history: canonical JSON, signed."""

    line: bytes


@contextmanager
def _log_at_rest(now: datetime) -> Iterator[TreeHead]:
    with services.writer(wait=True), key_lines.standstill():
        key_lines.found(now)
        while (done := services.sequence_once(now)).size > done.first:
            pass
        yield done.checkpoint


def _allowed(actor: Actor) -> None:
    if "operator" not in actor.seats and actor.kind is not ActorKind.MANDATE:
        raise Forbidden()


def begin_key(asked: BeginKey, *, actor: Actor, now: datetime, recovery: Signer | None = None) -> KeyLine:
    """Rotation, or the adoption of a suite: a new key in force beside the old one until that is retired.
    Errors: OverlapRunning, RecoveryNeeded, StoreCannot, KeyUnavailable, Forbidden."""
    _allowed(actor)
    with _log_at_rest(now) as head:
        state = signer.periods()
        held = [k for k in state.in_force() if k.suite.name == asked.suite]
        if len(held) > 1:
            raise OverlapRunning(why=("同类密钥已有两把在用", "two keys of this kind are in force"))
        return _announce(asked, Reason.ROTATED if held else Reason.ADOPTED, state, head, actor, now, recovery)


def _announce(
    asked: BeginKey, reason: Reason, state: KeyPeriods, head: TreeHead, actor: Actor, now: datetime, recovery: Signer | None
) -> KeyLine:
    if state.recovery and recovery is None:
        raise RecoveryNeeded()
    made = keystore.make(asked.suite, signer.origin(), asked.store or runtime.home().config.keys_store)
    said = _statement(state, Kind.ANNOUNCED, made.verify_key, head, now, reason.value)
    old = () if recovery is not None else signer.opened(state.in_force())
    return _say(state, said, [made, *old], actor, recovery)


def retire_key(key_id: str, *, actor: Actor, now: datetime) -> KeyLine:
    """The older key of a suite ends at the log's present size. Errors: NoSuchKey, OverlapRunning, Forbidden."""
    _allowed(actor)
    with _log_at_rest(now) as head:
        state = signer.periods()
        period = _live(state, key_id)
        until = overlap_until(state, period)
        if until is None:
            raise OverlapRunning(why=("它之后没有启用新密钥", "no newer key has been announced after it"))
        if local_day(now) < until:
            raise OverlapRunning(why=(f"交替期到 {until} 为止", f"the overlap lasts until {until}"))
        return _end(state, Kind.RETIRED, period, head, actor, now, None)


def lose_key(key_id: str, *, actor: Actor, now: datetime, store: str = "", recovery: Signer | None = None) -> KeyLine:
    """A key that somebody else may hold ends at once; where it was the only one of its suite, a new one begins first.
    A key that was retired long ago may be declared lost as well. Errors: NoSuchKey, RecoveryNeeded, as begin_key."""
    _allowed(actor)
    with _log_at_rest(now) as head:
        state = signer.periods()
        period = next((p for p in state.periods if p.key.key_id == key_id and p.ended is not Kind.COMPROMISED), None)
        if period is None:
            raise NoSuchKey(key=key_id)
        if state.recovery and recovery is None:
            raise RecoveryNeeded()
        if period.until is None and len([k for k in state.in_force() if k.suite.name == period.key.suite.name]) == 1:
            asked = BeginKey(period.key.suite.name, store)
            _announce(asked, Reason.REPLACED, state, head, actor, now, recovery)
            state = signer.periods()
        return _end(state, Kind.COMPROMISED, period, head, actor, now, recovery)


def name_recovery(key: Signer, *, actor: Actor, now: datetime, recovery: Signer | None = None) -> KeyLine:
    """From now on every new key and every loss needs this offline key's signature (or another recovery key's).
    Errors: RecoveryNeeded when there is one already, Forbidden."""
    _allowed(actor)
    with _log_at_rest(now) as head:
        state = signer.periods()
        if state.recovery and recovery is None:
            raise RecoveryNeeded()
        said = _statement(state, Kind.RECOVERY, key.verify_key, head, now)
        old = () if recovery is not None else signer.opened(state.in_force())
        return _say(state, said, [key, *old], actor, recovery)


def _live(state: KeyPeriods, key_id: str) -> Period:
    found = next((p for p in state.periods if p.key.key_id == key_id and p.until is None), None)
    if found is None:
        raise NoSuchKey(key=key_id)
    return found


def _end(
    state: KeyPeriods, kind: Kind, period: Period, head: TreeHead, actor: Actor, now: datetime, recovery: Signer | None
) -> KeyLine:
    said = _statement(state, kind, period.key, head, now, root=head.root)
    by_recovery = recovery is not None and needs_recovery(state, said)
    rest = () if by_recovery else signer.opened(k for k in state.in_force() if k != period.key)
    return _say(state, said, list(rest), actor, recovery if by_recovery else None)


def _statement(
    state: KeyPeriods, kind: Kind, key: VerifyKey, head: TreeHead, now: datetime, reason: str = "", root: bytes = b""
) -> Statement:
    return Statement(state.count, state.name, kind, (key,), now.replace(microsecond=0), head.size, state.last, reason, root)


def _say(state: KeyPeriods, said: Statement, signers: list[Signer], actor: Actor, recovery: Signer | None) -> KeyLine:
    if recovery is not None and recovery.verify_key not in state.recovery:
        raise NotFound(what=("该恢复密钥", "this recovery key"))
    line = sign_line(said, [*signers, *([recovery] if recovery is not None else [])])
    return say_line(SayLine(canonical(line.as_dict())), actor=actor, now=said.at)


@command("evidence.say_key_line", ("续写密钥沿革", "add a line to the key history"))
def say_line(cmd: SayLine, *, actor: Actor, now: datetime) -> KeyLine:
    """The line as the next one, if it holds. Errors: HistoryNotTrusted, BadSignature, FormatError, Forbidden."""
    _allowed(actor)
    line: Line = read_line(cmd.line)
    return key_lines.add(line, actor=actor, now=now)


__all__ = ["BeginKey", "SayLine", "begin_key", "lose_key", "name_recovery", "retire_key", "say_line"]
