from __future__ import annotations

from django.apps import AppConfig


class BankEdgeConfig(AppConfig):
    name = "shugu.edges.bank"
    label = "bank"
    verbose_name = "银行接口 bank edge"

    def ready(self) -> None:
        from shugu.edges.bank import services, subscriptions  # noqa: F401
        from shugu.kernel.text import Text
        from shugu.web.slots import register_slot

        register_slot("web.demo.below", "bank:panel", title=Text("示范银行", "Demonstration bank"))
