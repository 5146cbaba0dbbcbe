"""A connector with an Ed25519 and an SM2 key: both are pinned, and what it signs must bear both."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from connector import home as homes
from shugu.delivery import queries, services
from shugu.delivery.connectors import signed_by
from shugu.delivery.errors import ConnectorMismatch
from shugu.delivery.models import Connector
from shugu.delivery.tests import stages
from shugu.delivery.tests.stages import Plane
from shugu.formats.delivery import BadDocument, Kind, sign_document
from shugu.kernel import runtime, signer
from shugu.kernel.errors import Forbidden, InputInvalid
from shugu.party import queries as parties
from tests.world import World

TWO = "two-keys"


class TwoKeys(Plane):
    """A connector made under suite `sm`."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.name, self.port = folder / TWO, TWO, stages.free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.child = None
        homes.create(self.folder, "http://127.0.0.1:9", signer.keyring().text(), name=TWO, suite="sm")
        home = homes.load(self.folder)
        self.keys = home.keys
        self.lines = home.keyring.text().splitlines()
        home.store.close()


@pytest.fixture(scope="module")
def two(django_db_setup: None, django_db_blocker: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[TwoKeys]:
    with django_db_blocker.unblock():
        made = TwoKeys(tmp_path_factory.mktemp("two"))
    made.start()
    try:
        yield made
    finally:
        made.kill()


@pytest.fixture()
def sm(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runtime, "suite", lambda: "sm")


def _register(world: World, two: TwoKeys, lines: list[str]) -> Connector:
    cmd = services.RegisterConnector(world.alice.org or 0, TWO, two.url, "\n".join(lines))
    return services.register_connector(cmd, actor=world.alice, now=world.now)


def test_a_venue_under_suite_sm_pins_both_keys(world: World, two: TwoKeys, sm: None) -> None:
    row = _register(world, two, two.lines)
    assert row.vkeys == two.lines and len(row.vkeys) == 2
    assert parties.connector_pinned(TWO) == (world.alice.org, tuple(two.lines))
    assert queries.connector(TWO, world.alice).vkeys == tuple(two.lines)
    assert services.check_connector(TWO, actor=world.alice, now=world.now).problem is None


@pytest.mark.parametrize("kept", [0, 1])
def test_a_venue_under_suite_sm_takes_no_connector_with_one_key_only(world: World, two: TwoKeys, sm: None, kept: int) -> None:
    with pytest.raises(InputInvalid) as refused:
        _register(world, two, [two.lines[kept]])
    assert "vkey" in refused.value.field_errors and not Connector.objects.exists()


def test_every_key_a_connector_signs_with_is_pinned_under_suite_intl_too(world: World, two: TwoKeys) -> None:
    with pytest.raises(InputInvalid) as refused:
        _register(world, two, two.lines[:1])
    assert two.lines[1] in refused.value.field_errors["vkey"][1]
    assert _register(world, two, two.lines).vkeys == two.lines


def test_two_lines_of_one_algorithm_and_a_line_that_is_none_are_refused(world: World, two: TwoKeys) -> None:
    for lines in ([two.lines[0], two.lines[0]], ["no key"], []):
        with pytest.raises(InputInvalid):
            _register(world, two, lines)


def test_a_document_must_bear_every_pinned_signature(world: World, two: TwoKeys, sm: None) -> None:
    row = _register(world, two, two.lines)
    both = sign_document(Kind.RECEIPT, {"connector": TWO}, list(two.keys), world.now)
    assert signed_by(row, both, Kind.RECEIPT)["connector"] == TWO
    for key in two.keys:
        one = sign_document(Kind.RECEIPT, {"connector": TWO}, [key], world.now)
        with pytest.raises(BadDocument):
            signed_by(row, one, Kind.RECEIPT)


def test_a_key_the_connector_does_not_publish_is_not_pinned(world: World, two: TwoKeys, tmp_path: Path, sm: None) -> None:
    stranger = TwoKeys(tmp_path)
    with pytest.raises(ConnectorMismatch):
        _register(world, two, [two.lines[0], stranger.lines[1]])
    assert parties.connector_keys(TWO) == ()


def test_the_operator_registers_only_what_its_owner_pinned(world: World, two: TwoKeys, sm: None) -> None:
    _register(world, two, two.lines)
    for lines in (two.lines, list(reversed(two.lines))):
        cmd = services.RegisterConnector(world.alice.org or 0, TWO, two.url, "\n".join(lines))
        row = services.register_connector(cmd, actor=world.otto, now=world.now + timedelta(minutes=1))
        assert row.vkeys == two.lines
    other = services.RegisterConnector(world.bob.org or 0, TWO, two.url, "\n".join(two.lines))
    with pytest.raises(Forbidden):
        services.register_connector(other, actor=world.otto, now=world.now)
