"""JSON API: registering, accreditation, who am I, the desk, any case."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from ninja import Router
from ninja.files import UploadedFile

from shugu.formats.canonical import parse_object
from shugu.kernel import adoption, clock, queries
from shugu.kernel.errors import Forbidden, NotFound
from shugu.kernel.models import Case
from shugu.kernel.tables import table
from shugu.kernel.workdays import local_day
from shugu.party import accreditation_paper, member_api, services
from shugu.party import queries as party
from shugu.party.accreditation import ActOnAccreditation, ApplyAccreditation
from shugu.party.errors import SignInFailed, TotpRequired
from shugu.party.models import Accreditation
from shugu.party.seat import must_enrol
from shugu.party.vault import Secret
from shugu.web import case_acts
from shugu.web.api import Strict, actor_of, key_of
from shugu.web.rates import source_of

router = Router()
router.add_router("", member_api.router)


class PersonIn(Strict):
    login: str
    name: str
    password: str
    name_en: str = ""
    phone: str = ""


class OrganisationIn(Strict):
    name: str
    uscc: str
    name_en: str = ""
    kind: str = "enterprise"


class AccreditationIn(Strict):
    kind: str
    merchant_type: str = ""


class AdoptIn(Strict):
    ground: str


class ActIn(Strict):
    input: dict[str, Any] = {}
    undertaking: str = ""


class SessionKeyIn(Strict):
    """Sign in once by name and password (and code) to get an API key."""

    login: str
    password: str
    title: str
    code: str = ""
    scopes: list[str] = ["read", "act"]
    organisation: str = ""


@router.post("/persons", response={201: dict[str, Any]})
def register_person(request: HttpRequest, body: PersonIn) -> dict[str, Any]:
    """Open to newcomers; then `POST /api/keys` gives the key for everything else."""
    cmd = services.RegisterPerson(body.login, body.name, body.name_en, body.phone, Secret(body.password))
    actor = getattr(request, "actor", None) or services.NEWCOMER
    person = services.register_person(cmd, actor=actor, now=clock.now(), key=key_of(request))
    return {"person": person.pk, "login": person.login}


@router.post("/keys", response={201: dict[str, Any]})
def issue_key(request: HttpRequest, body: SessionKeyIn) -> dict[str, Any]:
    """The token is in this answer only. Without `organisation` the key acts in the person's own name or seats."""
    now = clock.now()
    person, complete = services.sign_in(body.login, body.password, now=now, code=body.code, source=source_of(request))
    if not complete:
        raise SignInFailed()
    org = party.organisation_by_number(body.organisation).id if body.organisation else None
    actor = party.actor_for(person.pk, org)
    if must_enrol(person, actor, now):
        raise TotpRequired()
    issued = services.issue_api_key(
        services.IssueApiKey(body.title, tuple(body.scopes), org), actor=actor, now=now, key=key_of(request)
    )
    return {"token": issued.token, "prefix": issued.key.prefix, "expires_on": issued.key.expires_on.isoformat()}


@router.post("/organisations", response={201: dict[str, Any]})
def register_organisation(request: HttpRequest, body: OrganisationIn) -> dict[str, Any]:
    cmd = services.RegisterOrganisation(body.name, body.uscc, body.name_en, body.kind)
    org = services.register_organisation(cmd, actor=actor_of(request), now=clock.now(), key=key_of(request))
    return {"organisation": org.number, "id": org.pk, "vkey": party.verify_key(org.pk)}


@router.get("/organisations/{number}", response=dict[str, Any])
def organisation(request: HttpRequest, number: str) -> dict[str, Any]:
    actor = getattr(request, "actor", None)
    org = party.organisation_by_number(number, local_day(clock.now()))
    if not org.accredited and (actor is None or (actor.org != org.id and not actor.seats)):
        raise NotFound(what=(f"单位 {number}", f"organisation {number}"))
    return {
        "number": org.number, "name": org.name, "name_en": org.name_en, "uscc": org.uscc, "kind": org.kind,
        "merchant_type": org.merchant_type, "accredited": sorted(org.accredited), "vkeys": list(party.verify_keys(org.id)),
    }  # fmt: skip


@router.post("/accreditations", response={201: dict[str, Any]})
def apply_accreditation(request: HttpRequest, body: AccreditationIn) -> dict[str, Any]:
    """For the organisation the key acts for. File the materials, then act `submit`."""
    actor = actor_of(request)
    if actor.org is None:
        raise Forbidden()
    cmd = ApplyAccreditation(actor.org, body.kind, body.merchant_type)
    row = services.apply_accreditation(cmd, actor=actor, now=clock.now(), key=key_of(request))
    return _accreditation(row)


@router.get("/accreditations/{number}/certificate")
def accreditation_certificate(request: HttpRequest, number: str) -> dict[str, Any]:
    """The signed certificate of accreditation by its number (MER-…); on paper at /accreditations/{number}.pdf."""
    return parse_object(accreditation_paper.certificate(number, getattr(request, "actor", None))[0])


@router.post("/accreditations/{number}/{do}", response=dict[str, Any])
def act_on_accreditation(request: HttpRequest, number: str, do: str, body: ActIn) -> dict[str, Any]:
    actor = actor_of(request)
    case = case_acts.visible_case(number, actor)
    cmd = ActOnAccreditation(case.pk, do, body.input, body.undertaking)
    return _accreditation(services.act_on_accreditation(cmd, actor=actor, now=clock.now(), key=key_of(request)))


def _accreditation(row: Accreditation) -> dict[str, Any]:
    case = Case.objects.get(pk=row.case_id)
    return {
        "case": case.number, "state": case.state, "kind": row.kind, "merchant_type": row.merchant_type,
        "renews": row.renews.number if row.renews else None,
        "number": row.number, "valid_from": row.granted_on.isoformat() if row.granted_on else None,
        "valid_until": row.valid_until.isoformat() if row.valid_until else None,
    }  # fmt: skip


@router.get("/me", response=dict[str, Any])
def me(request: HttpRequest) -> dict[str, Any]:
    actor = actor_of(request)
    org = party.organisation(actor.org) if actor.org is not None else None
    return {
        "person": actor.person, "name": actor.name, "seats": sorted(actor.seats),
        "organisation": {"number": org.number, "name": org.name, "accredited": sorted(org.accredited)} if org else None,
    }  # fmt: skip


@router.get("/desk", response=dict[str, Any])
def desk(request: HttpRequest, limit: int = 50, offset: int = 0) -> dict[str, Any]:
    """What waits for the caller, ordered by due date. `limit` at most 200."""
    rows = queries.desk(actor_of(request), clock.now())
    limit, offset = max(1, min(limit, 200)), max(0, offset)
    items = [
        {
            "case": r.number, "title": r.title, "procedure": r.procedure, "state": r.state,
            "state_title": list(r.state_title), "due_on": r.due_on.isoformat() if r.due_on else None,
            "acts": [list(a) for a in r.acts],
        }
        for r in rows[offset : offset + limit]
    ]  # fmt: skip
    return {"total": len(rows), "items": items}


@router.get("/cases/{number}", response=dict[str, Any])
def case(request: HttpRequest, number: str) -> dict[str, Any]:
    actor, now = actor_of(request), clock.now()
    return _case(case_acts.look_at_case(number, actor=actor, now=now), actor, now)


def _case(row: Case, actor: Any, now: Any) -> dict[str, Any]:
    tab = table(row.procedure, row.version)
    return {
        "number": row.number, "title": row.title, "procedure": tab.key, "subject": row.subject, "state": row.state,
        "state_title": list(tab.state[row.state].title), "final": tab.state[row.state].final,
        "opened_at": row.opened_at.isoformat(), "closed_at": row.closed_at.isoformat() if row.closed_at else None,
        "rule_set": row.rule_set,
        "acts": [
            {
                "do": a.do, "title": list(a.title), "allowed": a.allowed, "why": list(a.why) if a.why else None,
                "article": a.article, "input": list(a.input), "optional": list(a.optional),
                "undertaking": list(a.undertaking) if a.undertaking else None,
            }
            for a in queries.acts(row.pk, actor, now)
        ],
        "clocks": [
            {
                "id": c.id, "title": list(c.title), "kind": c.kind, "status": c.status, "due_on": c.due_on.isoformat(),
                "provisional": c.provisional, "overdue": c.overdue,
            }
            for c in queries.clocks(row.pk, now)
        ],
        "materials_needed": [
            {"id": s.row.id, "title": list(s.row.title), "filed": s.filed is not None, "signed_by": s.row.signed_by}
            for s in (case_acts.material_slots(row.pk, actor) if row.closed_at is None else [])
        ],
        "materials": [
            {"id": m.material, "filename": m.filename, "size": m.size, "sha256": m.digest}
            for m in queries.materials(row.pk)
        ],
        "timeline": [
            {
                "fact": f.fact_id, "name": f.name, "title": list(f.title), "recorded_at": f.recorded_at.isoformat(),
                "effective_on": f.effective_on.isoformat(), "index": f.position, "actor": f.actor_kind, "org": f.org,
                "input": dict(f.input), "data": dict(f.data),
            }
            for f in queries.timeline(row.pk)
        ],
    }  # fmt: skip


@router.post("/cases/{number}/materials/{material}", response={201: dict[str, Any]})
def file_material(
    request: HttpRequest, number: str, material: str, file: UploadedFile
) -> dict[str, Any]:
    """Multipart, one field `file`."""
    cmd = case_acts.FileMaterial(number, material, file.name or material, file.content_type or "", file.read())
    filed = case_acts.file_material(cmd, actor=actor_of(request), now=clock.now(), key=key_of(request))
    return {"material": filed.material, "sha256": filed.digest, "size": filed.size}


@router.post("/cases/{number}/adopt-rules", response=dict[str, Any])
def adopt_rules(request: HttpRequest, number: str, body: AdoptIn) -> dict[str, Any]:
    """Move an open case to the rules in force today; by its staff, on a ground that is told."""
    actor, now = actor_of(request), clock.now()
    case = case_acts.visible_case(number, actor)
    adoption.adopt_rules(adoption.AdoptRules(case.pk, body.ground), actor=actor, now=now, key=key_of(request))
    case.refresh_from_db()
    return _case(case, actor, now)


@router.post("/cases/{number}/{do}", response=dict[str, Any])
def act(request: HttpRequest, number: str, do: str, body: ActIn) -> dict[str, Any]:
    actor, now = actor_of(request), clock.now()
    row = case_acts.act(number, do, body.input, body.undertaking, actor=actor, now=now, key=key_of(request))
    return _case(row, actor, now)
