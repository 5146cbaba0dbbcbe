"""Status list credentials and what they say of a credential (docs/formats.md 13); `status_check` verifies them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from shugu.formats import status
from shugu.formats.canonical import from_hex
from shugu.formats.credential import CONTEXT, Document, check_body, credential_digest, split_proofs
from shugu.formats.errors import BadStatusList, StatusListMissing
from shugu.formats.status import FINAL, Flag, StatusEntry
from shugu.formats.times import read_time, write_time

TYPE: Final = "BitstringStatusListCredential"
SUBJECT_TYPE: Final = "BitstringStatusList"
_SUBJECT: Final = {"id", "type", "statusPurpose", "encodedList", "ttl", "version"}
_MAY: Final = {"previous", "demo"}
# Nothing of these lets a credential pass as valid.
BLOCKING: Final = FINAL | Flag.SUSPENDED


@dataclass(frozen=True)
class StatusList:
    """One version of a list as read. `previous` is the digest of the version before, empty in the first; `digest` its
    own; it speaks from `valid_from` until `valid_until`."""

    id: str
    issuer: str
    purposes: tuple[str, ...]
    bits: bytes
    version: int
    previous: str
    digest: str
    valid_from: datetime
    valid_until: datetime
    ttl: timedelta

    def says(self, entry: StatusEntry) -> bool:
        """Whether the entry's bit is set. Raises BadStatusList for an entry of another list or purpose."""
        if entry.list != self.id or entry.purpose not in self.purposes:
            raise BadStatusList(reason=("条目指向另一份列表", "the entry is of another list"))
        return status.bit(self.bits, entry.index)


@dataclass(frozen=True)
class Standing:
    """What the lists say of a credential at a time. `facets`: `valid`, or what takes that away, and what stands beside:
    superseded objected suspended revoked revoked_in_part cancelled encumbered moved expired not_yet_valid.
    `versions`: {URL of a list: its version}."""

    facets: frozenset[str]
    at: datetime
    versions: Mapping[str, int]

    @property
    def valid(self) -> bool:
        return "valid" in self.facets


def list_body(
    *, url: str, issuer: str, purposes: Sequence[str], bits: bytes, version: int, previous: str, valid_from: datetime,
    valid_until: datetime, ttl: timedelta, demo: bool = False,
) -> Document:  # fmt: skip
    """The unsigned credential of one version of a list. One purpose is written as a string, several as an array."""
    subject: Document = {
        "id": f"{url}#list",
        "type": SUBJECT_TYPE,
        "statusPurpose": purposes[0] if len(purposes) == 1 else list(purposes),
        "encodedList": status.encode(bits),
        "ttl": int(ttl / timedelta(milliseconds=1)),
        "version": version,
        **({"previous": previous} if previous else {}),
        **({"demo": True} if demo else {}),
    }
    return {
        "@context": [CONTEXT],
        "id": url,
        "type": ["VerifiableCredential", TYPE],
        "issuer": issuer,
        "validFrom": write_time(valid_from),
        "validUntil": write_time(valid_until),
        "credentialSubject": subject,
    }


def _require(condition: bool, zh: str, en: str) -> None:
    if not condition:
        raise BadStatusList(reason=(zh, en))


def read_list(credential: Document) -> StatusList:
    """The list in a credential, whose signatures are not looked at here. Raises BadStatusList, BadCredential."""
    body, _ = split_proofs(credential)
    check_body(body)
    _require(body["type"] == ["VerifiableCredential", TYPE], "不是状态列表凭证", "it is no status list credential")
    subject, url = body["credentialSubject"], body.get("id")
    _require(isinstance(url, str) and "validUntil" in body, "缺少 id 或 validUntil", "id or validUntil is missing")
    assert isinstance(subject, dict)
    _require(_SUBJECT <= subject.keys() <= _SUBJECT | _MAY, "列表成员不符", "wrong members in the list")
    _require(subject["id"] == f"{url}#list" and subject["type"] == SUBJECT_TYPE, "列表 id 或类型有误", "wrong id or type")
    version, previous, ttl = subject["version"], subject.get("previous", ""), subject["ttl"]
    _require(type(version) is int and version > 0 and type(ttl) is int and ttl >= 0, "版本或 ttl 有误", "wrong version or ttl")
    _require(isinstance(previous, str) and (version == 1) == (previous == ""), "前一版本摘要有误", "wrong previous digest")
    if previous:
        from_hex(str(previous), 32)
    assert isinstance(version, int) and isinstance(ttl, int)
    return StatusList(
        id=str(url), issuer=str(body["issuer"]), purposes=_purposes(subject["statusPurpose"]),
        bits=status.decode(str(subject["encodedList"])), version=version, previous=str(previous),
        digest=credential_digest(credential), valid_from=read_time(str(body["validFrom"])),
        valid_until=read_time(str(body["validUntil"])), ttl=timedelta(milliseconds=ttl),
    )  # fmt: skip


def _purposes(value: object) -> tuple[str, ...]:
    named = (value,) if isinstance(value, str) else tuple(value) if isinstance(value, list) else ()
    _require(named in status.LISTS.values(), "状态用途未知", "unknown status purposes")
    return tuple(str(name) for name in named)


def facets(credential: Document, lists: Mapping[str, StatusList], at: datetime) -> Standing:
    """What stands of a credential at `at` by these lists ({URL: list}); of a credential without `credentialStatus` only
    its dates can be told. The caller has verified the credential and the lists.

    Raises StatusListMissing for a list that was not given or does not speak at `at`, BadCredential, BadStatusList."""
    found: set[str] = set()
    versions: dict[str, int] = {}
    flags = Flag(0)
    if "credentialStatus" in credential:
        named = status.read_entries(credential["credentialStatus"])
        for url in {entry.list for entry in named}:
            known = lists.get(url)
            if known is None or not known.valid_from <= at < known.valid_until:
                raise StatusListMissing(url=url)
            if known.issuer != credential.get("issuer"):
                raise BadStatusList(reason=("列表由他人签发", "the list is another issuer's"))
            versions[url] = known.version
        flags = status.flags_from([entry.purpose for entry in named if lists[entry.list].says(entry)])
        found |= {flag.name.lower() for flag in Flag if flag & flags and flag.name}
    if read_time(str(credential["validFrom"])) > at:
        found.add("not_yet_valid")
    if "validUntil" in credential and read_time(str(credential["validUntil"])) <= at:
        found.add("expired")
    if not flags & BLOCKING and not found & {"not_yet_valid", "expired"}:
        found.add("valid")
    return Standing(frozenset(found), at, versions)
