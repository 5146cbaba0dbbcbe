"""Signed certificates on paper: typeset alone, signed alone, the whole as a reader asks for it, and one that is kept.

One process, one thread. Each round prints a certificate of another number, so that nothing is kept from the last; the
whole is typeset, its credential attached, signed (PAdES B-LT), time-stamped by the venue's own authority and kept on
disk, the credential sealed in no log. `pyHanko alone` is the peer: the same PDF signed by pyHanko's own signer with a
time stamp of the same authority's kind (RSA, its test authority), as its manual shows. Prints one JSON line a figure.
"""

from __future__ import annotations

import io
import json
import statistics
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks.scratch import scratch_home

NOW = datetime(2026, 3, 2, 2, 0, tzinfo=UTC)
GOAL = 20
ROUNDS = 40
RUNS = 5


def rate(work: Callable[[int], object], first: int) -> list[float]:
    """Papers a second in each of RUNS runs."""
    out = []
    for run in range(RUNS):
        start = time.perf_counter()
        for n in range(ROUNDS):
            work(first + run * ROUNDS + n)
        out.append(ROUNDS / (time.perf_counter() - start))
    return out


def tell(name: str, runs: list[float], goal: float, peer: object = None) -> None:
    print(json.dumps({
        "name": name, "median": round(statistics.median(runs), 1), "unit": "papers/s", "goal": goal,
        "higher_is_better": True, "runs": [round(r, 1) for r in runs], "peer": peer,
    }), flush=True)  # fmt: skip


def main() -> int:
    with scratch_home():
        from shugu.kernel import paper_keys, signer, status
        from shugu.kernel.paper_signing import sign_pdf
        from shugu.registry.status import CERTIFICATE as STANDING
        from shugu.web import printing
        from shugu.web.paper import Attachment, render
        from shugu.web.tests.paper_samples import CERTIFICATE

        def paper(n: int) -> tuple[object, bytes]:
            number = f"CER-BENCH-2026-{n:08d}"
            made = signer.sign_document("DataPropertyCertificate", number=number, subject={"n": n}, now=NOW, status=seats[n])
            return replace(CERTIFICATE, number=number), signer.document_bytes(made)

        seats = status.allot_many(STANDING, 3 * RUNS * ROUNDS)
        papers = [paper(n) for n in range(3 * RUNS * ROUNDS)]
        held = paper_keys.current(NOW)
        files = (Attachment("credential.json", papers[0][1].decode(), "source", "credential"),)
        typeset = render(papers[0][0], lang="zh", attached=files)  # type: ignore[arg-type]

        def ask(n: int) -> bytes:
            document, credential = papers[n]
            return printing.printed(document, credential, lang="zh", now=NOW)  # type: ignore[arg-type]

        tell("papers.typeset", rate(lambda n: render(papers[n][0], lang="zh", attached=files), 0), GOAL)  # type: ignore[arg-type]
        peer = {"name": "pyHanko's own signer", "papers_per_second": round(statistics.median(rate(pyhanko(typeset), 0)), 1)}
        tell("papers.signed", rate(lambda n: sign_pdf(typeset, held, NOW, reason="benchmark"), 0), GOAL, peer)
        tell("papers.whole", rate(ask, RUNS * ROUNDS), GOAL)
        tell("papers.kept", rate(ask, RUNS * ROUNDS), GOAL)
    return 0


def pyhanko(typeset: bytes) -> Callable[[int], object]:
    """The same file signed as pyHanko's manual shows, with its dummy time-stamping authority (RSA 2048)."""
    from asn1crypto import keys, x509
    from cryptography import x509 as certs
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec, rsa
    from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
    from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
    from pyhanko.sign import PdfSignatureMetadata, PdfSigner, SimpleSigner
    from pyhanko.sign.fields import SigFieldSpec, SigSeedSubFilter
    from pyhanko.sign.timestamps.dummy_client import DummyTimeStamper
    from pyhanko_certvalidator.registry import SimpleCertificateStore

    def made(key: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey, name: str) -> tuple[x509.Certificate, keys.PrivateKeyInfo]:
        subject = certs.Name([certs.NameAttribute(NameOID.COMMON_NAME, name)])
        built = (
            certs.CertificateBuilder().subject_name(subject).issuer_name(subject).public_key(key.public_key())
            .serial_number(1).not_valid_before(datetime(2026, 1, 1, tzinfo=UTC)).not_valid_after(datetime(2036, 1, 1, tzinfo=UTC))
            .add_extension(certs.ExtendedKeyUsage([ExtendedKeyUsageOID.TIME_STAMPING]), critical=True)
            .sign(key, hashes.SHA256())
        )  # fmt: skip
        encoded = key.private_bytes(
            serialization.Encoding.DER, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        der = built.public_bytes(serialization.Encoding.DER)
        return x509.Certificate.load(der), keys.PrivateKeyInfo.load(encoded)

    certificate, key = made(ec.generate_private_key(ec.SECP256R1()), "signer")
    stamper = DummyTimeStamper(*made(rsa.generate_private_key(65537, 2048), "stamps"), fixed_dt=NOW)
    meta = PdfSignatureMetadata(field_name="Venue", md_algorithm="sha256", subfilter=SigSeedSubFilter.PADES)
    simple = SimpleSigner(certificate, key, SimpleCertificateStore())
    signer = PdfSigner(meta, simple, timestamper=stamper, new_field_spec=SigFieldSpec("Venue"))
    return lambda n: signer.sign_pdf(IncrementalPdfFileWriter(io.BytesIO(typeset)), bytes_reserved=16384)


if __name__ == "__main__":
    sys.exit(main())
