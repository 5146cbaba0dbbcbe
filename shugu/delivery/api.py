"""JSON API: connectors, quality orders, deliveries, tokens, receipts."""

from __future__ import annotations

import json
from typing import Any

from django.http import HttpRequest
from ninja import Router, Status

from shugu.delivery import metering, pages, queries, services
from shugu.kernel import clock
from shugu.kernel.cases import mandate
from shugu.kernel.errors import Forbidden, InputInvalid
from shugu.web.api import Strict, actor_of, key_of

router = Router()
RECEIPT_MOST = 1 << 20


class ConnectorIn(Strict):
    connector_id: str
    url: str
    vkey: str | list[str]


class ProductIn(Strict):
    product: str
    file: str
    sha256: str
    size: int
    label: str = ""
    version: int = 0


class QualityOrderIn(Strict):
    connector: str
    file: str
    sha256: str
    product: str = ""
    entry: str = ""
    label: str = ""


class DeliveryActIn(Strict):
    input: dict[str, Any] = {}


@router.post("/connectors", response={201: dict[str, Any]})
def register_connector(request: HttpRequest, body: ConnectorIn) -> Status[dict[str, Any]]:
    """For the organisation the key acts for. The connector must answer at its address."""
    actor = actor_of(request)
    if actor.org is None:
        raise Forbidden()
    cmd = services.RegisterConnector(actor.org, body.connector_id, body.url, _lines(body.vkey))
    row = services.register_connector(cmd, actor=actor, now=clock.now(), key=key_of(request))
    return Status(201, _connector(queries.connector_view(row)))


def _lines(vkey: str | list[str]) -> str:
    return vkey if isinstance(vkey, str) else "\n".join(vkey)


@router.get("/connectors", response=dict[str, Any])
def connectors(request: HttpRequest, limit: int = 50, offset: int = 0) -> dict[str, Any]:
    rows = queries.connectors(actor_of(request))
    limit, offset = max(1, min(limit, 200)), max(0, offset)
    return {"total": len(rows), "items": [_connector(c) for c in rows[offset : offset + limit]]}


@router.post("/connectors/receipts", response={201: dict[str, Any]}, auth=None)
def take_receipt(request: HttpRequest) -> Status[dict[str, Any]]:
    """A receipt as the connector signed it; its signature is the credential. The same again gives the same answer."""
    if len(request.body) > RECEIPT_MOST:
        raise _malformed("回执过大", "the receipt is too large")
    brought = services.TakeReceipt(_json(request.body))
    taken = services.take_receipt(brought, actor=mandate("connector", "outbox"), now=clock.now())
    return Status(201, {"receipt": taken.number, "sha256": taken.document_digest, "taken_at": taken.taken_at.isoformat()})


def _malformed(zh: str, en: str) -> InputInvalid:
    return InputInvalid(fields="body", field_errors={"body": (zh, en)})


def _json(content: bytes) -> dict[str, Any]:
    try:
        value = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise _malformed("不是 JSON", "no JSON") from error
    if not isinstance(value, dict):
        raise _malformed("应为对象", "an object is wanted")
    return value


@router.post("/connectors/{connector_id}/products", response={201: dict[str, Any]})
def bind_product(request: HttpRequest, connector_id: str, body: ProductIn) -> Status[dict[str, Any]]:
    """`version`: id of the product version, 0 for the newest; the rest as `connector add-product` printed it."""
    cmd = services.BindProduct(body.product, connector_id, body.file, body.sha256, body.size, body.label, body.version)
    row = services.bind_product(cmd, actor=actor_of(request), now=clock.now(), key=key_of(request))
    held = {"connector": connector_id, "version": row.version_id, "file": row.file, "sha256": row.sha256, "size": row.size}
    return Status(201, held)


@router.post("/connectors/{connector_id}/check", response=dict[str, Any])
def check_connector(request: HttpRequest, connector_id: str) -> dict[str, Any]:
    row = services.check_connector(connector_id, actor=actor_of(request), now=clock.now())
    return _connector(queries.connector_view(row))


def _connector(c: queries.ConnectorView) -> dict[str, Any]:
    return {
        "connector_id": c.connector_id, "url": c.url, "vkeys": list(c.vkeys), "registered_at": c.registered_at.isoformat(),
        "checked_at": c.checked_at.isoformat() if c.checked_at else None, "healthy": c.problem is None,
        "problem": dict(c.problem) if c.problem else None,
    }  # fmt: skip


@router.post("/quality-orders", response={202: dict[str, Any]})
def order_quality(request: HttpRequest, body: QualityOrderIn) -> Status[dict[str, Any]]:
    """Answers at once; the report follows when the connector has measured (`GET /quality-orders/{number}`)."""
    actor = actor_of(request)
    cmd = services.OrderQuality(body.connector, body.file, body.sha256, body.product, body.entry, body.label)
    row = services.order_quality(cmd, actor=actor, now=clock.now(), key=key_of(request))
    return Status(202, _order(queries.quality_order(row.number, actor)))


@router.get("/quality-orders/{number}", response=dict[str, Any])
def quality_order(request: HttpRequest, number: str) -> dict[str, Any]:
    return _order(queries.quality_order(number, actor_of(request)))


def _order(row: Any) -> dict[str, Any]:
    return {
        "number": row.number, "connector": row.connector.connector_id, "entry": row.entry.number, "file": row.file,
        "sha256": row.sha256, "ordered_at": row.ordered_at.isoformat(), "valid_until": row.valid_until.isoformat(),
        "attempts": row.attempts, "problem": row.problem, "report": row.report.number if row.report else None,
        "closed_at": row.closed_at.isoformat() if row.closed_at else None,
    }  # fmt: skip


@router.get("/deliveries", response=dict[str, Any])
def deliveries(request: HttpRequest, state: str = "", limit: int = 50, offset: int = 0) -> dict[str, Any]:
    rows = queries.deliveries(actor_of(request), state=state, limit=max(1, min(limit, 200)), offset=max(0, offset))
    return {"items": [_delivery(d) for d in rows]}


@router.get("/deliveries/{number}", response=dict[str, Any])
def delivery(request: HttpRequest, number: str) -> dict[str, Any]:
    return _delivery(queries.delivery(number, actor_of(request)))


@router.get("/deliveries/{number}/meter", response=dict[str, Any])
def meter(request: HttpRequest, number: str) -> dict[str, Any]:
    """What the connector has metered by now; receipts alone count."""
    told = metering.live_meter(number, actor_of(request), clock.now())
    return {
        "grant": told.grant, "at": told.at.isoformat(), "deliveries": told.deliveries, "complete": told.complete,
        "sent_bytes": told.sent, "billable_bytes": told.billable,
    }  # fmt: skip


@router.post("/deliveries/{number}/token", response={201: dict[str, Any]})
def issue_token(request: HttpRequest, number: str) -> Status[dict[str, Any]]:
    """The token is in this answer only; a repeated request with the same key gives the same token."""
    actor, now = actor_of(request), clock.now()
    issued = services.issue_token(services.IssueToken(number), actor=actor, now=now, key=key_of(request))
    found = queries.delivery(number, actor)
    assert found.grant is not None
    answer = {
        "token": services.token_text(issued), "id": issued.token_id, "not_after": issued.not_after, "url": found.grant.url,
        "purposes": list(found.grant.purposes),
    }  # fmt: skip
    return Status(201, answer)


@router.post("/deliveries/{number}/{do}", response=dict[str, Any])
def act(request: HttpRequest, number: str, do: str, body: DeliveryActIn) -> dict[str, Any]:
    """accept, reject, confirm, redeliver, fail, suspend, resume, revoke, retry."""
    actor = actor_of(request)
    queries.delivery(number, actor)
    pages.act(number, do, body.input, actor=actor, now=clock.now(), key=key_of(request))
    return _delivery(queries.delivery(number, actor))


def _delivery(d: queries.DeliveryView) -> dict[str, Any]:
    return {
        "number": d.number, "case": d.case_number, "state": d.state, "round": d.round, "contract": d.contract_number,
        "data_sha256": d.data_digest, "confirmed_sha256": d.confirmed_digest, "opened_at": d.opened_at.isoformat(),
        "grant": _grant(d.grant) if d.grant else None, "delivery_receipt": queries.proof_of(d.case) or None,
    }  # fmt: skip


def _grant(g: queries.GrantView) -> dict[str, Any]:
    return {
        "number": g.number, "state": g.state, "connector": g.connector_id, "url": g.url, "file": g.file, "sha256": g.sha256,
        "size": g.size, "purposes": list(g.purposes), "valid_from": g.valid_from.isoformat(),
        "valid_until": g.valid_until.isoformat(), "taken_at": g.taken_at.isoformat() if g.taken_at else None,
        "attempts": g.attempts, "problem": dict(g.problem) if g.problem else None, "notices_waiting": g.notices_waiting,
        "usage": {
            "deliveries": g.usage.deliveries, "billable_bytes": g.usage.billable, "sent_bytes": g.usage.sent,
            "count_left": g.usage.count_left, "bytes_left": g.usage.bytes_left,
            "ranges": {file: [list(r) for r in ranges] for file, ranges in g.usage.files.items()},
        },
        "receipts": [
            {"number": r.number, "file": r.file, "sha256": r.digest, "billable_bytes": r.billable, "sent_bytes": r.sent,
             "completed_at": r.completed_at.isoformat(), "fact": r.fact}
            for r in g.receipts
        ],
    }  # fmt: skip


class WithdrawIn(Strict):
    ground: str
    reason: str
    document: str = ""


@router.get("/delivery-receipts/{number}", response=dict[str, Any])
def delivery_receipt(request: HttpRequest, number: str) -> dict[str, Any]:
    """For anybody: that it is genuine and whether it stands. For its sides and the venue also `credential`, as signed."""
    found = queries.proof(number)
    if queries.may_read_proof(found, getattr(request, "actor", None)):
        return {**found.public, "credential": dict(found.credential)}
    return found.public


@router.post("/delivery-receipts/{number}/withdraw", response=dict[str, Any])
def withdraw_receipt(request: HttpRequest, number: str, body: WithdrawIn) -> dict[str, Any]:
    """By the compliance officer, for good, on a ground of trade.withdrawal_grounds."""
    order = services.WithdrawProof(number, body.ground, body.reason, body.document)
    services.withdraw_proof(order, actor=actor_of(request), now=clock.now(), key=key_of(request))
    return queries.proof(number).public
