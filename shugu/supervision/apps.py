from __future__ import annotations

from django.apps import AppConfig


class SupervisionConfig(AppConfig):
    name = "shugu.supervision"
    label = "supervision"

    def ready(self) -> None:
        from shugu.supervision import pages, services  # noqa: F401  register contexts, facts, navigation

        pages.register()
