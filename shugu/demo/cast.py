"""The people and organisations of the demonstration venue; all names are invented."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from shugu.formats.identifiers import make_uscc
from shugu.kernel import clock, documents, runtime
from shugu.kernel.cases import Actor, mandate
from shugu.kernel.text import Text
from shugu.kernel.workdays import local_day
from shugu.party import queries as parties
from shugu.party import services as party
from shugu.web.paper import Document, Kind, Row, Seal, Section, render

PASSWORD = "shugu-demo-2026"  # noqa: S105  printed at start: a demonstration home only
SETUP = mandate("venue", "init")

STAFF: Mapping[str, tuple[str, Text]] = {
    "rita": ("registrar", Text("任丽塔", "Rita Ren")),
    "rong": ("reviewer", Text("荣蓉", "Rong Rong")),
    "otto": ("operator", Text("欧拓", "Otto Ou")),
    "tara": ("trade_reviewer", Text("谭岚", "Tara Tan")),
    "mona": ("settlement_officer", Text("莫娜", "Mona Mo")),
    "nina": ("settlement_officer", Text("倪娜", "Nina Ni")),
    "sven": ("regulator", Text("孙文", "Sven Sun")),
    "cora": ("compliance_officer", Text("柯若兰", "Cora Ke")),
    "arno": ("auditor", Text("安诺", "Arno An")),
}


@dataclass(frozen=True)
class Firm:
    person: Text
    name: Text
    uscc_prefix: str
    accreditations: tuple[str, ...]


FIRMS: Mapping[str, Firm] = {
    "alice": Firm(
        Text("艾丽", "Alice Ai"), Text("数源航空数据有限公司", "Shuyuan Aviation Data Ltd."), "91330108MA2AAAAA1",
        ("provider", "merchant"),
    ),
    "bob": Firm(
        Text("鲍博", "Bob Bao"), Text("远航物流研究有限公司", "Yuanhang Logistics Research Ltd."), "91330108MA2BBBBB2", ("buyer",)
    ),
    "carol": Firm(
        Text("卡萝", "Carol Ka"), Text("云程气象信息有限公司", "Yuncheng Weather Ltd."), "91330108MA2CCCCC3", ("provider",)
    ),
    "quinn": Firm(
        Text("奎音", "Quinn Kui"), Text("正衡数据合规评估有限公司", "Zhengheng Compliance Ltd."), "91330108MA2DDDDD4",
        ("service_body:compliance", "service_body:valuation"),
    ),
}  # fmt: skip

ROLES: Mapping[str, Text] = {
    "alice": Text("数据提供方", "provider"),
    "bob": Text("数据需求方", "buyer"),
    "carol": Text("共有人", "co-holder"),
    "quinn": Text("第三方合规与价值评估机构", "compliance and valuing body"),
    "rita": Text("登记员", "registrar"),
    "rong": Text("审查员", "reviewer"),
    "otto": Text("运营", "operator"),
    "tara": Text("交易审核员", "trade reviewer"),
    "mona": Text("结算员（制单）", "settlement officer (maker)"),
    "nina": Text("结算员（复核）", "settlement officer (checker)"),
    "sven": Text("监管人员", "regulator"),
    "cora": Text("合规员（异议、复核、撤回、调取证据）", "compliance officer (objections, appeals, withdrawals, evidence)"),
    "arno": Text("审计员", "auditor"),
}


def seat_staff() -> dict[str, Actor]:
    """The venue's staff, each in one seat."""
    seated = {}
    for login, (seat, name) in STAFF.items():
        now = clock.now()
        person = party.register_person(
            party.RegisterPerson(login, name.zh, name.en, password=party.Secret(PASSWORD)), actor=SETUP, now=now
        )
        party.grant_seat(party.GrantSeat(person.pk, seat), actor=SETUP, now=now)
        seated[login] = parties.actor_for(person.pk)
    return seated


def register_firms() -> dict[str, Actor]:
    """The organisations, each with the person who acts for it."""
    found = {}
    for login, firm in FIRMS.items():
        now = clock.now()
        person = party.register_person(
            party.RegisterPerson(login, firm.person.zh, firm.person.en, password=party.Secret(PASSWORD)), actor=SETUP, now=now
        )
        org = party.register_organisation(
            party.RegisterOrganisation(firm.name.zh, make_uscc(firm.uscc_prefix), firm.name.en),
            actor=parties.actor_for(person.pk), now=now,
        )  # fmt: skip
        found[login] = parties.actor_for(person.pk, org.pk)
    return found


def accredit(applicant: Actor, kind: str, acceptor: Actor, reviewer: Actor) -> None:
    """One accreditation through its whole procedure."""
    assert applicant.org is not None
    merchant_type = runtime.rules().value("party.merchant_types").codes[0] if kind == "merchant" else ""
    applied = party.apply_accreditation(
        party.ApplyAccreditation(applicant.org, kind, merchant_type), actor=applicant, now=clock.now()
    )
    for material, title in (
        ("licence", Text("营业执照", "business licence")),
        ("commitment", Text("入驻承诺书", "commitment")),
        ("qualification", Text("资质证明", "proof of qualification")),
    ):
        file_paper(applied.case_id, material, title, applicant)
    for do, actor in (("submit", applicant), ("accept", acceptor), ("approve", reviewer)):
        party.act_on_accreditation(party.ActOnAccreditation(applied.case_id, do), actor=actor, now=clock.now())


def paper(title: Text, org: int, rows: tuple[tuple[Text, str], ...] = ()) -> bytes:
    """A one-page document of an organisation as PDF, for filing."""
    name = parties.org_names([org], "zh")[org]
    lines = tuple(Row(k, v) for k, v in rows) or (Row(Text("单位", "Organisation"), name),)
    return render(
        Document(
            Kind.NOTICE, title, f"DEMO-{org}", Text(name, name), local_day(clock.now()), demo=True,
            seal=Seal(Text(name, name), Text("公章", "seal")),
            sections=(Section(Text("内容", "Content"), rows=lines),),
        ),
        lang="zh",
    )  # fmt: skip


def file_paper(case: int, material: str, title: Text, actor: Actor, rows: tuple[tuple[Text, str], ...] = ()) -> None:
    assert actor.org is not None
    documents.file_material(
        case, material, filename=f"{title.zh}.pdf", media_type="application/pdf", content=paper(title, actor.org, rows),
        actor=actor, now=clock.now(),
    )  # fmt: skip
