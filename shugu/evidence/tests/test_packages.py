"""Evidence packages: extracted on a ground, whole, replayable, and refused when one byte of them changes."""

from __future__ import annotations

import base64
import hashlib
import json
import subprocess
import sys
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import DatabaseError, connection, transaction
from django.test import Client

from shugu.evidence import package_files, package_paper, queries_package, services
from shugu.evidence.errors import GroundNeeded, NotSealedYet
from shugu.evidence.extracting import ExtractPackage, LegalDocument, extract_package
from shugu.evidence.grounds import grounds
from shugu.evidence.models import Package
from shugu.formats.canonical import canonical
from shugu.formats.checks import Outcome
from shugu.formats.errors import FormatError
from shugu.formats.package import MANIFEST, SEAL, Finding, read_zip, verify_package, write_zip
from shugu.formats.package_report import REPORTS
from shugu.formats.pdf import verify_paper
from shugu.formats.verdicts import Verdict
from shugu.kernel import clock, signer
from shugu.kernel.cases import Actor
from shugu.kernel.errors import InputInvalid, NotFound
from shugu.kernel.models import Case, Fact
from shugu.verifier import cli as verifier
from shugu.web.paper import render
from shugu.web.paper_json import as_json
from shugu.web.tests.paper_samples import CERTIFICATE
from tests.world import PAPER, World, token

pytestmark = pytest.mark.django_db
ORDER = LegalDocument("（2026）浙 0108 民初 1 号", "杭州市滨江区人民法院", "order.pdf", "application/pdf", PAPER)
Visit = Callable[[Actor | None], Client]


def sealed_everything(world: World) -> None:
    services.sequence_once(world.now)


@pytest.fixture()
def case(world: World) -> Case:
    """Alice's registration, walked to its certificate and sealed."""
    world.registered_entry()
    sealed_everything(world)
    return Case.objects.get(procedure="hangzhou.first")


def extracted(world: World, case: Case, by: Actor | None = None, ground: str = "own", **more: Any) -> Package:
    cmd = ExtractPackage((case.number,), ground, **more)
    row = extract_package(cmd, actor=by or world.alice, now=world.now)
    sealed_everything(world)
    return row


def test_a_party_extracts_a_package_that_verifies_without_the_venue(world: World, case: Case) -> None:
    """Originals, identities, times, history, conclusion, verifier: T/TJIFA003 附件四 3, 9.2.
    carries: P2-247 P2-256 P2-257 P3-237 S0-022
    """
    row = extracted(world, case)
    files = read_zip(queries_package.archive(row))
    report = verify_package(files, signer.keyring(), world.now)
    assert report.sealed, [f for f in report.findings if f.outcome is not Outcome.OK]
    assert [f.n for f in report.findings] == [1, 2, 3, 4, 5, 6, 7, 8]
    assert row.facts == Fact.objects.filter(case=case).count() == sum(n.endswith(".fact.json") for n in files)
    listed = json.loads(files[MANIFEST])
    assert listed["cases"][0]["state"] == "registered" and listed["cases"][0]["table"] in files
    assert files["report.pdf"].startswith(b"%PDF-") and "verifier/shugu/formats/verify.py" in files
    papers = [n for n in files if n.startswith("documents/")]
    assert any(files[n].startswith(PAPER[:8]) for n in papers) and any(n.endswith(".json") for n in papers)
    assert write_zip(files) == queries_package.archive(row)


def test_the_extraction_is_an_act_of_its_own_with_its_ground(world: World, case: Case) -> None:
    row = extracted(world, case)
    told = json.loads(Fact.objects.get(name="evidence.package_extracted").payload or "")
    assert told["ground"] == "own" and told["data"]["cases"] == [case.number]
    assert told["digests"]["package"] == row.credential
    credential = json.loads(read_zip(queries_package.archive(row))[SEAL])["credential"]
    assert credential["type"][1] == "EvidencePackage" and credential["credentialSubject"]["extracted_by"] == {"party": True}
    with pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("UPDATE evidence_package SET ground = 'court'")


def test_natural_persons_are_named_only_where_the_ground_lets(world: World, case: Case) -> None:
    def people(row: Package) -> set[str]:
        told = json.loads(read_zip(queries_package.archive(row))["participants.json"])
        return {p["name"] for p in told if p["kind"] == "person"}

    own, court = extracted(world, case), extracted(world, case, world.cora, "court", document=ORDER)
    assert "艾*" in people(own) and "艾丽" not in people(own)
    assert "艾丽" in people(court)
    assert court.document == {"number": ORDER.number, "organ": ORDER.organ}


def test_strangers_and_other_grounds_are_refused(world: World, case: Case) -> None:
    with pytest.raises(NotFound):
        extracted(world, case, world.mallory)
    with pytest.raises(GroundNeeded):
        extracted(world, case, world.alice, "court", document=ORDER)
    with pytest.raises(InputInvalid):
        extracted(world, case, world.alice, "curiosity")
    with pytest.raises(InputInvalid) as refusal:
        extracted(world, case, world.cora, "court", document=LegalDocument(" ", "", "", "", b""))
    assert set(refusal.value.field_errors) == {"document_number", "document_organ", "document_copy"}
    with pytest.raises(InputInvalid):
        extracted(world, case, world.cora, "court")
    with pytest.raises(InputInvalid):
        extract_package(ExtractPackage((), "own"), actor=world.alice, now=world.now)
    assert not Package.objects.exists()
    row = extracted(world, case)
    for other in (world.mallory, world.bob, world.rita):
        with pytest.raises(NotFound):
            queries_package.package(row.number, other)
        assert queries_package.packages(other) == []
    assert queries_package.packages(world.abel) == [row]


def test_what_is_not_sealed_yet_is_not_handed_out(world: World) -> None:
    world.registered_entry()
    with pytest.raises(NotSealedYet):
        extract_package(
            ExtractPackage((Case.objects.get(procedure="hangzhou.first").number,), "own"), actor=world.alice, now=world.now
        )


def test_the_content_of_an_erased_fact_is_absent_and_the_rest_still_proves(world: World, case: Case) -> None:
    first = Fact.objects.filter(case=case, name="material.filed").order_by("pk")[0]
    with connection.cursor() as cursor:
        cursor.execute("UPDATE kernel_fact SET payload = NULL, salt = NULL WHERE id = %s", [first.pk])
    row = extracted(world, case)
    files = read_zip(queries_package.archive(row))
    assert sum(n.endswith(".entry.json") for n in files) == 1
    assert verify_package(files, signer.keyring(), world.now).sealed


def test_its_reports_are_signed_papers_of_the_venue_and_of_this_package(
    world: World, case: Case, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = read_zip(queries_package.archive(extracted(world, case)))
    number = json.loads(files[MANIFEST])["number"]
    for name in REPORTS:
        report = verify_paper(files[name], signer.keyring(), world.now)
        assert report.verdict is Verdict.SIGNED and report.credential is not None
        subject = report.credential["credentialSubject"]
        assert isinstance(subject, dict) and subject["number"] == number
    told = package_files.gather(number, [case], names=False)
    about = {"document": {}, "cases": [case.number]}
    printed = as_json(package_paper.report(number, told, (), grounds()[0], about, world.now), "zh")
    assert "登记申请人" in printed and "→ 公示中" in printed and "registrar" not in printed and "submitted" not in printed
    other = read_zip(queries_package.archive(extracted(world, case)))

    def eighth(name: str, content: bytes) -> Finding:
        """Of a package whose manifest is made anew over another report: nothing but its signature is left to tell."""
        listed = json.loads(files[MANIFEST])
        for row in listed["files"]:
            if row["name"] == name:
                row |= {"sha256": hashlib.sha256(content).hexdigest(), "size": len(content)}
        told = {**files, name: content, MANIFEST: canonical(listed)}
        del told[SEAL]
        return verify_package(told, signer.keyring(), world.now).findings[7]

    assert eighth(REPORTS[0], files[REPORTS[0]]).outcome is Outcome.OK
    unsigned = render(CERTIFICATE, lang="zh")
    for name, content in ((REPORTS[0], unsigned), (REPORTS[1], b""), (REPORTS[0], other[REPORTS[0]])):
        assert eighth(name, content).outcome is Outcome.FAILED
    assert "不是本证据包的报告" in eighth(REPORTS[0], other[REPORTS[0]]).detail[0]
    # A package of before, whose report was not signed, has seven checks; without a reader of PDFs the eighth is left out.
    older = {n: c for n, c in files.items() if n not in (SEAL, REPORTS[1])} | {REPORTS[0]: unsigned}
    listed = {**json.loads(files[MANIFEST]), "v": 1}
    listed["files"] = [
        {**row, "sha256": hashlib.sha256(older[row["name"]]).hexdigest(), "size": len(older[row["name"]])}
        for row in listed["files"] if row["name"] in older
    ]  # fmt: skip
    checked = verify_package({**older, MANIFEST: canonical(listed)}, signer.keyring(), world.now)
    assert checked.holds and len(checked.findings) == 7
    monkeypatch.setitem(sys.modules, "shugu.formats.pdf", None)
    whole = verify_package(files, signer.keyring(), world.now)
    assert whole.sealed and whole.findings[7].outcome is Outcome.SKIPPED and "shugu[pdf]" in whole.findings[7].detail[1]


def changes(files: dict[str, bytes]) -> list[tuple[str, dict[str, bytes]]]:
    facts = sorted(n for n in files if n.endswith(".fact.json"))
    proofs = sorted(n for n in files if n.endswith(".tlog-proof"))
    table = next(n for n in files if n.startswith("procedures/"))
    listed = json.loads(files[MANIFEST])
    last = {**listed, "cases": [{**listed["cases"][0], "state": "draft"}]}
    fewer = {**listed, "facts": listed["facts"][1:]}

    def spelt(value: Any) -> bytes:
        return json.dumps(value, ensure_ascii=False, separators=(",", ":"), sort_keys=True).encode()

    return [
        ("a fact is gone", {n: c for n, c in files.items() if n != facts[2]}),
        ("a file is added", {**files, "documents/more.pdf": PAPER}),
        ("two proofs are swapped", {**files, proofs[0]: files[proofs[1]], proofs[1]: files[proofs[0]]}),
        ("two facts are swapped", {**files, facts[0]: files[facts[1]], facts[1]: files[facts[0]]}),
        ("the table is another", {**files, table: files[table].replace(b'do = "accept"', b'do = "accept2"')}),
        ("the state told is another", {**files, MANIFEST: spelt(last)}),
        ("the manifest tells fewer facts", {**files, MANIFEST: spelt(fewer)}),
        ("the manifest is spelt otherwise", {**files, MANIFEST: json.dumps(listed).encode()}),
    ]


def test_no_changed_package_holds(world: World, case: Case) -> None:
    files = read_zip(queries_package.archive(extracted(world, case)))
    for what, changed in changes(files):
        assert not verify_package(changed, signer.keyring(), world.now).holds, what
    for name in files:
        data = bytearray(files[name])
        data[len(data) // 2] ^= 1
        assert not verify_package({**files, name: bytes(data)}, signer.keyring(), world.now).holds, name


def test_the_command_line_verifies_a_package_as_archive_and_as_folder(
    world: World, case: Case, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    content = queries_package.archive(extracted(world, case))
    archive, folder, keys = tmp_path / "p.zip", tmp_path / "p", tmp_path / "venue.vkey"
    archive.write_bytes(content)
    keys.write_text(signer.keyring().text())
    for name, data in read_zip(content).items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(data)
    for target in (archive, folder):
        assert verifier.main([str(target), "--key", str(keys)]) == 0
    assert "各案可按当时的流程表逐步重现" in capsys.readouterr().out
    assert verifier.main([str(archive), "--key", str(keys), "--json", "--lang", "en"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["kind"], told["verdict"], len(told["checks"])) == ("package", "sealed", 8)
    carried = [sys.executable, "-B", "-m", "shugu.verifier", str(archive), "--key", str(keys), "--short"]
    run = subprocess.run(carried, cwd=folder / "verifier", env={"PATH": ""}, capture_output=True, text=True, check=False)
    assert (run.returncode, run.stderr) == (0, ""), "the program in the package verifies the package"
    assert 'python -m pip install "rfc8785' in (folder / "README.txt").read_text("utf-8")
    (folder / "history.json").write_bytes(b"[]")
    assert verifier.main([str(folder), "--key", str(keys), "--short"]) == 1
    assert "history.json" in capsys.readouterr().out
    (tmp_path / "other.zip").write_bytes(b"PK\x05\x06" + bytes(18))
    assert verifier.main([str(tmp_path), "--key", str(keys)]) == 1
    shown = capsys.readouterr().out
    assert "p.zip" in shown and "– " in next(line for line in shown.splitlines() if "other.zip" in line)
    (tmp_path / "broken.zip").write_bytes(b"PK\x03\x04 no archive")
    assert verifier.main([str(tmp_path / "broken.zip"), "--key", str(keys)]) == 1


def test_anybody_may_have_a_package_verified_at_the_venue(world: World, case: Case, visit: Visit) -> None:
    content = queries_package.archive(extracted(world, case))

    def told(data: bytes) -> str:
        sent = {"file": SimpleUploadedFile("p.zip", data, "application/zip"), "key": "0" * 32}
        return visit(None).post("/verify/", sent).content.decode()

    assert "已封存且有效" in told(content) and "各案可按当时的流程表逐步重现" in told(content)
    files = read_zip(content)
    assert "验证不通过" in told(write_zip({**files, "history.json": b"[]"}))
    assert "不是可读的压缩包" in told(content[:5000])
    with pytest.raises(FormatError):
        read_zip(content, 1000)


def test_without_its_seal_a_package_is_told_unsealed(world: World, case: Case) -> None:
    files = read_zip(queries_package.archive(extracted(world, case)))
    del files[SEAL]
    report = verify_package(files, signer.keyring(), world.now)
    assert report.holds and not report.sealed


@pytest.mark.parametrize("data", [b"", b"PK\x03\x04 no archive", b"%PDF-1.4"])
def test_what_is_no_archive_is_refused(data: bytes) -> None:
    with pytest.raises(FormatError):
        read_zip(data)


def test_a_name_that_leads_elsewhere_is_refused() -> None:
    import io
    import zipfile

    for name in ("../x", "/x", "a//b", "a\\b", ".x", "a/../b"):
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w") as archive:
            archive.writestr(name, b"x")
        with pytest.raises(FormatError):
            read_zip(buffer.getvalue())


def test_the_pages_extract_show_and_hand_out(world: World, case: Case, visit: Visit) -> None:
    alice = visit(world.alice)
    assert f"/evidence/cases/{case.number}/package/" in alice.get(f"/evidence/cases/{case.pk}/slot/").content.decode()
    address = f"/evidence/cases/{case.number}/package/"
    assert "当事人举证" in alice.get(address).content.decode()
    key = "5b0a7f4e-4b4e-4c53-9d0b-0c3f0a6e9f14"
    answer = alice.post(address, {"key": key, "ground": "own"})
    assert answer.status_code == 302, answer.content.decode()[:3000]
    number = Package.objects.get().number
    assert "正在封存" in alice.get(answer["Location"]).content.decode()
    assert alice.get(f"{answer['Location']}package.zip").status_code == 409
    services.sequence_once(world.now)
    shown = alice.get(answer["Location"]).content.decode()
    assert "各案可按当时的流程表逐步重现" in shown and number in alice.get("/evidence/packages/").content.decode()
    assert read_zip(alice.get(f"{answer['Location']}package.zip").content)[SEAL]
    cora = visit(world.cora)
    given = {"key": "5b0a7f4e-4b4e-4c53-9d0b-0c3f0a6e9f15", "ground": "court", "document_number": "1", "document_organ": "法院"}
    assert cora.post(address, given).status_code == 422
    copy = SimpleUploadedFile("order.pdf", PAPER, "application/pdf")
    assert cora.post(address, {**given, "document_copy": copy}).status_code == 302
    for stranger in (world.mallory, None):
        client = visit(stranger)
        assert client.get(f"/evidence/cases/{case.pk}/slot/").content.strip() == b""
        assert client.get(address).status_code in (302, 401, 404)
        assert client.get(f"/evidence/packages/{number}/").status_code in (302, 401, 404)
        assert client.get(f"/evidence/packages/{number}/package.zip").status_code in (302, 401, 404)


def test_the_api_extracts_and_hands_out(world: World, case: Case) -> None:
    header: dict[str, Any] = {"HTTP_AUTHORIZATION": f"Bearer {token(world.alice, world.now)}"}
    body = {"cases": [case.number], "ground": "own"}
    answer = Client().post("/api/evidence/packages", body, "application/json", **header)
    assert answer.status_code == 200, answer.content
    number = answer.json()["number"]
    services.sequence_once(world.now)
    assert Client().get(f"/api/evidence/packages/{number}", **header).json()["sealed"] is True
    files = read_zip(Client().get(f"/api/evidence/packages/{number}/package.zip", **header).content)
    assert verify_package(files, signer.keyring(), clock.now()).sealed
    assert Client().get(f"/api/evidence/packages/{number}").status_code == 401
    wrong = {**body, "document": {"number": "1", "organ": "x", "filename": "a", "media_type": "b", "content": "not base64!"}}
    assert Client().post("/api/evidence/packages", wrong, "application/json", **header).status_code in (400, 422)
    given = {"number": "1", "organ": "法院", "filename": "o.pdf", "media_type": "application/pdf",
             "content": base64.b64encode(PAPER).decode()}  # fmt: skip
    refused = Client().post(
        "/api/evidence/packages", {**body, "ground": "court", "document": given}, "application/json", **header
    )
    assert refused.status_code == 403 and refused.json()["error"]["code"] == "extraction-ground-needed"


@pytest.fixture()
def now() -> datetime:
    """Pages read the clock, so their stories are set just before now."""
    return clock.now() - timedelta(days=20)
