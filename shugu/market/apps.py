from __future__ import annotations

from django.apps import AppConfig


class MarketConfig(AppConfig):
    name = "shugu.market"
    label = "market"

    def ready(self) -> None:
        from shugu.market import domain, pages, services  # noqa: F401  register guards and contexts

        pages.register()
