"""Chain keys: encrypted keystore files (Web3 Secret Storage v3), opened once a process."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from shugu.edges.chain import software
from shugu.formats.errors import BadKey


@dataclass(frozen=True)
class ChainKey:
    """A secp256k1 key and its address (EIP-55 spelling)."""

    address: str
    secret: bytes

    def __repr__(self) -> str:
        return f"ChainKey({self.address})"


def _account() -> Any:
    software.ready()
    from eth_account import Account

    return Account


def open_key(file: Path, passphrase: Path) -> ChainKey:
    """Errors: BadKey, ChainSoftwareMissing."""
    try:
        return _open(file, file.stat().st_mtime_ns, passphrase.read_text("utf-8").rstrip("\n"))
    except OSError as error:
        raise BadKey(reason=(f"{file.name} 或其口令文件读不出", f"{file.name} or its passphrase cannot be read")) from error


@lru_cache(maxsize=8)
def _open(file: Path, changed: int, passphrase: str) -> ChainKey:
    account = _account()
    try:
        secret = bytes(account.decrypt(file.read_text("utf-8"), passphrase))
    except (ValueError, TypeError, KeyError) as error:
        raise BadKey(reason=(f"{file.name} 与口令不符或已损坏", f"{file.name} is damaged or the passphrase is wrong")) from error
    return ChainKey(str(account.from_key(secret).address), secret)


def make_key(file: Path, passphrase: Path, *, rounds: int | None = None) -> ChainKey:
    """A new key in a new file, mode 0600; the passphrase file must be there. `rounds` of scrypt (a power of two) are
    eth-account's own number unless told. Errors: BadKey when the file exists or the passphrase is empty."""
    account = _account()
    words = passphrase.read_text("utf-8").rstrip("\n") if passphrase.exists() else ""
    if not words:
        name = passphrase.name
        raise BadKey(reason=(f"口令文件 {name} 不存在或为空", f"the passphrase file {name} is missing or empty"))
    made = account.create()
    content = json.dumps(account.encrypt(made.key, words, kdf="scrypt", iterations=rounds))
    file.parent.mkdir(parents=True, exist_ok=True)
    try:
        descriptor = os.open(file, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
    except FileExistsError as error:
        raise BadKey(reason=(f"{file.name} 已存在", f"{file.name} exists")) from error
    with os.fdopen(descriptor, "w", encoding="utf-8") as handle:
        handle.write(content)
        handle.flush()
        os.fsync(handle.fileno())
    return ChainKey(str(made.address), bytes(made.key))
