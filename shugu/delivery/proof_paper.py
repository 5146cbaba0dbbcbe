"""The venue's delivery receipt on paper, made from its credential alone."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from shugu.delivery.proving import TITLE
from shugu.formats.times import read_time
from shugu.kernel import documents, runtime, seals
from shugu.kernel.cases import Actor
from shugu.kernel.text import Text
from shugu.kernel.workdays import local_day
from shugu.web import short_links
from shugu.web.paper import Align, Document, Kind, Row, Seal, Section, Table
from shugu.web.printing import printed

ACCEPTED = {
    "buyer": Text("需求方验收合格", "accepted by the buyer"),
    "silence": Text("逾期未提出异议，视为合格", "accepted by silence"),
}


def proof_document(credential: Mapping[str, Any], digest: str) -> Document:
    s = credential["credentialSubject"]
    venue = Text(*runtime.rules().profile.title)
    accepted = read_time(s["delivery"]["accepted_at"])
    what = (
        Row(Text("提供方", "Provider"), s["provider"]["name"]), Row(Text("需求方", "Buyer"), s["buyer"]["name"]),
        Row(Text("数据产品", "Product"), s["product"]["title"]),
        Row(Text("登记编号", "Registration"), s["registration"]["number"], mono=True),
        Row(Text("合同编号", "Contract"), s["contract"]["number"], mono=True),
        Row(Text("交付编号", "Delivery"), s["delivery"]["number"], mono=True),
        Row(Text("交付轮次", "Round"), str(s["delivery"]["round"])),
        Row(Text("验收", "Acceptance"), ACCEPTED[s["delivery"]["accepted_by"]]),
        Row(Text("验收日期", "Accepted on"), local_day(accepted).isoformat()),
    )  # fmt: skip
    data = (
        Row(Text("文件", "File"), s["data"]["file"]), Row(Text("大小（字节）", "Size (bytes)"), f"{s['data']['size']:,}"),
        Row(Text("文件摘要", "Digest of the file"), f"sha256:{s['data']['sha256']}", mono=True),
        Row(Text("连接器回执", "Connector's receipts"), f"{s['metered']['receipts']:,}"),
        Row(Text("计费字节", "Bytes billed"), f"{s['metered']['billable']:,}"),
        Row(Text("发送字节", "Bytes sent"), f"{s['metered']['sent']:,}"),
    )  # fmt: skip
    columns = (
        Text("回执", "Receipt"),
        Text("完成时间（UTC）", "Completed (UTC)"),
        Text("字节", "Bytes"),
        Text("摘要", "Digest"),
    )
    rows = tuple((r["number"], r["completed_at"], f"{r['billable']:,}", f"sha256:{r['digest']}") for r in s["receipts"])
    listed = Table(columns, rows, (Align.LEFT, Align.LEFT, Align.RIGHT, Align.LEFT), (3, 3, 2, 5)) if rows else None
    proofs = (
        Row(Text("合同摘要", "Contract"), f"sha256:{s['contract']['digest']}", mono=True),
        *(Row(Text("授权摘要", "Grant"), f"sha256:{g['digest']}", mono=True) for g in s["grants"]),
        Row(Text("凭证摘要", "This receipt"), f"sha256:{digest}", mono=True),
    )
    return Document(
        kind=Kind.VOUCHER, title=TITLE, number=s["number"], issuer=venue, issued_on=local_day(read_time(credential["validFrom"])),
        statement=Text(
            "下列数据已按合同交付，连接器回执与授权、文件和计量逐项核对相符，并已验收，特发此凭证。",
            "The data below was delivered under the contract, the connector's receipts agree with grant, file and meter, and it "
            "was accepted; this receipt is issued for it.",
        ),
        sections=(
            Section(Text("交付", "Delivery"), rows=what), Section(Text("数据与计量", "Data and meter"), rows=data, table=listed),
            Section(Text("存证", "Evidence"), rows=proofs),
        ),
        seal=Seal(venue, seals.PURPOSES["delivery"], use="delivery"),
        qr_url=short_links.address(s["number"]), demo=bool(s.get("demo")),
    )  # fmt: skip


def proof_pdf(
    credential: Mapping[str, Any], digest: str, lang: str, *, now: datetime, actor: Actor | None = None
) -> bytes:
    return printed(proof_document(credential, digest), documents.get(digest), lang=lang, now=now, actor=actor)
