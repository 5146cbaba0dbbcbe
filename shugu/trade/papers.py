"""Contract and voucher on paper, made from the signed documents alone: the same document gives the same bytes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any

from shugu.formats.times import read_time
from shugu.kernel import documents, runtime, seals
from shugu.kernel.cases import Actor
from shugu.kernel.money import format_fen
from shugu.kernel.text import Text
from shugu.kernel.workdays import local_day
from shugu.trade.clauses import clauses, code_text
from shugu.web import short_links
from shugu.web.paper import Align, Clause, Document, Kind, Row, Seal, Section, Signature, Table, render
from shugu.web.printing import printed


def venue_title() -> Text:
    return Text(*runtime.rules().profile.title)


def _signature(role: Text, name: str, signed: Mapping[str, Any] | None) -> Signature:
    if signed is None:
        return Signature(role, name)
    return Signature(
        role, name, _moment(signed["signed_at"]), str(signed["vkey"]).split("+")[0], "Ed25519", str(signed["signature"])
    )


def _moment(text: object) -> datetime:
    return read_time(str(text))


FEE_TITLES = {
    "venue": Text("场所服务费", "Venue's fee"), "service_body": Text("第三方服务费", "Third-party fee"),
    "selling_venue": Text("其中成交场所所得", "Of the venue's fee, the selling venue's part"),
}  # fmt: skip


def money_table(terms: Mapping[str, Any]) -> Table:
    """Price, fees with payer and source, and what each right holder gets."""
    rows: list[tuple[Text | str, Text | str, Text | str, Text | str]] = [
        (Text("合同价款", "Price"), Text("需求方", "buyer"), "", format_fen(terms["price_fen"]))
    ]
    for fee in terms["fees"]:
        title = FEE_TITLES[fee["kind"]]
        payer = Text("提供方", "provider") if fee["payer"] == "provider" else Text("需求方", "buyer")
        rows.append((title, payer, f"{fee['rate_bps'] / 100:.2f}%", format_fen(fee["amount_fen"])))
    for share in terms["revenue"]:
        parts = Text(f"{share['parts']} 份", f"{share['parts']} parts")
        title = Text(f"权利人 {share['org']} 所得", f"To right holder {share['org']}")
        rows.append((title, "", parts, format_fen(share["amount_fen"])))
    return Table(
        columns=(Text("款项", "Line"), Text("承担方", "Borne by"), Text("费率或份额", "Rate or parts"),
                 Text("金额（元）", "Amount (CNY)")),
        rows=tuple(rows), align=(Align.LEFT, Align.LEFT, Align.RIGHT, Align.RIGHT), weights=(3, 1, 1, 1),
    )  # fmt: skip


def contract_document(source: Mapping[str, Any], digest: str) -> Document:
    """From queries.document: the credential of an approved contract, or the unsigned terms of one under way."""
    approved = "credentialSubject" in source
    holder: Mapping[str, Any] = source["credentialSubject"] if approved else source
    terms: Mapping[str, Any] = holder["terms"]
    number = str(terms["contract"])
    signed: Sequence[Mapping[str, Any]] = holder["signatures"]
    by_role = {s["role"]: s for s in signed}
    issued = _moment(source["validFrom"]) if approved else None
    day = local_day(issued) if issued is not None else date.fromisoformat(terms["drafted_on"])
    signatures = [
        _signature(Text("提供方", "Provider"), terms["provider"]["name"], by_role.get("provider")),
        _signature(Text("需求方", "Buyer"), terms["buyer"]["name"], by_role.get("buyer")),
    ]
    if approved:
        proof = source["proof"][0]
        method, value = str(proof["verificationMethod"]), str(proof["proofValue"])
        signatures.append(Signature(Text("审核机构", "Reviewed by"), venue_title().zh, issued, method, "Ed25519", value))
    return Document(
        kind=Kind.CONTRACT, title=Text("数据交易合同", "Data Contract"), number=number, issuer=venue_title(), issued_on=day,
        sections=(_parties(terms), Section(Text("条款", "Terms"), clauses=tuple(_clauses(terms))),
                  Section(Text("价款与费用", "Money"), table=money_table(terms)), _proof(holder, digest)),
        seal=Seal(venue_title(), seals.PURPOSES["contract"], use="contract") if approved else None,
        qr_url=short_links.address(number), demo=bool(holder.get("demo") or runtime.demo()),
        watermark=None if approved else Text("未生效", "NOT IN FORCE"), signatures=tuple(signatures),
    )  # fmt: skip


def _parties(terms: Mapping[str, Any]) -> Section:
    rows = []
    for role, title in (("provider", Text("提供方（甲方）", "Provider")), ("buyer", Text("需求方（乙方）", "Buyer"))):
        party = terms[role]
        rows += [Row(title, party["name"]), Row(Text("统一社会信用代码", "Credit code"), party["uscc"], mono=True)]
    rows += [
        Row(Text("数据产品", "Product"), terms["product"]["title"]),
        Row(Text("产品版本编号", "Version"), terms["product"]["version"], mono=True),
        Row(Text("登记编号", "Registration"), terms["registration"]["number"], mono=True),
    ]
    return Section(Text("当事人与标的", "Parties and subject"), rows=tuple(rows))


def _clauses(terms: Mapping[str, Any]) -> list[Clause]:
    marks = "一二三四五六七八九十"
    return [
        Clause(Text(f"第{marks[n - 1]}条", f"{n}."), title, paragraphs) for n, (title, paragraphs) in enumerate(clauses(terms), 1)
    ]


def _proof(holder: Mapping[str, Any], digest: str) -> Section:
    rows = [Row(Text("双方所签文本摘要", "Digest both sides sign"), f"sha256:{holder['terms_digest']}", mono=True)]
    if digest:
        rows.append(Row(Text("合同凭证摘要", "Digest of the credential"), f"sha256:{digest}", mono=True))
    return Section(Text("存证", "Evidence"), rows=tuple(rows))


def contract_pdf(
    source: Mapping[str, Any], digest: str, lang: str, *, now: datetime, actor: Actor | None = None
) -> bytes:
    """An approved contract signed by the venue; terms under way unsigned: the venue answers for what is in force only."""
    paper = contract_document(source, digest)
    if "credentialSubject" not in source:
        return render(paper, lang=lang)
    return printed(paper, documents.get(digest), lang=lang, now=now, actor=actor)


DELIVERED = {
    "data": Text("交付数据", "Data delivered"), "delivery_receipt": Text("连接器回执", "Connector's receipt"),
    "venue_receipt": Text("数据交付凭证", "Delivery receipt"),
}  # fmt: skip


def voucher_document(credential: Mapping[str, Any], digest: str) -> Document:
    subject = credential["credentialSubject"]
    issued = local_day(_moment(credential["validFrom"]))
    trade = (
        Row(Text("提供方", "Provider"), subject["provider"]["name"]),
        Row(Text("需求方", "Buyer"), subject["buyer"]["name"]),
        Row(Text("数据产品", "Product"), subject["product"]["title"]),
        Row(Text("产品编号", "Product number"), subject["product"]["number"], mono=True),
        Row(Text("登记编号", "Registration"), subject["registration"]["number"], mono=True),
        Row(Text("交付形式", "Delivery"), code_text("catalogue.delivery_forms", subject["delivery_form"])),
        Row(Text("成交金额", "Amount"), format_fen(subject["amount"]["fen"], symbol=True)),
        *([Row(Text("成交场所", "Brought by"), subject["through"]["origin"], mono=True)] if "through" in subject else []),
        Row(Text("合同编号", "Contract"), subject["contract"]["number"], mono=True),
        Row(Text("完成日期", "Completed on"), subject["completed_on"]),
    )
    proofs = [
        Row(Text("合同摘要", "Contract"), f"sha256:{subject['contract']['digest']}", mono=True),
        *(Row(DELIVERED.get(name, Text(f"交付 {name}", f"Delivery: {name}")), f"sha256:{value}", mono=True)
          for name, value in sorted(subject["delivery"]["digests"].items())),
        Row(Text("凭证摘要", "Voucher"), f"sha256:{digest}", mono=True),
    ]  # fmt: skip
    return Document(
        kind=Kind.VOUCHER, title=Text("数据交易凭证", "Data Transaction Voucher"), number=subject["number"], issuer=venue_title(),
        issued_on=issued,
        statement=Text(
            "下列交易已经审核、交付、验收并结清，特发此凭证。",
            "The trade below was reviewed, delivered, accepted and settled; this voucher is issued for it.",
        ),
        sections=(Section(Text("交易", "Trade"), rows=trade), Section(Text("存证", "Evidence"), rows=tuple(proofs))),
        seal=Seal(venue_title(), seals.PURPOSES["voucher"], use="voucher"), qr_url=short_links.address(subject["number"]),
        demo=bool(subject.get("demo")),
    )  # fmt: skip


def voucher_pdf(
    credential: Mapping[str, Any], digest: str, lang: str, *, now: datetime, actor: Actor | None = None
) -> bytes:
    return printed(voucher_document(credential, digest), documents.get(digest), lang=lang, now=now, actor=actor)
