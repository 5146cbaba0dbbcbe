from __future__ import annotations

from django.apps import AppConfig


class CatalogueConfig(AppConfig):
    name = "shugu.catalogue"
    label = "catalogue"

    def ready(self) -> None:
        from shugu.catalogue import domain, services, views_cases  # noqa: F401  register guards, contexts, case pages

        views_cases.register()
