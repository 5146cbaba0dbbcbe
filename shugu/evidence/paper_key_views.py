"""The operator's pages about the certificates that sign printed documents: which there are, renewing, revoking."""

from __future__ import annotations

from datetime import datetime

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_http_methods

from shugu.evidence.forms_keys import RenewPapersForm, RevokePapersForm
from shugu.evidence.key_views import SEES, act_confirmed
from shugu.kernel import clock, paper_revoking
from shugu.kernel.errors import NotFound
from shugu.kernel.paper_revoking import Known, RenewPapers, RevokePapers
from shugu.kernel.text import Text
from shugu.party.access import require
from shugu.web.shapes import Link

TITLE = Text("签章证书", "Certificates on paper")
# In place of one certificate's digest: all that are known.
ALL = "all"


@require_GET
def home(request: HttpRequest) -> HttpResponse:
    actor, now = require(request, SEES), clock.now()
    page = {
        "certificates": paper_revoking.certificates(now), "may_change": "operator" in actor.seats,
        "used": Text("在用", "in use"), "former": Text("不再签署", "signs no more"), "revoked": Text("已撤销", "revoked"),
    }  # fmt: skip
    return render(request, "evidence/paper_keys.html", page)


@require_http_methods(["GET", "POST"])
def renew(request: HttpRequest) -> HttpResponse:
    actor = require(request, "operator")
    form = RenewPapersForm(request.POST or None)

    def do(now: datetime) -> None:
        paper_revoking.renew_papers(RenewPapers(form.cleaned_data["what"]), actor=actor, now=now)

    lead = Text(
        "以后的文件由新证书签署；已经签署的文件继续有效。证书可能在他人手中的，须撤销，不能只更换。",
        "Papers are signed with the new one from now on; those signed before stay good. One that may be in other hands must be "
        "revoked, not only renewed.",
    )
    done = Text("签章证书已更换。", "The certificates are renewed.")
    return act_confirmed(request, actor, form, do, Text("更换签章证书", "Renew the certificates"), lead, done, _back())


@require_http_methods(["GET", "POST"])
def revoke(request: HttpRequest, digest: str) -> HttpResponse:
    """`digest`: of one certificate, or `all`. Errors: NotFound."""
    actor, now = require(request, "operator"), clock.now()
    one = next((known for known in paper_revoking.certificates(now) if known.digest == digest), None)
    if one is None and digest != ALL:
        raise NotFound(what=("签章证书", "certificate"))
    form = RevokePapersForm(request.POST or None)

    def do(at: datetime) -> None:
        asked = RevokePapers((digest,) if one is not None else (), form.cleaned_data["since"])
        paper_revoking.revoke_papers(asked, actor=actor, now=at)

    title = Text("撤销全部签章证书", "Revoke every certificate")
    if one is not None:
        title = Text(f"撤销{one.title.zh} {digest[:16]}", f"Revoke {one.title.en} {digest[:16]}")
    done = Text("已撤销；下一份文件由新证书签署。", "Revoked; the next paper is signed with new ones.")
    return act_confirmed(request, actor, form, do, title, _consequence(one), done, _back())


def _consequence(one: Known | None) -> Text:
    if one is not None and one.role != "tsa":
        return Text(
            "只在他人可能持有该私钥时撤销，不可收回。此前盖有时间戳的文件继续有效，此后的一律不通过核验。",
            "Only when somebody else may hold its key; never taken back. Papers stamped before that time stay good, later ones "
            "fail their verification.",
        )
    return Text(
        "时间戳私钥在他人手中，就能倒签任何时间：盖有这一时间戳的文件都不再可信，须由持有人按编号重新下载。凭证本身不受影响。不可收回。",
        "Whoever holds the time-stamping key can name any time: no paper with its stamp can be relied on, and holders download "
        "theirs again by number. The credentials themselves are not touched. Never taken back.",
    )


def _back() -> Link:
    return Link(TITLE, reverse("evidence:paper_keys"))
