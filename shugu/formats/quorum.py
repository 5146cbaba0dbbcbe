"""Trust policies of C2SP tlog-policy: which logs, which witnesses, and how many of them must have cosigned.

The text is lines of `log <vkey> [<url>]`, `witness <name> <vkey> [<url>]`, `group <name> all|any|<k> <name>…` and exactly
one `quorum <name>|none`; names refer to earlier lines, and each is a member of at most one group. Read strictly: whatever
the specification does not allow is refused.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from shugu.formats.cosignature import cosigned_at
from shugu.formats.errors import BadBase64, BadKey, BadWitnessPolicy, Pair, QuorumMissing
from shugu.formats.note import parse_note
from shugu.formats.suites import VerifyKey, parse_vkey, parse_witness_vkey

NONE: Final = "none"
MAX_LINES: Final = 2_000
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")
_COUNT = re.compile(r"[1-9][0-9]{0,3}")


@dataclass(frozen=True)
class Log:
    key: VerifyKey
    url: str = ""


@dataclass(frozen=True)
class Witness:
    """`name` has a meaning in the policy only; `url` is the witness's submission prefix, "" when none is given."""

    name: str
    key: VerifyKey
    url: str = ""


@dataclass(frozen=True)
class Group:
    """Witnessed once `threshold` of its members (witnesses or groups) are."""

    name: str
    threshold: int
    members: tuple[str, ...]


@dataclass(frozen=True)
class Standing:
    """Who of the policy's witnesses has cosigned a note, when (Unix seconds), who has not, and whether that is enough."""

    cosigned: tuple[tuple[Witness, int], ...]
    missing: tuple[Witness, ...]
    reached: bool


@dataclass(frozen=True)
class Policy:
    """`quorum` is the name of a witness or group, or "none"."""

    logs: tuple[Log, ...] = ()
    witnesses: tuple[Witness, ...] = ()
    groups: tuple[Group, ...] = ()
    quorum: str = NONE

    @property
    def demands(self) -> bool:
        """Whether any cosignature is needed at all."""
        return self.quorum != NONE

    def reached_by(self, names: frozenset[str]) -> bool:
        """Whether cosignatures of these witnesses make the quorum."""
        done = set(names)
        for group in self.groups:  # each refers to earlier ones only
            if sum(member in done for member in group.members) >= group.threshold:
                done.add(group.name)
        return not self.demands or self.quorum in done

    def standing(self, note: bytes, latest: int | None = None) -> Standing:
        """What the note's signature lines say. A line that does not verify, or whose time is after `latest` (Unix
        seconds), counts as none. Raises BadNote."""
        parsed = parse_note(note)
        found: dict[str, int] = {}
        for witness in self.witnesses:
            for line in parsed.signatures:
                own = (line.name, line.id_bytes) == (witness.key.name, witness.key.id_bytes)
                if own and witness.key.holds(parsed.text.encode(), line.signature):
                    time = cosigned_at(line)
                    if latest is None or time <= latest:
                        found[witness.name] = max(time, found.get(witness.name, 0))
        done = tuple((w, found[w.name]) for w in self.witnesses if w.name in found)
        missing = tuple(w for w in self.witnesses if w.name not in found)
        return Standing(done, missing, self.reached_by(frozenset(found)))

    def require(self, note: bytes, latest: int | None = None) -> Standing:
        """The standing of a note that reaches the quorum. Raises BadNote, QuorumMissing."""
        found = self.standing(note, latest)
        if not found.reached:
            names = ", ".join(w.name for w in found.missing)
            raise QuorumMissing(reason=(f"缺 {names}", f"missing are {names}"))
        return found

    def witness_keys(self) -> tuple[VerifyKey, ...]:
        return tuple(w.key for w in self.witnesses)


@dataclass
class _Reading:
    """A policy half read: `members` are the names that some group has."""

    logs: list[Log] = field(default_factory=list)
    witnesses: list[Witness] = field(default_factory=list)
    groups: list[Group] = field(default_factory=list)
    quorum: str | None = None
    names: set[str] = field(default_factory=set)
    members: set[str] = field(default_factory=set)
    line: int = 0

    def bad(self, zh: str, en: str) -> BadWitnessPolicy:
        return BadWitnessPolicy(line=self.line, reason=(zh, en))

    def need(self, condition: bool, reason: Pair) -> None:
        if not condition:
            raise self.bad(*reason)

    def key(self, parse: Callable[[str], VerifyKey], text: str) -> VerifyKey:
        try:
            return parse(text)
        except (BadKey, BadBase64) as error:
            raise self.bad(error.message("zh"), error.message("en")) from error

    def log(self, items: list[str]) -> None:
        self.need(len(items) in (1, 2), ("应为 log <vkey> [<url>]", "log <vkey> [<url>] is wanted"))
        key = self.key(parse_vkey, items[0])
        self.need(
            all(log.key.public != key.public for log in self.logs), ("日志公钥重复", "the log's key was named before")
        )
        self.logs.append(Log(key, *items[1:]))

    def witness(self, items: list[str]) -> None:
        self.need(len(items) in (2, 3), ("应为 witness <名> <vkey> [<url>]", "witness <name> <vkey> [<url>] is wanted"))
        key = self.key(parse_witness_vkey, items[1])
        twice = any(w.key.public == key.public for w in self.witnesses)
        self.need(not twice, ("见证人公钥重复", "the witness's key was named before"))
        self.define(items[0])
        self.witnesses.append(Witness(items[0], key, *items[2:]))

    def group(self, items: list[str]) -> None:
        self.need(len(items) >= 3, ("应为 group <名> <数> <成员>…", "group <name> <number> <member>… is wanted"))
        name, wanted, members = items[0], items[1], items[2:]
        number = {"all": len(members), "any": 1}.get(wanted) or int(wanted if _COUNT.fullmatch(wanted) else 0)
        self.need(1 <= number <= len(members), ("门槛越界", "the threshold is out of range"))
        for member in members:
            self.need(member in self.names, (f"{member} 尚未定义", f"{member} is not defined yet"))
            self.need(member not in self.members, (f"{member} 已在某组", f"{member} is in a group already"))
            self.members.add(member)
        self.define(name)
        self.groups.append(Group(name, number, tuple(members)))

    def set_quorum(self, items: list[str]) -> None:
        self.need(len(items) == 1, ("应为 quorum <名>", "quorum <name> is wanted"))
        self.need(self.quorum is None, ("quorum 只能有一行", "there is one quorum line only"))
        self.need(items[0] in self.names | {NONE}, (f"{items[0]} 尚未定义", f"{items[0]} is not defined yet"))
        self.quorum = items[0]

    def define(self, name: str) -> None:
        self.need(name != NONE and name not in self.names, (f"名称 {name} 已用", f"the name {name} is taken"))
        self.names.add(name)


def parse_policy(text: str) -> Policy:
    """Reads a policy file. Raises BadWitnessPolicy, which names the line."""
    reading = _Reading()
    read = {"log": reading.log, "witness": reading.witness, "group": reading.group, "quorum": reading.set_quorum}
    lines = text.split("\n")
    reading.need(lines[-1] == "" and len(lines) <= MAX_LINES, ("每行应以换行结尾", "each line ends in a newline"))
    for reading.line, line in enumerate(lines, 1):
        reading.need(not _CONTROL.search(line), ("含控制字符", "there is a control character"))
        items = [item for item in re.split(r"[ \t]+", line) if item]
        if not items or items[0].startswith("#"):
            continue
        reading.need(items[0] in read, (f"未知的词 {items[0]}", f"unknown word {items[0]}"))
        read[items[0]](items[1:])
    if reading.quorum is None:
        raise reading.bad("没有 quorum 行", "there is no quorum line")
    return Policy(tuple(reading.logs), tuple(reading.witnesses), tuple(reading.groups), reading.quorum)


def policy_text(policy: Policy) -> str:
    """The policy as a file, in the order logs, witnesses, groups, quorum."""
    lines = [f"log {log.key.vkey()} {log.url}".rstrip() for log in policy.logs]
    lines += [f"witness {w.name} {w.key.vkey()} {w.url}".rstrip() for w in policy.witnesses]
    lines += [f"group {g.name} {g.threshold} {' '.join(g.members)}" for g in policy.groups]
    return "\n".join([*lines, f"quorum {policy.quorum}"]) + "\n"


__all__ = ["Group", "Log", "Policy", "Standing", "Witness", "parse_policy", "policy_text"]
