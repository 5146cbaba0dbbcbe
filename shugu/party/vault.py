"""Secrets at rest: sealed with AES-256-GCM under the home's secret, or remembered by a keyed digest only."""

from __future__ import annotations

import base64
import hashlib
import hmac
import os
from dataclasses import InitVar, dataclass, field

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from shugu.kernel import runtime

_NONCE = 12


def _key(purpose: str) -> bytes:
    secret = runtime.home().secret("party").encode()
    return hmac.new(secret, purpose.encode(), hashlib.sha256).digest()


def seal(purpose: str, plain: bytes) -> bytes:
    """nonce ‖ ciphertext; `purpose` is bound in, so that one kind of secret never opens as another."""
    nonce = os.urandom(_NONCE)
    return nonce + AESGCM(_key(purpose)).encrypt(nonce, plain, purpose.encode())


def unseal(purpose: str, sealed: bytes) -> bytes:
    """Errors: cryptography.exceptions.InvalidTag when the bytes or the home's secret changed."""
    sealed = bytes(sealed)
    return AESGCM(_key(purpose)).decrypt(sealed[:_NONCE], sealed[_NONCE:], purpose.encode())


def keyed(purpose: str, text: str) -> str:
    """A keyed digest (hex): equal for equal texts, useless without the home's secret."""
    return hmac.new(_key(purpose), text.encode(), hashlib.sha256).hexdigest()


def fresh_token(purpose: str, occasion: str | None) -> str:
    """32 bytes as base64url: random, or the same for the same occasion, so that a repeated request gets its answer."""
    raw = os.urandom(32) if occasion is None else bytes.fromhex(keyed(purpose, occasion))
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


@dataclass(frozen=True)
class Secret:
    """A password inside a command: its text never enters an idempotency record, a log or a repr."""

    text: InitVar[str]
    mark: str = field(default="", init=False)

    def __post_init__(self, text: str) -> None:
        object.__setattr__(self, "mark", keyed("command", text))
        object.__setattr__(self, "_text", text)

    def reveal(self) -> str:
        text: str = self.__dict__["_text"]
        return text
