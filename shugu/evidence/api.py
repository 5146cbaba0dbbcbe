"""Proofs for programs. Open to everybody; what opens a fact is there only for callers who may see it."""

from __future__ import annotations

from typing import Annotated, Any

from django.http import HttpRequest
from ninja import Query, Router

from shugu.evidence import queries
from shugu.evidence.queries import FactEvidence
from shugu.formats import checkpoint as checkpoints
from shugu.formats.canonical import b64, parse_object
from shugu.kernel.cases import Actor

router = Router()


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


@router.get("/evidence/proofs/{digest}", operation_id="evidence_proof")
def proof(request: HttpRequest, digest: str) -> dict[str, Any]:
    """The proof of the fact that names a credential, by the credential's SHA-256; the sealed document for those who
    may see the fact, once it is sealed."""
    found = queries.evidence_of(queries.credential_fact(digest), _actor(request))
    whole = found.opened is not None and found.proof is not None
    return {**_shown(found), "sealed": parse_object(queries.sealed(digest)) if whole else None}


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
