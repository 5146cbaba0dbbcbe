"""The door of delivery: every command. The only writer of this app's rows."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from shugu.delivery.connectors import (
    BindProduct,
    RegisterConnector,
    bind_product,
    check_connector,
    register_connector,
)
from shugu.delivery.granting import (
    ChangeGrant,
    OpenDelivery,
    RetryPush,
    change_grant,
    open_delivery,
    push_grant,
    push_notices,
    retry_push,
    revoke_for_contract,
)
from shugu.delivery.models import Delivery
from shugu.delivery.ordering import OrderQuality, order_quality, run_order
from shugu.delivery.proving import WithdrawProof, withdraw_proof
from shugu.delivery.receiving import (
    AcceptDelivery,
    ConfirmDigest,
    DeclareFailed,
    Redeliver,
    RejectDelivery,
    TakeReceipt,
    accept_delivery,
    confirm_digest,
    declare_failed,
    redeliver,
    reject_delivery,
    take_receipt,
)
from shugu.delivery.tokens import IssueToken, issue_token, token_text
from shugu.kernel.vocabulary import context


@context("delivery.delivery")
def delivery_context(case: int, now: datetime) -> Mapping[str, Any]:
    row = Delivery.objects.filter(pk=case).first()
    return {"round": row.round} if row is not None else {}


__all__ = [
    "AcceptDelivery", "BindProduct", "ChangeGrant", "ConfirmDigest", "DeclareFailed", "IssueToken", "OpenDelivery",
    "OrderQuality", "Redeliver", "RegisterConnector", "RejectDelivery", "RetryPush", "TakeReceipt", "WithdrawProof",
    "accept_delivery",
    "bind_product",
    "change_grant", "check_connector", "confirm_digest", "declare_failed", "issue_token", "open_delivery",
    "order_quality", "push_grant", "push_notices", "redeliver", "register_connector", "reject_delivery", "retry_push",
    "revoke_for_contract", "run_order", "take_receipt", "token_text", "withdraw_proof",
]  # fmt: skip
