"""Cosignatures of witnesses on another venue's checkpoints: whose count, how many there are, how old the newest is."""

from __future__ import annotations

from shugu.edges.federation import messages, peers
from shugu.edges.federation.domain import Evidence
from shugu.edges.federation.errors import RecordStale, WitnessesMissing
from shugu.edges.federation.models import Peer
from shugu.edges.federation.sight import Sight, cosigners, span
from shugu.formats.errors import Pair
from shugu.formats.sealed import Sealed
from shugu.formats.suites import VerifyKey, parse_witness_vkey
from shugu.formats.times import write_time


def counted(peer: Peer, demanded: Evidence) -> tuple[VerifyKey, ...]:
    """Whose cosignatures count: those the agreement names, else those pinned here for that venue."""
    if demanded.witnessed_by:
        return tuple(parse_witness_vkey(line) for line in demanded.witnessed_by)
    return peers.witness_keys(peer)


def count(sight: Sight, document: Sealed, demanded: Evidence) -> Pair:
    """Enough of them cosigned the document's checkpoint, or else the present one, which was found to have grown out of it; and,
    where that is agreed, one of them lately. Errors: WitnessesMissing, RecordStale, BadNote."""
    assert document.proof is not None
    keys, wanted = counted(sight.peer, demanded), demanded.witnesses
    until = sight.wall + messages.skew()
    found = dict(cosigners(document.proof.checkpoint, keys, until))
    if len(found) < wanted:
        found = dict(cosigners(sight.note, keys, until))
    names = ", ".join(sorted(f"{key.name} {write_time(at)}" for key, at in found.items()))
    if len(found) < wanted:
        raise WitnessesMissing(origin=sight.peer.origin, wanted=wanted, found=names or "–")
    newest = sight.cosigned(keys)
    if sight.limit is not None and (newest is None or sight.wall - newest > sight.limit):
        at = newest or max(found.values())
        what = ("检查点最近一次见证签名", "The newest cosignature on the checkpoint")
        raise RecordStale(what=what, at=write_time(at), age=span(sight.wall - at), limit=span(sight.limit))
    return (names, names)
