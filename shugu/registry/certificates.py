"""What a certificate says, as a credential's subject and as a printed page; built from values, no writes."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, timedelta, timezone
from typing import Any

from shugu.formats.times import read_time
from shugu.kernel import runtime, seals
from shugu.kernel.text import Text
from shugu.web import short_links
from shugu.web.paper import Document, Kind, Row, Seal, Section, Table

SHANGHAI = timezone(timedelta(hours=8))
TITLES: Mapping[str, Text] = {
    "data_property_certificate": Text("数据产权登记证书", "Certificate of Data Property Registration"),
    "data_product_certificate": Text("数据产品登记证书", "Certificate of Data Product Registration"),
    "data_resource_certificate": Text("数据资源登记证书", "Certificate of Data Resource Registration"),
    "licence_certificate": Text("许可登记证明", "Proof of a Registered Licence"),
    "pledge_certificate": Text("质押登记证明", "Proof of a Registered Pledge"),
    "objection_certificate": Text("异议登记证明", "Proof of a Registered Objection"),
    "data_ip_certificate": Text("数据知识产权登记证书", "Certificate of Data Intellectual Property Registration"),
}


def kind_title(kind: str) -> Text:
    words = kind.replace("_", " ")
    return TITLES.get(kind, Text(words, words))


def credential_type(kind: str) -> str:
    """data_property_certificate -> DataPropertyCertificate"""
    return "".join(part.capitalize() for part in kind.split("_"))


def subject(
    *, entry: str, version: int, register: str, regime: str, title: str, object_kind: tuple[str, Text],
    rights: Mapping[str, Text], holders: list[dict[str, Any]], form: Mapping[str, Any], filing: str,
    entered_on: date, last_day: date, rule_set: str, kind: str, titles: tuple[Text | None, Text],
    issuing: Mapping[str, Any], encumbrance: Mapping[str, Any] | None = None, counterparty: Mapping[str, Any] | None = None,
    objection: Mapping[str, Any] | None = None, recognised: Mapping[str, Any] | None = None,
) -> dict[str, Any]:  # fmt: skip
    """The credential's subject: what the book says, nothing of people, no fraction anywhere. `titles` of the kind (where
    the rules name it) and of the operation; `issuing` who issues and supervises."""
    named = titles[0] or kind_title(kind)
    return {
        "kind": kind,
        "kind_title": {"zh": named.zh, "en": named.en},
        "operation": {"zh": titles[1].zh, "en": titles[1].en},
        **issuing,
        **({"objection": dict(objection)} if objection else {}),
        **({"recognised": dict(recognised)} if recognised else {}),
        **({"encumbrance": dict(encumbrance)} if encumbrance else {}),
        **({"counterparty": dict(counterparty)} if counterparty else {}),
        "entry": {
            "number": entry, "version": version, "register": register, "regime": regime,
            "entered_on": entered_on.isoformat(),
        },
        "title": title,
        "object_kind": {"code": object_kind[0], "zh": object_kind[1].zh, "en": object_kind[1].en},
        "rights": [{"code": code, "zh": words.zh, "en": words.en} for code, words in rights.items()],
        "holders": holders,
        "particulars": dict(form),
        "filing": filing,
        "last_day": last_day.isoformat(),
        "rule_set": rule_set,
    }


ENCUMBRANCES: Mapping[str, Text] = {
    "licence": Text("许可", "licence"),
    "pledge": Text("质押", "pledge"),
    "trust": Text("信托", "trust"),
    "usufruct": Text("用益", "usufruct"),
    "seizure": Text("查封", "seizure"),
    "custody": Text("保管", "custody"),
}


def _other_side(s: Mapping[str, Any]) -> list[Row]:
    """The encumbrance and whose it is, on a certificate of one; the other side of a trade on its certificate."""
    found, side = s.get("encumbrance"), s.get("counterparty")
    if side:
        return [Row(Text("对方", "Other side"), f"{side['name']} {side['uscc']}")]
    if not found:
        return []
    rows = [Row(Text("他项权益", "Encumbrance"), ENCUMBRANCES.get(found["kind"], Text(found["kind"], found["kind"])))]
    if found.get("name"):
        rows.append(Row(Text("他项权益人", "In favour of"), f"{found['name']} {found['uscc']}"))
    return rows


def _objection(s: Mapping[str, Any]) -> list[Row]:
    """What a proof of an objection adds: who objected, on which ground, by when proceedings are to be shown."""
    found = s.get("objection")
    if not found:
        return []
    return [
        Row(Text("异议编号", "Objection"), found["number"], mono=True),
        Row(Text("异议人", "Objector"), found["name"]),
        Row(Text("异议理由", "Ground"), Text(found["ground"]["zh"], found["ground"]["en"])),
        Row(Text("受理日期", "Accepted on"), found["accepted_on"]),
        Row(Text("提交诉讼或仲裁受理材料的截止日", "Proceedings to be shown by"), found["proceedings_due"]),
    ]


def _recognised(s: Mapping[str, Any]) -> list[Row]:
    """The other venue's certificate on which it was registered, or from whose register it came."""
    found = s.get("recognised")
    if not found:
        return []
    named = " · ".join(str(found[name]) for name in ("venue", "certificate", "entry") if found.get(name))
    return [Row(Text("其他场所证书", "Certificate of another venue"), named, mono=True)]


def _authorities(s: Mapping[str, Any]) -> list[Row]:
    named = (("issuer", Text("发证机构", "Issued by")), ("supervisor", Text("监制机关", "Supervised by")))
    return [Row(title, Text(s[name]["zh"], s[name]["en"])) for name, title in named if s.get(name)]


def _sections(
    s: Mapping[str, Any], digest: str, labels: Mapping[str, Text], answers: Mapping[str, Mapping[str, Text]]
) -> list[Section]:
    rights = Text("、".join(r["zh"] for r in s["rights"]), ", ".join(r["en"] for r in s["rights"]))
    whole = sum(h["parts"] for h in s["holders"])
    sections = [
        Section(
            Text("登记事项", "Entry"),
            rows=(
                Row(Text("登记主体", "Registrant"), "、".join(h["name"] for h in s["holders"])),
                Row(Text("信用代码", "Social credit code"), "、".join(h["uscc"] for h in s["holders"]), mono=True),
                Row(Text("登记编号", "Entry number"), s["entry"]["number"], mono=True),
                Row(Text("登记类型", "Registration"), Text(s["operation"]["zh"], s["operation"]["en"])),
                *_other_side(s),
                *_objection(s),
                *_recognised(s),
                Row(Text("登记对象", "Object"), Text(s["object_kind"]["zh"], s["object_kind"]["en"])),
                Row(Text("名称", "Title"), s["title"]),
                Row(Text("权利", "Rights"), rights),
                Row(Text("登记日期", "Entered on"), s["entry"]["entered_on"]),
                Row(Text("有效期至", "Valid until"), s["last_day"]),
                *_authorities(s),
                Row(Text("证书摘要", "Digest"), f"sha256:{digest}", mono=True),
            ),
        ),
        Section(
            Text("基本信息", "Particulars"),
            rows=tuple(
                Row(labels.get(name, Text(name, name)), answers.get(name, {}).get(answer, answer))
                for name, answer in s["particulars"].items()
                if answer
            ),
        ),
    ]
    if len(s["holders"]) > 1:
        sections.append(
            Section(
                Text("共有人及份额", "Co-holders and their shares"),
                table=Table(
                    (Text("共有人", "Co-holder"), Text("份额", "Share")),
                    tuple((h["name"], f"{h['parts']} / {whole}") for h in s["holders"]),
                ),
            )
        )
    return sections


def document(
    credential: Mapping[str, Any], digest: str, register_title: Text, labels: Mapping[str, Text],
    answers: Mapping[str, Mapping[str, Text]],
) -> Document:  # fmt: skip
    """The printed certificate. `labels` name the particulars; `answers` spell out coded ones."""
    s = credential["credentialSubject"]
    issued = read_time(str(credential["validFrom"])).astimezone(SHANGHAI).date()
    sections = _sections(s, digest, labels, answers)
    venue = Text(*runtime.rules().profile.title)
    return Document(
        kind=Kind.CERTIFICATE,
        title=Text(s["kind_title"]["zh"], s["kind_title"]["en"]),
        number=s["number"],
        issuer=venue,
        issued_on=issued,
        sections=tuple(sections),
        seal=Seal(venue, seals.PURPOSES["registration"], use="registration"),
        qr_url=short_links.address(s["number"]),
        demo=bool(s.get("demo")),
        footer=register_title,
        statement=Text(
            "经审查并经公示，下列数据权益已记入登记簿，特发此证。证书与登记簿不一致的，以登记簿为准。",
            "After review and public notice the rights below have been entered in the register. "
            "Where this certificate and the register differ, the register prevails.",
        ),
    )


def issued_at(credential: Mapping[str, Any]) -> datetime:
    return read_time(str(credential["validFrom"]))
