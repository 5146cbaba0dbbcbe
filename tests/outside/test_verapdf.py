"""veraPDF, the reference validator, over every kind of PDF that the venue hands out: PDF/A-3a and PDF/UA-1, signed or not.

Java, Maven and its repository are needed for these tests only; without them they are skipped, and say so.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from shugu.appraisal import compliance_paper
from shugu.appraisal import queries as appraisal
from shugu.appraisal.models import Assignment
from shugu.appraisal.tests import stages as appraised
from shugu.appraisal.tests import valued
from shugu.delivery import proof_paper, proving
from shugu.evidence import deposit_paper, queries_deposit, queries_package
from shugu.evidence import services as log
from shugu.evidence.depositing import DepositEvidence, Item, deposit
from shugu.evidence.extracting import ExtractPackage, extract_package
from shugu.evidence.tests.test_seals import picture
from shugu.formats.package import read_zip
from shugu.formats.package_report import REPORTS
from shugu.kernel import documents, signer, status
from shugu.kernel.models import Case
from shugu.party import accreditation_paper
from shugu.party.models import Accreditation
from shugu.registry import figures, move_paper, report_paper
from shugu.registry import queries as registry
from shugu.registry import services as register
from shugu.registry.figures import Span
from shugu.registry.models import Certificate, Filing
from shugu.settlement import queries as settlement
from shugu.settlement.tests import stages as paid
from shugu.trade import papers
from shugu.trade import queries as trade
from shugu.trade.models import Contract, Voucher
from shugu.web import printing
from shugu.web.tests.paper_samples import SAMPLES
from tests.world import PAPER, World

SOURCE = Path(__file__).parent / "java"
# Short runs: the second compiler and a collector with threads cost more than they win.
SHORT = ("-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC")
UNREACHABLE = (
    "Could not transfer", "Could not find artifact", "Could not resolve", "Unknown host", "No route to host",
    "Connection refused", "timed out",
)  # fmt: skip


@pytest.fixture(scope="session")
def verapdf(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """The command up to level and files. Skipped where there is no Java, or its libraries cannot be had."""
    missing = [name for name in ("java", "javac", "mvn") if shutil.which(name) is None]
    if missing:
        pytest.skip(f"NOT TESTED: PDF/A and PDF/UA by veraPDF (there is no {', '.join(missing)} on this machine)")
    folder = tmp_path_factory.mktemp("verapdf")
    for name in ("pom.xml", "Check.java"):
        shutil.copy(SOURCE / name, folder / name)
    fetch = ["mvn", "-q", "-B", "dependency:copy-dependencies", "-DoutputDirectory=lib"]
    light = {**os.environ, "MAVEN_OPTS": " ".join(SHORT)}
    fetched = subprocess.run(fetch, cwd=folder, env=light, capture_output=True, text=True, timeout=600, check=False)
    if fetched.returncode and any(told in fetched.stdout for told in UNREACHABLE):
        pytest.skip("NOT TESTED: PDF/A and PDF/UA by veraPDF (its libraries cannot be fetched)")
    assert fetched.returncode == 0, fetched.stdout
    compiler = ["javac", *(f"-J{flag}" for flag in SHORT), "-cp", "lib/*", "Check.java"]
    built = subprocess.run(compiler, cwd=folder, capture_output=True, text=True, timeout=120, check=False)
    assert built.returncode == 0, built.stderr
    return ["java", *SHORT, "-cp", f"{folder}/lib/*:{folder}", "Check"]


def broken(verapdf: list[str], level: str, files: list[Path]) -> list[str]:
    run = subprocess.run([*verapdf, level, *map(str, files)], capture_output=True, text=True, timeout=600, check=False)
    lines = [line for line in run.stdout.splitlines() if line.startswith(("ok ", "bad "))]
    assert run.returncode == 0 and len(lines) == len(files), run.stderr
    return [line for line in lines if not line.startswith("ok ")]


def receipt(world: World, contract: trade.ContractView) -> tuple[dict[str, Any], str]:
    """A delivery receipt as `proving` writes it; its own tests draw real data from a connector."""
    terms, digest = contract.terms, "ab" * 32
    told = {"number": "RCP-1", "digest": digest, "billable": 7, "sent": 9, "completed_at": "2026-03-02T02:00:00Z",
            "meter_records": 3, "meter_head": digest}  # fmt: skip
    subject = {
        "delivery": {"number": "DLV-1", "round": 1, "opened_at": "2026-03-02T02:00:00Z", "accepted_at": "2026-03-02T03:00:00Z",
                     "accepted_by": "buyer", "digest_confirmed": True},
        "contract": {"number": contract.number, "digest": contract.document_digest},
        "provider": terms["provider"], "buyer": terms["buyer"], "product": terms["product"],
        "registration": terms["registration"], "data": {"sha256": digest, "file": "航班.parquet", "size": 7},
        "grants": [{"number": "GRT-1", "digest": digest, "connector": "alice-plane"}],
        "metered": {"receipts": 2, "billable": 14, "sent": 18}, "receipts": [told, told],
    }  # fmt: skip
    made = signer.sign_document(
        proving.TYPE, number="RCT-1", subject=subject, now=world.now, status=status.allot(proving.STATUS)
    )
    return made, documents.put(signer.document_bytes(made))


def quarterly(world: World) -> tuple[dict[str, Any], str]:
    """A register's report as `reporting` prepares it; this venue's rules owe none."""
    first, last = world.now.date().replace(day=1), world.now.date()
    subject = {
        "register": "data-property", "report": {"id": "q", "zh": "登记情况季报", "en": "quarterly report"},
        "to": {"zh": "数据主管部门", "en": "the data authority"}, "first_day": first.isoformat(), "last_day": last.isoformat(),
        "figures": figures.computed(Span("data-property", first, last)), "article": "第三十条",
    }  # fmt: skip
    made = signer.sign_document("RegisterReport", number="RPT-1", subject=subject, now=world.now)
    return made, documents.put(signer.document_bytes(made))


def moved(world: World) -> Filing:
    """An entry let go to another venue, and with it the transfer-out."""
    line = world.registered_entry()
    asked = register.AskMove(line.number, "faraway", "faraway.example", "data-property")
    row = register.ask_move(asked, actor=world.alice, now=world.now)
    register.act_on_filing(register.ActOnFiling(row.pk, "release"), actor=world.rita, now=world.now)
    return Filing.objects.get(pk=row.pk)


def handed_out(world: World, filing: Filing, lang: str) -> Iterator[tuple[str, bytes]]:
    """Every kind of PDF, from what was really issued in a trade that ran to its end."""
    now, by = world.now, world.alice
    number = Certificate.objects.order_by("pk").values_list("number", flat=True)[0]
    yield "certificate", registry.certificate_pdf(number, lang, now=now, actor=by)
    contract = trade.contract_by_id(Contract.objects.order_by("pk").values_list("pk", flat=True)[0])
    document = trade.document(contract)
    yield "contract", papers.contract_pdf(document, contract.document_digest, lang, now=now, actor=by)
    yield "draft", papers.contract_pdf(dict(document["credentialSubject"]), "", lang, now=now, actor=by)
    voucher = trade.voucher(Voucher.objects.order_by("pk").values_list("number", flat=True)[0])
    yield "voucher", papers.voucher_pdf(voucher.credential, voucher.digest, lang, now=now, actor=by)
    made, digest = receipt(world, contract)
    yield "delivery", proof_paper.proof_pdf(made, digest, lang, now=now, actor=by)
    yield "statement", settlement.statement_pdf(settlement.statement(f"{now:%Y-%m}", by), lang, now=now)
    row = deposit(DepositEvidence("航班数据", "离港航班", (Item("声明.pdf", "application/pdf", PAPER),), True), actor=by, now=now)
    for name, page, kept in (
        ("evidence-report", deposit_paper.report_document, row.report),
        ("evidence-certificate", deposit_paper.certificate_document, row.certificate),
    ):
        shown = page(queries_deposit.credential(kept), kept)
        yield name, printing.printed(shown, documents.get(kept), lang=lang, now=now, actor=by)
    quality = appraised.quality(world, contract.entry_id)
    yield "quality", appraisal.quality_pdf(quality.number, lang, now=now, actor=by)
    value = valued.valued(world, registry.entry(contract.entry_id))
    yield "valuation", appraisal.valuation_pdf(value.number, lang, now=now, actor=by)
    number = Accreditation.objects.exclude(digest="").order_by("pk").values_list("number", flat=True)[0]
    yield "accreditation", accreditation_paper.certificate_pdf(number, lang, now=now, actor=by)
    assigned = Assignment.objects.filter(reports__credential_digest__gt="").order_by("pk")[0]
    yield "compliance", compliance_paper.certificate_pdf(appraisal.assignment(assigned.number, by), lang, now=now, actor=by)
    made, digest = quarterly(world)
    yield "report", printing.printed(report_paper.document(made, digest), documents.get(digest), lang=lang, now=now, actor=by)
    yield "transfer", move_paper.move_pdf(filing, lang, now=now, actor=by)


@pytest.mark.django_db
def test_every_pdf_the_venue_hands_out_is_archival_and_accessible(verapdf: list[str], world: World, tmp_path: Path) -> None:
    paid.confirmed(world)
    valued.accredit(world)
    filing = moved(world)
    files = []
    for lang in ("zh", "en"):
        for name, content in handed_out(world, filing, lang):
            files.append(tmp_path / f"{name}-{lang}.pdf")
            files[-1].write_bytes(content)
    log.sequence_once(world.now)
    case = Case.objects.filter(procedure="hangzhou.first").order_by("pk")[0]
    package = extract_package(ExtractPackage((case.number,), "own"), actor=world.alice, now=world.now)
    log.sequence_once(world.now)
    packed = read_zip(queries_package.archive(package))
    for name in REPORTS:
        files.append(tmp_path / f"package-{name}")
        files[-1].write_bytes(packed[name])
    assert len(files) == 30
    assert [line for level in ("3a", "ua1") for line in broken(verapdf, level, files)] == []


@pytest.mark.django_db
def test_so_is_every_layout_with_all_it_can_show(verapdf: list[str], world: World, tmp_path: Path) -> None:
    """The invented samples use every part of every layout; with the demonstration's mark and a picture as seal, too."""
    shown = [*SAMPLES, replace(SAMPLES[0], demo=True), replace(SAMPLES[0], landscape=True)]
    if (seal := SAMPLES[0].seal) is not None:
        shown.append(replace(SAMPLES[0], seal=replace(seal, image=picture())))
    files = []
    for n, document in enumerate(shown):
        made = signer.document_bytes(
            signer.sign_document("RegisterReport", number=document.number, subject={}, now=world.now)
        )
        files.append(tmp_path / f"{n}-{document.kind.value}.pdf")
        files[-1].write_bytes(printing.printed(document, made, lang="zh", now=world.now))
    assert [line for level in ("3a", "ua1") for line in broken(verapdf, level, files)] == []


def test_the_validator_finds_what_is_wrong(verapdf: list[str], tmp_path: Path) -> None:
    """A file that is no PDF/A is told so: the answers above mean something."""
    plain = tmp_path / "plain.pdf"
    plain.write_bytes(PAPER)
    run = subprocess.run([*verapdf, "3a", str(plain)], capture_output=True, text=True, timeout=120, check=False)
    assert run.returncode != 0 or run.stdout.startswith("bad ")
