"""The connector's home directory: its own keys, the pinned keys of the exchange, its products and its state."""

from __future__ import annotations

import json
import os
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from shugu.formats.errors import VerificationError
from shugu.formats.suites import Keyring, SigningKey, keyring, keyring_of, new_keys
from shugu.measure import Dictionary
from shugu.measure.source import check_file, digest_file

from .errors import FileChanged, HomeNotReady, UnknownProduct
from .following import Exchange
from .store import Store

CONFIG = "connector.json"
EXCHANGE_KEYS = "exchange.vkey"
STATE = "state.sqlite3"


@dataclass(frozen=True)
class Product:
    """One file of a product as it was when it was added."""

    product: str
    file: str
    path: Path
    sha256: str
    size: int
    mtime_ns: int
    dictionary: Dictionary
    related: Mapping[str, Path]

    def check_unchanged(self) -> None:
        """Raises FileChanged when size or modification time differ from those at adding."""
        try:
            status = self.path.stat()
        except OSError as error:
            raise FileChanged(file=self.file) from error
        if (status.st_size, status.st_mtime_ns) != (self.size, self.mtime_ns):
            raise FileChanged(file=self.file)


@dataclass(frozen=True)
class Home:
    """An opened home. `id` is the connector's name in keys, tokens (`aud`) and issuers."""

    path: Path
    id: str
    exchange_url: str
    receipts_url: str
    keys: tuple[SigningKey, ...]
    exchange: Exchange
    store: Store

    @property
    def exchange_keys(self) -> Keyring:
        """The keys of the exchange that are in force, as far as this connector knows."""
        return self.exchange.keys

    @property
    def keyring(self) -> Keyring:
        return keyring_of(list(self.keys))

    def products(self, product: str | None = None) -> list[Product]:
        rows = self.store.rows("SELECT * FROM product ORDER BY product, file")
        return [_product(row) for row in rows if product in (None, row["product"])]

    def product_file(self, product: str, file: str) -> Product:
        for held in self.products(product):
            if held.file == file:
                return held
        raise UnknownProduct(product=f"{product}/{file}")

    def well_known(self) -> dict[str, Any]:
        return {
            "id": self.id,
            "version": 1,
            "keys": self.keyring.text().splitlines(),
            "exchange": self.exchange_url,
        }


def create(
    path: Path, exchange_url: str, exchange_vkey: str, *, name: str | None = None, suite: str = "sm",
    receipts_url: str | None = None,
) -> None:  # fmt: skip
    """Makes a new home with fresh keys. Raises HomeNotReady when there is one already, BadKey for bad pinned keys."""
    if (path / CONFIG).exists():
        raise HomeNotReady(path=str(path), detail=("其中已有连接器", "it already holds a connector"))
    pinned = keyring(exchange_vkey)
    identity = name or f"connector-{secrets.token_hex(4)}"
    path.mkdir(parents=True, exist_ok=True, mode=0o700)
    for key in new_keys(suite, identity):
        _write_private(path / f"key.{key.suite.name}.pem", key.to_pem())
    (path / EXCHANGE_KEYS).write_text(pinned.text(), encoding="utf-8")
    config = {
        "id": identity,
        "suite": suite,
        **_addresses(exchange_url, receipts_url),
    }
    (path / CONFIG).write_text(json.dumps(config, indent=1), encoding="utf-8")
    Store(path / STATE).close()


def point_at(path: Path, exchange_url: str, receipts_url: str | None = None) -> bool:
    """The exchange has moved to another address: receipts go there from the next start on; whether anything changed. The
    pinned keys stay: only the same exchange can be at the new place. Raises HomeNotReady."""
    try:
        config = json.loads((path / CONFIG).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise HomeNotReady(path=str(path), detail=str(error)) from error
    moved = {**config, **_addresses(exchange_url, receipts_url)}
    if moved == config:
        return False
    fresh = path / f"{CONFIG}.new"
    fresh.write_text(json.dumps(moved, indent=1), encoding="utf-8")
    fresh.replace(path / CONFIG)
    return True


def _addresses(exchange_url: str, receipts_url: str | None) -> dict[str, str]:
    base = exchange_url.rstrip("/")
    return {"exchange_url": base, "receipts_url": receipts_url or f"{base}/api/connectors/receipts"}


def _write_private(path: Path, content: bytes) -> None:
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "wb") as file:
        file.write(content)


def load(path: Path) -> Home:
    """Opens a home. Raises HomeNotReady."""
    try:
        config = json.loads((path / CONFIG).read_text(encoding="utf-8"))
        pinned = keyring((path / EXCHANGE_KEYS).read_text(encoding="utf-8"))
        suites = ("intl", "sm") if config["suite"] == "sm" else ("intl",)
        keys = [SigningKey.from_pem(config["id"], s, (path / f"key.{s}.pem").read_bytes()) for s in suites]
        return Home(
            path, config["id"], config["exchange_url"], config["receipts_url"], tuple(keys),
            Exchange(path, config["exchange_url"], pinned), Store(path / STATE),
        )  # fmt: skip
    except (OSError, ValueError, KeyError, VerificationError) as error:
        raise HomeNotReady(path=str(path), detail=str(error)) from error


def add_product(
    home: Home, product: str, file: Path, dictionary: Dictionary, related: Mapping[str, Path] | None = None
) -> Product:
    """Registers a file under a product number; the same name again is a new version of the file."""
    check_file(file)
    path = file.resolve()
    mtime = path.stat().st_mtime_ns
    digest = digest_file(path)
    others = {name: str(other.resolve()) for name, other in (related or {}).items()}
    with home.store.transaction() as database:
        database.execute(
            "INSERT OR REPLACE INTO product VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            (product, file.name, str(path), digest.sha256, digest.size, mtime,
             json.dumps(dictionary.as_dict()), json.dumps(others)),
        )  # fmt: skip
    return home.product_file(product, file.name)


def _product(row: Any) -> Product:
    related = {name: Path(path) for name, path in json.loads(row["related"]).items()}
    dictionary = Dictionary.from_dict(json.loads(row["dictionary"]))
    return Product(
        row["product"], row["file"], Path(row["path"]), row["sha256"], row["size"], row["mtime_ns"], dictionary,
        related,
    )  # fmt: skip
