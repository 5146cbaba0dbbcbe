"""Powers of attorney: an organisation lets another one act for it at the venue. Door: services."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from shugu.kernel import documents, journal, runtime
from shugu.kernel.cases import Actor
from shugu.kernel.commands import command
from shugu.kernel.errors import NotFound
from shugu.kernel.workdays import local_day
from shugu.party import keys
from shugu.party.domain import POWER_SCOPES, instrument
from shugu.party.models import Organisation, Power
from shugu.party.organisations import Pair, need_right, refuse

PRINCIPAL, AGENT = "principal", "agent"


@dataclass(frozen=True)
class PowerPaper:
    """A scanned or signed paper beside the power, of a type the venue takes."""

    filename: str
    media_type: str
    content: bytes


@dataclass(frozen=True)
class GrantPower:
    """`principal` and `agent` are organisations; `scopes`: codes of domain.POWER_SCOPES; `until` is the last day."""

    principal: int
    agent: int
    scopes: tuple[str, ...]
    until: date
    paper: PowerPaper | None = None


@dataclass(frozen=True)
class RevokePower:
    """`org`: the side that ends it, principal or agent."""

    power: int
    org: int


@command("party.grant_power", ("授予代理权", "grant a power of attorney"))
def grant_power(cmd: GrantPower, *, actor: Actor, now: datetime) -> Power:
    """By a member of the principal who may sign; the instrument is signed with the principal's key and kept.
    Errors: InputInvalid, NotFound, Forbidden, RightMissing."""
    need_right(actor, cmd.principal, "sign")
    today = local_day(now)
    orgs = Organisation.objects.in_bulk([cmd.principal, cmd.agent])
    if cmd.principal not in orgs:
        raise NotFound(what=("单位", "organisation"))
    errors: dict[str, Pair] = {}
    if cmd.agent not in orgs:
        errors["agent"] = ("没有这个单位", "there is no such organisation")
    elif cmd.agent == cmd.principal:
        errors["agent"] = ("不能委托本单位", "an organisation needs no power to act for itself")
    if not cmd.scopes or set(cmd.scopes) - set(POWER_SCOPES):
        errors["scopes"] = ("未选或未知的代理事项", "no or unknown matters")
    if cmd.until < today:
        errors["until"] = ("截止日不得早于今天", "the last day lies in the past")
    refuse(errors)
    document = _keep_paper(cmd.paper)
    scopes = [s for s in POWER_SCOPES if s in cmd.scopes]
    principal, agent = orgs[cmd.principal], orgs[cmd.agent]
    content = instrument(runtime.venue_id(), principal.number, agent.number, scopes, today, cmd.until, document)
    digest = documents.put(content)
    row = Power.objects.create(
        principal=principal, agent=agent, scopes=scopes, since=today, until=cmd.until, digest=digest,
        signature=keys.sign(principal.pk, digest, actor=actor, now=now), document=document,
        filename=cmd.paper.filename[-200:] if cmd.paper else "", media_type=cmd.paper.media_type if cmd.paper else "",
        granted_at=now,
    )  # fmt: skip
    journal.record(
        "power.granted", subject=f"party.org:{principal.pk}", actor=actor, now=now,
        data={
            "power": row.pk, "principal": principal.number, "agent": agent.number, "scopes": scopes,
            "until": cmd.until.isoformat(),
        },
        digests={"power_of_attorney": digest} | ({"paper": document} if document else {}),
    )  # fmt: skip
    return row


def _keep_paper(paper: PowerPaper | None) -> str:
    if paper is None:
        return ""
    documents.check_upload(paper.filename, paper.media_type, paper.content)
    return documents.put(paper.content)


@command("party.revoke_power", ("终止代理权", "end a power of attorney"))
def revoke_power(cmd: RevokePower, *, actor: Actor, now: datetime) -> Power:
    """The principal revokes it or the agent lays it down (Civil Code article 173); from today on it does not count.
    Ending it twice changes nothing. Errors: NotFound, Forbidden, RightMissing."""
    need_right(actor, cmd.org, "sign")
    row = Power.objects.select_for_update().filter(pk=cmd.power).first()
    if row is None or cmd.org not in (row.principal_id, row.agent_id):
        raise NotFound(what=("授权委托书", "power of attorney"))
    if row.ended_on is not None:
        return row
    row.ended_on, row.ended_by = local_day(now), PRINCIPAL if cmd.org == row.principal_id else AGENT
    row.save(update_fields=["ended_on", "ended_by"])
    journal.record(
        "power.revoked", subject=f"party.org:{row.principal_id}", actor=actor, now=now,
        data={"power": row.pk, "by": row.ended_by}, digests={"power_of_attorney": row.digest},
    )  # fmt: skip
    return row
