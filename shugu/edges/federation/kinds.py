"""What venues sign for one another, as kinds of credentials (shugu.kernel.credentials).

An agreement can end and be suspended: the venue that offered it says so in its status lists, once the fact is read.
Everything else passes once between two venues, which both keep it: nothing of it can lose force.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date, datetime
from typing import Final

from shugu.edges.federation.domain import AGREEMENT
from shugu.edges.federation.domain_sharing import CATALOGUE
from shugu.edges.federation.models import Agreement
from shugu.formats.message import MESSAGE, RECEIPT
from shugu.formats.status import NONE, Flag
from shugu.kernel import credentials, status
from shugu.kernel.credentials import Kind, Line, Standing, lines, one_type, some_types
from shugu.kernel.journal import FactView
from shugu.kernel.models import Cursor, Fact
from shugu.kernel.text import Text
from shugu.kernel.workdays import local_day

STATEMENT: Final = "CertificateStatement"
ACKNOWLEDGEMENT: Final = "VoucherAcknowledgement"
AGREEMENT_STATUS: Final = Flag.REVOKED | Flag.CANCELLED | Flag.SUSPENDED
SUBSCRIBER: Final = "federation.status"
_ENDED = Line("revoked", title=Text("已终止", "ended"))
# What a fact of an agreement says of it, until the next one says something else.
CHANGES: Final[Mapping[str, tuple[Flag, Line | None]]] = {
    "agreement.declined": (Flag.REVOKED, Line("revoked", title=Text("未获会签", "declined"))),
    "agreement.withdrawn": (Flag.REVOKED, Line("revoked", title=Text("已撤回", "withdrawn"))),
    "agreement.lapsed": (Flag.REVOKED, Line("revoked", title=Text("逾期未会签", "not countersigned in time"))),
    "agreement.suspended": (Flag.SUSPENDED, Line("suspended")),
    "agreement.resumed": (NONE, None),
    "agreement.ended": (Flag.REVOKED, _ENDED),
    "agreement.expired": (Flag.CANCELLED, Line("cancelled", title=Text("有效期满", "its term has ended"))),
}


def follow_agreement(fact: FactView, now: datetime) -> None:
    seat = Agreement.objects.filter(pk=fact.case or 0).values_list("seat", flat=True).first()
    if seat is not None:
        status.mark({seat: CHANGES[fact.name][0]})


def by_the_books(on: date) -> Iterator[tuple[int, Flag]]:
    """As far as the subscriber has read: the last fact of an agreement that changed anything."""
    read = Cursor.objects.filter(subscriber=SUBSCRIBER).values_list("position", flat=True).first() or 0
    told = (
        Fact.objects.filter(name__in=list(CHANGES), place__position__lt=read)
        .order_by("id")
        .values_list("case_id", "name")
    )
    seats = dict(Agreement.objects.filter(seat__isnull=False).values_list("case_id", "seat"))
    last = {case: CHANGES[name][0] for case, name in told}
    for case, seat in seats.items():
        if seat is not None and last.get(case, NONE):
            yield seat, last[case]


def find_agreement(number: str, on: date) -> Standing | None:
    """Told only to who shows the document: what two venues agreed is theirs."""
    row = Agreement.objects.select_related("case", "peer").filter(reference=number).first()
    if row is None or local_day(row.case.opened_at) > on:
        return None
    facts = Fact.objects.filter(case_id=row.case_id).order_by("id")
    changed = [f for f in facts.filter(name__in=list(CHANGES)) if local_day(f.recorded_at) <= on]
    line = CHANGES[changed[-1].name][1] if changed else None
    first = facts.values_list("pk", flat=True).first()
    return Standing(
        number=row.reference, title=Text("互认协议", "recognition agreement"), digest=row.signed or row.offered,
        issued_at=row.case.opened_at, valid_until=row.valid_until, fact=first or 0, seat=row.seat, public=False,
        lines=lines([line] if line is not None else [], on=on, valid_until=row.valid_until, article=""),
        rows=((Text("对方场所", "With"), row.peer.venue),),
    )  # fmt: skip


_ONCE = Text(
    "在两个场所之间只用一次：凭序号或随机数对应，双方各自入日志留存，没有此后失效可言。",
    "It serves once between two venues, by its sequence or nonce, and both keep it in their logs: there is nothing of it that "
    "could lose force later.",
)


def register() -> None:
    credentials.register_kind(
        Kind(
            name="federation.agreement", prefix="AGR-", app="federation",
            types=one_type(AGREEMENT, "互认协议", "recognition agreement"), subject=("to", "terms"), flags=AGREEMENT_STATUS,
            where=("/federation/agreements/{number}/",), find=find_agreement, by_the_books=by_the_books,
            issuer=Text("提出的场所，另一场所会签", "the venue that offers, the other signs beside"),
        )
    )  # fmt: skip
    credentials.register_kind(
        Kind(
            name="federation.message", app="federation", where=("/federation/messages",), lasting=_ONCE,
            subject=("to", "kind", "sequence", "body", "message", "outcome", "code"),
            types=some_types((MESSAGE, "场所间消息", "message between venues"), (RECEIPT, "消息回执", "receipt of a message")),
        )
    )  # fmt: skip
    credentials.register_kind(
        Kind(
            name="federation.acknowledgement", app="federation", subject=("to", "order", "voucher", "selling_fen"),
            types=one_type(ACKNOWLEDGEMENT, "交易凭证确认书", "acknowledgement of a voucher"),
            where=("/evidence/documents/{digest}/",), lasting=_ONCE,
        )
    )  # fmt: skip
    credentials.register_kind(
        Kind(
            name="federation.statement", app="federation", subject=("digest", "document", "facets", "nonce"),
            types=one_type(STATEMENT, "凭证现状声明", "statement of how a credential stands"),
            where=("/federation/status/{digest}/{nonce}",),
            lasting=Text(
                "它只说被问那一刻的状况，数分钟后由 validUntil 终止。",
                "It says how things stood when it was asked for, and ends by validUntil within minutes.",
            ),
        )
    )  # fmt: skip
    credentials.register_kind(
        Kind(
            name="federation.catalogue", app="federation", subject=("to", "serial", "root", "count"),
            types=one_type(CATALOGUE, "共享目录首部", "head of the shared catalogue"),
            where=("/federation/catalogue/{origin}/head",),
            lasting=Text(
                "它只说签署那一刻可展示的目录（序号与根），由下一份取代；对方按约定时限不再采信旧的。",
                "It says what may be shown at the moment it is signed (serial and root) and the next one replaces it; the other "
                "venue stops relying on an old one after the time they agreed.",
            ),
        )
    )  # fmt: skip
