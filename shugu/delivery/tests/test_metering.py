"""The connector's own count, asked while data flow."""

from __future__ import annotations

from pathlib import Path

import httpx
import pytest
from django.test import RequestFactory

from shugu.delivery import api, metering, services, views
from shugu.delivery.errors import ConnectorUnreachable, NotOpen
from shugu.delivery.tests import stages
from shugu.delivery.tests.stages import Stage, headers
from shugu.kernel import clock
from shugu.kernel.errors import NotFound
from shugu.kernel.models import Fact


def test_the_count_grows_while_data_flow_and_receipts_alone_count(
    stage: Stage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    number = stages.granted(stage).number

    def told() -> tuple[int, int, int, int]:
        found = metering.live_meter(number, stage.world.alice, stage.now)
        return found.deliveries, found.complete, found.sent, found.billable

    assert told() == (0, 0, 0, 0)
    half, size = stage.plane.size // 2, stage.plane.size
    for _ in range(2):
        got = httpx.get(stage.grant().url, headers=headers(stages.token(stage), Range=f"bytes=0-{half - 1}"), trust_env=False)
        assert got.status_code == 206
    before = Fact.objects.count()
    assert told() == (1, 0, 2 * half, half) and stage.grant().usage.sent == 0
    monkeypatch.setattr(clock, "now", lambda: stage.now)
    request = RequestFactory().get("/")
    request.actor = stage.world.bob  # type: ignore[attr-defined]
    assert api.meter(request, number)["billable_bytes"] == half
    request = RequestFactory().post("/")
    request.actor = stage.world.bob  # type: ignore[attr-defined]
    assert f"计费 {half} 字节" in views.meter(request, number).content.decode()
    assert Fact.objects.count() == before
    stages.pulled(stage, tmp_path / "got.parquet")
    assert told()[1:] == (1, 3 * half + size - half, size)


def test_it_tells_nothing_to_strangers_without_a_grant_or_of_a_silent_connector(stage: Stage) -> None:
    stages.bound(stage)
    stages.opened(stage)
    number = stage.delivery().number
    with pytest.raises(NotOpen):
        metering.live_meter(number, stage.world.bob, stage.now)
    assert services.push_grant(stages.grant_pk(stage), stage.now)
    with pytest.raises(NotFound):
        metering.live_meter(number, stage.world.mallory, stage.now)
    stage.plane.kill()
    with pytest.raises(ConnectorUnreachable):
        metering.live_meter(number, stage.world.bob, stage.now)
