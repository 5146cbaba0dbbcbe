"""C2SP checkpoints: origin, size and root of a log, as the text of a signed note."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from shugu.formats.canonical import b64, unb64
from shugu.formats.errors import BadBase64, BadCheckpoint, MissingSignature, UnknownSigner
from shugu.formats.merkle import HASH_SIZE
from shugu.formats.note import Opened, open_note, parse_note, sign_note
from shugu.formats.suites import Keyring, Signer

_SIZE = re.compile(r"0|[1-9][0-9]{0,18}")


@dataclass(frozen=True)
class Checkpoint:
    """`origin` is the log's name, schema-less; `root` is 32 bytes. No extension lines."""

    origin: str
    size: int
    root: bytes

    def text(self) -> str:
        if not self.origin or "\n" in self.origin or self.size < 0 or len(self.root) != HASH_SIZE:
            raise BadCheckpoint(reason=("字段越界", "a field is out of range"))
        return f"{self.origin}\n{self.size}\n{b64(self.root)}\n"


def parse_text(text: str) -> Checkpoint:
    """The three lines, strictly; extension lines are refused. Raises BadCheckpoint."""
    lines = text.split("\n")
    if len(lines) != 4 or lines[3] or not lines[0]:
        raise BadCheckpoint(reason=("应为三行", "there must be three lines"))
    if not _SIZE.fullmatch(lines[1]):
        raise BadCheckpoint(reason=("树大小写法有误", "malformed tree size"))
    try:
        root = unb64(lines[2])
    except BadBase64 as error:
        raise BadCheckpoint(reason=("根哈希写法有误", "malformed root hash")) from error
    if len(root) != HASH_SIZE:
        raise BadCheckpoint(reason=("根哈希应为 32 字节", "the root hash has 32 bytes"))
    return Checkpoint(lines[0], int(lines[1]), root)


def parse_any(text: str) -> Checkpoint:
    """The first three lines of a checkpoint as any C2SP log may write it: extension lines, none empty, may follow and
    are part of what is signed, but say nothing here. Raises BadCheckpoint."""
    lines = text.split("\n")
    if len(lines) < 4 or lines[-1] or not all(lines[3:-1]):
        raise BadCheckpoint(reason=("应至少三行，且没有空行", "there must be three lines or more, none empty"))
    return parse_text("\n".join(lines[:3]) + "\n")


def parse(data: bytes) -> Checkpoint:
    """The checkpoint of a signed note, unverified. Raises BadNote, BadCheckpoint."""
    return parse_text(parse_note(data).text)


def sign(checkpoint: Checkpoint, keys: Sequence[Signer]) -> bytes:
    """A signed checkpoint; each key's name must be the origin (witnesses sign beside)."""
    if any(k.name != checkpoint.origin for k in keys):
        raise BadCheckpoint(reason=("密钥名称应等于日志名称", "a key's name must be the origin"))
    return sign_note(checkpoint.text(), keys)


def verify(data: bytes, keys: Keyring) -> Checkpoint:
    """As C2SP demands: unknown signatures ignored, a known one that fails rejects, extension lines allowed.

    The origin itself must have signed with Ed25519. Raises BadNote, BadCheckpoint,
    VerificationError.
    """
    opened = open_note(data, keys)
    checkpoint = parse_any(opened.text)
    if not any(k.name == checkpoint.origin and k.suite.name == "intl" for k in opened.verified):
        raise MissingSignature(name=checkpoint.origin)
    return checkpoint


def verify_strict(data: bytes, keys: Keyring) -> Checkpoint:
    """For sealed documents, where no changed byte may still verify.

    Beyond `verify`: no unknown signature, the origin signed in every suite in which the
    keyring holds a key of its, and the lines follow the order of the keyring.
    """
    opened = open_note(data, keys)
    checkpoint = parse_text(opened.text)
    require_closed(opened, keys, checkpoint.origin)
    return checkpoint


def require_closed(opened: Opened, keys: Keyring, origin: str) -> None:
    """The strict rules about signers, each raising a VerificationError or BadCheckpoint."""
    if opened.unknown:
        raise UnknownSigner(name=opened.unknown[0].name)
    wanted = keys.suites_of(origin)
    if "intl" not in wanted:
        raise UnknownSigner(name=origin)
    for suite in wanted:
        if not any(k.name == origin and k.suite.name == suite for k in opened.verified):
            raise MissingSignature(name=f"{origin} ({suite})")
    places = [keys.order(k) for k in opened.verified]
    if places != sorted(set(places)):
        raise BadCheckpoint(reason=("签名行次序与公钥文件不同", "the signatures are out of order"))
