"""The venue rotates its key while a provider's connector runs: its next grant and token are taken, the old ones go on."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
import pytest
from django.test import Client

from shugu.delivery import services
from shugu.delivery.models import Grant
from shugu.delivery.tests import stages
from shugu.delivery.tests.conftest import _funded, stage  # noqa: F401 - fixtures
from shugu.delivery.tests.stages import Plane, Stage
from shugu.evidence import rotation
from shugu.formats.keyhistory import Kind
from shugu.kernel import keystore, signer

pytestmark = pytest.mark.django_db


@contextmanager
def web(folder: Path) -> Iterator[str]:
    """A web server over a folder: what the connector sees of the venue."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(SimpleHTTPRequestHandler, directory=str(folder)))
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, str]]:
    folder = tmp_path_factory.mktemp("site")
    with web(folder) as url:
        yield folder, url


@pytest.fixture(scope="module")
def plane(
    django_db_setup: None, django_db_blocker: Any, tmp_path_factory: pytest.TempPathFactory, site: tuple[Path, str]
) -> Iterator[Plane]:
    with django_db_blocker.unblock():
        made = Plane(tmp_path_factory.mktemp("plane"), url=site[1])
    yield from stages.running(made)


@pytest.fixture()
def own_keys(stage: Stage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:  # noqa: F811
    """A copy of the test home's key files: what is made here is nobody else's."""
    folder = tmp_path / "keys"
    shutil.copytree(keystore.folder(), folder)
    monkeypatch.setattr(keystore, "folder", lambda: folder)
    signer.forget()
    yield
    signer.forget()


def test_a_grant_under_a_new_key_is_refused_only_while_the_history_is_out_of_reach(
    stage: Stage, site: tuple[Path, str], own_keys: None  # noqa: F811
) -> None:
    (old,) = signer.keyring().keys
    rotation.begin_key(rotation.BeginKey("intl"), actor=stage.world.otto, now=stage.now)
    stages.bound(stage)
    stages.opened(stage)
    pk = stages.grant_pk(stage)
    new = signer.keyring().keys[1]
    assert [p["verificationMethod"] for p in Grant.objects.get(pk=pk).document["proof"]] == [new.method]
    assert not services.push_grant(pk, stage.now)
    problem = stage.grant().problem
    assert problem is not None and new.method in str(problem) and "/.well-known/venue-keys.json" in str(problem)
    published = Client().get("/.well-known/venue-keys.json").content
    (site[0] / ".well-known").mkdir()
    (site[0] / ".well-known" / "venue-keys.json").write_bytes(published)
    kept = stage.plane.folder / "venue-keys.json"
    stage.plane.kill()
    stage.plane.start()
    assert services.push_grant(pk, stage.now) and stage.delivery().state == "granted"
    assert kept.read_bytes() == published
    assert httpx.head(stage.grant().url, headers=stages.headers(stages.token(stage)), trust_env=False).status_code == 200
    rotation.lose_key(old.key_id, actor=stage.world.otto, now=stage.now)
    assert [p.ended for p in signer.periods().periods] == [Kind.COMPROMISED, None]
    assert httpx.head(stage.grant().url, headers=stages.headers(stages.token(stage)), trust_env=False).status_code == 200
