"""The cast of the connector's tests: a venue with keys, a home with one real Parquet file, and a settable clock."""

from __future__ import annotations

import asyncio
import dataclasses
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
import pyarrow as pa
import pyarrow.parquet as pq

from connector import home as homes
from connector.app import build
from connector.home import Home, Product
from shugu.formats import token as tokens
from shugu.formats.delivery import Grant, GrantedFile, Limits, Notice, NoticeAction, sign_grant, sign_notice
from shugu.formats.policy import Action, Constraint, Operand, Operator, Permission, Policy
from shugu.formats.suites import SigningKey, keyring_of, new_keys
from shugu.measure import Column, ColumnType, Dictionary, Rule

START = datetime(2026, 3, 1, tzinfo=UTC)
VENUE = "venue.example"
PURPOSE = "内部研究"


@dataclass
class Clock:
    now: datetime = START

    def __call__(self) -> datetime:
        return self.now

    def pass_by(self, **amount: int) -> None:
        self.now += timedelta(**amount)


def policy(*more: Constraint) -> Policy:
    purpose = Constraint(Operand.PURPOSE, Operator.IS_ANY_OF, (PURPOSE,))
    permission = Permission(Action.USE, (purpose, *more))
    return Policy("urn:shugu:policy:1", "urn:shugu:product:P1", "urn:shugu:A", "urn:shugu:B", (permission,))


DICTIONARY = Dictionary(
    "numbers",
    (
        Column("n", ColumnType.INTEGER, "序号", "number", expected=True, unique=True),
        Column("word", ColumnType.TEXT, "词", "word", expected=True),
    ),
    keys=(("n",),),
    rules=(Rule("not-negative", "n >= 0"),),
)


def write_numbers(path: Path, rows: int) -> Path:
    """Incompressible enough that a big one spans many blocks."""
    words = [f"{(n * 2654435761) % 2**32:08x}" for n in range(rows)]
    table = pa.table({"n": pa.array(range(rows)), "word": words})
    pq.write_table(table, path, compression="none", use_dictionary=False)
    return path


@dataclass
class World:
    root: Path
    rows: int = 2000
    clock: Clock = field(default_factory=Clock)

    def __post_init__(self) -> None:
        self.venue: list[SigningKey] = new_keys("sm", VENUE)
        self.path = self.root / "home"
        pinned = keyring_of(self.venue).text()
        homes.create(self.path, "http://127.0.0.1:9", pinned, name="connector-test")
        self.home: Home = homes.load(self.path)
        self.file = write_numbers(self.root / "numbers.parquet", self.rows)
        self.product: Product = homes.add_product(self.home, "P1", self.file, DICTIONARY)

    def grant(self, number: str = "G1", **changes: Any) -> Grant:
        plain = Grant(
            grant=number,
            connector="connector-test",
            contract="C1",
            contract_sha256="ab" * 32,
            buyer="B1",
            product="P1",
            product_version="cd" * 32,
            files=(GrantedFile(self.product.file, self.product.sha256, self.product.size),),
            policy=policy(),
            limits=Limits(),
            valid_from=START,
            valid_until=START + timedelta(days=30),
        )
        return dataclasses.replace(plain, **changes)

    def signed(self, number: str = "G1", **changes: Any) -> dict[str, object]:
        return sign_grant(self.grant(number, **changes), self.venue, self.clock())

    def notice(self, action: NoticeAction, sequence: int, number: str = "G1") -> dict[str, object]:
        said = Notice(number, "connector-test", action, sequence, "test")
        return sign_notice(said, self.venue, self.clock())

    def token(self, number: str = "G1", key: SigningKey | None = None, **changes: Any) -> str:
        now = int(self.clock().timestamp())
        plain = tokens.Token(VENUE, "connector-test", "C1", number, "B1", "cd" * 32, "T1", now - 60, now + 3600)
        return tokens.issue(dataclasses.replace(plain, **changes), key or self.venue[0])

    def headers(self, token: str | None = None, purpose: str = PURPOSE, **more: str) -> dict[str, str]:
        return {"Authorization": f"Bearer {token or self.token()}", "Purpose": quote(purpose), **more}


class Web:
    """A synchronous client of the application in this process."""

    def __init__(self, world: World) -> None:
        self.app = build(world.home, world.clock, outbox=False)

    def ask(self, method: str, path: str, **more: Any) -> httpx.Response:
        async def send() -> httpx.Response:
            transport = httpx.ASGITransport(app=self.app)
            async with httpx.AsyncClient(transport=transport, base_url="http://connector") as client:
                return await client.request(method, path, **more)

        return asyncio.run(send())

    def get(self, path: str, **more: Any) -> httpx.Response:
        return self.ask("GET", path, **more)

    def head(self, path: str, **more: Any) -> httpx.Response:
        return self.ask("HEAD", path, **more)

    def post(self, path: str, **more: Any) -> httpx.Response:
        return self.ask("POST", path, **more)
