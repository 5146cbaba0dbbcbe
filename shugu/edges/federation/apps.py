from __future__ import annotations

from django.apps import AppConfig


class FederationEdgeConfig(AppConfig):
    name = "shugu.edges.federation"
    label = "federation"
    verbose_name = "场所互认 federation edge"

    def ready(self) -> None:
        from shugu.edges.federation import audits, kinds, pages, services, subscriptions  # noqa: F401

        pages.register()
        audits.register()
        kinds.register()
