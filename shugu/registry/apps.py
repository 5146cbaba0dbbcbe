from __future__ import annotations

from django.apps import AppConfig


class RegistryConfig(AppConfig):
    name = "shugu.registry"
    label = "registry"

    def ready(self) -> None:
        # Imported for the guards, effects and contexts they register.
        from shugu.registry import (  # noqa: F401
            domain,
            duties,
            expiring,
            importing,
            inputs,
            kinds,
            pages,
            services,
            writing,
            writing_many,
        )

        pages.register()
        inputs.register()
        duties.register()
        expiring.register()
        kinds.register()
