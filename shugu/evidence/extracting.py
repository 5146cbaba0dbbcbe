"""Extraction of evidence: a package over whole cases, on a legal ground, itself an act that is logged (T/TJIFA003 annex 4, 3)."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from shugu.evidence import package_files, package_paper
from shugu.evidence.errors import EvidenceBroken, GroundNeeded
from shugu.evidence.grounds import Ground, grounds, may_use
from shugu.evidence.models import Package
from shugu.evidence.package_files import Contents, manifest
from shugu.formats.canonical import canonical
from shugu.formats.checks import Outcome
from shugu.formats.package import MANIFEST, TYPE, Finding, verify_package, write_zip
from shugu.formats.package_report import REPORTS
from shugu.formats.package_report import TYPE as REPORT_TYPE
from shugu.kernel import documents, journal, own_documents, signer, store
from shugu.kernel.cases import Actor
from shugu.kernel.commands import command
from shugu.kernel.errors import Forbidden, InputInvalid, NotFound
from shugu.kernel.models import Case
from shugu.kernel.queries import name_fact
from shugu.kernel.workdays import local_day
from shugu.web.printing import printed_values

name_fact("evidence.package_extracted", "提取证据包", "evidence package extracted")

CASES_MOST = 50
_LONGEST = 200


@dataclass(frozen=True)
class LegalDocument:
    """What entitles to the extraction: its number, the organ that issued it, a copy."""

    number: str
    organ: str
    filename: str
    media_type: str
    content: bytes


@dataclass(frozen=True)
class ExtractPackage:
    """`cases` by number, at most 50; `ground` a code of `evidence.extraction_grounds`."""

    cases: tuple[str, ...]
    ground: str
    document: LegalDocument | None = None


@dataclass(frozen=True)
class _Asked:
    rows: Sequence[Case]
    ground: Ground
    document: Mapping[str, str] = field(default_factory=dict)
    copy: str = ""


@command("evidence.extract_package", ("提取证据包", "extract an evidence package"))
def extract_package(cmd: ExtractPackage, *, actor: Actor, now: datetime) -> Package:
    """Facts with proofs, originals, tables, identities, report and verifier, as one archive with a signed manifest.
    Errors: Forbidden, NotFound (a case nobody may know of), GroundNeeded, InputInvalid, NotSealedYet, EvidenceBroken."""
    if actor.person is None:
        raise Forbidden()
    asked = _asked(cmd, actor)
    number = store.next_number("package", local_day(now).year)
    found = package_files.gather(number, asked.rows, names=asked.ground.names)
    numbers = [row.number for row in asked.rows]
    about = {"cases": numbers, "document": asked.document}
    findings = _checked(number, found, now)
    paper = package_paper.report(number, found, findings, asked.ground, about, now)
    values = package_paper.values(found, findings, asked.ground, numbers)
    for name, lang, zh, en in zip(REPORTS, ("zh", "en"), ("证据报告", "证据报告（英文）"), package_paper.NAMED, strict=True):
        found.add(name, printed_values(paper, REPORT_TYPE, values, lang=lang, now=now), zh, en)
    _checked(number, found, now)
    listed = manifest(number, found)
    body = write_zip({**found.files, MANIFEST: canonical(listed)})
    credential = signer.document_bytes(
        signer.sign_document(TYPE, number=number, subject=_subject(asked, found, numbers, listed, actor), now=now)
    )
    row = Package(
        number=number, ground=asked.ground.code, document=dict(asked.document), cases=numbers, facts=len(found.facts),
        body=documents.put(body), credential=documents.put(credential), person=actor.person, org=actor.org, extracted_at=now,
        fact=0,
    )  # fmt: skip
    row.fact = journal.record(
        "evidence.package_extracted", subject=f"evidence.package:{number}", actor=actor, now=now, ground=asked.ground.code,
        data={"package": number, "cases": numbers, "facts": len(found.facts), "document": dict(asked.document)},
        digests={"package": row.credential, "body": row.body, **({"document": asked.copy} if asked.copy else {})},
    )  # fmt: skip
    row.save(force_insert=True)
    return row


def _asked(cmd: ExtractPackage, actor: Actor) -> _Asked:
    numbers = tuple(dict.fromkeys(cmd.cases))
    errors: dict[str, tuple[str, str]] = {}
    if not 1 <= len(numbers) <= CASES_MOST:
        errors["cases"] = (f"写明 1 至 {CASES_MOST} 个办件编号", f"name 1 to {CASES_MOST} cases")
    ground = next((g for g in grounds() if g.code == cmd.ground), None)
    if ground is None:
        errors["ground"] = ("没有这一依据", "there is no such ground")
    if errors or ground is None:
        raise InputInvalid(fields="、".join(sorted(errors)), field_errors=errors)
    rows = list(Case.objects.filter(number__in=numbers).order_by("id"))
    for number in numbers:
        row = next((r for r in rows if r.number == number), None)
        if row is None or not any(may_use(g, row, actor) for g in grounds()):
            raise NotFound(what=(f"办件 {number}", f"case {number}"))
        if not may_use(ground, row, actor):
            raise GroundNeeded(ground=(ground.title.zh, ground.title.en), case=number)
    if not ground.document:
        return _Asked(rows, ground)
    document, copy = _document(cmd.document)
    return _Asked(rows, ground, document, copy)


def _document(given: LegalDocument | None) -> tuple[dict[str, str], str]:
    errors: dict[str, tuple[str, str]] = {}
    needed = (f"必填，不超过 {_LONGEST} 字", f"required, at most {_LONGEST} characters")
    for name in ("number", "organ"):
        told = str(getattr(given, name, "")).strip()
        if not told or len(told) > _LONGEST:
            errors[f"document_{name}"] = needed
    if given is None or not given.content:
        errors["document_copy"] = ("须附法律文件副本", "attach a copy of the document")
    if errors or given is None:
        raise InputInvalid(fields="、".join(sorted(errors)), field_errors=errors)
    documents.check_upload(given.filename, given.media_type, given.content)
    return {"number": given.number.strip(), "organ": given.organ.strip()}, documents.put(given.content)


def _checked(number: str, found: Contents, now: datetime) -> tuple[Finding, ...]:
    """The package checked as whoever gets it will check it. Errors: EvidenceBroken."""
    files = {**found.files, MANIFEST: canonical(manifest(number, found))}
    report = verify_package(files, own_documents.pins(), now, own_documents.join)
    broken = next((f for f in report.findings if f.outcome is Outcome.FAILED), None)
    if broken is not None:
        raise EvidenceBroken(check=broken.title, why=broken.detail)
    return report.findings


def _subject(
    asked: _Asked, found: Contents, numbers: Sequence[str], listed: Mapping[str, Any], actor: Actor
) -> dict[str, Any]:
    ground, conclusion = asked.ground, package_paper.CONCLUSION
    return {
        "ground": {"code": ground.code, "zh": ground.title.zh, "en": ground.title.en},
        **({"document": dict(asked.document)} if asked.document else {}),
        "cases": list(numbers), "facts": len(found.facts), "originals": sum(n.startswith("documents/") for n in found.files),
        "manifest": hashlib.sha256(canonical(dict(listed))).hexdigest(),
        "extracted_by": {"seat": sorted(asked.ground.seats & actor.seats)} if actor.seats else {"party": True},
        "conclusion": {"zh": conclusion.zh, "en": conclusion.en},
    }  # fmt: skip
