from __future__ import annotations

from django.apps import AppConfig


class RegistryConfig(AppConfig):
    name = "shugu.registry"
    label = "registry"
    verbose_name = "registry"

    def ready(self) -> None:
        from shugu.registry import domain, services  # noqa: F401  guards, effects, contexts
