"""Pages of connectors: the provider's own, registering one, binding a file, ordering a quality report."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from shugu.delivery import forms, queries, services, shown
from shugu.formats.errors import ShuguError
from shugu.kernel import clock, runtime
from shugu.kernel.cases import Actor
from shugu.kernel.text import Text
from shugu.party.access import require, require_org
from shugu.web.forms import FieldForm, add_refusal
from shugu.web.shapes import Link


@require_GET
def connectors(request: HttpRequest) -> HttpResponse:
    actor = require(request)
    rows = [(c, shown.health_chip(c)) for c in queries.connectors(actor)]
    return render(request, "delivery/connectors.html", {"rows": rows, "own": actor.org is not None})


@require_GET
def connector(request: HttpRequest, connector_id: str) -> HttpResponse:
    actor = require(request)
    found = queries.connector(connector_id, actor)
    context = {
        "connector": found, "health": shown.health_chip(found), "bindings": queries.bindings(found.id),
        "orders": queries.quality_orders(found.id), "own": actor.org == found.org or "operator" in actor.seats,
    }  # fmt: skip
    return render(request, "delivery/connector.html", context)


@require_http_methods(["GET", "POST"])
def register(request: HttpRequest) -> HttpResponse:
    """The wizard: what to run on one's own machine, then the three lines it printed."""
    actor = require_org(request)
    form = forms.ConnectorForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        given = form.cleaned_data
        cmd = services.RegisterConnector(actor.org or 0, given["connector_id"], given["url"], given["vkey"])
        try:
            row = services.register_connector(cmd, actor=actor, now=clock.now(), key=str(form.idempotency_key))
        except ShuguError as refusal:
            add_refusal(form, refusal)
        else:
            messages.success(request, str(Text("连接器已登记并连通。", "The connector is registered and answers.")))
            return redirect("delivery:connector", row.connector_id)
    context = {"form": form, "exchange": runtime.home().public_url, "suite": runtime.suite()}
    return render(request, "delivery/register.html", context, status=422 if form.errors else 200)


@require_POST
def check(request: HttpRequest, connector_id: str) -> HttpResponse:
    row = services.check_connector(connector_id, actor=require(request), now=clock.now())
    if row.problem is None:
        messages.success(request, str(Text("连接器正常。", "The connector is healthy.")))
    else:
        messages.error(request, str(Text(row.problem["zh"], row.problem["en"])))
    return redirect("delivery:connector", connector_id)


@require_http_methods(["GET", "POST"])
def bind(request: HttpRequest, connector_id: str) -> HttpResponse:
    actor = require_org(request)
    form = forms.BindForm(request.POST or None, initial=_initial(request))

    def run(given: dict[str, Any], actor: Actor, key: str) -> None:
        cmd = services.BindProduct(
            given["product"], connector_id, given["file"], given["sha256"].strip().lower(), given["size"], given["label"]
        )
        services.bind_product(cmd, actor=actor, now=clock.now(), key=key)

    lead = Text(
        "填写 connector add-product 输出的内容。摘要必须与产品登记的数据摘要相同。",
        "Give what connector add-product printed. The digest must be the product's data digest.",
    )
    return _form(request, connector_id, form, Text("绑定数据文件", "Bind a data file"), lead, run, actor)


@require_http_methods(["GET", "POST"])
def quality(request: HttpRequest, connector_id: str) -> HttpResponse:
    actor = require(request)
    form = forms.QualityForm(request.POST or None, initial=_initial(request))

    def run(given: dict[str, Any], actor: Actor, key: str) -> None:
        cmd = services.OrderQuality(
            connector_id, given["file"], given["sha256"].strip().lower(), given["product"], given["entry"], given["label"]
        )
        services.order_quality(cmd, actor=actor, now=clock.now(), key=key)

    lead = Text(
        "连接器在数据旁边完成评价，只有签名的报告离开您的机器。",
        "The connector measures beside the data; only the signed report leaves your machine.",
    )
    return _form(request, connector_id, form, Text("质量评价", "Measure quality"), lead, run, actor)


def _initial(request: HttpRequest) -> dict[str, str]:
    return {name: request.GET[name] for name in ("product", "entry", "file", "sha256", "label") if name in request.GET}


def _form(
    request: HttpRequest, connector_id: str, form: FieldForm, title: Text, lead: Text, run: Any, actor: Actor
) -> HttpResponse:
    queries.connector(connector_id, actor)
    if request.method == "POST" and form.is_valid():
        try:
            run(form.cleaned_data, actor, str(form.idempotency_key))
        except ShuguError as refusal:
            add_refusal(form, refusal)
        else:
            messages.success(request, str(Text(f"已办理：{title.zh}", f"Done: {title.en}")))
            return redirect("delivery:connector", connector_id)
    back = reverse("delivery:connector", args=[connector_id])
    crumb = Link(connector_id, back)
    context = {"form": form, "title": title, "lead": lead, "submit": title, "cancel_href": back, "crumb": crumb}
    return render(request, "web/form.html", context, status=422 if form.errors else 200)
