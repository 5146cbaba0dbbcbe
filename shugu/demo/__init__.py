"""The first trade, told step by step through the same services that pages and API use; only in demonstration homes."""

from shugu.demo.stage import connector_command, connector_port, point_connector, print_welcome
from shugu.demo.trade import has_begun, run

__all__ = ["connector_command", "connector_port", "has_begun", "point_connector", "print_welcome", "run"]
