"""The evidence report and the evidence certificate as printed pages, from their credentials."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from shugu.formats.times import read_time
from shugu.kernel import seals
from shugu.kernel.text import Text
from shugu.kernel.workdays import local_day
from shugu.web import short_links
from shugu.web.paper import Document, Kind, Row, Seal, Section, Table


def _text(pair: Mapping[str, str]) -> Text:
    return Text(pair["zh"], pair["en"])


def _holder(subject: Mapping[str, Any]) -> tuple[Row, ...]:
    holder = subject["holder"]
    return (
        Row(Text("数据资产权益人", "Right holder"), holder["name"]),
        Row(Text("统一社会信用代码", "Social credit code"), holder["unit_code"], mono=True),
    )


def report_document(credential: Mapping[str, Any], digest: str) -> Document:
    s = credential["credentialSubject"]
    at = read_time(str(s["deposited_at"]))
    items = tuple(
        (i["name"], f"sha256:{i['sha256']}" + (f" sm3:{i['sm3']}" if i["sm3"] else ""), f"{i['size']:,}" if i["kept"] else "—")
        for i in s["items"]
    )
    columns = (Text("资料", "Document"), Text("哈希值", "Hash value"), Text("字节", "Bytes"))
    venue = _text(s["evidence_body"])
    return Document(
        kind=Kind.REPORT, title=Text("存证报告书", "Evidence Report"), number=s["number"], issuer=venue,
        issued_on=local_day(at),
        sections=(
            Section(
                Text("存证", "Deposit"),
                rows=(
                    *_holder(s), Row(Text("名称", "Title"), s["title"]), Row(Text("简要描述", "Description"), s["description"]),
                    Row(Text("存证时间（UTC）", "Deposited (UTC)"), s["deposited_at"]),
                    Row(Text("依据", "Basis"), _text(s["basis"])),
                    Row(Text("报告书摘要", "Digest of this report"), f"sha256:{digest}", mono=True),
                    Row(Text("验证服务", "Verification"), s["verification"], mono=True),
                ),
            ),
            Section(Text("哈希值", "Hash values"), table=Table(columns, items, weights=(2, 6, 1))),
        ),
        seal=Seal(venue, seals.PURPOSES["evidence"], use="evidence"), qr_url=short_links.address(s["number"]),
        demo=bool(s.get("demo")),
    )  # fmt: skip


def certificate_document(credential: Mapping[str, Any], digest: str) -> Document:
    s = credential["credentialSubject"]
    venue = _text(s["evidence_body"])
    return Document(
        kind=Kind.CERTIFICATE, title=Text("数据资产存证证书", "Certificate of Evidence"), number=s["number"], issuer=venue,
        issued_on=local_day(read_time(str(credential["validFrom"]))), statement=_text(s["basis"]),
        sections=(
            Section(
                Text("存证事项", "What is deposited"),
                rows=(
                    Row(Text("数据资产名称", "Asset"), s["asset_name"]),
                    Row(Text("存证号", "Evidence number"), s["evidence_number"], mono=True),
                    Row(Text("存证日期", "Date of the deposit"), s["evidence_date"]),
                    Row(Text("存证机构", "Evidence body"), venue), *_holder(s),
                    Row(Text("存证报告书摘要", "Digest of the report"), f"sha256:{s['report']}", mono=True),
                    Row(Text("证书摘要", "Digest"), f"sha256:{digest}", mono=True),
                ),
            ),
        ),
        seal=Seal(venue, seals.PURPOSES["evidence"], use="evidence"),
        qr_url=short_links.address(s["evidence_number"]), demo=bool(s.get("demo")),
    )  # fmt: skip
