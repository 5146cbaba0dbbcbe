"""The signature of a printed document (PAdES B-T, ETSI EN 319 142-1) in its one spelling.

A PDF signature leaves a hole in what it signs: the hexadecimal of its own container (CMS, RFC 5652), with
unsigned parts inside. Here the container is taken apart and written again from its signed values and the
certificates that were bound beforehand; bytes that differ are refused, so that no byte of the file is free.
Needs the extra `pdf` (asn1crypto).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from asn1crypto import cms, tsp
from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, ObjectIdentifier

from shugu.formats.canonical import sha256
from shugu.formats.cms import DATA, STAMP_ATTRIBUTE, TST_INFO, der, low_s, party
from shugu.formats.cms import container as write
from shugu.formats.errors import BadPdf, BadSignature, CommitmentMismatch, UnknownSigner

DOCUMENT_SIGNING: Final = ObjectIdentifier("1.3.6.1.5.5.7.3.36")  # RFC 9336
TIME_STAMPING: Final = ExtendedKeyUsageOID.TIME_STAMPING
_RANGE: Final = re.compile(rb"/ByteRange ?\[0 (\d{1,10}) (\d{1,10}) (\d{1,10}) *\]")
_MALFORMED: Final = (
    ValueError, TypeError, KeyError, IndexError, AttributeError, OverflowError, RecursionError, UnsupportedAlgorithm,
    x509.InvalidVersion,
)  # fmt: skip


def _shape(condition: bool, zh: str, en: str) -> None:
    if not condition:
        raise BadPdf(reason=(zh, en))


@dataclass(frozen=True)
class Located:
    """`covered` is all of the file but the hexadecimal container; `container` its DER; `hole` where it stands."""

    covered: bytes
    container: bytes
    hole: tuple[int, int]


def locate(data: bytes) -> Located:
    """The last signature of a file. Raises BadPdf unless it covers the whole file, written as this project writes it."""
    found = list(_RANGE.finditer(data))
    _shape(bool(found), "没有签名", "there is no signature")
    start, rest, length = (int(part) for part in found[-1].groups())
    _shape(found[-1].group(0) == _range_text(start, rest, length, found[-1].group(0)), "签名范围写法有误", "a misspelt range")
    _shape(rest + length == len(data) and 0 < start < rest, "签名未覆盖全文", "the signature does not cover the whole file")
    hole = data[start:rest]
    _shape(hole[:1] == b"<" and hole[-1:] == b">", "签名容器不是十六进制串", "the container is no hexadecimal string")
    digits = hole[1:-1]
    _shape(re.fullmatch(rb"(?:[0-9A-F]{2})+", digits) is not None, "签名容器写法有误", "a misspelt container")
    raw = bytes.fromhex(digits.decode())
    size = _der_length(raw)
    _shape(0 < size <= len(raw) and not any(raw[size:]), "签名容器长度有误", "the container has a wrong length")
    return Located(data[:start] + data[rest:], raw[:size], (start, rest))


def _range_text(start: int, rest: int, length: int, text: bytes) -> bytes:
    """The range as it must be written: plain decimals, filled up with spaces behind."""
    head = text[: text.index(b"[")]
    return head + f"[0 {start} {rest} {length}".encode().ljust(len(text) - len(head) - 1) + b"]"


def _der_length(raw: bytes) -> int:
    """The length of the DER value at the start, its header included; 0 when there is none."""
    if len(raw) < 2 or raw[0] != 0x30:
        return 0
    if raw[1] < 0x80:
        return 2 + raw[1]
    wide = raw[1] & 0x7F
    return 2 + wide + int.from_bytes(raw[2 : 2 + wide], "big") if 1 <= wide <= 4 else 0


@dataclass(frozen=True)
class Signed:
    """One CMS container with one signer: what it signs and by whom, before anybody is trusted."""

    digest: bytes
    signature: bytes
    attributes: bytes
    signer: x509.Certificate
    certificates: tuple[bytes, ...]
    token: bytes | None


def read_container(container: bytes) -> Signed:
    """Takes a container apart. Raises BadPdf unless it is one signer's, in the spelling of `respell`."""
    _shape(respell(container) == container, "签名容器不是唯一写法", "the container is not in its one spelling")
    try:
        return _parts(cms.ContentInfo.load(container, strict=True))
    except _MALFORMED as error:
        raise BadPdf(reason=("签名容器无法读取", "the container cannot be read")) from error


def _parts(info: cms.ContentInfo) -> Signed:
    data = info["content"]
    one = data["signer_infos"][0]
    attributes = one["signed_attrs"]
    unsigned = one["unsigned_attrs"]
    bag = tuple(choice.chosen.dump() for choice in data["certificates"])
    loaded = [x509.load_der_x509_certificate(each) for each in bag]
    asked = _attribute(attributes, "signing_certificate_v2")["certs"][0]
    _shape(asked["hash_algorithm"]["algorithm"].native == "sha256", "证书摘要算法有误", "a wrong certificate hash")
    signers = [each for each in loaded if sha256(der(each)) == asked["cert_hash"].native]
    _shape(len(signers) == 1, "签名证书不在容器中", "the signing certificate is not in the container")
    return Signed(
        digest=_attribute(attributes, "message_digest").native,
        signature=one["signature"].native,
        attributes=attributes.untag().dump(),
        signer=signers[0],
        certificates=bag,
        token=unsigned[0]["values"][0].dump() if isinstance(unsigned, cms.CMSAttributes) else None,
    )


def _attribute(attributes: cms.CMSAttributes, name: str) -> Any:
    found = [each for each in attributes if each["type"].native == name]
    _shape(len(found) == 1 and len(found[0]["values"]) == 1, f"签名属性 {name} 有误", f"a wrong signed attribute {name}")
    return found[0]["values"][0]


def respell(container: bytes) -> bytes:
    """The container written again from its signed values: what nobody signs keeps no choice of spelling.

    Raises BadPdf for a second signer, another hash than SHA-256, an unsigned attribute other than one time stamp, or
    bytes that are no such container."""
    try:
        return _again(cms.ContentInfo.load(container, strict=True))
    except _MALFORMED as error:
        raise BadPdf(reason=("签名容器无法读取", "the container cannot be read")) from error


def _again(info: cms.ContentInfo) -> bytes:
    data = info["content"]
    _shape(info["content_type"].native == "signed_data" and len(data["signer_infos"]) == 1, "签名者不唯一", "not one signer")
    one = data["signer_infos"][0]
    kind = data["encap_content_info"]["content_type"].dotted
    _shape(kind in (DATA, TST_INFO), "内容类型有误", "a wrong type of content")
    signer = party(_leaf(data, one["sid"].chosen))
    unsigned, token = one["unsigned_attrs"], None
    if isinstance(unsigned, cms.CMSAttributes):
        _shape(kind == DATA and len(unsigned) == 1, "未签名属性有误", "wrong unsigned attributes")
        _shape(unsigned[0]["type"].dotted == STAMP_ATTRIBUTE, "未知的未签名属性", "an unknown unsigned attribute")
        _shape(len(unsigned[0]["values"]) == 1, "时间戳不唯一", "not one time stamp")
        token = respell(unsigned[0]["values"][0].dump())
    value = one["signature"].native
    if isinstance(signer.leaf.public_key(), ec.EllipticCurvePublicKey):
        value = low_s(value)
    bag = [choice.chosen.dump() for choice in data["certificates"]]
    content = bytes(data["encap_content_info"]["content"]) if kind == TST_INFO else None
    return write(kind, signer, one["signed_attrs"].untag().dump(), value, bag, content=content, token=token)


def _leaf(data: Any, sid: Any) -> x509.Certificate:
    _shape(isinstance(sid, cms.IssuerAndSerialNumber), "签名者标识有误", "a wrong signer identifier")
    for choice in data["certificates"]:
        _shape(choice.name == "certificate", "证书集合有误", "a wrong set of certificates")
        if choice.chosen.issuer == sid["issuer"] and choice.chosen.serial_number == sid["serial_number"].native:
            return x509.load_der_x509_certificate(choice.chosen.dump())
    raise BadPdf(reason=("签名证书不在容器中", "the signing certificate is not in the container"))


def check_signature(signed: Signed, content: bytes) -> None:
    """The signed digest is that of `content`, and the signer signed it. Raises CommitmentMismatch, BadSignature."""
    if signed.digest != sha256(content):
        raise CommitmentMismatch(reason=("文件内容与签名摘要不符", "the file is not what was signed"))
    key, name = signed.signer.public_key(), signed.signer.subject.rfc4514_string()
    try:
        if isinstance(key, ec.EllipticCurvePublicKey) and isinstance(key.curve, ec.SECP256R1):
            key.verify(signed.signature, signed.attributes, ec.ECDSA(hashes.SHA256()))
        elif isinstance(key, rsa.RSAPublicKey):
            key.verify(signed.signature, signed.attributes, padding.PKCS1v15(), hashes.SHA256())
        else:
            raise BadSignature(name=name)
    except InvalidSignature as error:
        raise BadSignature(name=name) from error


@dataclass(frozen=True)
class Stamp:
    """An RFC 3161 time stamp: when, and what of (SHA-256)."""

    at: datetime
    imprint: bytes
    serial: int


def read_stamp(token: bytes, signature: bytes) -> tuple[Stamp, Signed]:
    """The time stamp over a signature's value. Raises BadPdf, BadSignature, CommitmentMismatch."""
    try:
        info = cms.ContentInfo.load(token, strict=True)
        signed = _parts(info)
        content = bytes(info["content"]["encap_content_info"]["content"])
        told = tsp.TSTInfo.load(content, strict=True)
        imprint = told["message_imprint"]
        _shape(imprint["hash_algorithm"]["algorithm"].native == "sha256", "时间戳摘要算法有误", "a wrong hash in the stamp")
        stamp = Stamp(told["gen_time"].native, imprint["hashed_message"].native, told["serial_number"].native)
    except _MALFORMED as error:
        raise BadPdf(reason=("时间戳无法读取", "the time stamp cannot be read")) from error
    check_signature(signed, content)
    if stamp.imprint != sha256(signature):
        raise CommitmentMismatch(reason=("时间戳不是此签名的", "the time stamp is not of this signature"))
    return stamp, signed


def check_chain(signed: Signed, allowed: Sequence[bytes], *, issued_by: bytes | None, at: datetime) -> None:
    """The signer is the first of the bound certificates, or of the bound authority; the container holds these and no
    others; all valid `at` that time. Raises UnknownSigner."""
    leaf = signed.signer
    expected = list(allowed) if issued_by is None else [der(leaf), issued_by]
    name = leaf.subject.rfc4514_string()
    if sorted(signed.certificates) != sorted(expected) or expected[0] != der(leaf):
        raise UnknownSigner(name=name)
    if issued_by is not None:
        _issued(leaf, x509.load_der_x509_certificate(issued_by), name)
    for each in (x509.load_der_x509_certificate(one) for one in expected):
        if not each.not_valid_before_utc <= at <= each.not_valid_after_utc:
            raise UnknownSigner(name=f"{name} ({each.not_valid_before_utc:%Y-%m-%d} – {each.not_valid_after_utc:%Y-%m-%d})")


def _issued(leaf: x509.Certificate, authority: x509.Certificate, name: str) -> None:
    try:
        leaf.verify_directly_issued_by(authority)
        is_ca = authority.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    except (ValueError, TypeError, InvalidSignature, x509.ExtensionNotFound) as error:
        raise UnknownSigner(name=name) from error
    if not is_ca:
        raise UnknownSigner(name=name)


def check_purpose(certificate: x509.Certificate, purpose: ObjectIdentifier) -> None:
    """The certificate is for this and says so. Raises UnknownSigner."""
    try:
        found = certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    except (x509.ExtensionNotFound, ValueError) as error:
        raise UnknownSigner(name=certificate.subject.rfc4514_string()) from error
    if purpose not in found:
        raise UnknownSigner(name=certificate.subject.rfc4514_string())
