"""The certificate of accreditation on paper: whose it is, in both languages, signed, and gone from strangers once withdrawn."""

from __future__ import annotations

import io

import pikepdf
import pytest
from django.test import Client

from shugu.formats.pdf import CREDENTIAL, verify_pdf
from shugu.formats.verdicts import Verdict
from shugu.kernel import clock, own_documents
from shugu.party import accreditation_paper, services
from shugu.party.models import Accreditation
from tests.seated import signed_in
from tests.world import World

pytestmark = pytest.mark.django_db


def test_a_merchant_holds_its_certificate_as_paper_and_a_stranger_may_check_it(world: World) -> None:
    row = Accreditation.objects.exclude(digest="").filter(org_id=world.alice.org).order_by("pk")[0]
    address = f"/accreditations/{row.number}"
    answer = Client().get(f"{address}.pdf")
    assert answer.status_code == 200 and answer["Content-Type"] == "application/pdf"
    report = verify_pdf(answer.content, own_documents.verifier(clock.now()))
    assert report.verdict in (Verdict.SIGNED, Verdict.SEALED), report.text("en")
    with pikepdf.open(io.BytesIO(answer.content)) as read:
        assert str(read.docinfo.Keywords) == row.number and CREDENTIAL in read.attachments
    assert Client().get(f"{address}.json").content == accreditation_paper.certificate(row.number)[0]
    assert Client().get(f"/api{address}/certificate").json()["credentialSubject"]["number"] == row.number
    assert f"{address}.pdf" in signed_in(world.alice).get(f"/organisations/{row.org.number}/").content.decode()
    short = Client().get(f"/v/{row.number}")
    assert short.status_code == 302 and row.number in short["Location"]
    services.withdraw_accreditation(services.WithdrawAccreditation(row.number, "违规"), actor=world.otto, now=world.now)
    assert {Client().get(address + form).status_code for form in (".pdf", ".json")} == {404}
    assert Client().get("/accreditations/MER-2026-999999.pdf").status_code == 404
    assert signed_in(world.alice).get(f"{address}.pdf").status_code == 200


def test_the_paper_says_what_the_credential_says(world: World) -> None:
    row = Accreditation.objects.exclude(digest="").filter(org_id=world.alice.org).order_by("pk")[0]
    from shugu.formats.canonical import parse_object

    content, digest = accreditation_paper.certificate(row.number)
    shown = accreditation_paper.document(parse_object(content), digest)
    values = {one.label.en: one.value for section in shown.sections for one in section.rows}
    assert values["Organisation"] == row.org.name and values["Credit code"] == row.org.uscc
    assert values["This certificate"] == f"sha256:{digest}" and shown.qr_url.endswith(f"/v/{row.number}")
