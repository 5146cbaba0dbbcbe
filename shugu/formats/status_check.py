"""What a signed and sealed version of a status list proves, alone and against an earlier one (docs/formats.md 13)."""

from __future__ import annotations

from datetime import datetime, timedelta

from shugu.formats.checks import CheckId, Outcome
from shugu.formats.errors import FormatError, StaleStatusList, StatusListForked, VerificationError
from shugu.formats.sealed import Sealed, read_sealed
from shugu.formats.status import FINAL, LISTS, REVOCATION, SUSPENSION
from shugu.formats.status_list import StatusList, read_list
from shugu.formats.suites import Keyring
from shugu.formats.times import write_time
from shugu.formats.verdicts import Verdict
from shugu.formats.verify import Report, verify_sealed


def check_list(
    document: Sealed | bytes,
    keys: Keyring,
    now: datetime,
    max_age: timedelta,
    previous: StatusList | None = None,
    *,
    report: Report | None = None,
) -> StatusList:
    """A version of a status list, sealed (section 9), that may be relied on at `now`.

    What holds when it returns: the list is signed by the pinned keys of its issuer, in every pinned suite; a fact in
    that issuer's own log names its digest, so the venue cannot deny this version nor keep it from whoever audits the log;
    it speaks at `now` and is not older than `max_age`; its bits decode. With `previous`, an earlier list that this caller
    checked: it is a list of the same URL and issuer, its version is not lower, the same version is the same bytes, the
    next version names the digest of `previous`, and none of the bits that end a credential for ever has fallen in between.

    What it does not prove: that the bits are true (the audit of the venue's books does); that nobody was shown a newer
    version within `max_age` (compare with another party, or with what the log names); how a list more than one version
    later hangs together with `previous` (check the versions in between one after the other).

    `report` is the verifier's on this very document at `now`, where the caller has it already.

    Raises VerificationError with the detail of the first check that fails, also for a list that is not sealed;
    StaleStatusList; StatusListForked, which holds two signed versions against each other; FormatError."""
    found = read_sealed(document) if isinstance(document, bytes) else document
    report = report or verify_sealed(found, keys, now)
    for check in report.checks:
        if check.outcome is Outcome.FAILED and check.id is not CheckId.DATES:
            raise VerificationError(reason=check.detail)
    read = read_list(found.credential)
    if read.valid_from > now:
        raise VerificationError(reason=("列表尚未生效", "the list is not in force yet"))
    if now >= read.valid_until or now - read.valid_from > max_age:
        raise StaleStatusList(url=read.id, version=read.version, at=write_time(read.valid_from))
    if report.verdict is not Verdict.SEALED:
        raise VerificationError(reason=("列表未封存或签署时间不符", "the list is not sealed, or signed at another time"))
    if previous is not None:
        if read.version < previous.version:
            raise StaleStatusList(url=read.id, version=read.version, at=write_time(read.valid_from))
        follows(read, previous)
    return read


def follows(new: StatusList, old: StatusList) -> None:
    """Whether a later version of a list (or the same) may stand beside an earlier one; both were verified.
    Raises FormatError for another list, StatusListForked."""
    if (new.id, new.issuer, new.purposes) != (old.id, old.issuer, old.purposes):
        raise FormatError(reason=("不是同一份列表", "these are not versions of one list"))
    why = _contradiction(new, old)
    if why is not None:
        raise StatusListForked(url=new.id, old=old.version, new=new.version, why=why)


def _contradiction(new: StatusList, old: StatusList) -> tuple[str, str] | None:
    if new.version == old.version and new.digest != old.digest:
        return ("同一版本号有两份内容", "one version number has two contents")
    if new.version == old.version + 1 and new.previous != old.digest:
        return ("所记前一版本不是它", "it names another version before it")
    if new.version > old.version and new.valid_from < old.valid_from:
        return ("时间倒退", "its time went back")
    if len(new.bits) != len(old.bits):
        return ("列表长度改变", "the length of the list changed")
    taken = _fallen(new, old)
    return (f"{taken} 项失效被取消", f"{taken} ending(s) were taken back") if taken else None


def _fallen(new: StatusList, old: StatusList) -> int:
    """How many bits that never fall were set in `old` and are not in `new`."""
    if new.purposes == LISTS[SUSPENSION]:
        return 0
    never = 0xFF if new.purposes == LISTS[REVOCATION] else FINAL.value
    mask = int.from_bytes(bytes([never]) * len(old.bits), "big")
    return (int.from_bytes(old.bits, "big") & mask & ~int.from_bytes(new.bits, "big")).bit_count()
