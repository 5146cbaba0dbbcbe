"""Signing in and out, joining, one's own account. Thin: form, service, page."""

from __future__ import annotations

import segno
from django.contrib import messages
from django.db import transaction
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect, render
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.safestring import mark_safe
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from shugu.formats.errors import ShuguError
from shugu.kernel import clock
from shugu.kernel.cases import Actor
from shugu.kernel.errors import SignInNeeded
from shugu.kernel.text import Text
from shugu.party import access, forms, queries, seat, services
from shugu.party.models import ApiKey, Person
from shugu.party.vault import Secret
from shugu.web.forms import FieldForm, add_refusal
from shugu.web.rates import source_of
from shugu.web.shapes import Link


def say(request: HttpRequest, zh: str, en: str) -> None:
    messages.success(request, str(Text(zh, en)))


def form_page(request: HttpRequest, form: FieldForm, title: Text, **more: object) -> HttpResponse:
    return render(request, "web/form.html", {"form": form, "title": title, **more}, status=422 if form.errors else 200)


def _after(request: HttpRequest) -> str:
    asked = request.GET.get("next", "")
    safe = url_has_allowed_host_and_scheme(asked, {request.get_host()}, require_https=request.is_secure())
    return asked if safe else "/desk/"


def self_of(request: HttpRequest) -> Actor:
    """The person behind the session, also one who must still enrol a one-time password. Errors: SignInNeeded."""
    actor: Actor | None = getattr(request, "actor", None) or getattr(request, "enrolling", None)
    if actor is None or actor.person is None:
        raise SignInNeeded()
    return actor


def _person_id(request: HttpRequest) -> int:
    person = self_of(request).person
    assert person is not None
    return person


def _start(request: HttpRequest, person: Person) -> None:
    memberships = queries.memberships_of(person.pk)
    staff = queries.seats_of(person.pk)
    seat.begin(request, person, memberships[0].org if memberships and not staff else None, clock.now())


@never_cache
@require_http_methods(["GET", "POST"])
def sign_in(request: HttpRequest) -> HttpResponse:
    form = forms.SignInForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        given = form.cleaned_data
        try:
            person, complete = services.sign_in(given["login"], given["password"], now=clock.now(), source=source_of(request))
        except ShuguError as refusal:
            add_refusal(form, refusal)
        else:
            if complete:
                _start(request, person)
                return HttpResponseRedirect(_after(request))
            request.session.flush()
            request.session["half"] = person.pk
            return redirect(f"/sign-in/code/?{request.GET.urlencode()}")
    return render(request, "party/sign_in.html", {"form": form}, status=422 if form.errors else 200)


@never_cache
@require_http_methods(["GET", "POST"])
def sign_in_code(request: HttpRequest) -> HttpResponse:
    """The second step; the session remembers only whose password was right."""
    half = request.session.get("half")
    if half is None:
        return redirect("party:sign_in")
    form = forms.CodeForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            person = services.finish_sign_in(half, form.cleaned_data["code"], now=clock.now(), source=source_of(request))
        except ShuguError as refusal:
            add_refusal(form, refusal)
        else:
            _start(request, person)
            return HttpResponseRedirect(_after(request))
    lead = Text("输入验证器上显示的 6 位口令。", "Enter the six digits your authenticator shows.")
    return form_page(request, form, Text("动态口令", "One-time password"), lead=lead, submit=Text("登录", "Sign in"))


@require_POST
def sign_out(request: HttpRequest) -> HttpResponse:
    request.session.flush()
    return redirect("/")


@never_cache
@require_http_methods(["GET", "POST"])
def join(request: HttpRequest) -> HttpResponse:
    """A newcomer registers person and organisation, is signed in, and goes on to accreditation."""
    if getattr(request, "actor", None) is not None:
        return redirect("party:apply")
    form = forms.JoinForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        given, now = form.cleaned_data, clock.now()
        try:
            with transaction.atomic():
                person = services.register_person(
                    services.RegisterPerson(given["login"], given["name"], "", given["phone"], Secret(given["password"])),
                    actor=services.NEWCOMER, now=now,
                )  # fmt: skip
                _register_org(given, person, now)
        except ShuguError as refusal:
            renamed = {"name": "org_name", "name_en": "org_name_en"} if "uscc" in refusal.field_errors else {}
            refusal.field_errors = {renamed.get(k, k): v for k, v in refusal.field_errors.items()}
            add_refusal(form, refusal)
        else:
            _start(request, person)
            say(request, "已注册。接下来申请入驻。", "Registered. Now apply for accreditation.")
            return redirect("party:apply")
    return form_page(
        request, form, Text("注册", "Join"), submit=Text("注册并继续", "Register and go on"),
        lead=Text("登记您和您的单位，然后申请入驻。", "Register yourself and your organisation, then apply for accreditation."),
    )  # fmt: skip


def _register_org(given: dict[str, str], person: Person, now: object) -> None:
    services.register_organisation(
        services.RegisterOrganisation(given["org_name"], given["uscc"], given["org_name_en"], given["kind"]),
        actor=queries.actor_for(person.pk), now=now,  # type: ignore[arg-type]
    )  # fmt: skip


@require_GET
def me(request: HttpRequest) -> HttpResponse:
    actor, person = self_of(request), Person.objects.get(pk=_person_id(request))
    shown = {
        "person": person,
        "actor": actor,
        "memberships": queries.memberships_of(person.pk),
        "seats": seat.face(Actor(actor.kind, person.pk, seats=queries.seats_of(person.pk), name=person.name)).title
        if queries.seats_of(person.pk) else "",
        "must_enrol": getattr(request, "must_enrol", False),
    }  # fmt: skip
    return render(request, "party/me.html", shown)


@require_POST
def act_for(request: HttpRequest) -> HttpResponse:
    """POST org=<id> or empty for one's own seats."""
    access.require(request)
    asked = request.POST.get("org", "")
    seat.switch(request, int(asked) if asked.isascii() and asked.isdigit() else None)
    return redirect("web:desk")


@never_cache
@require_http_methods(["GET", "POST"])
def password(request: HttpRequest) -> HttpResponse:
    actor = self_of(request)
    assert actor.person is not None
    form = forms.PasswordForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        given = form.cleaned_data
        cmd = services.SetPassword(actor.person, Secret(given["new"]), Secret(given["old"]))
        try:
            person = services.set_password(cmd, actor=actor, now=clock.now())
        except ShuguError as refusal:
            add_refusal(form, refusal)
        else:
            seat.refresh_stamp(request, person)
            say(request, "密码已更换，其他会话已退出。", "Password changed; your other sessions have ended.")
            return redirect("party:me")
    return form_page(request, form, Text("更换密码", "Change password"), cancel_href="/me/")


@never_cache
@require_http_methods(["GET", "POST"])
def totp(request: HttpRequest) -> HttpResponse:
    """Enrol a one-time password: scan, type the code once."""
    actor, person = self_of(request), Person.objects.get(pk=_person_id(request))
    if person.totp_confirmed_at is not None:
        return redirect("party:me")
    enrolment = services.pending_totp(person.pk, actor=actor) or services.enrol_totp(
        person.pk, actor=actor, now=clock.now()
    )
    form = forms.CodeForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            services.confirm_totp(Secret(form.cleaned_data["code"]), actor=actor, now=clock.now())
        except ShuguError as refusal:
            add_refusal(form, refusal)
        else:
            say(request, "动态口令已启用。", "The one-time password is in force.")
            return HttpResponseRedirect(_after(request)) if request.GET.get("next") else redirect("party:me")
    picture = segno.make(enrolment.uri, error="m").svg_inline(scale=5, border=4, dark="#000", light="#fff")
    must = getattr(request, "must_enrol", False)
    shown = {"form": form, "qr": mark_safe(picture), "secret": enrolment.secret, "must_enrol": must}  # noqa: S308  drawn by segno
    return render(request, "party/totp.html", shown, status=422 if form.errors else 200)


@never_cache
@require_http_methods(["GET", "POST"])
def keys(request: HttpRequest) -> HttpResponse:
    actor = access.require(request)
    form = forms.ApiKeyForm(request.POST or None)
    issued = None
    if request.method == "POST" and form.is_valid():
        given = form.cleaned_data
        try:
            issued = services.issue_api_key(
                services.IssueApiKey(given["title"], tuple(given["scopes"]), actor.org), actor=actor, now=clock.now(),
                key=str(form.idempotency_key),
            )  # fmt: skip
            form = forms.ApiKeyForm()
        except ShuguError as refusal:
            add_refusal(form, refusal)
    rows = ApiKey.objects.filter(person_id=_person_id(request)).select_related("org").order_by("-id")
    shown = {"form": form, "issued": issued, "keys": rows, "crumb": Link(Text("我的", "My account"), "/me/")}
    return render(request, "party/keys.html", shown, status=422 if form.errors else 200)


@require_POST
def revoke_key(request: HttpRequest, prefix: str) -> HttpResponse:
    actor = access.require(request)
    services.revoke_api_key(services.RevokeApiKey(prefix), actor=actor, now=clock.now())
    say(request, "密钥已吊销。", "The key is revoked.")
    return redirect("party:keys")
