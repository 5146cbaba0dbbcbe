"""Which form of a signed checkpoint may be public: with the cosignatures that the venue's policy demands, or not at all.

The sequencer calls `forms` with its latest signed state. Cosignatures are asked of all witnesses at once and kept; while
the quorum is missing, the earlier checkpoint stays public, facts go on being accepted and signed, and the witnesses are
asked again after a pause. Without a quorum the checkpoint comes out at once and a second time with what was cosigned.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from shugu.evidence import tile_files
from shugu.evidence.models import Cosignature, LogState, Published, WitnessTrouble
from shugu.evidence.witness_client import Answered, Question, ask
from shugu.formats import checkpoint as checkpoints
from shugu.formats.cosignature import cosigned_at, parse_cosignatures
from shugu.formats.merkle import consistency_proof
from shugu.formats.note import add_signatures, parse_note
from shugu.formats.quorum import Policy, Witness
from shugu.formats.tiles import hash_reader, parse_path
from shugu.kernel import clock, witness_keys
from shugu.kernel.text import Text

ROUND_SECONDS: Final = 2.5  # while publication waits for them
LEISURE_SECONDS: Final = 0.5  # when it does not: the next facts shall not wait for a witness that is down
_FIRST_PAUSE, _LONGEST_PAUSE = 0.5, 60.0
# A cosignature says that nothing larger was seen as of its time: a log at rest has it renewed.
RENEW_AFTER: Final = timedelta(minutes=10)

TROUBLES: Final[Mapping[str, Text]] = {
    "no-url": Text("策略中没有网址", "the policy gives no address"),
    "timeout": Text("未及时答复", "no answer in time"),
    "unreachable": Text("连接失败", "cannot be reached"),
    "malformed": Text("答复格式有误", "its answer is malformed"),
    "bad-signature": Text("会签无效", "its cosignature is invalid"),
    "unknown-log": Text("尚未登记本所日志", "it does not witness our log"),
    "not-our-key": Text("登记的公钥与本所不同", "it knows another key of ours"),
    "not-an-extension": Text("认为日志不一致", "it finds our log inconsistent"),
    "ahead": Text("所见大于本所日志", "it has seen a larger log than ours"),
    "conflict": Text("同时另有请求", "another request was at work"),
    "refused": Text("拒绝会签", "it refused"),
}


@dataclass
class _Patience:
    """When a witness that failed is asked again: after a pause that doubles. One writer at a time makes memory enough."""

    not_before: float = 0.0
    pause: float = _FIRST_PAUSE

    def failed(self) -> None:
        self.not_before = time.monotonic() + self.pause
        self.pause = min(self.pause * 2, _LONGEST_PAUSE)


_patience: dict[str, _Patience] = {}


def forget() -> None:
    """Ask everybody at once again (tests, a changed policy)."""
    _patience.clear()


def pending(state: LogState, out: bytes | None) -> bool:
    """Whether there is anything to publish, or anybody to ask, over the checkpoint `out` that is public."""
    policy, told = witness_keys.policy(), _told()
    if told is None or told != out:
        return True
    if policy is None or not policy.witnesses:
        return out != bytes(state.checkpoint)
    if parse_note(told).text != parse_note(bytes(state.checkpoint)).text:
        return not policy.demands or bool(_due(state, policy)) or policy.standing(_assembled(state, policy)).reached
    return bool(_due(state, policy)) or out != _assembled(state, policy)


def forms(state: LogState, out: bytes | None) -> Iterator[bytes]:
    """What to make public of the signed state, one after the other; nothing while the quorum is missing. What was recorded
    as public and is not `out` (a crash in between, a lost store) comes first.
    Errors: BadWitnessPolicy, HomeError; TileMissing."""
    policy, told = witness_keys.policy(), _told()
    if told is not None and told != out:
        yield told
    if policy is None or not policy.witnesses:
        yield bytes(state.checkpoint)
        return
    witness_keys.record()
    first = _assembled(state, policy)
    if not policy.demands:
        yield first
    _ask(state, policy)
    final = _assembled(state, policy)
    if policy.standing(final).reached and (policy.demands or final != first):
        yield final


def put_out(note: bytes) -> None:
    """Proofs are given under this note from here on; its file follows."""
    if _told() == note:
        return
    point = checkpoints.parse(note)
    row = {"size": point.size, "root": point.root, "note": note, "published_at": clock.now()}
    Published.objects.update_or_create(pk=1, defaults=row)


def _told() -> bytes | None:
    row = Published.objects.filter(pk=1).first()
    return bytes(row.note) if row else None


def _assembled(state: LogState, policy: Policy) -> bytes:
    """The signed note with the newest line of each witness that cosigned this very tree, in the order of the key file."""
    lines: dict[str, str] = {}
    for row in Cosignature.objects.filter(size=state.size, root=state.root).order_by("cosigned_at", "id"):
        lines[row.vkey] = row.line
    ordered = [lines[key.vkey()] for key in witness_keys.pinned() if key.vkey() in lines]
    note = bytes(state.checkpoint)
    return add_signatures(note, [s for line in ordered for s in parse_cosignatures(line.encode())]) if ordered else note


def _due(state: LogState, policy: Policy) -> list[Witness]:
    """Whom to ask now: who has not cosigned this tree, or long ago, and did not fail a moment ago."""
    now, renew = time.monotonic(), clock.wall() - RENEW_AFTER
    fresh = set(
        Cosignature.objects.filter(size=state.size, root=state.root, cosigned_at__gt=renew).values_list("vkey", flat=True)
    )
    return [w for w in policy.witnesses if w.key.vkey() not in fresh and _patience_of(w).not_before <= now]


def _patience_of(witness: Witness) -> _Patience:
    return _patience.setdefault(witness.key.vkey(), _Patience())


def _ask(state: LogState, policy: Policy) -> None:
    due = _due(state, policy)
    if not due:
        return
    standing = policy.standing(_assembled(state, policy))
    held = {w.name for w, _ in standing.cosigned}
    seen = {w.key.vkey(): _last_size(w) for w in due}
    read = hash_reader(lambda path: tile_files.read_at(parse_path(path), state.size), state.size)

    def enough(answers: Iterable[Answered]) -> bool:
        """The quorum that was missing is enough to go on; who is late is asked again."""
        return not standing.reached and policy.reached_by(frozenset(held | {a.witness.name for a in answers if a.line}))

    question = Question(
        bytes(state.checkpoint), state.size, lambda old: consistency_proof(old, state.size, read), lambda w: seen[w.key.vkey()]
    )
    for answer in ask(question, due, enough, LEISURE_SECONDS if standing.reached else ROUND_SECONDS):
        _take(state, answer)


def _last_size(witness: Witness) -> int:
    found = Cosignature.objects.filter(vkey=witness.key.vkey()).order_by("-size").values_list("size", flat=True).first()
    return found or 0


def _take(state: LogState, answer: Answered) -> None:
    vkey, now = answer.witness.key.vkey(), clock.wall()
    if answer.line is None:
        _patience_of(answer.witness).failed()
        row, new = WitnessTrouble.objects.get_or_create(pk=vkey, defaults={"code": answer.trouble, "since": now, "last": now})
        if not new:
            row.code, row.last = answer.trouble, now
            row.save(update_fields=["code", "last"])
        return
    _patience.pop(vkey, None)
    Cosignature.objects.create(
        size=state.size, root=state.root, vkey=vkey, line=answer.line.line(),
        cosigned_at=datetime.fromtimestamp(cosigned_at(answer.line), UTC),
    )  # fmt: skip
    WitnessTrouble.objects.filter(pk=vkey).delete()
