from __future__ import annotations

from django.apps import AppConfig


class PartyConfig(AppConfig):
    name = "shugu.party"
    label = "party"

    def ready(self) -> None:
        from shugu.party import domain, kinds, pages, services  # noqa: F401  register guards, effects, contexts

        pages.register()
        kinds.register()
