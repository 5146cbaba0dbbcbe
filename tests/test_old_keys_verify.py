"""What was signed and sealed under a key that has retired since verifies on the venue's page, in a package and at the
command line; who has the old key only, or the new one only, needs the history."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import transaction
from django.test import Client

from shugu.evidence import extracting, queries, queries_package, rotation, services, tile_files
from shugu.formats.credential import credential_digest
from shugu.formats.package import HISTORY, SEAL, PackageReport, read_zip, verify_package
from shugu.formats.pins import Pins
from shugu.formats.suites import Keyring, generate
from shugu.formats.verdicts import EXIT, Verdict
from shugu.formats.verify import Verifier, verify_document
from shugu.kernel import documents, key_lines, keystore, own_documents, signer
from shugu.kernel.models import Case
from shugu.registry import queries as registry
from shugu.registry.models import Certificate
from shugu.verifier import cli
from tests.world import World

pytestmark = pytest.mark.django_db

START = datetime(2026, 3, 16, 2, tzinfo=UTC)
LATER = timedelta(days=91)


class Stage:
    """A certificate issued and sealed, its copy of that day and a package of its case; then the key was rotated."""

    def __init__(self, world: World) -> None:
        self.world = world
        key_lines.found(world.now)
        world.registered_entry()
        services.sequence_once(world.now)
        self.digest = credential_digest(dict(registry.certificate(Certificate.objects.get().number, world.now.date()).credential))
        self.copy = queries.sealed(self.digest)
        case = Case.objects.get(procedure="hangzhou.first")
        self.package = extracting.extract_package(
            extracting.ExtractPackage((case.number,), "own"), actor=world.alice, now=world.now
        )
        services.sequence_once(world.now)
        self.zip = queries_package.archive(self.package)
        self.old = signer.keyring()
        rotation.begin_key(rotation.BeginKey("intl"), actor=world.otto, now=world.now)
        world.now += LATER
        rotation.retire_key(self.old.keys[0].key_id, actor=world.otto, now=world.now)
        world.now += timedelta(minutes=1)
        services.sequence_once(world.now)
        self.new = signer.keyring()
        self.history = queries.key_history()

    def report(self, files: dict[str, bytes], keys: Pins | Keyring) -> PackageReport:
        return verify_package(files, keys, self.world.now)


@pytest.fixture(scope="module")
def stage(django_db_setup: None, django_db_blocker: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """Made once: no test changes it."""
    folder, log = tmp_path_factory.mktemp("keys"), tmp_path_factory.mktemp("log")
    with django_db_blocker.unblock(), transaction.atomic(), pytest.MonkeyPatch.context() as patch:
        patch.setattr(keystore, "folder", lambda: folder)
        patch.setattr(tile_files, "root", lambda: log)
        signer.forget()
        yield Stage(World.begin(START))
        transaction.set_rollback(True)
        signer.forget()


@pytest.fixture(autouse=True)
def _own_log(stage: Stage) -> None:
    """The log of the stage, in place of one a test."""


def test_the_venues_page_verifies_a_copy_of_before_and_one_of_today(stage: Stage) -> None:
    fresh = queries.sealed(stage.digest)
    assert fresh != stage.copy
    for content in (stage.copy, fresh):
        assert own_documents.verifier(stage.world.now).document(content).verdict is Verdict.SEALED
        form = {"key": "01890000-0000-7000-8000-000000000001", "file": SimpleUploadedFile("c.json", content, "application/json")}
        page = Client().post("/verify/?lang=en", form).content.decode()
        assert "Sealed and valid" in page and "a key history of 3 lines" in page
    assert verify_document(stage.copy, stage.new, stage.world.now).verdict is Verdict.FAILED
    nobody = Verifier(Pins(stage.old, [stage.history]), stage.world.now)
    assert nobody.document(stage.copy).verdict is Verdict.UNPROVEN and nobody.document(fresh).verdict is Verdict.SEALED


@pytest.mark.parametrize("pinned", ["old", "new"])
def test_a_package_of_today_verifies_by_its_own_history_whichever_key_was_pinned(stage: Stage, pinned: str) -> None:
    files = read_zip(queries_package.archive(stage.package))
    keys: Keyring = getattr(stage, pinned)
    assert files[HISTORY] == stage.history
    assert stage.report(files, keys).sealed and stage.report(files, Pins(keys, [stage.history])).sealed
    rest = {name: content for name, content in files.items() if name != HISTORY}
    assert not stage.report(rest, keys).holds and stage.report(rest, Pins(keys, [stage.history])).sealed
    stranger = Keyring((generate("intl", stage.old.keys[0].name).verify_key,))
    assert not stage.report(files, stranger).holds


def test_a_package_of_before_is_joined_to_the_log_by_whoever_has_it(stage: Stage) -> None:
    files = read_zip(stage.zip)
    assert stage.report(files, stage.old).sealed, "by the keys and the history of its day"
    late = Pins(stage.old, [stage.history])
    assert not stage.report(files, late).holds, "an ended key alone proves nothing"
    assert verify_package(files, late, stage.world.now, own_documents.join).sealed
    unsealed = {name: content for name, content in files.items() if name != SEAL}
    told = {f.n: f.outcome for f in verify_package(unsealed, late, stage.world.now).findings}
    assert told[4].value == "failed", "without the seal nothing vouches for the facts' checkpoints"


def test_a_history_in_a_package_cannot_be_changed_or_replaced(stage: Stage) -> None:
    files = read_zip(queries_package.archive(stage.package))
    founded = read_zip(stage.zip)[HISTORY]
    for place in range(0, len(stage.history), 97):
        changed = bytearray(stage.history)
        changed[place] ^= 1
        assert not stage.report({**files, HISTORY: bytes(changed)}, stage.old).holds, place
    assert not stage.report({**files, HISTORY: founded}, stage.old).holds
    assert stage.report({**files, HISTORY: founded}, Pins(stage.old, [stage.history])).sealed


def test_the_command_line_verifies_it_with_the_history(
    stage: Stage, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "certificate.json").write_bytes(queries.sealed(stage.digest))
    (tmp_path / "venue-keys.json").write_bytes(stage.history)
    at = ["--at", stage.world.now.strftime("%Y-%m-%dT%H:%M:%SZ"), "--lang", "en"]
    for keys in (stage.old, stage.new):
        (tmp_path / "venue.vkey").write_text(keys.text(), "utf-8")
        command = [str(tmp_path / "certificate.json"), "--key", str(tmp_path / "venue.vkey"), *at]
        assert cli.main([*command, "--history", str(tmp_path / "venue-keys.json")]) == EXIT[Verdict.SEALED]
        assert cli.main(command) == EXIT[Verdict.FAILED]
    today, before = tmp_path / "today.zip", tmp_path / "before.zip"
    today.write_bytes(queries_package.archive(stage.package))
    before.write_bytes(stage.zip)
    given = ["--key", str(tmp_path / "venue.vkey"), *at]
    assert cli.main([str(today), *given]) == EXIT[Verdict.SEALED], "by the history it carries"
    assert cli.main([str(today), *given, "--history", str(tmp_path / "venue-keys.json")]) == EXIT[Verdict.SEALED]
    assert cli.main([str(before), *given]) == EXIT[Verdict.FAILED]


def test_a_document_is_kept_as_it_was_signed(stage: Stage) -> None:
    credential = documents.get(stage.digest)
    assert stage.old.keys[0].method.encode() in credential and stage.new.keys[0].method.encode() not in credential
