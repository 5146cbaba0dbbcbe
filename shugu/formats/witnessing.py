"""C2SP tlog-witness: what a log sends to a witness, and what the witness may answer. Pure: the state comes in.

`Submission` is the body of `POST <prefix>/add-checkpoint`. `judge` gives the verdict over a witness's latest checkpoint
of that log; whoever keeps that state must swap it atomically, and durably, before the cosignature leaves.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from hashlib import sha256
from typing import Final

from shugu.formats.canonical import b64, unb64
from shugu.formats.checkpoint import Checkpoint, parse_any
from shugu.formats.checkpoint import verify as verify_checkpoint
from shugu.formats.errors import (
    BadBase64,
    BadCheckpoint,
    BadNote,
    BadSubmission,
    ProofInvalid,
    ShuguError,
    VerificationError,
)
from shugu.formats.merkle import EMPTY_ROOT, HASH_SIZE, verify_consistency
from shugu.formats.note import parse_note
from shugu.formats.suites import Keyring

MAX_PROOF: Final = 63
MAX_BODY: Final = 64 * 1024
SIZE_TYPE: Final = "text/x.tlog.size"
_OLD = re.compile(r"old (0|[1-9][0-9]{0,18})")


class UnknownLog(ShuguError):
    code = "unknown-log"
    status = 404
    sentence = ("本见证人不见证日志 {origin}。", "This witness does not know the log {origin}.")
    remedy = ("请见证人的运营者先登记该日志。", "Ask the witness's operator to add the log.")


class NotByTheLog(ShuguError):
    code = "not-by-the-log"
    status = 403
    sentence = ("检查点没有日志 {origin} 的有效签名。", "The checkpoint has no valid signature of the log {origin}.")
    remedy = ("核对日志所用密钥与见证人所登记的是否相同。", "Check that the log signs with the key the witness knows.")


class OldSizeDiffers(ShuguError):
    """`size` is the size of the latest checkpoint cosigned for that log. `forked`: the checkpoint sent, when it has that
    size and another root, which proves a fork whatever old size was claimed."""

    code = "old-size-differs"
    status = 409
    sentence = ("见证人最近会签的大小为 {size}。", "The latest checkpoint cosigned has size {size}.")
    remedy = ("从该大小起另备一致性证明后重发。", "Send it again with a consistency proof from that size.")

    def __init__(self, size: int, forked: Checkpoint | None = None) -> None:
        self.size, self.forked = size, forked
        super().__init__(size=size)


class NotAnExtension(ShuguError):
    """Signed by the log, yet not shown to extend what the witness saw. `proven`: the two signed checkpoints alone prove a
    fork (one size, two roots); otherwise only the proof sent is wrong, which anybody may have sent."""

    code = "not-an-extension"
    status = 422
    sentence = (
        "检查点与见证人所见不一致：{reason}。",
        "The checkpoint does not extend what the witness saw: {reason}.",
    )
    remedy = ("日志若无分叉，请重新生成一致性证明。", "If the log has not forked, make the consistency proof again.")

    def __init__(self, checkpoint: Checkpoint, reason: tuple[str, str], *, proven: bool) -> None:
        self.checkpoint, self.proven = checkpoint, proven
        super().__init__(reason=reason)


@dataclass(frozen=True)
class Submission:
    """`old` is the size the proof starts from, `note` the signed checkpoint verbatim."""

    old: int
    proof: tuple[bytes, ...]
    note: bytes

    def encode(self) -> bytes:
        lines = [f"old {self.old}", *(b64(h) for h in self.proof)]
        return "\n".join(lines).encode() + b"\n\n" + self.note

    @property
    def origin(self) -> str:
        """The log it is about, unverified. Raises BadSubmission."""
        try:
            return parse_any(parse_note(self.note).text).origin
        except (BadNote, BadCheckpoint) as error:
            raise BadSubmission(reason=(error.message("zh"), error.message("en"))) from error


@dataclass(frozen=True)
class Seen:
    """The latest checkpoint a witness has cosigned for a log; nothing yet is size 0."""

    size: int = 0
    root: bytes = EMPTY_ROOT


def parse_submission(body: bytes) -> Submission:
    """Raises BadSubmission."""
    head, gap, note = body.partition(b"\n\n")
    try:
        lines = head.decode("ascii").split("\n")
        old = _OLD.fullmatch(lines[0])
        proof = tuple(unb64(line) for line in lines[1:])
    except (UnicodeDecodeError, BadBase64) as error:
        raise BadSubmission(reason=("行的写法有误", "a malformed line")) from error
    if not gap or old is None or len(proof) > MAX_PROOF or any(len(h) != HASH_SIZE for h in proof):
        raise BadSubmission(reason=("首行、证明或空行不符", "wrong first line, proof or blank line"))
    return Submission(int(old[1]), proof, note)


def judge(submission: Submission, keys: Keyring, seen: Seen) -> Checkpoint:
    """The checkpoint to cosign: signed by the log's `keys` and an extension of `seen`.

    In the order of the specification raises NotByTheLog (403), BadSubmission (400), OldSizeDiffers (409),
    NotAnExtension (422).
    """
    origin = submission.origin
    try:
        found = verify_checkpoint(submission.note, keys)
    except VerificationError as error:
        raise NotByTheLog(origin=origin) from error
    if submission.old > found.size:
        raise BadSubmission(reason=("旧大小大于检查点", "the old size is larger than the checkpoint's"))
    forked = found.size == seen.size and found.root != seen.root
    if submission.old != seen.size:
        raise OldSizeDiffers(seen.size, found if forked else None)
    if found.size == 0 and found.root != EMPTY_ROOT:
        raise NotAnExtension(found, ("空树的根不符", "the empty tree has one root only"), proven=False)
    if forked:
        raise NotAnExtension(found, ("同一大小有两个根", "one size has two roots"), proven=True)
    try:
        verify_consistency(seen.size, found.size, submission.proof, seen.root, found.root)
    except ProofInvalid as error:
        reason = (error.message("zh"), error.message("en"))
        raise NotAnExtension(found, reason, proven=False) from error
    return found


def origin_id(origin: str) -> str:
    """The name of a log in a witness's monitoring URLs: SHA-256 of its origin, hexadecimal."""
    return sha256(origin.encode()).hexdigest()
