"""The log over HTTP as C2SP tlog-tiles demands, and the pages that prove a fact in front of the user."""

from __future__ import annotations

import gzip
import hashlib
import json

from django.http import HttpRequest, HttpResponse, HttpResponseNotModified
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_safe

from shugu.evidence import queries, reading
from shugu.evidence.errors import NotSealedYet
from shugu.evidence.forms import ConsistencyForm
from shugu.evidence.object_store import A_MOMENT, BINARY, FOR_EVER, TEXT
from shugu.evidence.queries import BadgeState, FactEvidence
from shugu.formats import checkpoint as checkpoints
from shugu.formats.canonical import b64, parse_object
from shugu.formats.errors import ShuguError
from shugu.kernel import credentials, documents, runtime
from shugu.kernel.cases import Actor
from shugu.kernel.errors import NotFound
from shugu.kernel.text import Text
from shugu.verifier import browser
from shugu.web.forms import add_refusal
from shugu.web.shapes import Seal, SealState


def _actor(request: HttpRequest) -> Actor | None:
    found: Actor | None = getattr(request, "actor", None)
    return found


def answered(
    request: HttpRequest, content: bytes, media_type: str, keep: str, *, squeezed: bool = False
) -> HttpResponse:
    """Content with its ETag; 304 when the caller already has it. Any origin may read the log."""
    etag = f'"{hashlib.sha256(content).hexdigest()[:32]}"'
    asked = [tag.strip().removeprefix("W/") for tag in request.headers.get("If-None-Match", "").split(",")]
    response: HttpResponse
    if etag in asked or "*" in asked:
        response = HttpResponseNotModified()
    else:
        response = HttpResponse(content, content_type=media_type)
    if squeezed:
        response["Content-Encoding"] = "gzip"
    response["ETag"] = etag
    response["Cache-Control"] = keep
    response["Access-Control-Allow-Origin"] = "*"
    return response


@require_safe
def checkpoint(request: HttpRequest) -> HttpResponse:
    note = reading.published()
    if note is None:
        raise NotFound(what=("检查点", "checkpoint"))
    return answered(request, note, TEXT, A_MOMENT)


@require_safe
def tile(request: HttpRequest, rest: str) -> HttpResponse:
    """A tile, or an entry bundle, gzip-encoded for who asks so: hashes do not shrink, entries do by a half."""
    content, bundle = queries.tile(f"tile/{rest}"), rest.startswith("entries/")
    squeezed = bundle and _takes_gzip(request)
    if squeezed:
        content = gzip.compress(content, 6, mtime=0)
    answer = answered(request, content, BINARY, FOR_EVER, squeezed=squeezed)
    if bundle:
        answer["Vary"] = "Accept-Encoding"
    return answer


def _takes_gzip(request: HttpRequest) -> bool:
    """RFC 9110 section 12.5.3, as far as it concerns gzip: named, and not with weight 0."""
    for coding in request.headers.get("Accept-Encoding", "").split(","):
        name, _, weight = coding.replace(" ", "").lower().partition(";q=")
        if name == "gzip":
            return not weight or weight.strip("0.") != ""
    return False


@require_safe
def keys(request: HttpRequest) -> HttpResponse:
    return answered(request, queries.vkey().encode(), TEXT, "public, max-age=60")


@require_safe
def key_history(request: HttpRequest) -> HttpResponse:
    """Every key the venue has had, signed (docs/formats.md section 2)."""
    return answered(request, queries.key_history(), "application/json", "public, max-age=60")


@require_safe
def offline_verifier(request: HttpRequest) -> HttpResponse:
    """The verifier as one page, for reading here or (`?download`) for keeping: it needs no server from then on."""
    response = HttpResponse(browser.html(), content_type="text/html; charset=utf-8")
    response["Content-Security-Policy"] = f"{browser.policy()}; frame-ancestors 'none'"
    if "download" in request.GET:
        response["Content-Disposition"] = 'attachment; filename="shugu-verify.html"'
    return response


@require_safe
def home(request: HttpRequest) -> HttpResponse:
    """The log's present state, its keys, how to verify, and the consistency of any two sizes."""
    form = ConsistencyForm(request.GET if "from" in request.GET else None)
    found = None
    if form.is_bound and form.is_valid():
        try:
            found = queries.consistency(form.cleaned_data["from"], form.cleaned_data["to"])
        except ShuguError as error:
            add_refusal(form, error)
    head = queries.head()
    shown = {
        "head": head,
        "note": head.note.decode() if head else "",
        "root": b64(head.root) if head else "",
        "keys": queries.vkey(),
        "ours": queries.witnesses(),
        "form": form,
        "found": found,
        "hashes": [b64(h) for h in found.hashes] if found else [],
        "roots": (b64(found.old_root), b64(found.new_root)) if found else (),
    }
    return render(request, "evidence/home.html", shown)


@require_safe
def fact(request: HttpRequest, fact_id: int) -> HttpResponse:
    """The proof panel (htmx) or page: every check is computed for this answer."""
    found = queries.evidence_of(fact_id, _actor(request))
    covered = checkpoints.parse(found.proof.checkpoint) if found.proof else None
    shown = {
        "found": found,
        "waiting": found.badge.state is BadgeState.WAITING,
        "leaf": found.leaf.hex(),
        "entry": found.entry.decode(),
        "covered": covered,
        "path": [b64(h) for h in found.proof.hashes] if found.proof else [],
        "sealed": [(d.digest, _called(d)) for d in found.documents if d.sealable and found.proof],
        "payload": _pretty(found),
        "seal": _seal(found.badge),
    }
    return render(request, "evidence/fact.html", shown)


def _called(document: queries.DocumentLine) -> str | Text:
    """A sealed document by its kind; by its name in the fact when no app knows the kind."""
    return credentials.title_of(parse_object(documents.get(document.digest)), runtime.rules()) or document.name


def _pretty(found: FactEvidence) -> str:
    return json.dumps(found.opened.payload, ensure_ascii=False, indent=1) if found.opened else ""


def _seal(badge: queries.Badge) -> Seal:
    url = reverse("evidence:fact", args=[badge.fact_id])
    return Seal(SealState(badge.state.value), url, badge.index, f"{url}proof/")


@require_safe
def fact_badge(request: HttpRequest, fact_id: int) -> HttpResponse:
    """The fragment for one line of a timeline (slot "evidence.fact")."""
    return render(request, "evidence/badge.html", {"seal": _seal(queries.badge(fact_id))})


@require_safe
def subject_badge(request: HttpRequest, subject: str) -> HttpResponse:
    """The fragment for a record header; empty where the caller has nothing to see."""
    badge = queries.subject_badge(subject, _actor(request))
    return render(request, "evidence/badge.html", {"seal": _seal(badge) if badge else None})


def _attachment(content: bytes, media_type: str, name: str) -> HttpResponse:
    response = HttpResponse(content, content_type=media_type)
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    response["Cache-Control"] = "private, no-store"
    return response


@require_safe
def proof_file(request: HttpRequest, fact_id: int) -> HttpResponse:
    """`.tlog-proof`: it says nothing of the content, so anybody may have it."""
    found = queries.proof(fact_id)
    if found is None:
        raise NotSealedYet()
    return _attachment(found.encode(), TEXT, f"fact-{fact_id}.tlog-proof")


@require_safe
def fact_file(request: HttpRequest, fact_id: int) -> HttpResponse:
    """`.fact.json`: payload and salt, which open the commitment."""
    found = queries.evidence_of(fact_id, _actor(request))
    if found.opened is None:
        raise NotFound(what=("事实内容", "content of this fact"))
    return _attachment(found.opened.encode(), "application/json", f"fact-{fact_id}.fact.json")


@require_safe
def sealed_file(request: HttpRequest, digest: str) -> HttpResponse:
    content = queries.sealed_for(digest, _actor(request))
    return _attachment(content, "application/json", f"{digest[:16]}.sealed.json")
