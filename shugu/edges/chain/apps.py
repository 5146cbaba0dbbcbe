from __future__ import annotations

from django.apps import AppConfig


class ChainEdgeConfig(AppConfig):
    name = "shugu.edges.chain"
    label = "chain"
    verbose_name = "链上锚定 chain edge"

    def ready(self) -> None:
        from shugu.edges.chain import audit, services  # noqa: F401
        from shugu.kernel.audits import register_audit
        from shugu.kernel.text import Text
        from shugu.web.slots import register_slot

        register_audit("chain.anchors", audit.audit_anchors)
        register_slot("evidence.fact.anchors", "chain:fact_anchor", Text("链上锚定", "Anchors"))
        register_slot("party.operations.cards", "chain:operations_card", Text("链上锚定", "Anchors"))
