"""Delivery tokens: short-lived, bound to one contract, one grant and one connector.

`base64url(canonical payload) "." base64url(signature)`, without padding. The signature is
over `shugu-token/v1\\n` and the payload bytes, so that it can be taken for nothing else.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from datetime import datetime
from typing import Final

from shugu.formats.canonical import b64url, canonical, parse_object, unb64url
from shugu.formats.errors import BadBase64, BadToken, NotCanonical, TokenRefused, UnknownSigner
from shugu.formats.suites import Keyring, Signer

DOMAIN: Final = b"shugu-token/v1\n"
MAX_SIZE: Final = 4096
_TEXTS: Final = ("iss", "aud", "contract", "grant", "buyer", "product", "id")


@dataclass(frozen=True)
class Token:
    """Times are Unix seconds; valid while not_before <= now < not_after.

    `aud` is the connector's id, `product` the product version's digest (hex SHA-256),
    `id` a value of the issuer's that no two tokens share.
    """

    iss: str
    aud: str
    contract: str
    grant: str
    buyer: str
    product: str
    id: str
    not_before: int
    not_after: int


def issue(token: Token, key: Signer) -> str:
    """Signs with one key; `iss` must be the key's name. Raises BadToken."""
    if token.iss != key.name:
        raise BadToken(reason=("签发方不是该密钥", "the issuer is not the key's name"))
    payload = canonical({"v": 1, "kid": key.key_id} | {f.name: getattr(token, f.name) for f in fields(token)})
    return f"{b64url(payload)}.{b64url(key.sign(DOMAIN + payload))}"


def _read(payload: bytes) -> tuple[Token, str]:
    found = parse_object(payload)
    names = {f.name for f in fields(Token)}
    if found.keys() != names | {"v", "kid"} or found["v"] != 1:
        raise BadToken(reason=("成员或版本不符", "wrong members or version"))
    texts = all(isinstance(found[n], str) and found[n] for n in (*_TEXTS, "kid"))
    times = all(type(found[n]) is int for n in ("v", "not_before", "not_after"))
    if not texts or not times:
        raise BadToken(reason=("成员类型不符", "a member has the wrong type"))
    return Token(**{n: found[n] for n in names}), str(found["kid"])  # type: ignore[arg-type]


def _opened(text: str) -> tuple[Token, str, bytes, bytes]:
    """(token, key id, payload, signature), unverified. Raises BadToken."""
    parts = text.split(".")
    if len(parts) != 2 or len(text) > MAX_SIZE:
        raise BadToken(reason=("应为两段", "a token has two parts"))
    try:
        payload, signature = unb64url(parts[0]), unb64url(parts[1])
        return *_read(payload), payload, signature
    except (BadBase64, NotCanonical) as error:
        raise BadToken(reason=("写法有误", "malformed")) from error


def method_of(text: str) -> str:
    """The verification method of the key a token says it is signed with, unverified. Raises BadToken."""
    token, kid, _, _ = _opened(text)
    return f"https://{token.iss}#{kid}"


def verify(text: str, keys: Keyring, now: datetime, audience: str) -> Token:
    """The token, if a pinned key signed it for `audience` and it is in its time.

    Raises BadToken, UnknownSigner, BadSignature, TokenRefused.
    """
    token, kid, payload, signature = _opened(text)
    key = next((k for k in keys.keys if (k.name, k.key_id) == (token.iss, kid)), None)
    if key is None:
        raise UnknownSigner(name=f"{token.iss}+{kid}")
    key.verify(DOMAIN + payload, signature)
    if token.aud != audience:
        raise TokenRefused(reason=("不是发给本连接器的", "it is for another connector"))
    if now.timestamp() < token.not_before:
        raise TokenRefused(reason=("尚未生效", "it is not valid yet"))
    if now.timestamp() >= token.not_after:
        raise TokenRefused(reason=("已经过期", "it has expired"))
    return token
