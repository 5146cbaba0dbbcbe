"""The same application at a venue of another profile runs another table: third party first, objections after issue."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

import pytest

from shugu.kernel import engine, runtime
from shugu.kernel.cases import Command, PartyView
from shugu.kernel.errors import (
    Forbidden,
    GuardRefused,
    InputInvalid,
    MaterialsMissing,
    NotInProcedure,
    SeparationOfDuties,
    TooEarly,
    TooLate,
    UndertakingNeeded,
)
from shugu.kernel.models import Case
from shugu.kernel.tables import table
from shugu.registry import queries, services
from shugu.registry.errors import ObjectedBefore, RegisterClosed
from shugu.registry.models import Certificate, Filing, Objection
from shugu.registry.services import FileObjection
from shugu.registry.tests.stages import act, answer, application, at, file, issued, noticed, submitted
from tests.world import World

pytestmark = pytest.mark.django_db
GOLDEN_WEEK = date(2026, 9, 28)
ARTICLE = "第二十条"


def state(row: Filing | Objection) -> str:
    return str(Case.objects.get(pk=row.pk).state)


def to_entry(world: World, actor: object, ground: str = "ownership", *, now: object = None) -> Objection:
    number = queries.entries_of(world.alice.org or 0)[0].number
    cmd = FileObjection(ground, "登记内容有误", entry_number=number)
    return services.file_objection(cmd, actor=actor, now=now or world.now)  # type: ignore[arg-type]


def accepted(world: World, now: object = None) -> Objection:
    now = now or world.now
    row = to_entry(world, world.mallory, now=now)
    for material in ("proof", "holder_refusal"):
        services.add_material(
            services.AddMaterial(row.pk, services.Upload(material, "a.pdf", "application/pdf", b"%PDF-1.4 " + material.encode())),
            actor=world.rita, now=now,  # type: ignore[arg-type]
        )  # fmt: skip
    return answer(row, "accept", world.rita, now)  # type: ignore[arg-type]


def test_the_profile_alone_chooses_the_table(shenzhen: World) -> None:
    row = issued(shenzhen, venue="shenzhen")
    assert Case.objects.get(pk=row.pk).procedure == "shenzhen.first"
    assert runtime.rules().profile.register("data-property").procedures["first"] == "shenzhen.first"
    entry = queries.entries_of(shenzhen.alice.org or 0)[0]
    shown = queries.certificate(entry.certificate_number)
    assert shown.kind == "data_product_certificate" and len(shown.credential["proof"]) == 2


def test_the_same_application_runs_the_hangzhou_table_at_hangzhou(world: World) -> None:
    row = issued(world)
    assert Case.objects.get(pk=row.pk).procedure == "hangzhou.first"
    entry = queries.entries_of(world.alice.org or 0)[0]
    assert queries.certificate(entry.certificate_number).kind == "data_property_certificate"


def test_no_line_of_the_app_asks_which_city_it_is_in() -> None:
    folder = Path(queries.__file__).parent
    cities = ("hangzhou", "shenzhen", "杭州", "深圳")
    told = [f"{p.name}: {city}" for p in folder.glob("*.py") for city in cities if city in p.read_text("utf-8").lower()]
    assert told == []


def test_the_materials_of_the_tables_are_those_of_the_rules(shenzhen: World) -> None:
    from shugu.kernel.rules import load_profile

    for venue in ("hangzhou", "shenzhen"):
        wanted = set(load_profile(venue, date(2026, 3, 2)).value("registry.materials_first", register="data-property").codes)
        steps = table(f"{venue}.first").steps
        assert wanted <= {m.id for s in steps for m in s.materials}, venue


def test_a_resource_needs_the_resource_table_and_gets_its_own_certificate(shenzhen: World) -> None:
    form = {"summary": "a", "industry": "transport", "region": "x", "source": "y", "scale": "1 TB",
            "span_from": "2013-01-01", "span_until": "2013-12-31"}  # fmt: skip
    issued(shenzhen, venue="shenzhen", object_kind="data_resource", form=form)
    entry = queries.entries_of(shenzhen.alice.org or 0)[0]
    assert queries.certificate(entry.certificate_number).kind == "data_resource_certificate"


def test_an_accredited_third_party_must_be_named(shenzhen: World) -> None:
    for reviewer in (None, shenzhen.mallory.org):
        with pytest.raises(InputInvalid) as refusal:
            cmd = application(shenzhen.alice, reviewer_org=reviewer)
            services.submit_filing(cmd, actor=shenzhen.alice, now=shenzhen.now)
        assert set(refusal.value.field_errors) == {"reviewer_org"}


def test_without_its_report_or_with_a_bad_conclusion_nothing_is_submitted(shenzhen: World) -> None:
    w = shenzhen
    row = services.submit_filing(application(w.alice, reviewer_org=w.quinn.org), actor=w.alice, now=w.now)
    with pytest.raises(NotInProcedure):
        act(row, "submit", w.alice, w.now)
    file(row, "source_proof", w.alice, w.now)
    act(row, "commission", w.alice, w.now)
    with pytest.raises(MaterialsMissing) as refusal:
        act(row, "report", w.quinn, w.now, review_conclusion="passed")
    assert refusal.value.article == "第十五条（五）"
    with pytest.raises(Forbidden):
        file(row, "substantive_review", w.alice, w.now)
    file(row, "substantive_review", w.quinn, w.now)
    act(row, "report", w.quinn, w.now, review_conclusion="failed")
    with pytest.raises(GuardRefused) as bad:
        act(row, "submit", w.alice, w.now)
    assert bad.value.article == "第十五条"


def test_refusal_is_on_a_ground_of_article_21(shenzhen: World) -> None:
    """What limits the interests in data. carries: P3-106"""
    row = submitted(shenzhen, venue="shenzhen")
    act(row, "accept", shenzhen.rita, shenzhen.now)
    with pytest.raises(InputInvalid):
        act(row, "refuse", shenzhen.rong, shenzhen.now, refusal_ground="incomplete_materials", reason="x")
    act(row, "refuse", shenzhen.rong, shenzhen.now, refusal_ground="core_data", reason="国家核心数据")
    assert state(row) == "refused"
    assert runtime.rules().value("registry.refusal_grounds").article == "第二十一条"


def test_the_formal_reviewer_is_another_person(shenzhen: World) -> None:
    from dataclasses import replace

    both = replace(shenzhen.rita, seats=frozenset({"registrar", "reviewer"}))
    row = submitted(shenzhen, venue="shenzhen")
    act(row, "accept", both, shenzhen.now)
    with pytest.raises(SeparationOfDuties):
        act(row, "pass", both, shenzhen.now)


def test_notice_and_correction_count_over_national_day(shenzhen: World) -> None:
    row = noticed(shenzhen, at(GOLDEN_WEEK), venue="shenzhen")
    with pytest.raises(TooEarly):
        act(row, "issue", shenzhen.rita, at(date(2026, 10, 10), 23, 59))
    act(row, "issue", shenzhen.rita, at(date(2026, 10, 11), 0, 0))
    other = submitted(shenzhen, at(GOLDEN_WEEK), venue="shenzhen")
    act(other, "ask_correction", shenzhen.rita, at(GOLDEN_WEEK), defects="缺一页")
    with pytest.raises(TooLate):
        act(other, "correct", shenzhen.alice, at(date(2026, 10, 17), 0, 0))
    act(other, "correct", shenzhen.alice, at(date(2026, 10, 16), 23, 59))


def test_the_third_partys_time_runs_over_national_day(shenzhen: World) -> None:
    """Fifteen working days after 28 September end on 23 October."""
    w, start = shenzhen, at(GOLDEN_WEEK)
    row = services.submit_filing(application(w.alice, reviewer_org=w.quinn.org), actor=w.alice, now=start)
    file(row, "source_proof", w.alice, start)
    act(row, "commission", w.alice, start)
    clock = Case.objects.get(pk=row.pk).clocks.get(clock="substantive_review_period")
    assert clock.due_on == date(2026, 10, 23)
    engine.sweep(at(date(2026, 10, 24), 0, 0))
    clock.refresh_from_db()
    assert clock.status == "overdue"


def test_an_accepted_objection_is_noted_on_the_certificate_with_its_article(shenzhen: World) -> None:
    issued(shenzhen, venue="shenzhen")
    accepted(shenzhen)
    entry = queries.entries_of(shenzhen.alice.org or 0)[0]
    lines = {line.facet.value: line.article for line in queries.certificate(entry.certificate_number).lines}
    assert lines["objected"] == ARTICLE and "valid" in lines
    needed = queries.undertaking_needed(entry.id, date(2026, 3, 20))
    assert needed is not None and needed[1] == ARTICLE
    assert queries.tradable(entry.id, date(2026, 3, 20)) == ()


def test_a_disposal_during_the_objection_goes_on_only_with_the_undertaking(shenzhen: World) -> None:
    from shugu.kernel import store
    from shugu.kernel.cases import HoldView
    from shugu.kernel.decide import _check_holds

    issued(shenzhen, venue="shenzhen")
    accepted(shenzhen)
    entry = queries.entries_of(shenzhen.alice.org or 0)[0]
    case = engine.open_case(
        "shenzhen.objection", actor=shenzhen.bob, now=shenzhen.now, title="另一办件", subjects=[f"registry.entry:{entry.id}"],
        parties=[PartyView("objector", None, shenzhen.bob.org)], data={"register": "data-property"},
    )  # fmt: skip
    view = store.read_case(case)
    hold: HoldView = view.holds[0]
    assert "dispose" in hold.forbids and hold.article == ARTICLE
    from dataclasses import replace

    step = replace(next(iter(table("shenzhen.objection").steps)), acts=("dispose",))
    with pytest.raises(UndertakingNeeded):
        _check_holds(view, step, Command(step.do))
    _check_holds(view, step, Command(step.do, undertaking=queries.UNDERTAKING))


def test_an_objection_accepted_is_proved_to_the_objector_until_it_ends(shenzhen: World) -> None:
    """Article 20. carries: P3-087"""
    issued(shenzhen, venue="shenzhen")
    row = accepted(shenzhen)
    (proof,) = Certificate.objects.filter(kind="objection_certificate")
    shown = queries.certificate(proof.number)
    told = shown.credential["credentialSubject"]["objection"]
    assert (told["number"], told["proceedings_due"], told["article"]) == (row.number, "2026-03-17", "第二十条")
    assert proof.holder_id == shenzhen.mallory.org
    assert queries.certificate_pdf(proof.number, "zh", now=shenzhen.now).startswith(b"%PDF-")
    answer(row, "withdraw", shenzhen.mallory, shenzhen.now)
    assert "cancelled" in queries.certificate(proof.number).facets


def test_proof_of_proceedings_is_taken_on_the_fifteenth_day_and_not_later(shenzhen: World) -> None:
    """The article says days: fifteen calendar days after 28 September end on 13 October."""
    issued(shenzhen, venue="shenzhen")
    start = at(GOLDEN_WEEK)
    row = accepted(shenzhen, start)
    last = at(date(2026, 10, 13), 23, 59)
    upload = services.AddMaterial(row.pk, services.Upload("acceptance_notice", "a.pdf", "application/pdf", b"%PDF-1.4 court"))
    services.add_material(upload, actor=shenzhen.mallory, now=last)
    with pytest.raises(TooLate):
        answer(row, "show_proceedings", shenzhen.mallory, at(date(2026, 10, 14), 0, 0))
    answer(row, "show_proceedings", shenzhen.mallory, last)
    assert state(row) == "litigating"


def test_an_objection_without_proceedings_lapses_and_bars_its_repetition(shenzhen: World) -> None:
    issued(shenzhen, venue="shenzhen")
    row = accepted(shenzhen, at(GOLDEN_WEEK))
    engine.sweep(at(date(2026, 10, 13), 23, 59))
    assert state(row) == "accepted"
    engine.sweep(at(date(2026, 10, 14), 0, 0))
    assert state(row) == "lapsed"
    entry = queries.entries_of(shenzhen.alice.org or 0)[0]
    assert "objected" not in entry.facets
    with pytest.raises(ObjectedBefore) as refusal:
        to_entry(shenzhen, shenzhen.mallory, now=at(date(2026, 10, 20)))
    assert refusal.value.article == ARTICLE
    to_entry(shenzhen, shenzhen.mallory, "wrong_content", now=at(date(2026, 10, 20)))


@pytest.mark.parametrize(("outcome", "facets"), [("uphold", {"suspended"}), ("dismiss", {"valid"})])
def test_the_legal_document_decides_what_becomes_of_the_entry(shenzhen: World, outcome: str, facets: set[str]) -> None:
    w, now = shenzhen, shenzhen.now + timedelta(days=20)
    issued(w, venue="shenzhen")
    row = accepted(w, now)
    file(row, "acceptance_notice", w.mallory, now)
    answer(row, "show_proceedings", w.mallory, now)
    with pytest.raises(MaterialsMissing):
        answer(row, outcome, w.rita, now, reason="判决")
    file(row, "legal_document", w.rita, now)
    answer(row, outcome, w.rita, now, reason="判决")
    assert queries.entries_of(w.alice.org or 0, date(2026, 4, 1))[0].facets == facets


def test_an_objection_withdrawn_is_struck_from_the_book(shenzhen: World) -> None:
    issued(shenzhen, venue="shenzhen")
    row = accepted(shenzhen)
    answer(row, "withdraw", shenzhen.mallory, shenzhen.now)
    assert queries.entries_of(shenzhen.alice.org or 0, date(2026, 4, 1))[0].facets == {"valid"}


def test_a_register_without_the_procedure_takes_no_objection_to_an_entry(world: World) -> None:
    issued(world)
    with pytest.raises(RegisterClosed):
        to_entry(world, world.mallory)


def test_the_cast_registers_an_entry_under_either_profile(shenzhen: World) -> None:
    entry = shenzhen.registered_entry()
    assert entry.facets == {"valid"} and entry.holder_org == shenzhen.alice.org


def test_the_cast_registers_an_entry_at_hangzhou(world: World) -> None:
    assert queries.tradable(world.registered_entry(world.carol).id, world.now.date()) == ()
