"""What a relying party may demand beyond a good document: witnesses (check 12) and a known status (checks 14 and 15).

A demand is a function from a document to checks (`verify.Further`). A status that is not good leaves the document
genuine: its checks carry the verdict they lead to.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Final

from shugu.formats.checkpoint import parse
from shugu.formats.checks import Check, CheckId, failed, passed, skipped
from shugu.formats.credential import Document
from shugu.formats.errors import BadCredential, Pair, ShuguError, StatusListMissing, UnknownSigner
from shugu.formats.quorum import Policy
from shugu.formats.sealed import Sealed
from shugu.formats.status import FINAL, Flag, read_entries
from shugu.formats.status_check import check_list
from shugu.formats.status_list import StatusList, facets, read_list
from shugu.formats.times import write_time
from shugu.formats.verdicts import Verdict
from shugu.formats.verify import Further, Verifier

FACETS: Final[Mapping[str, Pair]] = {
    "valid": ("有效", "valid"),
    "revoked": ("已撤销", "revoked"),
    "cancelled": ("已注销", "cancelled"),
    "superseded": ("已被替代", "superseded"),
    "moved": ("已迁出", "moved to another register"),
    "suspended": ("已暂停", "suspended"),
    "objected": ("有异议", "objected to"),
    "revoked_in_part": ("部分撤销", "revoked in part"),
    "encumbered": ("设有负担", "encumbered"),
    "expired": ("已过有效期", "past its term"),
    "not_yet_valid": ("尚未生效", "not yet valid"),
}
_ENDED: Final = {flag.name.lower() for flag in Flag if flag & FINAL and flag.name}
_RESTRAINED: Final = {flag.name.lower() for flag in Flag if not flag & FINAL and flag.name}
# An earlier version whose term is over is still evidence of what its issuer said.
_SIGNED: Final = (Verdict.SEALED, Verdict.EXPIRED)


def witnesses(policy: Policy) -> Further:
    """Check 12: the sealed checkpoint has the cosignatures that make the policy's quorum, none dated after the time of
    verification; where the policy names logs, the checkpoint's is one of them."""

    def check(document: Sealed, verifier: Verifier) -> list[Check]:
        if document.proof is None:
            return [skipped(CheckId.COSIGNATURES, "没有日志证明文件", "there is no log proof")]
        return [cosigned(policy, document.proof.checkpoint, verifier.now)]

    return check


def cosigned(policy: Policy, note: bytes, now: datetime) -> Check:
    """Check 12 of a signed checkpoint."""
    try:
        found = policy.require(note, int(now.timestamp()))
        origin = parse(note).origin
        if policy.logs and all(log.key.name != origin for log in policy.logs):
            raise UnknownSigner(name=origin)
    except ShuguError as error:
        return failed(CheckId.COSIGNATURES, error)
    told = ", ".join(f"{witness.key.name} {write_time(datetime.fromtimestamp(at, UTC))}" for witness, at in found.cosigned)
    return passed(CheckId.COSIGNATURES, told or "策略不要求联署", told or "the policy demands none")


class Lists:
    """Checks 14 and 15 against status lists in hand: sealed, or as signed with fact and proof beside them.

    Of several versions of one list the newest that had begun is used; if it contradicts the one before, that is told.
    What was given for a list and cannot be read as one (its error in place of the document) leaves every status unknown.
    """

    def __init__(self, documents: Sequence[Sealed | ShuguError], max_age: timedelta) -> None:
        self.max_age = max_age
        self._given: dict[str, list[tuple[StatusList, Sealed]]] = {}
        self._checked: dict[str, StatusList | ShuguError] = {}
        self._broken: ShuguError | None = None
        for document in documents:
            if isinstance(document, ShuguError):
                self._broken = document
                continue
            try:
                read = read_list(document.credential)
            except ShuguError as error:
                self._broken = error
            else:
                self._given.setdefault(read.id, []).append((read, document))

    def __call__(self, document: Sealed, verifier: Verifier) -> list[Check]:
        credential = document.credential
        if "credentialStatus" not in credential:
            why = ("本凭证未指明状态列表", "the document names no status list")
            return [skipped(CheckId.STATUS_LIST, *why), skipped(CheckId.STATUS, *why)]
        try:
            urls = list(dict.fromkeys(entry.list for entry in read_entries(credential["credentialStatus"])))
        except BadCredential as error:
            return [failed(CheckId.STATUS_LIST, error)]
        try:
            lists = {url: self._list(url, verifier) for url in urls}
        except ShuguError as error:
            return [failed(CheckId.STATUS_LIST, error, Verdict.UNKNOWN)]
        return [_listed(lists), standing_check(credential, lists, verifier.now)]

    def _list(self, url: str, verifier: Verifier) -> StatusList:
        """Raises StatusListMissing, StaleStatusList, StatusListForked, FormatError, VerificationError."""
        if self._broken is not None:
            raise self._broken
        if url not in self._checked:
            try:
                self._checked[url] = self._newest(url, verifier)
            except ShuguError as error:
                self._checked[url] = error
        found = self._checked[url]
        if isinstance(found, ShuguError):
            raise found
        return found

    def _newest(self, url: str, verifier: Verifier) -> StatusList:
        begun = [one for one in self._given.get(url, ()) if one[0].valid_from <= verifier.now]
        if not begun:
            raise StatusListMissing(url=url)
        ordered = [document for _, document in sorted(begun, key=lambda one: one[0].version)]
        reports = [verifier.core(document) for document in ordered[-2:]]
        sound = [read_list(r.document.credential) for r in reports[:-1] if r.document and r.verdict in _SIGNED]
        return check_list(
            ordered[-1], verifier.pins.keys, verifier.now, self.max_age, sound[0] if sound else None, report=reports[-1]
        )


def _listed(lists: Mapping[str, StatusList]) -> Check:
    told = ", ".join(f"{url} v{one.version} {write_time(one.valid_from)}" for url, one in sorted(lists.items()))
    return passed(CheckId.STATUS_LIST, told, told)


def standing_check(credential: Document, lists: Mapping[str, StatusList], at: datetime) -> Check:
    """Check 15: what lists that have been checked say of a credential at `at`."""
    try:
        found = facets(credential, lists, at)
    except ShuguError as error:
        return failed(CheckId.STATUS, error, Verdict.UNKNOWN)
    names = [name for name in FACETS if name in found.facets]
    told = ("、".join(FACETS[n][0] for n in names), ", ".join(FACETS[n][1] for n in names))
    if found.facets & _ENDED:
        return failed(CheckId.STATUS, told, Verdict.REVOKED)
    if found.facets & _RESTRAINED:
        return failed(CheckId.STATUS, told, Verdict.RESTRAINED)
    # Dates are check 6's to tell.
    return passed(CheckId.STATUS, *told)
