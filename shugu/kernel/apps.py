from django.apps import AppConfig


class KernelConfig(AppConfig):
    name = "shugu.kernel"
    label = "kernel"

    def ready(self) -> None:
        from shugu.kernel import checks  # noqa: F401  registers the system checks
