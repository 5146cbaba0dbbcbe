"""What the story sees of its venues from outside: their pages, and how long it takes until they show something."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, Final

from shugu.federated.houses import House

WITHIN: Final = 60.0  # seconds in which a listing has to appear and to disappear elsewhere
_LONGEST: Final = 300.0  # everything else: a busy machine is no failure


def page(house: House, path: str) -> tuple[int, str]:
    """What a visitor's browser gets."""
    import httpx

    answer = httpx.get(house.url + path, timeout=20, trust_env=False)
    return answer.status_code, answer.text


def until(what: str, found: Callable[[], Any], longest: float = _LONGEST) -> tuple[Any, float]:
    """(what `found` answers as soon as it is anything, seconds it took). Errors: AssertionError after `longest` seconds."""
    began = time.monotonic()
    while True:
        answer = found()
        took = time.monotonic() - began
        if answer:
            return answer, round(took, 2)
        assert took < longest, f"{what}: not within {longest:.0f} s"
        time.sleep(0.2)


def everywhere(houses: tuple[House, ...], found: Callable[[House], bool]) -> dict[str, float]:
    """Seconds from now until it holds at each house. Errors: AssertionError for one later than `WITHIN`."""
    began, took = time.monotonic(), dict[str, float]()
    while len(took) < len(houses):
        for house in houses:
            if house.venue not in took and found(house):
                took[house.venue] = round(time.monotonic() - began, 2)
        assert time.monotonic() - began < WITHIN, f"not everywhere within {WITHIN:.0f} s: {took}"
        time.sleep(0.1)
    return took


class Refused(Exception):
    """The API's own refusal: `code` of the error."""

    def __init__(self, body: Any) -> None:
        self.code = str(body["error"]["code"])
        super().__init__(f"{self.code}: {body['error']['message']}")


def api(house: House, path: str, body: Any = None, token: str = "") -> Any:
    """What the venue's API answers a caller with this key. Errors: Refused."""
    import httpx

    headers = {"Authorization": f"Bearer {token}"} if token else {}
    method = "GET" if body is None else "POST"
    address = f"{house.url}/api/{path}"
    answer = httpx.request(method, address, json=body, headers=headers, timeout=30, trust_env=False)
    if answer.status_code >= 400:
        raise Refused(answer.json())
    return answer.json()


def key(house: House, login: str, password: str, organisation: str = "") -> str:
    """A key of a person's own, or for an organisation, as anybody gets one."""
    body = {"login": login, "password": password, "title": "story", "organisation": organisation, "scopes": ["read", "act"]}
    return str(api(house, "keys", body)["token"])
