"""Inviting a member on the organisation's pages, and the page an invitation opens."""

from __future__ import annotations

from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from shugu.formats.errors import ShuguError
from shugu.kernel import clock, runtime
from shugu.kernel.cases import Actor
from shugu.kernel.text import Text
from shugu.kernel.workdays import local_day
from shugu.party import forms, queries, seat, services
from shugu.party.domain import RIGHTS
from shugu.party.errors import InvitationGone
from shugu.party.models import Invitation, Person
from shugu.party.org_views import own_org
from shugu.party.vault import Secret
from shugu.party.views import form_page, say
from shugu.web.forms import add_refusal
from shugu.web.shapes import Chip, Link, Tone

STATES = {
    "open": Chip(Text("待接受", "waiting"), Tone.WAITING),
    "accepted": Chip(Text("已接受", "accepted"), Tone.GOOD),
    "withdrawn": Chip(Text("已撤回", "withdrawn"), Tone.STOPPED),
    "expired": Chip(Text("已过期", "expired"), Tone.NEUTRAL),
}


def link_of(token: str) -> str:
    """The address to send to the person invited; the token stands behind #, which no server or log is told."""
    return f"{runtime.home().public_url}{reverse('party:invitation')}#{token}"


@never_cache
@require_http_methods(["GET", "POST"])
def invite(request: HttpRequest, number: str) -> HttpResponse:
    """Invite by sign-in name or contact; the link is shown this once."""
    org, actor = own_org(request, number)
    services.need_right(actor, org.id, "admin")
    form = forms.InviteForm(request.POST or None)
    link = ""
    if request.method == "POST" and form.is_valid():
        given = form.cleaned_data
        try:
            made = services.invite_member(
                services.InviteMember(org.id, tuple(given["rights"]), given["login"], given["contact"]), actor=actor,
                now=clock.now(), key=str(form.idempotency_key),
            )  # fmt: skip
            link, form = link_of(made.token), forms.InviteForm()
        except ShuguError as refusal:
            add_refusal(form, refusal)
    rows = [
        (i, STATES[i.state], "、".join(str(RIGHTS[r]) for r in i.rights))
        for i in queries.invitations_of(org.id, local_day(clock.now()))
    ]
    crumb = Link(Text(org.name, org.name_en or org.name), f"/organisations/{org.number}/")
    shown = {"org": org, "form": form, "link": link, "rows": rows, "crumb": crumb}
    return render(request, "party/invite.html", shown, status=422 if form.errors else 200)


@require_POST
def withdraw(request: HttpRequest, number: str, invitation: int) -> HttpResponse:
    org, actor = own_org(request, number)
    services.withdraw_invitation(services.WithdrawInvitation(org.id, invitation), actor=actor, now=clock.now())
    say(request, "邀请已撤回。", "The invitation is withdrawn.")
    return redirect("party:invite", number)


@never_cache
@require_http_methods(["GET", "POST"])
def invitation(request: HttpRequest) -> HttpResponse:
    """First the token, kept in the session by digest only; then accept: signed in with one click, a newcomer by
    registering first."""
    if "token" in request.POST:
        request.session.pop("invitation", None)
        form = forms.TokenForm(request.POST)
        if not form.is_valid():
            return _ask(request, form)
        cmd = services.accepting(form.cleaned_data["token"].strip())
        try:
            services.invitation_behind(cmd, getattr(request, "actor", None), clock.now())
        except ShuguError as refusal:
            add_refusal(form, refusal)
            return _ask(request, form)
        request.session["invitation"] = cmd.digest
        return redirect("party:invitation")
    digest = request.session.get("invitation")
    if digest is None:
        return _ask(request, forms.TokenForm())
    return _accept(request, services.AcceptInvitation(digest))


def _ask(request: HttpRequest, form: forms.TokenForm) -> HttpResponse:
    lead = Text("粘贴单位管理员发给您的邀请码。", "Paste the code the organisation's administrator sent you.")
    return form_page(request, form, Text("接受邀请", "Accept an invitation"), lead=lead, submit=Text("下一步", "Next"))


def _accept(request: HttpRequest, cmd: services.AcceptInvitation) -> HttpResponse:
    actor: Actor | None = getattr(request, "actor", None)
    try:
        row = services.invitation_behind(cmd, actor, clock.now())
    except InvitationGone:
        request.session.pop("invitation", None)
        raise
    if actor is not None:
        if request.method == "POST":
            return _enter(request, services.accept_invitation(cmd, actor=actor, now=clock.now()).org_id)
        return _page(request, row, None)
    form = forms.InviteeForm(request.POST or None, initial={"login": row.login})
    if request.method == "POST" and form.is_valid():
        try:
            person = _newcomer(form.cleaned_data, cmd)
        except ShuguError as refusal:
            add_refusal(form, refusal)
        else:
            seat.begin(request, person, row.org_id, clock.now())
            return _enter(request, row.org_id)
    return _page(request, row, form)


def _newcomer(given: dict[str, str], invited: services.AcceptInvitation) -> Person:
    """Account and membership together or neither."""
    now = clock.now()
    with transaction.atomic():
        cmd = services.RegisterPerson(given["login"], given["name"], "", given["phone"], Secret(given["password"]))
        person = services.register_person(cmd, actor=services.NEWCOMER, now=now)
        services.accept_invitation(invited, actor=queries.actor_for(person.pk), now=now)
    return person


def _enter(request: HttpRequest, org: int) -> HttpResponse:
    request.session.pop("invitation", None)
    seat.switch(request, org)
    say(request, "您已成为单位成员。", "You are now a member of the organisation.")
    return redirect("party:organisation", queries.organisation(org).number)


def _page(request: HttpRequest, row: Invitation, form: forms.InviteeForm | None) -> HttpResponse:
    org = queries.organisation(row.org_id)
    shown = {
        "org": org, "form": form, "expires_on": row.expires_on, "rights": "、".join(str(RIGHTS[r]) for r in row.rights),
        "sign_in": f"{reverse('party:sign_in')}?next={reverse('party:invitation')}",
    }  # fmt: skip
    return render(request, "party/invitation.html", shown, status=422 if form is not None and form.errors else 200)
