from __future__ import annotations

from django.apps import AppConfig
from django.urls import reverse


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
        from shugu.web import short_links

        short_links.register(None, lambda number: f"{reverse('registry:verify')}?number={number}")
        pages.register()
        inputs.register()
        duties.register()
        expiring.register()
        kinds.register()
