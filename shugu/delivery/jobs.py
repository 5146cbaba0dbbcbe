"""Jobs of delivery: bringing signed documents to connectors. Each may run twice and says on its row how it went."""

from __future__ import annotations

from procrastinate.contrib.django import app

from shugu.kernel import clock

QUEUE = "delivery"


@app.task(name="delivery.push_grant", queue=QUEUE)
def push_grant_job(grant: int) -> None:
    from shugu.delivery.granting import push_grant

    push_grant(grant, clock.now())


@app.task(name="delivery.push_notices", queue=QUEUE)
def push_notices_job(grant: int) -> None:
    from shugu.delivery.granting import push_notices

    push_notices(grant, clock.now())


@app.task(name="delivery.run_quality_order", queue=QUEUE)
def run_quality_order_job(order: int) -> None:
    from shugu.delivery.ordering import run_order

    run_order(order, clock.now)
