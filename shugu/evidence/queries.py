"""What pages, the API and the log's clients read: proofs, badges, sealed documents, tiles, consistency.

Leaf, position and proof of a fact are anybody's; its payload and salt are for the parties of its case, for whoever
recorded it, and for the venue's and supervisors' seats.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from functools import lru_cache

from shugu.evidence import domain, reading, witness_standing
from shugu.evidence.errors import NotSealedYet, TileMissing
from shugu.evidence.models import LogState, Published
from shugu.evidence.naming import naming_fact as naming_fact
from shugu.evidence.witness_standing import Alarm, WitnessedView, Witnesses
from shugu.formats import checkpoint as checkpoints
from shugu.formats.canonical import parse_object
from shugu.formats.errors import BadTile, FormatError, ShuguError
from shugu.formats.leaf import Fact as OpenedFact
from shugu.formats.leaf import entry
from shugu.formats.merkle import (
    Reader,
    consistency_proof,
    inclusion_proof,
    leaf_hash,
    root_from,
    verify_consistency,
    verify_inclusion,
)
from shugu.formats.proof import TlogProof
from shugu.formats.sealed import seal
from shugu.formats.suites import Keyring
from shugu.formats.tiles import WIDTH, TileRef, decode_bundle, hash_reader, parse_path, width_in
from shugu.kernel import documents, key_lines, publishing, signer, witness_keys
from shugu.kernel import queries as kernel
from shugu.kernel.cases import Actor
from shugu.kernel.errors import InputInvalid, NotFound
from shugu.kernel.models import Fact, Position
from shugu.kernel.text import Text


class BadgeState(StrEnum):
    """The same words as the page component's seal."""

    SEALED = "sealed"
    WAITING = "waiting"
    BROKEN = "broken"


@dataclass(frozen=True)
class Badge:
    """`index` is the fact's place in the log, None while it waits."""

    fact_id: int
    state: BadgeState
    index: int | None = None


@dataclass(frozen=True)
class Head:
    """The log as published: how many entries, under which root, signed when, and the signed note."""

    size: int
    root: bytes
    note: bytes
    signed_at: datetime


@dataclass(frozen=True)
class DocumentLine:
    """A document that a fact names; `sealable` when it is a credential of this venue and kept here."""

    name: str
    digest: str
    sealable: bool


@dataclass(frozen=True)
class FactEvidence:
    """Everything about one fact's evidence. `opened` and `documents` are empty for those who may not see the payload."""

    fact_id: int
    badge: Badge
    entry: bytes
    leaf: bytes
    steps: tuple[domain.ProofStep, ...] = ()
    proof: TlogProof | None = None
    opened: OpenedFact | None = None
    name: str = ""
    title: Text = Text("", "")  # noqa: RUF009  a frozen pair
    recorded_at: datetime | None = None
    documents: tuple[DocumentLine, ...] = ()


@dataclass(frozen=True)
class Consistency:
    """The tree of `new` entries extends the tree of `old`; `hashes` prove it (RFC 6962 section 2.1.2)."""

    old: int
    new: int
    old_root: bytes
    new_root: bytes
    hashes: tuple[bytes, ...]


def head() -> Head | None:
    """The log as published, cosignatures included; None before the sequencer has run for the first time. What is signed
    and waits for witnesses is not yet public: no proof is given under it."""
    out = Published.objects.filter(pk=1).first()
    if out is not None:
        return Head(out.size, bytes(out.root), bytes(out.note), out.published_at)
    row = LogState.objects.filter(pk=1).first()
    policy = witness_keys.policy()
    if row is None or (policy is not None and policy.demands):
        return None
    return Head(row.size, bytes(row.root), bytes(row.checkpoint), row.signed_at)


def _size() -> int:
    found = head()
    return found.size if found else 0


def witnesses() -> Witnesses | None:
    """Who cosigns our checkpoints, and who is missing; None where the venue asks nobody. Errors: BadWitnessPolicy, HomeError."""
    out = head()
    return witness_standing.ours(out.note if out else None, out.size if out else -1)


def tile(path: str) -> bytes:
    """The bytes of `tile/…` as far as the published tree has it. Errors: NotFound, TileMissing for a damaged disk."""
    try:
        ref = parse_path(path)
    except BadTile as error:
        raise NotFound(what=("日志分块", "log tile")) from error
    size = _size()
    if ref.width > width_in(size, ref.level or 0, ref.index):
        raise NotFound(what=("日志分块", "log tile"))
    return reading.read_at(ref, size)


def _reader(size: int) -> Reader:
    return hash_reader(lambda path: reading.read_at(parse_path(path), size), size)


def _logged(index: int, size: int) -> bytes:
    """The entry in the log's own bundle. Errors: TileMissing, BadTile."""
    number, at = divmod(index, WIDTH)
    width = width_in(size, 0, number)
    return decode_bundle(reading.read_at(TileRef(None, number, width), size), width)[at]


def _place(fact_id: int) -> int | None:
    return Position.objects.filter(fact_id=fact_id).values_list("position", flat=True).first()


def _entry(fact: Fact) -> bytes:
    return entry(bytes(fact.digest), bytes(fact.digest_sm3) if fact.digest_sm3 is not None else None)


def _fact(fact_id: int) -> Fact:
    found = Fact.objects.filter(pk=fact_id).first()
    if found is None:
        raise NotFound(what=("事实", "fact"))
    return found


def proof(fact_id: int) -> TlogProof | None:
    """The fact's proof under the published checkpoint; None while it waits for one.
    Errors: NotFound, TileMissing or BadTile when the log's files are damaged."""
    _fact(fact_id)
    place, log = _place(fact_id), head()
    if place is None or log is None or place >= log.size:
        return None
    return TlogProof(place, inclusion_proof(place, log.size, _reader(log.size)), log.note)


@lru_cache(maxsize=4)
def _trusted(note: bytes, keys: Keyring) -> bool:
    try:
        checkpoints.verify_strict(note, keys)
    except ShuguError:
        return False
    return True


def badges(fact_ids: Iterable[int]) -> Mapping[int, Badge]:
    """The badge of each fact, its inclusion under the published checkpoint proved; unknown ids are left out."""
    facts = {f.pk: f for f in Fact.objects.filter(pk__in=list(fact_ids)).only("id", "digest", "digest_sm3")}
    places = dict(Position.objects.filter(fact_id__in=list(facts)).values_list("fact_id", "position"))
    log = head()
    if log is None:
        return {pk: Badge(pk, BadgeState.WAITING) for pk in facts}
    trusted, read = _trusted(log.note, witness_keys.log_keyring(log.size)), _reader(log.size)
    out = {}
    for pk, fact in facts.items():
        place = places.get(pk)
        if place is None or place >= log.size:
            out[pk] = Badge(pk, BadgeState.WAITING)
        else:
            held = trusted and _included(leaf_hash(_entry(fact)), place, log, read)
            out[pk] = Badge(pk, BadgeState.SEALED if held else BadgeState.BROKEN, place)
    return out


def _included(leaf: bytes, place: int, log: Head, read: Reader) -> bool:
    try:
        verify_inclusion(leaf, place, log.size, inclusion_proof(place, log.size, read), log.root)
    except ShuguError:
        return False
    return True


def badge(fact_id: int) -> Badge:
    """Errors: NotFound."""
    found = badges([fact_id]).get(fact_id)
    if found is None:
        raise NotFound(what=("事实", "fact"))
    return found


def subject_badge(subject: str, actor: Actor | None) -> Badge | None:
    """The badge of the newest fact about a subject ("registry.entry:5"); None where there is none, or the caller
    may not know of it."""
    fact = Fact.objects.filter(subject=subject).order_by("-id").first()
    if fact is None:
        return None
    if subject.partition(":")[0] not in domain.PUBLIC_SUBJECTS and not may_see(fact, actor):
        return None
    return badge(fact.pk)


def may_see(fact: Fact, actor: Actor | None) -> bool:
    """Whether payload and salt may be shown: to parties of the case, to whoever recorded the fact, to seats; to all, where the
    fact does nothing but publish a credential."""
    if fact.name == publishing.PUBLISHED:
        return True
    if actor is None:
        return False
    if actor.seats:
        return True
    if (fact.person is not None and fact.person == actor.person) or (fact.org is not None and fact.org == actor.org):
        return True
    return fact.case_id is not None and kernel.is_party(fact.case_id, actor)


def _opened(fact: Fact) -> OpenedFact | None:
    """None when payload and salt were erased as law demands."""
    if fact.payload is None or fact.salt is None:
        return None
    return OpenedFact(parse_object(fact.payload.encode()), bytes(fact.salt))


def evidence_of(fact_id: int, actor: Actor | None) -> FactEvidence:
    """The fact's entry, proof and numbered checks, with its content for those who may see it. Errors: NotFound."""
    fact = _fact(fact_id)
    own = _entry(fact)
    out = FactEvidence(fact_id, Badge(fact_id, BadgeState.WAITING), own, leaf_hash(own))
    if may_see(fact, actor):
        out = _open(out, fact)
    place, log = _place(fact_id), head()
    if place is None or log is None or place >= log.size:
        return out
    try:
        proved = TlogProof(place, inclusion_proof(place, log.size, _reader(log.size)), log.note)
        logged = _logged(place, log.size)
    except (TileMissing, BadTile) as error:
        step = domain.damaged((error.message("zh"), error.message("en")))
        return replace(out, badge=Badge(fact_id, BadgeState.BROKEN, place), steps=(step,))
    payload = fact.payload.encode() if out.opened is not None and fact.payload is not None else None
    salt = out.opened.salt if out.opened is not None else None
    keys = signer.periods().for_checkpoint(log.size)
    steps = domain.prove(domain.Evidence(own, logged, proved, payload, salt), keys, signer.origin())
    state = BadgeState.SEALED if domain.holds(steps) else BadgeState.BROKEN
    return replace(out, badge=Badge(fact_id, state, place), steps=steps, proof=proved)


def _open(out: FactEvidence, fact: Fact) -> FactEvidence:
    opened = _opened(fact)
    digests = opened.payload.get("digests", {}) if opened else {}
    named = digests.items() if isinstance(digests, dict) else ()
    return replace(
        out, opened=opened, name=fact.name, title=kernel.event(fact).title, recorded_at=fact.recorded_at,
        documents=tuple(DocumentLine(str(n), str(d), _credential(str(d)) is not None) for n, d in named),
    )  # fmt: skip


def _credential(digest: str) -> dict[str, object] | None:
    """The stored credential of this venue with that digest, if there is one."""
    try:
        value = parse_object(documents.get(digest))
    except (NotFound, FormatError, AssertionError):
        return None
    own = value.get("issuer") == f"https://{signer.origin()}" and isinstance(value.get("proof"), list)
    return value if own else None


def credential_fact(digest: str) -> int:
    """The fact that names a credential of this venue: whoever knows its digest holds it. Errors: NotFound."""
    fact = naming_fact(digest)
    if _credential(digest) is None:
        raise NotFound(what=("该摘要的存证", "evidence of this digest"))
    return fact


def sealed(digest: str) -> bytes:
    """The single-file sealed document (shugu.formats.sealed) of a credential by its digest. The caller answers for
    who may have it: it opens the fact. Errors: NotFound, NotSealedYet, TileMissing."""
    fact = _fact(credential_fact(digest))
    credential, opened = _credential(digest), _opened(fact)
    if credential is None or opened is None:
        raise NotFound(what=("该摘要的存证", "evidence of this digest"))
    found = proof(fact.pk)
    if found is None:
        raise NotSealedYet()
    return seal(credential, opened, found)


def sealed_for(digest: str, actor: Actor | None) -> bytes:
    """As `sealed`, for a caller who may see the fact; to a stranger the document does not exist. Errors: NotFound."""
    if not may_see(_fact(credential_fact(digest)), actor):
        raise NotFound(what=("该摘要的存证", "evidence of this digest"))
    return sealed(digest)


def may_have(digest: str, actor: Actor | None) -> bool:
    """Whether a caller may be given the sealed form of a credential, which opens its fact."""
    try:
        return may_see(_fact(credential_fact(digest)), actor)
    except NotFound:
        return False


def sealed_or_none(digest: str) -> bytes | None:
    """As `sealed`; None for what is not sealed yet. Errors: TileMissing."""
    try:
        return sealed(digest)
    except (NotFound, NotSealedYet):
        return None


def consistency(old: int, new: int) -> Consistency:
    """Errors: InputInvalid unless 0 <= old <= new <= size of the log; TileMissing."""
    size = _size()
    if not 0 <= old <= new <= size:
        problem = (f"应为 0 ≤ 旧 ≤ 新 ≤ {size}", f"needs 0 ≤ from ≤ to ≤ {size}")
        raise InputInvalid(fields=("旧、新两个大小", "from, to"), field_errors={"from": problem})
    read = _reader(size)
    hashes = consistency_proof(old, new, read)
    found = Consistency(old, new, root_from(old, read), root_from(new, read), hashes)
    verify_consistency(old, new, hashes, found.old_root, found.new_root)
    return found


def key_history() -> bytes:
    """The content of `venue-keys.json`. Errors: NotFound before the venue's founding."""
    found = key_lines.document()
    if not found:
        raise NotFound(what=("密钥沿革", "key history"))
    return found


def vkey() -> str:
    """The content of `venue.vkey`: the public keys that sign documents and checkpoints, then those of witnesses, one a
    line."""
    return witness_keys.keyring().text()


def witnessed() -> tuple[WitnessedView, ...]:
    """The logs of other venues that this venue witnesses."""
    return witness_standing.witnessed()


def witness_alarms(limit: int = 50) -> tuple[Alarm, ...]:
    """Checkpoints of witnessed logs that did not extend what was cosigned, newest first."""
    return witness_standing.alarms(limit)


def witnessed_note(log_id: str) -> bytes | None:
    """The latest note cosigned for a log, by the SHA-256 of its origin; None for a log that was never witnessed."""
    return witness_standing.latest(log_id)
