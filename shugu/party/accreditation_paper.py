"""The certificate of accreditation on paper, made from its credential alone."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

from shugu.formats.times import read_time
from shugu.kernel import documents, runtime, seals
from shugu.kernel.cases import Actor
from shugu.kernel.errors import NotFound
from shugu.kernel.text import Text
from shugu.kernel.workdays import local_day
from shugu.party.accreditation import kind_title, merchant_types
from shugu.party.models import Accreditation
from shugu.web import short_links
from shugu.web.paper import Document, Kind, Row, Seal, Section, date_words
from shugu.web.printing import printed, venue_title

TITLE = Text("入驻资格证书", "Certificate of Accreditation")


def certificate(number: str, actor: Actor | None = None) -> tuple[bytes, str]:
    """The credential as signed, and its digest: for anybody who knows the number, as the organisation's page is; after a
    withdrawal for the organisation and the venue's seats. Errors: NotFound."""
    row = Accreditation.objects.filter(number=number).exclude(digest="").first() if number else None
    near = actor is not None and row is not None and (actor.org == row.org_id or bool(actor.seats))
    if row is None or (row.withdrawn_on is not None and not near):
        raise NotFound(what=(f"入驻资格证书 {number}", f"certificate of accreditation {number}"))
    return documents.get(row.digest), row.digest


def _day(day: date) -> Text:
    return Text(date_words(day, "zh"), date_words(day, "en"))


def document(credential: Mapping[str, Any], digest: str) -> Document:
    s = credential["credentialSubject"]
    issued = local_day(read_time(credential["validFrom"]))
    rules = runtime.rules_on(issued)
    types = merchant_types(rules)
    merchant = types.get(s.get("merchantType", ""))
    organisation = (
        Row(Text("单位名称", "Organisation"), s["name"]), Row(Text("统一社会信用代码", "Credit code"), s["uscc"], mono=True),
        Row(Text("单位编号", "Number here"), s["organisation"], mono=True),
        Row(Text("入驻类别", "Accredited as"), Text(*kind_title(s["accreditedAs"], rules))),
        *((Row(Text("数商类型", "Type of data merchant"), Text(*merchant)),) if merchant else ()),
        Row(Text("有效期起", "From"), _day(date.fromisoformat(s["from"]))),
        Row(Text("有效期至", "Until"), _day(local_day(read_time(credential["validUntil"])))),
    )  # fmt: skip
    return Document(
        kind=Kind.CERTIFICATE, title=TITLE, number=s["number"], issuer=venue_title(), issued_on=issued,
        statement=Text(
            "下列单位提交的材料经审核符合入驻条件，准予入驻本场所，特发此证。资格可依规撤销，现时效力以扫码核验结果为准。",
            "The organisation below was reviewed and is admitted to this venue; this certificate is issued for it. Accreditation "
            "can be withdrawn under the rules: how it stands today is told by the code.",
        ),
        sections=(
            Section(Text("入驻单位", "Organisation admitted"), rows=organisation),
            Section(Text("存证", "Evidence"), rows=(Row(Text("证书摘要", "This certificate"), f"sha256:{digest}", mono=True),)),
        ),
        seal=Seal(venue_title(), seals.PURPOSES["accreditation"], use="accreditation"),
        qr_url=short_links.address(s["number"]), demo=bool(s.get("demo")),
    )  # fmt: skip


def certificate_pdf(number: str, lang: str, *, now: datetime, actor: Actor | None = None) -> bytes:
    """Signed (shugu.web.printing). Errors: NotFound."""
    content, digest = certificate(number, actor)
    return printed(document(json.loads(content), digest), content, lang=lang, now=now, actor=actor)
