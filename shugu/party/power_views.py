"""Powers of attorney on an organisation's own pages: given, held, granting, ending, the paper."""

from __future__ import annotations

from datetime import date

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.http import content_disposition_header
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from shugu.formats.errors import BadUscc, ShuguError
from shugu.formats.identifiers import parse_uscc
from shugu.kernel import clock, documents
from shugu.kernel.errors import InputInvalid, NotFound
from shugu.kernel.text import Text
from shugu.kernel.workdays import local_day
from shugu.party import access, forms, queries, services
from shugu.party.domain import POWER_SCOPES
from shugu.party.org_views import org_form, own_org
from shugu.party.queries import OrgView, PowerView
from shugu.party.views import say
from shugu.web.forms import add_refusal
from shugu.web.shapes import Chip, Link, Tone

# Who may open the paper of a power they are no side of: the seats before which an agent appears.
READERS = frozenset({"registrar", "reviewer", "operator", "compliance_officer"})


def state_of(power: PowerView, day: date) -> Chip:
    if power.ended_on is not None:
        by = Text("已撤销", "revoked") if power.ended_by == "principal" else Text("代理人已辞去", "laid down")
        return Chip(by, Tone.STOPPED)
    if power.until < day:
        return Chip(Text("已到期", "expired"), Tone.NEUTRAL)
    return Chip(Text("有效", "in force"), Tone.GOOD)


@require_GET
def powers(request: HttpRequest, number: str) -> HttpResponse:
    org, actor = own_org(request, number)
    found, day = queries.powers_of(org.id), local_day(clock.now())
    numbers = queries.organisations({p.principal for p in found} | {p.agent for p in found}, day)
    rows = [
        (p, numbers[p.agent if p.principal == org.id else p.principal], state_of(p, day), p.holds_on(day),
         "、".join(str(POWER_SCOPES[s]) for s in p.scopes if s in POWER_SCOPES))
        for p in found
    ]  # fmt: skip
    shown = {
        "org": org,
        "crumb": Link(Text(org.name, org.name_en or org.name), f"/organisations/{org.number}/"),
        "given": [r for r in rows if r[0].principal == org.id],
        "held": [r for r in rows if r[0].agent == org.id],
        "signs": queries.has_right(actor, org.id, "sign"),
    }
    return render(request, "party/powers.html", shown)


def agent_named(text: str) -> OrgView:
    """An organisation by its number or social credit code. Errors: InputInvalid for field `agent`."""
    text = text.strip()
    try:
        return queries.organisation_by_uscc(str(parse_uscc(text)))
    except (BadUscc, NotFound):
        pass
    try:
        return queries.organisation_by_number(text)
    except NotFound:
        problem = ("没有这个单位", "there is no such organisation")
        raise InputInvalid(fields="agent", field_errors={"agent": problem}) from None


@require_http_methods(["GET", "POST"])
def grant(request: HttpRequest, number: str) -> HttpResponse:
    org, actor = own_org(request, number)
    form = forms.PowerForm(request.POST or None, request.FILES or None)
    if request.method == "POST" and form.is_valid():
        given, sent = form.cleaned_data, form.cleaned_data["paper"]
        try:
            paper = services.PowerPaper(sent.name, sent.content_type or "", sent.read()) if sent else None
            cmd = services.GrantPower(
                org.id, agent_named(given["agent"]).id, tuple(given["scopes"]), given["until"], paper
            )
            services.grant_power(cmd, actor=actor, now=clock.now(), key=str(form.idempotency_key))
        except ShuguError as refusal:
            if "file" in refusal.field_errors:
                refusal.field_errors = {**refusal.field_errors, "paper": refusal.field_errors["file"]}
                refusal.field_errors.pop("file")
            add_refusal(form, refusal)
        else:
            say(request, "授权委托书已签署。", "The power of attorney is signed.")
            return redirect("party:powers", number)
    lead = Text(
        "代理单位在截止日前可代本单位办理所选事项，可随时撤销。",
        "Until the last day the agent may act for you in the matters chosen; you may revoke it at any time.",
    )
    return org_form(
        request, form, org, Text("签署授权委托书", "Grant a power of attorney"), lead=lead,
        cancel_href=f"/organisations/{org.number}/powers/", submit=Text("签署", "Sign"),
    )  # fmt: skip


@require_POST
def revoke(request: HttpRequest, number: str, power: int) -> HttpResponse:
    org, actor = own_org(request, number)
    services.revoke_power(services.RevokePower(power, org.id), actor=actor, now=clock.now())
    say(request, "代理权已终止。", "The power of attorney has ended.")
    return redirect("party:powers", number)


@require_GET
def paper(request: HttpRequest, power: int) -> HttpResponse:
    """The paper filed with a power, as an attachment, for its sides and the seats before which an agent appears."""
    actor = access.require(request)
    row = queries.power(power)
    if not row.document or (actor.org not in (row.principal, row.agent) and not actor.seats & READERS):
        raise NotFound(what=("授权委托书文件", "paper of the power of attorney"))
    response = HttpResponse(documents.get(row.document), content_type=row.media_type)
    response["Content-Disposition"] = content_disposition_header(True, row.filename) or "attachment"
    response["Content-Security-Policy"] = "sandbox"
    return response
