"""Cipher suites and keys.

`intl`: Ed25519 (RFC 8032), SHA-256. `sm`: SM2 with SM3 (GB/T 32918.2, GB/T 32905) with the
default signer id 1234567812345678. Ed25519 publics are 32 bytes and signatures 64; SM2
publics are the 65-byte uncompressed point 04||x||y and signatures the 64 bytes r||s, big
endian. A venue under `sm` signs with both: Ed25519 always, SM2 beside it (`new_keys`).

A third kind of key belongs to no suite: `witness` (C2SP tlog-cosignature, Ed25519) can cosign checkpoints and nothing else.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Final, Protocol

from cryptography.exceptions import InvalidSignature as EdInvalid
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization as ed_pem
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from shugu.formats import sm2
from shugu.formats.canonical import b64, sha256, sm3, unb64
from shugu.formats.errors import BadKey, BadSignature

SM2_TYPE: Final = b"\xff" + b"sm2-sm3.shugu.dev/v1"
ED25519_TYPE: Final = b"\x01"
COSIGNATURE_TYPE: Final = b"\x04"
_CHECKPOINT = re.compile(rb"[^\n]+\n(?:0|[1-9][0-9]*)\n[A-Za-z0-9+/]{43}=\n(?:[^\n]+\n)*")
_NAME = re.compile(r"[^\s+\x00-\x1f\x7f]{1,200}")


class Suite(Protocol):
    """One algorithm pair. Keys are raw bytes; `SigningKey` and `VerifyKey` wrap them."""

    name: str
    note_type: bytes
    public_size: int

    def generate(self) -> bytes: ...
    def public(self, private: bytes) -> bytes: ...
    def sign(self, private: bytes, message: bytes) -> bytes: ...
    def verify(self, public: bytes, message: bytes, signature: bytes) -> bool: ...
    def hash(self, data: bytes) -> bytes: ...


@lru_cache(maxsize=64)
def _ed25519(private: bytes) -> Ed25519PrivateKey:
    return Ed25519PrivateKey.from_private_bytes(private)


@lru_cache(maxsize=256)
def _ed25519_public(public: bytes) -> Ed25519PublicKey:
    return Ed25519PublicKey.from_public_bytes(public)


class Intl:
    name = "intl"
    note_type = ED25519_TYPE
    public_size = 32

    def generate(self) -> bytes:
        return secrets.token_bytes(32)

    def public(self, private: bytes) -> bytes:
        return self.load(private).public_key().public_bytes_raw()

    def load(self, private: bytes) -> Ed25519PrivateKey:
        if len(private) != 32:
            raise BadKey(reason=("Ed25519 私钥应为 32 字节", "an Ed25519 private key has 32 bytes"))
        return _ed25519(private)

    def sign(self, private: bytes, message: bytes) -> bytes:
        return self.load(private).sign(message)

    def verify(self, public: bytes, message: bytes, signature: bytes) -> bool:
        try:
            _ed25519_public(public).verify(signature, message)
        except (EdInvalid, ValueError):
            return False
        return True

    def hash(self, data: bytes) -> bytes:
        return sha256(data)


class Sm:
    name = "sm"
    note_type = SM2_TYPE
    public_size = 65

    def generate(self) -> bytes:
        return sm2.generate()

    def public(self, private: bytes) -> bytes:
        return sm2.public(private)

    def sign(self, private: bytes, message: bytes) -> bytes:
        return sm2.sign(private, message)

    def verify(self, public: bytes, message: bytes, signature: bytes) -> bool:
        return sm2.verify(public, message, signature)

    def hash(self, data: bytes) -> bytes:
        return sm3(data)


class Cosigning(Intl):
    """A witness's key. What it signs is never the bytes in hand but a header, a time and those bytes."""

    name = "witness"
    note_type = COSIGNATURE_TYPE

    def sign(self, private: bytes, message: bytes) -> bytes:
        raise BadKey(reason=("见证人密钥只能会签检查点", "a witness's key only cosigns checkpoints"))

    def cosign(self, private: bytes, text: str, time: int) -> bytes:
        """The 72 bytes `time || signature` over a checkpoint's text at a Unix time in seconds."""
        return time.to_bytes(8, "big") + super().sign(private, cosigned_bytes(text.encode(), time))

    def verify(self, public: bytes, message: bytes, signature: bytes) -> bool:
        """Whether this is a cosignature of the checkpoint text `message`; of any other text there is none."""
        time = int.from_bytes(signature[:8], "big")
        if len(signature) != 72 or not 0 < time < 1 << 63 or not _CHECKPOINT.fullmatch(message):
            return False
        return super().verify(public, cosigned_bytes(message, time), signature[8:])


def cosigned_bytes(text: bytes, time: int) -> bytes:
    """What a cosignature signs (tlog-cosignature, Ed25519): header line, time line, the whole text of the checkpoint."""
    return b"cosignature/v1\ntime %d\n" % time + text


INTL: Final = Intl()
SM: Final = Sm()
COSIGNING: Final = Cosigning()
SUITES: Final[dict[str, Suite]] = {"intl": INTL, "sm": SM}
KINDS: Final[tuple[Suite, ...]] = (INTL, SM, COSIGNING)


def suite(name: str) -> Suite:
    """The suite called `name`. Raises BadKey."""
    if name not in SUITES:
        raise BadKey(reason=(f"未知的密码套件 {name}", f"unknown cipher suite {name}"))
    return SUITES[name]


def check_name(name: str) -> str:
    """A key name as signed-note demands: no space, no plus, no control character."""
    if not _NAME.fullmatch(name):
        raise BadKey(reason=("密钥名称含空格、加号或控制字符", "a key name has no space, plus or control"))
    return name


@dataclass(frozen=True)
class VerifyKey:
    """A public key under a name (the log's origin, a connector's id …)."""

    name: str
    suite: Suite
    public: bytes

    def __post_init__(self) -> None:
        check_name(self.name)
        if len(self.public) != self.suite.public_size:
            raise BadKey(reason=("公钥长度不符", "the public key has the wrong length"))
        if self.suite.name == "sm":
            sm2.check_point(self.public)

    @cached_property
    def id_bytes(self) -> bytes:
        """C2SP key id: the first 4 bytes of SHA-256(name || 0x0A || type || public)."""
        return sha256(self.name.encode() + b"\n" + self.suite.note_type + self.public)[:4]

    @property
    def key_id(self) -> str:
        """The key id as 8 hexadecimal digits."""
        return self.id_bytes.hex()

    @cached_property
    def method(self) -> str:
        """The verification-method URL of this key: https://<name>#<key id>."""
        return f"https://{self.name}#{self.key_id}"

    def vkey(self) -> str:
        """C2SP spelling: name+hex(key id)+base64(type || public)."""
        return f"{self.name}+{self.key_id}+{b64(self.suite.note_type + self.public)}"

    def holds(self, message: bytes, signature: bytes) -> bool:
        return self.suite.verify(self.public, message, signature)

    def verify(self, message: bytes, signature: bytes) -> None:
        """Raises BadSignature."""
        if not self.holds(message, signature):
            raise BadSignature(name=f"{self.name}+{self.key_id}")


class Signer(Protocol):
    """What signs: a private key in memory, in a file that is opened to sign, or in a hardware module."""

    @property
    def name(self) -> str: ...
    @property
    def suite(self) -> Suite: ...
    @property
    def verify_key(self) -> VerifyKey: ...
    @property
    def key_id(self) -> str: ...
    @property
    def method(self) -> str: ...
    def sign(self, message: bytes) -> bytes: ...


@dataclass(frozen=True)
class SigningKey:
    """A private key (32 bytes) under a name."""

    name: str
    suite: Suite
    private: bytes

    def __repr__(self) -> str:
        return f"SigningKey({self.name}+{self.key_id})"

    @cached_property
    def verify_key(self) -> VerifyKey:
        return VerifyKey(self.name, self.suite, self.suite.public(self.private))

    @property
    def key_id(self) -> str:
        return self.verify_key.key_id

    @property
    def method(self) -> str:
        return self.verify_key.method

    def sign(self, message: bytes) -> bytes:
        """64 bytes."""
        return self.suite.sign(self.private, message)

    def to_pem(self, password: bytes | None = None) -> bytes:
        """PKCS#8 PEM, encrypted when a password is given."""
        if self.suite.name == "sm":
            return sm2.to_pem(self.private, password)
        wrap: ed_pem.KeySerializationEncryption = ed_pem.NoEncryption()
        if password:
            wrap = ed_pem.BestAvailableEncryption(password)
        key = INTL.load(self.private)
        return key.private_bytes(ed_pem.Encoding.PEM, ed_pem.PrivateFormat.PKCS8, wrap)

    @classmethod
    def from_pem(cls, name: str, suite_name: str, pem: bytes, password: bytes | None = None) -> SigningKey:
        """Raises BadKey for another algorithm or a wrong password."""
        if suite(suite_name).name == "sm":
            return cls(name, SM, sm2.from_pem(pem, password))
        try:
            key = ed_pem.load_pem_private_key(pem, password)
        except (ValueError, TypeError, UnsupportedAlgorithm) as error:
            raise BadKey(reason=("私钥文件或口令有误", "wrong private key file or password")) from error
        if not isinstance(key, Ed25519PrivateKey):
            raise BadKey(reason=("不是 Ed25519 私钥", "not an Ed25519 private key"))
        return cls(name, INTL, key.private_bytes_raw())


def generate(suite_name: str, name: str) -> SigningKey:
    """A fresh key of one algorithm."""
    chosen = suite(suite_name)
    return SigningKey(check_name(name), chosen, chosen.generate())


def new_keys(suite_name: str, name: str) -> list[SigningKey]:
    """A venue's keys: [Ed25519] under `intl`, [Ed25519, SM2] under `sm`."""
    keys = [generate("intl", name)]
    return [*keys, generate("sm", name)] if suite(suite_name).name == "sm" else keys


def parse_vkey(text: str) -> VerifyKey:
    """Inverse of `VerifyKey.vkey` for keys that sign documents; the key id must be the recomputed one. Raises BadKey,
    also for a witness's key."""
    return _parse(text, tuple(SUITES.values()))


def parse_witness_vkey(text: str) -> VerifyKey:
    """The same for keys that cosign checkpoints. Raises BadKey."""
    return _parse(text, (COSIGNING,))


def _parse(text: str, kinds: tuple[Suite, ...]) -> VerifyKey:
    parts = text.split("+", 2)
    if len(parts) != 3:
        raise BadKey(reason=("vkey 应为三段", "a vkey has three parts"))
    data = unb64(parts[2])
    for chosen in kinds:
        if data.startswith(chosen.note_type):
            key = VerifyKey(parts[0], chosen, data[len(chosen.note_type) :])
            if key.vkey() != text:
                raise BadKey(reason=("密钥编号与密钥不符", "the key id does not belong to the key"))
            return key
    raise BadKey(reason=("未知的密钥类型", "unknown key type"))


@dataclass(frozen=True)
class Keyring:
    """The pinned keys of a verifier, in file order; no two share name and key id."""

    keys: tuple[VerifyKey, ...]

    def __post_init__(self) -> None:
        if not self.keys:
            raise BadKey(reason=("没有任何公钥", "there is no key at all"))
        if len({(k.name, k.id_bytes) for k in self.keys}) != len(self.keys):
            raise BadKey(reason=("两个公钥编号相同", "two keys share one id"))

    def find(self, name: str, id_bytes: bytes) -> VerifyKey | None:
        return next((k for k in self.keys if k.name == name and k.id_bytes == id_bytes), None)

    def by_method(self, method: str) -> VerifyKey | None:
        return next((k for k in self.keys if k.method == method), None)

    def suites_of(self, name: str) -> tuple[str, ...]:
        """The suites in which `name` has a key, `intl` first; a witness's keys are of none."""
        return tuple(s for s in SUITES if any(k.name == name and k.suite.name == s for k in self.keys))

    def order(self, key: VerifyKey) -> int:
        return self.keys.index(key)

    def text(self) -> str:
        """The content of a `.vkey` file: one vkey a line."""
        return "".join(k.vkey() + "\n" for k in self.keys)


def keyring(text: str) -> Keyring:
    """Reads a `.vkey` file; blank lines and lines starting with # are skipped. Raises BadKey."""
    lines = [line.strip() for line in text.splitlines()]
    return Keyring(tuple(_parse(line, KINDS) for line in lines if line and not line.startswith("#")))


def keyring_of(keys: Sequence[Signer]) -> Keyring:
    return Keyring(tuple(k.verify_key for k in keys))
