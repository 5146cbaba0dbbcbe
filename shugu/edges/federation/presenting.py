"""Presentations: what a holder shows of another venue, or filed in an application, checked and told to the register.

The checks ask the network, so they run outside of any transaction; the command then keeps what came of them. A venue that
could not be asked is no verdict: the presentation waits and is tried again.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction

from shugu.edges.federation import checking, client, histories, peers, seeing, standing
from shugu.edges.federation.checking import Fetch, Verdicts, examine
from shugu.edges.federation.domain import read_terms
from shugu.edges.federation.errors import PeerUnreachable
from shugu.edges.federation.models import Agreement, Peer, Presentation
from shugu.edges.federation.sight import Sight
from shugu.formats.errors import ShuguError
from shugu.formats.pdf import is_pdf
from shugu.kernel import documents, journal, runtime, store
from shugu.kernel.cases import Actor, mandate
from shugu.kernel.commands import command
from shugu.kernel.errors import Forbidden, InputInvalid, NotFound
from shugu.kernel.journal import FactView
from shugu.kernel.models import Case
from shugu.kernel.queries import name_fact
from shugu.kernel.subscriptions import subscribe
from shugu.kernel.workdays import local_day
from shugu.party import queries as parties
from shugu.registry import services as registry

WAITING, RECOGNISED, REFUSED = "waiting", "recognised", "refused"
_AGAIN = timedelta(seconds=15)

name_fact("presentation.made", "出示其他场所文件", "document of another venue presented")
name_fact("presentation.checked", "核验其他场所文件", "document of another venue checked")


@dataclass(frozen=True)
class Present:
    """A sealed document of another venue, as one file, or its printed form with the credential inside, presented for the
    organisation."""

    content: bytes


@command("federation.present", ("出示其他场所文件", "present a document of another venue"))
def present(cmd: Present, *, actor: Actor, now: datetime) -> Presentation:
    """By an accredited organisation; the checks follow (`check`). Errors: Forbidden, InputInvalid."""
    if actor.org is None or not parties.organisation(actor.org, local_day(now)).accredited:
        raise Forbidden()
    if not 1 <= len(cmd.content) <= checking.MOST_BYTES:
        problem = (
            "应为封存文件（JSON）或 PDF 证书，不超过 4 MB",
            "a sealed document (JSON) or certificate (PDF), at most 4 MB",
        )
        raise InputInvalid(fields="file", field_errors={"file": problem})
    return _made(actor.org, cmd.content, None, actor, now)


def _made(org: int, content: bytes, case: int | None, actor: Actor, now: datetime) -> Presentation:
    number, digest = store.next_number("document", local_day(now).year), documents.put(content)
    fact = journal.record(
        "presentation.made", subject=f"federation.presentation:{number}", actor=actor, now=now, digests={"presented": digest},
        data={"presentation": number, "holder": org, **({"filed_in": case} if case is not None else {})},
    )  # fmt: skip
    return Presentation.objects.create(
        number=number, org=org, case_id=case, digest=digest, state=WAITING, presented_at=now, retry_at=now, fact=fact
    )


def file_voucher(fact: FactView, now: datetime) -> None:
    """A document of another venue known here, sealed or printed, that is filed as a voucher in an application is a
    presentation too. Any other paper is the registrar's to judge."""
    if fact.data.get("material") not in registry.VOUCHERS or fact.case is None:
        return
    digest = str(fact.payload.get("digests", {}).get(fact.data["material"], ""))
    case = Case.objects.filter(pk=fact.case).first()
    applicant = next((p.org for p in case.parties.order_by("pk") if p.role == "applicant"), None) if case is not None else None
    if not digest or applicant is None or Presentation.objects.filter(case_id=fact.case, digest=digest).exists():
        return
    content = documents.get(digest)
    if content.startswith(b'{"credential":') or _printed_by_a_peer(content, now):
        _made(applicant, content, fact.case, mandate("federation", f"fact:{fact.id}"), now)


def _printed_by_a_peer(content: bytes, now: datetime) -> bool:
    if not is_pdf(content):
        return False
    try:
        issuer = str(checking.read_presented(content, now).credential.get("issuer", ""))
    except ShuguError:
        return False  # some other paper
    return Peer.objects.filter(origin=issuer.removeprefix("https://")).exists()


HANDLERS = {"material.filed": file_voucher}
subscribe("federation.vouchers", HANDLERS)


def check(row: Presentation, now: datetime, fetch: Fetch = client.get) -> Presentation:
    """Make the checks and keep them; asks the issuing venue."""
    holder = parties.organisation(row.org)
    verdicts = examine(documents.get(row.digest), holder.uscc, now, fetch)
    return keep_checks(KeepChecks(row.pk, verdicts), actor=mandate("federation", f"presentation:{row.number}"), now=now)


@dataclass(frozen=True)
class KeepChecks:
    presentation: int
    verdicts: Verdicts


@command("federation.keep_checks", ("记录核验结果", "keep what the checks found"))
def keep_checks(cmd: KeepChecks, *, actor: Actor, now: datetime) -> Presentation:
    """The checks, the fact, and the recognition or its refusal in the register. Errors: NotFound."""
    row = Presentation.objects.select_for_update().filter(pk=cmd.presentation).first()
    if row is None:
        raise NotFound(what=("出示记录", "presentation"))
    found = cmd.verdicts
    row.checks, row.checked_at = [line.as_row() for line in found.lines], now
    failed = found.failed
    if found.again and failed is not None:
        row.state, row.retry_at = WAITING, now + _AGAIN
        row.save()
        return row
    answers = seeing.keep(found.sight, actor, now) if found.sight is not None else {}
    told = registry.record_recognition(_recognition(row, found), actor=actor, now=now)
    row.state, row.retry_at = (REFUSED if failed else RECOGNISED), None
    row.recognition = told.number
    if found.statement:
        answers["statement"] = row.statement = documents.put(found.statement)
    row.answers = answers
    digests = {"presented": row.digest, **answers}
    journal.record(
        "presentation.checked", subject=f"federation.presentation:{row.number}", actor=actor, now=now, digests=digests,
        data={
            "presentation": row.number, "recognition": told.number, "outcome": row.state,
            **({"failed": failed.id} if failed else {}),
        },
    )  # fmt: skip
    row.save()
    return row


def _recognition(row: Presentation, found: Verdicts) -> registry.RecordRecognition:
    failed, peer = found.failed, found.peer
    return registry.RecordRecognition(
        holder_org=row.org, digest=found.digest, presented=found.presented, venue=peer.venue if peer else "",
        origin=peer.origin if peer else str(found.credential.get("issuer", ""))[:200],
        certificate=str(found.subject.get("number", ""))[:60], kind=found.kind[:60], regime=found.regime[:60],
        trade=found.kind == checking.VOUCHER_KIND, content=checking.content_of(found.subject) if not failed else {},
        agreement=found.agreement, waives=checking.waivers(found) if not failed else (), until=found.until,
        max_age=found.terms.evidence.status_max_age if found.terms else 0, failed=failed.id if failed else "",
        reason=failed.detail if failed else (),
    )  # fmt: skip


def check_waiting(now: datetime, fetch: Fetch = client.get, limit: int = 20) -> int:
    """Presentations that wait for their checks; how many got a verdict."""
    done = 0
    for row in Presentation.objects.filter(state=WAITING, retry_at__lte=now).order_by("pk")[:limit]:
        done += check(row, now, fetch).state != WAITING
    return done


def recheck(now: datetime, fetch: Fetch = client.get) -> int:
    """Ask anew how every recognised certificate stands that was not asked about for half of what its agreement allows; how
    many were asked about. One whose venue cannot be asked, or publishes nothing recent, stays, and counts no more once its time
    is over."""
    done = 0
    every = timedelta(minutes=runtime.rules().value("federation.recheck_every").number)
    looks: dict[int, Sight] = {}
    for row in registry.due_recognitions(now, every):
        peer = Peer.objects.filter(origin=row.origin, paused=False).first()
        if peer is None:
            continue
        try:
            if peer.pk not in looks:
                looks[peer.pk] = _look(peer, now, fetch)
            done += _asked(row, looks[peer.pk], now)
        except PeerUnreachable:
            continue
    return done


def _look(peer: Peer, now: datetime, fetch: Fetch) -> Sight:
    """Errors: PeerUnreachable."""
    try:
        histories.follow(peer, now, fetch)
    except PeerUnreachable:
        raise
    except ShuguError as refusal:
        # A history that does not hold changes nothing; what its unknown keys sign is not believed.
        histories.note_trouble(peer, refusal)
    return checking.look(peer, now, fetch)


def _asked(row: Any, sight: Sight, now: datetime) -> bool:
    """Whether the venue said how the certificate stands. Errors: PeerUnreachable."""
    try:
        document = checking.read_presented(documents.get(row.presented), now)
        sight.limit = _oldest(row.agreement)
        sight.grown(document)
        listed = standing.listed(sight, document.credential)
        said, answer = standing.ask(sight, row.digest)
        if listed is not None:
            standing.agree(sight, said, answer, listed)
    except PeerUnreachable:
        raise
    except ShuguError as refusal:
        if sight.against is None:
            # Old, played again or garbled by whoever carries it: the venue has not spoken, and the time runs out by itself.
            histories.note_trouble(sight.peer, refusal)
            return False
        _tell(row.number, refusal.code, (refusal.message("zh"), refusal.message("en")), now, sight=sight)
        return True
    stopped = standing.stopped_by(said, listed)
    why = standing.told(said, listed) if stopped else ()
    _tell(row.number, stopped[0] if stopped else "", why, now, said.at, sight)
    return True


def _oldest(reference: str) -> timedelta | None:
    row = Agreement.objects.filter(reference=reference).first()
    return checking.oldest(read_terms(row.terms)) if row is not None else None


def _tell(
    number: str,
    failed: str,
    reason: tuple[str, ...],
    now: datetime,
    at: datetime | None = None,
    sight: Sight | None = None,
) -> None:
    """What was found, and what was seen of the venue, in one transaction."""
    actor = mandate("federation", f"recheck:{number}:{now.isoformat(timespec='seconds')}")
    with transaction.atomic():
        if sight is not None:
            seeing.keep(sight, actor, now)
        registry.check_recognition(registry.CheckRecognition(number, failed, reason, at), actor=actor, now=now)


def renew(number: str, org: int, now: datetime, fetch: Fetch = client.get) -> Any:
    """The status of one recognition asked anew at the moment of its use. Errors: NotFound, PeerUnreachable, UnknownPeer."""
    row = next((r for r in registry.recognitions_of(org) if r.number == number and r.state == "live"), None)
    if row is None:
        raise NotFound(what=(f"承认 {number}", f"recognition {number}"))
    _asked(row, _look(peers.peer_of(row.origin), now, fetch), now)
    return registry.recognitions_of(org)
