from __future__ import annotations

from django.apps import AppConfig


class SettlementConfig(AppConfig):
    name = "shugu.settlement"
    label = "settlement"
    verbose_name = "清算结算 settlement"

    def ready(self) -> None:
        from shugu.settlement import domain, guards, kinds, pages, services, subscriptions  # noqa: F401

        pages.register()
        kinds.register()
