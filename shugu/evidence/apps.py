from __future__ import annotations

from django.apps import AppConfig
from django.urls import reverse


class EvidenceConfig(AppConfig):
    name = "shugu.evidence"
    label = "evidence"
    verbose_name = "存证 evidence"

    def ready(self) -> None:
        from shugu.evidence import joining, kinds, log_audit, queries
        from shugu.formats.identifiers import NumberKind
        from shugu.kernel import own_documents
        from shugu.kernel.audits import register_audit
        from shugu.kernel.text import Text
        from shugu.web import navigation, printing, short_links, slots

        printing.register_sealer(printing.Sealer(queries.may_have, queries.sealed_or_none))
        register_audit("evidence.log", log_audit.audit_log)
        register_audit("evidence.keys", log_audit.audit_keys)
        kinds.register()
        short_links.register(NumberKind.DEPOSIT, lambda number: f"{reverse('evidence:check')}?number={number}")
        own_documents.lend(joining.join)
        slots.register_slot(slots.EVIDENCE, "evidence:subject_badge", Text("存证", "Evidence"))
        slots.register_slot("evidence.fact", "evidence:fact_badge", Text("存证", "Evidence"))
        slots.register_slot("case.side", "evidence:case_slot", Text("证据包", "Evidence package"))
        navigation.register(
            navigation.NavItem(navigation.EVERYBODY, Text("存证", "Evidence"), "evidence:home", order=900)
        )
