"""Many first registrations written at once stand in the book as those written one by one."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from typing import Any

import pytest

from shugu.formats.checks import Outcome
from shugu.formats.credential import verify_credential
from shugu.kernel import bulk, engine, signer
from shugu.kernel.cases import Command
from shugu.kernel.errors import NotFound
from shugu.kernel.models import Fact
from shugu.registry import queries, services
from shugu.registry.models import Account, Certificate, EntryVersion, Filing
from shugu.registry.tests import stages
from tests.world import World

pytestmark = pytest.mark.django_db


def told(row: Filing) -> dict[str, Any]:
    """What the book says of a filing, numbers and times of writing apart."""
    version = EntryVersion.objects.select_related("entry").get(filing=row)
    line = version.entry
    fact = json.loads(Fact.objects.get(pk=version.fact).payload or "{}")
    papers = list(Certificate.objects.filter(version=version).order_by("kind"))
    subject = [queries.certificate(c.number, line.entered_on).credential["credentialSubject"] for c in papers]
    plain = [{k: v for k, v in s.items() if k not in ("number", "filing", "entry", "title")} for s in subject]
    return {
        "line": (line.register, line.object_kind, line.holder_id, line.entered_on, line.content_sha256),
        "version": (version.version, version.rights, version.form, version.valid_from, version.valid_until),
        "shares": [(s.org_id, s.parts) for s in version.shares.order_by("pk")],
        "fact": (fact["fact"], fact["actor"], fact["rule_set"], sorted(fact["digests"]), sorted(fact["data"])),
        "papers": [(c.kind, c.holder_id, c.valid_until, c.issued_at, c.fact == version.fact) for c in papers],
        "subject": plain,
    }


def test_the_book_says_the_same_of_each(world: World) -> None:
    holders = ((world.alice.org or 0, 60), (world.bob.org or 0, 40))
    rows = [_joint(world, f"数据 {n}", holders) for n in (0, 1)] + [stages.noticed(world, title=f"数据 {n}") for n in (2, 3)]
    later = world.now + timedelta(days=14)
    engine.sweep(later)
    stages.act(rows[0], "issue", world.rita, later)
    stages.act(rows[2], "issue", world.rita, later)
    done = bulk.move_many([rows[1].pk, rows[3].pk], Command("issue"), actor=world.rita, now=later)
    assert done.refused == {} and len(done.moved) == 2
    assert told(rows[0]) == told(rows[1]) and told(rows[2]) == told(rows[3])
    assert Account.objects.filter(org_id=world.alice.org, closed_on__isnull=True).count() == 1
    for paper in Certificate.objects.all():
        shown = queries.certificate(paper.number, later.date())
        assert all(c.outcome is not Outcome.FAILED for c in verify_credential(dict(shown.credential), signer.keyring()))


def _joint(world: World, title: str, holders: tuple[tuple[int, int], ...]) -> Filing:
    """A filing of two holders, under notice."""
    row = services.submit_filing(
        stages.application(world.alice, title=title, holders=holders), actor=world.alice, now=world.now
    )
    for material in (*stages.UPLOADED["hangzhou"], "holders_agreement"):
        stages.file(row, material, world.alice, world.now)
    stages.act(row, "submit", world.alice, world.now)
    stages.act(row, "accept", world.rita, world.now)
    return stages.act(row, "pass", world.rong, world.now)


def test_a_batch_is_written_wholly_or_not_at_all(world: World, now: datetime) -> None:
    rows = [stages.noticed(world, title=f"数据 {n}") for n in range(2)]
    later = now + timedelta(days=14)
    engine.sweep(later)
    Filing.objects.filter(pk=rows[1].pk).update(operation="nothing-like-it")
    with pytest.raises(NotFound, match="nothing-like-it"):
        bulk.move_many([r.pk for r in rows], Command("issue"), actor=world.rita, now=later)
    assert not EntryVersion.objects.exists() and not Certificate.objects.exists()
