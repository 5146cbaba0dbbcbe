"""C2SP tlog-cosignature (Ed25519): a witness states that it saw a checkpoint, and when.

A cosignature is a signature line of key type 0x04 on the checkpoint's note; its 72 bytes are the Unix time in seconds
(u64, big endian) and an Ed25519 signature over `cosignature/v1`, the time and the whole text of the checkpoint.
"""

from __future__ import annotations

import secrets

from shugu.formats.checkpoint import parse_any
from shugu.formats.errors import BadKey, BadNote, BadSignature
from shugu.formats.note import MAX_SIGNATURES, Signature, parse_line
from shugu.formats.suites import COSIGNING, SigningKey, VerifyKey, check_name


def new_witness_key(name: str) -> SigningKey:
    """A fresh key for a witness. `name` is a schema-less URL that nobody else uses. Raises BadKey.

    The signed bytes do not hold the name: a key must never serve under two names.
    """
    return SigningKey(check_name(name), COSIGNING, secrets.token_bytes(32))


def witness_key_from_pem(name: str, pem: bytes, password: bytes | None = None) -> SigningKey:
    """The key kept by `SigningKey.to_pem`. Raises BadKey."""
    held = SigningKey.from_pem(name, "intl", pem, password)
    return SigningKey(name, COSIGNING, held.private)


def cosign(text: str, key: SigningKey, time: int) -> Signature:
    """The witness's line on a checkpoint's text, at a Unix time in seconds. Raises BadCheckpoint, BadKey."""
    parse_any(text)
    if key.suite is not COSIGNING or not 0 < time < 1 << 63:
        raise BadKey(reason=("会签需要见证人密钥与时间", "a cosignature needs a witness's key and a time"))
    return Signature(key.name, key.verify_key.id_bytes, COSIGNING.cosign(key.private, text, time))


def cosigned_at(signature: Signature) -> int:
    """The Unix time that a cosignature states. Raises BadSignature when it is none."""
    if len(signature.signature) != 72:
        raise BadSignature(name=signature.name)
    return int.from_bytes(signature.signature[:8], "big")


def verify_cosignature(text: str, signature: Signature, key: VerifyKey) -> int:
    """The time of a cosignature by this very witness. Raises BadSignature."""
    if key.suite is not COSIGNING or (signature.name, signature.id_bytes) != (key.name, key.id_bytes):
        raise BadSignature(name=signature.name)
    key.verify(text.encode(), signature.signature)
    return cosigned_at(signature)


def parse_cosignatures(data: bytes) -> tuple[Signature, ...]:
    """The signature lines of a witness's answer, unverified: one or more, each ended by a newline. Raises BadNote."""
    try:
        lines = data.decode("utf-8").split("\n")
    except UnicodeDecodeError as error:
        raise BadNote(reason=("不是 UTF-8", "not UTF-8")) from error
    if lines.pop() or not 0 < len(lines) <= MAX_SIGNATURES:
        raise BadNote(reason=("应为一行或多行签名", "one or more signature lines are wanted"))
    return tuple(parse_line(line) for line in lines)
