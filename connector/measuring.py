"""Runs a quality order beside the data; only the signed report leaves."""

from __future__ import annotations

import json
from datetime import datetime

from shugu.formats.credential import Document
from shugu.measure import Source, evaluate

from .documents import Kind, digest, read_order, sign_document
from .errors import BadDocument, Replayed
from .home import Home
from .meter import append


def fulfil(home: Home, product: str, document: object, now: datetime) -> Document:
    """The report, signed. The same order again gives the same report; other content under its number is refused.

    Raises BadDocument, Replayed, UnknownProduct, FileChanged, MeasureError.
    """
    order = read_order(document, home.exchange_keys, now)
    if order.connector != home.id or order.product != product:
        raise BadDocument(detail="it is for another connector or product")
    received = digest(document)  # type: ignore[arg-type]
    known = home.store.row("SELECT digest, document FROM quality_order WHERE order_id = ?", order.order)
    if known is not None:
        if known["digest"] != received:
            raise Replayed(what=f"order {order.order}")
        return json.loads(known["document"])  # type: ignore[no-any-return]
    held = home.product_file(order.product, order.file)
    if held.sha256 != order.sha256:
        raise BadDocument(detail="the file here has another digest")
    held.check_unchanged()
    report = evaluate(Source.of(held.path, related=held.related), held.dictionary, now=now)
    if report.revision != order.sha256:
        raise BadDocument(detail="the file changed while it was measured")
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
        database.execute(
            "INSERT OR IGNORE INTO quality_order VALUES (?, ?, ?)",
            (order.order, received, json.dumps(signed, ensure_ascii=False)),
        )
        append(database, "quality", now, order=order.order, sha256=digest(signed))
    return signed
