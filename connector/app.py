"""The HTTP face of the connector (ASGI)."""

from __future__ import annotations

import contextlib
import hashlib
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import datetime
from typing import Any
from urllib.parse import unquote

import anyio
import httpx
from anyio.to_thread import run_sync
from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp

from shugu.formats import token as tokens
from shugu.formats.delivery import BadDocument, GrantedFile
from shugu.formats.errors import BadToken, ShuguError, TokenRefused
from shugu.formats.policy import Action

from . import gate, grants, measuring, receipts
from .errors import KeyUnknown, NoToken, PolicyDenied, RangeUnusable, within
from .following import FOLLOW_SECONDS, methods_of
from .home import Home, Product
from .meter import Delivery, acknowledge, audit, counted, delivery, latest, settle
from .ranges import parse_range, total
from .rows import parse_query, run_query
from .transfer import Clock, MeteredResponse, bytes_reader, file_reader

MAX_BODY = 1 << 20
OUTBOX_SECONDS = 1.0
ACK_TRIES = 20
ACK_PAUSE = 0.1


class Plane:
    """The endpoints over one home and one clock."""

    def __init__(self, home: Home, clock: Clock) -> None:
        self.home = home
        self.clock = clock

    async def health(self, request: Request) -> Response:
        waiting = self.home.store.row("SELECT count(*) AS n FROM receipt WHERE posted_at IS NULL")
        held = self.home.exchange
        keys: dict[str, Any] = {"in_force": [key.method for key in held.keys.keys], "history_lines": held.lines}
        if held.problem is not None:
            keys["problem"] = held.problem[1]
        return JSONResponse(
            {"ok": True, "id": self.home.id, "receipts_waiting": waiting["n"] if waiting else 0, "exchange_keys": keys}
        )

    async def well_known(self, request: Request) -> Response:
        return JSONResponse(self.home.well_known())

    async def post_grant(self, request: Request) -> Response:
        document = await self._signed(request)
        held = await run_sync(grants.accept, self.home, document, self.clock())
        return JSONResponse({**held.as_dict(), "metered": counted(self.home.store, held.grant.grant)}, 201)

    async def post_notice(self, request: Request) -> Response:
        document = await self._signed(request)
        grant = request.path_params["grant"]
        held = await run_sync(grants.notify, self.home, grant, document, self.clock())
        return JSONResponse(held.as_dict())

    async def post_quality(self, request: Request) -> Response:
        document = await self._signed(request)
        product = request.path_params["product"]
        return JSONResponse(await run_sync(measuring.fulfil, self.home, product, document, self.clock()))

    async def _signed(self, request: Request) -> Any:
        """The document sent, its keys looked up in the exchange's history. Raises BadDocument, KeyUnknown."""
        document = await body_of(request)
        methods = methods_of(document)
        why = await self.home.exchange.meet(methods, self.clock())
        if why is not None:
            raise KeyUnknown(key=str(self.home.exchange.unknown(methods)), why=why)
        return document

    async def _identify(self, ask: gate.Ask, now: datetime) -> gate.Pass:
        """`gate.identify`, the token's key looked up in the exchange's history first. Raises as it does."""
        try:
            methods = [tokens.method_of(gate.shown_token(ask))]
        except BadToken:
            methods = []  # what is no token is refused by the gate, in its own words
        why = await self.home.exchange.meet(methods, now)
        if why is not None:
            unknown = KeyUnknown(key=methods[0], why=why)
            raise TokenRefused(reason=within(unknown))
        return gate.identify(self.home, ask, now)

    async def get_receipts(self, request: Request) -> Response:
        """For the buyer with the grant's token."""
        admitted = await self._identify(ask_of(request, Action.READ), self.clock())
        return JSONResponse({"receipts": receipts.of_grant(self.home, admitted.grant.grant)})

    async def get_file(self, request: Request) -> Any:
        now = self.clock()
        admitted = await self._identify(ask_of(request, Action.READ), now)
        file = admitted.file(request.path_params["file"])
        held = self._held(admitted, file)
        headers = {
            "content-type": "application/octet-stream",
            "etag": f'"{file.sha256}"',
            "accept-ranges": "bytes",
            "cache-control": "no-store",
        }
        if request.method == "HEAD":
            await run_sync(gate.check, self.home, admitted, now)
            return Response(status_code=200, headers={**headers, "content-length": str(file.size)})
        asked = request.headers.get("range")
        if request.headers.get("if-range") not in (None, headers["etag"]):
            asked = None
        span = parse_range(asked, file.size)
        start, end = span or (0, file.size)
        going = await run_sync(gate.admit, self.home, admitted, file, start, end, now)
        headers["shugu-delivery"] = f"{going.grant}.{going.number}"
        if span:
            headers["content-range"] = f"bytes {start}-{end - 1}/{file.size}"
        status = 206 if span else 200
        read = file_reader(held.path)
        return MeteredResponse(self.home, self.clock, admitted, going, (start, end), read, status, headers)

    async def get_rows(self, request: Request) -> Any:
        now = self.clock()
        admitted = await self._identify(ask_of(request, Action.QUERY), now)
        values = request.query_params
        file = admitted.file(values.get("file") or admitted.grant.files[0].name)
        query = parse_query(values.get("columns"), values.getlist("where"), values.get("limit"), values.get("format"))
        held = self._held(admitted, file)
        # Asked once before the work and, when its size is known, again for the bytes.
        await run_sync(lambda: gate.check(self.home, admitted, now, counted=True))
        content = await run_sync(run_query, held.path, query)
        answer = GrantedFile(f"{file.name}?rows", hashlib.sha256(content).hexdigest(), len(content))

        def admit() -> Any:
            return gate.admit(self.home, admitted, answer, 0, answer.size, now, fresh=True)

        going = await run_sync(admit)
        kind = "application/vnd.apache.parquet" if query.parquet else "application/json"
        headers = {"content-type": kind, "etag": f'"{answer.sha256}"', "cache-control": "no-store"}
        headers["shugu-delivery"] = f"{going.grant}.{going.number}"
        span = (0, answer.size)
        return MeteredResponse(self.home, self.clock, admitted, going, span, bytes_reader(content), 200, headers)

    async def acknowledge(self, request: Request) -> Response:
        """The buyer says: I have the whole file, with this digest. Answers with the receipt."""
        now = self.clock()
        admitted = await self._identify(ask_of(request, Action.READ), now)
        file = admitted.file(request.path_params["file"])
        said = await body_of(request)
        grant = admitted.grant.grant
        last = latest(self.home.store, grant, file.name, file.sha256)
        # The client may have its last byte a moment before the meter has noted it.
        for _ in range(ACK_TRIES):
            if last is None or last.completed_at is not None:
                break
            await anyio.sleep(ACK_PAUSE)
            last = latest(self.home.store, grant, file.name, file.sha256)
        if said != {"sha256": file.sha256} or last is None or total(last.reserved) != file.size:
            raise BadDocument(detail=("没有以该摘要完整送达的交付", "there is no whole delivery with this digest"))
        await run_sync(self._close, admitted, last)
        given = receipts.of_grant(self.home, last.grant)
        name = receipts.number_of(last)
        return JSONResponse(next(r for r in given if r["credentialSubject"]["receipt"] == name))  # type: ignore[index]

    def _close(self, admitted: gate.Pass, last: Delivery) -> None:
        """Marks the delivery acknowledged. What a crash left unsettled is settled by the buyer's own word."""
        now = self.clock()
        with self.home.store.transaction() as database:
            current = delivery(database, last.grant, last.number)
            if current.completed_at is None:
                whole = settle(database, last.grant, last.number, 0, last.size, 0, now)
                receipts.issue(self.home, database, admitted.grant, whole, now)
            if current.acknowledged_at is None:
                acknowledge(database, last.grant, last.number, now)

    def _held(self, admitted: gate.Pass, file: GrantedFile) -> Product:
        held = self.home.product_file(admitted.grant.product, file.name)
        held.check_unchanged()
        if held.sha256 != file.sha256:
            raise BadDocument(
                detail=("此处的文件不是授权的版本", "the file here is another version than the one granted")
            )
        return held

    async def outbox(self) -> None:
        """Brings receipts to the exchange for as long as the process lives."""
        async with httpx.AsyncClient(trust_env=False) as client:
            while True:
                await receipts.post_due(self.home, client, self.clock())
                await anyio.sleep(OUTBOX_SECONDS)

    async def follow_keys(self) -> None:
        """Keeps up with the exchange's key history for as long as the process lives."""
        while True:
            await self.home.exchange.follow(self.clock())
            await anyio.sleep(FOLLOW_SECONDS)


def ask_of(request: Request, action: Action) -> gate.Ask:
    """Purpose and place come percent-encoded, because a header holds no Chinese."""
    heads = request.headers
    purpose, spatial = (unquote(heads[name]) if name in heads else None for name in ("purpose", "spatial"))
    return gate.Ask(heads.get("authorization"), request.path_params["grant"], action, purpose, spatial)


async def body_of(request: Request) -> Any:
    """The JSON body, at most MAX_BODY bytes. Raises BadDocument."""
    content = b""
    try:
        async for part in request.stream():
            content += part
            if len(content) > MAX_BODY:
                raise BadDocument(detail=("请求体过大", "the body is too large"))
        return json.loads(content)
    except (ValueError, RecursionError, ClientDisconnect) as error:
        raise BadDocument(detail=("请求体不是 JSON", "the body is not JSON")) from error


async def refused(request: Request, error: Exception) -> Response:
    """One mapping from the error tree to HTTP."""
    assert isinstance(error, ShuguError)
    language = "en" if request.headers.get("accept-language", "zh").lower().startswith("en") else "zh"
    headers = {}
    status = error.status
    if isinstance(error, PolicyDenied):
        status = error.http_status
        if error.retry_after is not None:
            headers["retry-after"] = str(error.retry_after)
    if isinstance(error, RangeUnusable):
        headers["content-range"] = f"bytes */{error.params['size']}"
    if isinstance(error, NoToken) or status == 401:
        headers["www-authenticate"] = "Bearer"
    return JSONResponse(error.as_dict(language), status, headers)


def build(home: Home, clock: Clock, *, outbox: bool = True) -> ASGIApp:
    """The application. Refuses to start on a meter that does not add up. Raises BadDocument."""
    problems = audit(home.store)
    if problems:
        raise BadDocument(detail="; ".join(problems[:5]))
    plane = Plane(home, clock)
    endpoint = Callable[[Request], Awaitable[Any]]
    table: list[tuple[str, endpoint, list[str]]] = [
        ("/health", plane.health, ["GET"]),
        ("/.well-known/connector.json", plane.well_known, ["GET"]),
        ("/grants", plane.post_grant, ["POST"]),
        ("/grants/{grant}/notices", plane.post_notice, ["POST"]),
        ("/quality/{product}", plane.post_quality, ["POST"]),
        ("/receipts/{grant}", plane.get_receipts, ["GET"]),
        ("/data/{grant}/rows", plane.get_rows, ["GET"]),
        ("/data/{grant}/{file}/acknowledgement", plane.acknowledge, ["POST"]),
        ("/data/{grant}/{file}", plane.get_file, ["GET", "HEAD"]),
    ]

    @contextlib.asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        async with anyio.create_task_group() as tasks:
            if outbox:
                tasks.start_soon(plane.outbox)
                tasks.start_soon(plane.follow_keys)
            yield
            tasks.cancel_scope.cancel()

    routes = [Route(path, handler, methods=methods) for path, handler, methods in table]
    return Starlette(routes=routes, lifespan=lifespan, exception_handlers={ShuguError: refused})
