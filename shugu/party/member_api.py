"""JSON API of powers of attorney and of invitations."""

from __future__ import annotations

import base64
import binascii
from datetime import date
from typing import Any

from django.http import HttpRequest
from ninja import Router

from shugu.kernel import clock
from shugu.kernel.errors import Forbidden, InputInvalid
from shugu.kernel.workdays import local_day
from shugu.party import queries as party
from shugu.party import services
from shugu.party.invitation_views import link_of
from shugu.party.power_views import agent_named
from shugu.party.queries import PowerView
from shugu.web.api import Strict, actor_of, key_of

router = Router()


class PaperIn(Strict):
    """`content` is base64."""

    filename: str
    media_type: str
    content: str


class PowerIn(Strict):
    """`agent`: an organisation's number or social credit code. `until`: the last day, YYYY-MM-DD."""

    agent: str
    scopes: list[str]
    until: str
    paper: PaperIn | None = None


@router.get("/powers", response=list[dict[str, Any]])
def powers(request: HttpRequest) -> list[dict[str, Any]]:
    """Powers of attorney the caller's organisation gave or holds, newest first."""
    day = local_day(clock.now())
    found = party.powers_of(_org(request))
    orgs = party.organisations({p.principal for p in found} | {p.agent for p in found}, day)
    return [_out(p, orgs[p.principal].number, orgs[p.agent].number, day) for p in found]


@router.post("/powers", response={201: dict[str, Any]})
def grant_power(request: HttpRequest, body: PowerIn) -> dict[str, Any]:
    """The caller's organisation is the principal; its member needs the right to sign."""
    org, now = _org(request), clock.now()
    try:
        until = date.fromisoformat(body.until)
    except ValueError:
        raise InputInvalid(fields="until", field_errors={"until": ("应为 YYYY-MM-DD", "YYYY-MM-DD")}) from None
    cmd = services.GrantPower(org, agent_named(body.agent).id, tuple(body.scopes), until, _paper(body.paper))
    row = services.grant_power(cmd, actor=actor_of(request), now=now, key=key_of(request))
    return _answer(row.pk)


@router.post("/powers/{power}/revoke", response=dict[str, Any])
def revoke_power(request: HttpRequest, power: int) -> dict[str, Any]:
    """By the principal, or by the agent who lays it down."""
    cmd = services.RevokePower(power, _org(request))
    return _answer(services.revoke_power(cmd, actor=actor_of(request), now=clock.now(), key=key_of(request)).pk)


class ReplaceKeysIn(Strict):
    """`reason`: 2–200 characters; it goes into the facts."""

    reason: str


@router.post("/signing-keys", response={201: dict[str, Any]})
def replace_signing_keys(request: HttpRequest, body: ReplaceKeysIn) -> dict[str, Any]:
    """New signing keys for the caller's organisation; its member needs the right to administer."""
    cmd = services.ReplaceSigningKeys(_org(request), body.reason)
    fresh = services.replace_signing_keys(cmd, actor=actor_of(request), now=clock.now(), key=key_of(request))
    return {"in_force": list(fresh), "all": list(party.verify_keys(_org(request)))}


class InvitationIn(Strict):
    """`login`: the only sign-in name that may accept; `contact`: whom the link goes to. One of both."""

    rights: list[str] = ["act"]
    login: str = ""
    contact: str = ""


class AcceptIn(Strict):
    token: str


@router.get("/invitations", response=list[dict[str, Any]])
def invitations(request: HttpRequest) -> list[dict[str, Any]]:
    """Of the caller's organisation, for its administrators; newest first."""
    org = _org(request)
    services.need_right(actor_of(request), org, "admin")
    return [
        {"invitation": i.id, "login": i.login, "contact": i.contact, "rights": list(i.rights), "state": i.state,
         "expires_on": i.expires_on.isoformat()}
        for i in party.invitations_of(org, local_day(clock.now()))
    ]  # fmt: skip


@router.post("/invitations", response={201: dict[str, Any]})
def invite_member(request: HttpRequest, body: InvitationIn) -> dict[str, Any]:
    """The token and its link are in this answer only; a repeated request with the same key gives them again."""
    cmd = services.InviteMember(_org(request), tuple(body.rights), body.login, body.contact)
    made = services.invite_member(cmd, actor=actor_of(request), now=clock.now(), key=key_of(request))
    row = made.invitation
    return {
        "invitation": row.pk, "token": made.token, "link": link_of(made.token), "expires_on": row.expires_on.isoformat(),
    }  # fmt: skip


@router.post("/invitations/accept", response=dict[str, Any])
def accept_invitation(request: HttpRequest, body: AcceptIn) -> dict[str, Any]:
    """By the person invited; then `POST /api/keys` gives a key that acts for the organisation."""
    cmd = services.accepting(body.token)
    row = services.accept_invitation(cmd, actor=actor_of(request), now=clock.now(), key=key_of(request))
    return {"organisation": party.organisation(row.org_id).number, "rights": list(row.rights)}


@router.post("/invitations/{invitation}/withdraw", response=dict[str, Any])
def withdraw_invitation(request: HttpRequest, invitation: int) -> dict[str, Any]:
    cmd = services.WithdrawInvitation(_org(request), invitation)
    row = services.withdraw_invitation(cmd, actor=actor_of(request), now=clock.now(), key=key_of(request))
    return {"invitation": row.pk, "state": "withdrawn"}


def _org(request: HttpRequest) -> int:
    actor = actor_of(request)
    if actor.org is None:
        raise Forbidden()
    return actor.org


def _paper(sent: PaperIn | None) -> services.PowerPaper | None:
    if sent is None:
        return None
    try:
        return services.PowerPaper(sent.filename, sent.media_type, base64.b64decode(sent.content, validate=True))
    except (binascii.Error, ValueError):
        problem = ("不是 Base64", "not base64")
        raise InputInvalid(fields="paper.content", field_errors={"paper.content": problem}) from None


def _answer(power: int) -> dict[str, Any]:
    view = party.power(power)
    names = (party.organisation(view.principal).number, party.organisation(view.agent).number)
    return _out(view, *names, local_day(clock.now()))


def _out(view: PowerView, principal: str, agent: str, day: date) -> dict[str, Any]:
    return {
        "power": view.id, "principal": principal, "agent": agent, "scopes": list(view.scopes),
        "since": view.since.isoformat(), "until": view.until.isoformat(), "in_force": view.holds_on(day),
        "ended_on": view.ended_on.isoformat() if view.ended_on else None, "ended_by": view.ended_by or None,
        "sha256": view.digest, "paper_sha256": view.document or None,
    }  # fmt: skip
