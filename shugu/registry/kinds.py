"""The certificates of the register as one family of credentials (shugu.kernel.credentials)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from django.urls import reverse

from shugu.kernel import credentials
from shugu.kernel.credentials import Kind, Line, Standing
from shugu.kernel.errors import NotFound
from shugu.kernel.rulebook import RegisterRules
from shugu.kernel.rules import RuleSet
from shugu.kernel.text import Text
from shugu.kernel.workdays import local_day
from shugu.registry import applications, certificates, objection_papers, queries, status
from shugu.registry.operations import operations

SUBJECT = (
    "kind", "kind_title", "operation", "entry", "title", "object_kind", "rights", "holders", "particulars", "filing",
    "last_day", "rule_set", "objection", "encumbrance", "counterparty", "issuer", "supervisor",
)  # fmt: skip


def find(number: str, on: date) -> Standing | None:
    try:
        shown = queries.certificate(number, on)
    except NotFound:
        return None
    if local_day(shown.issued_at) > on:
        return None
    subject = shown.credential["credentialSubject"]
    holders = "、".join(str(one["name"]) for one in subject["holders"])
    rows = (
        (Text("名称", "Title"), subject["title"]),
        (Text("登记主体", "Holder"), holders),
        (Text("登记条目", "Entry"), shown.entry_number),
        *_recognised(subject.get("recognised")),
    )
    return Standing(
        number=shown.number, title=shown.title, digest=shown.digest, issued_at=shown.issued_at, valid_until=shown.valid_until,
        lines=tuple(Line(one.facet.value, one.article, one.reason) for one in shown.lines), fact=shown.fact, seat=shown.seat,
        public=True, rows=rows, href=reverse("registry:entry", args=[shown.entry_number]),
    )  # fmt: skip


def _recognised(found: Mapping[str, Any] | None) -> tuple[tuple[Text, object], ...]:
    """The other venue's certificate that it was entered on."""
    if not found:
        return ()
    told = f"{found['venue']} {found['certificate']} {found['entry']}"
    return ((Text("依据其他场所证书", "On the certificate of another venue"), told),)


def types(of: RuleSet) -> Sequence[tuple[str, Text]]:
    """Every kind of certificate of every register that these rules keep."""
    found: dict[str, Text] = {}
    for register in of.profile.registers:
        rules = RegisterRules(of, register.id)
        named = applications.kind_titles(register.id, rules)
        codes = {register.certificate, objection_papers.KIND, *named}
        codes |= {code for op in operations(rules).values() for code in op.certificates or ()}
        for code in codes:
            found.setdefault(certificates.credential_type(code), named.get(code) or certificates.kind_title(code))
    return sorted(found.items())


def register() -> None:
    credentials.register_kind(
        Kind(
            name="registry.certificate", prefix="CER-", app="registry", types=types, subject=SUBJECT, flags=status.CERTIFICATE,
            where=("/certificates/{number}.json", "/certificates/{number}.pdf"), find=find, by_the_books=status.by_the_books,
        )
    )  # fmt: skip
