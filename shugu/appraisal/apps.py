from __future__ import annotations

from django.apps import AppConfig


class AppraisalConfig(AppConfig):
    name = "shugu.appraisal"
    label = "appraisal"

    def ready(self) -> None:
        from shugu.appraisal import domain, services, standing, views_cases  # noqa: F401  register guards, contexts, case pages

        views_cases.register()
        standing.register()
