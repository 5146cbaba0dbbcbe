"""The wizard: entry → description → data → price → licence → check and submit. What is typed stays in the session."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Any, Final

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_http_methods

from shugu.appraisal import queries as appraisal
from shugu.catalogue import forms, queries, services
from shugu.catalogue.domain_policy import LicenceTerms, licence_from, plain_words
from shugu.catalogue.domain_product import UNIT_TITLES, PriceTerms, columns_from, dictionary_from_profile
from shugu.catalogue.errors import NotProvider
from shugu.formats.errors import ShuguError
from shugu.kernel import clock, runtime
from shugu.kernel.cases import Actor
from shugu.kernel.errors import NotFound
from shugu.kernel.text import Text
from shugu.kernel.workdays import local_day
from shugu.party import access
from shugu.registry import queries as registry
from shugu.web.forms import FieldForm, add_refusal

DRAFT: Final = "catalogue.draft"
STEPS: Final = {
    "entry": Text("选择登记", "Choose the entry"),
    "describe": Text("描述产品", "Describe the product"),
    "data": Text("数据字典与样例", "Dictionary and sample"),
    "price": Text("定价", "Price"),
    "licence": Text("许可条件", "Licence"),
    "confirm": Text("核对并保存", "Check and save"),
}
ORDER: Final = tuple(STEPS)
# Which step shows a field a service refused.
_FIELD_STEP: Final = {
    "title": "describe", "title_en": "describe", "summary": "describe", "keywords": "describe", "industry": "describe",
    "form": "describe", "data_class": "describe", "delivery_forms": "describe", "dictionary": "data", "sample_rows": "data",
    "data_digest": "data", "connector_id": "data", "price_fen": "price", "price_unit": "price", "price_includes": "price",
}  # fmt: skip


@require_GET
def begin(request: HttpRequest) -> HttpResponse:
    access.require_org(request)
    request.session[DRAFT] = {"entry": {"entry": request.GET.get("entry", "")}}
    return redirect("catalogue:step", "entry")


@require_GET
def edit(request: HttpRequest, number: str) -> HttpResponse:
    """Start the wizard from the newest version of an own product."""
    actor = access.require_org(request)
    view = queries.product(number, actor)
    if actor.org != view.provider_org:
        raise NotProvider(what=(f"产品 {number} ", f"product {number}"))
    version = view.versions[0]
    columns = columns_from(version.dictionary)
    request.session[DRAFT] = {
        "number": number, "entry": {"entry": registry.entry(view.entry_id).number},
        "describe": {
            "title": version.title, "title_en": version.title_en, "summary": version.summary,
            "keywords": list(version.keywords), "industry": version.industry, "form": version.form,
            "data_class": version.data_class, "delivery_forms": list(version.delivery_forms),
        },
        "data": {
            "columns": [asdict(c) for c in columns], "rows": [list(r) for r in version.sample],
            "data_digest": version.data_digest, "connector_id": version.connector_id,
        },
        "price": {"price": version.price_fen, "unit": version.price_unit, "includes": version.price_includes},
        "licence": dict(version.licence),
    }  # fmt: skip
    return redirect("catalogue:step", "describe")


def _my_entries(actor: Actor) -> list[tuple[str, str]]:
    assert actor.org is not None
    return [(e.number, f"{e.title}（{e.number}）") for e in registry.entries_of(actor.org)]


def _known(step: str, draft: dict[str, Any]) -> dict[str, Any]:
    """What the register and the newest quality report already say, so that nobody types it a second time."""
    if step not in ("describe", "data"):
        return {}
    entry = registry.entry_by_number(draft["entry"]["entry"])
    if step == "describe":
        return {"title": entry.title}
    found = appraisal.quality_of(entry.id, local_day(clock.now()))
    if found is None or "profile" not in found.report:
        return {}
    columns, _ = dictionary_from_profile(json.dumps(dict(found.report)))
    return {
        "columns": [asdict(c) for c in columns], "rows": [], "data_digest": found.data_digest,
        "connector_id": found.connector_id,
    }  # fmt: skip


def _initial(step: str, held: dict[str, Any]) -> dict[str, Any]:
    if step == "describe":
        return held | {"keywords": "、".join(held.get("keywords", ()))}
    if step == "data":
        columns = columns_from(held.get("columns", ()))
        shown = {"dictionary": forms.dictionary_text(columns)} if columns else {}
        return held | shown | {"sample": forms.sample_text(columns, held.get("rows"))}
    if step == "price" and "price" in held:
        return held | {"price": forms.yuan_text(held["price"])}
    return held


def _form(step: str, request: HttpRequest, actor: Actor, draft: dict[str, Any]) -> FieldForm:
    data, files = (request.POST, request.FILES) if request.method == "POST" else (None, None)
    initial = _initial(step, draft.get(step) or _known(step, draft))
    if step == "entry":
        return forms.EntryStep(data, initial=initial, entries=_my_entries(actor))
    kind: dict[str, type[FieldForm]] = {
        "describe": forms.DescribeStep, "data": forms.DataStep, "price": forms.PriceStep, "licence": forms.LicenceStep,
        "confirm": forms.ChangesForm if draft.get("number") else forms.ConfirmForm,
    }  # fmt: skip
    return kind[step](data, files, initial=initial)


def _keep(step: str, form: FieldForm) -> dict[str, Any]:
    """The cleaned step as plain JSON for the session."""
    held = {k: v for k, v in form.cleaned_data.items() if k not in ("key", "dictionary_file", "dictionary", "sample")}
    if step == "data":
        held["columns"] = [asdict(c) for c in held["columns"]]
        held["rows"] = [list(r) for r in held["rows"]]
    return held


@require_http_methods(["GET", "POST"])
def step(request: HttpRequest, step: str) -> HttpResponse:
    actor = access.require_org(request)
    if step not in STEPS:
        raise NotFound(what=("步骤", "step"))
    draft: dict[str, Any] = request.session.get(DRAFT) or {}
    missing = next((s for s in ORDER[: ORDER.index(step)] if not draft.get(s)), None)
    if missing:
        return redirect("catalogue:step", missing)
    form = _form(step, request, actor, draft)
    if request.method == "POST" and form.is_valid():
        if step != "confirm":
            draft[step] = _keep(step, form)
            request.session[DRAFT] = draft
            return redirect("catalogue:step", ORDER[ORDER.index(step) + 1])
        try:
            number = _save(draft, form, actor)
        except ShuguError as error:
            add_refusal(form, error)
            _point(form, error)
        else:
            del request.session[DRAFT]
            saved = Text("产品已保存。声明四道关口后即可提交挂牌。", "Saved. Declare the four gates to submit it.")
            messages.success(request, str(saved))
            return redirect("catalogue:submit", number)
    place = ORDER.index(step)
    context = {
        "form": form, "step": step, "title": STEPS[step],
        "steps": [(s, t, s == step, ORDER.index(s) < place) for s, t in STEPS.items()],
        "back": reverse("catalogue:step", args=[ORDER[place - 1]]) if place else "", "draft": draft,
        "summary": _summary(draft) if step == "confirm" else None, "entries": step != "entry" or bool(_my_entries(actor)),
    }  # fmt: skip
    return render(request, "catalogue/wizard.html", context, status=422 if form.is_bound and form.errors else 200)


def _point(form: FieldForm, error: ShuguError) -> None:
    """Say in which step a refused field stands."""
    steps = {_FIELD_STEP.get(name, "licence") for name in error.field_errors if name != "changes"}
    for name in ORDER:
        if name in steps:
            form.add_error(None, str(Text(f"请回到“{STEPS[name].zh}”修改。", f"Go back to “{STEPS[name].en}”.")))


def _offer(draft: dict[str, Any], entry_id: int) -> dict[str, Any]:
    describe, data, price = draft["describe"], draft["data"], draft["price"]
    digest = data.get("data_digest") or ""
    if not digest:
        newest = appraisal.quality_of(entry_id, local_day(clock.now()))
        digest = newest.data_digest if newest else ""
    return {
        "title": describe["title"], "title_en": describe["title_en"], "summary": describe["summary"],
        "keywords": tuple(describe["keywords"]), "industry": describe["industry"], "form": describe["form"],
        "data_class": describe["data_class"], "delivery_forms": tuple(describe["delivery_forms"]),
        "dictionary": columns_from(data["columns"]), "sample_rows": tuple(tuple(r) for r in data["rows"]),
        "data_digest": digest, "connector_id": data.get("connector_id", ""),
        "price": PriceTerms(price["price"], price["unit"], price["includes"]), "licence": _licence(draft),
    }  # fmt: skip


def _licence(draft: dict[str, Any]) -> LicenceTerms:
    return licence_from(draft["licence"])


def _save(draft: dict[str, Any], form: FieldForm, actor: Actor) -> str:
    entry, now, key = registry.entry_by_number(draft["entry"]["entry"]), clock.now(), str(form.idempotency_key)
    offer = _offer(draft, entry.id)
    if draft.get("number"):
        cmd = services.ReviseProduct(number=draft["number"], changes=form.cleaned_data["changes"], **offer)
        services.revise_product(cmd, actor=actor, now=now, key=key)
        return str(draft["number"])
    made = services.create_product(services.CreateProduct(entry_id=entry.id, **offer), actor=actor, now=now, key=key)
    return made.number


def _summary(draft: dict[str, Any]) -> dict[str, Any]:
    rules = runtime.rules()
    purposes = queries.titles(rules.value("catalogue.purposes"))
    describe = draft["describe"]
    return {
        "title": describe["title"], "summary": describe["summary"],
        "industry": queries.titles(rules.value("catalogue.industries")).get(describe["industry"]),
        "columns": len(draft["data"]["columns"]), "rows": len(draft["data"]["rows"]), "fen": draft["price"]["price"],
        "unit": UNIT_TITLES[draft["price"]["unit"]], "licence": plain_words(_licence(draft), purposes),
    }  # fmt: skip
