from __future__ import annotations

import json
import random
from pathlib import Path

import pytest

from shugu.formats.cosignature import new_witness_key
from shugu.formats.quorum import Policy, Witness
from shugu.formats.suites import new_keys
from shugu.logtools.audit import audit
from shugu.logtools.cli import main
from shugu.logtools.errors import SourceFails
from shugu.logtools.sources import Folder, open_source
from shugu.logtools.tests.small_log import SmallLog, numbered, served

KEYS = new_keys("sm", "log.example/a")


@pytest.mark.parametrize("size", [0, 1, 255, 256, 257, 700, 66_000])
def test_a_whole_log_is_derived_again(tmp_path: Path, size: int) -> None:
    log = SmallLog(tmp_path, KEYS, numbered(size))
    log.publish()
    found = audit(Folder(str(tmp_path)), log.pinned)
    assert (found.faults, found.entries, found.exit_code) == ([], size, 0)
    assert found.bundles == (size + 255) // 256
    assert len(found.signers) == 2


def test_older_partial_files_may_stand_and_newer_ones_too(tmp_path: Path) -> None:
    log = SmallLog(tmp_path, KEYS)
    for _ in range(5):
        log.append(numbered(60))
    assert audit(Folder(str(tmp_path)), log.pinned).ok
    note = log.note()
    log.append(numbered(5))
    (tmp_path / "checkpoint").write_bytes(note)  # the log stopped between tiles and checkpoint
    found = audit(Folder(str(tmp_path)), log.pinned)
    assert (found.ok, found.beyond, found.entries) == (True, 2, 300)


def test_any_changed_byte_in_any_file_is_named(tmp_path: Path) -> None:
    log = SmallLog(tmp_path, KEYS)
    for _ in range(3):
        log.append(numbered(100))
    dice = random.Random(7)
    files = [p for p in sorted(tmp_path.rglob("*")) if p.is_file()]
    assert len(files) == 10
    for file in files:
        good = file.read_bytes()
        for at in {0, len(good) - 1, dice.randrange(len(good))}:
            file.write_bytes(good[:at] + bytes([good[at] ^ 1]) + good[at + 1 :])
            found = audit(Folder(str(tmp_path)), log.pinned)
            named = {f.path for f in found.faults}
            path = file.relative_to(tmp_path).as_posix()
            # A changed entry shows where its hash is compared: in the tile of level 0.
            shown = path.replace("tile/entries/", "tile/0/")
            assert {path, shown} & named, (path, named)
        file.write_bytes(good)
        file.rename(file.with_name("gone"))
        gone = {f.path for f in audit(Folder(str(tmp_path)), log.pinned).faults}
        assert gone
        file.with_name("gone").rename(file)
    assert audit(Folder(str(tmp_path)), log.pinned).ok


def test_one_lost_bundle_hides_no_other_fault(tmp_path: Path) -> None:
    log = SmallLog(tmp_path, KEYS, numbered(1000))
    (tmp_path / "tile/entries/000").unlink()
    tile = tmp_path / "tile/0/002"
    tile.write_bytes(bytes(32) + tile.read_bytes()[32:])
    found = audit(Folder(str(tmp_path)), log.pinned)
    assert {f.path for f in found.faults} == {"tile/entries/000", "tile/0/002"}
    assert "512" in next(f.what[1] for f in found.faults if f.path == "tile/0/002")


def test_a_log_that_signs_another_root_is_found(tmp_path: Path) -> None:
    log = SmallLog(tmp_path, KEYS, numbered(300))
    other = SmallLog(tmp_path / "other", KEYS, [*numbered(299), b"x"])
    (tmp_path / "checkpoint").write_bytes(other.note())
    assert "checkpoint" in {f.path for f in audit(Folder(str(tmp_path)), log.pinned).faults}
    assert not audit(Folder(str(tmp_path)), SmallLog(tmp_path / "x", new_keys("intl", KEYS[0].name)).pinned).ok


def test_a_policy_demands_its_witnesses(tmp_path: Path) -> None:
    log = SmallLog(tmp_path, KEYS, numbered(3))
    witness = new_witness_key("w.example")
    policy = Policy(witnesses=(Witness("w", witness.verify_key),), quorum="w")
    assert not audit(Folder(str(tmp_path)), log.pinned, policy).ok
    log.publish(witness)
    assert audit(Folder(str(tmp_path)), log.pinned, policy).cosigned == ("w",)


def test_the_command_reads_a_log_over_http(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    log = SmallLog(tmp_path / "log", KEYS)
    for _ in range(3):
        log.append(numbered(100))
    for old in [*(tmp_path / "log").rglob("*.p/*")]:
        if old.name != "44" and old.parent.name != "000.p":
            old.unlink()
    keys = tmp_path / "venue.vkey"
    keys.write_text(log.pinned.text())
    with served(tmp_path / "log") as url:
        assert main("log", ["audit", url, "--key", str(keys), "--json"]) == 0
        told = json.loads(capsys.readouterr().out)
        assert (told["entries"], told["checkpoint"]["size"], told["faults"]) == (300, 300, [])
        (tmp_path / "log/tile/0/000").write_bytes(bytes(8192))
        assert main("log", ["audit", url, "--key", str(keys)]) == 1
        assert "✗ tile/0/000" in capsys.readouterr().out
    assert main("log", ["audit", url, "--key", str(keys)]) == 3
    assert main("log", ["audit", str(tmp_path / "nowhere"), "--key", str(keys)]) == 3
    assert main("log", ["audit", url, "--key", "not-a-key"]) == 2
    assert main("log", ["audit"]) == 2
    with pytest.raises(SourceFails):
        open_source("file:///etc/passwd")
