"""Grants: a contract whose money is held opens a delivery, whose grant is signed, pushed, suspended, resumed, revoked.

Pushing is a job: it may run twice and at any time; only the first answer of the connector counts.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import transaction

from shugu.catalogue import queries as catalogue
from shugu.delivery import wire
from shugu.delivery.connectors import note_contact, problem_of
from shugu.delivery.domain import STATE_AFTER, limits_of, wait_seconds
from shugu.delivery.errors import NotOpen
from shugu.delivery.models import Binding, Delivery, Grant, Notice
from shugu.formats import delivery as papers
from shugu.formats.delivery import GrantedFile, NoticeAction
from shugu.formats.errors import ShuguError
from shugu.formats.policy import Policy
from shugu.kernel import documents, engine, journal, runtime, signer, store
from shugu.kernel.cases import Actor, ActorKind, Command, PartyView, mandate
from shugu.kernel.commands import command
from shugu.kernel.errors import Forbidden, InputInvalid, NotFound
from shugu.kernel.queries import name_fact
from shugu.kernel.workdays import local_day
from shugu.party import queries as parties
from shugu.party import services as party
from shugu.trade import queries as trade

for _name, _zh, _en in (
    ("grant.issued", "签发交付授权", "grant issued"),
    ("grant.suspended", "暂停交付授权", "grant suspended"),
    ("grant.resumed", "恢复交付授权", "grant resumed"),
    ("grant.revoked", "撤销交付授权", "grant revoked"),
):
    name_fact(_name, _zh, _en)
FACTS = {NoticeAction.SUSPEND: "grant.suspended", NoticeAction.RESUME: "grant.resumed", NoticeAction.REVOKE: "grant.revoked"}
OPEN = frozenset({"opening", "granted", "delivering", "delivered", "suspended", "redelivery"})


@dataclass(frozen=True)
class OpenDelivery:
    contract_id: int


@dataclass(frozen=True)
class ChangeGrant:
    """action: suspend | resume | revoke; `reason` goes to the connector and into the case."""

    delivery: str
    action: str
    reason: str


@command("delivery.open_delivery", ("开通交付", "open a delivery"))
def open_delivery(cmd: OpenDelivery, *, actor: Actor, now: datetime) -> Delivery:
    """Opens the case and, if the product version is bound to a file, issues the grant. Again: the same delivery.
    Errors: Forbidden for anybody but another app, NotFound, NotOpen when the money is not held."""
    if actor.kind is not ActorKind.MANDATE:
        raise Forbidden()
    known = Delivery.objects.filter(contract_id=cmd.contract_id).first()
    if known is not None:
        return known
    contract = trade.contract_by_id(cmd.contract_id)
    if contract.effective_at is None or not trade.is_funded(contract.id):
        raise NotOpen(why=("合同款项尚未到位", "the contract's money is not held"))
    number = store.next_number("delivery", local_day(now).year)
    case = engine.open_case(
        "delivery.delivery", actor=actor, now=now, title=contract.product_title,
        parties=(PartyView("provider", None, contract.provider_org), PartyView("buyer", None, contract.buyer_org)),
        data={"contract": contract.number},
        subjects=[f"registry.entry:{contract.entry_id}", f"party.org:{contract.provider_org}", f"party.org:{contract.buyer_org}"],
        fact_data={"delivery": number, "contract": contract.number, "contract_id": contract.id},
        digests={"data_contract": contract.document_digest},
    )  # fmt: skip
    row = Delivery.objects.create(
        case_id=case, number=number, contract_id=contract.id, provider_id=contract.provider_org,
        buyer_id=contract.buyer_org, data_digest=str(contract.terms["product"]["data_digest"]), opened_at=now,
    )  # fmt: skip
    issue_grant(row, actor, now)
    return row


def open_waiting(version_id: int, *, actor: Actor, now: datetime) -> int:
    """Issue the grants of deliveries that waited for this version's data file; how many."""
    waiting = Delivery.objects.filter(contract__version_id=version_id, case__state="opening")
    return sum(1 for row in waiting if issue_grant(row, mandate("delivery", f"binding:{row.number}"), now))


def issue_grant(row: Delivery, actor: Actor, now: datetime) -> Grant | None:
    """The signed grant of the present round and the job that pushes it; None while no file is bound.
    A grant the connector has not taken is replaced when the binding has changed since."""
    contract = trade.contract_by_id(row.contract_id)
    live = Binding.objects.filter(version_id=contract.product_version_id, retired_at__isnull=True)
    binding = live.select_related("connector").first()
    before = Grant.objects.filter(delivery=row, round=row.round).exclude(state="revoked").first()
    if binding is None or (before is not None and (before.taken_at or before.binding_id == binding.pk)):
        return before
    if before is not None:
        # Its connector may hold it after all, if only the answer was lost.
        give_notice(before, NoticeAction.REVOKE, f"replaced: {row.number}", actor, now)
    number = store.next_number("grant", local_day(now).year)
    assert contract.effective_at is not None and contract.effective_until is not None
    grant = _paper(number, contract, binding)
    document = papers.sign_grant(grant, list(signer.keys()), now)
    digest = documents.put(signer.document_bytes(document))
    issued = Grant.objects.create(
        number=number, delivery=row, round=row.round, connector=binding.connector, binding=binding, document=document,
        digest=digest, valid_from=contract.effective_at, valid_until=contract.effective_until, issued_at=now,
        next_try_at=now,
    )  # fmt: skip
    journal.record(
        "grant.issued", subject=f"delivery.delivery:{row.pk}", actor=actor, now=now, case=row.pk,
        data={"delivery": row.number, "grant": number, "round": row.round, "connector": binding.connector.connector_id},
        digests={"grant": digest, "data": binding.sha256},
    )  # fmt: skip
    push_later(issued.pk, 0)
    return issued


def _paper(number: str, contract: trade.ContractView, binding: Binding) -> papers.Grant:
    policy = Policy.from_dict(trade.policy_of(contract.id))
    assert contract.effective_at is not None and contract.effective_until is not None
    return papers.Grant(
        grant=number, connector=binding.connector.connector_id, contract=contract.number,
        contract_sha256=contract.document_digest, buyer=parties.organisation(contract.buyer_org).number,
        product=binding.label, product_version=catalogue.version(contract.product_version_id).version.digest,
        files=(GrantedFile(binding.file, binding.sha256, binding.size),), policy=policy,
        limits=limits_of(policy, runtime.rules().value("delivery.request_rate").number),
        valid_from=contract.effective_at, valid_until=contract.effective_until,
    )  # fmt: skip


def paper_of(grant: Grant) -> papers.Grant:
    """The grant as it was signed; the venue's own signature is verified again."""
    return papers.read_grant(grant.document, signer.periods().named_by(grant.document))


def push_later(grant: int, seconds: int) -> None:
    from shugu.delivery.jobs import push_grant_job

    push_grant_job.configure(schedule_in={"seconds": seconds}).defer(grant=grant) if seconds else push_grant_job.defer(
        grant=grant
    )


def push_grant(grant: int, now: datetime) -> bool:
    """Bring a grant to its connector; whether it holds it now. A failure is noted on the row and tried again later."""
    row = Grant.objects.select_related("connector", "delivery").filter(pk=grant).first()
    if row is None or row.taken_at is not None or row.state == "revoked":
        return row is not None and row.taken_at is not None
    try:
        wire.post(row.connector.url, ("grants",), row.document)
    except ShuguError as error:
        with transaction.atomic():
            seconds = wait_seconds(row.attempts + 1)
            note_contact(row.connector, now, error)
            Grant.objects.filter(pk=grant, taken_at__isnull=True).update(
                attempts=row.attempts + 1, problem=problem_of(error), next_try_at=now + timedelta(seconds=seconds)
            )
            push_later(grant, seconds)
        return False
    note_contact(row.connector, now, None)
    with transaction.atomic():
        locked = Grant.objects.select_for_update().get(pk=grant)
        if locked.taken_at is None:
            locked.taken_at, locked.problem, locked.next_try_at = now, None, None
            locked.attempts += 1
            locked.save(update_fields=["taken_at", "problem", "next_try_at", "attempts"])
            case = row.delivery.case
            if case.state == "opening" and locked.round == row.delivery.round and locked.state != "revoked":
                engine.act(
                    case.pk, Command("grant"), actor=mandate("connector", f"{locked.number}:taken"), now=now,
                    fact_data={"delivery": row.delivery.number, "grant": locked.number}, digests={"grant": locked.digest},
                )  # fmt: skip
    push_notices(grant, now)
    return True


@command("delivery.change_grant", ("暂停、恢复或撤销授权", "suspend, resume or revoke a grant"))
def change_grant(cmd: ChangeGrant, *, actor: Actor, now: datetime) -> Delivery:
    """By the operator or the provider. Revoking ends a delivery that was not accepted, and the contract with it.
    Errors: NotFound, Forbidden, RightMissing, InputInvalid, NotOpen."""
    row = Delivery.objects.select_for_update().select_related("case").filter(number=cmd.delivery).first()
    if row is None or not may_see(row, actor):
        raise NotFound(what=(f"交付 {cmd.delivery}", f"delivery {cmd.delivery}"))
    if "operator" not in actor.seats:
        if actor.org != row.provider_id:
            raise Forbidden()
        party.need_right(actor, row.provider_id, "act")
    if cmd.action not in list(NoticeAction) or not cmd.reason.strip() or len(cmd.reason) > 500:
        raise InputInvalid(fields="reason", field_errors={"reason": ("必填，不超过 500 字", "required, at most 500 characters")})
    action = NoticeAction(cmd.action)
    live = list(row.grants.select_for_update().exclude(state="revoked"))
    wanted = {NoticeAction.SUSPEND: {"active"}, NoticeAction.RESUME: {"suspended"}, NoticeAction.REVOKE: {"active", "suspended"}}
    found = [g for g in live if g.state in wanted[action]]
    if not found and not (action is NoticeAction.REVOKE and row.case.state in OPEN):
        raise NotOpen(why=("没有可如此变更的授权", "there is no grant to change like that"))
    for grant in found:
        give_notice(grant, action, cmd.reason.strip(), actor, now)
    if any(grant.round == row.round for grant in found):
        keep_time(row, action, now)
    if action is NoticeAction.REVOKE and row.case.state in OPEN:
        engine.act(
            row.pk, Command("revoke", {"reason": cmd.reason.strip()}), actor=actor, now=now,
            fact_data={"delivery": row.number},
        )  # fmt: skip
        row.case.refresh_from_db()
    return row


# What a notice does to the time to accept: (from which state, by which act).
_TIME = {NoticeAction.SUSPEND: ("delivered", "pause"), NoticeAction.RESUME: ("suspended", "continue")}


def keep_time(row: Delivery, action: NoticeAction, now: datetime) -> None:
    """A suspended grant stops the time in which the buyer is to accept, a resumed one lets it run on: while the data
    cannot be drawn again nobody's silence is taken for consent."""
    state, do = _TIME.get(action, ("", ""))
    if row.case.state != state:
        return
    engine.act(
        row.pk, Command(do), actor=mandate("delivery", f"{do}:{row.number}"), now=now, fact_data={"delivery": row.number}
    )
    row.case.refresh_from_db()


@dataclass(frozen=True)
class RetryPush:
    delivery: str


@command("delivery.retry_push", ("立即重试下发", "try to push again now"))
def retry_push(cmd: RetryPush, *, actor: Actor, now: datetime) -> Delivery:
    """By either side or the operator. Errors: NotFound, NotOpen when there is nothing to push."""
    row = Delivery.objects.filter(number=cmd.delivery).first()
    if row is None or not may_see(row, actor):
        raise NotFound(what=(f"交付 {cmd.delivery}", f"delivery {cmd.delivery}"))
    waiting = [g for g in row.grants.exclude(state="revoked") if g.taken_at is None]
    unread = [g for g in row.grants.all() if g.notices.filter(taken_at__isnull=True).exists()]
    if not waiting and not unread:
        raise NotOpen(why=("没有待下发的授权或通知", "no grant or notice waits to be sent"))
    for grant in waiting:
        push_later(grant.pk, 0)
    for grant in unread:
        notices_later(grant.pk, 0)
    return row


def may_see(row: Delivery, actor: Actor) -> bool:
    from shugu.trade.queries import WATCHING

    return bool(actor.seats & WATCHING) or (actor.org is not None and actor.org in (row.provider_id, row.buyer_id))


def give_notice(grant: Grant, action: NoticeAction, reason: str, actor: Actor, now: datetime) -> Notice:
    """The next signed notice of a grant; call with its row locked."""
    grant.sequence += 1
    grant.state = STATE_AFTER[action]
    grant.save(update_fields=["sequence", "state"])
    connector = paper_of(grant).connector
    said = papers.Notice(grant.number, connector, action, grant.sequence, reason)
    document = papers.sign_notice(said, list(signer.keys()), now)
    row = Notice.objects.create(
        grant=grant, sequence=grant.sequence, action=action.value, reason=reason, document=document, issued_at=now
    )
    journal.record(
        FACTS[action], subject=f"delivery.delivery:{grant.delivery_id}", actor=actor, now=now, case=grant.delivery_id,
        data={"grant": grant.number, "sequence": grant.sequence},
        digests={"grant_notice": documents.put(signer.document_bytes(document))},
    )  # fmt: skip
    notices_later(grant.pk, 0)
    return row


def notices_later(grant: int, seconds: int) -> None:
    from shugu.delivery.jobs import push_notices_job

    push_notices_job.configure(schedule_in={"seconds": seconds}).defer(grant=grant) if seconds else push_notices_job.defer(
        grant=grant
    )


def push_notices(grant: int, now: datetime) -> int:
    """Bring a grant's notices to its connector in their order; how many it took. Before the grant itself is there,
    notices wait for it; a revocation goes out in any case, since the answer to the grant may have been lost."""
    row = Grant.objects.select_related("connector").get(pk=grant)
    if row.taken_at is None and row.state != "revoked":
        return 0
    taken = 0
    for notice in row.notices.filter(taken_at__isnull=True).order_by("sequence"):
        try:
            wire.post(row.connector.url, ("grants", row.number, "notices"), notice.document)
        except ShuguError as error:
            if not _settled(error, row):
                _notice_failed(notice, row, error, now)
                return taken
        Notice.objects.filter(pk=notice.pk).update(taken_at=now, problem=None, attempts=notice.attempts + 1)
        taken += 1
    return taken


def _settled(error: ShuguError, grant: Grant) -> bool:
    """The connector has this notice already (its answer to us was lost), or never held the grant that is revoked."""
    told = error.params.get("told")
    return told in ("connector-replayed", "grant-not-live") or (told == "grant-unknown" and grant.taken_at is None)


def _notice_failed(notice: Notice, grant: Grant, error: ShuguError, now: datetime) -> None:
    with transaction.atomic():
        note_contact(grant.connector, now, error)
        Notice.objects.filter(pk=notice.pk).update(attempts=notice.attempts + 1, problem=problem_of(error))
        notices_later(grant.pk, wait_seconds(notice.attempts + 1))


def revoke_for_contract(contract_id: int, *, reason: str, actor: Actor, now: datetime) -> None:
    """The contract has ended: what is still granted is revoked, and a delivery not yet ended ends with it."""
    row = Delivery.objects.select_for_update().select_related("case").filter(contract_id=contract_id).first()
    if row is None:
        return
    for grant in row.grants.select_for_update().exclude(state="revoked"):
        give_notice(grant, NoticeAction.REVOKE, reason, actor, now)
    if row.case.state in OPEN:
        engine.act(row.pk, Command("revoke", {"reason": reason}), actor=actor, now=now, fact_data={"delivery": row.number})
