"""The certificate of accreditation as a kind of credential (shugu.kernel.credentials)."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import date

from shugu.formats.status import Flag
from shugu.formats.times import read_time
from shugu.kernel import credentials, documents, runtime
from shugu.kernel.credentials import Kind, Line, Standing, lines, one_type
from shugu.kernel.models import Fact
from shugu.kernel.text import Text
from shugu.kernel.workdays import local_day
from shugu.party.accreditation import STATUS, kind_title
from shugu.party.models import Accreditation

TYPE = "AccreditationCertificate"


def find(number: str, on: date) -> Standing | None:
    row = Accreditation.objects.select_related("org").filter(number=number).exclude(digest="").first() if number else None
    if row is None:
        return None
    subject = json.loads(documents.get(row.digest))
    issued_at = read_time(subject["validFrom"])
    if local_day(issued_at) > on:
        return None
    rules = runtime.rules_on(on)
    withdrawn = row.withdrawn_on is not None and row.withdrawn_on <= on
    found = [Line("revoked", _ground(row), title=Text("已撤销入驻资格", "accreditation withdrawn"))] if withdrawn else []
    granted = Fact.objects.filter(case_id=row.case_id, payload__contains=row.digest).order_by("id").first()
    return Standing(
        number=row.number, title=Text("入驻资格证书", "Certificate of accreditation"), digest=row.digest, issued_at=issued_at,
        valid_until=row.valid_until, fact=granted.pk if granted is not None else 0, seat=row.seat, public=True,
        lines=lines(found, on=on, valid_until=row.valid_until, article=rules.value("party.accreditation_term").article or ""),
        rows=(
            (Text("单位", "Organisation"), row.org.name), (Text("类别", "Admitted as"), Text(*kind_title(row.kind, rules))),
            (Text("起始日", "From"), row.granted_on),
        ),
    )  # fmt: skip


def _ground(row: Accreditation) -> str:
    """The article on which it was withdrawn, as its fact says."""
    facts = Fact.objects.filter(name="accreditation.revoked", subject=f"party.org:{row.org_id}", payload__isnull=False)
    told = (json.loads(fact.payload or "{}") for fact in facts.order_by("-id"))
    return next((str(one.get("ground", "")) for one in told if one["data"]["number"] == row.number), "")


def by_the_books(on: date) -> Iterator[tuple[int, Flag]]:
    rows = Accreditation.objects.filter(withdrawn_on__lte=on, seat__isnull=False).order_by("seat")
    for seat in rows.values_list("seat", flat=True):
        if seat is not None:
            yield seat, Flag.REVOKED


def register() -> None:
    credentials.register_kind(
        Kind(
            name="party.accreditation", prefix="MER-",
            app="party", types=one_type(TYPE, "入驻资格证书", "Certificate of accreditation"),
            subject=("organisation", "name", "uscc", "accreditedAs", "from", "merchantType"), flags=STATUS,
            where=("/accreditations/{number}.json", "/accreditations/{number}.pdf"), find=find, by_the_books=by_the_books,
        )
    )  # fmt: skip
