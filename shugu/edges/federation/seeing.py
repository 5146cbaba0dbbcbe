"""What a look at another venue found is kept: the newest checkpoint and lists, and whatever contradicts itself."""

from __future__ import annotations

from datetime import datetime

from shugu.edges.federation.models import Peer
from shugu.edges.federation.models_seen import Contradiction, Seen, SeenList
from shugu.edges.federation.sight import Sight
from shugu.formats.checkpoint import parse
from shugu.kernel import documents, journal
from shugu.kernel.cases import Actor
from shugu.kernel.queries import name_fact

name_fact("peer.seen", "所见其他场所日志与状态列表", "log and status lists of another venue seen")
name_fact("peer.contradicted", "其他场所签署的内容自相矛盾", "another venue contradicts what it signed")


def keep(sight: Sight, actor: Actor, now: datetime) -> dict[str, str]:
    """In the caller's transaction. {what it showed: digest of its bytes}: `checkpoint`, `status_list:<name>`. What was seen
    never goes back to something older, whoever looked first."""
    Peer.objects.select_for_update().get(pk=sight.peer.pk)
    told = {
        f"status_list:{url.rpartition('/')[2].removesuffix('.json')}": content
        for url, (_, content) in sight.shown.items()
    }
    digests = {name: documents.put(content) for name, content in told.items()}
    if sight.note:
        digests["checkpoint"] = documents.put(sight.note)
    if sight.against is not None:
        _contradicted(sight, actor, now)
    elif _further(sight, digests, now):
        journal.record(
            "peer.seen", subject=f"federation.peer:{sight.peer.origin}", actor=actor, now=now, digests=digests,
            data={"origin": sight.peer.origin, "size": parse(sight.note).size if sight.note else 0},
        )  # fmt: skip
    return digests


def _further(sight: Sight, digests: dict[str, str], now: datetime) -> bool:
    """Whether anything was seen that is newer than before."""
    newer = False
    seen, _ = Seen.objects.get_or_create(peer=sight.peer)
    size = parse(sight.note).size if sight.note else 0
    if size > seen.size:
        seen.size, seen.note, seen.seen_at, newer = size, digests["checkpoint"], now, True
        seen.save(update_fields=["size", "note", "seen_at"])
    for url, (found, content) in sight.shown.items():
        row = SeenList.objects.filter(peer=sight.peer, url=url).first()
        if row is None or row.version < found.version:
            fields = {
                "version": found.version, "digest": documents.put(content), "valid_from": found.valid_from, "seen_at": now,
            }  # fmt: skip
            SeenList.objects.update_or_create(peer=sight.peer, url=url, defaults=fields)
            newer = True
    return newer


def _contradicted(sight: Sight, actor: Actor, now: datetime) -> None:
    found = sight.against
    assert found is not None
    why = [found.error.message("zh"), found.error.message("en")]
    if Contradiction.objects.filter(peer=sight.peer, why=why).exists():
        return  # shown again, perhaps under fresh signatures
    first, second = documents.put(found.first), documents.put(found.second)
    fact = journal.record(
        "peer.contradicted", subject=f"federation.peer:{sight.peer.origin}", actor=actor, now=now,
        data={"origin": sight.peer.origin, "code": found.error.code}, digests={"first": first, "second": second},
    )  # fmt: skip
    Contradiction.objects.create(
        peer=sight.peer, code=found.error.code, why=why, first=first, second=second, found_at=now, fact=fact
    )
