from __future__ import annotations

from django.apps import AppConfig


class WebConfig(AppConfig):
    name = "shugu.web"
    label = "web"
    verbose_name = "web"

    def ready(self) -> None:
        from shugu.web import checks  # noqa: F401  registers the check of navigation and slots
