"""A contract between Alice and Bob whose data lies on a real connector process of Alice's, and what follows from it."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import httpx
import pyarrow as pa
import pyarrow.parquet as pq

from connector import home as homes
from shugu.appraisal.tests import stages as appraised
from shugu.catalogue import services as catalogue
from shugu.catalogue.services import ActOnListing, ColumnEntry, CreateProduct, LicenceTerms, PriceTerms, SubmitListing
from shugu.delivery import ordering, queries, services
from shugu.delivery.models import Connector, Delivery
from shugu.delivery.queries import DeliveryView, GrantView
from shugu.kernel import clock, runtime, signer
from shugu.kernel.cases import Actor, mandate
from shugu.market.tests import stages as market
from shugu.measure import Column, ColumnType, Dictionary
from shugu.trade import queries as trade
from shugu.trade import services as trades
from shugu.trade.queries import ContractView
from tests.world import World

NAME = "alice-plane"
LABEL = "flights"
FILE = "flights.parquet"
PURPOSE = "research"
MONEY = mandate("settlement", "test")
ROOT = Path(__file__).resolve().parents[3]
DICTIONARY = Dictionary(
    "flights",
    (
        Column("flight", ColumnType.TEXT, "航班号", "flight", expected=True),
        Column("delay", ColumnType.INTEGER, "延误分钟", "delay", expected=True),
    ),
    keys=(("flight",),),
)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Plane:
    """`python -m connector serve` over a home of its own that pins the venue's keys and holds one Parquet file."""

    def __init__(self, folder: Path, name: str = NAME, rows: int = 200_000, url: str = "http://127.0.0.1:9") -> None:
        self.folder, self.name, self.port = folder / name, name, free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.child: subprocess.Popen[bytes] | None = None
        homes.create(self.folder, url, signer.keyring().text(), name=name, suite="intl")
        home = homes.load(self.folder)
        self.vkey = home.keys[0].verify_key.vkey()
        self.key = home.keys[0]
        path = folder / FILE
        if not path.exists():
            delays = [(n * 2654435761) % 1500 for n in range(rows)]
            pq.write_table(pa.table({"flight": [f"UA{n}" for n in range(rows)], "delay": delays}), path, compression="none")
        held = homes.add_product(home, LABEL, path, DICTIONARY)
        self.sha256, self.size = held.sha256, held.size
        home.store.close()

    def start(self) -> None:
        command = [sys.executable, "-m", "connector", "serve", "--home", str(self.folder), "--port", str(self.port)]
        self.child = subprocess.Popen(command, cwd=ROOT)
        for _ in range(300):
            with contextlib.suppress(httpx.TransportError):
                httpx.get(f"{self.url}/health", trust_env=False)
                return
            time.sleep(0.05)
        raise AssertionError("the connector did not start")

    def kill(self) -> None:
        if self.child is not None and self.child.poll() is None:
            os.kill(self.child.pid, signal.SIGKILL)
            self.child.wait()
        self.child = None


@dataclass
class Stage:
    """The cast, Alice's running connector and the contract the money of which is held."""

    world: World
    plane: Plane
    product: str
    contract: ContractView

    @property
    def now(self) -> datetime:
        return clock.wall()

    def delivery(self) -> DeliveryView:
        found = queries.delivery_of(self.contract.id)
        assert found is not None
        return found

    def grant(self) -> GrantView:
        found = self.delivery().grant
        assert found is not None
        return found


def registered(world: World, plane: Plane, owner: Actor | None = None) -> Connector:
    actor = owner or world.alice
    cmd = services.RegisterConnector(actor.org or 0, plane.name, plane.url, plane.vkey)
    return services.register_connector(cmd, actor=actor, now=world.now)


def product(world: World, plane: Plane) -> str:
    """Registered, measured by Alice's own connector on the venue's order, judged by Quinn, listed. Its number."""
    entry = appraised.entry(world)
    world.now = clock.wall()
    registered(world, plane)
    cmd = services.OrderQuality(plane.name, FILE, plane.sha256, entry=entry.number, label=LABEL)
    order = services.order_quality(cmd, actor=world.alice, now=world.now)
    assert ordering.run_order(order.pk, clock.wall), queries.quality_order(order.number, world.alice).problem
    world.now = clock.wall()
    appraised.compliance(world, entry.id)
    made = catalogue.create_product(
        CreateProduct(
            entry_id=entry.id, title="纽约航班准点数据", summary="2013 年离港航班", industry="transport", form="data_set",
            delivery_forms=("data_set",), dictionary=(ColumnEntry("flight", "text"), ColumnEntry("delay", "int64")),
            price=PriceTerms(128_000), licence=LicenceTerms(("use",), (PURPOSE,), 365, calls=5), data_digest=plane.sha256,
            connector_id=plane.name,
        ),
        actor=world.alice, now=world.now,
    )  # fmt: skip
    gates = runtime.rules().value("catalogue.circulation_gates").codes
    listing = catalogue.submit_listing(SubmitListing(made.number, gates), actor=world.alice, now=world.now)
    catalogue.act_on_listing(ActOnListing(listing.pk, "approve"), actor=world.otto, now=world.now)
    return str(made.number)


def funded(world: World, number: str) -> ContractView:
    negotiation = market.agreed(world, number)
    row = trades.draft_contract(trades.DraftContract(negotiation.pk), actor=world.bob, now=world.now)
    for actor in (world.alice, world.bob):
        row.refresh_from_db()
        trades.sign_contract(trades.SignContract(row.number, row.terms_digest), actor=actor, now=world.now)
    trades.review_contract(trades.ReviewContract(row.number, "approve"), actor=world.tara, now=world.now)
    trades.confirm_funding(trades.ConfirmFunding(row.pk, "ESC-1"), actor=MONEY, now=world.now)
    return trade.contract_by_id(row.pk)


def opened(stage: Stage) -> Delivery:
    """As the subscription to contract.funded opens it."""
    return services.open_delivery(
        services.OpenDelivery(stage.contract.id), actor=mandate("delivery", "funded:test"), now=stage.world.now
    )


def bound(stage: Stage) -> None:
    plane = stage.plane
    cmd = services.BindProduct(stage.product, plane.name, FILE, plane.sha256, plane.size, LABEL)
    services.bind_product(cmd, actor=stage.world.alice, now=stage.world.now)


def granted(stage: Stage) -> DeliveryView:
    """Bound, opened, and taken by the connector."""
    bound(stage)
    opened(stage)
    assert services.push_grant(grant_pk(stage), stage.now)
    return stage.delivery()


def grant_pk(stage: Stage) -> int:
    from shugu.delivery.models import Grant

    return int(Grant.objects.get(number=stage.grant().number).pk)


def token(stage: Stage) -> str:
    issued = services.issue_token(services.IssueToken(stage.delivery().number), actor=stage.world.bob, now=stage.now)
    return services.token_text(issued)


def headers(text: str, **more: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {text}", "Purpose": PURPOSE, **more}


def pulled(stage: Stage, dest: Path) -> dict[str, object]:
    """Bob pulls the whole file in two parts, acknowledges it, and the receipt reaches the venue. The receipt."""
    from connector.client import pull

    text = token(stage)
    half = stage.plane.size // 2
    part = dest.with_name(dest.name + ".part")
    got = httpx.get(stage.grant().url, headers=headers(text, Range=f"bytes=0-{half - 1}"), trust_env=False)
    assert got.status_code == 206
    part.write_bytes(got.content)
    receipt = pull(stage.grant().url, text, dest, purpose=PURPOSE).receipt
    services.take_receipt(services.TakeReceipt(receipt), actor=mandate("connector", "test"), now=stage.now)
    return receipt


def running(plane: Plane) -> Iterator[Plane]:
    plane.start()
    try:
        yield plane
    finally:
        plane.kill()
