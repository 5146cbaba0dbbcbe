"""Papers at the command line: certificates on paper, vouchers, seals; what the pages do, with the same refusals."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

import pytest

from shugu import paper_keys_cli, papers_cli
from shugu.formats.pdf import verify_pdf
from shugu.kernel import clock, documents, own_documents, paper_keys, seals
from shugu.kernel.errors import Forbidden, InputInvalid, NotFound
from shugu.market.tests.staged import Stage, _listed, stage  # noqa: F401  fixtures
from shugu.trade.tests import stages
from tests.world import World

pytestmark = pytest.mark.django_db


def test_certificates_are_listed_renewed_and_revoked(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(paper_keys, "folder", lambda: tmp_path)
    asked = argparse.ArgumentParser()
    paper_keys_cli.add_to(asked.add_subparsers())

    def run(*words: str) -> str:
        assert paper_keys_cli.run(asked.parse_args(["papers", *words])) == 0
        return capsys.readouterr().out

    first = run("list")
    assert first.count("in use") == 3 and len(first.splitlines()) == 3
    assert run("renew", "signer").count("former") == 1
    digest = first.split()[0]
    assert run("revoke", digest[:12], "--since", "2026-01-05T00:00:00Z").count("revoked 2026-01-05T00:00:00Z") == 1
    assert run("revoke", "all").count("revoked") == 4
    with pytest.raises(NotFound):
        run("revoke", "zz")


def test_the_command_line_shows_saves_and_withdraws_as_the_pages_do(
    stage: Stage, tmp_path: Path, capsys: pytest.CaptureFixture[str]  # noqa: F811
) -> None:
    voucher, asked = stages.completed(stage), argparse.ArgumentParser()
    papers_cli.add_to(asked.add_subparsers())

    def run(*words: str) -> Any:
        assert papers_cli.run(asked.parse_args(["papers", *words])) == 0
        return json.loads(capsys.readouterr().out)

    assert run("voucher", "show", voucher.number, "--as", "alice")["withdrawn_at"] is None
    run("voucher", "save", voucher.number, "--out", str(tmp_path / "v.json"), "--as", "alice")
    assert (tmp_path / "v.json").read_bytes() == documents.get(voucher.digest)
    run("voucher", "save", voucher.number, "--out", str(tmp_path / "v.pdf"), "--as", "cora")
    assert verify_pdf((tmp_path / "v.pdf").read_bytes(), own_documents.verifier(clock.now())).document is not None
    with pytest.raises(InputInvalid):
        run("voucher", "save", voucher.number, "--out", str(tmp_path / "v.txt"), "--as", "cora")
    with pytest.raises(NotFound):
        run("voucher", "show", voucher.number, "--as", "mallory")
    order = ["voucher", "withdraw", voucher.number, "--ground", "error", "--reason", "签错", "--as"]
    with pytest.raises(Forbidden):
        run(*order, "alice")
    assert run(*order, "cora")["ground"] == "error"
    assert {row["purpose"] for row in run("seal", "list", "--as", "otto")} == {code or "any" for code in seals.PURPOSES}
    assert run("seal", "set", "any", "--code", "3301000042317", "--as", "otto")[0]["code"] == "3301000042317"
    for act in (["list"], ["set", "voucher"]):
        with pytest.raises(Forbidden):
            run("seal", *act, "--as", "alice")
