"""The venue's keys as the operator sees them: where each is, since when and until when it counts, and what is to be done."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta

from shugu.formats.keyhistory import KeyPeriods, Kind, Period
from shugu.formats.suites import VerifyKey
from shugu.kernel import keystore, runtime, signer
from shugu.kernel.text import Text
from shugu.kernel.workdays import due, local_day

_SOON = timedelta(days=14)  # how far ahead the health page reminds of an overlap that ends

REASONS = {
    "founded": Text("首批", "founding"), "rotated": Text("轮换", "rotation"), "adopted": Text("启用该算法", "adoption"),
    "replaced": Text("失窃后更换", "replacement after a loss"),
}  # fmt: skip


@dataclass(frozen=True)
class KeyView:
    """`fingerprint`: the whole vkey; `retire_from`: the first day on which it may be retired, None unless it overlaps
    with a successor; `due`: that day has come."""

    key: VerifyKey
    period: Period
    place: str
    retire_from: date | None
    due: bool

    @property
    def fingerprint(self) -> str:
        return self.key.vkey()

    @property
    def reason(self) -> Text:
        return REASONS[self.period.reason]

    @property
    def state(self) -> tuple[Text, str]:
        """(words, tone)."""
        if self.period.ended is Kind.COMPROMISED:
            return Text("已声明失窃", "declared lost"), "bad"
        if self.period.ended is Kind.RETIRED:
            return Text("已停用", "retired"), "neutral"
        if self.retire_from is not None:
            return Text("交替期", "overlap"), "warning"
        return Text("在用", "in force"), "good"

    @property
    def may_be_lost(self) -> bool:
        return self.period.ended is not Kind.COMPROMISED


def overlap_until(state: KeyPeriods, period: Period) -> date | None:
    """The first day on which a key may be retired; None while it is its suite's newest or has ended."""
    later = [p for p in state.periods if p.key.suite == period.key.suite and p.until is None]
    if period.until is not None or period not in later or later[-1] is period:
        return None
    begun = local_day(later[-1].since_at)
    length = runtime.rules_on(begun).value("evidence.key_overlap").length
    return due(begun, length, calendar=runtime.calendar()).on


def keys(now: datetime) -> tuple[KeyView, ...]:
    state = signer.periods()
    return tuple(_view(state, period, local_day(now)) for period in state.periods)


def _view(state: KeyPeriods, period: Period, today: date) -> KeyView:
    until = overlap_until(state, period)
    return KeyView(period.key, period, keystore.place_of(period.key).value, until, until is not None and until <= today)


def recovery() -> tuple[VerifyKey, ...]:
    return signer.periods().recovery


def reminders(now: datetime) -> tuple[Text, ...]:
    """What the operator should see to: overlaps that end soon or are over, key files anybody with the home can open."""
    today, out = local_day(now), list[Text]()
    state = signer.periods()
    for period in state.periods:
        until = overlap_until(state, period)
        name = period.key.key_id
        if until is not None and until <= today:
            out.append(Text(f"密钥 {name} 的交替期已满，可以停用", f"the overlap of key {name} is over: retire it"))
        elif until is not None and until - today <= _SOON:
            out.append(Text(f"密钥 {name} 的交替期到 {until} 为止", f"the overlap of key {name} ends on {until}"))
    if keystore.source() is keystore.Source.HOME and not runtime.demo():
        told = Text("密钥文件的口令与密钥在同一目录", "the passphrase of the key files lies in the same home as they")
        out.append(told)
    return tuple(out)
