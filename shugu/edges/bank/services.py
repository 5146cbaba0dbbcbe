"""The custody bank's folders: orders out under <home>/bank/out, statements in under <home>/bank/in.

A statement counts only with the signature of the bank's key, <home>/bank/bank.vkey: a file dropped into the folder by
anybody else is put aside, never taken.
"""

from __future__ import annotations

import hashlib
import logging
import os
import tempfile
from datetime import datetime
from pathlib import Path

from shugu.edges.bank import files
from shugu.formats.canonical import parse
from shugu.formats.errors import ShuguError
from shugu.formats.note import open_note
from shugu.formats.suites import Keyring, keyring
from shugu.kernel import runtime
from shugu.kernel.cases import Actor, mandate
from shugu.settlement import queries, services
from shugu.settlement.errors import StatementRefused

log = logging.getLogger(__name__)
EDGE = mandate("bank", "statements")


def folder(name: str) -> Path:
    path = runtime.home().path / "bank" / name
    path.mkdir(parents=True, exist_ok=True)
    return path


def key_file() -> Path:
    return runtime.home().path / "bank" / "bank.vkey"


def bank_key() -> Keyring:
    """Errors: StatementRefused while the bank's key has not been installed."""
    file = key_file()
    if not file.exists():
        raise StatementRefused(reason=("未安装存管银行的公钥 bank/bank.vkey", "the bank's key bank/bank.vkey is not installed"))
    return keyring(file.read_text("utf-8"))


def write_instruction_files() -> int:
    """Every order not yet in the folder, oldest first: `<sequence>-<run>.json` (signed) and `.csv`; how many."""
    out, written = folder("out"), 0
    for sequence, number, digest, content in queries.instruction_files():
        target = out / f"{sequence:06d}-{number}.json"
        if target.exists():
            continue
        credential = parse(content)
        assert isinstance(credential, dict)
        # The signed file last: whoever sees it sees the whole order.
        write_file(target.with_suffix(".csv"), files.instructions_csv(credential, digest))
        write_file(target, content)
        written += 1
    return written


def write_file(target: Path, content: bytes) -> None:
    descriptor, temporary = tempfile.mkstemp(dir=target.parent, prefix=".")
    with os.fdopen(descriptor, "wb") as handle:
        handle.write(content)
        handle.flush()
        os.fsync(handle.fileno())
    os.replace(temporary, target)


def take_signed_statement(content: bytes, *, actor: Actor, now: datetime, key: str | None = None) -> int:
    """A statement as the bank signed it (a C2SP signed note around JSON or CSV); its id.
    Errors: BadNote, BadSignature, UnknownSigner, StatementRefused, Forbidden."""
    opened = open_note(content, bank_key())
    digest = hashlib.sha256(content).hexdigest()
    statement = files.read_statement(opened.text, digest)
    return int(services.take_statement(statement, actor=actor, now=now, key=key).pk)


def read_statement_files(now: datetime) -> int:
    """Take every file of the folder in name order; taken ones go to in/taken, refused ones to in/refused beside a
    note that says why. How many were taken."""
    taken = 0
    for path in sorted(p for p in folder("in").iterdir() if p.is_file() and not p.name.startswith(".")):
        try:
            take_signed_statement(path.read_bytes(), actor=EDGE, now=now)
        except ShuguError as refusal:
            log.error("bank statement %s refused: %s", path.name, refusal)
            aside = folder("in/refused") / path.name
            aside.with_name(f"{path.name}.why").write_text(f"{refusal.message('zh')}\n{refusal.message('en')}\n", "utf-8")
            os.replace(path, aside)
            continue
        os.replace(path, folder("in/taken") / path.name)
        taken += 1
    return taken


def work(now: datetime) -> int:
    """What the worker calls from time to time: orders out, statements in. How many files."""
    return write_instruction_files() + read_statement_files(now)
