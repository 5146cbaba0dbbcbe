"""A stolen paper key: what it signed before counts, what it signs later does not; a stolen stamp counts for nothing."""

from __future__ import annotations

import io
import json
import threading
from datetime import datetime, timedelta
from functools import partial
from http.server import ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from asn1crypto import x509 as asn1
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from django.db import DatabaseError, transaction
from django.test import Client
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.validation import validate_pdf_signature
from pyhanko.sign.validation.dss import DocumentSecurityStore
from pyhanko_certvalidator import ValidationContext

from shugu.formats import paper_revocations
from shugu.formats.checks import CheckId, Outcome
from shugu.formats.cms import der
from shugu.formats.errors import BadCredential
from shugu.formats.pdf import verify_pdf
from shugu.formats.pins import Pins
from shugu.formats.suites import keyring_of, new_keys
from shugu.formats.times import write_time
from shugu.formats.verdicts import Verdict
from shugu.formats.verify import Report, Verifier
from shugu.kernel import clock, own_documents, paper_keys, paper_revoking, signer
from shugu.kernel.cases import Actor, ActorKind, mandate
from shugu.kernel.errors import Forbidden, InputInvalid, NotFound
from shugu.kernel.home import HomeError
from shugu.kernel.models import Fact
from shugu.kernel.models_papers import PaperRevocation
from shugu.kernel.paper_revoking import RenewPapers, RevokePapers
from shugu.kernel.paper_signing import sign_pdf
from shugu.verifier.cli import main as verify
from shugu.verifier.tests.test_online import Answer
from shugu.web import printing
from shugu.web.paper import Attachment, render
from shugu.web.tests.paper_samples import CERTIFICATE
from shugu.web.tests.test_printing import files, paper

pytestmark = pytest.mark.django_db
OPERATOR = mandate("venue", "keys")
MINUTE = timedelta(minutes=1)


@pytest.fixture(autouse=True)
def _own_keys(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    keys, kept = tmp_path / "paper", tmp_path / "kept"
    keys.mkdir()
    monkeypatch.setattr(paper_keys, "folder", lambda: keys)
    monkeypatch.setattr(printing, "folder", lambda: kept)


def check(data: bytes, now: datetime) -> Report:
    """As the venue's own page does, against its own list."""
    return verify_pdf(data, own_documents.verifier(now))


def told(report: Report) -> tuple[Outcome, str]:
    found = next(c for c in report.checks if c.id is CheckId.PDF_REVOKED)
    return found.outcome, found.detail[1]


def revoke(role: str, now: datetime, since: datetime | None = None) -> None:
    digest = next(one.digest for one in paper_revoking.certificates(now) if one.role == role and one.used)
    paper_revoking.revoke_papers(RevokePapers((digest,), since), actor=OPERATOR, now=now)


def forged(now: datetime, held: paper_keys.PaperKeys, attached: tuple[Attachment, ...]) -> bytes:
    """What the thief of the signing key makes of the files in a genuine paper, with a stamp of the time."""
    return sign_pdf(render(CERTIFICATE, lang="zh", attached=attached), held, now, reason="thief")


@pytest.mark.parametrize("role", ["signer", "ca"])
def test_a_paper_stamped_before_the_theft_stays_good_and_a_later_one_fails(role: str, now: datetime) -> None:
    before, held, attached = paper(now), paper_keys.current(now), files(now)
    later = now + timedelta(days=3)
    revoke(role, later, since=now + timedelta(days=1))
    report = check(before, later)
    assert report.verdict is Verdict.SIGNED and told(report)[0] is Outcome.OK
    assert "signed before that" in told(report)[1]
    theft = check(forged(later, held, attached), later)
    assert theft.verdict is Verdict.FAILED and "is revoked since" in told(theft)[1]
    assert [c.id for c in theft.checks if c.outcome is Outcome.FAILED] == [CheckId.PDF_REVOKED]


def test_the_venue_signs_no_more_with_it_and_the_next_paper_verifies(now: datetime) -> None:
    old = paper_keys.current(now)
    for role in ("signer", "ca"):
        revoke(role, now + MINUTE)
    new = paper_keys.current(now + MINUTE)
    assert old.signer.leaf != new.signer.leaf and old.ca != new.ca and old.tsa_chain != new.tsa_chain
    fresh = check(paper(now + 2 * MINUTE), now + 2 * MINUTE)
    assert fresh.verdict is Verdict.SIGNED and told(fresh)[0] is Outcome.OK


def test_no_paper_with_a_stolen_stamp_is_proof_and_the_same_printed_anew_is(now: datetime) -> None:
    """Who holds the stamp's key names any time, so that an honest old paper and a back-dated one cannot be told apart."""
    before = paper(now)
    later = now + timedelta(days=3)
    revoke("tsa", later)
    report = check(before, later)
    assert report.verdict is Verdict.UNPROVEN and report.exit_code == 8
    assert "no time it names can be relied on" in told(report)[1]
    assert check(paper(later), later).verdict is Verdict.SIGNED


def test_renewed_certificates_sign_and_old_papers_stay_good(now: datetime) -> None:
    first, seen = paper(now), paper_keys.current(now)
    for what in ("signer", "ca"):
        paper_revoking.renew_papers(RenewPapers(what), actor=OPERATOR, now=now + MINUTE)
        held = paper_keys.current(now + MINUTE)
        assert held.signer.leaf != seen.signer.leaf and (held.ca == seen.ca) is (what == "signer")
        seen = held
    for one in (first, paper(now + 2 * MINUTE)):
        report = check(one, now + 2 * MINUTE)
        assert report.verdict is Verdict.SIGNED and told(report)[0] is Outcome.OK
    assert Fact.objects.filter(name="paper.certificates_renewed").count() == 2


def test_what_is_revoked_is_said_once_by_the_operator_and_stays(now: datetime) -> None:
    paper(now)
    known = [one.digest for one in paper_revoking.certificates(now)]
    nobody = Actor(ActorKind.PERSON, person=1)
    with pytest.raises(Forbidden):
        paper_revoking.revoke_papers(RevokePapers(), actor=nobody, now=now)
    with pytest.raises(Forbidden):
        paper_revoking.renew_papers(RenewPapers("ca"), actor=nobody, now=now)
    with pytest.raises(NotFound):
        paper_revoking.revoke_papers(RevokePapers(("0" * 64,)), actor=OPERATOR, now=now)
    with pytest.raises(InputInvalid) as refused:
        paper_revoking.revoke_papers(RevokePapers((), now + MINUTE), actor=OPERATOR, now=now)
    assert list(refused.value.field_errors) == ["since"]
    assert not PaperRevocation.objects.exists()
    paper_revoking.revoke_papers(RevokePapers(), actor=OPERATOR, now=now)
    assert set(PaperRevocation.objects.values_list("digest", flat=True)) == set(known)
    assert Fact.objects.filter(name="paper.certificates_revoked").count() == 1
    with pytest.raises(InputInvalid):
        paper_revoking.revoke_papers(RevokePapers((known[0],)), actor=OPERATOR, now=now)
    with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
        PaperRevocation.objects.all().delete()


def test_a_list_that_is_old_forged_or_anothers_leaves_the_status_unknown(now: datetime) -> None:
    data, mine = paper(now), paper_revoking.published(now)
    other = keyring_of(new_keys("intl", signer.origin()))
    pins = Pins(signer.keyring())
    for given in (mine.replace(b'"revoked":[]', b'"revoked": []'), mine.replace(b"REVOCATIONS", b"REVOCATION5"), b"{}"):
        report = verify_pdf(data, Verifier(pins, now, papers=lambda issuer, given=given: given))  # type: ignore[misc]
        assert report.verdict is Verdict.UNKNOWN
    later = now + timedelta(days=3)
    assert "too old" in told(verify_pdf(data, Verifier(pins, later, papers=lambda issuer: mine)))[1]
    assert verify_pdf(data, Verifier(pins, later, papers=lambda issuer: None)).verdict is Verdict.SIGNED
    assert verify_pdf(data, Verifier(Pins(other), now, papers=lambda issuer: mine)).verdict is Verdict.FAILED
    # A theft learnt of later was one before: a list made after the time asked about counts for it.
    revoke("tsa", later)
    fresh = paper_revoking.published(later)
    assert verify_pdf(data, Verifier(pins, now, papers=lambda issuer: fresh)).verdict is Verdict.UNPROVEN


@pytest.mark.parametrize(
    "revoked",
    [None, {}, [{}], [{"role": "root", "sha256": "0" * 64, "since": "2026-11-22T02:05:04Z"}],
     [{"role": "ca", "sha256": "0" * 63, "since": "2026-11-22T02:05:04Z"}],
     [{"role": "ca", "sha256": "0" * 64, "since": "2026-11-22T02:05:04Z"}] * 2],
)  # fmt: skip
def test_a_misshapen_list_is_refused(revoked: object) -> None:
    with pytest.raises(BadCredential):
        paper_revocations.read_revocations({"revoked": revoked})


def test_the_authority_publishes_a_crl_and_each_paper_carries_one(
    now: datetime, client: Client, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.ROOT_URLCONF = "shugu.urls"
    monkeypatch.setattr(clock, "now", lambda: now)
    data, held = paper(now), paper_keys.current(now)
    assert held.ca is not None
    points = held.signer.leaf.extensions.get_extension_for_class(x509.CRLDistributionPoints).value
    assert points[0].full_name is not None and points[0].full_name[0].value == paper_keys.crl_url(held.ca)
    address = "/papers/" + paper_keys.crl_name(held.ca) + ".crl"
    before = x509.load_der_x509_crl(client.get(address).content)
    key = held.ca.public_key()
    assert isinstance(key, ec.EllipticCurvePublicKey) and before.is_signature_valid(key) and len(before) == 0
    store = PdfFileReader(io.BytesIO(data)).root["/DSS"]
    assert bytes(store["/CRLs"][0].data) == client.get(address).content and len(store["/Certs"]) == 3
    paper_revoking.revoke_papers(RevokePapers(), actor=OPERATOR, now=now + MINUTE)
    monkeypatch.setattr(clock, "now", lambda: now + MINUTE)
    after = x509.load_der_x509_crl(client.get(address).content)
    assert {one.serial_number for one in after} == {held.signer.leaf.serial_number, held.tsa_chain[0].serial_number}
    assert after.last_update_utc > before.last_update_utc
    assert client.get("/papers/0123456789abcdef.crl").status_code == 404
    listed = client.get("/.well-known/venue-paper-revocations.json").content
    assert verify_pdf(data, Verifier(Pins(signer.keyring()), now, papers=lambda issuer: listed)).verdict is Verdict.UNPROVEN


def test_an_outside_reader_finds_what_it_needs_for_the_long_term_in_the_paper(now: datetime) -> None:
    """pyHanko, offline, demanding that revocation be known: it is in the file (PAdES B-LT), and nowhere else."""
    reader = PdfFileReader(io.BytesIO(paper(now)))
    ca = paper_keys.current(now).ca
    assert ca is not None
    root = asn1.Certificate.load(der(ca))
    asked: dict[str, Any] = {"trust_roots": [root], "allow_fetching": False, "revocation_mode": "require", "moment": now}
    signature = reader.embedded_signatures[0]
    known = DocumentSecurityStore.read_dss(reader).as_validation_context(asked)
    found = validate_pdf_signature(signature, known, ts_validation_context=known)
    assert found.bottom_line and found.timestamp_validity is not None and found.timestamp_validity.trusted
    unknown = ValidationContext(**asked, crls=[])
    assert not validate_pdf_signature(signature, unknown, ts_validation_context=unknown).bottom_line


def test_a_providers_revoked_certificate_signs_nothing_until_another_is_put(now: datetime) -> None:
    held = paper_keys.current(now)
    place = paper_keys.folder()
    whole = (place / "signer-1.pem").read_bytes()
    (place / paper_keys.OWN_KEY).write_bytes(whole)
    (place / paper_keys.OWN_CHAIN).write_bytes(whole[whole.index(b"-----BEGIN CERTIFICATE") :])
    assert paper_keys.current(now).ca is None and paper_keys.current(now).signer.leaf == held.signer.leaf
    paper(now)
    with pytest.raises(InputInvalid):
        paper_revoking.renew_papers(RenewPapers("signer"), actor=OPERATOR, now=now)
    revoke("signer", now + MINUTE)
    with pytest.raises(HomeError, match="revoked"):
        paper(now + MINUTE)
    known = paper_revoking.certificates(now + MINUTE)
    assert all(not one.used for one in known)
    assert {one.role for one in known if one.ours} == {"ca", "signer", "tsa"}
    assert next(one for one in known if one.digest == paper_keys.digest_of(held.signer.leaf)).since == now + MINUTE


def test_the_offline_verifier_takes_the_list_as_a_file_or_asks_the_venue(
    now: datetime, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data = paper(now)
    files: dict[str, bytes | str] = {".well-known/venue-paper-revocations.json": paper_revoking.published(now)}
    at = {name: tmp_path / name for name in ("x.pdf", "venue.vkey", "list.json")}
    at["x.pdf"].write_bytes(data)
    at["venue.vkey"].write_text(signer.keyring().text())
    base = [str(at["x.pdf"]), "--key", str(at["venue.vkey"]), "--at", write_time(now + MINUTE), "--json", "--lang", "en"]

    def run(*more: str) -> tuple[dict[int, str], list[str]]:
        """Outcomes by number, and what was not asked for."""
        verify([*base, *more])
        said = json.loads(capsys.readouterr().out)
        return {c["n"]: c["outcome"] for c in said["checks"]}, [str(one) for one in said["caveats"]]

    outcomes, caveats = run()
    assert 25 not in outcomes and any("--revoked" in one for one in caveats)
    at["list.json"].write_bytes(paper_revoking.published(now))
    outcomes, caveats = run("--revoked", str(at["list.json"]))
    assert outcomes[25] == "ok" and not any("--revoked" in one for one in caveats)
    revoke("tsa", now + MINUTE)
    at["list.json"].write_bytes(paper_revoking.published(now + MINUTE))
    assert run("--revoked", str(at["list.json"]))[0][25] == "failed"
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Answer, files))
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    try:
        ask = ("--online", "--url", f"http://127.0.0.1:{server.server_address[1]}")
        assert run(*ask)[0][25] == "ok", "the venue's list of before"
        assert run(*ask, "--revoked", str(at["list.json"]))[0][25] == "failed", "the newer of the two counts"
        files[".well-known/venue-paper-revocations.json"] = paper_revoking.published(now + MINUTE)
        assert run(*ask)[0][25] == "failed"
        files.clear()
        assert run(*ask)[0][25] == "failed", "a list that cannot be had leaves the status unknown"
    finally:
        server.shutdown()
        server.server_close()
