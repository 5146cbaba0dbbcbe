"""The certificates of the register as one family of credentials (shugu.kernel.credentials)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from typing import Any

from django.urls import reverse

from shugu.formats.status import Flag
from shugu.kernel import credentials
from shugu.kernel.credentials import Kind, Line, Standing, lines, one_type, some_types
from shugu.kernel.errors import NotFound
from shugu.kernel.models import Fact
from shugu.kernel.rulebook import RegisterRules
from shugu.kernel.rules import RuleSet
from shugu.kernel.text import Text
from shugu.kernel.workdays import local_day
from shugu.registry import applications, certificates, moving, objection_papers, queries, status
from shugu.registry.models import RegisterReport
from shugu.registry.models_federation import Move
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


def find_report(number: str, on: date) -> Standing | None:
    """Told only to who shows the document: it is addressed to an authority."""
    row = RegisterReport.objects.select_related("case").filter(number=number).first()
    if row is None or local_day(row.prepared_at) > on:
        return None
    opened = Fact.objects.filter(case_id=row.case_id).order_by("id").values_list("pk", flat=True).first()
    return Standing(
        number=row.number, title=REPORT, digest=row.digest, issued_at=row.prepared_at, valid_until=None,
        lines=lines((), on=on, valid_until=None, article=""), fact=opened or 0, seat=None, public=False,
        rows=((Text("登记簿", "Register"), row.register), (Text("期间", "Period"), f"{row.first_day} – {row.last_day}")),
    )  # fmt: skip


def find_leaving(number: str, on: date) -> Standing | None:
    """A transfer-out, told only to who shows it: the two venues and the holder."""
    fact = Fact.objects.filter(name="entry.moved_out", payload__contains=f'"{number}"').order_by("id").first()
    row = Move.objects.filter(pk=fact.case_id, outward=True).first() if fact is not None else None
    if fact is None or row is None or row.moved_at is None or local_day(row.moved_at) > on:
        return None
    back = Fact.objects.filter(case_id=row.pk, name="entry.moved_back").order_by("id").first()
    ended = back is not None and local_day(back.recorded_at) <= on
    found = (
        [Line("revoked", "", title=Text("对方拒收，条目已恢复", "refused there, the entry stands again"))]
        if ended
        else []
    )
    return Standing(
        number=number, title=LEAVING, digest=row.document, issued_at=row.moved_at, valid_until=None,
        lines=lines(found, on=on, valid_until=None, article=""), fact=fact.pk, seat=row.seat, public=False,
    )  # fmt: skip


def by_the_books_leaving(on: date) -> Iterator[tuple[int, Flag]]:
    rows = Move.objects.filter(outward=True, seat__isnull=False, filing__case__state="returned").order_by("seat")
    for seat in rows.values_list("seat", flat=True):
        if seat is not None:
            yield seat, moving.STATUS


REPORT = Text("登记情况报告", "report of a register")
LEAVING = Text("登记条目迁出文书", "transfer-out of an entry")


def register() -> None:
    credentials.register_kind(
        Kind(
            name="registry.certificate", prefix="CER-", app="registry", types=types, subject=SUBJECT, flags=status.CERTIFICATE,
            where=("/certificates/{number}.json", "/certificates/{number}.pdf"), find=find, by_the_books=status.by_the_books,
        )
    )  # fmt: skip
    credentials.register_kind(
        Kind(
            name="registry.report", prefix="RPT-", app="registry", types=one_type("RegisterReport", REPORT.zh, REPORT.en),
            subject=("register", "report", "to", "first_day", "last_day", "figures", "article"),
            where=("/register/reports/{number}.json", "/register/reports/{number}.pdf"), find=find_report,
            lasting=Text(
                "它陈述编制之日的数字，此后的登记不改变它说过的话；更正写入下一期报告。",
                "It states the figures of the day it was prepared; what is entered later does not change what it said, and a "
                "correction goes into the next report.",
            ),
        )
    )  # fmt: skip
    credentials.register_kind(
        Kind(
            name="registry.leaving", prefix="MOV-", app="registry", types=one_type(moving.TRANSFER_OUT, LEAVING.zh, LEAVING.en),
            subject=("to", "target", "filing", "title", "entry", "object_kind", "rights", "valid_until", "holders",
                     "particulars"),
            where=("/filings/{filing}/transfer.json", "/filings/{filing}/transfer.pdf"),
            flags=moving.STATUS, find=find_leaving, by_the_books=by_the_books_leaving,
        )
    )  # fmt: skip
    credentials.register_kind(
        Kind(
            name="registry.arrival", app="registry", subject=("to", "transfer_out", "entry"),
            where=("/filings/{filing}/transfer.json", "/filings/{filing}/transfer.pdf"),
            types=some_types(
                (moving.TRANSFER_IN, "迁入登簿文书", "transfer-in of an entry"),
                (moving.TRANSFER_REFUSED, "拒绝迁入文书", "refusal of a move"),
            ),
            lasting=Text(
                "对一份迁出文书的答复只作一次，永不收回：否则同一条目可能两处有效（决定 0016）。",
                "A transfer-out is answered once and the answer is never taken back, or an entry could be valid twice "
                "(decision 0016).",
            ),
        )
    )  # fmt: skip
