"""The cast of every test: a venue with its staff and six organisations, all made through real services.

`world` (root conftest) gives a World whose members are Actors: `world.alice.org` is Alice's organisation. A stage
further on (a registered entry, a signed contract) is a method that goes through the services of the apps before it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from shugu.formats.identifiers import make_uscc
from shugu.kernel import documents
from shugu.kernel.cases import Actor, mandate
from shugu.kernel.tables import table
from shugu.kernel.workdays import local_day
from shugu.party import queries as party_queries
from shugu.party import services as party
from shugu.party.models import Person

if TYPE_CHECKING:
    from shugu.registry.queries import EntryView

SETUP = mandate("venue", "init")
STAFF: Mapping[str, tuple[str, str, str]] = {
    "rita": ("registrar", "任丽塔", "Rita Ren"),
    "rong": ("reviewer", "荣蓉", "Rong Rong"),
    "otto": ("operator", "欧拓", "Otto Ou"),
    "tara": ("trade_reviewer", "谭岚", "Tara Tan"),
    "sven": ("regulator", "孙文", "Sven Sun"),
    "mona": ("settlement_officer", "莫娜", "Mona Mo"),
    "abel": ("auditor", "安白", "Abel An"),
    "cora": ("compliance_officer", "柯兰", "Cora Ke"),
    "cai": ("committee_member", "蔡言", "Yan Cai"),
    "cen": ("committee_member", "岑默", "Mo Cen"),
    "cui": ("committee_member", "崔宁", "Ning Cui"),
}
# person: (name, name_en, organisation, organisation_en, first 17 characters of its code)
FIRMS: Mapping[str, tuple[str, str, str, str, str]] = {
    "alice": ("艾丽", "Alice Ai", "数源数据科技有限公司", "Shuyuan Data Ltd.", "91330100MA2AAAAA1"),
    "bob": ("鲍博", "Bob Bao", "远航物流研究有限公司", "Yuanhang Logistics Ltd.", "91330100MA2BBBBB2"),
    "carol": ("卡萝", "Carol Ka", "云程航空信息有限公司", "Yuncheng Aviation Ltd.", "91330100MA2CCCCC3"),
    "quinn": ("奎音", "Quinn Kui", "正衡数据评估有限公司", "Zhengheng Appraisal Ltd.", "91330100MA2DDDDD4"),
    "quincy": ("昆思", "Quincy Kun", "明鉴数据评估有限公司", "Mingjian Appraisal Ltd.", "91330100MA2FFFFF6"),
    "mallory": ("马洛", "Mallory Ma", "路人信息有限公司", "Stranger Ltd.", "91330100MA2EEEEE5"),
}
ACCREDITED: tuple[tuple[str, str, str], ...] = (
    ("alice", "provider", ""),
    ("alice", "merchant", "*"),
    ("bob", "buyer", ""),
    ("carol", "provider", ""),
    ("quinn", "service_body:quality", ""),
    ("quinn", "service_body:compliance", ""),
    ("quincy", "service_body:quality", ""),
    ("quincy", "service_body:compliance", ""),
)
FORM: Mapping[str, str] = {
    "summary": "2013 年纽约三座机场的离港航班，含时刻、延误与机型",
    "industry": "transport",
    "region": "纽约",
    "source": "公开统计，持有人加工",
}
PAPER = b"%PDF-1.4\n% a paper filed in a test\n"


@dataclass
class World:
    """`now` is where the story stands; steps that need time to pass take a later `now` of their own."""

    now: datetime
    rita: Actor
    rong: Actor
    otto: Actor
    tara: Actor
    sven: Actor
    mona: Actor
    abel: Actor
    cora: Actor
    cai: Actor
    cen: Actor
    cui: Actor
    alice: Actor
    bob: Actor
    carol: Actor
    quinn: Actor
    quincy: Actor
    mallory: Actor

    @classmethod
    def begin(cls, now: datetime, *, accredit: bool = True, password: str = "") -> World:
        """The staff in their seats and the organisations with USCC, keys and (unless told otherwise) accreditation.
        With a `password` everybody can sign in by it."""
        secret = party.Secret(password) if password else None
        cast = {login: _staff(login, *about, now=now, password=secret) for login, about in STAFF.items()}
        cast |= {login: _firm(login, *about, now=now, password=secret) for login, about in FIRMS.items()}
        world = cls(now=now, **cast)
        if accredit:
            for login, kind, merchant_type in ACCREDITED:
                world.accredit(cast[login], kind, merchant_type)
        return world

    def accredit(self, applicant: Actor, kind: str, merchant_type: str = "") -> int:
        """The whole accreditation of an organisation through its procedure; the case id. "*" takes the first type."""
        from shugu.kernel import runtime
        from shugu.party.accreditation import merchant_types

        assert applicant.org is not None
        if merchant_type == "*":
            merchant_type = next(iter(merchant_types(runtime.rules())))
        applied = party.apply_accreditation(
            party.ApplyAccreditation(applicant.org, kind, merchant_type), actor=applicant, now=self.now
        )
        for material in ("licence", "commitment", "qualification"):
            self.file(applied.case_id, material, applicant)
        for do, actor in (("submit", applicant), ("accept", self.rita), ("approve", self.rong)):
            party.act_on_accreditation(party.ActOnAccreditation(applied.case_id, do), actor=actor, now=self.now)
        return int(applied.case_id)

    def file(self, case: int, material: str, actor: Actor, *, signers: int = 1) -> None:
        """File a small PDF under a material's name."""
        documents.file_material(
            case, material, filename=f"{material}.pdf", media_type="application/pdf", content=PAPER + material.encode(),
            actor=actor, now=self.now, signers=signers,
        )  # fmt: skip

    def registered_entry(self, holder: Actor | None = None, **changes: Any) -> EntryView:
        """A data property of `holder` (Alice) through the register of the venue's profile, certified; the story then
        stands two weeks later, after the public notice."""
        from shugu.kernel import engine
        from shugu.registry import queries, services
        from shugu.registry.submitting import REVIEWER_ROLE, open_register

        actor = holder or self.alice
        assert actor.org is not None
        asked: dict[str, Any] = {
            "register": "data-property", "applicant_org": actor.org, "title": "纽约航班准点数据", "object_kind": "data_product",
            "rights": ("holding", "operation"), "form": dict(FORM), **changes,
        }  # fmt: skip
        reviewed = REVIEWER_ROLE in table(open_register(asked["register"], "first")[1]).party
        if reviewed:
            asked.setdefault("reviewer_org", self.quinn.org)
        row = services.submit_filing(services.SubmitFiling(**asked), actor=actor, now=self.now)
        for material in ("source_proof", "identity", "declaration", "holders_agreement"):
            self.file(row.pk, material, actor)
        steps: list[tuple[str, Actor, dict[str, Any]]] = []
        if reviewed:
            self.file(row.pk, "substantive_review", self.quinn)
            steps = [("commission", actor, {}), ("report", self.quinn, {"review_conclusion": "passed"})]
        for do, by, given in (*steps, ("submit", actor, {}), ("accept", self.rita, {}), ("pass", self.rong, {})):
            services.act_on_filing(services.ActOnFiling(row.pk, do, given), actor=by, now=self.now)
        self.now += timedelta(days=14)
        engine.sweep(self.now)
        services.act_on_filing(services.ActOnFiling(row.pk, "issue"), actor=self.rita, now=self.now)
        return next(e for e in queries.entries_of(actor.org, local_day(self.now)) if e.filing_number == row.number)

    def person_of(self, login: str) -> int:
        actor = getattr(self, login)
        assert isinstance(actor, Actor) and actor.person is not None
        return actor.person


def token(actor: Actor, now: datetime, scopes: tuple[str, ...] = ("read", "act")) -> str:
    """An API key of this actor. A person in a seat first stands as after enrolling a one-time password: an older key, or
    one without it, opens no seat."""
    if actor.seats:
        Person.objects.filter(pk=actor.person or 0, totp_confirmed_at__isnull=True).update(totp_confirmed_at=now)
    return party.issue_api_key(party.IssueApiKey("test", scopes, actor.org), actor=actor, now=now).token


def _staff(login: str, seat: str, name: str, name_en: str, *, now: datetime, password: party.Secret | None) -> Actor:
    person = party.register_person(party.RegisterPerson(login, name, name_en, "", password), actor=SETUP, now=now)
    party.grant_seat(party.GrantSeat(person.pk, seat), actor=SETUP, now=now)
    return party_queries.actor_for(person.pk)


def _firm(
    login: str, name: str, name_en: str, firm: str, firm_en: str, prefix: str, *, now: datetime, password: party.Secret | None
) -> Actor:
    person = party.register_person(party.RegisterPerson(login, name, name_en, "", password), actor=SETUP, now=now)
    org = party.register_organisation(
        party.RegisterOrganisation(firm, make_uscc(prefix), firm_en), actor=party_queries.actor_for(person.pk), now=now
    )
    return party_queries.actor_for(person.pk, org.pk)
