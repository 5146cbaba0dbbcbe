"""The page of an organisation, its members and keys; applying for accreditation."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from shugu.formats.errors import ShuguError
from shugu.kernel import clock, runtime
from shugu.kernel.cases import Actor
from shugu.kernel.errors import InputInvalid, NotFound
from shugu.kernel.tables import table
from shugu.kernel.text import Text
from shugu.kernel.workdays import local_day
from shugu.party import access, accreditation_paper, forms, queries, services
from shugu.party.accreditation import kind_title, merchant_types, renewable
from shugu.party.domain import ORG_KINDS, RIGHTS
from shugu.party.models import OrgKey, Person
from shugu.party.queries import OrgView
from shugu.party.views import form_page, say
from shugu.web import downloads, language
from shugu.web.forms import FieldForm, add_refusal
from shugu.web.from_kernel import source_of
from shugu.web.shapes import Chip, Link, Record, Tone


def _org(request: HttpRequest, number: str) -> tuple[OrgView, Actor | None]:
    """An accredited organisation is public; any other is known to itself and to seats only. Errors: NotFound."""
    actor: Actor | None = getattr(request, "actor", None)
    org = queries.organisation_by_number(number, local_day(clock.now()))
    near = actor is not None and (actor.org == org.id or bool(actor.seats))
    if not near and not org.accredited:
        raise NotFound(what=(f"单位 {number}", f"organisation {number}"))
    return org, actor


@require_GET
def organisation(request: HttpRequest, number: str) -> HttpResponse:
    org, actor = _org(request, number)
    rules = runtime.rules_on(local_day(clock.now()))
    own = actor is not None and actor.org == org.id
    kinds = [Text(*kind_title(kind, rules)) for kind in sorted(org.accredited)]
    merchant = merchant_types(rules).get(org.merchant_type)
    types_rule = rules.get(rules.profile.tables.get("merchant_types", "party.merchant_types"))
    state = Chip(Text("已入驻", "accredited"), Tone.GOOD) if kinds else Chip(Text("未入驻", "not accredited"))
    shown = {
        "org": org,
        "record": Record(
            name=Text(org.name, org.name_en or org.name), number=org.number, kind=ORG_KINDS[org.kind], state=state
        ),
        "kinds": kinds,
        "merchant": Text(*merchant) if merchant else None,
        "types_source": source_of(types_rule) if types_rule else None,
        "own": own,
        "signing": queries.signing_keys(org.id),
        "people": [
            (login, name, "、".join(str(RIGHTS[r]) for r in RIGHTS if r in rights), person)
            for person, login, name, rights in queries.people_of(org.id)
        ] if own else [],
        "admin": own and actor is not None and queries.has_right(actor, org.id, "admin"),
        "connectors": OrgKey.objects.filter(org_id=org.id, purpose="connector", retired_at__isnull=True) if own else [],
        "renewable": {a.pk for a in queries.accreditations_of(org.id) if own and renewable(a, local_day(clock.now()))},
        "accreditations": [
            (Text(*kind_title(a.kind, rules)), a, table(a.case.procedure, a.case.version).state[a.case.state].title)
            for a in queries.accreditations_of(org.id)
        ] if own or (actor is not None and actor.seats) else [],
    }  # fmt: skip
    return render(request, "party/organisation.html", shown)


def own_org(request: HttpRequest, number: str) -> tuple[OrgView, Actor]:
    """The organisation one acts for, by its number. Errors: SignInNeeded, Forbidden; NotFound for any other."""
    org, _ = _org(request, number)
    actor = access.require_org(request)
    if actor.org != org.id:
        raise NotFound(what=(f"单位 {number}", f"organisation {number}"))
    return org, actor


@require_http_methods(["GET", "POST"])
def add_member(request: HttpRequest, number: str) -> HttpResponse:
    org, actor = own_org(request, number)
    form = forms.MemberForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        given = form.cleaned_data
        try:
            person = Person.objects.filter(login=given["login"], closed_at__isnull=True).first()
            if person is None:
                raise InputInvalid(fields="login", field_errors={"login": ("没有此登录名", "no such sign-in name")})
            services.add_member(
                services.AddMember(org.id, person.pk, tuple(given["rights"])), actor=actor, now=clock.now(),
                key=str(form.idempotency_key),
            )  # fmt: skip
        except ShuguError as refusal:
            add_refusal(form, refusal)
        else:
            say(request, "成员已添加。", "Member added.")
            return redirect("party:organisation", number)
    return org_form(request, form, org, Text("添加成员", "Add a member"))


@require_POST
def remove_member(request: HttpRequest, number: str, person: int) -> HttpResponse:
    org, actor = own_org(request, number)
    services.end_membership(services.EndMembership(org.id, person), actor=actor, now=clock.now())
    say(request, "成员已移除。", "Member removed.")
    return redirect("party:organisation", number)


@require_http_methods(["GET", "POST"])
def add_connector_key(request: HttpRequest, number: str) -> HttpResponse:
    org, actor = own_org(request, number)
    form = forms.ConnectorKeyForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        given = form.cleaned_data
        try:
            services.register_connector_key(
                services.RegisterConnectorKey(org.id, given["connector_id"], given["vkey"].strip()), actor=actor,
                now=clock.now(), key=str(form.idempotency_key),
            )  # fmt: skip
        except ShuguError as refusal:
            add_refusal(form, refusal)
        else:
            say(request, "连接器密钥已登记。", "The connector's key is registered.")
            return redirect("party:organisation", number)
    return org_form(request, form, org, Text("登记连接器密钥", "Register a connector's key"))


@require_http_methods(["GET", "POST"])
def replace_signing_keys(request: HttpRequest, number: str) -> HttpResponse:
    org, actor = own_org(request, number)
    form = forms.ReplaceKeysForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            services.replace_signing_keys(
                services.ReplaceSigningKeys(org.id, form.cleaned_data["reason"]), actor=actor, now=clock.now(),
                key=str(form.idempotency_key),
            )  # fmt: skip
        except ShuguError as refusal:
            add_refusal(form, refusal)
        else:
            say(request, "签名密钥已更换。", "The signing keys are replaced.")
            return redirect("party:organisation", number)
    return org_form(request, form, org, Text("更换签名密钥", "Replace the signing keys"))


def org_form(request: HttpRequest, form: FieldForm, org: OrgView, title: Text, **more: object) -> HttpResponse:
    home = f"/organisations/{org.number}/"
    return form_page(request, form, title, **{"crumb": Link(org.name, home), "cancel_href": home, **more})


@require_http_methods(["GET", "POST"])
def register(request: HttpRequest) -> HttpResponse:
    """A signed-in person without (or beside) an organisation registers one."""
    actor = access.require(request)
    form = forms.OrganisationForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        given = form.cleaned_data
        try:
            org = services.register_organisation(
                services.RegisterOrganisation(given["name"], given["uscc"], given["name_en"], given["kind"]),
                actor=actor, now=clock.now(), key=str(form.idempotency_key),
            )  # fmt: skip
        except ShuguError as refusal:
            add_refusal(form, refusal)
        else:
            from shugu.party import seat

            seat.switch(request, org.pk)
            return redirect("party:apply")
    return form_page(request, form, Text("登记单位", "Register an organisation"))


@require_http_methods(["GET", "POST"])
def apply(request: HttpRequest) -> HttpResponse:
    """Choose what to be admitted as; the case page then asks for the materials."""
    actor = access.require_org(request)
    assert actor.org is not None
    now = clock.now()
    asked = {"kind": request.GET.get("kind", "")}
    form = forms.AccreditationForm(request.POST or None, rules=runtime.rules_on(local_day(now)), initial=asked)
    if request.method == "POST" and form.is_valid():
        given = form.cleaned_data
        merchant_type = given["merchant_type"] if given["kind"] == "merchant" else ""
        try:
            row = services.apply_accreditation(
                services.ApplyAccreditation(actor.org, given["kind"], merchant_type), actor=actor, now=now,
                key=str(form.idempotency_key),
            )  # fmt: skip
        except ShuguError as refusal:
            add_refusal(form, refusal)
        else:
            say(request, "请在本页上传材料后提交。", "Upload the materials here, then submit.")
            return redirect("web:case", row.case.number)
    return form_page(
        request, form, Text("申请入驻", "Apply for accreditation"), submit=Text("下一步：材料", "Next: materials"),
        lead=Text("选择以何种身份进场，材料在下一步上传。", "Choose your role; the materials come next."),
    )  # fmt: skip


@require_GET
def certificate_json(request: HttpRequest, number: str) -> HttpResponse:
    """The certificate of accreditation, byte for byte as signed; anybody may have it who knows its number."""
    content, _ = accreditation_paper.certificate(number, getattr(request, "actor", None))
    return downloads.inline(content, downloads.JSON, f"{number}.json")


@require_GET
def certificate_pdf(request: HttpRequest, number: str) -> HttpResponse:
    actor = getattr(request, "actor", None)
    content = accreditation_paper.certificate_pdf(number, language.current(), now=clock.now(), actor=actor)
    return downloads.inline(content, downloads.PDF, f"{number}.pdf")
