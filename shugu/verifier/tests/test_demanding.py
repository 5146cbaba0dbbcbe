"""The command line with policies, key histories and status lists."""

from __future__ import annotations

from pathlib import Path

import pytest

from shugu.formats.tests import golden
from shugu.formats.tests.test_demands import ALL_LISTS, EXPECTED, STATUS, WITNESS, voucher
from shugu.formats.verdicts import EXIT
from shugu.verifier.cli import main


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name, _ in ALL_LISTS:
        (tmp_path / f"{name}.sealed.json").write_text(STATUS["lists"][name][1], "utf-8")
    for place in EXPECTED:
        (tmp_path / f"v{place}.sealed.json").write_bytes(voucher(place))
    (tmp_path / "witnesses.policy").write_text(WITNESS["policy"], "utf-8")
    return tmp_path


def test_the_command_line_takes_lists_policy_and_history(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    key = ["--key", str(golden.VECTORS / "venue.vkey"), "--at", STATUS["at"]]
    status = [part for name, _ in ALL_LISTS for part in ("--status", str(folder / f"{name}.sealed.json"))]
    for place, verdict in EXPECTED.items():
        assert main([str(folder / f"v{place}.sealed.json"), *key, *status]) == EXIT[verdict]
    assert "15 ✗" in capsys.readouterr().out
    assert main([str(folder / "v2.sealed.json"), *key, *status[:2]]) == 6
    (folder / "revocation.sealed.json").write_bytes(b"{}")
    assert main([str(folder / "v2.sealed.json"), *key, *status]) == 6
    witnessed = [str(golden.VECTORS / "witnessed.voucher.sealed.json"), *key, "--policy", str(folder / "witnesses.policy")]
    assert main(witnessed) == 0  # the witnesses' keys come from the policy
    (folder / "witnesses.policy").write_text(WITNESS["policy"].replace("g 2", "g 3"), "utf-8")
    assert main(witnessed) == 1
    (folder / "witnesses.policy").write_text("quorum nobody\n", "utf-8")
    assert main(witnessed) == 2


def test_the_command_line_refuses_a_history_that_is_not_the_venues(folder: Path) -> None:
    history = golden.read_json("keyhistory.json")
    (folder / "venue-keys.json").write_text(history["history"], "utf-8")
    (folder / "venue.vkey").write_text(history["vkey"], "utf-8")
    command = [str(golden.VECTORS / "checkpoint"), "--at", golden.AT, "--history", str(folder / "venue-keys.json")]
    assert main([*command, "--key", str(golden.VECTORS / "intl.venue.vkey")]) == 1  # 1000 entries: that key ended at 700
    stranger = golden.maker().keys("elsewhere.example/log")[0].verify_key.vkey()
    (folder / "other.vkey").write_text(stranger + "\n", "utf-8")
    assert main([*command, "--key", str(folder / "other.vkey")]) == 2
    for data in history["refused"].values():
        (folder / "venue-keys.json").write_bytes(data.encode())
        assert main([*command, "--key", str(folder / "venue.vkey")]) == 2
