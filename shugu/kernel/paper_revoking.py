"""Certificates on paper that fell into other hands, or are to be changed: revoked, made anew, and told to whoever verifies.

Two lists say the same: one signed by the venue's keys, for `shugu verify` (docs/formats.md, "Printed documents"), and a CRL
(RFC 5280) by the venue's paper authority, for readers of PDF files. A thief of the authority's key can sign a CRL, so only
the first counts against him. A certificate once revoked signs nothing more here; its successor is made with the next paper.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from shugu.formats.canonical import parse_object, unb64
from shugu.formats.paper_revocations import TYPE
from shugu.formats.times import write_time
from shugu.kernel import documents, journal, paper_keys, signer, status_lists
from shugu.kernel.cases import Actor, ActorKind
from shugu.kernel.commands import command
from shugu.kernel.errors import Forbidden, InputInvalid, NotFound
from shugu.kernel.home import HomeError
from shugu.kernel.models import Fact
from shugu.kernel.models_papers import PaperRevocation
from shugu.kernel.paper_authority import DIGEST_NAME, FACT
from shugu.kernel.paper_keys import Held, PaperKeys, digest_of
from shugu.kernel.queries import name_fact
from shugu.kernel.text import Text

NUMBER: Final = "PAPER-REVOCATIONS"
ROLES: Final = {
    "ca": Text("证书签发者（CA）", "authority of the certificates (CA)"),
    "signer": Text("签章证书", "signing certificate"),
    "tsa": Text("时间戳证书", "time-stamping certificate"),
}  # fmt: skip
# What is told is told anew by the hour: a list is as fresh as that, and signed no oftener.
_EVERY: Final = timedelta(hours=1)

name_fact("paper.certificates_revoked", "撤销签章证书", "certificates on paper revoked")
name_fact("paper.certificates_renewed", "更换签章证书", "certificates on paper renewed")


@dataclass(frozen=True)
class RevokePapers:
    """Certificates by SHA-256 of their DER (hex), or none for all whose keys lie in the venue's folder; `since`: from when they
    may have been in other hands, now without it."""

    certificates: tuple[str, ...] = ()
    since: datetime | None = None


@dataclass(frozen=True)
class RenewPapers:
    """New certificates beside the old, which stay good for what they signed: the signing one ("signer"), or the authority and
    with it both ("ca")."""

    what: str


@dataclass(frozen=True)
class Known:
    """A certificate the venue has signed papers with. `used`: it signs now; `ours`: its key lies in the venue's own folder;
    `since`: it is revoked from then on."""

    role: str
    certificate: x509.Certificate
    used: bool
    ours: bool
    since: datetime | None

    @property
    def digest(self) -> str:
        return digest_of(self.certificate)

    @property
    def title(self) -> Text:
        return ROLES[self.role]

    @property
    def name(self) -> str:
        return self.certificate.subject.rfc4514_string()

    @property
    def list_url(self) -> str:
        """Where the venue's own authority publishes its CRL; nothing of another certificate."""
        return paper_keys.crl_url(self.certificate) if self.role == "ca" else ""


def _allowed(actor: Actor) -> None:
    if "operator" not in actor.seats and actor.kind is not ActorKind.MANDATE:
        raise Forbidden()


@command("kernel.revoke_papers", ("撤销签章证书", "revoke certificates on paper"))
def revoke_papers(cmd: RevokePapers, *, actor: Actor, now: datetime) -> dict[str, object]:
    """The digests revoked. By the operator; not taken back. Errors: Forbidden, NotFound for a certificate that is none of
    the venue's, InputInvalid for one that is revoked already and for a time to come."""
    _allowed(actor)
    since = (cmd.since or now).replace(microsecond=0)
    known = {one.digest: one for one in certificates(now)}
    asked = cmd.certificates or tuple(digest for digest, one in known.items() if one.ours and one.since is None)
    unknown = next((digest for digest in asked if digest not in known), None)
    if unknown is not None:
        raise NotFound(what=(f"签章证书 {unknown[:16]}", f"certificate {unknown[:16]}"))
    rows = [known[digest] for digest in dict.fromkeys(asked)]
    errors: dict[str, tuple[str, str]] = {}
    if not rows or any(one.since is not None for one in rows):
        errors["certificates"] = ("证书已经撤销", "it is revoked already")
    if since > now:
        errors["since"] = ("不能是将来的时间", "it cannot be a time to come")
    if errors:
        raise InputInvalid(fields="、".join(sorted(errors)), field_errors=errors)
    ended = [{"role": one.role, "sha256": one.digest, "since": write_time(since)} for one in rows]
    fact = journal.record(
        "paper.certificates_revoked", subject="kernel.paper_authority:1", actor=actor, now=now, data={"revoked": ended}
    )  # fmt: skip
    for one in rows:
        der = one.certificate.public_bytes(serialization.Encoding.DER)
        PaperRevocation.objects.create(
            digest=one.digest, role=one.role, certificate=der, since=since, revoked_at=now, fact=fact
        )
    return {"revoked": ended, "fact": fact}


@command("kernel.renew_papers", ("更换签章证书", "renew certificates on paper"))
def renew_papers(cmd: RenewPapers, *, actor: Actor, now: datetime) -> dict[str, object]:
    """The digests that sign from now on. By the operator. Errors: Forbidden, InputInvalid where the signing certificate is an
    accredited provider's, who renews it."""
    _allowed(actor)
    if cmd.what not in ("signer", "ca"):
        why = ("signer 或 ca", "signer or ca")
    elif paper_keys.current(now).ca is None:
        why = ("签章证书出自认证机构，请向其更换", "the certificate is a provider's: renew it there")
    else:
        held = paper_keys.renew(cmd.what, now)
        told = {role: digest_of(one) for role, one in held.trust()}
        told["signer"] = digest_of(held.signer.leaf)
        fact = journal.record(
            "paper.certificates_renewed", subject="kernel.paper_authority:1", actor=actor, now=now,
            data={"what": cmd.what, "certificates": told},
        )  # fmt: skip
        return {"certificates": told, "fact": fact}
    raise InputInvalid(fields="what", field_errors={"what": why})


def certificates(now: datetime) -> list[Known]:
    """Every certificate that signed or stamped papers, as far as its file or its binding is still here; those in use first."""
    since = {row.digest: row.since for row in PaperRevocation.objects.all()}
    used, made = _in_use(now), paper_keys.kept()
    ours = {digest_of(one) for _, one in (*used[:1], *made)}
    found: dict[str, Known] = {}
    for place, (role, one) in enumerate([*used, *_bound(), *made, *_gone()]):
        digest = digest_of(one)
        found.setdefault(digest, Known(role, one, place < len(used), digest in ours, since.get(digest)))
    return list(found.values())


def _in_use(now: datetime) -> list[tuple[str, x509.Certificate]]:
    """The signing certificate first. Nothing while a provider's revoked one waits for the next: then no paper is signed."""
    try:
        held = paper_keys.current(now)
    except HomeError:
        return []
    return [("signer", held.signer.leaf), *held.trust()]


def _bound() -> Iterator[tuple[str, x509.Certificate]]:
    """Those that were ever bound, newest first: a provider's former certificate is in no file of ours any more."""
    for fact in Fact.objects.filter(name=FACT, payload__isnull=False).order_by("-id"):
        named = parse_object((fact.payload or "").encode())["digests"]
        assert isinstance(named, dict)
        subject = parse_object(documents.get(str(named[DIGEST_NAME])))["credentialSubject"]
        assert isinstance(subject, dict) and isinstance(subject["trust"], list)
        for row in subject["trust"]:
            assert isinstance(row, dict)
            yield str(row["role"]), x509.load_der_x509_certificate(unb64(str(row["certificate"])))


def _gone() -> Iterator[tuple[str, x509.Certificate]]:
    for row in PaperRevocation.objects.order_by("-revoked_at"):
        yield row.role, x509.load_der_x509_certificate(bytes(row.certificate))


def published(now: datetime) -> bytes:
    """The list for `shugu verify`, signed anew each hour and after each revocation. Errors: KeyUnavailable."""
    found = list(PaperRevocation.objects.order_by("revoked_at", "digest"))
    rows = tuple((row.role, row.digest, write_time(row.since)) for row in found)
    newest = max((row.revoked_at for row in found), default=None)
    return _signed(rows, _told_at(now, newest), tuple(key.method for key in signer.keyring().keys))


def _told_at(now: datetime, newest: datetime | None) -> datetime:
    hour = now.replace(minute=0, second=0, microsecond=0)
    return max(hour, newest.replace(microsecond=0)) if newest is not None and newest <= now else hour


@lru_cache(maxsize=4)
def _signed(rows: tuple[tuple[str, str, str], ...], at: datetime, _keys: tuple[str, ...]) -> bytes:
    revoked = [{"role": role, "sha256": digest, "since": since} for role, digest, since in rows]
    until = at + _EVERY + status_lists.max_age()
    made = signer.sign_document(TYPE, number=NUMBER, subject={"revoked": revoked}, now=at, valid_until=until)
    return signer.document_bytes(made)


def crl(name: str, now: datetime) -> bytes:
    """The CRL (DER) of one of the venue's own authorities, by what its certificates call it. Errors: NotFound."""
    ca = next((one for one in paper_keys.authorities() if paper_keys.crl_name(one.leaf) == name), None)
    if ca is None:
        raise NotFound(what=("撤销列表", "list of revocations"))
    return _crl_of(ca, now)


def crl_beside(held: PaperKeys, now: datetime) -> bytes:
    """What goes into a paper signed by these; nothing with a provider's certificate, whose lists are the provider's."""
    ca = next((one for one in paper_keys.authorities() if one.leaf == held.ca), None)
    return _crl_of(ca, now) if ca is not None else b""


def _crl_of(ca: Held, now: datetime) -> bytes:
    rows = list(PaperRevocation.objects.order_by("digest"))
    newest = max((row.revoked_at for row in rows), default=None)
    listed = tuple((bytes(row.certificate), row.since) for row in rows)
    return _crl(ca, listed, _told_at(now, newest))


@lru_cache(maxsize=16)
def _crl(ca: Held, listed: tuple[tuple[bytes, datetime], ...], at: datetime) -> bytes:
    """Its number (RFC 5280, 5.2.3) is its time: it only rises."""
    assert isinstance(ca.key, ec.EllipticCurvePrivateKey)
    until = min(at + _EVERY + status_lists.max_age(), ca.leaf.not_valid_after_utc)
    builder = (
        x509.CertificateRevocationListBuilder().issuer_name(ca.leaf.subject).last_update(at).next_update(until)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(ca.key.public_key()), critical=False)
        .add_extension(x509.CRLNumber(int(at.timestamp())), critical=False)
    )  # fmt: skip
    for der, since in listed:
        one = x509.load_der_x509_certificate(der)
        if one.issuer == ca.leaf.subject and one != ca.leaf:
            builder = builder.add_revoked_certificate(
                x509.RevokedCertificateBuilder().serial_number(one.serial_number).revocation_date(since)
                .add_extension(x509.CRLReason(x509.ReasonFlags.key_compromise), critical=False).build()
            )  # fmt: skip
    return builder.sign(ca.key, hashes.SHA256()).public_bytes(serialization.Encoding.DER)

