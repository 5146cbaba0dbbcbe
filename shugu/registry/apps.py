from __future__ import annotations

from django.apps import AppConfig


class RegistryConfig(AppConfig):
    name = "shugu.registry"
    label = "registry"

    def ready(self) -> None:
        from shugu.registry import domain, duties, expiring, pages, services, writing  # noqa: F401  register guards, effects, contexts

        pages.register()
        duties.register()
        expiring.register()
