from __future__ import annotations

from django.apps import AppConfig


class DeliveryConfig(AppConfig):
    name = "shugu.delivery"
    label = "delivery"

    def ready(self) -> None:
        from django.urls import reverse

        from shugu.delivery import domain, jobs, kinds, pages, services, subscriptions  # noqa: F401  guards, jobs, effects
        from shugu.delivery.meter_audit import audit_meters
        from shugu.formats.identifiers import NumberKind
        from shugu.kernel.audits import register_audit
        from shugu.web import short_links

        short_links.register(NumberKind.RECEIPT, lambda number: reverse("delivery:proof", args=[number]))
        pages.register()
        kinds.register()
        register_audit("delivery.meters", audit_meters)
