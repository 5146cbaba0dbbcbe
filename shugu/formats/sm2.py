"""SM2 signatures through tongsuopy, in the raw 64-byte form r||s."""

from __future__ import annotations

import secrets
from functools import lru_cache
from typing import Any, Final

from tongsuopy.crypto import hashes, serialization
from tongsuopy.crypto.asymciphers import ec
from tongsuopy.crypto.exceptions import InternalError, InvalidSignature, UnsupportedAlgorithm

from shugu.formats.errors import BadKey

ORDER: Final = 0xFFFFFFFEFFFFFFFFFFFFFFFFFFFFFFFF7203DF6B21C6052B53BBF40939D54123
_ALGORITHM: Final = ec.ECDSA(hashes.SM3())


def generate() -> bytes:
    """A private scalar in [1, n-2] (GB/T 32918.2 section 6.1), 32 bytes big endian."""
    return (1 + secrets.randbelow(ORDER - 2)).to_bytes(32, "big")


@lru_cache(maxsize=64)
def _load(private: bytes) -> Any:
    value = int.from_bytes(private, "big")
    if len(private) != 32 or not 1 <= value <= ORDER - 2:
        raise BadKey(reason=("SM2 私钥不在有效范围", "the SM2 private key is out of range"))
    return ec.derive_private_key(value, ec.SM2())


@lru_cache(maxsize=256)
def _load_public(public: bytes) -> Any:
    if len(public) != 65 or public[0] != 4:
        raise BadKey(reason=("SM2 公钥应为 65 字节未压缩点", "an SM2 public key is a 65-byte point"))
    try:
        return ec.EllipticCurvePublicKey.from_encoded_point(ec.SM2(), public)
    except (ValueError, InternalError) as error:
        raise BadKey(reason=("SM2 公钥不在曲线上", "the SM2 public key is not on the curve")) from error


def check_point(public: bytes) -> None:
    """Raises BadKey."""
    _load_public(public)


def public(private: bytes) -> bytes:
    """The uncompressed point, 65 bytes."""
    point = _load(private).public_key()
    encoded = point.public_bytes(serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint)
    return bytes(encoded)


def _der_integer(value: int) -> bytes:
    body = value.to_bytes(value.bit_length() // 8 + 1, "big")
    return bytes((2, len(body))) + body


def _to_der(raw: bytes) -> bytes:
    body = _der_integer(int.from_bytes(raw[:32], "big")) + _der_integer(int.from_bytes(raw[32:], "big"))
    return bytes((0x30, len(body))) + body


def _from_der(der: bytes) -> bytes:
    first = der[3]
    r, s = der[4 : 4 + first], der[6 + first :]
    return b"".join(int.from_bytes(part, "big").to_bytes(32, "big") for part in (r, s))


def sign(private: bytes, message: bytes) -> bytes:
    """r||s over SM3(Z || message), Z with the default signer id."""
    return _from_der(_load(private).sign(message, _ALGORITHM))


def verify(public_point: bytes, message: bytes, signature: bytes) -> bool:
    if len(signature) != 64:
        return False
    halves = (int.from_bytes(signature[:32], "big"), int.from_bytes(signature[32:], "big"))
    if not all(1 <= half < ORDER for half in halves):
        return False
    try:
        _load_public(public_point).verify(_to_der(signature), message, _ALGORITHM)
    except (InvalidSignature, InternalError):
        return False
    return True


def to_pem(private: bytes, password: bytes | None) -> bytes:
    """PKCS#8 PEM with the SM2 curve oid 1.2.156.10197.1.301."""
    wrap: Any = serialization.NoEncryption()
    if password:
        wrap = serialization.BestAvailableEncryption(password)
    pem = _load(private).private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, wrap)
    return bytes(pem)


def from_pem(pem: bytes, password: bytes | None) -> bytes:
    """The private scalar, 32 bytes. Raises BadKey."""
    try:
        key: Any = serialization.load_pem_private_key(pem, password)
    except (ValueError, TypeError, UnsupportedAlgorithm, InternalError) as error:
        raise BadKey(reason=("私钥文件或口令有误", "wrong private key file or password")) from error
    if getattr(getattr(key, "curve", None), "name", "") != "SM2":
        raise BadKey(reason=("不是 SM2 私钥", "not an SM2 private key"))
    return int(key.private_numbers().private_value).to_bytes(32, "big")
