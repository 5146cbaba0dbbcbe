"""A printed certificate presented: its paper, the credential inside, and everything else as for a file."""

from __future__ import annotations

import argparse
import hashlib
import json
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from shugu.edges.federation import command_line, presenting
from shugu.edges.federation.models import Presentation
from shugu.edges.federation.tests.kit import Other
from shugu.edges.federation.tests.test_presenting import Issuer, agreed, failed, presented
from shugu.edges.federation.tests.test_sight import detail, listed, outcome, says
from shugu.formats.canonical import canonical
from shugu.formats.pdf import AUTHORITY, AUTHORITY_TYPE, CREDENTIAL
from shugu.formats.sealed import read_sealed
from shugu.kernel import clock, documents, paper_authority, paper_keys
from shugu.kernel.cases import MaterialView
from shugu.kernel.journal import FactView
from shugu.kernel.paper_signing import sign_pdf
from shugu.registry import services as registry
from shugu.registry.recognitions import unproven_vouchers
from shugu.registry.tests.test_pages import signed_in
from shugu.web.paper import Attachment, render
from shugu.web.tests.paper_samples import CERTIFICATE
from tests.world import FORM, World, token


@pytest.fixture()
def now() -> datetime:
    """Pages and API go by the clock."""
    return clock.now() - timedelta(minutes=1)


@pytest.fixture()
def issuer(world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Issuer:
    keys = tmp_path / "paper"
    keys.mkdir()
    monkeypatch.setattr(paper_keys, "folder", lambda: keys)
    found = agreed(world)
    says(found)
    return found


def paper(issuer: Issuer, sealed: bytes, by: Other | None = None) -> bytes:
    """The certificate as its venue prints it, with its own authority; that of `by` for a paper that somebody else signs."""
    now, held = issuer.world.now, paper_keys.current(issuer.world.now)
    number = str(read_sealed(sealed).credential["credentialSubject"]["number"])  # type: ignore[index]
    trust = {"trust": paper_authority._listed(held)}
    binding = (by or issuer.other).signed(AUTHORITY_TYPE, "PAPER-1", trust, now)
    files = (
        Attachment(CREDENTIAL, sealed.decode(), "source", "credential"),
        Attachment(AUTHORITY, canonical(binding).decode(), "supplement", "authority"),
    )
    document = CERTIFICATE.__class__(**{**CERTIFICATE.__dict__, "number": number})
    return sign_pdf(render(document, lang="zh", attached=files), held, now, reason="test")


def test_a_printed_certificate_is_as_good_as_the_file(issuer: Issuer) -> None:
    content = paper(issuer, listed(issuer))
    assert content.startswith(b"%PDF-")
    row = presented(issuer, content)
    assert row.state == "recognised", row.checks
    assert {
        outcome(row, name) for name in ("pdf-whole", "pdf-signature", "pdf-signer", "pdf-number", "list", "status")
    } == {"ok"}
    assert [c["n"] for c in row.checks] == list(range(1, len(row.checks) + 1))
    assert registry.recognitions_of(row.org)[0].certificate == "CER-FARAWAY-1"


def _words(content: bytes) -> bytes:
    return content.replace(b"/Type/Pages", b"/Type/Pagez", 1)


def _appended(content: bytes) -> bytes:
    return content + b"\n% one more line\n"


@pytest.mark.parametrize(
    ("change", "check"),
    [
        (_words, "pdf-signature"),
        (_appended, "pdf-whole"),
        (lambda c: c[:-40], "pdf-whole"),
        (lambda c: b"%PDF-1.7 x", "pdf-whole"),
    ],
)
def test_a_changed_paper_is_refused_at_its_check(issuer: Issuer, change: Callable[[bytes], bytes], check: str) -> None:
    row = presented(issuer, change(paper(issuer, listed(issuer))))
    assert (row.state, failed(row)) == ("refused", check)
    assert detail(row, check) and registry.recognitions_of(row.org)[0].failed == check


def test_a_paper_by_another_authority_is_refused(issuer: Issuer) -> None:
    """The venue's own certificate, set into a paper that somebody else's authority signed."""
    row = presented(issuer, paper(issuer, listed(issuer), by=Other.make("sm")))
    assert failed(row) == "pdf-authority"
    row = presented(issuer, paper(issuer, listed(issuer), by=Other.make("sm", origin="third.example")))
    assert failed(row) == "pdf-authority"


def test_a_forged_certificate_in_a_good_paper_is_refused(issuer: Issuer) -> None:
    forged = listed(issuer).replace("港口".encode(), "港囗".encode(), 1)
    assert failed(presented(issuer, paper(issuer, forged))) == "proof-ed25519"


def test_one_that_was_printed_unsealed_says_so(issuer: Issuer) -> None:
    plain = canonical(read_sealed(listed(issuer)).credential)
    assert failed(presented(issuer, paper(issuer, plain))) == "sealed"


def test_over_page_and_api(issuer: Issuer, client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    check: Any = presenting.check
    monkeypatch.setattr("shugu.edges.federation.services.check", lambda row, now: check(row, now, issuer.fetch))
    content = paper(issuer, listed(issuer))
    headers = {
        "Authorization": f"Bearer {token(issuer.world.alice, issuer.world.now)}",
        "Idempotency-Key": "present-0001",
    }
    for _ in range(2):
        file = SimpleUploadedFile("certificate.pdf", content, "application/pdf")
        answer = client.post("/api/federation/presentations", {"file": file}, headers=headers)
        assert answer.status_code == 200, answer.content
        made = answer.json()
        assert (
            made["state"] == "recognised"
            and made["live"]
            and {c["outcome"] for c in made["checks"]} == {"ok", "skipped"}
        )
    del headers["Idempotency-Key"]
    assert [one["number"] for one in client.get("/api/federation/presentations", headers=headers).json()] == [
        made["number"]
    ]
    stranger = {"Authorization": f"Bearer {token(issuer.world.mallory, issuer.world.now)}"}
    assert client.get(f"/api/federation/presentations/{made['number']}", headers=stranger).status_code == 404
    alice = signed_in(issuer.world.alice)
    page = alice.get("/federation/present/").content.decode()
    assert ".pdf,.json" in page
    sent = {
        "file": SimpleUploadedFile("changed.pdf", _words(content), "application/pdf"),
        "key": str(uuid4()),
    }
    shown = alice.post("/federation/present/", sent, follow=True).content.decode()
    assert "PDF 全文摘要与签名有效" in shown and "不通过" in shown
    shown = alice.get(f"/federation/presentations/{made['number']}/").content.decode()
    assert "状态答复" in shown and "status_list:0-revocation" in shown
    kept = alice.get(f"/federation/presentations/{made['number']}/answers/status_list:0-revocation")
    assert hashlib.sha256(kept.content).hexdigest() == made["answers"]["status_list:0-revocation"]
    watching = {"Authorization": f"Bearer {token(issuer.world.otto, issuer.world.now)}"}
    peer = signed_in(issuer.world.otto).get("/federation/peers/faraway/", follow=True).content.decode()
    assert "密钥沿革" in peer and "0-revocation.json" in peer
    told = client.get("/api/federation/peers/faraway", headers=watching)
    assert told.json()["history"][0]["pinned"] and told.json()["log"]["size"] == len(issuer.other.log.leaves)


def test_paper_that_is_filed_as_a_voucher_is_checked_too(issuer: Issuer) -> None:
    """Filed in an application like any material: the worker's subscription makes a presentation of it, and its checks count."""
    world = issuer.world
    good = paper(issuer, listed(issuer))
    filing = registry.submit_filing(
        registry.SubmitFiling("data-property", world.alice.org or 0, "深圳港口数据", "data_product", ("holding",), dict(FORM)),
        actor=world.alice, now=world.now,
    )  # fmt: skip
    for content, state in ((good, "recognised"), (b"%PDF-1.4 some other paper", ""), (_words(good), "")):
        digest = documents.put(content)
        payload = {"data": {"material": "venue_voucher"}, "digests": {"venue_voucher": digest}}
        fact = FactView(1, 1, "material.filed", f"case:{filing.pk}", filing.pk, world.now, world.now.date(), payload)
        presenting.file_voucher(fact, world.now)
        row = Presentation.objects.filter(digest=digest).first()
        assert (presenting.check(row, world.now, issuer.fetch).state if row else "") == state
        filed = [MaterialView("venue_voucher", digest)]
        assert unproven_vouchers(filed, world.now) == ()
    world.now += timedelta(days=1)
    assert unproven_vouchers([MaterialView("venue_voucher", documents.put(good))], world.now) != ()


def test_on_the_command_line(
    issuer: Issuer, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    check: Any = presenting.check
    monkeypatch.setattr("shugu.edges.federation.services.check", lambda row, now: check(row, now, issuer.fetch))
    parser = argparse.ArgumentParser()
    command_line.add_to(parser.add_subparsers(dest="command"))
    for content, code in ((paper(issuer, listed(issuer)), 0), (b"%PDF-1.7", 1)):
        (tmp_path / "shown.pdf").write_bytes(content)
        told = parser.parse_args(["federation", "present", str(tmp_path / "shown.pdf"), "--as", "alice"])
        assert command_line.run(told) == code
        found = json.loads(capsys.readouterr().out)
        assert found["state"] == ("refused" if code else "recognised")
    assert command_line.run(parser.parse_args(["federation", "peer", "list", "--as", "otto"])) == 0
    (peer,) = json.loads(capsys.readouterr().out)
    assert peer["contradictions"] == [] and peer["in_force"] == [k.verify_key.vkey() for k in issuer.other.keys]
