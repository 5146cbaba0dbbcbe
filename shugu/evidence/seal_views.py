"""The operator's page of the venue's own seals: the pictures pressed on its papers, and their numbers."""

from __future__ import annotations

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_safe

from shugu.formats.errors import ShuguError
from shugu.kernel import clock, documents, seals
from shugu.kernel.errors import NotFound
from shugu.kernel.text import Text
from shugu.kernel.workdays import local_day
from shugu.party.access import require
from shugu.web import language, printing
from shugu.web.forms import FieldForm, add_refusal, words
from shugu.web.paper import Document, Kind, Row, Seal, Section, preview
from shugu.web.shapes import Link

SEES = ("operator", "compliance_officer", "regulator", "auditor")


class SealForm(FieldForm):
    purpose = forms.ChoiceField(
        label=words("用于", "For"), required=False, choices=[(code, words(t.zh, t.en)) for code, t in seals.PURPOSES.items()]
    )
    image = forms.FileField(
        label=words("印章图样（PNG）", "Picture of the seal (PNG)"), required=False,
        widget=forms.ClearableFileInput(attrs={"accept": "image/png"}),
        help_text=words(
            f"透明背景，各边 {seals.LEAST}–{seals.MOST} 像素，不超过 {seals.MOST_BYTES // 1024} KB；不选即恢复绘制的印章",
            f"On a transparent ground, each side {seals.LEAST} to {seals.MOST} pixels, at most {seals.MOST_BYTES // 1024} KB; "
            "none: the drawn seal again",
        ),
    )  # fmt: skip
    code = forms.CharField(
        label=words("印章编号", "Number of the seal"), required=False, max_length=13,
        help_text=words("公安机关核发的 13 位编号；绘制的印章在下沿印出", "Its thirteen digits; a drawn seal shows them"),
    )  # fmt: skip


@require_safe
def home(request: HttpRequest) -> HttpResponse:
    actor = require(request, SEES)
    page = {"seals": seals.listed(), "may_change": "operator" in actor.seats}
    return render(request, "evidence/seals.html", page)


@require_http_methods(["GET", "POST"])
def change(request: HttpRequest) -> HttpResponse:
    actor = require(request, "operator")
    form = SealForm(request.POST or None, request.FILES or None, initial={"purpose": request.GET.get("purpose", "")})
    if request.method == "POST" and form.is_valid():
        sent = form.cleaned_data["image"]
        asked = seals.SetSeal(form.cleaned_data["purpose"], sent.read() if sent else None, form.cleaned_data["code"])
        try:
            seals.set_seal(asked, actor=actor, now=clock.now(), key=str(form.idempotency_key))
        except ShuguError as refusal:
            add_refusal(form, refusal)
        else:
            messages.success(request, str(Text("已设定，自今日签发的文件起使用。", "Set; papers issued from today on bear it.")))
            return redirect("evidence:seals")
    page = {
        "form": form, "title": Text("设定印章图样", "Set a seal"), "submit": Text("设定", "Set"),
        "lead": Text(
            "图样只是外观：文件的效力在电子签名。以前签发的文件仍用其签发之日的印章。",
            "The picture is an outward sign only: a paper's force is in its signatures. Papers issued before keep the seal of "
            "their day.",
        ),
        "crumb": Link(Text("印章", "Seals"), reverse("evidence:seals")), "cancel_href": reverse("evidence:seals"),
    }  # fmt: skip
    return render(request, "web/form.html", page, status=422 if form.errors else 200)


@require_safe
def picture(request: HttpRequest, digest: str) -> HttpResponse:
    """A picture that is or was set. Errors: NotFound for any other document."""
    require(request, SEES)
    if not seals.was_set(digest):
        raise NotFound(what=("印章图样", "seal"))
    return HttpResponse(documents.get(digest), content_type="image/png", headers={"Cache-Control": "private, max-age=86400"})


@require_safe
def trial(request: HttpRequest, purpose: str) -> HttpResponse:
    """How a paper looks with this seal today: a picture of a page that is no document."""
    require(request, SEES)
    use = "" if purpose == "any" else purpose
    if use not in seals.PURPOSES:
        raise NotFound(what=("印章用途", "purpose of a seal"))
    venue, today = printing.venue_title(), local_day(clock.now())
    page = Document(
        kind=Kind.VOUCHER, title=Text("印样", "Trial of a seal"), number="—", issuer=venue, issued_on=today,
        sections=(Section(Text("用途", "Purpose"), rows=(Row(Text("用于", "For"), seals.PURPOSES[use]),)),),
        seal=Seal(venue, seals.PURPOSES[use or "registration"], use=use or "any"), watermark=Text("印样", "TRIAL"),
    )  # fmt: skip
    (shown, *_) = preview(printing.dressed(page), lang=language.current(), ppi=72)
    return HttpResponse(shown, content_type="image/png", headers={"Cache-Control": "no-store"})
