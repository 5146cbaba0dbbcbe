from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from shugu.formats.canonical import canonical
from shugu.formats.cosignature import new_witness_key
from shugu.formats.leaf import Fact, entry_for
from shugu.formats.merkle import leaf_hash
from shugu.formats.quorum import Policy, Witness
from shugu.formats.suites import new_keys
from shugu.logtools import forks
from shugu.logtools.cli import main
from shugu.logtools.monitor import Monitor, Wishes, newest_note, read_watch
from shugu.logtools.sources import Folder
from shugu.logtools.tests.small_log import SmallLog, numbered, served

KEYS = new_keys("intl", "log.example/a")
NOW = 1_790_000_000


@pytest.fixture()
def log(tmp_path: Path) -> SmallLog:
    return SmallLog(tmp_path / "log", KEYS, numbered(300))


def monitor(log: SmallLog, tmp_path: Path, wishes: Wishes | None = None) -> Monitor:
    return Monitor(Folder(str(log.folder)), log.pinned, tmp_path / "state", wishes or Wishes())


def kinds(watch: Monitor, now: int = NOW) -> list[str]:
    return [alarm.kind for alarm in watch.look(now).alarms]


def replace_by(log: SmallLog, other: SmallLog) -> None:
    """The log shows another face from now on."""
    for file in other.folder.rglob("*"):
        if file.is_file():
            target = log.folder / file.relative_to(other.folder)
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(file.read_bytes())


def test_growth_is_followed_quietly_and_every_checkpoint_kept(log: SmallLog, tmp_path: Path) -> None:
    for count in (300, 420, 1000):
        log.append(numbered(count - len(log.entries)) or [b"one"])
        assert kinds(monitor(log, tmp_path)) == []  # a new process each time: the state is in the folder
    assert len(list((tmp_path / "state/checkpoints").iterdir())) == 3
    assert newest_note(tmp_path / "state") == log.note()
    assert not (tmp_path / "state/alarms.jsonl").exists()


@pytest.mark.parametrize(("first", "second"), [(300, 300), (300, 500)])
def test_a_fork_is_found_and_its_evidence_convicts(log: SmallLog, tmp_path: Path, first: int, second: int) -> None:
    watch = monitor(log, tmp_path)
    assert kinds(watch) == []
    replace_by(log, SmallLog(tmp_path / "other", KEYS, numbered(second, "x")))
    found = watch.look(NOW)
    assert [a.kind for a in found.alarms] == ["fork"]
    kept = tmp_path / "state" / found.alarms[0].evidence
    small, large = forks.verify_fork(forks.read(kept), log.pinned)
    assert (small.size, large.size) == (first, second)
    assert main("log", ["fork", str(kept), "--key", KEYS[0].verify_key.vkey()]) == 0
    assert (
        newest_note(tmp_path / "state") != (log.folder / "checkpoint").read_bytes()
    )  # what was good stays the measure
    assert kinds(watch) == ["fork"]


def test_a_smaller_checkpoint_of_another_tree_is_a_fork(log: SmallLog, tmp_path: Path) -> None:
    log.append(numbered(200, "more"))
    watch = monitor(log, tmp_path)
    assert kinds(watch) == []
    (log.folder / "checkpoint").write_bytes(SmallLog(tmp_path / "other", KEYS, numbered(300, "x")).note())
    found = watch.look(NOW)
    assert [a.kind for a in found.alarms] == ["fork"]
    forks.verify_fork(forks.read(tmp_path / "state" / found.alarms[0].evidence), log.pinned)


def test_what_proves_no_fork_convicts_nobody(log: SmallLog, tmp_path: Path) -> None:
    first = log.note()
    second = log.append(numbered(100)).note()
    other = SmallLog(tmp_path / "other", new_keys("intl", "log.example/b"), numbered(300, "x")).note()
    for fork in (
        forks.Fork(first, first),
        forks.Fork(first, second),
        forks.Fork(second, first),
        forks.Fork(first, other),
        forks.Fork(first, second, bytes(32), (bytes(32),)),
        forks.Fork(first, second, leaf_hash(b""), ()),
    ):
        with pytest.raises(forks.NoFork):
            forks.verify_fork(fork, log.pinned)
    forks.keep(forks.Fork(first, second), tmp_path / "claim")
    assert main("log", ["fork", str(tmp_path / "claim"), "--key", KEYS[0].verify_key.vkey()]) == 1


def test_a_log_that_goes_back_is_told(log: SmallLog, tmp_path: Path) -> None:
    early = log.note()
    log.append(numbered(400))
    watch = monitor(log, tmp_path)
    assert kinds(watch) == []
    (log.folder / "checkpoint").write_bytes(early)
    assert kinds(watch) == ["shrunk"]
    log.publish()
    assert kinds(watch) == []


def test_a_wrong_key_and_a_malformed_checkpoint_are_told_and_kept(log: SmallLog, tmp_path: Path) -> None:
    watch = monitor(log, tmp_path)
    assert kinds(watch) == []
    good = (log.folder / "checkpoint").read_bytes()
    stranger = SmallLog(tmp_path / "s", new_keys("intl", KEYS[0].name), numbered(310)).note()
    for bad, kind in (
        (stranger, "bad-signature"),
        (good.replace(b"\n300\n", b"\n301\n"), "bad-signature"),
        (b"x", "malformed"),
    ):
        (log.folder / "checkpoint").write_bytes(bad)
        found = watch.look(NOW)
        assert [a.kind for a in found.alarms] == [kind]
        assert (tmp_path / "state" / found.alarms[0].evidence).read_bytes() == bad
    (log.folder / "checkpoint").unlink()
    assert kinds(watch) == ["damaged"]


def test_damaged_tiles_prove_no_fork(log: SmallLog, tmp_path: Path) -> None:
    watch = monitor(log, tmp_path)
    assert kinds(watch) == []
    log.append(numbered(300))
    tile = log.folder / "tile/1/000.p/2"
    tile.write_bytes(bytes(64))
    assert kinds(watch) == ["damaged"]
    tile.unlink()
    assert kinds(watch) == ["damaged"]


def test_a_checkpoint_grows_stale_by_size_or_by_cosignature(log: SmallLog, tmp_path: Path) -> None:
    watch = monitor(log, tmp_path, Wishes(max_age=60))
    assert [kinds(watch, NOW + s) for s in (0, 60, 61)] == [[], [], ["stale"]]
    log.append([b"fresh"])
    assert kinds(watch, NOW + 100) == []
    witness = new_witness_key("w.example")
    policy = Policy(witnesses=(Witness("w", witness.verify_key),), quorum="w")
    watch = monitor(log, tmp_path, Wishes(policy, 60))
    assert kinds(watch, NOW + 100) == ["missing-cosignatures"]
    log.publish(witness, at=NOW + 100)
    assert kinds(watch, NOW + 100) == []
    assert kinds(watch, NOW + 161) == ["stale"]
    log.publish(witness, at=NOW + 161)
    assert kinds(watch, NOW + 161) == []


def test_a_withheld_cosignature_is_told_by_name(log: SmallLog, tmp_path: Path) -> None:
    one, two = new_witness_key("w1.example"), new_witness_key("w2.example")
    policy = Policy(witnesses=(Witness("one", one.verify_key), Witness("two", two.verify_key)), quorum="two")
    log.publish(one, at=NOW)
    found = monitor(log, tmp_path, Wishes(policy)).look(NOW)
    assert [(a.kind, a.details) for a in found.alarms] == [("missing-cosignatures", {"missing": ["two"]})]


def test_watched_facts_are_found_when_they_come(log: SmallLog, tmp_path: Path) -> None:
    fact = Fact({"n": 1}, bytes(32))
    (tmp_path / "a.fact.json").write_bytes(fact.encode())
    listed = f"# ours\n{leaf_hash(b'299').hex()} the last one\nfact a.fact.json\n"
    wishes = Wishes(watch=read_watch(listed, tmp_path))
    watch = monitor(log, tmp_path, wishes)
    assert [(f.name, f.index) for f in watch.look(NOW).found] == [("the last one", 299)]
    log.append(numbered(100, "y"))
    assert watch.look(NOW).found == ()
    log.append([entry_for(canonical(fact.payload), fact.salt, "intl")])
    assert [(f.name, f.index) for f in watch.look(NOW).found] == [("a.fact.json", 400)]
    assert watch.look(NOW).found == ()
    more = Wishes(watch={**wishes.watch, leaf_hash(b"y7").hex(): "seven"})
    assert {f.index for f in monitor(log, tmp_path, more).look(NOW).found} == {299, 307, 400}


def test_entries_that_do_not_give_the_root_are_told(log: SmallLog, tmp_path: Path) -> None:
    watch = monitor(log, tmp_path, Wishes(watch={leaf_hash(b"7").hex(): "seven"}))
    bundle = log.folder / "tile/entries/000"
    bundle.write_bytes(bundle.read_bytes().replace(b"\x00\x0299", b"\x00\x0298"))
    assert kinds(watch) == ["damaged"]


def test_the_command_looks_once_and_tells_in_json(
    log: SmallLog, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    told = tmp_path / "told.json"
    script = f"import sys; open({str(told)!r}, 'a').write(sys.stdin.read())"
    watched = tmp_path / "watch"
    watched.write_text(f"{leaf_hash(b'5').hex()}\n{leaf_hash(b'never').hex()} later\n")
    with served(log.folder) as url:
        run = [
            "monitor", url, "--key", KEYS[0].verify_key.vkey(), "--state", str(tmp_path / "m"), "--once",
            "--watch", str(watched), "--exec", f'{sys.executable} -c "{script}"',
        ]  # fmt: skip
        assert main("log", run) == 0
        lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
        assert lines[0] == {"found": leaf_hash(b"5").hex(), "leaf": leaf_hash(b"5").hex(), "index": 5}
        assert (lines[1]["ok"], lines[1]["size"], lines[1]["not_seen_yet"]) == (True, 300, ["later"])
        replace_by(log, SmallLog(tmp_path / "other", KEYS, numbered(300, "x")))
        assert main("log", run) == 1
    assert json.loads(capsys.readouterr().out.splitlines()[0])["alarm"] == "fork"
    assert json.loads(told.read_text())["evidence"] == "forks/1"
    assert json.loads((tmp_path / "m/alarms.jsonl").read_text().splitlines()[-1])["alarm"] == "fork"
    assert main("log", run) == 3
