"""The operator's pages: people and seats, organisations and holds, accreditations, health."""

from __future__ import annotations

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from shugu.formats.errors import ShuguError
from shugu.kernel import clock, runtime
from shugu.kernel import holds as kernel_holds
from shugu.kernel.cases import Actor
from shugu.kernel.tables import all_tables
from shugu.kernel.text import Text
from shugu.kernel.workdays import local_day
from shugu.party import forms, queries, services
from shugu.party.access import require
from shugu.party.accreditation import kind_title
from shugu.party.domain import SEATS
from shugu.party.views import form_page, say
from shugu.web.forms import FieldForm, add_refusal
from shugu.web.shapes import Link
from shugu.web.tables import Column, Kind, make_table

HOLDERS = ("operator", "compliance_officer")


@require_GET
def home(request: HttpRequest) -> HttpResponse:
    require(request, "operator")
    return render(request, "party/operations.html")


@require_GET
def people(request: HttpRequest) -> HttpResponse:
    """Everybody of the staff with their seats, and which seats may not meet in one case."""
    require(request, "operator")
    rows = [(p, [(s, SEATS[s]) for s in SEATS if s in p.seats]) for p in queries.staff()]
    return render(request, "party/people.html", {"rows": rows, "apart": _apart()})


def _apart() -> list[tuple[Text, str, str]]:
    """(procedure, roles in Chinese, in English) of seats whose work in one case belongs to different people."""
    out = []
    for versions in all_tables().values():
        tab = versions[max(versions)]
        for group in tab.distinct:
            roles = [tab.party[r].title for r in group if r in tab.party]
            out.append((tab.title, "、".join(r.zh for r in roles), ", ".join(r.en for r in roles)))
    return out


@require_http_methods(["GET", "POST"])
def new_person(request: HttpRequest) -> HttpResponse:
    actor = require(request, "operator")
    form = forms.StaffForm(request.POST or None)

    def do(form: FieldForm) -> None:
        given = form.cleaned_data
        person = services.RegisterPerson(
            given["login"], given["name"], given["name_en"], "", services.Secret(given["password"])
        )
        cmd = services.CreateStaff(person, given["seat"])
        services.create_staff(cmd, actor=actor, now=clock.now(), key=str(form.idempotency_key))

    lead = Text("首次登录后须自行更换密码并启用动态口令。", "At first sign-in they change it and enrol a one-time password.")
    done = Text("账号已建立。", "Account created.")
    return _act(request, form, do, Text("新建工作人员账号", "New staff account"), "party:people", done, lead=lead)


@require_http_methods(["GET", "POST"])
def grant(request: HttpRequest, person: int) -> HttpResponse:
    actor = require(request, "operator")
    form = forms.SeatForm(request.POST or None)

    def do(form: FieldForm) -> None:
        cmd = services.GrantSeat(person, form.cleaned_data["seat"])
        services.grant_seat(cmd, actor=actor, now=clock.now(), key=str(form.idempotency_key))

    return _act(request, form, do, Text("授予岗位", "Grant a seat"), "party:people", Text("岗位已授予。", "Seat granted."))


@require_POST
def end(request: HttpRequest, person: int, seat: str) -> HttpResponse:
    actor = require(request, "operator")
    services.end_seat(services.EndSeat(person, seat), actor=actor, now=clock.now())
    say(request, "岗位已收回。", "Seat ended.")
    return redirect("party:people")


def _act(
    request: HttpRequest, form: FieldForm, do: Callable[[FieldForm], None], title: Text, back: str, done: Text,
    *args: object, lead: Text | str = "",
) -> HttpResponse:  # fmt: skip
    """Show the form, act once it is valid, and show it again with what was typed when refused."""
    href = reverse(back, args=args)
    if request.method == "POST" and form.is_valid():
        try:
            do(form)
        except ShuguError as refusal:
            add_refusal(form, refusal)
        else:
            say(request, done.zh, done.en)
            return redirect(href)
    crumb = Link(Text("运营", "Operations"), reverse("party:operations"))
    return form_page(request, form, title, crumb=crumb, cancel_href=href, lead=lead)


@require_GET
def organisations(request: HttpRequest) -> HttpResponse:
    require(request, HOLDERS)
    text = request.GET.get("q", "").strip()
    rows = queries.find_organisations(text, limit=200)
    columns = (
        Column("number", Text("编号", "Number"), "number", Kind.CODE, href=lambda r: reverse("party:org_holds", args=[r.number])),
        Column("name", Text("单位", "Organisation"), lambda r: Text(r.name, r.name_en or r.name), order="x"),
        Column("uscc", Text("信用代码", "Credit code"), "uscc", Kind.CODE),
        Column("registered", Text("登记", "Registered"), "registered_at", Kind.MOMENT, order="x"),
    )
    title = Text("单位", "Organisations")
    table = make_table(request, id="organisations", caption=title, columns=columns, rows=rows, search=lambda found, _q: found)
    return render(request, "party/operations_list.html", {"title": title, "table": table})


@require_http_methods(["GET", "POST"])
def holds(request: HttpRequest, number: str) -> HttpResponse:
    """An organisation's live holds, and the form to place one."""
    actor = require(request, HOLDERS)
    org = queries.organisation_by_number(number)
    form = forms.HoldForm(request.POST or None, acts=_forbiddable())
    if request.method == "POST" and form.is_valid():
        given = form.cleaned_data
        cmd = services.PlaceHold(
            org.id, tuple(given["forbids"]), given["reason"], article=given["article"], until=given["until"]
        )
        try:
            services.place_hold(cmd, actor=actor, now=clock.now(), key=str(form.idempotency_key))
        except ShuguError as refusal:
            add_refusal(form, refusal)
        else:
            say(request, "限制已设置。", "Hold placed.")
            return redirect("party:org_holds", number)
    shown = {"org": org, "form": form, "holds": kernel_holds.live(f"party.org:{org.id}"), "titles": dict(_forbiddable())}
    return render(request, "party/org_holds.html", shown, status=422 if form.errors else 200)


def _forbiddable() -> list[tuple[str, Text]]:
    """What a hold may name: the `acts` of every table's steps, each once, with the title of its first step."""
    out: dict[str, Text] = {}
    for versions in all_tables().values():
        for step in versions[max(versions)].steps:
            for act in step.acts:
                out.setdefault(act, step.title)
    return sorted(out.items())


@require_http_methods(["GET", "POST"])
def lift(request: HttpRequest, hold: int) -> HttpResponse:
    actor = require(request, HOLDERS)
    form = forms.ReasonForm(request.POST or None)

    def do(form: FieldForm) -> None:
        ground = f"{form.cleaned_data['article']}：{form.cleaned_data['reason']}"
        services.lift_hold(services.LiftHold(hold, ground), actor=actor, now=clock.now(), key=str(form.idempotency_key))

    return _act(request, form, do, Text("解除限制", "Lift the hold"), "party:organisations", Text("限制已解除。", "Hold lifted."))


@require_GET
def accreditations(request: HttpRequest) -> HttpResponse:
    """Who is admitted as what: public while in force; the venue's seats see the ended ones too."""
    actor: Actor | None = getattr(request, "actor", None)
    seats = actor.seats if actor is not None else frozenset()
    on = local_day(clock.now())
    rules = runtime.rules_on(on)
    rows = [
        a for a in queries.granted_accreditations()
        if seats or (a.withdrawn_on is None and a.valid_until is not None and a.valid_until >= on)
    ]  # fmt: skip
    columns = [
        Column(
            "org", Text("单位", "Organisation"), lambda a: a.org.name,
            href=lambda a: reverse("party:organisation", args=[a.org.number]),
        ),
        Column("kind", Text("类别", "As"), lambda a: Text(*kind_title(a.kind, rules))),
        Column("number", Text("编号", "Number"), "number", Kind.CODE),
        Column("granted", Text("入驻", "Granted"), "granted_on", Kind.DAY, order="x"),
        Column("until", Text("有效期至", "Valid until"), "valid_until", Kind.DAY, order="x"),
    ]  # fmt: skip
    if seats:
        columns.append(Column("withdrawn", Text("撤销", "Withdrawn"), "withdrawn_on", Kind.DAY))
    if seats & set(HOLDERS):
        columns.append(Column(
            "withdraw", Text("办理", "Act"), lambda a: "" if a.withdrawn_on else Text("撤销", "withdraw"),
            href=lambda a: "" if a.withdrawn_on else reverse("party:withdraw_accreditation", args=[a.number]),
        ))  # fmt: skip
    title = Text("入驻名录", "Accredited organisations")
    table = make_table(request, id="accreditations", caption=title, columns=columns, rows=rows)
    return render(request, "party/operations_list.html", {"title": title, "table": table})


@require_http_methods(["GET", "POST"])
def withdraw(request: HttpRequest, number: str) -> HttpResponse:
    actor = require(request, HOLDERS)
    form = forms.ReasonForm(request.POST or None)

    def do(form: FieldForm) -> None:
        cmd = services.WithdrawAccreditation(number, form.cleaned_data["reason"], form.cleaned_data["article"])
        services.withdraw_accreditation(cmd, actor=actor, now=clock.now(), key=str(form.idempotency_key))

    title = Text(f"撤销入驻资格 {number}", f"Withdraw accreditation {number}")
    return _act(request, form, do, title, "party:accreditations", Text("已撤销。", "Withdrawn."))
