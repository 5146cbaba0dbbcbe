"""An issued run becomes a file for the bank at once, not only at the next look into the folder."""

from __future__ import annotations

from datetime import datetime

from shugu.edges.bank import services
from shugu.kernel.journal import FactView
from shugu.kernel.subscriptions import subscribe


def write_order(fact: FactView, now: datetime) -> None:
    services.write_instruction_files()


HANDLERS = {"run.issued": write_order}
subscribe("bank.orders", HANDLERS)
