"""A newer report supersedes the older ones of the same entry, in the lists as by its number."""

from __future__ import annotations

from datetime import timedelta

import pytest

from shugu.appraisal.models import ComplianceReport
from shugu.appraisal.tests import stages
from shugu.kernel import credentials, status_audit
from shugu.kernel.workdays import local_day
from tests.lists import facets_of
from tests.world import World

pytestmark = pytest.mark.django_db


def test_a_newer_quality_report_stands_in_the_place_of_the_older(world: World) -> None:
    entry = stages.entry(world)
    first = stages.quality(world, entry.id)
    taken = local_day(world.now)
    assert facets_of(first.credential_digest, world.now) == {"valid"}
    world.now += timedelta(days=3)
    second = stages.quality(world, entry.id, rows=61)
    assert facets_of(first.credential_digest, world.now) == {"superseded"}
    assert facets_of(second.credential_digest, world.now) == {"valid"}
    now, then = (credentials.standing(first.number, on) for on in (local_day(world.now), taken))
    assert now is not None and now.facets == {"superseded"} and now.public
    assert then is not None and then.facets == {"valid"}
    assert not list(status_audit.audit_status())


def test_a_newer_compliance_report_too_and_strangers_are_told_by_its_digest_only(world: World) -> None:
    entry = stages.entry(world)
    for _ in range(2):
        stages.compliance(world, entry.id)
        world.now += timedelta(days=1)
    older, newer = ComplianceReport.objects.order_by("pk")
    assert facets_of(older.credential_digest, world.now) == {"superseded"}
    assert facets_of(newer.credential_digest, world.now) == {"valid"}
    found = credentials.standing(older.number, local_day(world.now))
    assert found is not None and not found.public and found.fact and found.digest == older.credential_digest
    assert not list(status_audit.audit_status())
