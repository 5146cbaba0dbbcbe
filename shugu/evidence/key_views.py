"""The operator's pages about the venue's signing keys. Where there is a recovery key, new keys and losses are for the command
line: the recovery key's file must never pass through a browser."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_http_methods

from shugu.evidence import rotation
from shugu.evidence.errors import NoSuchKey
from shugu.evidence.forms_keys import ConfirmForm, NewKeyForm
from shugu.formats.errors import ShuguError
from shugu.kernel import clock, key_standing
from shugu.kernel.cases import Actor
from shugu.kernel.text import Text
from shugu.party import services as party
from shugu.party.access import require
from shugu.web.forms import add_refusal
from shugu.web.shapes import Link

SEES = ("operator", "regulator", "auditor")


@require_GET
def home(request: HttpRequest) -> HttpResponse:
    actor, now = require(request, SEES), clock.now()
    offline = key_standing.recovery()
    page = {
        "keys": key_standing.keys(now), "recovery": offline, "reminders": key_standing.reminders(now),
        "may_change": "operator" in actor.seats,
    }  # fmt: skip
    return render(request, "evidence/keys.html", page)


@require_http_methods(["GET", "POST"])
def new(request: HttpRequest) -> HttpResponse:
    actor = require(request, "operator")
    form = NewKeyForm(request.POST or None)

    def do(now: datetime) -> None:
        asked = rotation.BeginKey(form.cleaned_data["suite"], form.cleaned_data["store"])
        rotation.begin_key(asked, actor=actor, now=now)

    lead = Text(
        "自此刻起文件由新密钥签发；旧密钥在交替期内继续同签检查点，期满后方可停用。",
        "Documents are signed with it from now on; the old key goes on signing checkpoints until its overlap is over.",
    )
    done = Text("新密钥已启用。", "The new key is in force.")
    return _act(request, actor, form, do, Text("启用新密钥", "A new key"), lead, done)


@require_http_methods(["GET", "POST"])
def retire(request: HttpRequest, key: str) -> HttpResponse:
    actor = require(request, "operator")
    _known(key)
    lead = Text(
        "停用后该密钥不再签发任何内容；以前签发的继续有效。此事不可撤销。",
        "It signs nothing from then on; what it signed before stays good. This cannot be undone.",
    )
    return _act(
        request, actor, ConfirmForm(request.POST or None), lambda now: _retired(key, actor, now),
        Text(f"停用密钥 {key}", f"Retire key {key}"), lead, Text("密钥已停用。", "The key is retired."),
    )  # fmt: skip


@require_http_methods(["GET", "POST"])
def lost(request: HttpRequest, key: str) -> HttpResponse:
    actor = require(request, "operator")
    _known(key)
    lead = Text(
        "只在他人可能持有该密钥时声明。它立即失效，同类没有别的密钥时随即启用新的一把。此事不可撤销。",
        "Only when somebody else may hold it. It ends at once, and another begins where it was the only one of its kind. "
        "This cannot be undone.",
    )
    return _act(
        request, actor, ConfirmForm(request.POST or None), lambda now: _lost(key, actor, now),
        Text(f"声明密钥 {key} 失窃", f"Declare key {key} lost"), lead, Text("已声明失窃。", "The key is declared lost."),
    )  # fmt: skip


def _retired(key: str, actor: Actor, now: datetime) -> None:
    rotation.retire_key(key, actor=actor, now=now)


def _lost(key: str, actor: Actor, now: datetime) -> None:
    rotation.lose_key(key, actor=actor, now=now)


def _known(key: str) -> None:
    if not any(shown.key.key_id == key for shown in key_standing.keys(clock.now())):
        raise NoSuchKey(key=key)


def _act(
    request: HttpRequest, actor: Actor, form: ConfirmForm, do: Callable[[datetime], None], title: Text, lead: Text, done: Text
) -> HttpResponse:
    crumb = Link(Text("签名密钥", "Signing keys"), reverse("evidence:venue_keys"))
    return act_confirmed(request, actor, form, do, title, lead, done, crumb)


def act_confirmed(
    request: HttpRequest, actor: Actor, form: ConfirmForm, do: Callable[[datetime], None], title: Text, lead: Text, done: Text,
    crumb: Link,
) -> HttpResponse:  # fmt: skip
    """Shown, confirmed, done; shown again with the refusal. `crumb`: where it came from and goes back to."""
    if request.method == "POST" and form.is_valid():
        now = clock.now()
        try:
            party.confirm_person(actor, form.cleaned_data["password"], form.cleaned_data["code"], now=now)
            do(now)
        except ShuguError as refusal:
            add_refusal(form, refusal)
        else:
            messages.success(request, str(done))
            return redirect(crumb.href)
    page = {"form": form, "title": title, "lead": lead, "crumb": crumb, "cancel_href": crumb.href}
    return render(request, "web/form.html", page, status=422 if form.errors else 200)
