from __future__ import annotations

import os
import time
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import fsspec
import pytest
from fsspec.implementations.memory import MemoryFileSystem

from shugu.evidence import queries, services, tile_files
from shugu.evidence.errors import LogForked, ObjectDiffers, StoreFails, StoreUnusable, TileMissing, WriterSuperseded
from shugu.evidence.local_store import LocalStore
from shugu.evidence.log_audit import audit_log
from shugu.evidence.models import LogState
from shugu.evidence.object_store import FOR_EVER, ObjectStore
from shugu.evidence.stores import CHECKPOINT, LogStore, nothing
from shugu.evidence.tests.conftest import Write
from shugu.formats import checkpoint as checkpoints
from shugu.formats.checkpoint import Checkpoint as TreeHead
from shugu.formats.suites import new_keys
from shugu.kernel import runtime
from shugu.kernel.home import Home


class Reign:
    """A term that nobody has superseded in the database: what is left is the store's own fence."""

    def __init__(self, holder: str) -> None:
        self.holder = holder

    def check(self) -> None:
        self.pulse()

    def pulse(self) -> None:
        assert self.holder


@pytest.fixture(params=["disk", "file", "memory", "bucket"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[LogStore]:
    """The disk, a folder and a memory through fsspec, a bucket of an S3 server on this machine."""
    if request.param == "disk":
        yield LocalStore(tmp_path)
    elif request.param == "bucket":
        yield request.getfixturevalue("bucket")
    else:
        opened = ObjectStore(f"{request.param}://{tmp_path}/log", {})
        yield opened
        if opened.exists(CHECKPOINT):
            opened.files.rm(opened.root, recursive=True)


@pytest.fixture(scope="module")
def s3() -> Iterator[str]:
    pytest.importorskip("s3fs", reason="SKIPPED: no s3fs, so no log in a bucket is tried")
    server = pytest.importorskip("moto.server", reason="SKIPPED: no moto, so no log in a bucket is tried")
    running = server.ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    running.start()
    yield "http://{}:{}".format(*running.get_host_and_port())
    running.stop()


@pytest.fixture()
def bucket(s3: str, tmp_path: Path) -> ObjectStore:
    """As home.toml and log_store.toml open it, in a bucket of its own."""
    import s3fs

    name = f"log-{abs(hash(tmp_path)):x}"
    options = {"key": "reader", "secret": "not-to-be-shown", "endpoint_url": s3}
    s3fs.S3FileSystem(**options).mkdir(name)
    file = tmp_path / "log_store.toml"
    file.write_text("[options]\n" + "".join(f'{k} = "{v}"\n' for k, v in options.items()), "utf-8")
    file.chmod(0o600)
    opened = tile_files._opened(f"s3://{name}/venue/log", file, os.getpid())
    assert isinstance(opened, ObjectStore)
    return opened


def head(size: int, fill: bytes = b"\x01") -> bytes:
    return checkpoints.sign(TreeHead("venue.example/log", size, fill * 32), _KEYS)


_KEYS = list(new_keys("intl", "venue.example/log"))


def begun(store: LogStore, holder: str = "a") -> Reign:
    term = Reign(holder)
    store.begin(term)
    return term


def test_what_was_written_is_read_and_named(store: LogStore) -> None:
    term = begun(store)
    files = {"tile/0/000.p/2": b"\x01" * 64, "tile/entries/000.p/2": b"\x00\x01a\x00\x01b"}
    assert store.published() is None and not store.exists("tile/0/000.p/2")
    store.write(files, term, nothing)
    store.write(files, term, nothing)
    store.publish(head(2), term, nothing)
    assert {name: store.read(name) for name in store.names()} == {**files, CHECKPOINT: head(2)}
    assert store.published() == head(2) and store.exists("tile/0/000.p/2")
    with pytest.raises(TileMissing):
        store.read("tile/0/001")


def test_an_object_never_changes_and_the_refusal_names_it(store: LogStore) -> None:
    term = begun(store)
    store.write({"tile/0/000": b"\x01" * 32}, term, nothing)
    with pytest.raises(ObjectDiffers, match="tile/0/000"):
        store.write({"tile/0/000": b"\x02" * 32}, term, nothing)
    assert store.read("tile/0/000") == b"\x01" * 32
    store.write({"tile/0/000": b"\x02" * 32}, term, nothing, mend=True)
    assert store.read("tile/0/000") == b"\x02" * 32


def test_an_older_or_another_checkpoint_is_never_put_over_a_later_one(store: LogStore) -> None:
    term = begun(store)
    store.publish(head(5), term, nothing)
    for other in (head(4), head(5, b"\x02")):
        with pytest.raises(LogForked):
            store.publish(other, term, nothing)
    assert store.published() == head(5)


@pytest.mark.django_db
def test_a_log_grows_and_is_audited_in_any_store(
    store: LogStore, write: Write, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tile_files, "store", lambda: store)
    ids = write(300)
    services.sequence_once(now)
    write(40)
    services.sequence_once(now)
    assert list(audit_log()) == []
    assert queries.badge(ids[7]).state is queries.BadgeState.SEALED
    assert {"tile/0/000", "tile/entries/000", "tile/0/001.p/84", CHECKPOINT} <= set(store.names())


@pytest.mark.parametrize("step", ["checkpoint written aside", "checkpoint synced", "term checked"])
def test_a_writer_frozen_before_it_names_its_checkpoint_has_nothing_left_to_name(tmp_path: Path, step: str) -> None:
    """It has looked that its term is the present one; then it sleeps, and wakes after the next one has published."""
    store = LocalStore(tmp_path)
    old = begun(store)

    def frozen(name: str) -> None:
        if name == step:
            successor = begun(store, "b")
            store.write({"tile/0/000.p/9": b"\x01" * 288}, successor, nothing)
            store.publish(head(9), successor, nothing)

    with pytest.raises(WriterSuperseded):
        store.publish(head(8), old, frozen)
    assert store.published() == head(9)
    with pytest.raises(WriterSuperseded):
        store.write({"tile/0/000.p/8": b"\x01" * 256}, old, nothing)


def test_a_checkpoint_that_another_writer_put_out_meanwhile_is_not_replaced(bucket: ObjectStore) -> None:
    """S3 exchanges it against the ETag that was read."""
    for size in (3, 8):
        if size == 8:
            bucket.publish(head(4), begun(bucket), nothing)

        def late(step: str, ahead: bytes = head(size + 1)) -> None:
            if step == "term checked":
                bucket.publish(ahead, begun(bucket, "b"), nothing)

        with pytest.raises(StoreFails):
            bucket.publish(head(size), begun(bucket), late)
        assert bucket._held(CHECKPOINT) == head(size + 1)
        bucket.files.rm(bucket.root, recursive=True)


def test_objects_in_a_bucket_say_how_long_they_last(bucket: ObjectStore) -> None:
    term = begun(bucket)
    bucket.write({"tile/0/000": b"\x01" * 32}, term, nothing)
    bucket.publish(head(1), term, nothing)
    name, _, prefix = bucket.root.partition("/")
    told = {
        path: bucket.files.call_s3("head_object", Bucket=name, Key=f"{prefix}/{path}") for path in ("tile/0/000", CHECKPOINT)
    }
    assert told["tile/0/000"]["CacheControl"] == FOR_EVER
    assert told["tile/0/000"]["ContentType"] == "application/octet-stream"
    assert told[CHECKPOINT]["CacheControl"] == "public, max-age=1"
    assert told[CHECKPOINT]["ContentType"] == "text/plain; charset=utf-8"


class Whimsical(MemoryFileSystem):  # type: ignore[misc]
    """A bucket that answers before it has done what it says."""

    protocol = "whimsical"
    store: dict[str, Any] = {}
    pseudo_dirs: list[str] = [""]
    lies = False
    lag = 0.0
    written: dict[str, float] = {}

    def pipe_file(self, path: str, value: bytes, mode: str = "overwrite", **more: Any) -> None:
        if not self.lies:
            super().pipe_file(path, value, mode)
            self.written[path] = time.monotonic()

    def cat_file(self, path: str, *where: Any, **more: Any) -> bytes:
        if time.monotonic() - self.written.get(path, 0) < self.lag:
            raise FileNotFoundError(path)
        return bytes(super().cat_file(path, *where, **more))


@pytest.fixture()
def whimsical(monkeypatch: pytest.MonkeyPatch) -> ObjectStore:
    fsspec.register_implementation("whimsical", Whimsical, clobber=True)
    for name, fresh in (("store", {}), ("written", {}), ("pseudo_dirs", [""])):
        monkeypatch.setattr(Whimsical, name, fresh)
    opened = ObjectStore("whimsical://bucket/log", {})
    monkeypatch.setattr(tile_files, "store", lambda: opened)
    monkeypatch.setattr("shugu.evidence.object_store._LAG_SECONDS", 0.5)
    return opened


@pytest.mark.django_db
def test_nothing_is_signed_over_what_a_store_only_says_it_has(
    whimsical: ObjectStore, write: Write, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    services.sequence_once(now)
    write(3)
    monkeypatch.setattr(Whimsical, "lies", True)
    with pytest.raises(StoreFails):
        services.sequence_once(now)
    assert LogState.objects.get().size == 0
    monkeypatch.setattr(Whimsical, "lies", False)
    assert services.sequence_once(now).size == 3
    assert list(audit_log()) == []


@pytest.mark.django_db
def test_a_store_that_lags_is_waited_for(
    whimsical: ObjectStore, write: Write, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(3)
    monkeypatch.setattr(Whimsical, "lag", 0.2)
    assert services.sequence_once(now).size == 3
    monkeypatch.setattr(Whimsical, "lag", 0.0)
    assert list(audit_log()) == []


def test_a_bucket_out_of_reach_is_an_error_to_try_again_without_secrets(tmp_path: Path) -> None:
    pytest.importorskip("s3fs", reason="SKIPPED: no s3fs")
    options = {"key": "reader", "secret": "not-to-be-shown", "endpoint_url": "http://127.0.0.1:9", "config_kwargs": {
        "connect_timeout": 1, "retries": {"max_attempts": 0}}}  # fmt: skip
    with pytest.raises(StoreFails) as refused:
        ObjectStore("s3://bucket/log", options).published()
    assert "not-to-be-shown" not in refused.value.message("zh") + refused.value.message("en")


@pytest.mark.parametrize(
    ("named", "content", "mode", "told"),
    [
        ("s3://key:secret@bucket/log", "", 0o600, "without credentials"),
        ("/somewhere", "", 0o600, "protocol://"),
        ("nosuch://bucket/log", "", 0o600, "nosuch"),
        ("gcs://bucket/log", "", 0o600, "package is missing"),
        ("memory://log", "[options]\nsecret = 'hidden'", 0o644, "owner's alone"),
        ("memory://log", "secret = 'hidden'", 0o600, "[options]"),
        ("memory://log", "secret = hidden", 0o600, "TOML"),
    ],
)
def test_a_store_that_cannot_be_opened_is_named_without_its_secrets(
    tmp_path: Path, named: str, content: str, mode: int, told: str
) -> None:
    file = tmp_path / "log_store.toml"
    file.write_text(content, "utf-8")
    file.chmod(mode)
    with pytest.raises(StoreUnusable) as refused:
        tile_files._opened(named, file, os.getpid())
    assert told in refused.value.message("en")
    assert "hidden" not in refused.value.message("en") and "secret@" not in refused.value.message("zh")


@pytest.fixture()
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Home]:
    """A home of its own, read anew before and after."""
    found = Home(tmp_path, 0)
    monkeypatch.setattr(runtime, "home", lambda: found)
    runtime.forget()
    yield found
    monkeypatch.undo()
    runtime.forget()


def test_the_home_names_the_store(home: Home) -> None:
    assert isinstance(tile_files.store(), LocalStore)
    home.config_file.write_text(f'log_store = "file://{home.path}/elsewhere"', "utf-8")
    runtime.forget()
    found = tile_files.store()
    assert isinstance(found, LocalStore) and found.top == home.path / "elsewhere"
