"""An assignment: ordered, accepted or declined, reported with enough signatures, delivered, late."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
from django.db import DatabaseError, transaction
from django.http import HttpResponse
from django.test import RequestFactory

from shugu.appraisal import compliance_paper, queries, services
from shugu.appraisal.errors import BodyNotAccredited, NotHolder
from shugu.appraisal.models import ComplianceReport
from shugu.appraisal.services import ActOnAssignment, OrderCompliance
from shugu.appraisal.tests import stages
from shugu.formats.credential import require_credential
from shugu.formats.pdf import verify_pdf
from shugu.formats.verdicts import Verdict
from shugu.kernel import clock, documents, engine, own_documents, signer
from shugu.kernel.errors import Forbidden, InputInvalid, KeyConflict, NotFound, NotInProcedure, NotYourStep
from shugu.kernel.models import Case, Fact
from shugu.party import services as party
from shugu.web import case_pages
from tests.seated import signed_in
from tests.world import World


def state(case: int) -> str:
    return Case.objects.get(pk=case).state


def test_a_report_is_ordered_accepted_filed_and_delivered(world: World) -> None:
    entry = stages.entry(world)
    row = stages.compliance(world, entry.id)
    assert state(row.pk) == "delivered"
    view = queries.compliance_of(entry.id, world.now.date())
    assert view is not None and view.passed and view.body == world.quinn.org
    assert (view.valid_until - world.now.date()).days in (365, 366)
    assert queries.compliance_of(entry.id, view.valid_until + timedelta(days=1)) is None
    body = require_credential(json.loads(documents.get(view.credential_digest)), signer.keyring())
    assert body["type"] == ["VerifiableCredential", "ComplianceReport"]
    fact = Fact.objects.get(case_id=row.pk, name="assignment.delivered")
    assert view.digest in (fact.payload or "")
    assert not any("奎音" in (f.payload or "") for f in Fact.objects.filter(case_id=row.pk))


def test_the_venues_certificate_over_the_report_is_had_on_paper_by_both_sides_alone(world: World) -> None:
    row = stages.ordered(world, stages.entry(world).id)
    with pytest.raises(NotFound):
        compliance_paper.credential_of(queries.assignment(row.number, world.alice))
    row = stages.compliance(world, row.entry_id)
    address = f"/assignments/{row.number}/certificate"
    for reader in (world.alice, world.quinn):
        answer = signed_in(reader).get(f"{address}.pdf")
        report = verify_pdf(answer.content, own_documents.verifier(clock.now()))
        assert report.verdict in (Verdict.SIGNED, Verdict.SEALED), report.text("en")
    content, digest = compliance_paper.credential_of(queries.assignment(row.number, world.alice))
    assert signed_in(world.alice).get(f"{address}.json").content == content
    shown = signed_in(world.alice).get(f"/assignments/{row.number}/").content.decode()
    assert f"{address}.pdf" in shown and f"/assignments/{row.number}/report.pdf" in shown
    paper = compliance_paper.document(queries.assignment(row.number, world.alice), json.loads(content), digest)
    told = {one.label.en: one.value for section in paper.sections for one in section.rows}
    assert told["The body's report"] == f"sha256:{json.loads(content)['credentialSubject']['report_sha256']}"
    for form in (".pdf", ".json"):
        assert signed_in(world.mallory).get(address + form).status_code == 404


def test_a_failing_conclusion_is_delivered_but_does_not_pass(world: World) -> None:
    entry = stages.entry(world)
    stages.compliance(world, entry.id, "not_compliant")
    view = queries.compliance_of(entry.id, world.now.date())
    assert view is not None and not view.passed


def test_only_a_holder_orders_and_only_from_an_accredited_unrelated_body(world: World) -> None:
    entry = stages.entry(world)
    assert world.quinn.org and world.bob.org and world.alice.org
    with pytest.raises(NotHolder):
        services.order_compliance(OrderCompliance(entry.id, world.quinn.org), actor=world.mallory, now=world.now)
    with pytest.raises(BodyNotAccredited):
        services.order_compliance(OrderCompliance(entry.id, world.bob.org), actor=world.alice, now=world.now)
    world.accredit(world.alice, "service_body:compliance")
    with pytest.raises(InputInvalid) as refused:
        services.order_compliance(OrderCompliance(entry.id, world.alice.org), actor=world.alice, now=world.now)
    assert "body_org" in refused.value.field_errors


def test_a_body_that_shares_a_member_with_the_holder_stands_aside(world: World) -> None:
    entry = stages.entry(world)
    assert world.quinn.org and world.alice.person
    party.add_member(party.AddMember(world.quinn.org, world.alice.person, ("act",)), actor=world.quinn, now=world.now)
    with pytest.raises(InputInvalid) as refused:
        services.order_compliance(OrderCompliance(entry.id, world.quinn.org), actor=world.alice, now=world.now)
    assert "body_org" in refused.value.field_errors


def test_the_body_may_decline_with_a_reason_and_the_holder_may_not_accept_for_it(world: World) -> None:
    row = stages.ordered(world, stages.entry(world).id)
    with pytest.raises(NotYourStep):
        services.accept_assignment(row.pk, actor=world.alice, now=world.now)
    with pytest.raises(InputInvalid):
        services.decline_assignment(row.pk, "", actor=world.quinn, now=world.now)
    services.decline_assignment(row.pk, "排期已满", actor=world.quinn, now=world.now)
    assert state(row.pk) == "declined"
    with pytest.raises(NotInProcedure):
        services.accept_assignment(row.pk, actor=world.quinn, now=world.now)


def test_silence_ends_an_assignment_and_a_late_report_is_marked_overdue(world: World) -> None:
    entry = stages.entry(world)
    silent, late = stages.ordered(world, entry.id), stages.ordered(world, entry.id)
    services.accept_assignment(late.pk, actor=world.quinn, now=world.now)
    engine.sweep(world.now + timedelta(days=40))
    assert state(silent.pk) == "lapsed" and state(late.pk) == "accepted"
    assert Fact.objects.filter(case_id=late.pk, name="clock.overdue").count() == 1
    services.file_compliance_report(stages.report_of(late.pk), actor=world.quinn, now=world.now + timedelta(days=41))
    assert state(late.pk) == "reported"


def test_a_report_needs_a_pdf_a_known_conclusion_and_two_signers(world: World) -> None:
    row = stages.ordered(world, stages.entry(world).id)
    services.accept_assignment(row.pk, actor=world.quinn, now=world.now)
    for wrong, field in (
        ({"signers": ("奎音", " 奎音 ")}, "signers"), ({"conclusion": "fine"}, "conclusion"), ({"summary": " "}, "summary"),
        ({"content": b"GIF89a"}, "file"), ({"content": b""}, "file"),
    ):  # fmt: skip
        with pytest.raises(InputInvalid) as refused:
            services.file_compliance_report(stages.report_of(row.pk, **wrong), actor=world.quinn, now=world.now)
        assert set(refused.value.field_errors) == {field}
    assert state(row.pk) == "accepted" and not ComplianceReport.objects.exists()
    with pytest.raises(Forbidden):
        services.file_compliance_report(stages.report_of(row.pk), actor=world.alice, now=world.now)


def test_a_report_may_be_replaced_until_delivery_and_never_after(world: World) -> None:
    row = stages.ordered(world, stages.entry(world).id)
    services.accept_assignment(row.pk, actor=world.quinn, now=world.now)
    services.file_compliance_report(stages.report_of(row.pk, conclusion="not_compliant"), actor=world.quinn, now=world.now)
    services.file_compliance_report(stages.report_of(row.pk), actor=world.quinn, now=world.now)
    services.deliver_compliance_report(row.pk, actor=world.quinn, now=world.now)
    delivered = ComplianceReport.objects.get(delivered_at__isnull=False)
    assert delivered.conclusion == "compliant"
    with pytest.raises(NotInProcedure):
        services.file_compliance_report(stages.report_of(row.pk), actor=world.quinn, now=world.now)
    with pytest.raises(DatabaseError), transaction.atomic():
        ComplianceReport.objects.filter(pk=delivered.pk).update(conclusion="not_compliant")


def test_a_repeated_order_with_its_key_is_one_order(world: World) -> None:
    entry = stages.entry(world)
    assert world.quinn.org
    cmd = OrderCompliance(entry.id, world.quinn.org, "甲")
    first = services.order_compliance(cmd, actor=world.alice, now=world.now, key="order-12345")
    again = services.order_compliance(cmd, actor=world.alice, now=world.now, key="order-12345")
    assert first.pk == again.pk
    other = OrderCompliance(entry.id, world.quinn.org, "乙")
    with pytest.raises(KeyConflict):
        services.order_compliance(other, actor=world.alice, now=world.now, key="order-12345")


def test_a_stranger_sees_no_assignment(world: World) -> None:
    row = stages.ordered(world, stages.entry(world).id)
    with pytest.raises(NotFound):
        queries.assignment(row.number, world.mallory)
    assert queries.assignments(world.mallory) == ([], 0)
    assert queries.assignment(row.number, world.quinn).holder == world.alice.org
    assert queries.assignments(world.sven)[1] == 1


def test_a_report_is_not_filed_as_a_plain_act(world: World) -> None:
    row = stages.ordered(world, stages.entry(world).id)
    with pytest.raises(InputInvalid):
        services.act_on_assignment(ActOnAssignment(row.pk, "file"), actor=world.quinn, now=world.now)


def _page(world: World, view: Any, path: str, *args: str, **kept: Any) -> HttpResponse:
    request = RequestFactory().get(path, **kept)
    request.actor, request.htmx = world.quinn, False  # type: ignore[attr-defined]
    answer = view(request, *args)
    assert isinstance(answer, HttpResponse)
    return answer


def test_the_case_leads_the_body_to_the_form_of_its_report_and_asks_for_nothing_twice(world: World) -> None:
    entry = stages.entry(world)
    row = services.order_compliance(OrderCompliance(entry.id, world.quinn.org or 0), actor=world.alice, now=world.now)
    services.act_on_assignment(ActOnAssignment(row.pk, "accept"), actor=world.quinn, now=world.now)
    shown = _page(world, case_pages.case_page, "/", row.case.number).content.decode()
    assert f'href="/assignments/{row.number}/report/" data-act="file"' in shown
    assert "结论代码表" not in shown and "materials-needed" not in shown


def test_an_act_begun_on_the_page_of_its_object_ends_there(world: World) -> None:
    entry = stages.entry(world)
    row = services.order_compliance(OrderCompliance(entry.id, world.quinn.org or 0), actor=world.alice, now=world.now)
    page, form = f"/assignments/{row.number}/", f"/cases/{row.case.number}/decline/"
    begun = _page(world, case_pages.act_page, form, row.case.number, "decline", headers={"referer": f"https://x{page}"})
    assert f'name="back" value="{page}"' in begun.content.decode()
    sent = RequestFactory().post(form, {"back": page})
    assert case_pages._back(sent, row.case) == page
    sent = RequestFactory().post(form, {"back": "https://elsewhere.example/"})
    assert case_pages._back(sent, row.case) == f"/cases/{row.case.number}/"
