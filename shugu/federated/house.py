"""One venue of the federation story as a process of its own: it serves its pages to the other venues and does what it is told
on its standard input, one JSON object a line, answered by one (`python -m shugu.federated.house` with SHUGU_HOME, SHUGU_PORT).

{"do": name, …arguments} → {"ok": true, "value": …} or {"ok": false, "code", "zh", "en"}. It runs no worker of its own: `round`
is one turn of it, so that the story says when. `arm` makes the process kill itself at a named step.
"""

from __future__ import annotations

import base64
import json
import os
import signal
import sys
import threading
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any

from shugu.federated import clearing, proving, relaying, selling
from shugu.federated.ground import actor, moment, tidy
from shugu.federated.registering import go_on, register

_LAG = timedelta(days=540)  # every registration of the story lets a notice period pass


def main() -> int:
    from shugu.kernel.home import Home, HomeConfig

    home = Home.from_environment()
    venue = os.environ["SHUGU_STORY_VENUE"]
    if os.environ.get("SHUGU_STORY_ONLY") == "schema":
        return _schema()
    home.write_config(HomeConfig(venue=venue, mode="demo", public_url=f"http://127.0.0.1:{home.port}"))
    _fast()
    from shugu.venue import prepare

    prepare(_LAG)
    _serve(home.port)
    print(json.dumps({"ready": venue}), flush=True)
    for line in sys.stdin:
        print(json.dumps(_answer(json.loads(line)), ensure_ascii=False), flush=True)
    return 0


def _schema() -> int:
    """An empty database of the present schema that belongs to no venue yet."""
    _fast()
    from django.core.management import call_command

    call_command("migrate", interactive=False, verbosity=0)
    return 0


def _fast() -> None:
    """The story kills venues, never their database servers: waiting for the disk at each commit would be most of its time."""
    import django

    django.setup()
    from django.db import connection

    connection.ensure_connection()
    assert connection.connection is not None
    for name in ("fsync", "synchronous_commit", "full_page_writes"):
        connection.connection.execute(f"ALTER SYSTEM SET {name} = off")
    connection.connection.execute("SELECT pg_reload_conf()")


def _serve(port: int) -> None:
    from django.core.servers.basehttp import ThreadedWSGIServer, WSGIRequestHandler
    from django.core.wsgi import get_wsgi_application

    class Quiet(WSGIRequestHandler):
        def log_message(self, format: str, *args: object) -> None:
            """Nothing: the story tells what happens."""

    server = ThreadedWSGIServer(("127.0.0.1", port), Quiet)
    server.set_app(get_wsgi_application())
    threading.Thread(target=server.serve_forever, daemon=True).start()


def _answer(asked: Mapping[str, Any]) -> dict[str, Any]:
    from shugu.formats.errors import ShuguError

    given = {k: v for k, v in asked.items() if k != "do"}
    try:
        return {"ok": True, "value": ACTS[asked["do"]](**given)}
    except ShuguError as refusal:
        return {"ok": False, "code": refusal.code, "zh": refusal.message("zh"), "en": refusal.message("en")}


def cast() -> str:
    """The cast seated and accredited; this venue's keys."""
    from shugu.demo import cast as people
    from shugu.kernel import signer

    staff, firms = people.seat_staff(), people.register_firms()
    for login, firm in people.FIRMS.items():
        for kind in firm.accreditations:
            people.accredit(firms[login], kind, staff["rita"], staff["rong"])
    return signer.keyring().text()


def turn(only: str = "") -> int:
    """One turn of the worker, twice over, so that what the first told is sealed and sent by the second."""
    from shugu.edges.federation import messages, presenting, transfers
    from shugu.edges.federation.models import Outgoing

    done = tidy()
    Outgoing.objects.filter(delivered_at__isnull=True).update(retry_at=moment())
    now = moment()
    done += transfers.send_due(now, _REACHED) + transfers.answer_recalls(now) + messages.deliver(now, reached=_REACHED)
    if only != "messages":
        done += presenting.check_waiting(now)
    return done + tidy()


def recheck() -> int:
    from shugu.edges.federation import presenting

    return presenting.recheck(moment())


_ARMED = ""


def _REACHED(step: str) -> None:
    if step == _ARMED:
        os.kill(os.getpid(), signal.SIGKILL)


def arm(step: str) -> str:
    """Kill this process, web server and all, when it reaches that step."""
    global _ARMED
    from shugu.edges.federation import messages

    _ARMED = step
    messages.HOOKS.append(_REACHED)
    return step


def add_peer(venue: str, zh: str, en: str, url: str, vkeys: str) -> str:
    from shugu.edges.federation import services

    return str(services.add_peer(services.AddPeer(venue, zh, en, url, vkeys), actor=actor("otto"), now=moment()).origin)


def offer(venue: str, terms: Mapping[str, Any]) -> str:
    from shugu.edges.federation import peers, services

    cmd = services.OfferAgreement(peers.peer_named(venue).origin, terms)
    return str(services.offer_agreement(cmd, actor=actor("otto"), now=moment()).reference)


def act_on_agreement(reference: str, act: str, **given: str) -> str:
    from shugu.edges.federation import queries, services

    otto = actor("otto")
    cmd = services.ActOnAgreement(queries.agreement(reference, otto).case, act, given)
    services.act_on_agreement(cmd, actor=otto, now=moment())
    return str(queries.agreement(reference, otto).state)


def agreement(reference: str) -> dict[str, Any]:
    """Its state, the credential, and where this venue's own log holds the fact that names it."""
    from shugu.edges.federation import queries
    from shugu.evidence import queries as evidence

    tidy()
    otto = actor("otto")
    found = queries.agreement(reference, otto)
    place = evidence.badge(evidence.naming_fact(found.signed)) if found.signed else None
    content = queries.agreement_bytes(reference, otto)
    return {"state": found.state, "index": place.index if place else None, "state_of_proof": place.state.value if place else "",
            "credential": base64.b64encode(content).decode()}  # fmt: skip


def days(count: int) -> str:
    """Let the demonstration clock run on."""
    from shugu.kernel import founding

    reached = founding.advance_clock(timedelta(days=count))
    tidy()
    return str(reached.isoformat())


def log_size() -> int:
    """How many entries the published log has."""
    from shugu.evidence import queries as evidence

    tidy()
    found = evidence.head()
    return found.size if found is not None else 0


def anchor() -> int:
    """One round of anchoring; the size of the newest anchor that is final."""
    from shugu.edges.chain import queries, services

    services.work(moment())
    return max((a.size for a in queries.anchors(confirmed=True)), default=0)


def now() -> str:
    return str(moment().isoformat())


def until(day: str) -> str:
    """Let the demonstration clock reach a moment, at most the present."""
    from datetime import datetime

    from shugu.kernel import founding

    ahead = datetime.fromisoformat(day) - moment()
    if ahead > timedelta(seconds=1):
        founding.advance_clock(ahead)
        tidy()
    return now()


def sealed(certificate: str) -> str:
    """The certificate sealed, base64."""
    from shugu.evidence import queries as evidence
    from shugu.registry import queries as book

    return base64.b64encode(evidence.sealed(book.certificate(certificate).digest)).decode()


def present(who: str, content: str) -> dict[str, Any]:
    from shugu.edges.federation import queries, services

    by = actor(who)
    row = services.present(services.Present(base64.b64decode(content)), actor=by, now=moment())
    services.check(row, moment())
    found = queries.presentation(row.number, by)
    failed = next((c["id"] for c in found.checks if c["outcome"] == "failed"), "")
    return {"state": found.state, "failed": failed, "recognition": found.recognition, "checks": list(found.checks),
            "waives": list(found.waives)}  # fmt: skip


def recognitions(who: str) -> list[dict[str, str]]:
    from shugu.registry import services

    return [{"number": r.number, "state": r.state, "failed": r.failed} for r in services.recognitions_of(actor(who).org)]


def facets(entry: str) -> list[str]:
    from shugu.registry import queries as book

    return sorted(book.entry_by_number(entry).facets)


def hold(entry: str, facet: str) -> int:
    from shugu.registry import queries as book
    from shugu.registry import services

    place = services.PlaceHold(book.entry_by_number(entry).id, facet, "互认演示")
    return int(services.place_hold(place, actor=actor("rita"), now=moment()).pk)


def ask_move(who: str, entry: str, venue: str) -> int:
    from shugu.edges.federation import services

    return int(services.ask_move(services.AskMove(entry, venue), actor=actor(who), now=moment()).pk)


def act_on_move(case: int, act: str, **given: str) -> str:
    from shugu.registry import services

    return str(services.act_on_filing(services.ActOnFiling(case, act, given), actor=actor("rita"), now=moment()).case.state)


def moves(outward: bool) -> list[dict[str, Any]]:
    from shugu.registry import services

    return [
        {"case": m.case, "state": m.state, "entry": m.entry, "number": m.number, "document": m.document, "answer": m.answer}
        for m in services.moves(outward=outward)
    ]


def held(who: str) -> list[dict[str, Any]]:
    """Every line the firm has in this venue's book."""
    from shugu.registry import queries as book

    return [{"entry": e.number, "title": e.title, "facets": sorted(e.facets)} for e in book.entries_of(actor(who).org)]


def document(digest: str) -> str:
    from shugu.kernel import documents

    return base64.b64encode(documents.get(digest)).decode()


ACTS: Mapping[str, Callable[..., Any]] = {
    "cast": cast, "tidy": tidy, "round": turn, "recheck": recheck, "arm": arm, "add_peer": add_peer, "offer": offer,
    "act_on_agreement": act_on_agreement, "agreement": agreement, "days": days,
    "register": register, "go_on": go_on, "sealed": sealed,
    "present": present, "recognitions": recognitions, "facets": facets, "hold": hold, "ask_move": ask_move,
    "anchor": anchor, "log_size": log_size,
    "act_on_move": act_on_move, "now": now, "until": until, "moves": moves, "held": held, "document": document,
    **selling.ACTS, **clearing.ACTS, **relaying.ACTS, **proving.ACTS,
}  # fmt: skip

if __name__ == "__main__":
    sys.exit(main())
