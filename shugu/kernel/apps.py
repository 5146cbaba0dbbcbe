from django.apps import AppConfig


class KernelConfig(AppConfig):
    name = "shugu.kernel"
    label = "kernel"

    def ready(self) -> None:
        from shugu.kernel import checks, kinds  # noqa: F401  registers the system checks
        from shugu.kernel.audits import register_audit
        from shugu.kernel.status_audit import CHECK, audit_status

        register_audit(CHECK, audit_status)
        kinds.register()
