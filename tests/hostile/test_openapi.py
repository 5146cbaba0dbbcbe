"""Hostile calls made from our own OpenAPI document, by five callers at once: nothing breaks, nothing leaks, every
refusal has the one shape and is documented, and the venue audits clean afterwards."""

from __future__ import annotations

import contextlib
import json
from collections import Counter
from collections.abc import Iterator
from itertools import count
from typing import Any
from urllib.parse import unquote

import pytest
import schemathesis
from django.core.wsgi import get_wsgi_application
from django.db import transaction
from django.test import Client
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.errors import Unsatisfiable
from schemathesis.generation import GenerationMode

from shugu.audit import audit_everything
from shugu.web import rates
from tests.hostile import objects
from tests.hostile.conftest import Venue

pytestmark = pytest.mark.django_db

EXAMPLES = 4
CALLERS = ("", "alice", "bob", "rita", "mallory")
OUTSIDERS = ("", "mallory")
ILL_FORMED_BY = ("", "alice", "mallory")  # a visitor, a side of the trade, a stranger: well-formed calls go by all
SHAPE = {"code", "message", "remedy", "article", "field_errors"}


@pytest.fixture(scope="module")
def schema(_one_connection: None) -> Any:
    return schemathesis.openapi.from_wsgi("/api/openapi.json", get_wsgi_application())


def operations(schema: Any) -> list[Any]:
    return [found.ok() for found in schema.get_all_operations()]


def faults_of(status: int, content_type: str, body: str, documented: set[str]) -> Iterator[str]:
    if status >= 500:
        yield "it broke"
    if str(status) not in documented:
        yield f"{status} is not documented"
    if status >= 400:
        if not content_type.startswith("application/json"):
            yield f"a refusal as {content_type}"
            return
        value = json.loads(body)
        if set(value) != {"error"} or set(value["error"]) != SHAPE or not value["error"]["remedy"]:
            yield f"not the one error shape: {body[:200]}"


class Storm:
    """Sends each generated case as every caller and keeps what was wrong with the answers."""

    def __init__(self, venue: Venue) -> None:
        self.venue, self.secrets = venue, objects.secrets()
        self.faults: Counter[str] = Counter()
        self.seen: Counter[int] = Counter()
        self.real = {name: objects.values_of(name) for name in ("number", "case", "fact_id", "digest", "connector_id")}
        self.turn = count()

    def send(self, case: Any, documented: set[str], well_formed: bool) -> None:
        turn = next(self.turn)
        if turn % 2:  # every other case asks for something that is there
            for name in case.path_parameters or {}:
                values = self.real.get(name)
                if values:
                    case.path_parameters[name] = values[turn // 2 % len(values)]
        for who in CALLERS if well_formed else ILL_FORMED_BY:
            rates.BUCKETS.forget()
            # A broken statement must not take the story with it: what breaks is undone, the rest stays for the audit.
            with transaction.atomic():
                answer = case.call(headers=self.venue.headers(who))
                if answer.status_code >= 500:
                    transaction.set_rollback(True)
            self.seen[answer.status_code] += 1
            asked = f"{case.method} {case.formatted_path}"
            body = answer.content.decode("utf-8", "replace")
            for fault in faults_of(answer.status_code, answer.headers.get("content-type", [""])[0], body, documented):
                self.faults[f"{case.method} {case.path} as {who or 'anonymous'}: {fault}"] += 1
            if who in OUTSIDERS and answer.status_code < 300:
                for secret in objects.told(body, self.secrets, unquote(asked)):
                    self.faults[f"{case.method} {case.path} tells {who or 'anonymous'} {secret}"] += 1


def run(operation: Any, mode: GenerationMode, storm: Storm) -> None:
    documented = {str(s) for s in operation.definition.raw["responses"]}

    @settings(
        max_examples=EXAMPLES // 2, derandomize=True, database=None, deadline=None, phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    @given(case=operation.as_strategy(generation_mode=mode))
    def storm_it(case: Any) -> None:
        storm.send(case, documented, mode is GenerationMode.POSITIVE)

    storm_it()


def test_no_call_breaks_or_leaks_and_the_venue_audits_clean(venue: Venue, schema: Any) -> None:
    storm = Storm(venue)
    for operation in operations(schema):
        run(operation, GenerationMode.POSITIVE, storm)
        if operation.body or operation.query:
            with contextlib.suppress(Unsatisfiable):  # where every string is a good one, nothing is wrong enough
                run(operation, GenerationMode.NEGATIVE, storm)
    assert dict(storm.faults) == {}
    assert {200, 401, 404, 422} <= set(storm.seen), storm.seen
    assert audit_everything() == []


def test_every_operation_refuses_fields_it_does_not_know(venue: Venue, schema: Any) -> None:
    checked = 0
    for operation in operations(schema):
        content = operation.definition.raw.get("requestBody", {}).get("content", {})
        if "application/json" not in content:
            continue
        path = operation.path
        for name in objects_in(path):
            path = path.replace("{" + name + "}", "1")
        answer = Client().generic(
            operation.method.upper(), path, json.dumps({"unheard_of": 1}), content_type="application/json",
            headers=venue.headers("alice"),
        )  # fmt: skip
        assert answer.status_code == 422, (operation.label, answer.content)
        assert any("unheard_of" in name for name in answer.json()["error"]["field_errors"]), operation.label
        checked += 1
    assert checked > 15


def objects_in(path: str) -> list[str]:
    return [part.split("}")[0] for part in path.split("{")[1:]]


@pytest.mark.parametrize("who", OUTSIDERS)
def test_an_outsider_reads_nothing_private_through_any_get(venue: Venue, schema: Any, who: str) -> None:
    """Every GET operation with every real number, over the plain client."""
    client, known, told, answered = Client(), objects.secrets(), [], 0
    for operation in operations(schema):
        if operation.method != "get":
            continue
        names = objects_in(operation.path)
        values = objects.values_of(names[0]) if names else [""]
        for value in values:
            rates.BUCKETS.forget()
            path = operation.path
            for name in names:
                path = path.replace("{" + name + "}", value)
            answer = client.get(path, headers=venue.headers(who))
            assert answer.status_code in (200, 401, 403, 404, 422), (path, answer.status_code)
            if answer.status_code == 200:
                answered += 1
                told += [(path, s) for s in objects.told(answer.content.decode(), known, path)]
    assert told == []
    assert answered > 5


@pytest.mark.parametrize(("method", "path", "status"), [("GET", "/api/nowhere", 404), ("DELETE", "/api/me", 405)])
def test_what_is_not_there_is_refused_in_the_one_shape(venue: Venue, method: str, path: str, status: int) -> None:
    answer = Client().generic(method, path, headers=venue.headers("mallory"))
    assert answer.status_code == status
    assert list(faults_of(status, answer["Content-Type"], answer.content.decode(), {str(status)})) == []


def test_a_body_that_is_no_json_is_refused_in_the_one_shape(venue: Venue) -> None:
    for body in (b"", b"{", b"[1]", b"\xff\xfe", b'{"title": NaN}', b"[" * 5000):
        answer = Client().post("/api/filings", body, content_type="application/json", headers=venue.headers("alice"))
        assert 400 <= answer.status_code < 500
        assert list(faults_of(400, answer["Content-Type"], answer.content.decode(), {"400"})) == [], body
