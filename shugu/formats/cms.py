"""Writes the two CMS containers (RFC 5652) of a signed PDF, each in its one spelling: the signature's own, and the
RFC 3161 time stamp within it. Signer and verifier share these functions: a container is right when writing it again
from its signed values gives the same bytes. DER (X.690) only; certificates are those of `cryptography`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature
from cryptography.hazmat.primitives.serialization import Encoding

from shugu.formats.canonical import sha256
from shugu.formats.errors import BadPdf

DATA: Final = "1.2.840.113549.1.7.1"
SIGNED_DATA: Final = "1.2.840.113549.1.7.2"
TST_INFO: Final = "1.2.840.113549.1.9.16.1.4"
CONTENT_TYPE: Final = "1.2.840.113549.1.9.3"
MESSAGE_DIGEST: Final = "1.2.840.113549.1.9.4"
SIGNING_CERTIFICATE: Final = "1.2.840.113549.1.9.16.2.47"  # version 2, RFC 5035
STAMP_ATTRIBUTE: Final = "1.2.840.113549.1.9.16.2.14"
SHA256: Final = "2.16.840.1.101.3.4.2.1"
ECDSA_SHA256: Final = "1.2.840.10045.4.3.2"
RSA_SHA256: Final = "1.2.840.113549.1.1.11"
# Any venue's own time-stamping policy: an object identifier made from a UUID (ITU-T X.667), the same everywhere.
TSA_POLICY: Final = "2.25.243717153421567123847251430167540217731"
P256_ORDER: Final = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
_SEQUENCE: Final = 0x30
_SET: Final = 0x31


def tlv(tag: int, *parts: bytes) -> bytes:
    """One value: tag, length in its shortest form, contents."""
    body = b"".join(parts)
    size = len(body)
    if size < 0x80:
        return bytes((tag, size)) + body
    wide = (size.bit_length() + 7) // 8
    return bytes((tag, 0x80 | wide)) + size.to_bytes(wide, "big") + body


def sequence(*parts: bytes) -> bytes:
    return tlv(_SEQUENCE, *parts)


def set_of(parts: Sequence[bytes], tag: int = _SET) -> bytes:
    """SET OF in DER: members in ascending order of their encodings (X.690 section 11.6)."""
    return tlv(tag, *sorted(parts))


def integer(value: int) -> bytes:
    return tlv(0x02, value.to_bytes(value.bit_length() // 8 + 1, "big", signed=True))


def oid(dotted: str) -> bytes:
    first, second, *rest = (int(part) for part in dotted.split("."))
    out = bytearray()
    for arc in (40 * first + second, *rest):
        groups = [arc & 0x7F]
        while arc := arc >> 7:
            groups.append(0x80 | (arc & 0x7F))
        out += bytes(reversed(groups))
    return tlv(0x06, bytes(out))


def octets(value: bytes) -> bytes:
    return tlv(0x04, value)


@dataclass(frozen=True)
class Party:
    """A signing certificate as containers name it: every part of a container that depends on it alone."""

    leaf: x509.Certificate
    signer_id: bytes
    mechanism: bytes
    signing_certificate: bytes
    name: bytes


def der(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(Encoding.DER)


def party(leaf: x509.Certificate) -> Party:
    """Raises BadPdf unless the key is ECDSA on P-256, or RSA."""
    key, issuer = leaf.public_key(), leaf.issuer.public_bytes()
    if isinstance(key, ec.EllipticCurvePublicKey) and isinstance(key.curve, ec.SECP256R1):
        mechanism = sequence(oid(ECDSA_SHA256))
    elif isinstance(key, rsa.RSAPublicKey):
        mechanism = sequence(oid(RSA_SHA256), tlv(0x05))
    else:
        raise BadPdf(reason=("签名算法未知", "an unknown signature algorithm"))
    serial = integer(leaf.serial_number)
    # SHA-256 is the default hash of an ESSCertIDv2, so DER leaves it out (RFC 5035 section 4).
    named = sequence(octets(sha256(der(leaf))), sequence(sequence(tlv(0xA4, issuer)), serial))
    return Party(leaf, sequence(issuer, serial), mechanism, sequence(sequence(named)), leaf.subject.public_bytes())


def _attribute(kind: str, value: bytes) -> bytes:
    return sequence(oid(kind), tlv(_SET, value))


def attributes(kind: str, digest: bytes, signer: Party) -> bytes:
    """The signed attributes as they are signed (a SET OF): the content's type and digest, and the certificate's."""
    return set_of(
        [
            _attribute(CONTENT_TYPE, oid(kind)),
            _attribute(MESSAGE_DIGEST, octets(digest)),
            _attribute(SIGNING_CERTIFICATE, signer.signing_certificate),
        ]
    )


def container(
    kind: str, signer: Party, signed: bytes, signature: bytes, certificates: Sequence[bytes], *,
    content: bytes | None = None, token: bytes | None = None,
) -> bytes:  # fmt: skip
    """ContentInfo of one signer. `signed` is the SET OF attributes; `content` is there for a time stamp (TSTInfo), `token`
    the time stamp of a signature."""
    digest = sequence(oid(SHA256))
    inner = [oid(kind)] if content is None else [oid(kind), tlv(0xA0, octets(content))]
    one = [integer(1), signer.signer_id, digest, b"\xa0" + signed[1:], signer.mechanism, octets(signature)]
    if token is not None:
        one.append(set_of([_attribute(STAMP_ATTRIBUTE, token)], 0xA1))
    version = integer(1 if kind == DATA else 3)
    data = sequence(version, set_of([digest]), sequence(*inner), set_of(certificates, 0xA0), set_of([sequence(*one)]))
    return sequence(oid(SIGNED_DATA), tlv(0xA0, data))


def stamp_info(imprint: bytes, serial: int, at: datetime, authority: Party) -> bytes:
    """TSTInfo (RFC 3161 section 2.4.2) over a SHA-256 imprint; `at` to the second, accurate to one second."""
    moment = at.astimezone(UTC).strftime("%Y%m%d%H%M%SZ").encode()
    return sequence(
        integer(1), oid(TSA_POLICY), sequence(sequence(oid(SHA256)), octets(imprint)), integer(serial), tlv(0x18, moment),
        sequence(integer(1)), tlv(0xA0, tlv(0xA4, authority.name)),
    )  # fmt: skip


def low_s(signature: bytes) -> bytes:
    """ECDSA (r, s) and (r, n-s) both hold; the smaller s is the one spelling. P-256, DER. Raises ValueError."""
    r, s = decode_dss_signature(signature)
    return encode_dss_signature(r, min(s, P256_ORDER - s))
