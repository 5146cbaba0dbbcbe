"""The credential that binds the certificates on paper to the venue's keys: whoever pins `venue.vkey` needs no other
trust to verify a printed document. Written once for each set of certificates, with its fact, so that it is sealed."""

from __future__ import annotations

import hashlib
from datetime import datetime
from typing import Final

from cryptography.hazmat.primitives.serialization import Encoding
from django.db import connection, transaction

from shugu.formats.canonical import b64, parse_object
from shugu.formats.credential import require_credential
from shugu.formats.errors import ShuguError
from shugu.formats.pdf import AUTHORITY_TYPE
from shugu.kernel import documents, journal, signer
from shugu.kernel.cases import THE_CLOCK
from shugu.kernel.models import Fact
from shugu.kernel.paper_keys import PaperKeys

FACT: Final = "paper.authority_bound"
_LOCK: Final = 0x5041_5045  # one writer of the credential in each database
DIGEST_NAME: Final = "paper_authority"


def authority(held: PaperKeys, now: datetime) -> bytes:
    """The PaperAuthority credential over exactly these certificates, under the venue's present keys; made when there is
    none. Its bytes as stored: SHA-256 of them is named by the fact."""
    found = _present(held)
    if found is not None:
        return found
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_LOCK])
        return _present(held) or _bind(held, now)


def _listed(held: PaperKeys) -> list[dict[str, str]]:
    out = []
    for role, certificate in held.trust():
        der = certificate.public_bytes(Encoding.DER)
        out.append({"role": role, "certificate": b64(der), "sha256": hashlib.sha256(der).hexdigest()})
    return out


def _present(held: PaperKeys) -> bytes | None:
    """The newest one, if it is of these certificates and verifies under today's keys."""
    fact = Fact.objects.filter(name=FACT).order_by("-id").first()
    if fact is None or fact.payload is None:
        return None
    named = parse_object(fact.payload.encode())["digests"]
    assert isinstance(named, dict)
    content = documents.get(str(named[DIGEST_NAME]))
    credential = parse_object(content)
    subject = credential["credentialSubject"]
    assert isinstance(subject, dict)
    if subject.get("trust") != _listed(held):
        return None
    try:
        require_credential(credential, signer.keyring())
    except ShuguError:
        return None  # the venue's keys have changed since: bound anew under the present ones
    return content


def _bind(held: PaperKeys, now: datetime) -> bytes:
    listed = _listed(held)
    number = "PAPER-" + hashlib.sha256("".join(each["sha256"] for each in listed).encode()).hexdigest()[:16].upper()
    content = signer.document_bytes(signer.sign_document(AUTHORITY_TYPE, number=number, subject={"trust": listed}, now=now))
    digest = documents.put(content)
    journal.record(
        FACT, subject="kernel.paper_authority:1", actor=THE_CLOCK, now=now, data={"number": number},
        digests={DIGEST_NAME: digest},
    )  # fmt: skip
    return content
