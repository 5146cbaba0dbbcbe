"""Moving an open case to today's rules: what would change is shown before, the ground is asked for."""

from __future__ import annotations

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods

from shugu.formats.errors import ShuguError
from shugu.kernel import adoption, clock, runtime
from shugu.kernel.adoption import AdoptRules, adopt_rules
from shugu.kernel.errors import NotFound
from shugu.kernel.rules import Change
from shugu.kernel.text import Text
from shugu.web import case_acts
from shugu.web.api import actor_of
from shugu.web.forms import FieldForm, add_refusal, words
from shugu.web.regime_words import value_words
from shugu.web.shapes import Empty, Link
from shugu.web.tables import Column, Kind, Table, make_table


class AdoptionForm(FieldForm):
    ground = forms.CharField(
        label=words("依据", "Ground"), max_length=1000, widget=forms.Textarea(attrs={"rows": 3}),
        help_text=words("新规则的条款，或当事人的同意", "the article of the new rules, or the parties' consent"),
    )  # fmt: skip


def _changes(request: HttpRequest, rows: tuple[Change, ...]) -> Table:
    columns = (
        Column("name", Text("规则", "Rule"), kind=Kind.CODE),
        Column("before", Text("本件适用", "This case"), lambda c: value_words(c.before) if c.before else Text("没有", "none")),
        Column("after", Text("现行", "Today"), lambda c: value_words(c.after) if c.after else Text("没有", "none")),
        Column("article", Text("条款", "Article"), lambda c: (c.after or c.before).article if c.after or c.before else ""),
    )
    return make_table(
        request, id="changes", caption=Text("将改变的规则", "What would change"), columns=columns, rows=rows,
        empty=Empty(Text("没有数值不同。", "No value differs.")),
    )  # fmt: skip


@require_http_methods(["GET", "POST"])
def adopt(request: HttpRequest, number: str) -> HttpResponse:
    """For the staff of the case. Errors: NotFound for others, and when there is nothing to move it to."""
    actor, now = actor_of(request), clock.now()
    case = case_acts.visible_case(number, actor)
    if not adoption.may_adopt(case, actor):
        raise NotFound(what=(f"办件 {number} 的规则变更", f"another rule set for case {number}"))
    form = AdoptionForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            adopt_rules(
                AdoptRules(case.pk, form.cleaned_data["ground"]), actor=actor, now=now, key=str(form.idempotency_key)
            )
        except ShuguError as refusal:
            add_refusal(form, refusal)
        else:
            messages.success(request, str(Text("已改按现行规则办理。", "It goes on under today's rules.")))
            return redirect("web:case", number)
    page = {
        "form": form, "title": Text("改按现行规则办理", "Move to today's rules"), "lead": case.title,
        "before": case.rule_set, "after": runtime.rules().id, "table": _changes(request, adoption.changes(case)),
        "cancel_href": reverse("web:case", args=[number]), "crumb": Link(number, reverse("web:case", args=[number])),
    }  # fmt: skip
    return render(request, "web/adoption.html", page, status=422 if form.errors else 200)
