from __future__ import annotations

from django.apps import AppConfig


class DeliveryConfig(AppConfig):
    name = "shugu.delivery"
    label = "delivery"

    def ready(self) -> None:
        from shugu.delivery import domain, jobs, pages, services, subscriptions  # noqa: F401  register guards, jobs, effects
        from shugu.delivery.meter_audit import audit_meters
        from shugu.kernel.audits import register_audit

        pages.register()
        register_audit("delivery.meters", audit_meters)
