"""Three venues as processes of their own: agreements, a recognised certificate and its waiver, refusals, an authorisation, and an
entry that moves while either side is killed. The trimmed telling of `make federation`."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from shugu.federated.story import tell

STEPS = (
    "founding", "peers", "agreements", "certificate", "presentation", "waiver", "refusals", "ended", "authorisation", "move-1",
    "move-2", "move-3", "move-refused",
)  # fmt: skip


def test_three_venues_recognise_one_another_and_an_entry_moves(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code = tell(tmp_path / "out", tmp_path / "homes", trimmed=True)
    summary = json.loads((tmp_path / "out" / "summary.json").read_text("utf-8"))
    with capsys.disabled():
        if code:
            print(capsys.readouterr().out)
    assert code == 0, [s for s in summary["steps"] if not s["ok"]]
    assert tuple(s["name"] for s in summary["steps"]) == STEPS
    for name in ("agreement-hangzhou-shenzhen.json", "transfer-out.json", "transfer-in.json", "transfer-refused.json"):
        assert (tmp_path / "out" / name).read_bytes().startswith(b"{")
