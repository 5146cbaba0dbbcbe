from __future__ import annotations

from django.apps import AppConfig


class TradeConfig(AppConfig):
    name = "shugu.trade"
    label = "trade"

    def ready(self) -> None:
        from shugu.trade import domain, pages, services, standing, subscriptions  # noqa: F401  register guards, effects, contexts

        pages.register()
        standing.register()
