"""The certificates that sign printed documents: the venue's own small authority (CA), its signing certificate, its
time-stamping certificate; or those of an accredited provider, put into the home.

ECDSA on P-256 with SHA-256, since readers of PDF files know no SM2; the SM2 proof is in the attached credential.
Nobody trusts these certificates by themselves: a `PaperAuthority` credential, signed by the venue's keys and sealed
in the log, names them.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID, ObjectIdentifier

from shugu.kernel import keystore, runtime
from shugu.kernel.home import HomeError

Key = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey
DOCUMENT_SIGNING: Final = ObjectIdentifier("1.3.6.1.5.5.7.3.36")  # RFC 9336, id-kp-documentSigning
# Technical lives, not policy: long for what only the credential makes trusted, short for the key in daily use.
AUTHORITY_LIFE: Final = timedelta(days=3653)
SIGNER_LIFE: Final = timedelta(days=730)
RENEW_BEFORE: Final = timedelta(days=60)
# Clocks of readers run behind; a certificate made for the first paper is valid a little before it.
BACKDATED: Final = timedelta(minutes=5)
# An accredited provider's: key and chain (leaf first), and the certificates of an outside time-stamping authority.
OWN_KEY, OWN_CHAIN, OWN_TSA = "accredited.key.pem", "accredited.chain.pem", "tsa.chain.pem"


@dataclass(frozen=True)
class Held:
    """A key and its certificates, leaf first; one file each, so that key and certificate never part."""

    key: Key
    chain: tuple[x509.Certificate, ...]

    @property
    def leaf(self) -> x509.Certificate:
        return self.chain[0]


@dataclass(frozen=True)
class PaperKeys:
    """What signs a document now. `ca` is None with an accredited certificate; `tsa` is None with an outside authority."""

    signer: Held
    ca: x509.Certificate | None
    tsa: Held | None
    tsa_chain: tuple[x509.Certificate, ...]

    def trust(self) -> list[tuple[str, x509.Certificate]]:
        """Role and certificate, as the PaperAuthority credential lists them."""
        signers = [("ca", self.ca)] if self.ca is not None else [("signer", each) for each in self.signer.chain]
        return [*signers, *(("tsa", each) for each in self.tsa_chain)]

    def certificates(self) -> tuple[x509.Certificate, ...]:
        """All that stands in a signature's container."""
        return self.signer.chain if self.ca is None else (self.signer.leaf, self.ca)


def folder() -> Path:
    found = runtime.home().folder("keys") / "paper"
    found.mkdir(mode=0o700, exist_ok=True)
    return found


def current(now: datetime) -> PaperKeys:
    """The keys in force at `now`, made or renewed when they are not there or near their end. Errors: HomeError for a
    provider's files that cannot be used."""
    return _current(folder(), now.date().toordinal(), now)


_kept: dict[Path, tuple[int, PaperKeys]] = {}


def _current(place: Path, day: int, now: datetime) -> PaperKeys:
    """Read once a day and process: a renewal takes effect the next day at the latest, sixty days before it must."""
    kept = _kept.get(place)
    if kept is not None and kept[0] == day:
        return kept[1]
    outside = (place / OWN_KEY).exists() or (place / OWN_CHAIN).exists()
    long, short = AUTHORITY_LIFE - SIGNER_LIFE - RENEW_BEFORE, SIGNER_LIFE - RENEW_BEFORE
    ca = _in_use(place, "ca", now, long, None, lambda: _new_ca(now))
    signer = _provided(place) if outside else _in_use(place, "signer", now, short, ca, lambda: _issue(ca, now, "sign"))
    tsa: Held | None = None
    if runtime.home().config.tsa_url:
        chain = _certificates(place / OWN_TSA)
    else:
        tsa = _in_use(place, "tsa", now, long, ca, lambda: _issue(ca, now, "stamp"))
        chain = (tsa.leaf,)
    found = PaperKeys(signer, None if outside else ca.leaf, tsa, chain)
    _kept[place] = (day, found)
    return found


def _in_use(place: Path, name: str, now: datetime, use: timedelta, ca: Held | None, make: Callable[[], Held]) -> Held:
    """The newest `<name>-<n>.pem` that is in its time of use and of the present authority; else a new one."""
    numbers = sorted((int(p.stem.rpartition("-")[2]) for p in place.glob(f"{name}-*.pem")), reverse=True)
    for number in numbers:
        held = _read(place / f"{name}-{number}.pem")
        begin = held.leaf.not_valid_before_utc
        if begin <= now < begin + use and (ca is None or held.leaf.issuer == ca.leaf.subject):
            return held
    target = place / f"{name}-{(numbers[0] if numbers else 0) + 1}.pem"
    _write_once(target, _bundle(make()))
    return _read(target)


def _bundle(held: Held) -> bytes:
    wrap = serialization.BestAvailableEncryption(keystore.passphrase())
    key = held.key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, wrap)
    return key + b"".join(each.public_bytes(serialization.Encoding.PEM) for each in held.chain)


def _write_once(path: Path, content: bytes) -> None:
    """Whole or not at all, and never over another process's: the first to finish wins."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}.{os.urandom(4).hex()}")
    descriptor = os.open(temporary, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
    with os.fdopen(descriptor, "wb") as handle:
        handle.write(content)
        handle.flush()
        os.fsync(handle.fileno())
    try:
        os.link(temporary, path)
    except FileExistsError:
        pass  # another process was first; its key is the key
    finally:
        temporary.unlink()


@lru_cache(maxsize=16)
def _read(path: Path) -> Held:
    return Held(_key(path, keystore.passphrase()), _certificates(path))


def _key(path: Path, password: bytes | None) -> Key:
    try:
        key = serialization.load_pem_private_key(path.read_bytes(), password)
    except (OSError, ValueError, TypeError) as error:
        raise HomeError(path=str(path), why=("私钥或口令无法使用", "its private key or passphrase cannot be used")) from error
    if not isinstance(key, ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey):
        raise HomeError(path=str(path), why=("须为 P-256 或 RSA 密钥", "it must be a P-256 or RSA key"))
    return key


def _certificates(path: Path) -> tuple[x509.Certificate, ...]:
    try:
        return tuple(x509.load_pem_x509_certificates(path.read_bytes()))
    except (OSError, ValueError) as error:
        raise HomeError(path=str(path), why=("缺少证书或无法读取", "a certificate is missing or cannot be read")) from error


def _provided(place: Path) -> Held:
    """The accredited provider's key (encrypted with the passphrase of the key files, or plain) and chain. Errors: HomeError."""
    chain = _certificates(place / OWN_CHAIN)
    pem = place / OWN_KEY
    encrypted = pem.exists() and b"ENCRYPTED" in pem.read_bytes()
    key = _key(pem, keystore.passphrase() if encrypted else None)
    if key.public_key() != chain[0].public_key():
        raise HomeError(path=str(pem), why=("私钥与证书不是一对", "key and certificate are no pair"))
    return Held(key, chain)


def _name(role: str) -> x509.Name:
    venue = runtime.rules().profile
    parts = [x509.NameAttribute(NameOID.COUNTRY_NAME, "CN"), x509.NameAttribute(NameOID.ORGANIZATION_NAME, venue.title[0][:64])]
    if runtime.demo():
        parts.append(x509.NameAttribute(NameOID.ORGANIZATIONAL_UNIT_NAME, "演示 DEMO"))
    return x509.Name([*parts, x509.NameAttribute(NameOID.COMMON_NAME, f"{venue.origin} {role}"[:64])])


def _builder(subject: x509.Name, issuer: x509.Name, key: Key, now: datetime, until: datetime) -> x509.CertificateBuilder:
    start = now.replace(microsecond=0)
    return (
        x509.CertificateBuilder().subject_name(subject).issuer_name(issuer).public_key(key.public_key())
        .serial_number(x509.random_serial_number()).not_valid_before(start - BACKDATED).not_valid_after(until)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    )  # fmt: skip


def _usage(**on: bool) -> x509.KeyUsage:
    every = dict.fromkeys(
        ("digital_signature", "content_commitment", "key_encipherment", "data_encipherment", "key_agreement",
         "key_cert_sign", "crl_sign", "encipher_only", "decipher_only"), False,
    )  # fmt: skip
    return x509.KeyUsage(**{**every, **on})


def _new_ca(now: datetime) -> Held:
    key = ec.generate_private_key(ec.SECP256R1())
    subject = _name(f"paper CA {now:%Y%m%d%H%M%S}")
    made = (
        _builder(subject, subject, key, now, now.replace(microsecond=0) + AUTHORITY_LIFE)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(key_cert_sign=True, crl_sign=True), critical=True)
        # Whoever trusts this authority for papers trusts it for nothing else.
        .add_extension(x509.ExtendedKeyUsage([DOCUMENT_SIGNING, ExtendedKeyUsageOID.TIME_STAMPING]), critical=False)
        .sign(key, hashes.SHA256())
    )
    return Held(key, (made,))


def _issue(ca: Held, now: datetime, purpose: str) -> Held:
    """A certificate for documents ("sign") or for time stamps ("stamp"), with the one extended use it has."""
    key = ec.generate_private_key(ec.SECP256R1())
    sign = purpose == "sign"
    wanted = now.replace(microsecond=0) + (SIGNER_LIFE if sign else AUTHORITY_LIFE)
    until = min(wanted, ca.leaf.not_valid_after_utc)
    uses: Sequence[ObjectIdentifier] = [DOCUMENT_SIGNING] if sign else [ExtendedKeyUsageOID.TIME_STAMPING]
    assert isinstance(ca.key, ec.EllipticCurvePrivateKey)
    made = (
        _builder(_name("documents" if sign else "time stamps"), ca.leaf.subject, key, now, until)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(digital_signature=True, content_commitment=sign), critical=True)
        # RFC 3161 section 2.3: the time-stamping use stands alone, and is critical.
        .add_extension(x509.ExtendedKeyUsage(uses), critical=not sign)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(ca.key.public_key()), critical=False)
        .sign(ca.key, hashes.SHA256())
    )
    return Held(key, (made,))


def forget() -> None:
    """Read the files anew (tests, and after an operator changed them)."""
    _kept.clear()
    _read.cache_clear()
