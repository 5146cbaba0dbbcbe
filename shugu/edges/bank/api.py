"""The bank's statements over the API: for a settlement officer with an API key; the bank's signature counts, not the caller."""

from __future__ import annotations

from django.http import HttpRequest
from ninja import Router

from shugu.edges.bank.services import take_signed_statement
from shugu.kernel import clock
from shugu.kernel.errors import Forbidden
from shugu.web.api import Strict, actor_of, key_of

router = Router()


class StatementIn(Strict):
    """`note`: the signed note, as text."""

    note: str


class StatementOut(Strict):
    statement: int


@router.post("bank/statements", response=StatementOut, summary="Take a signed bank statement")
def take(request: HttpRequest, payload: StatementIn) -> dict[str, int]:
    actor = actor_of(request)
    if "settlement_officer" not in actor.seats:
        raise Forbidden()
    content = payload.note.encode()
    return {"statement": take_signed_statement(content, actor=actor, now=clock.now(), key=key_of(request))}
