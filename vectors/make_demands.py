"""The vectors of checks 13 to 15 (docs/formats.md sections 2 and 13): documents with key histories and status lists beside them,
and what a verifier must find. Made with keys of fixed seeds over a small log whose keys rotate."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

from shugu.formats.canonical import canonical, parse_object
from shugu.formats.checkpoint import Checkpoint, sign
from shugu.formats.checks import NUMBERS
from shugu.formats.credential import CONTEXT, Document, credential_digest, sign_credential
from shugu.formats.demands import Lists
from shugu.formats.keyhistory import Kind, Line, Statement, replay, sign_line, write_history
from shugu.formats.leaf import Fact, entry_for
from shugu.formats.merkle import inclusion_proof, leaf_hash, root_of_hashes
from shugu.formats.pins import Pins
from shugu.formats.proof import TlogProof
from shugu.formats.sealed import read_sealed, seal
from shugu.formats.status import LISTS, NONE, Flag, bitstring, decode, encode, entries, list_url
from shugu.formats.status_list import list_body
from shugu.formats.suites import SigningKey, keyring, keyring_of
from shugu.formats.tiles import encode_tile, hash_reader
from shugu.formats.times import write_time
from shugu.formats.verify import Verifier

ORIGIN = "vectors.shugu.dev/log"
BASE = "https://vectors.shugu.dev"
NOW = datetime(2026, 11, 22, 2, 5, 4, tzinfo=UTC)
RECORD = Path(__file__).with_name("demands.json")
_PACKED: dict[str, str] = {}
EVERY = Flag.REVOKED | Flag.SUPERSEDED | Flag.SUSPENDED | Flag.OBJECTED
Keys = Callable[[str, str], list[SigningKey]]


@dataclass
class Log:
    """A log of at most 256 entries, its key history, and what it seals."""

    leaves: list[bytes] = field(default_factory=list)
    lines: list[Line] = field(default_factory=list)

    def seal(self, credential: Document, by: Sequence[SigningKey], at: int | None = None) -> bytes:
        """One more fact, sealed under the checkpoint of now that `by` sign."""
        fact = Fact({"digests": {"document": credential_digest(credential)}, "fact": "vector"}, bytes([len(self.leaves)] * 32))
        self.leaves.append(leaf_hash(entry_for(canonical(fact.payload), fact.salt, "sm")))
        return self.again(credential, fact, len(self.leaves) - 1, by)

    def again(self, credential: Document, fact: Fact, index: int, by: Sequence[SigningKey]) -> bytes:
        size = len(self.leaves)
        read = hash_reader(lambda path: encode_tile(self.leaves), size)
        note = sign(Checkpoint(by[0].name, size, root_of_hashes(self.leaves)), by)
        return seal(credential, fact, TlogProof(index, inclusion_proof(index, size, read), note))

    def fresh(self, sealed: bytes, by: Sequence[SigningKey]) -> bytes:
        """The same document, downloaded anew under the checkpoint of now."""
        found = read_sealed(sealed)
        assert found.fact is not None and found.proof is not None
        return self.again(found.credential, found.fact, found.proof.index, by)

    def say(self, kind: Kind, keys: Sequence[SigningKey], by: Sequence[SigningKey], reason: str = "") -> None:
        state = replay(self.lines) if self.lines else None
        root = root_of_hashes(self.leaves) if kind in (Kind.RETIRED, Kind.COMPROMISED) else b""
        said = Statement(
            state.count if state else 0, ORIGIN, kind, tuple(key.verify_key for key in keys), NOW, len(self.leaves),
            state.last if state else "", reason, root,
        )  # fmt: skip
        self.lines.append(sign_line(said, by))

    @property
    def history(self) -> str:
        return write_history(ORIGIN, self.lines).decode()


def _certificate(number: str, by: Sequence[SigningKey], place: int | None = None, **more: Any) -> Document:
    body: Document = {
        "@context": [CONTEXT], "id": f"urn:shugu:vectors:{number}", "type": ["VerifiableCredential", "Vector"],
        "issuer": f"https://{ORIGIN}", "validFrom": write_time(NOW), "credentialSubject": {"number": number}, **more,
    }  # fmt: skip
    if place is not None:
        body["credentialStatus"] = [entry.as_dict() for entry in entries(BASE, 0, place, EVERY)]
    return sign_credential(body, by, NOW)


def _list(
    which: str, flags: dict[int, Flag], by: Sequence[SigningKey], version: int = 1, previous: str = "", **more: Any
) -> Document:
    given = {"issuer": f"https://{ORIGIN}", "valid_from": NOW, "valid_until": NOW + timedelta(days=1), **more}
    body = list_body(
        url=list_url(BASE, 0, which), purposes=LISTS[which], bits=bitstring(which, flags), version=version, previous=previous,
        ttl=timedelta(minutes=5), **given,
    )  # fmt: skip
    subject = body["credentialSubject"]
    assert isinstance(subject, dict)
    subject["encodedList"] = _recorded(bitstring(which, flags))
    return sign_credential(body, by, NOW)


def _recorded(bits: bytes) -> str:
    """The text on record where it still unpacks to these bits: another zlib may pack them another way."""
    name = sha256(bits).hexdigest()
    kept = json.loads(RECORD.read_text()).get("bitstrings", {}) if RECORD.exists() else {}
    _PACKED[name] = kept[name] if name in kept and decode(kept[name]) == bits else encode(bits)
    return _PACKED[name]


def _case(name: str, document: bytes, vkeys: str, at: datetime, **beside: Any) -> dict[str, Any]:
    """The case with what our own verifier finds."""
    histories, lists = beside.get("histories", []), beside.get("lists", [])
    hours = beside.get("max_age_hours")
    limit = timedelta(hours=hours) if hours is not None else timedelta.max
    further = [Lists([read_sealed(one.encode()) for one in lists], limit)] if lists else []
    verifier = Verifier(Pins(keyring(vkeys), [one.encode() for one in histories]), at, further)
    report = verifier.document(document)
    return {
        "name": name, "document": document.decode(), "vkeys": vkeys, "at": write_time(at), **beside,
        "verdict": report.verdict.value, "checks": [[NUMBERS[c.id], c.outcome.value] for c in report.checks],
    }  # fmt: skip


def demand_vectors(keys: Keys) -> object:
    """{"cases": [...], "refused_histories": {...}, "bitstrings": {digest of the bits: their text}}."""
    (old, sm), new = keys(ORIGIN, "venue"), keys(ORIGIN, "venue after")[0]
    first, second = keyring_of([old, sm]).text(), keyring_of([new, sm]).text()
    _PACKED.clear()
    return {"cases": [*_of_histories(old, new, sm, first, second), *_of_lists(old, sm, keys, first)],
            "refused_histories": _refused(old, new, sm, keys),
            "bitstrings": dict(_PACKED)}  # fmt: skip


def _of_histories(old: SigningKey, new: SigningKey, sm: SigningKey, first: str, second: str) -> list[dict[str, Any]]:
    log, thief = Log(), Log()
    log.say(Kind.FOUNDED, [old, sm], [old, sm])
    early = log.seal(_certificate("EARLY", [old, sm]), [old, sm])
    log.seal(_certificate("FILLER", [old, sm]), [old, sm])
    log.say(Kind.ANNOUNCED, [new], [old, new, sm], "rotated")
    between = log.seal(_certificate("BETWEEN", [new, sm]), [old, new, sm])
    last = log.seal(_certificate("LAST", [new, sm]), [old, sm])
    log.say(Kind.RETIRED, [old], [new, sm])
    late = log.seal(_certificate("LATE", [new, sm]), [new, sm])
    beside = {"histories": [log.history]}
    small = thief.seal(_certificate("STOLEN", [old, sm]), [old, sm])
    for n in range(5):
        large = thief.seal(_certificate(f"STOLEN-{n}", [old, sm]), [old, sm])
        if n == 2:
            even = large
    plain = canonical(_certificate("PLAIN", [old, sm])), canonical(_certificate("PLAIN", [new, sm]))
    at = NOW + timedelta(minutes=5)
    return [
        _case("of-the-old-key-downloaded-anew", log.fresh(early, [new, sm]), first, at, **beside),
        _case("of-the-old-key-pinned-is-the-new", log.fresh(early, [new, sm]), second, at, **beside),
        _case("of-the-old-key-nothing-joins-it", early, first, at, **beside),
        _case("in-the-overlap", between, first, at, **beside),
        _case("at-the-end-of-the-old-key", last, first, at, **beside),
        _case("of-the-new-key", late, first, at, **beside),
        _case("of-the-new-key-without-history", late, first, at),
        _case("stolen-in-a-small-tree", small, first, at, **beside),
        _case("stolen-at-the-size-of-its-end", even, first, at, **beside),
        _case("stolen-after-its-end", large, first, at, **beside),
        _case("not-sealed-by-an-ended-key", plain[0], first, at, **beside),
        _case("not-sealed-by-a-key-in-force", plain[1], first, at, **beside),
    ]  # fmt: skip


def _of_lists(old: SigningKey, sm: SigningKey, keys: Keys, first: str) -> list[dict[str, Any]]:
    log, by, at, place = Log(), [old, sm], NOW + timedelta(minutes=5), 4711
    document = log.seal(_certificate("LISTED", by, place), by)
    plain = log.seal(_certificate("UNLISTED", by), by)
    ended = log.seal(_certificate("ENDED", by, place, validUntil=write_time(NOW + timedelta(minutes=1))), by)

    def lists(flags: Flag = NONE, **more: Any) -> list[str]:
        made = (_list(which, {place: flags} if flags else {}, by, **more) for which in ("revocation", "suspension", "facets"))
        return [log.seal(one, by).decode() for one in made]

    good, days = lists(), NOW + timedelta(hours=30)
    one = _list("revocation", {place: Flag.REVOKED}, by)
    back = _list("revocation", {}, by, 2, credential_digest(one))
    on = _list("revocation", {place: Flag.REVOKED}, by, 2, credential_digest(_list("revocation", {}, by)))
    changed = good[0].replace('"version":1', '"version":2', 1)
    stranger = keys("stranger.shugu.dev/log", "stranger")
    foreign = _list("revocation", {}, stranger, issuer="https://stranger.shugu.dev/log")
    bare = parse_object(good[0].encode())["credential"]
    assert isinstance(bare, dict)
    unsealed = canonical(bare).decode()
    cases: list[tuple[str, bytes, datetime, dict[str, Any]]] = [
        ("in-force", document, at, {"lists": good}),
        ("revoked", document, at, {"lists": lists(Flag.REVOKED)}),
        ("superseded", document, at, {"lists": lists(Flag.SUPERSEDED)}),
        ("suspended", document, at, {"lists": lists(Flag.SUSPENDED)}),
        ("objected", document, at, {"lists": lists(Flag.OBJECTED)}),
        ("past-its-term", ended, at, {"lists": good}),
        ("names-no-list", plain, at, {"lists": good}),
        ("a-list-is-missing", document, at, {"lists": good[:2]}),
        ("older-than-asked-for", document, NOW + timedelta(hours=3), {"lists": good, "max_age_hours": 2}),
        ("past-its-own-end", document, days, {"lists": good}),
        ("not-in-force-yet", document, at, {"lists": lists(valid_from=NOW + timedelta(hours=1))}),
        ("a-list-was-changed", document, at, {"lists": [changed, *good[1:]]}),
        ("a-list-is-not-sealed", document, at, {"lists": [unsealed, *good[1:]]}),
        ("a-list-of-another-issuer", document, at, {"lists": [Log().seal(foreign, stranger).decode(), *good[1:]]}),
        ("two-versions", document, at, {"lists": [*good, log.seal(on, by).decode()]}),
        ("a-revocation-taken-back", document, at, {"lists": [*(log.seal(v, by).decode() for v in (one, back)), *good[1:]]}),
        ("not-a-list", document, at, {"lists": [*good, plain.decode()]}),
    ]  # fmt: skip
    return [_case(name, made, first, when, **beside) for name, made, when, beside in cases]


def _refused(old: SigningKey, new: SigningKey, sm: SigningKey, keys: Keys) -> dict[str, dict[str, str]]:
    """Histories that must be refused before anything is verified, for these pins."""
    pins, other = keyring_of([old, sm]).text(), keys(ORIGIN, "thief")
    good = Log()
    good.say(Kind.FOUNDED, [old, sm], [old, sm])
    founding = list(good.lines)
    good.say(Kind.ANNOUNCED, [new], [old, new, sm], "rotated")
    unsigned, strangers, last, twice = Log(), Log(), Log(), Log()
    unsigned.lines = list(founding)
    unsigned.say(Kind.ANNOUNCED, [new], [new, sm], "rotated")
    strangers.say(Kind.FOUNDED, other, other)
    last.lines = list(founding)
    last.say(Kind.RETIRED, [old], [sm])
    twice.lines = list(good.lines)
    twice.lines.append(good.lines[-1])
    text = good.history
    found = {
        "a-key-in-force-has-not-signed": unsigned.history, "of-other-keys": strangers.history,
        "the-last-key-of-a-suite-ends": last.history, "a-line-twice": twice.history,
        "a-line-removed": write_history(ORIGIN, good.lines[1:]).decode(),
        "a-size-changed": text.replace('"size":0}}],"name"', '"size":9}}],"name"', 1),
        "a-reason-changed": text.replace('"rotated"', '"adopted"', 1), "a-space": text.replace(",", ", ", 1),
        "another-format": text.replace("history/v1", "history/v2", 1), "cut-off": text[:-2],
        "no-line": '{"format":"shugu-key-history/v1","lines":[],"name":"x"}',
    }  # fmt: skip
    return {name: {"history": history, "vkeys": pins} for name, history in found.items()}
