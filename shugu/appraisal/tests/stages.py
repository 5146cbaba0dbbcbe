"""The stages of an appraisal as tests tell them: a registered entry, a connector, its measured and signed report."""

from __future__ import annotations

import csv
from datetime import datetime, timedelta
from functools import lru_cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from shugu.appraisal import services
from shugu.appraisal.models import Assignment, QualityReport
from shugu.appraisal.services import FileComplianceReport, OrderCompliance, TakeQualityReport
from shugu.formats.credential import CONTEXT, issuer_of, sign_credential
from shugu.formats.suites import SigningKey, generate
from shugu.formats.times import write_time
from shugu.kernel.cases import Actor
from shugu.measure import Column, ColumnType, Dictionary, Source, evaluate
from shugu.party import services as party
from shugu.registry import queries as registry
from shugu.registry.tests import stages as registered
from tests.world import PAPER, World

CONNECTOR = "alice-connector"


def entry(world: World) -> registry.EntryView:
    """An entry Alice holds, entered 14 days after `world.now`; `world.now` moves on to the day after."""
    filing = registered.issued(world)
    world.now = world.now + timedelta(days=15)
    found = registry.filing(filing.number, world.alice).entry_number
    return registry.entry_by_number(found, world.now.date())


@lru_cache(maxsize=4)
def connector_key(connector: str = CONNECTOR) -> SigningKey:
    return generate("intl", f"{connector}.connector.example")


def connect(world: World, owner: Actor, connector: str = CONNECTOR) -> SigningKey:
    """Register the connector's key for the owner's organisation."""
    assert owner.org is not None
    key = connector_key(connector)
    cmd = party.RegisterConnectorKey(owner.org, connector, key.verify_key.vkey())
    party.register_connector_key(cmd, actor=owner, now=world.now)
    return key


def measured(now: datetime, rows: int = 60) -> dict[str, Any]:
    """A real report of shugu.measure on a small flight table with a few faults."""
    dictionary = Dictionary(
        "flights",
        (
            Column("flight", ColumnType.TEXT, "航班号", "flight", expected=True, pattern="[A-Z]{2}[0-9]+"),
            Column("delay", ColumnType.INTEGER, "延误分钟", "delay", expected=True, minimum="-60", maximum="1500"),
        ),
        keys=(("flight",),),
    )
    with TemporaryDirectory() as folder:
        path = Path(folder) / "flights.csv"
        with path.open("w", newline="") as handle:
            writer = csv.writer(handle)
            writer.writerow(["flight", "delay"])
            writer.writerows([[f"UA{n}", "" if n % 20 == 0 else n] for n in range(1, rows + 1)])
        return evaluate(Source.of(path), dictionary, now=now).as_dict()


def signed(report: dict[str, Any], key: SigningKey, now: datetime, connector: str = CONNECTOR, **more: Any) -> dict[str, Any]:
    """The document a connector sends: a credential about its report."""
    body: dict[str, Any] = {
        "@context": [CONTEXT], "id": f"urn:connector:{connector}:report", "type": ["VerifiableCredential", "ShuguQualityReport"],
        "issuer": issuer_of(key.name), "validFrom": write_time(now),
        "credentialSubject": {"connector": connector, "report": report, "file_sha256": report["data"]["revision"], **more},
    }  # fmt: skip
    return sign_credential(body, [key], now)


def quality(world: World, entry_id: int, rows: int = 60) -> QualityReport:
    """Alice's connector measures and signs; Alice hands it in."""
    document = signed(measured(world.now, rows), connect(world, world.alice), world.now)
    return services.take_quality_report(TakeQualityReport(entry_id, document), actor=world.alice, now=world.now)


def ordered(world: World, entry_id: int) -> Assignment:
    assert world.quinn.org is not None
    cmd = OrderCompliance(entry_id, world.quinn.org, "数据来源与授权范围")
    return services.order_compliance(cmd, actor=world.alice, now=world.now)


def report_of(case: int, **changes: Any) -> FileComplianceReport:
    given: dict[str, Any] = {
        "case": case, "conclusion": "compliant", "summary": "来源合法，授权范围清楚。", "signers": ("奎音", "邱衡"),
        "filename": "report.pdf", "content": PAPER,
    } | changes  # fmt: skip
    return FileComplianceReport(**given)


def compliance(world: World, entry_id: int, conclusion: str = "compliant") -> Assignment:
    """Ordered by Alice, accepted, reported and delivered by Quinn."""
    row = ordered(world, entry_id)
    services.accept_assignment(row.pk, actor=world.quinn, now=world.now)
    services.file_compliance_report(report_of(row.pk, conclusion=conclusion), actor=world.quinn, now=world.now)
    return services.deliver_compliance_report(row.pk, actor=world.quinn, now=world.now)


__all__ = ["compliance", "connect", "entry", "measured", "ordered", "quality", "report_of", "signed"]
