"""What anybody may read is proved to anybody, and opens nothing but its number; all else stays with its parties."""

from __future__ import annotations

import json

import pytest
from django.test import Client

from shugu.evidence import queries
from shugu.evidence import services as log
from shugu.formats.pdf import verify_pdf
from shugu.formats.sealed import read_sealed
from shugu.formats.verdicts import Verdict
from shugu.kernel import clock, own_documents, publishing
from shugu.kernel.models import Fact
from shugu.party.models import Accreditation
from shugu.registry.models import Certificate
from shugu.registry.tests import stages
from tests.world import World

pytestmark = pytest.mark.django_db


def test_a_stranger_has_the_proof_of_a_public_certificate_and_reads_no_more_than_its_number(world: World) -> None:
    stages.issued(world)
    log.sequence_once(world.now)
    accredited = Accreditation.objects.exclude(digest="").order_by("pk")[0]
    for row in (Certificate.objects.get(), accredited):
        sealed = queries.sealed_for(row.digest, None)
        told = json.loads(sealed)["fact"]["payload"]
        assert (told["fact"], told["data"]) == (publishing.PUBLISHED, {"number": row.number})
        assert told["actor"] == {"kind": "mandate", "reference": "venue:publication"} and "case" not in told
        assert own_documents.verifier(clock.now()).sealed(read_sealed(sealed)).verdict is Verdict.SEALED
        assert queries.sealed_for(row.digest, world.alice) == sealed
    paper = Client().get(f"/certificates/{Certificate.objects.get().number}.pdf").content
    assert verify_pdf(paper, own_documents.verifier(clock.now())).verdict is Verdict.SEALED


def test_what_the_move_told_stays_with_its_parties(world: World) -> None:
    stages.issued(world)
    log.sequence_once(world.now)
    entered = Fact.objects.get(name="entry.entered")
    assert queries.evidence_of(entered.pk, None).opened is None
    assert queries.evidence_of(entered.pk, world.alice).opened is not None
