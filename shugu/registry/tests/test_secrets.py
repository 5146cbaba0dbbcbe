"""What the rules keep from strangers stays out of notices, certificates, the public book and the API."""

from __future__ import annotations

import json

import pytest

from shugu.registry import applications, queries, queries_notices
from shugu.registry.models import Account
from shugu.registry.tests.regimes import Regime
from shugu.registry.tests.test_api import Caller
from tests.world import World

pytestmark = pytest.mark.django_db


def test_no_secret_answer_is_printed_or_published(world: World) -> None:
    """carries: P1-048"""
    r = Regime(world, "data-ip")
    row = r.file(answers={"algorithm": "SECRET-ALGORITHM"})
    assert applications.secrets("data-ip") >= {"algorithm"}
    r.upload_all(row, "submit")
    r.act(row, "submit")
    r.act(row, "accept", world.rita)
    r.act(row, "pass", world.rong)
    assert "SECRET" not in json.dumps(dict(queries_notices.notice(row.number, r.now).form))
    r.at(r.now.date().replace(day=10)).sweep()
    r.act(row, "issue", world.rita)
    (certificate,) = r.certificates(row)
    assert "SECRET" not in queries.certificate_bytes(certificate.number).decode()
    told = Caller(world.mallory, r.now).get(f"/entries/{certificate.entry_number}")[1]
    assert "SECRET" not in json.dumps(told, ensure_ascii=False) and told["form"]["summary"]


def test_whoever_gains_an_entry_has_an_account_book(world: World) -> None:
    r = Regime(world, "data-property")
    number = world.registered_entry().number
    r.now = world.now
    row = r.file("transfer", entry=number, counterparty=world.bob.org)
    r.upload_all(row, "submit")
    r.act(row, "submit")
    r.act(row, "confirm", world.bob)
    r.act(row, "accept", world.rita)
    r.act(row, "issue", world.rong)
    assert Account.objects.filter(org_id=world.bob.org, register="data-property", closed_on__isnull=True).exists()
