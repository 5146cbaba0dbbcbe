from __future__ import annotations

from django.apps import AppConfig


class WebConfig(AppConfig):
    name = "shugu.web"
    label = "web"
    verbose_name = "web"

    def ready(self) -> None:
        from shugu.kernel import seals
        from shugu.web import checks, printing  # noqa: F401  registers the check of navigation and slots

        seals.lend_press(printing.can_press)
