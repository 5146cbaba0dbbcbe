"""Proofs for programs. Open to everybody; what opens a fact is there only for callers who may see it."""

from __future__ import annotations

from base64 import b64decode
from typing import Annotated, Any

from django.http import HttpRequest, HttpResponse
from ninja import Query, Router

from shugu.evidence import queries, queries_deposit, queries_package
from shugu.evidence.depositing import DepositEvidence, Item, deposit
from shugu.evidence.extracting import ExtractPackage, LegalDocument, extract_package
from shugu.evidence.models import Deposit, Package
from shugu.evidence.queries import FactEvidence
from shugu.formats import checkpoint as checkpoints
from shugu.formats.canonical import b64, parse_object
from shugu.kernel import clock, seals
from shugu.kernel.cases import Actor
from shugu.kernel.erasure import EraseFact, erase_fact
from shugu.kernel.errors import Forbidden, InputInvalid
from shugu.kernel.text import Text
from shugu.web.api import Strict, actor_of, key_of

router = Router()


class SealIn(Strict):
    """`image`: a PNG in base64, empty for the drawn seal; `code`: the thirteen digits of the seal's number, or empty."""

    purpose: str = ""
    image: str = ""
    code: str = ""


@router.get("/seals")
def venue_seals(request: HttpRequest) -> list[dict[str, Any]]:
    """What is pressed on the venue's papers, by purpose. For the seats that watch."""
    if not actor_of(request).seats & queries_package.WATCHING:
        raise Forbidden()
    return [_seal(code, title, row) for code, title, row in seals.listed()]


@router.post("/seals")
def set_seal(request: HttpRequest, body: SealIn) -> dict[str, Any]:
    """By the operator; refused when the picture is not what it claims, too large, too small or hides the text."""
    image = _decoded(body.image) if body.image else None
    asked = seals.SetSeal(body.purpose, image, body.code)
    row = seals.set_seal(asked, actor=actor_of(request), now=clock.now(), key=key_of(request))
    return _seal(row.purpose, seals.PURPOSES[row.purpose], row)


def _seal(code: str, title: Text, row: seals.VenueSeal | None) -> dict[str, Any]:
    return {
        "purpose": code, "title": {"zh": title.zh, "en": title.en}, "sha256": row.digest if row else "",
        "code": row.code if row else "", "set_at": row.set_at.isoformat() if row else None, "fact": row.fact if row else None,
    }  # fmt: skip


def _actor(request: HttpRequest) -> Actor | None:
    found: Actor | None = getattr(request, "actor", None)
    return found


def _proof(found: FactEvidence) -> dict[str, Any] | None:
    if found.proof is None:
        return None
    covered = checkpoints.parse(found.proof.checkpoint)
    return {
        "index": found.proof.index,
        "hashes": [b64(h) for h in found.proof.hashes],
        "tlog_proof": found.proof.encode().decode(),
        "checkpoint": {"origin": covered.origin, "size": covered.size, "root": b64(covered.root)},
    }


def _shown(found: FactEvidence) -> dict[str, Any]:
    return {
        "fact_id": found.fact_id,
        "state": found.badge.state.value,
        "index": found.badge.index,
        "entry": found.entry.decode(),
        "leaf_hash": found.leaf.hex(),
        "proof": _proof(found),
        "checks": [
            {"n": s.n, "id": s.id, "title": {"zh": s.title[0], "en": s.title[1]}, "outcome": s.outcome.value}
            for s in found.steps
        ],
        "fact": found.opened.as_dict() if found.opened else None,
    }


@router.get("/evidence/facts/{int:fact_id}", operation_id="evidence_fact")
def fact(request: HttpRequest, fact_id: int) -> dict[str, Any]:
    """State, entry, proof and checks of one fact; its payload and salt for those who may see them."""
    return _shown(queries.evidence_of(fact_id, _actor(request)))


class EraseIn(Strict):
    ground: str
    request: str


@router.post("/evidence/facts/{int:fact_id}/erase", operation_id="evidence_erase", response=dict[str, int])
def erase(request: HttpRequest, fact_id: int, body: EraseIn) -> dict[str, int]:
    """Erase payload and salt of a fact as law demands; by the seat of compliance, on a ground that is told. The
    commitment and every proof stay."""
    wanted = EraseFact(fact_id, body.ground, body.request)
    return erase_fact(wanted, actor=actor_of(request), now=clock.now(), key=key_of(request))


@router.get("/evidence/proofs/{digest}", operation_id="evidence_proof")
def proof(request: HttpRequest, digest: str) -> dict[str, Any]:
    """The proof of the fact that names a credential, by the credential's SHA-256; the sealed document for those who
    may see the fact, once it is sealed."""
    found = queries.evidence_of(queries.credential_fact(digest), _actor(request))
    whole = found.opened is not None and found.proof is not None
    return {**_shown(found), "sealed": parse_object(queries.sealed(digest)) if whole else None}


class ItemIn(Strict):
    """A document: its `content` (base64), which the venue then keeps, or only its `sha256`."""

    name: str
    media_type: str = ""
    content: str | None = None
    sha256: str = ""


class DepositIn(Strict):
    title: str
    description: str
    items: list[ItemIn]
    promise: bool


def _deposit(row: Deposit) -> dict[str, Any]:
    return {
        "number": row.number, "title": row.title, "description": row.description, "items": row.items, "report": row.report,
        "certificate_number": row.certificate_number, "certificate": row.certificate, "fact": row.fact,
        "deposited_at": row.deposited_at.isoformat(),
    }  # fmt: skip


@router.post("/evidence/deposits", operation_id="deposit_evidence")
def deposit_evidence(request: HttpRequest, payload: DepositIn) -> dict[str, Any]:
    """Fix documents as evidence; the report and the certificate are fetched as sealed documents by their digests."""
    items = tuple(
        Item(i.name, i.media_type, _decoded(i.content) if i.content is not None else None, i.sha256) for i in payload.items
    )
    cmd = DepositEvidence(payload.title, payload.description, items, payload.promise)
    return _deposit(deposit(cmd, actor=actor_of(request), now=clock.now(), key=key_of(request)))


@router.get("/evidence/deposits/{number}", operation_id="evidence_deposit")
def one_deposit(request: HttpRequest, number: str) -> dict[str, Any]:
    """For the depositor and those who oversee."""
    return _deposit(queries_deposit.deposit(number, actor_of(request)))


@router.get("/evidence/deposits/{number}/holds/{sha256}", operation_id="evidence_deposit_holds")
def deposit_holds(request: HttpRequest, number: str, sha256: str) -> dict[str, Any]:
    """Anybody: whether a document with this digest is in that deposit. An unknown number is answered like another digest."""
    found = queries_deposit.held(number, sha256.lower())
    if found is None:
        return {"held": False}
    return {"held": True, "name": found.name, "deposited_at": found.deposited_at.isoformat(), "fact": found.fact}


def _decoded(text: str) -> bytes:
    try:
        return b64decode(text, validate=True)
    except ValueError as error:
        raise InputInvalid(fields="content", field_errors={"content": ("不是 Base64", "not base64")}) from error


class DocumentIn(Strict):
    """A legal document; `content` is base64."""

    number: str
    organ: str
    filename: str
    media_type: str
    content: str


class PackageIn(Strict):
    cases: list[str]
    ground: str
    document: DocumentIn | None = None


def _package(row: Package) -> dict[str, Any]:
    return {
        "number": row.number, "ground": row.ground, "document": row.document, "cases": row.cases, "facts": row.facts,
        "credential": row.credential, "sealed": queries_package.is_sealed(row), "extracted_at": row.extracted_at.isoformat(),
    }  # fmt: skip


@router.post("/evidence/packages", operation_id="extract_package")
def extract(request: HttpRequest, payload: PackageIn) -> dict[str, Any]:
    """Extract the evidence of cases on a legal ground; the extraction is itself a fact."""
    given = payload.document
    document = None
    if given is not None:
        document = LegalDocument(given.number, given.organ, given.filename, given.media_type, _decoded(given.content))
    cmd = ExtractPackage(tuple(payload.cases), payload.ground, document)
    return _package(extract_package(cmd, actor=actor_of(request), now=clock.now(), key=key_of(request)))


@router.get("/evidence/packages/{number}", operation_id="evidence_package")
def package(request: HttpRequest, number: str) -> dict[str, Any]:
    """For whoever extracted it and those who oversee extraction."""
    return _package(queries_package.package(number, actor_of(request)))


@router.get("/evidence/packages/{number}/package.zip", operation_id="evidence_package_zip")
def package_zip(request: HttpRequest, number: str) -> HttpResponse:
    """The archive, sealed credential included."""
    row = queries_package.package(number, actor_of(request))
    return HttpResponse(queries_package.archive(row), content_type="application/zip")


@router.get("/evidence/consistency", operation_id="evidence_consistency")
def consistency(request: HttpRequest, to: int, old: Annotated[int, Query(alias="from")]) -> dict[str, Any]:
    """The RFC 6962 proof that the tree of `to` entries extends the tree of `from`."""
    found = queries.consistency(old, to)
    return {
        "from": found.old,
        "to": found.new,
        "from_root": b64(found.old_root),
        "to_root": b64(found.new_root),
        "hashes": [b64(h) for h in found.hashes],
    }
