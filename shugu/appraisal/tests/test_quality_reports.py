"""A quality report enters only with a known connector's signature over figures that hold."""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from django.db import DatabaseError, transaction
from django.test import Client

from shugu.appraisal import queries, services
from shugu.appraisal.domain import basis_points, report_problem
from shugu.appraisal.errors import NotHolder, ReportRefused
from shugu.appraisal.models import QualityReport
from shugu.appraisal.services import TakeQualityReport
from shugu.appraisal.tests import stages
from shugu.formats.canonical import digest_hex
from shugu.formats.credential import require_credential
from shugu.kernel import clock, documents, signer
from shugu.kernel.cases import mandate
from shugu.kernel.errors import KeyConflict, NotFound
from shugu.kernel.models import Fact
from tests.world import World


def test_a_signed_report_is_bound_to_entry_and_data_and_signed_by_the_venue(world: World) -> None:
    entry = stages.entry(world)
    taken = stages.quality(world, entry.id)
    view = queries.quality_of(entry.id, world.now.date())
    assert view is not None and view.number == taken.number
    assert view.report_digest == digest_hex(view.report) and view.data_digest == view.report["data"]["revision"]
    assert 0 < (view.score or 0) <= 10_000 and len(view.dimensions) == 6
    credential = queries.quality_credential(view.number)
    subject = require_credential(credential, signer.keyring())["credentialSubject"]
    assert isinstance(subject, dict) and subject["report_sha256"] == view.report_digest
    fact = Fact.objects.get(pk=view.fact)
    assert view.report_digest in (fact.payload or "") and view.credential_digest in (fact.payload or "")
    assert documents.get(view.credential_digest) == signer.document_bytes(credential)


def test_a_report_can_be_relied_on_for_six_months_from_its_measurement(world: World) -> None:
    entry = stages.entry(world)
    until = stages.quality(world, entry.id).valid_until
    assert (until.year * 12 + until.month) - (world.now.year * 12 + world.now.month) == 6
    assert queries.quality_of(entry.id, until) is not None
    assert queries.quality_of(entry.id, until + timedelta(days=1)) is None
    assert queries.quality_of(entry.id, until, data_digest="0" * 64) is None


def test_delivery_may_take_a_report_under_its_mandate_and_taking_it_twice_gives_the_first(world: World) -> None:
    entry = stages.entry(world)
    document = stages.signed(stages.measured(world.now), stages.connect(world, world.alice), world.now)
    cmd = TakeQualityReport(entry.id, document)
    first = services.take_quality_report(cmd, actor=mandate("delivery", "order:1"), now=world.now)
    again = services.take_quality_report(cmd, actor=world.alice, now=world.now, key="take-report-1")
    assert first.pk == again.pk == services.take_quality_report(cmd, actor=world.alice, now=world.now, key="take-report-1").pk
    with pytest.raises(KeyConflict):
        services.take_quality_report(replace(cmd, entry_id=entry.id + 1), actor=world.alice, now=world.now, key="take-report-1")


def _tampered(document: dict[str, Any]) -> None:
    document["credentialSubject"]["report"]["overall"]["score"] = "1.0000"


def _other_file(document: dict[str, Any]) -> None:
    document["credentialSubject"]["file_sha256"] = "0" * 64


@pytest.mark.parametrize("spoil", [_tampered, _other_file, lambda d: d.pop("proof"), lambda d: d.pop("credentialSubject")])
def test_it_refuses_a_document_that_was_changed_after_signing(world: World, spoil: Callable[[dict[str, Any]], Any]) -> None:
    entry = stages.entry(world)
    document = stages.signed(stages.measured(world.now), stages.connect(world, world.alice), world.now)
    spoil(document)
    with pytest.raises(ReportRefused) as refused:
        services.take_quality_report(TakeQualityReport(entry.id, document), actor=world.alice, now=world.now)
    assert "document" in refused.value.field_errors and not QualityReport.objects.exists()


def test_it_refuses_an_unknown_connector_and_one_of_another_organisation(world: World) -> None:
    entry = stages.entry(world)
    report = stages.measured(world.now)
    stranger = stages.signed(report, stages.connector_key("nobody"), world.now, "nobody")
    other = stages.signed(report, stages.connect(world, world.mallory, "mallory-connector"), world.now, "mallory-connector")
    for document in (stranger, other):
        with pytest.raises(ReportRefused):
            services.take_quality_report(TakeQualityReport(entry.id, document), actor=world.alice, now=world.now)


def test_it_refuses_a_report_from_the_future_and_one_past_its_validity(world: World) -> None:
    entry = stages.entry(world)
    key = stages.connect(world, world.alice)
    for moment in (world.now + timedelta(days=1), world.now - timedelta(days=200)):
        document = stages.signed(stages.measured(moment), key, world.now)
        with pytest.raises(ReportRefused):
            services.take_quality_report(TakeQualityReport(entry.id, document), actor=world.alice, now=world.now)


def test_a_stranger_cannot_hand_in_a_report_on_somebody_elses_entry(world: World) -> None:
    entry = stages.entry(world)
    key = stages.connect(world, world.mallory, "m-connector")
    document = stages.signed(stages.measured(world.now), key, world.now, "m-connector")
    with pytest.raises(NotHolder):
        services.take_quality_report(TakeQualityReport(entry.id, document), actor=world.mallory, now=world.now)
    with pytest.raises(NotFound):
        services.take_quality_report(TakeQualityReport(999_999, document), actor=world.alice, now=world.now)


def test_a_report_is_never_changed_in_the_database(world: World) -> None:
    taken = stages.quality(world, stages.entry(world).id)
    with pytest.raises(DatabaseError), transaction.atomic():
        QualityReport.objects.filter(pk=taken.pk).update(score=10_000)


def test_figures_that_do_not_follow_from_their_counts_are_no_report(now: Any) -> None:
    report = stages.measured(now)
    assert report_problem(report) is None
    for place, dimension in enumerate(report["dimensions"]):
        for at, indicator in enumerate(dimension["indicators"]):
            if indicator["outcome"] != "scored" or indicator["a"] == indicator["b"]:
                continue
            false = copy.deepcopy(report)
            false["dimensions"][place]["indicators"][at]["a"] = indicator["b"]
            assert report_problem(false) is not None
    for missing in ("data", "dimensions", "overall"):
        assert report_problem({k: v for k, v in report.items() if k != missing}) is not None
    assert report_problem([]) is not None and report_problem({"kind": "other"}) is not None


@pytest.mark.parametrize("wrong", ["1.5", "-0.1", "nan", "x", 1])
def test_a_score_outside_zero_to_one_is_refused(wrong: object) -> None:
    with pytest.raises(ValueError):
        basis_points(wrong)


def test_page_json_and_pdf_show_the_report_to_everybody(world: World, client: Client) -> None:
    taken = stages.quality(world, stages.entry(world).id)
    for lang in ("zh", "en"):
        page = client.get(f"/quality/{taken.number}/?lang={lang}")
        assert page.status_code == 200 and taken.data_digest in page.content.decode() and "<svg" in page.content.decode()
    assert "不可评价" in client.get(f"/quality/{taken.number}/?lang=zh").content.decode()
    told = client.get(f"/quality/{taken.number}.json").json()
    assert told["credential"]["credentialSubject"]["report_sha256"] == taken.report_digest
    pdf = client.get(f"/quality/{taken.number}.pdf")
    assert pdf.content.startswith(b"%PDF-") and pdf.content == queries.quality_pdf(taken.number, "zh", now=clock.now())
    assert client.get(f"/api/quality/{taken.number}").json()["data_sha256"] == taken.data_digest
    assert client.get("/quality/RPT-none/").status_code == 404
