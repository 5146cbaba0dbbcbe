from __future__ import annotations

from django.apps import AppConfig
from django.urls import reverse


class TradeConfig(AppConfig):
    name = "shugu.trade"
    label = "trade"

    def ready(self) -> None:
        from shugu.formats.identifiers import NumberKind
        from shugu.trade import domain, pages, services, standing, subscriptions  # noqa: F401  register guards, effects, contexts
        from shugu.web import short_links

        short_links.register(NumberKind.VOUCHER, lambda number: reverse("trade:voucher", args=[number]))
        pages.register()
        standing.register()
