"""What party adds to the shell when the process starts: navigation, its cases, names for the case pages."""

from __future__ import annotations


def register() -> None:
    pass
