from __future__ import annotations

import io
import random
import re
import shutil
import subprocess
import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pikepdf
import pytest
from asn1crypto import x509 as asn1
from cryptography.hazmat.primitives.serialization import Encoding
from pyhanko.pdf_utils.generic import TextStringObject
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.validation import validate_pdf_signature
from pyhanko.sign.validation.status import SignatureCoverageLevel
from pyhanko_certvalidator import ValidationContext

from shugu.formats import pdf
from shugu.formats.checks import CheckId, Outcome
from shugu.formats.cms import der
from shugu.formats.pdf import stamped_at, verify_paper
from shugu.formats.pdf_signature import locate, read_container
from shugu.formats.suites import keyring_of, new_keys
from shugu.formats.verdicts import Verdict
from shugu.formats.verify import Report
from shugu.kernel import paper_authority, paper_keys, signer
from shugu.kernel.models import Fact
from shugu.kernel.paper_signing import sign_pdf
from shugu.web import printing
from shugu.web.paper import Attachment, Document, render
from shugu.web.tests.paper_samples import CERTIFICATE, SAMPLES

pytestmark = pytest.mark.django_db
NUMBER = CERTIFICATE.number


@pytest.fixture(autouse=True)
def _own_keys(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Certificates and kept papers of this test alone."""
    keys, kept = tmp_path / "paper", tmp_path / "kept"
    keys.mkdir()
    monkeypatch.setattr(paper_keys, "folder", lambda: keys)
    monkeypatch.setattr(printing, "folder", lambda: kept)


def credential(number: str, now: datetime) -> bytes:
    return signer.document_bytes(signer.sign_document("RegisterReport", number=number, subject={}, now=now))


def paper(now: datetime, document: Document = CERTIFICATE) -> bytes:
    return printing.printed(document, credential(document.number, now), lang="zh", now=now)


def failed(report: Report) -> CheckId | None:
    return next((c.id for c in report.checks if c.outcome is Outcome.FAILED), None)


def check(data: bytes, now: datetime) -> Report:
    return verify_paper(data, signer.keyring(), now)


@pytest.mark.parametrize("document", SAMPLES, ids=lambda d: d.kind.value)
def test_every_kind_is_signed_pdf_a_with_the_credential_inside(document: Document, now: datetime) -> None:
    data = paper(now, document)
    report = check(data, now)
    assert report.verdict is Verdict.SIGNED, report.text("en")
    assert [c.n for c in report.checks] == [*range(1, 12), *range(17, 25)]
    assert stamped_at(report) == now.replace(microsecond=0)
    with pikepdf.open(io.BytesIO(data)) as read:
        xmp = read.Root.Metadata.read_bytes().decode()
        assert "<pdfaid:part>3</pdfaid:part><pdfaid:conformance>A</pdfaid:conformance>" in xmp
        assert sorted(read.attachments) == [pdf.CREDENTIAL, pdf.AUTHORITY]
        assert read.attachments[pdf.CREDENTIAL].get_file().read_bytes() == credential(document.number, now)
        assert {str(f.AFRelationship) for f in read.Root.AF} == {"/Source", "/Supplement"}
        assert str(read.Root.Lang) == "zh-CN" and str(read.docinfo.Keywords) == document.number


def test_a_report_reads_in_both_languages(now: datetime) -> None:
    report = check(paper(now), now)
    assert report.text("zh").splitlines()[-1] == "→ 签名有效，但未附日志封存证明"
    assert "23 ✓ The time stamp is valid, of the authority bound there  2026-03-02T02:00:00Z" in report.text("en")
    assert report.exit_code == 3


def test_an_outside_reader_of_pdf_signatures_finds_it_whole_and_valid(now: datetime) -> None:
    data = paper(now)
    reader = PdfFileReader(io.BytesIO(data))
    ca = paper_keys.current(now).ca
    assert ca is not None
    trust = ValidationContext(trust_roots=[asn1.Certificate.load(der(ca))], allow_fetching=False, moment=now)
    told = validate_pdf_signature(reader.embedded_signatures[0], trust, ts_validation_context=trust)
    assert told.bottom_line and told.coverage is SignatureCoverageLevel.ENTIRE_FILE and told.timestamp_validity is not None
    assert told.timestamp_validity.trusted and told.timestamp_validity.timestamp == now


def test_openssl_verifies_container_and_time_stamp(now: datetime, tmp_path: Path) -> None:
    program = shutil.which("openssl")
    if program is None:
        pytest.skip("SKIPPED LOUDLY: no openssl here, so no second verifier of CMS and RFC 3161")
    found = locate(paper(now))
    signed = read_container(found.container)
    held = paper_keys.current(now)
    assert signed.token is not None and held.ca is not None
    content = {"covered": found.covered, "cms": found.container, "value": signed.signature, "token": signed.token,
               "ca": held.ca.public_bytes(Encoding.PEM)}  # fmt: skip
    at = {name: tmp_path / name for name in content}
    for name, data in content.items():
        at[name].write_bytes(data)
    moment = str(int(now.timestamp()))
    for words in (
        ["cms", "-verify", "-binary", "-inform", "DER", "-in", at["cms"], "-content", at["covered"], "-CAfile", at["ca"],
         "-purpose", "any", "-attime", moment, "-out", tmp_path / "out"],
        ["ts", "-verify", "-data", at["value"], "-in", at["token"], "-token_in", "-CAfile", at["ca"], "-attime", moment],
    ):  # fmt: skip
        run = subprocess.run([program, *map(str, words)], capture_output=True, text=True)
        assert run.returncode == 0, run.stderr


def hole(data: bytes) -> range:
    return range(*locate(data).hole)


def test_every_digit_of_the_container_counts(now: datetime) -> None:
    data = paper(now)
    for at in hole(data)[::47]:
        for other in (b"0123456789ABCDEF>"[data[at] % 17 : data[at] % 17 + 1], bytes([data[at] ^ 0x20])):
            changed = data[:at] + other + data[at + 1 :]
            if changed != data:
                assert check(changed, now).verdict is Verdict.FAILED, at


def test_a_changed_byte_anywhere_is_refused(now: datetime) -> None:
    data, dice = paper(now), random.Random(20261129)
    for _ in range(200):
        at, bit = dice.randrange(len(data)), 1 << dice.randrange(8)
        changed = data[:at] + bytes([data[at] ^ bit]) + data[at + 1 :]
        assert check(changed, now).verdict is Verdict.FAILED, (at, bit)
    for cut in (1, 2, 100, len(data) // 2, len(data) - 5):
        assert check(data[:-cut], now).verdict is Verdict.FAILED


@pytest.mark.campaign
def test_every_byte_of_a_paper_counts(now: datetime) -> None:
    """Each byte once; each digit of the container as every other digit."""
    data = paper(now)
    container = hole(data)
    for at in range(len(data)):
        others = b"0123456789ABCDEFabcdef" if at in container else bytes([data[at] ^ (1 << at % 8)])
        for other in {*others} - {data[at]}:
            changed = data[:at] + bytes([other]) + data[at + 1 :]
            assert check(changed, now).verdict is Verdict.FAILED, (at, other)


def lower(data: bytes) -> bytes:
    start, rest = locate(data).hole
    return data[:start] + data[start:rest].lower() + data[rest:]


def append(data: bytes) -> bytes:
    out = io.BytesIO(data)
    writer = IncrementalPdfFileWriter(out)
    writer.root["/Lang"] = TextStringObject("en")
    writer.update_root()  # type: ignore[no-untyped-call]
    writer.write_in_place()  # type: ignore[no-untyped-call]
    return out.getvalue()


def second_signature(data: bytes) -> bytes:
    return data + b"\n%%EOF\n"


@pytest.mark.parametrize("spoil", [lower, append, second_signature, lambda d: d + b"\n", lambda d: b"\n" + d, lambda d: b""])
def test_other_spellings_and_additions_are_refused(spoil: Callable[[bytes], bytes], now: datetime) -> None:
    assert failed(check(spoil(paper(now)), now)) is CheckId.PDF_WHOLE


def test_what_nobody_signed_is_refused(now: datetime) -> None:
    assert failed(check(render(CERTIFICATE, lang="zh"), now)) is CheckId.PDF_WHOLE


def test_the_other_ecdsa_signature_of_the_same_key_is_refused(now: datetime) -> None:
    """(r, n-s) is as valid as (r, s): a second spelling that only low s rules out."""
    from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature

    from shugu.formats.cms import DATA, P256_ORDER, container, party

    data = paper(now)
    found = locate(data)
    signed = read_container(found.container)
    r, s = decode_dss_signature(signed.signature)
    high = encode_dss_signature(r, P256_ORDER - s)
    other = container(DATA, party(signed.signer), signed.attributes, high, signed.certificates, token=signed.token)
    start, rest = found.hole
    written = b"<" + other.hex().upper().encode().ljust(rest - start - 2, b"0") + b">"
    assert failed(check(data[:start] + written + data[rest:], now)) is CheckId.PDF_SPELLING


def files(now: datetime, number: str = NUMBER, binding: bytes | None = None) -> tuple[Attachment, ...]:
    held = paper_keys.current(now)
    bound = (binding or paper_authority.authority(held, now)).decode()
    return (
        Attachment(pdf.CREDENTIAL, credential(number, now).decode(), "source", "c"),
        Attachment(pdf.AUTHORITY, bound, "supplement", "a"),
    )


def signed(now: datetime, *attached: Attachment) -> bytes:
    return sign_pdf(render(CERTIFICATE, lang="zh", attached=attached), paper_keys.current(now), now, reason="test")


def test_another_number_than_the_credentials_is_refused(now: datetime) -> None:
    assert failed(check(signed(now, *files(now, "YL-DPR-2026-000318")), now)) is CheckId.PDF_NUMBER


def test_other_attachments_are_refused(now: datetime) -> None:
    more = Attachment("notes.json", "{}", "supplement", "n")
    for attached in (files(now)[:1], (*files(now), more), ()):
        assert failed(check(signed(now, *attached), now)) is CheckId.PDF_FILES


def test_certificates_that_the_venue_did_not_bind_are_refused(
    now: datetime, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever makes himself a CA of the same name has no credential of the venue for it."""
    attached = files(now)
    other = tmp_path / "other"
    other.mkdir()
    monkeypatch.setattr(paper_keys, "folder", lambda: other)
    assert failed(check(signed(now, *attached), now)) is CheckId.PDF_SIGNER


def test_the_time_stamping_key_signs_no_document_and_the_other_way_round(now: datetime) -> None:
    held, attached = paper_keys.current(now), files(now)
    assert held.tsa is not None
    base = render(CERTIFICATE, lang="zh", attached=attached)
    assert failed(check(sign_pdf(base, replace(held, signer=held.tsa), now, reason="x"), now)) is CheckId.PDF_SIGNER
    assert failed(check(sign_pdf(base, replace(held, tsa=held.signer), now, reason="x"), now)) is CheckId.PDF_STAMP


def test_another_venues_keys_refuse_the_authority(now: datetime) -> None:
    other = keyring_of(new_keys("intl", signer.origin()))
    assert failed(verify_paper(paper(now), other, now)) is CheckId.PDF_AUTHORITY


def test_a_stamp_after_the_time_of_verification_is_refused(now: datetime) -> None:
    assert failed(check(paper(now), now - timedelta(days=1))) in {CheckId.PDF_AUTHORITY, CheckId.PDF_STAMP}


def test_old_papers_verify_after_the_certificates_were_renewed(now: datetime) -> None:
    first = paper(now)
    later = now + paper_keys.SIGNER_LIFE + timedelta(days=30)
    assert paper_keys.current(later).signer.leaf != paper_keys.current(now).signer.leaf
    assert paper_keys.current(later).ca == paper_keys.current(now).ca
    assert check(first, later).verdict is Verdict.SIGNED
    far = now + paper_keys.AUTHORITY_LIFE
    assert paper_keys.current(far).ca != paper_keys.current(now).ca
    assert check(paper(far), far).verdict is Verdict.SIGNED and check(first, far).verdict is Verdict.SIGNED


def test_certificates_are_renewed_before_they_end(now: datetime) -> None:
    held = paper_keys.current(now)
    end = held.signer.leaf.not_valid_after_utc
    renewed = paper_keys.current(end - timedelta(days=59))
    assert renewed.signer.leaf != held.signer.leaf and renewed.signer.leaf.not_valid_after_utc > end
    assert paper_keys.current(end - timedelta(days=62)).signer.leaf == held.signer.leaf


def test_the_binding_is_recorded_once(now: datetime) -> None:
    for _ in range(2):
        paper(now)
    assert Fact.objects.filter(name=paper_authority.FACT).count() == 1


def test_private_keys_are_encrypted_and_readable_by_their_owner_only(now: datetime) -> None:
    paper_keys.current(now)
    found = sorted(paper_keys.folder().iterdir())
    assert [path.name for path in found] == ["ca-1.pem", "signer-1.pem", "tsa-1.pem"]
    for path in found:
        assert path.stat().st_mode & 0o077 == 0
        assert b"BEGIN ENCRYPTED PRIVATE KEY" in path.read_bytes()


def test_the_same_paper_is_kept_and_made_anew_when_it_was_wiped_or_damaged(now: datetime) -> None:
    content = credential(NUMBER, now)

    def ask() -> bytes:
        return printing.printed(CERTIFICATE, content, lang="zh", now=now)

    first = ask()
    assert ask() == first
    (kept,) = [path for path in printing.folder().rglob("*") if path.is_file()]
    kept.write_bytes(kept.read_bytes()[:-1])
    second = ask()
    assert second != first and check(second, now).verdict is Verdict.SIGNED
    shutil.rmtree(printing.folder())
    assert check(ask(), now).verdict is Verdict.SIGNED


def test_what_is_kept_is_bounded() -> None:
    for n in range(100):
        printing.keep(f"00{n:062x}", b"x" * 10)
    assert len(list((printing.folder() / "00").iterdir())) == printing.IN_A_FOLDER
    assert printing.recall(f"00{99:062x}") == b"x" * 10


def test_whoever_prints_at_once_gets_the_same_paper() -> None:
    got: list[bytes] = []
    threads = [threading.Thread(target=lambda n=n: got.append(printing.keep("ab" * 32, bytes([n])))) for n in range(8)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert len(got) == 8 and len(set(got)) == 1


def test_dates_in_the_file_are_the_documents_and_the_stamps(now: datetime) -> None:
    data = paper(now)
    with pikepdf.open(io.BytesIO(data)) as read:
        assert str(read.docinfo.CreationDate) == str(read.docinfo.ModDate) == "D:20261102000000Z"
    assert re.findall(rb"/M \(([^)]*)\)", data[hole(data).start :]) == [rb"D\07220260302020000Z"]
