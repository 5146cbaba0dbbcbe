"""From what `shugu.kernel.queries` answers to what the components take, so that no app writes this twice."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache

from shugu.kernel.procedure import State
from shugu.kernel.queries import ActChoice, ClockLine
from shugu.kernel.queries import Event as CaseEvent
from shugu.kernel.rule_files import RULES, read_document
from shugu.kernel.rules import RuleValue
from shugu.kernel.text import Text
from shugu.web.shapes import Act, Chip, ClockFace, Event, Link, Seal, Source, Tone


@lru_cache(maxsize=256)
def document_title(document: str) -> tuple[Text, str]:
    """Title and number of a rule file `<jurisdiction>/<document>/<file>`; the venue's own values have neither."""
    path = RULES / f"{document}.toml"
    if document.startswith("regimes/"):
        return Text("登记制度约定", "The regime's own choice"), ""
    if document.startswith("venues/") or not path.exists():
        return Text("本场所规则", "Rules of this venue"), ""
    head = read_document(RULES, path)
    return Text(*head.title), head.number


def source_of(rule: RuleValue) -> Source:
    """The footnote of a number: `{% article source %}`."""
    title, number = document_title(rule.document)
    return Source(
        document=title,
        article=rule.article,
        force=rule.force,
        status=str(rule.status),
        effective=rule.effective[0],
        until=rule.effective[1],
        number=number,
        note=Text(*rule.note),
    )


def clock_of(line: ClockLine) -> ClockFace:
    """A clock in the words the kernel found for it."""
    return ClockFace(
        due=line.due_on,
        left=-1 if line.overdue else line.left,
        kind=line.kind,
        title=line.title,
        provisional=line.provisional,
        stopped=Text("计时已暂停", "stopped") if line.status == "paused" else "",
        source=source_of(line.source) if isinstance(line.source, RuleValue) else None,
        words=Text(*line.text),
    )


def acts_of(
    choices: Sequence[ActChoice], url: Callable[[str], str], *, at_once: Sequence[str] = (), danger: Sequence[str] = ()
) -> tuple[Act, ...]:
    """Buttons of a case. `url` gives the address of a command.

    A command named in `at_once` acts from the button itself when it asks for no input; the first allowed one is primary.
    """
    first = next((c.do for c in choices if c.allowed and c.do not in danger), None)
    return tuple(
        Act(
            name=choice.do,
            title=choice.title,
            url=url(choice.do),
            method="post" if choice.do in at_once and not choice.input and not choice.undertaking else "get",
            primary=choice.do == first,
            danger=choice.do in danger,
            refused=None if choice.allowed or choice.undertaking else Text(*(choice.why or ("", ""))),
            article=choice.article,
        )
        for choice in choices
    )


def chip_of(state: State, tones: Mapping[str, Tone] | None = None) -> Chip:
    """A state's chip. Without a tone of its own an open state is under way and a final one neutral."""
    tone = (tones or {}).get(state.id, Tone.NEUTRAL if state.final else Tone.PROGRESS)
    return Chip(state.title, tone)


def event_of(
    event: CaseEvent,
    actor: str,
    *,
    tone: Tone = Tone.NEUTRAL,
    opinion: str = "",
    attachments: Sequence[Link] = (),
    seal: Seal | None = None,
) -> Event:
    """One fact of a case; the app adds the actor's name, which the kernel does not know."""
    return Event(
        title=event.title,
        when=event.recorded_at,
        actor=actor,
        opinion=opinion or str(event.input.get("opinion", "")),
        effective_on=event.effective_on,
        attachments=tuple(attachments),
        seal=seal,
        tone=tone,
    )
