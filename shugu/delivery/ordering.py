"""Quality orders: the venue asks a connector to measure a file beside the data and takes the signed report."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import transaction

from shugu.appraisal import services as appraisal
from shugu.catalogue import queries as catalogue
from shugu.delivery import wire
from shugu.delivery.connectors import note_contact, own_connector, problem_of, signed_by
from shugu.delivery.domain import wait_seconds
from shugu.delivery.errors import ConnectorRefused, ConnectorUnreachable
from shugu.delivery.models import Connector, QualityOrder
from shugu.formats import delivery as papers
from shugu.formats.delivery import Kind
from shugu.formats.errors import ShuguError
from shugu.kernel import documents, journal, runtime, signer, store
from shugu.kernel.cases import Actor, mandate
from shugu.kernel.commands import command
from shugu.kernel.errors import InputInvalid, NotFound
from shugu.kernel.queries import name_fact
from shugu.kernel.workdays import local_day
from shugu.party import services as party
from shugu.registry import queries as registry

name_fact("quality_order.issued", "下达质量评价指令", "order to measure quality issued")
name_fact("quality_order.failed", "质量评价指令未能完成", "order to measure quality failed")


@dataclass(frozen=True)
class OrderQuality:
    """`product` or `entry`: number of what is measured (the other empty). `file` and `sha256` as on the connector;
    `label`: the product number the connector holds it under ("" = the number given)."""

    connector_id: str
    file: str
    sha256: str
    product: str = ""
    entry: str = ""
    label: str = ""


@command("delivery.order_quality", ("下达质量评价指令", "order a quality report"))
def order_quality(cmd: OrderQuality, *, actor: Actor, now: datetime) -> QualityOrder:
    """Signs the order and queues it; the report is taken when the connector answers.
    Errors: NotFound, RightMissing, InputInvalid."""
    connector = own_connector(cmd.connector_id, actor)
    if "operator" not in actor.seats:
        party.need_right(actor, connector.org_id, "act")
    entry, label = _measured(cmd, actor, now)
    if connector.org_id not in {share.org for share in entry.holders} | {entry.holder_org}:
        raise NotFound(what=(f"登记 {entry.number}", f"entry {entry.number}"))
    if not cmd.file or len(cmd.file) > 200:
        raise _invalid("file", "填写连接器上的文件名", "the file's name on the connector")
    if len(cmd.sha256) != 64 or set(cmd.sha256) - set("0123456789abcdef"):
        raise _invalid("sha256", "应为 64 位小写十六进制", "64 lower-case hexadecimal digits")
    number = store.next_number("order", local_day(now).year)
    valid_until = now + timedelta(hours=runtime.rules().value("delivery.quality_order_life").number)
    order = papers.QualityOrder(number, connector.connector_id, label, cmd.file, cmd.sha256)
    document = papers.sign_order(order, list(signer.keys()), now, valid_until)
    row = QualityOrder.objects.create(
        number=number, entry_id=entry.id, connector=connector, label=label, file=cmd.file, sha256=cmd.sha256,
        document=document, org_id=connector.org_id, ordered_at=now, valid_until=valid_until,
    )  # fmt: skip
    journal.record(
        "quality_order.issued", subject=f"registry.entry:{entry.id}", actor=actor, now=now,
        data={"order": number, "entry": entry.number, "connector": connector.connector_id},
        digests={"quality_order": documents.put(signer.document_bytes(document)), "data": cmd.sha256},
    )  # fmt: skip
    _later(row.pk, 0)
    return row


def _measured(cmd: OrderQuality, actor: Actor, now: datetime) -> tuple[registry.EntryView, str]:
    if bool(cmd.product) == bool(cmd.entry):
        raise _invalid("product", "填写产品编号或登记编号之一", "give a product's or an entry's number, one of them")
    if cmd.product:
        found = catalogue.product(cmd.product, actor)
        return registry.entry(found.entry_id, local_day(now)), cmd.label or found.number
    entry = registry.entry_by_number(cmd.entry, local_day(now))
    return entry, cmd.label or entry.number


def _invalid(field: str, zh: str, en: str) -> InputInvalid:
    return InputInvalid(fields=field, field_errors={field: (zh, en)})


def _later(order: int, seconds: int) -> None:
    from shugu.delivery.jobs import run_quality_order_job

    job = run_quality_order_job.configure(schedule_in={"seconds": seconds}) if seconds else run_quality_order_job
    job.defer(order=order)


def run_order(order: int, clock: Callable[[], datetime]) -> bool:
    """Bring the order to the connector and take its report; whether it is done. Measuring takes time, so the time is
    asked again afterwards. No answer: tried again until the order ends. A refusal, or a report that cannot be taken,
    closes it with the reason."""
    row = QualityOrder.objects.select_related("connector").filter(pk=order).first()
    if row is None or row.closed_at is not None:
        return row is not None and row.report_id is not None
    connector = row.connector
    try:
        report = wire.post(connector.url, ("quality", row.label), row.document, wire.MEASURE_TIMEOUT_S)
        note_contact(connector, clock(), None)
        _take(row, connector, report, clock())
    except ConnectorUnreachable as error:
        note_contact(connector, clock(), error)
        _try_again(row, error, clock())
    except ShuguError as error:
        _close(row, error, clock())
    else:
        return True
    return False


def _take(row: QualityOrder, connector: Connector, report: dict[str, object], now: datetime) -> None:
    told = signed_by(connector, report, Kind.REPORT)
    if (told.get("order"), told.get("file_sha256")) != (row.number, row.sha256):
        raise ConnectorRefused(why=("报告不是就本指令作出的", "the report does not answer this order"))
    with transaction.atomic():
        locked = QualityOrder.objects.select_for_update().get(pk=row.pk)
        if locked.closed_at is not None:
            return
        taken = appraisal.take_quality_report(
            appraisal.TakeQualityReport(row.entry_id, report), actor=mandate("delivery", f"order:{row.number}"), now=now
        )
        locked.report, locked.closed_at, locked.problem = taken, now, None
        locked.attempts += 1
        locked.save(update_fields=["report", "closed_at", "problem", "attempts"])


def _try_again(row: QualityOrder, error: ShuguError, now: datetime) -> None:
    if now >= row.valid_until:
        _close(row, error, now)
        return
    with transaction.atomic():
        QualityOrder.objects.filter(pk=row.pk).update(attempts=row.attempts + 1, problem=problem_of(error))
        _later(row.pk, wait_seconds(row.attempts + 1))


def _close(row: QualityOrder, error: ShuguError, now: datetime) -> None:
    with transaction.atomic():
        done = QualityOrder.objects.filter(pk=row.pk, closed_at__isnull=True).update(
            closed_at=now, problem=problem_of(error), attempts=row.attempts + 1
        )
        if done:
            journal.record(
                "quality_order.failed", subject=f"registry.entry:{row.entry_id}",
                actor=mandate("delivery", f"order:{row.number}"), now=now, data={"order": row.number, "reason": error.code},
            )  # fmt: skip
