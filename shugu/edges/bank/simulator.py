"""A custody bank for demonstration homes: buyers pay into it, it executes orders and writes signed statements.

Its books are one file under <home>/bank/simulator. A real home refuses it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from shugu.edges.bank import files, services
from shugu.edges.bank.services import folder, write_file
from shugu.formats.canonical import parse
from shugu.formats.credential import require_credential
from shugu.formats.note import sign_note
from shugu.formats.suites import SigningKey, generate
from shugu.kernel import runtime, signer
from shugu.settlement.errors import DemoOnly

KEY_NAME = "bank.demo.shugu.example"
ACCOUNT = "6228480000000000018"


@dataclass(frozen=True)
class Movement:
    direction: str
    amount: int
    reference: str
    counterparty: str
    counterparty_account: str


def _home() -> Path:
    """Errors: DemoOnly."""
    if not runtime.demo():
        raise DemoOnly()
    return folder("simulator")


def _key() -> SigningKey:
    """The bank's key, made on first use; its public half is what the venue trusts."""
    file = _home() / "key.pem"
    if not file.exists():
        key = generate("intl", KEY_NAME)
        write_file(file, key.to_pem())
        write_file(services.key_file(), f"{key.verify_key.vkey()}\n".encode())
    return SigningKey.from_pem(KEY_NAME, "intl", file.read_bytes())


def _books() -> dict[str, Any]:
    file = _home() / "books.json"
    if not file.exists():
        return {"sequence": 0, "balance": 0, "next": 1, "executed": [], "waiting": []}
    return dict(json.loads(file.read_text("utf-8")))


def _keep(books: Mapping[str, Any]) -> None:
    write_file(_home() / "books.json", json.dumps(books, ensure_ascii=False, indent=1).encode())


def _book(books: dict[str, Any], move: Movement, now: datetime) -> None:
    books["waiting"].append(
        {
            "id": f"SIM{books['next']:010d}", "booked_at": now.isoformat(), "direction": move.direction,
            "amount_fen": move.amount, "reference": move.reference, "counterparty": move.counterparty,
            "counterparty_account": move.counterparty_account,
        }
    )  # fmt: skip
    books["next"] += 1


def pay(reference: str, amount_fen: int, *, payer: str, account: str, now: datetime) -> None:
    """A buyer's transfer to the custody account. Errors: DemoOnly."""
    books = _books()
    _book(books, Movement("in", amount_fen, reference, payer, account), now)
    _keep(books)


def execute_orders(now: datetime) -> int:
    """Pay every order of bank/out once, if the venue signed it; how many payments. Errors: DemoOnly, VerificationError."""
    books, paid = _books(), 0
    for path in sorted(folder("out").glob("*.json")):
        if path.name in books["executed"]:
            continue
        credential = parse(path.read_bytes())
        assert isinstance(credential, dict)
        require_credential(credential, signer.keyring())
        subject = credential["credentialSubject"]
        assert isinstance(subject, dict) and isinstance(subject["payments"], list)
        for row in subject["payments"]:
            assert isinstance(row, dict)
            payee: Any = row["payee"]
            amount: Any = row["amount_fen"]
            _book(books, Movement("out", amount, str(row["number"]), payee["holder"], payee["number"]), now)
            paid += 1
        books["executed"].append(path.name)
    _keep(books)
    return paid


def write_statement(now: datetime) -> Path | None:
    """The statement of everything since the last one, signed, into bank/in; None when nothing moved. What a crash kept
    from the folder goes there first. Errors: DemoOnly."""
    key, books = _key(), _books()
    if last := books.get("statement"):
        name = f"{books['sequence']:06d}.statement"
        if not any((folder(where) / name).exists() for where in ("in", "in/taken", "in/refused")):
            write_file(folder("in") / name, sign_note(last, [key]))
    if not books["waiting"]:
        return None
    moved = sum(x["amount_fen"] if x["direction"] == "in" else -x["amount_fen"] for x in books["waiting"])
    opening, closing = books["balance"], books["balance"] + moved
    text = files.write_statement(
        {
            "account": ACCOUNT, "sequence": books["sequence"] + 1, "opening_fen": opening, "closing_fen": closing,
            "lines": books["waiting"],
        }
    )  # fmt: skip
    target = folder("in") / f"{books['sequence'] + 1:06d}.statement"
    _keep({**books, "sequence": books["sequence"] + 1, "balance": closing, "waiting": [], "statement": text})
    write_file(target, sign_note(text, [key]))
    return target
