"""A venue that is killed at a named step of what the other one or its own worker makes it do, and comes back."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from shugu.federated.houses import Died, House
from shugu.federated.watching import until

if TYPE_CHECKING:
    from shugu.federated.story import Story


def back(house: House) -> None:
    """After its death: the same home, and its worker at work again."""
    house.again()
    house.ask("work", on=True)


@contextmanager
def killed(story: Story, house: House, step: str, *, always: bool = False) -> Iterator[None]:
    """What is done inside makes the venue reach that step, where SIGKILL ends it; afterwards it is at work again. The trimmed
    story kills at the steps marked `always` only. The answer to what was asked of it may be lost with it."""
    if story.trimmed and not always:
        yield
        return
    house.ask("arm", step=step)
    try:
        yield
    except Died:
        assert not house.alive, f"{house.venue} died of something else"
    until(f"death at {step}", lambda: not house.alive)
    back(house)
    story.steps[-1].notes.setdefault("killed", []).append(f"{house.venue}: {step}")
