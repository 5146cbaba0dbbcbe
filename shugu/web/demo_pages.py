"""What only a demonstration home has: its clock, which a visitor may let run to the next deadline."""

from __future__ import annotations

from datetime import timedelta

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from shugu.kernel import clock, engine, founding, runtime
from shugu.kernel.errors import NotFound, SignInNeeded
from shugu.kernel.text import Text
from shugu.kernel.workdays import local_day

_A_MOMENT = timedelta(seconds=1)


def only_in_demonstrations() -> None:
    """Errors: NotFound in a real home: there the page does not exist."""
    if not runtime.demo():
        raise NotFound(what=("页面", "page"))


@require_safe
def page(request: HttpRequest) -> HttpResponse:
    only_in_demonstrations()
    now = clock.now()
    lag = clock.wall() - now
    deadline = founding.next_deadline(now)
    reachable = deadline is not None and deadline <= clock.wall()
    context = {"now": now, "days": lag.days, "deadline": deadline, "reachable": reachable}
    return render(request, "web/demo.html", context)


@require_POST
def advance(request: HttpRequest) -> HttpResponse:
    """Let the clock reach the end of the next deadline and fire what is due. Errors: SignInNeeded, NotFound, HomeError."""
    only_in_demonstrations()
    if getattr(request, "actor", None) is None:
        raise SignInNeeded()
    now = clock.now()
    deadline = founding.next_deadline(now)
    if deadline is None:
        messages.info(request, str(Text("现在没有运行中的期限。", "No clock is running now.")))
    else:
        now = founding.advance_clock(deadline - now + _A_MOMENT)
        fired = engine.sweep(now)
        day = local_day(now)
        told = Text(f"时钟已到 {day}，办理了 {fired} 项到期事项。", f"It is now {day}; {fired} due acts were performed.")
        messages.success(request, str(told))
    return HttpResponseRedirect(reverse("web:demo"))
