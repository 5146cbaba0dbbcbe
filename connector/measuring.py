"""Runs a quality order beside the data; only the signed report leaves."""

from __future__ import annotations

import json
from datetime import datetime
from typing import cast

from shugu.formats.credential import Document
from shugu.formats.delivery import BadDocument, Kind, QualityOrder, body_digest, digest, read_order, sign_document
from shugu.measure import Source, evaluate

from .errors import Replayed
from .home import Home
from .meter import append


def fulfil(home: Home, product: str, document: object, now: datetime) -> Document:
    """The report, signed. The same order again gives the same report; other content under its number is refused.

    Raises BadDocument, Replayed, UnknownProduct, FileChanged, MeasureError.
    """
    order = read_order(document, home.exchange_keys, now)
    if order.connector != home.id or order.product != product:
        raise BadDocument(detail=("不是发给本连接器或该产品的", "it is for another connector or product"))
    received = body_digest(document)  # type: ignore[arg-type]
    kept = _kept(home, order, received)
    if kept is not None:
        return kept
    held = home.product_file(order.product, order.file)
    if held.sha256 != order.sha256:
        raise BadDocument(detail=("此处文件的摘要不同", "the file here has another digest"))
    held.check_unchanged()
    report = evaluate(Source.of(held.path, related=held.related), held.dictionary, now=now)
    if report.revision != order.sha256:
        raise BadDocument(detail=("评价期间文件发生了变化", "the file changed while it was measured"))
    subject: Document = {
        "order": order.order,
        "connector": home.id,
        "product": order.product,
        "file": order.file,
        "file_sha256": order.sha256,
        "report": report.as_dict(),
    }
    signed = sign_document(Kind.REPORT, subject, home.keys, now)
    with home.store.transaction() as database:
        added = database.execute(
            "INSERT OR IGNORE INTO quality_order VALUES (?, ?, ?)",
            (order.order, received, json.dumps(signed, ensure_ascii=False)),
        )
        if added.rowcount:
            append(database, "quality", now, order=order.order, sha256=digest(signed))
    # Two requests with one order may have measured at the same time: the first report written is the report.
    return _kept(home, order, received) or signed


def _kept(home: Home, order: QualityOrder, received: str) -> Document | None:
    """The report given before for this order. Raises Replayed when the number is another order's."""
    row = home.store.row("SELECT digest, document FROM quality_order WHERE order_id = ?", order.order)
    if row is None:
        return None
    if row["digest"] != received:
        raise Replayed(what=(f"指令 {order.order}", f"order {order.order}"))
    return cast(Document, json.loads(row["document"]))
