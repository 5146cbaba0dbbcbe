"""What settlement adds when the process starts: navigation, its cases on the desk, its audit."""

from __future__ import annotations


def register() -> None:
    from shugu.kernel.audits import register_audit
    from shugu.settlement.audit import audit

    register_audit("settlement.money", audit)
