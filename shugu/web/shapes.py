"""What the components take: frozen shapes that any app can fill without showing its models.

Days are `date`, moments aware `datetime`, money integer fen, texts bilingual.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum

from shugu.formats.errors import ShuguError
from shugu.kernel.rules import Force
from shugu.kernel.text import Text

Words = Text | str


class Tone(StrEnum):
    """A state's colour and shape; the chip's words say the same, so that colour is never alone."""

    NEUTRAL = "neutral"
    PROGRESS = "progress"
    WAITING = "waiting"
    GOOD = "good"
    WARNING = "warning"
    BAD = "bad"
    STOPPED = "stopped"


@dataclass(frozen=True)
class Chip:
    text: Words
    tone: Tone = Tone.NEUTRAL


@dataclass(frozen=True)
class Link:
    text: Words
    href: str


@dataclass(frozen=True)
class Source:
    """Where a number comes from. `status` is a rule file's, as in `shugu.kernel.rules.Status`."""

    document: Words
    article: str = ""
    force: Force = Force.MUST
    status: str = "in_force"
    effective: date | None = None
    until: date | None = None
    number: str = ""
    note: Words = ""


@dataclass(frozen=True)
class ClockFace:
    """A clock as read by its owner. `left` in `unit`s (wd or cd), 0 on the last day, negative when overdue.

    kind: fire | duty | window | bar, as in a procedure table. `stopped` holds the reason while it
    is paused; `met_on` the day on which the duty was done. A provisional day is one in a year
    without published holidays. `words` replaces the sentence by one the owner already has.
    """

    due: date
    left: int
    unit: str = "wd"
    kind: str = "duty"
    title: Words = ""
    note: Words = ""
    provisional: bool = False
    stopped: Words = ""
    met_on: date | None = None
    source: Source | None = None
    words: Words = ""

    @property
    def overdue(self) -> bool:
        return self.left < 0 and self.met_on is None and not self.stopped and self.kind != "bar"

    @property
    def pressing(self) -> bool:
        """Due today or on the next counted day."""
        return 0 <= self.left <= 1 and self.met_on is None and not self.stopped and self.kind != "bar"


class SealState(StrEnum):
    SEALED = "sealed"
    WAITING = "waiting"
    BROKEN = "broken"


@dataclass(frozen=True)
class Seal:
    """An evidence badge: `panel_url` proves it in front of the user, `file_url` offers the proof file."""

    state: SealState
    panel_url: str
    index: int | None = None
    file_url: str = ""


@dataclass(frozen=True)
class Event:
    """One line of a timeline. A past event has `when`; a future step has `latest`, if known."""

    title: Words
    when: datetime | None = None
    actor: str = ""
    opinion: str = ""
    effective_on: date | None = None
    latest: date | None = None
    attachments: tuple[Link, ...] = ()
    seal: Seal | None = None
    clock: ClockFace | None = None
    tone: Tone = Tone.NEUTRAL
    current: bool = False

    @property
    def future(self) -> bool:
        return self.when is None and not self.current


@dataclass(frozen=True)
class Act:
    """A command of the procedure table. `method` "get" opens a form page, "post" acts at once.

    `refused` is why it is not allowed now (words or the refusal itself); it is then shown greyed
    with that reason.
    """

    name: str
    title: Words
    url: str
    method: str = "get"
    primary: bool = False
    danger: bool = False
    confirm: Words = ""
    hidden: Mapping[str, str] = field(default_factory=dict)
    refused: Words | ShuguError | None = None
    article: str = ""


@dataclass(frozen=True)
class Record:
    """The head of a record's page: what it is, where it stands, what may be done now."""

    name: Words
    number: str = ""
    kind: Words = ""
    state: Chip | None = None
    holder: Words = ""
    holder_href: str = ""
    dates: tuple[tuple[Words, date | datetime | None], ...] = ()
    clock: ClockFace | None = None
    seal: Seal | None = None
    acts: tuple[Act, ...] = ()
    subject: str = ""


@dataclass(frozen=True)
class Tile:
    """One figure: `value` as it is to be read, already formatted; `source` for one that comes from a rule."""

    title: Words
    value: str
    unit: Words = ""
    note: Words = ""
    href: str = ""
    source: Source | None = None
    tone: Tone = Tone.NEUTRAL


@dataclass(frozen=True)
class Progress:
    """Long work. `rate` in items a second, `remaining` in seconds; `poll_url` is asked every 2 s until done."""

    title: Words
    done: int
    total: int
    rate: float | None = None
    remaining: int | None = None
    poll_url: str = ""

    @property
    def percent(self) -> int:
        return 100 if self.total <= 0 else min(100, self.done * 100 // self.total)

    @property
    def finished(self) -> bool:
        return self.done >= self.total


@dataclass(frozen=True)
class Empty:
    """What an empty list says: what would stand here and what to do next."""

    text: Words
    link: Link | None = None


VISITOR = Text("访客", "Visitor")


@dataclass(frozen=True)
class SeatFace:
    """Who sits here, as the shell shows it. `kind` chooses the navigation."""

    kind: str = "visitor"
    title: Words = VISITOR
    person: str = ""
    organisation: str = ""
