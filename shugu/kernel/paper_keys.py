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
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID, ObjectIdentifier

from shugu.kernel import keystore, runtime
from shugu.kernel.home import HomeError
from shugu.kernel.models_papers import PaperRevocation

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
    """The keys in force at `now`, made or renewed when they are not there, revoked or near their end. Errors: HomeError for a
    provider's files that cannot be used."""
    place, revoked = folder(), frozenset(PaperRevocation.objects.values_list("digest", flat=True))
    # A file that another process has added, and a revocation, count with the next paper; the end of a life within the day.
    seen = (now.date().toordinal(), place.stat().st_mtime_ns, revoked)
    kept = _kept.get(place)
    if kept is None or kept[0] != seen:
        found = _current(place, now, revoked)
        _kept[place] = kept = ((seen[0], place.stat().st_mtime_ns, revoked), found)
    return kept[1]


_kept: dict[Path, tuple[tuple[int, int, frozenset[str]], PaperKeys]] = {}


def _current(place: Path, now: datetime, revoked: frozenset[str]) -> PaperKeys:
    outside = (place / OWN_KEY).exists() or (place / OWN_CHAIN).exists()
    slot = _Slot(place, now, revoked)
    ca = slot.held("ca", _LONG, None, lambda: _new_ca(now))
    signer = _provided(place) if outside else slot.held("signer", _SHORT, ca, lambda: _issue(ca, now, "sign"))
    tsa: Held | None = None
    if runtime.home().config.tsa_url:
        chain = _certificates(place / OWN_TSA)
    else:
        tsa = slot.held("tsa", _LONG, ca, lambda: _issue(ca, now, "stamp"))
        chain = (tsa.leaf,)
    for file, given in ((OWN_CHAIN, signer.chain if outside else ()), (OWN_TSA, chain if tsa is None else ())):
        if any(digest_of(one) in revoked for one in given):
            raise HomeError(path=str(place / file), why=("证书已撤销，须换新的", "a certificate there is revoked: put another"))
    return PaperKeys(signer, None if outside else ca.leaf, tsa, chain)


_LONG, _SHORT = AUTHORITY_LIFE - SIGNER_LIFE - RENEW_BEFORE, SIGNER_LIFE - RENEW_BEFORE


@dataclass(frozen=True)
class _Slot:
    """The files of one folder at one time."""

    place: Path
    now: datetime
    revoked: frozenset[str]

    def held(self, name: str, use: timedelta, ca: Held | None, make: Callable[[], Held]) -> Held:
        """The newest `<name>-<n>.pem` that is in its time of use, of the present authority and not revoked; else a new one."""
        for path in _files(self.place, name):
            held = _read(path)
            begin = held.leaf.not_valid_before_utc
            if begin <= self.now < begin + use and digest_of(held.leaf) not in self.revoked and _is_of(held.leaf, ca):
                return held
        return _add(self.place, name, make())


def _files(place: Path, name: str) -> list[Path]:
    """Newest first."""
    return sorted(place.glob(f"{name}-*.pem"), key=lambda path: -int(path.stem.rpartition("-")[2]))


def _add(place: Path, name: str, made: Held) -> Held:
    """Under the next number; if another process was first with it, that one."""
    last = next(iter(_files(place, name)), None)
    target = place / f"{name}-{(int(last.stem.rpartition('-')[2]) if last else 0) + 1}.pem"
    _write_once(target, _bundle(made))
    return _read(target)


def _is_of(leaf: x509.Certificate, ca: Held | None) -> bool:
    """By its signature: two authorities made in one second have one name."""
    if ca is None:
        return True
    try:
        leaf.verify_directly_issued_by(ca.leaf)
    except (ValueError, InvalidSignature):
        return False
    return True


def renew(what: str, now: datetime) -> PaperKeys:
    """New files beside the old ones: of the signing certificate ("signer"), or of the authority ("ca"), which takes both others
    with it."""
    place = folder()
    if what == "ca":
        _add(place, "ca", _new_ca(now))
    else:
        named = current(now).ca
        ca = next(one for one in authorities() if one.leaf == named)
        _add(place, "signer", _issue(ca, now, "sign"))
    return current(now)


def authorities() -> tuple[Held, ...]:
    """The venue's own, newest first. Every paper asks for them: a file is read once and again when it has changed."""
    return tuple(_read_once(path, path.stat().st_mtime_ns) for path in _files(folder(), "ca"))


@lru_cache(maxsize=64)
def _read_once(path: Path, _changed: int) -> Held:
    return _read(path)


def kept() -> list[tuple[str, x509.Certificate]]:
    """(role, certificate) of every file the venue made, newest first of each role."""
    return [(name, _read(path).leaf) for name in ("ca", "signer", "tsa") for path in _files(folder(), name)]


def digest_of(certificate: x509.Certificate) -> str:
    """SHA-256 of its DER, hex: how lists of revocations name it."""
    return certificate.fingerprint(hashes.SHA256()).hex()


def crl_name(authority: x509.Certificate) -> str:
    """What the address of an authority's list of revocations calls it: sixteen digits of its key's identifier."""
    return authority.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value.digest.hex()[:16]


def crl_url(authority: x509.Certificate) -> str:
    return f"{runtime.home().public_url}/papers/{crl_name(authority)}.crl"


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
        .add_extension(
            x509.CRLDistributionPoints(
                [x509.DistributionPoint([x509.UniformResourceIdentifier(crl_url(ca.leaf))], None, None, None)]
            ),
            critical=False,
        )
        .sign(ca.key, hashes.SHA256())
    )
    return Held(key, (made,))


def forget() -> None:
    """Read the files anew (tests, and after an operator changed them)."""
    _kept.clear()
    _read.cache_clear()
