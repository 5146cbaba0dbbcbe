"""A court is handed a valuation: the package holds the sealed report and what the body signed, and the value follows again."""

from __future__ import annotations

import json

import pytest

from shugu.appraisal.tests import stages, valued
from shugu.evidence import queries, queries_package
from shugu.evidence import services as log
from shugu.evidence.extracting import ExtractPackage, extract_package
from shugu.formats.errors import ShuguError
from shugu.formats.package import read_zip
from shugu.formats.valuation import faults, value_of
from shugu.formats.verdicts import Verdict
from shugu.formats.verify import verify_document
from shugu.kernel import documents, signer
from tests.world import World


@pytest.mark.django_db
def test_the_package_of_a_valuation_holds_the_report_and_its_value_follows_again(world: World) -> None:
    valued.accredit(world)
    report = valued.valued(world, stages.entry(world))
    log.sequence_once(world.now)
    sealed = queries.sealed(report.credential_digest)
    assert verify_document(sealed, signer.keyring(), world.now).verdict is Verdict.SEALED
    with pytest.raises(ShuguError):
        extract_package(ExtractPackage((report.valuation.number,), "own"), actor=world.mallory, now=world.now)
    made = extract_package(ExtractPackage((report.valuation.number,), "own"), actor=world.alice, now=world.now)
    log.sequence_once(world.now)
    held = read_zip(queries_package.archive(made))
    assert documents.get(report.digest) in held.values()
    told = next(content for content in held.values() if content == documents.get(report.credential_digest))
    calculation = json.loads(told)["credentialSubject"]["calculation"]
    assert not faults(calculation) and value_of(calculation) == (73_815_500, 73_815_500)
