"""Certificates of other venues that count here: recorded by whoever checked them (a mandate), cited by applications.

The register asks no network. It believes a recognition as long as it is live, its last day has not passed and it was found
in force no longer ago than the agreement allows; whoever checks tells it again, or ends it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

from shugu.formats.errors import Pair
from shugu.kernel import documents, journal, store
from shugu.kernel import queries as cases
from shugu.kernel.cases import Actor, ActorKind, CaseView, MaterialView
from shugu.kernel.commands import command
from shugu.kernel.errors import Forbidden, NotFound
from shugu.kernel.queries import name_fact
from shugu.kernel.text import Text
from shugu.kernel.vocabulary import OK, VOCABULARY, No, Verdict, guard, predicate, predicate_of
from shugu.kernel.workdays import local_day
from shugu.registry.domain import traded_on_recognised_venue
from shugu.registry.errors import RecognitionEnded
from shugu.registry.models import Entry, Filing
from shugu.registry.models_federation import Origin, Recognition

LIVE, ENDED, REFUSED = "live", "ended", "refused"
# Materials that may be a document of another venue: one that is sealed counts only once its signature was checked.
VOUCHERS = ("venue_voucher", "elsewhere_certificate", "authorisation_proof", "public_authorisation")
_SEALED = b'{"credential":'

for _name, _zh, _en in (
    ("recognition.recorded", "承认其他场所证书", "certificate of another venue recognised"),
    ("recognition.refused", "不承认其他场所证书", "certificate of another venue not recognised"),
    ("recognition.confirmed", "复核其他场所证书", "certificate of another venue found in force again"),
    ("recognition.ended", "承认失效", "recognition ended"),
):
    name_fact(_name, _zh, _en)


@dataclass(frozen=True)
class RecordRecognition:
    """`failed` empty: recognised. `content`: title, object_kind, rights, particulars, entry, register; no names of people.
    `max_age`: seconds for which a status counts. `presented`: SHA-256 of the file."""

    holder_org: int
    digest: str
    presented: str
    venue: str
    origin: str
    certificate: str
    kind: str
    regime: str
    trade: bool = False
    content: Mapping[str, Any] = field(default_factory=dict)
    agreement: str = ""
    waives: tuple[Mapping[str, Any], ...] = ()
    until: date | None = None
    max_age: int = 0
    failed: str = ""
    reason: tuple[str, ...] = ()


@dataclass(frozen=True)
class CheckRecognition:
    """How it was found: `failed` empty when in force, as its issuer said at `at` (now, where it is not said)."""

    number: str
    failed: str = ""
    reason: tuple[str, ...] = ()
    at: datetime | None = None


def _by_mandate(actor: Actor) -> None:
    if actor.kind is not ActorKind.MANDATE:
        raise Forbidden()


@command("registry.record_recognition", ("记录对其他场所证书的承认", "record the recognition of a certificate"))
def record_recognition(cmd: RecordRecognition, *, actor: Actor, now: datetime) -> Recognition:
    """By the app that checked it. The same certificate for the same holder again confirms the one that lives.
    Errors: Forbidden."""
    _by_mandate(actor)
    known = Recognition.objects.select_for_update().filter(holder_id=cmd.holder_org, digest=cmd.digest, state=LIVE).first()
    if known is not None and not cmd.failed and (known.agreement, known.waives) == (cmd.agreement, list(cmd.waives)):
        return _confirm(known, actor, now)
    if known is not None:
        _end(known, cmd.failed or "replaced", cmd.reason, actor, now)
    number = store.next_number("recognition", local_day(now).year)
    fact = journal.record(
        "recognition.refused" if cmd.failed else "recognition.recorded", subject=f"registry.recognition:{number}", actor=actor,
        now=now, digests={"certificate": cmd.digest, "presented": cmd.presented},
        data={
            "recognition": number, "venue": cmd.venue, "certificate": cmd.certificate, "kind": cmd.kind, "regime": cmd.regime,
            "holder": cmd.holder_org, "agreement": cmd.agreement, **({"failed": cmd.failed} if cmd.failed else {}),
        },
    )  # fmt: skip
    return Recognition.objects.create(
        number=number, holder_id=cmd.holder_org, digest=cmd.digest, presented=cmd.presented, venue=cmd.venue, origin=cmd.origin,
        certificate=cmd.certificate, kind=cmd.kind, regime=cmd.regime, trade=cmd.trade, content=dict(cmd.content),
        agreement=cmd.agreement, waives=list(cmd.waives), state=REFUSED if cmd.failed else LIVE, failed=cmd.failed,
        reason=list(cmd.reason), until=cmd.until, max_age=cmd.max_age, checked_at=now, recorded_at=now, fact=fact,
    )  # fmt: skip


@command("registry.check_recognition", ("复核对其他场所证书的承认", "check a recognition again"))
def check_recognition(cmd: CheckRecognition, *, actor: Actor, now: datetime) -> Recognition:
    """By the app that checked. Errors: Forbidden, NotFound for one that does not live."""
    _by_mandate(actor)
    row = Recognition.objects.select_for_update().filter(number=cmd.number, state=LIVE).first()
    if row is None:
        raise NotFound(what=(f"承认 {cmd.number}", f"recognition {cmd.number}"))
    return _end(row, cmd.failed, cmd.reason, actor, now) if cmd.failed else _confirm(row, actor, now, cmd.at)


def _confirm(row: Recognition, actor: Actor, now: datetime, at: datetime | None = None) -> Recognition:
    # An older word than the one we have makes it no fresher.
    row.checked_at = max(row.checked_at, min(now, at or now))
    row.save(update_fields=["checked_at"])
    _record("recognition.confirmed", row, actor, now)
    return row


def _end(row: Recognition, failed: str, reason: Iterable[str], actor: Actor, now: datetime) -> Recognition:
    row.state, row.failed, row.reason, row.ended_at = ENDED, failed, list(reason), now
    row.save(update_fields=["state", "failed", "reason", "ended_at"])
    _record("recognition.ended", row, actor, now, failed=failed)
    return row


def _record(name: str, row: Recognition, actor: Actor, now: datetime, **data: Any) -> None:
    journal.record(
        name, subject=f"registry.recognition:{row.number}", actor=actor, now=now,
        data={"recognition": row.number, "certificate": row.certificate, "venue": row.venue, **data},
        digests={"certificate": row.digest},
    )  # fmt: skip


def usable(row: Recognition, now: datetime) -> bool:
    """Live, within its term, and found in force recently enough."""
    fresh = now - row.checked_at <= timedelta(seconds=row.max_age)
    return row.state == LIVE and fresh and (row.until is None or local_day(now) <= row.until)


def cited(number: str, org: int, now: datetime) -> tuple[Recognition | None, Pair | None]:
    """The recognition an application of `org` cites, and what is wrong with citing it."""
    if not number:
        return None, None
    row = Recognition.objects.filter(number=number, holder_id=org).first()
    if row is None:
        return None, ("没有本单位的此项承认", "the applicant has no such recognition")
    if not usable(row, now):
        return row, ("该承认已失效或须先复核状态", "the recognition has ended, or its status has to be asked again first")
    return row, None


def recognised(row: Filing, now: datetime) -> Mapping[str, Any]:
    """What guards may know of the recognition a filing cites: {} without a usable one, else whether it is the voucher of a
    trade and which materials it waives here."""
    found = row.recognition
    if found is None or not usable(found, now):
        return {}
    waived = [w["materials"] for w in found.waives if (w["register"], w["operation"]) == (row.register, row.operation)]
    return {"trade": found.trade, "materials": sorted({m for codes in waived for m in codes})}


def unproven_vouchers(materials: Iterable[MaterialView], now: datetime) -> tuple[str, ...]:
    """Digests of filed vouchers that are sealed documents of a venue and were not (or no longer) found good here. What is no
    sealed document is the registrar's to judge."""
    return tuple(m.digest for m in materials if m.id in VOUCHERS and not _proven(m.digest, now))


def _proven(digest: str, now: datetime) -> bool:
    checked = Recognition.objects.filter(presented=digest)
    # Paper that was found to be another venue's counts by its checks; any other is the registrar's to judge.
    if not documents.get(digest).startswith(_SEALED) and not checked.exists():
        return True
    return any(usable(row, now) for row in checked.filter(state=LIVE))


@predicate("registry.recognised")
def is_recognised(view: CaseView) -> bool:
    """The application cites a certificate of another venue that counts here."""
    return bool(view.facts.get("recognised"))


@predicate_of("registry.recognised")
def waived_by_recognition(view: CaseView, argument: str) -> bool:
    """… and the agreement waives this material for this register and operation."""
    return argument in (view.facts.get("recognised") or {}).get("materials", ())


@predicate_of("registry.traded_or_recognised")
def traded_or_recognised(view: CaseView, argument: str) -> bool:
    """What the regime waives on a trade of a recognised venue, or the agreement on this certificate."""
    return traded_on_recognised_venue(view) or waived_by_recognition(view, argument)


@guard("registry.vouchers_proven")
def vouchers_proven(view: CaseView) -> Verdict:
    """No sealed document of another venue that was filed here is still unchecked or was refused."""
    if view.facts.get("unproven_vouchers"):
        told = Text("所交其他场所的封存文件尚未通过核验", "a sealed document of another venue has not passed its checks")
        return No(told)
    return OK


@dataclass(frozen=True)
class Waived:
    """A material that is not asked for, why, and with which force: `must` where the regime's own text waives it, `venue` where
    the agreement does."""

    title: Text
    article: str
    force: str


def waived_rows(row: Filing, now: datetime) -> list[Waived]:
    """What the recognition a filing cites waives, over all steps of its table, each once."""
    if row.recognition is None:
        return []
    tab, view = cases.view_of(row.pk, now)
    out: dict[str, Waived] = {}
    for material in (m for step in tab.steps for m in step.materials):
        word = material.waived_by or ""
        applies = material.when is None or VOCABULARY.predicates[material.when](view)
        if "recognised" not in word or not applies or not VOCABULARY.predicates[word](view):
            continue
        by_text = traded_on_recognised_venue(view) and "traded" in word
        agreed = f"互认协议 / agreement {row.recognition.agreement}"
        out[material.id] = Waived(material.title, material.article if by_text else agreed, "must" if by_text else "venue")
    return list(out.values())


def require_live(row: Filing, now: datetime) -> Recognition | None:
    """The recognition behind an application that is about to be entered. Errors: RecognitionEnded."""
    found = row.recognition
    if found is not None and not usable(found, now):
        raise RecognitionEnded(recognition=found.number)
    return found


def printed(row: Recognition) -> dict[str, Any]:
    """What the new certificate says of it."""
    return {
        "recognition": row.number, "venue": row.venue, "certificate": row.certificate, "entry": row.content.get("entry", ""),
        "digest": row.digest,
    }  # fmt: skip


def note_origin(line: Entry, row: Recognition, fact: int) -> None:
    Origin.objects.create(
        entry=line, kind="recognised", venue=row.venue, origin=row.origin, number=str(row.content.get("entry", "")),
        certificate=row.certificate, digest=row.digest, fact=fact,
    )  # fmt: skip


@dataclass(frozen=True)
class OriginView:
    """`kind`: recognised or moved_in."""

    kind: str
    title: Text
    venue: str
    origin: str
    number: str
    certificate: str
    digest: str


ORIGINS = {
    "recognised": Text("据其他场所证书登记", "registered on a recognised certificate"),
    "moved_in": Text("由其他场所登记簿迁入", "moved here from another register"),
}


def origins_of(entry_id: int) -> list[OriginView]:
    rows = Origin.objects.filter(entry_id=entry_id).order_by("pk")
    return [OriginView(r.kind, ORIGINS[r.kind], r.venue, r.origin, r.number, r.certificate, r.digest) for r in rows]


def due_recognitions(now: datetime, every: timedelta) -> list[Recognition]:
    """Those that live and were not asked about for `every`, or for half of what their agreement allows."""
    rows = Recognition.objects.filter(state=LIVE).order_by("checked_at")
    return [row for row in rows if now - row.checked_at >= min(every, timedelta(seconds=row.max_age) / 2)]


def recognitions_of(org: int) -> list[Recognition]:
    """Newest first, refused ones among them."""
    return list(Recognition.objects.filter(holder_id=org).order_by("-pk"))
