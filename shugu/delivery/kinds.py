"""Delivery receipts, and what passes between venue and connectors, as kinds of credentials (shugu.kernel.credentials)."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

from django.urls import reverse

from shugu.delivery import proving
from shugu.delivery.models import Proof
from shugu.formats.delivery import Kind as Paper
from shugu.formats.status import Flag
from shugu.kernel import credentials
from shugu.kernel.credentials import Kind, Line, Standing, lines, one_type, some_types
from shugu.kernel.text import Text
from shugu.kernel.workdays import local_day
from shugu.trade import queries as trade


def find_proof(number: str, on: date) -> Standing | None:
    row = Proof.objects.filter(number=number).first()
    if row is None or local_day(row.issued_at) > on:
        return None
    found = []
    if row.withdrawn_at is not None and local_day(row.withdrawn_at) <= on:
        ground = trade.ground_title(row.withdrawn_ground)
        title = Text(f"已撤销：{ground.zh}", f"withdrawn: {ground.en}")
        found.append(Line("revoked", "", row.withdrawn_document, title))
    public = proving.proof(number).public
    return Standing(
        number=row.number, title=proving.TITLE, digest=row.digest, issued_at=row.issued_at, valid_until=None,
        lines=lines(found, on=on, valid_until=None, article=""), fact=row.fact, seat=row.seat, public=True,
        rows=((Text("产品", "Product"), public["product"]["title"]), (Text("登记条目", "Registration"), public["registration"])),
        href=reverse("delivery:proof", args=[row.number]),
    )  # fmt: skip


def by_the_books(on: date) -> Iterator[tuple[int, Flag]]:
    for seat in Proof.objects.filter(withdrawn_at__isnull=False).order_by("seat").values_list("seat", flat=True):
        yield seat, proving.STATUS


def register() -> None:
    credentials.register_kind(
        Kind(
            name="delivery.receipt", prefix="RCT-", app="delivery", flags=proving.STATUS,
            types=one_type(proving.TYPE, proving.TITLE.zh, proving.TITLE.en),
            subject=("delivery", "contract", "provider", "buyer", "product", "registration", "data", "grants", "metered",
                     "receipts"),
            where=("/receipts/{number}.json", "/receipts/{number}.pdf"), find=find_proof, by_the_books=by_the_books,
        )
    )  # fmt: skip
    credentials.register_kind(
        Kind(
            name="delivery.grant", app="delivery", numbered=False, where=("/evidence/documents/{digest}/",),
            types=some_types((Paper.GRANT, "数据授权", "grant"), (Paper.NOTICE, "授权变更通知", "notice about a grant")),
            subject=("grant", "connector", "contract", "contract_sha256", "buyer", "product", "product_version", "files",
                     "policy", "limits", "action", "sequence", "reason"),
            lasting=Text(
                "只发给一个连接器，由它独自执行；暂停、恢复、撤销以带序号的签名通知送达该连接器，期限由 validUntil 终止。",
                "It goes to one connector, which alone acts on it; suspension, resumption and revocation reach that connector as "
                "signed notices with rising numbers, and validUntil ends its term.",
            ),
        )
    )  # fmt: skip
    credentials.register_kind(
        Kind(
            name="delivery.order", app="delivery", numbered=False, where=("/evidence/documents/{digest}/",),
            types=one_type(Paper.ORDER, "质量测评指令", "order to measure quality"),
            subject=("order", "connector", "product", "file", "sha256"),
            lasting=Text(
                "只发给一个连接器，测一次，期限由 validUntil 终止。",
                "It goes to one connector, asks for one measurement, and validUntil ends it.",
            ),
        )
    )  # fmt: skip
    credentials.register_kind(
        Kind(
            name="delivery.connector", app="delivery", numbered=False, issuer=Text("连接器", "a connector"),
            types=some_types(
                (Paper.RECEIPT, "连接器交付回执", "receipt of a connector"),
                (Paper.REPORT, "连接器质量测评报告", "quality report of a connector"),
            ),
            subject=("connector", "grant", "receipt", "delivery", "file", "file_sha256", "size", "ranges", "billable_bytes",
                     "sent_bytes", "started_at", "completed_at", "meter_head", "meter_records", "order", "report"),
            where=("/deliveries/receipts/{number}.json", "/evidence/documents/{digest}/"),
            lasting=Text(
                "它陈述连接器做过什么；本场所核对后据以签发交付凭证、质量报告，效力状况由那些凭证的状态列表说明。",
                "It states what a connector did; the venue checks it and issues delivery receipt or quality report upon it, and "
                "how those stand, their status lists say.",
            ),
        )
    )  # fmt: skip
