"""The vectors of status lists (docs/formats.md 13), made with the keys and the log of `make.py`."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path

from shugu.formats import status, status_list
from shugu.formats.canonical import b64url, unb64url
from shugu.formats.credential import Document, credential_digest, sign_credential
from shugu.formats.suites import SigningKey
from shugu.formats.times import write_time

HERE = Path(__file__).resolve().parent
ORIGIN = "vectors.shugu.dev/log"
NOW = datetime(2026, 11, 22, 2, 5, 4, tzinfo=UTC)
BASE = "https://vectors.shugu.dev"
ALL = status.Flag(0xFF)
PLACES: list[tuple[int, status.Flag]] = [
    (0, status.Flag.REVOKED), (1, status.Flag.SUSPENDED | status.Flag.OBJECTED), (9, status.Flag.SUPERSEDED),
    (4711, status.Flag.ENCUMBERED | status.Flag.REVOKED_IN_PART), (131_070, status.Flag.MOVED),
    (131_071, status.Flag.CANCELLED | status.Flag.SUPERSEDED),
]  # fmt: skip


@dataclass(frozen=True)
class Tools:
    """A body without status, the keys that sign, and what seals a credential into the log."""

    body: Document
    keys: Sequence[SigningKey]
    seal: Callable[[Document], bytes]


def recorded(bits: bytes) -> str:
    """The text on record where it still unpacks to these bits: another zlib may pack them another way."""
    path = HERE / "status.json"
    kept = json.loads(path.read_text())["bitstrings"] if path.exists() else []
    found = [item["encodedList"] for item in kept if item["sha256"] == sha256(bits).hexdigest()]
    return found[0] if found and status.decode(found[0]) == bits else status.encode(bits)


def status_lists(made: Tools) -> dict[str, list[Document]]:
    """Two signed versions of each list: nothing set, then PLACES."""
    out: dict[str, list[Document]] = {}
    for which, purposes in status.LISTS.items():
        previous, versions = "", list[Document]()
        for n, flags in enumerate(({}, dict(PLACES)), 1):
            body = status_list.list_body(
                url=status.list_url(BASE, 0, which), issuer=f"https://{ORIGIN}", purposes=purposes,
                bits=status.bitstring(which, flags), version=n, previous=previous, valid_from=NOW + timedelta(minutes=n),
                valid_until=NOW + timedelta(days=1, minutes=n), ttl=timedelta(minutes=5),
            )  # fmt: skip
            subject = body["credentialSubject"]
            assert isinstance(subject, dict)
            subject["encodedList"] = recorded(status.bitstring(which, flags))
            versions.append(sign_credential(body, made.keys, NOW + timedelta(minutes=n)))
            previous = credential_digest(versions[-1])
        out[which] = versions
    return out


def with_status(made: Tools, index: int) -> Document:
    entries = [entry.as_dict() for entry in status.entries(BASE, 0, index, ALL)]
    return sign_credential(made.body | {"credentialStatus": entries}, made.keys, NOW)


def status_refused() -> dict[str, str]:
    """`encodedList` texts that must not be read."""
    good = status.encode(bytes(status.ENTRIES // 8))
    packed = unb64url(good[1:])
    again = b64url
    return {
        "no-multibase-prefix": good[1:],
        "other-multibase": "z" + good[1:],
        "padded": good + "=",
        "standard-alphabet": "u" + again(packed).replace("-", "+").replace("_", "/") + "+",
        "with-a-time": "u" + again(packed[:4] + b"\x01" + packed[5:]),
        "with-a-name-flag": "u" + again(packed[:3] + b"\x08" + packed[4:]),
        "cut-off": "u" + again(packed[:-1]),
        "something-behind": "u" + again(packed + b"\0"),
        "two-members": "u" + again(packed + packed),
        "wrong-sum": "u" + again(packed[:-8] + bytes(4) + packed[-4:]),
        "too-few-entries": status.encode(bytes(status.ENTRIES // 8 - 1)),
        "bomb": status.encode(bytes(status.MOST_BYTES + 1)),
    }


def status_vectors(made: Tools) -> object:
    lists = status_lists(made)
    bits = [(which, flags, status.bitstring(which, flags)) for which in status.LISTS for flags in ({}, dict(PLACES))]
    at = NOW + timedelta(minutes=3)
    known = {str(v[1]["id"]): status_list.read_list(v[1]) for v in lists.values()}
    good = status.entries(BASE, 0, 7, status.Flag.REVOKED)[0].as_dict()
    return {
        "at": write_time(at),
        "bitstrings": [
            {"list": which, "places": {str(i): int(f) for i, f in flags.items()}, "sha256": sha256(b).hexdigest(),
             "encodedList": recorded(b)}
            for which, flags, b in bits
        ],
        "refused": status_refused(),
        "lists": {which: [made.seal(v).decode() for v in versions] for which, versions in lists.items()},
        "credentials": [
            {"place": i, "credential": with_status(made, i),
             "facets": sorted(status_list.facets(with_status(made, i), known, at).facets)}
            for i in (0, 1, 2, 9, 4711, 131_071)
        ],
        "refused_entries": {
            "not-a-list": good, "none": [], "number-as-index": [good | {"statusListIndex": 7}],
            "leading-zero": [good | {"statusListIndex": "07"}], "other-type": [good | {"type": "StatusList2021Entry"}],
            "unknown-purpose": [good | {"statusPurpose": "refresh"}], "extra-member": [good | {"id": "#7"}],
            "purpose-twice": [good, good], "no-web-address": [good | {"statusListCredential": "urn:x.json"}],
        },
    }  # fmt: skip
