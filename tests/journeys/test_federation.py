"""Three venues as processes of their own, on two chains where a node is installed: agreements, a recognised certificate, its
waiver, refusals, an authorisation, and an entry that moves while a side is killed. The trimmed telling of `make federation`."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from shugu.federated.chains import IDS, anvil
from shugu.federated.story import tell
from tests.schema import empty_home

STEPS = (
    "founding", "chains", "peers", "agreements", "certificate", "presentation", "waiver", "refusals", "ended", "authorisation",
    "parties", "shared-entry", "shared", "no-second", "order", "contract", "money", "delivery", "settlement", "one-voucher",
    "claiming", "through", "withheld", "replayed", "altered", "passed", "withdrawn", "netting", "trade-audit",
    "move-1", "move-2", "move-3", "move-refused",
    "witness", "witnessed", "rotated", "stolen", "paper", "stale", "listed", "lying",
)  # fmt: skip


def test_three_venues_recognise_one_another_and_an_entry_moves(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code = tell(tmp_path / "out", tmp_path / "homes", trimmed=True, schema=empty_home())
    summary = json.loads((tmp_path / "out" / "summary.json").read_text("utf-8"))
    with capsys.disabled():
        if code:
            print(capsys.readouterr().out)
    assert code == 0, [s for s in summary["steps"] if not s["ok"]]
    chained = anvil() is not None  # else the story says loudly that anchors are skipped
    assert tuple(s["name"] for s in summary["steps"]) == tuple(s for s in STEPS if chained or s != "chains")
    assert set(summary["chains"]) == set(IDS) if chained else summary["chains"] == "skipped"
    steps = {s["name"]: s["notes"] for s in summary["steps"]}
    took = [*steps["shared"]["seconds_until_shown"].values(), *steps["withdrawn"]["seconds_until_gone"].values()]
    assert len(took) == 4 and max(took) < 60
    kept = ("agreement-hangzhou-shenzhen", "transfer-out", "transfer-in", "transfer-refused", "trade/voucher.sealed",
            "trade/acknowledgement.sealed")  # fmt: skip
    for name in (f"{one}.json" for one in kept):
        assert (tmp_path / "out" / name).read_bytes().startswith(b"{")
