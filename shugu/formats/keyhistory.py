"""A venue's key history: which of its keys counted for which part of its log (docs/formats.md section 2).

For a verifier there are four steps, all pure:

    periods = trusted(pinned, history)                      # raises when the history does not hold
    periods.for_entry(index)   -> Keyring                   # who could sign the credential sealed at this index
    periods.for_checkpoint(n)  -> Keyring                   # who could sign the checkpoint of this size
    check_in_force(periods, proof, join)                    # no key that has ended vouches alone for a tree

`for_entry(None)` is for a credential that is not sealed: only keys without an end. The keyrings are used exactly like
a `.vkey` file (`verify_credential`, `verify_strict`); keys pinned under other names (witnesses, parties) are in both.
`extends(old, new)` tells whether a newer history goes on from one that was accepted before: keep the longest.

A key counts for entries with index in [from, until) and so for checkpoints of size in (from, until]. Dates that a signer
wrote count for nothing. What an ended key alone has signed counts only in the tree whose size and root were fixed when it
ended: the thief of a retired key can sign a small tree of his own, but he cannot join it to the real one.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Final

from shugu.formats.errors import BadSignature, VerificationError
from shugu.formats.keystatements import (
    BadKeyHistory,
    Kind,
    Line,
    Reason,
    Statement,
    read_history,
    sign_line,
    write_history,
)
from shugu.formats.merkle import HASH_SIZE, verify_consistency
from shugu.formats.note import open_note
from shugu.formats.proof import TlogProof
from shugu.formats.suites import SUITES, Keyring, VerifyKey


class HistoryNotTrusted(VerificationError):
    code = "key-history-not-trusted"
    sentence = ("密钥沿革不可信：{reason}。", "The key history is not to be trusted: {reason}.")
    remedy = ("请向交易场所核对公钥，并从其网站取得密钥沿革。", "Compare the keys with the venue; get the history from its site.")


class KeyNotInForce(VerificationError):
    code = "key-not-in-force"
    sentence = ("密钥 {key} 对此处不作数：{reason}。", "The key {key} does not count here: {reason}.")
    remedy = (
        "请向出具方索取原件；该文件可能是用失效密钥伪造的。",
        "Ask the issuer for the original; somebody may have forged this with an ended key.",
    )


class JoinMissing(VerificationError):
    code = "join-missing"
    sentence = (
        "检查点（{size} 条）只有已停用密钥 {key} 的签名，未证明它属于真实日志（停用时 {end} 条）。",
        "The checkpoint of {size} entries is signed by the ended key {key} alone; nothing joins it to the log of {end}.",
    )
    remedy = (
        "请重新下载该文件，或取得从 {size} 到 {end} 的一致性证明。",
        "Download the document again, or get the consistency proof from {size} to {end}.",
    )


@dataclass(frozen=True)
class Period:
    """One key's time in force, by the log. `until` is None while it lasts; `root` fixes the tree it ended with."""

    key: VerifyKey
    since: int
    since_at: datetime
    reason: str
    until: int | None = None
    until_at: datetime | None = None
    root: bytes = b""
    ended: Kind | None = None

    def covers(self, index: int) -> bool:
        """Whether the key counts for the entry at `index`."""
        return self.since <= index and (self.until is None or index < self.until)


@dataclass(frozen=True)
class KeyPeriods:
    """All keys a venue ever had, in the order of their suites and then of their announcement; `others` are keys pinned
    under other names; `recovery` are offline keys that sign history only."""

    name: str
    periods: tuple[Period, ...]
    recovery: tuple[VerifyKey, ...] = ()
    others: tuple[VerifyKey, ...] = ()
    size: int = 0
    last: str = ""
    count: int = 0

    def in_force(self) -> tuple[VerifyKey, ...]:
        return tuple(p.key for p in self.periods if p.until is None)

    def period(self, key: VerifyKey) -> Period | None:
        return next((p for p in self.periods if p.key == key), None)

    def every(self) -> Keyring:
        """Every key there ever was: to name a signer, not to trust him."""
        return Keyring((*(p.key for p in self.periods), *self.others))

    def for_entry(self, index: int | None) -> Keyring:
        """Raises KeyNotInForce when no key of the venue counts there."""
        held = [p.key for p in self.periods if (p.until is None if index is None else p.covers(index))]
        if not held:
            raise KeyNotInForce(key=self.name, reason=("该处没有有效密钥", "no key was in force there"))
        return Keyring((*held, *self.others))

    def named_by(self, credential: Mapping[str, object]) -> Keyring:
        """Those of all keys that a credential's proofs name, for whoever accepted it while they were in force and reads it
        again: it says nothing of a document that comes from elsewhere. Raises KeyNotInForce when none is the venue's."""
        proofs = credential.get("proof")
        named = {p.get("verificationMethod") for p in proofs if isinstance(p, dict)} if isinstance(proofs, list) else set()
        held = [p.key for p in self.periods if p.key.method in named]
        if not held:
            raise KeyNotInForce(key=self.name, reason=("不是该场所的签名", "it is not signed by the venue"))
        return Keyring((*held, *self.others))

    def for_checkpoint(self, size: int) -> Keyring:
        """A tree's last entry decides; the empty tree is signed by the founding keys. Raises KeyNotInForce."""
        return self.for_entry(max(size - 1, 0))


def order_of(key: VerifyKey) -> int:
    return list(SUITES).index(key.suite.name)


def _refuse(zh: str, en: str) -> HistoryNotTrusted:
    return HistoryNotTrusted(reason=(zh, en))


def endorsers(state: KeyPeriods, statement: Statement) -> frozenset[VerifyKey]:
    """Who must sign: a new key itself always. For a new key or a loss, one recovery key where the venue has any (it is
    not in this set: any one does), else every key in force; a lost key does not speak of its loss."""
    own = frozenset(statement.keys)
    live = frozenset(state.in_force())
    match statement.kind:
        case Kind.FOUNDED:
            return own
        case Kind.ANNOUNCED:
            return own if state.recovery else own | live
        case Kind.RECOVERY:
            return own if state.recovery else own | live
        case Kind.COMPROMISED:
            return frozenset() if state.recovery else live - own
        case Kind.RETIRED:
            return live - own


def needs_recovery(state: KeyPeriods, statement: Statement) -> bool:
    return bool(state.recovery) and statement.kind in (Kind.ANNOUNCED, Kind.COMPROMISED, Kind.RECOVERY)


def _check_signatures(state: KeyPeriods, line: Line) -> None:
    said = line.statement
    signers = [key for key, _ in line.signatures]
    spelled = [key.vkey() for key in signers]
    if spelled != sorted(set(spelled)):
        raise _refuse(f"第 {said.n} 行签名次序有误", f"the signatures of line {said.n} are out of order")
    allowed = {*said.keys, *state.in_force(), *state.recovery}
    if said.kind is Kind.COMPROMISED:
        allowed -= set(said.keys)
    for key, signature in line.signatures:
        if key not in allowed:
            raise _refuse(f"第 {said.n} 行有无权者签名", f"line {said.n} is signed by {key.key_id}, who has no say")
        if not key.holds(said.signed_bytes(), signature):
            raise BadSignature(name=f"{key.name}+{key.key_id}")
    wanted = endorsers(state, said)
    enough = wanted <= set(signers) and (not needs_recovery(state, said) or bool(set(signers) & set(state.recovery)))
    if not enough or not signers:
        raise _refuse(f"第 {said.n} 行缺少应有的签名", f"line {said.n} lacks a signature that it needs")


def _founded(said: Statement) -> tuple[Period, ...]:
    kept = {k.suite.name for k in said.keys}
    if "intl" not in kept or len(kept) != len(said.keys) or said.size != 0 or said.reason or said.root:
        raise _refuse("首行不是成立声明", "the first line is no founding")
    return tuple(Period(k, 0, said.at, "founded") for k in said.keys)


def _announced(state: KeyPeriods, said: Statement) -> KeyPeriods:
    key = said.keys[0]
    if said.reason not in list(Reason) or said.root:
        raise _refuse(f"第 {said.n} 行的事由有误", f"line {said.n} has a wrong reason")
    if any((p.key.name, p.key.id_bytes) == (key.name, key.id_bytes) for p in state.periods):
        raise _refuse(f"第 {said.n} 行的密钥早已有过", f"the key of line {said.n} is not new")
    periods = [*state.periods, Period(key, said.size, said.at, said.reason)]
    return replace(state, periods=tuple(sorted(periods, key=lambda p: order_of(p.key))))


def _ended(state: KeyPeriods, said: Statement) -> KeyPeriods:
    key = said.keys[0]
    period = state.period(key)
    # A key that has retired may yet be declared lost; its end stays where it was fixed.
    if period is None or (period.until is not None and (said.kind is Kind.RETIRED or period.ended is Kind.COMPROMISED)):
        raise _refuse(f"第 {said.n} 行的密钥不在用", f"the key of line {said.n} is not in force")
    if said.reason or len(said.root) != HASH_SIZE:
        raise _refuse(f"第 {said.n} 行没有日志的根", f"line {said.n} does not fix the log's root")
    if period.until is None:
        period = replace(period, until=said.size, until_at=said.at, root=said.root, ended=said.kind)
    else:
        period = replace(period, ended=said.kind)
    periods = tuple(period if p.key == key else p for p in state.periods)
    if not any(p.until is None and p.key.suite.name == key.suite.name for p in periods):
        raise _refuse(f"第 {said.n} 行后没有可用的同类密钥", f"after line {said.n} no key of that kind is in force")
    return replace(state, periods=periods)


def _recovery(state: KeyPeriods, said: Statement) -> KeyPeriods:
    if said.reason or said.root or said.keys[0] in state.recovery:
        raise _refuse(f"第 {said.n} 行的恢复密钥有误", f"line {said.n} names a wrong recovery key")
    return replace(state, recovery=(*state.recovery, said.keys[0]))


_STEPS: Final[dict[Kind, Callable[[KeyPeriods, Statement], KeyPeriods]]] = {
    Kind.ANNOUNCED: _announced, Kind.RETIRED: _ended, Kind.COMPROMISED: _ended, Kind.RECOVERY: _recovery,
}  # fmt: skip


def follow(state: KeyPeriods | None, line: Line) -> KeyPeriods:
    """The state after one more line. Raises HistoryNotTrusted, BadSignature."""
    said = line.statement
    before = state or KeyPeriods(said.name, ())
    if (said.n, said.previous) != (before.count, before.last) or said.name != before.name or said.size < before.size:
        raise _refuse(f"第 {said.n} 行接不上前一行", f"line {said.n} does not follow the line before")
    own_name = f"{said.name}/recovery" if said.kind is Kind.RECOVERY else said.name
    if any(k.name != own_name for k in said.keys) or (state is not None and len(said.keys) != 1):
        raise _refuse(f"第 {said.n} 行的密钥不合格式", f"line {said.n} has keys of another name or number")
    if (state is None) != (said.kind is Kind.FOUNDED):
        raise _refuse("成立声明应在且只在首行", "the founding is the first line and no other")
    _check_signatures(before, line)
    after = replace(before, periods=_founded(said)) if state is None else _STEPS[said.kind](before, said)
    return replace(after, size=said.size, last=line.digest, count=said.n + 1)


def replay(lines: Sequence[Line]) -> KeyPeriods:
    """What the lines say, each checked against those before; nobody's trust yet. Raises HistoryNotTrusted, BadSignature."""
    state: KeyPeriods | None = None
    for line in lines:
        state = follow(state, line)
    if state is None:
        raise BadKeyHistory(reason=("没有任何一行", "there is no line"))
    return state


def trusted(pinned: Keyring, history: bytes) -> KeyPeriods:
    """The periods of the venue's keys, if the history holds and is that of the pinned keys.

    Every key pinned under the history's name must be in it, an Ed25519 key at least. Each key signs the line that brings
    it in, and with it all lines before; so whichever of the keys is pinned, the past is vouched for by it and the future
    by its successors. A pinned recovery key (`<name>/recovery`) must be named. Raises FormatError, HistoryNotTrusted,
    BadSignature.
    """
    state = replay(read_history(history))
    own = [k for k in pinned.keys if k.name == state.name]
    if not any(k.suite.name == "intl" for k in own):
        raise _refuse("没有固定该场所的 Ed25519 公钥", "no Ed25519 key of this venue is pinned")
    offline = [k for k in pinned.keys if k.name == f"{state.name}/recovery"]
    if any(state.period(k) is None for k in own) or any(k not in state.recovery for k in offline):
        raise _refuse("其中缺少所固定的公钥，可能早于公钥文件", "a pinned key is not in it; it may be older than the key file")
    others = tuple(k for k in pinned.keys if k not in own and k not in offline)
    return replace(state, others=others)


def pinned_only(pinned: Keyring, name: str) -> KeyPeriods:
    """The periods for a verifier without a history: the pinned keys, from the first entry and without end."""
    start = datetime(1970, 1, 1, tzinfo=UTC)
    own = tuple(Period(k, 0, start, "founded") for k in pinned.keys if k.name == name)
    return KeyPeriods(name, own, others=tuple(k for k in pinned.keys if k.name != name))


def extends(old: bytes, new: bytes) -> bool:
    """Whether `new` has every line of `old`, unchanged, at its beginning. Raises FormatError."""
    before, after = read_history(old), read_history(new)
    return after[: len(before)] == before


def check_in_force(periods: KeyPeriods, proof: TlogProof, join: Sequence[bytes] | None = None) -> None:
    """Whether the proof's checkpoint is one of the real log as far as keys can tell.

    Good if a key of the venue that has no end signed it; or else if it is joined to the tree fixed when its key ended:
    `join` is the consistency proof (RFC 6962 section 2.1.2) from its size to that of the key's end, needless when the
    sizes are equal. Raises KeyNotInForce, JoinMissing, ProofInvalid, FormatError, BadSignature.
    """
    opened = open_note(proof.checkpoint, periods.every())
    covered = proof.covered_by()
    ended: list[Period] = []
    for key in opened.verified:
        period = periods.period(key)
        if period is None:
            continue  # a witness or another party: it does not stand for the venue
        if not period.covers(max(covered.size - 1, 0)):
            side = ("该检查点在其有效范围之外", "the checkpoint is outside its period")
            raise KeyNotInForce(key=f"{key.name}+{key.key_id}", reason=side)
        if period.until is None and key.suite.name == "intl":
            return
        if period.until is not None:
            ended.append(period)
    if not ended:
        raise KeyNotInForce(key=periods.name, reason=("没有该场所的 Ed25519 签名", "there is no Ed25519 signature of the venue"))
    end = min(ended, key=lambda p: p.until or 0)
    assert end.until is not None
    if covered.size == end.until:
        join = ()
    if join is None:
        raise JoinMissing(size=covered.size, end=end.until, key=f"{end.key.name}+{end.key.key_id}")
    verify_consistency(covered.size, end.until, tuple(join), covered.root, end.root)


__all__ = [
    "BadKeyHistory", "HistoryNotTrusted", "JoinMissing", "KeyNotInForce", "KeyPeriods", "Kind", "Line", "Period", "Reason",
    "Statement", "check_in_force", "endorsers", "extends", "follow", "needs_recovery", "pinned_only", "read_history",
    "replay", "sign_line", "trusted", "write_history",
]  # fmt: skip
