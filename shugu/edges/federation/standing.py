"""How a certificate stands by everything its venue signs about it: the answer to our question, and its sealed status lists.

The stricter of the two counts. A list is published a moment after the books change, so an answer may know an end that the
list does not tell yet; the other way round, an ending in a list that the answer denies is a lie, whichever of the two it is in.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from shugu.edges.federation import peers, statements
from shugu.edges.federation.domain import Evidence
from shugu.edges.federation.errors import StatusDisagrees
from shugu.edges.federation.sight import Against, Sight
from shugu.formats.credential import Document
from shugu.formats.demands import FACETS
from shugu.formats.errors import Pair
from shugu.formats.status import FINAL, Flag, read_entries
from shugu.formats.status_list import StatusList, facets
from shugu.formats.times import write_time
from shugu.kernel import credentials, runtime
from shugu.registry import queries as registry

_LISTED: Final = {flag.name.lower() for flag in Flag if flag.name}
_ENDINGS: Final = {flag.name.lower() for flag in Flag if flag & FINAL and flag.name}


_UNLISTED: Final[Pair] = (
    "证书未指明状态列表；协议允许仅凭签发方答复，其不实无从由列表证明",
    "it names no status list; the agreement takes the issuer's answer alone, and no list can prove that false",
)
_NEEDS_LIST: Final[Pair] = (
    "证书未指明状态列表而可失效，协议未约定（unlisted）仅凭答复",
    "it names no status list and can lose force, and the agreement does not take the answer alone (`unlisted`)",
)


@dataclass(frozen=True)
class Listed:
    """What the lists say of a certificate; `lists` by URL."""

    facets: frozenset[str]
    lists: Mapping[str, StatusList]

    @property
    def oldest(self) -> datetime:
        return min(one.valid_from for one in self.lists.values())

    def told(self) -> Pair:
        rows = [
            f"{url.rpartition('/')[2]} v{one.version} {write_time(one.valid_from)}" for url, one in self.lists.items()
        ]
        words = named(self.facets)
        return (f"{'; '.join(rows)}：{words[0]}", f"{'; '.join(rows)}: {words[1]}")


def named(found: frozenset[str]) -> Pair:
    """Facets in words, in the order of their weight."""
    known = [name for name in FACETS if name in found]
    other = sorted(found - FACETS.keys())
    zh = "、".join([*(FACETS[n][0] for n in known), *other]) or "无效"
    return (zh, ", ".join([*(FACETS[n][1] for n in known), *other]) or "not valid")


def ask(sight: Sight, digest: str) -> tuple[statements.Standing, bytes]:
    """The issuer's signed answer to a question of ours. Errors: PeerUnreachable, FormatError, VerificationError."""
    nonce = secrets.token_hex(16)
    content = sight.ask(f"/federation/status/{digest}/{nonce}")
    return statements.read_statement(content, peers.live_keys(sight.peer), digest, nonce, sight.latest), content


def listed(sight: Sight, credential: Document) -> Listed | None:
    """What the lists say that a certificate names; None for one that names none. Errors: BadCredential, and those of
    `Sight.status_list`."""
    if "credentialStatus" not in credential:
        return None
    urls = sorted({entry.list for entry in read_entries(credential["credentialStatus"])})
    lists = {url: sight.status_list(url) for url in urls}
    return Listed(facets(credential, lists, sight.latest).facets, lists)


def without_list(credential: Document, demanded: Evidence) -> tuple[Pair, bool]:
    """(why, whether it is enough) for a document that has no place in the lists and so rests on the issuer's word alone: only of
    a kind that cannot lose force, by its declaration, or where the agreement takes the answer alone."""
    named = credential.get("type")
    kinds = [credentials.kind_of(str(name), runtime.rules()) for name in named[1:]] if isinstance(named, list) else []
    lasting = next((kind.lasting for kind in kinds if kind is not None and kind.lasting is not None), None)
    if lasting is not None:
        return ("此类凭证没有状态列表：" + lasting.zh, "this kind has no status list: " + lasting.en), True
    return (_UNLISTED, True) if demanded.unlisted else (_NEEDS_LIST, False)


def agree(sight: Sight, said: statements.Standing, answer: bytes, found: Listed) -> Pair:
    """Errors: StatusDisagrees, and then both are held against the venue."""
    denied = (found.facets & _LISTED) - said.facets
    ending = denied & _ENDINGS if not said.facets & _ENDINGS else frozenset[str]()
    # What may come and go can have gone since the list was published; an ending cannot.
    if ending or (denied - _ENDINGS and said.at <= found.oldest):
        one = _saying(found, ending or denied - _ENDINGS)
        error = StatusDisagrees(
            said=named(said.facets), listed=named(ending or denied), version=one.version, at=write_time(one.valid_from)
        )
        sight.against = Against(error, answer, sight.shown[one.id][1])
        raise error
    behind = (said.facets & _LISTED) - found.facets
    if behind:
        words = named(frozenset(behind))
        return (f"列表尚未载明：{words[0]}", f"the list does not say yet: {words[1]}")
    return named(said.facets & found.facets)


def _saying(found: Listed, denied: frozenset[str]) -> StatusList:
    """The list in which the answer's denial stands refuted."""
    wanted = "revocation" if denied & _ENDINGS else "suspension" if "suspended" in denied else "facets"
    return min(found.lists.values(), key=lambda one: wanted not in one.id)


def stopped_by(said: statements.Standing, found: Listed | None) -> tuple[str, ...]:
    """What of either takes a certificate's force; empty for one in force."""
    every = said.facets | (found.facets if found is not None else frozenset())
    stopping = tuple(sorted(every & registry.STOPPING))
    return stopping or said.stopped_by


def told(said: statements.Standing, found: Listed | None) -> Pair:
    """Both in words, for whoever reads the check."""
    words = named(said.facets)
    zh, en = f"答复 {write_time(said.at)}：{words[0]}", f"answer {write_time(said.at)}: {words[1]}"
    if found is None:
        return (f"{zh}（无状态列表，仅凭答复）", f"{en} (no status list: by the answer alone)")
    lists = found.told()
    return (f"{zh}；列表 {lists[0]}", f"{en}; list {lists[1]}")
