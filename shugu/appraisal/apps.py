from __future__ import annotations

from django.apps import AppConfig


class AppraisalConfig(AppConfig):
    name = "shugu.appraisal"
    label = "appraisal"

    def ready(self) -> None:
        from shugu.appraisal import (  # noqa: F401  register guards, contexts, case pages
            domain,
            domain_valuation,
            services,
            standing,
            standing_valuation,
            views_cases,
        )
        from shugu.formats.identifiers import NumberKind
        from shugu.web import short_links

        short_links.register(NumberKind.REPORT, standing.page_of)
        views_cases.register()
        standing.register()
        standing_valuation.register()
