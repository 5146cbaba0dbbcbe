"""The bank's folders: only what the bank signed is taken, only what the venue signed is paid, each once."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shugu.edges.bank import files, services, simulator
from shugu.formats.errors import BadSignature, UnknownSigner, VerificationError
from shugu.formats.note import sign_note
from shugu.formats.suites import SigningKey, generate
from shugu.kernel import runtime
from shugu.settlement import queries
from shugu.settlement.audit import audit
from shugu.settlement.errors import DemoOnly, StatementRefused
from shugu.settlement.models import BankStatement, StatementLine
from shugu.settlement.tests import stages
from shugu.trade import queries as trade
from tests.world import World

LINE = {
    "id": "B1", "booked_at": "2026-03-02T10:00:00+08:00", "direction": "in", "amount_fen": 100, "reference": "X",
    "counterparty": "甲", "counterparty_account": "622202",
}  # fmt: skip
GOOD = {"account": stages.CUSTODY, "sequence": 1, "opening_fen": 0, "closing_fen": 100, "lines": [LINE]}


@pytest.fixture()
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Bank folders of this test's own, under the real home's configuration."""

    def folder(name: str) -> Path:
        path = tmp_path / "bank" / name
        path.mkdir(parents=True, exist_ok=True)
        return path

    monkeypatch.setattr(services, "folder", folder)
    monkeypatch.setattr(simulator, "folder", folder)
    monkeypatch.setattr(services, "key_file", lambda: tmp_path / "bank" / "bank.vkey")
    return tmp_path / "bank"


@pytest.fixture()
def bank_key(home: Path) -> SigningKey:
    key = generate("intl", "bank.test")
    home.mkdir(exist_ok=True)
    (home / "bank.vkey").write_text(f"{key.verify_key.vkey()}\n", "utf-8")
    return key


@pytest.fixture()
def demo(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(runtime, "demo", lambda: True)
    yield


def test_a_signed_statement_is_taken_once_and_put_aside(world: World, home: Path, bank_key: SigningKey) -> None:
    note = sign_note(files.write_statement(GOOD), [bank_key])
    (services.folder("in") / "a.statement").write_bytes(note)
    assert services.read_statement_files(world.now) == 1
    (services.folder("in") / "b.statement").write_bytes(note)
    assert services.read_statement_files(world.now) == 1
    assert BankStatement.objects.count() == StatementLine.objects.count() == 1
    assert sorted(p.name for p in (home / "in" / "taken").iterdir()) == ["a.statement", "b.statement"]


def test_a_forged_or_altered_statement_is_never_taken(world: World, home: Path, bank_key: SigningKey) -> None:
    forged = sign_note(files.write_statement(GOOD), [generate("intl", "bank.test")])
    with pytest.raises((UnknownSigner, BadSignature)):
        services.take_signed_statement(forged, actor=services.EDGE, now=world.now)
    altered = sign_note(files.write_statement(GOOD), [bank_key]).replace(b": 100", b": 900")
    with pytest.raises(BadSignature):
        services.take_signed_statement(altered, actor=services.EDGE, now=world.now)
    (services.folder("in") / "x.statement").write_bytes(altered)
    assert services.read_statement_files(world.now) == 0
    assert (home / "in" / "refused" / "x.statement.why").exists() and not BankStatement.objects.exists()


def test_no_statement_is_taken_before_the_banks_key_is_installed(world: World, home: Path) -> None:
    with pytest.raises(StatementRefused):
        services.take_signed_statement(b"x\n", actor=services.EDGE, now=world.now)


@pytest.mark.parametrize(
    "change",
    [
        {"sequence": "1"}, {"opening_fen": 0.5}, {"lines": {}}, {"extra": 1}, {"lines": [{**LINE, "amount_fen": -1}]},
        {"lines": [{**LINE, "amount_fen": "100"}]}, {"lines": [{**LINE, "direction": "up"}]}, {"lines": [{"id": "B1"}]},
        {"lines": [{**LINE, "booked_at": "2026-03-02T10:00:00"}]}, {"lines": [{**LINE, "booked_at": "yesterday"}]},
    ],
)  # fmt: skip
def test_a_malformed_statement_is_refused_with_its_place(change: dict[str, object]) -> None:
    with pytest.raises(StatementRefused):
        files.read_statement(json.dumps({"format": files.FORMAT, **GOOD, **change}), "0" * 64)


def test_a_statement_may_come_as_csv_in_yuan() -> None:
    head = f"statement,{stages.CUSTODY},1,0.00,1.00\n" + ",".join(files.CSV_HEADER) + "\n"
    row = "B1,2026-03-02T10:00:00+08:00,in,1.00,X,甲,622202\n"
    told = files.read_statement(head + row, "0" * 64)
    assert told == files.read_statement(files.write_statement(GOOD), "0" * 64)
    for bad in (row.replace("1.00", "1.005"), row.replace("in", "up"), "B1,in\n"):
        with pytest.raises(StatementRefused):
            files.read_statement(head + bad, "0" * 64)


@settings(max_examples=100, deadline=None)
@given(st.text(max_size=200))
def test_no_text_breaks_the_reader(text: str) -> None:
    with pytest.raises(StatementRefused):
        files.read_statement(text, "0" * 64)


def test_the_simulated_bank_carries_a_trade_to_its_end(world: World, home: Path, demo: None) -> None:
    contract = stages.approved(world)
    escrow = stages.escrow_of(contract)
    simulator.pay(escrow.number, escrow.requested, payer="远航物流", account="6222020000001111", now=world.now)
    assert simulator.write_statement(world.now) is not None and simulator.write_statement(world.now) is None
    assert services.work(world.now) == 1
    stages.drain(world.now)
    stages.perform(world, contract)
    run = stages.issue(world)
    out = sorted(p.name for p in (home / "out").iterdir())
    assert out == [f"000001-{run.number}.csv", f"000001-{run.number}.json"]
    assert simulator.execute_orders(world.now) == run.instructions.count() and simulator.execute_orders(world.now) == 0
    simulator.write_statement(world.now)
    services.work(world.now)
    stages.drain(world.now)
    assert trade.contract_by_id(contract.id).state == "completed"
    assert queries.reconciliation(world.mona).holds and audit() == []
    assert (home / "out" / out[0]).read_text("utf-8-sig").count("\n") == run.instructions.count() + 3


def test_the_simulated_bank_pays_no_order_the_venue_did_not_sign(world: World, home: Path, demo: None) -> None:
    stages.issued(world)
    order = next((home / "out").glob("*.json"))
    order.write_bytes(order.read_bytes().replace(b'"amount_fen":', b'"amount_fen":1', 1))
    with pytest.raises(VerificationError):
        simulator.execute_orders(world.now)


def test_a_real_home_has_no_simulated_bank(world: World, home: Path) -> None:
    with pytest.raises(DemoOnly):
        simulator.pay("X", 1, payer="x", account="y", now=world.now)
