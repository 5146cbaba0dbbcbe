"""Bulk import as a browser, the API and the command line ask for it."""

from __future__ import annotations

import argparse
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from shugu.kernel import clock
from shugu.kernel.errors import Forbidden
from shugu.party import queries as parties
from shugu.party.models import Person
from shugu.registry import import_cli, import_jobs, queries_search
from shugu.registry.import_rows import CSV
from shugu.registry.models import Entry, Filing
from shugu.registry.models_import import Import
from shugu.registry.tests.importing_stages import imported, mandate, row, table
from shugu.registry.tests.test_pages import page, signed_in
from shugu.registry.tests.test_search import entered
from tests.world import World, token

pytestmark = pytest.mark.django_db
KEY = "5b0a7f4e-4b4e-4c53-9d0b-0c3f0a6e9f11"


@pytest.fixture()
def now() -> datetime:
    """Pages read the clock, so their stories are set just before now."""
    return clock.now() - timedelta(minutes=1)


def files(content: bytes, name: str = "batch.csv") -> dict[str, SimpleUploadedFile]:
    paper = mandate()
    return {
        "file": SimpleUploadedFile(name, content, CSV),
        "mandate": SimpleUploadedFile(paper.filename, paper.content, paper.media_type),
    }


def test_a_holder_sends_a_file_leaves_and_finds_it_imported(world: World) -> None:
    alice = signed_in(world.alice)
    assert "data-property/data_product.xlsx" in page(alice, "/imports/")
    answer = alice.post("/imports/", {"register": "data-property", "key": KEY, **files(table([row(1), row(2)]))})
    assert answer.status_code == 302, answer.content.decode()[:2000]
    begun = Import.objects.get()
    assert answer["Location"] == f"/imports/{begun.pk}/"
    shown = page(alice, f"/imports/{begun.pk}/")
    assert "等待处理" in shown and f"/imports/{begun.pk}/progress/" in shown
    assert "progress" in page(alice, f"/imports/{begun.pk}/progress/")
    import_jobs.run_import(begun.pk, world.now)
    over = alice.get(f"/imports/{begun.pk}/progress/")
    assert over["HX-Refresh"] == "true"
    shown = page(alice, f"/imports/{begun.pk}/")
    assert "已导入" in shown and "提交申请" in shown
    assert alice.post(f"/imports/{begun.pk}/move/", {"do": "submit"}).status_code == 302
    assert "继续处理" in page(alice, f"/imports/{begun.pk}/")
    assert alice.post(f"/imports/{begun.pk}/resume/").status_code == 302
    import_jobs.run_move(begun.pk, world.now)
    assert "待受理" in page(alice, f"/imports/{begun.pk}/")
    Person.objects.filter(pk=world.rita.person or 0).update(totp_confirmed_at=world.now)
    assert "受理" in page(signed_in(world.rita), f"/imports/{begun.pk}/")


def test_the_report_is_shown_row_by_row_and_downloaded(world: World) -> None:
    done = imported(table([row(1), row(2, 权利="没有"), row(3, 名称="=1+1", industry="没有")]), world.alice, world.now)
    alice = signed_in(world.alice)
    shown = page(alice, f"/imports/{done.pk}/")
    assert "没有导入任何一行" in shown and "填写其一" in shown
    report = alice.get(f"/imports/{done.pk}/rows.csv").content.decode("utf-8-sig").splitlines()
    assert len(report) == 1 + done.errors + done.warnings and report[1].startswith("3,权利,")
    assert alice.get(f"/imports/{done.pk}/work.csv").status_code == 404


def test_templates_are_downloaded_for_each_register_and_object(world: World) -> None:
    alice = signed_in(world.alice)
    for form in ("csv", "xlsx"):
        answer = alice.get(f"/imports/template/data-property/data_resource.{form}")
        assert answer.status_code == 200 and len(answer.content) > 100
    assert alice.get("/imports/template/data-property/data_resource.exe").status_code == 404
    assert alice.get("/imports/template/nowhere/data_resource.csv").status_code == 404


def test_strangers_see_no_import_of_others_and_visitors_none(world: World) -> None:
    done = imported(table([row(1)]), world.alice, world.now)
    for path in ("", "progress/", "rows.csv"):
        assert signed_in(world.mallory).get(f"/imports/{done.pk}/{path}").status_code == 404
    for path in ("move/", "resume/"):
        assert signed_in(world.mallory).post(f"/imports/{done.pk}/{path}", {"do": "submit"}).status_code == 404
    assert Client().get("/imports/").status_code in (302, 401)


def test_the_api_takes_a_file_and_tells_of_it(world: World) -> None:
    key = token(world.alice, world.now)
    header: dict[str, Any] = {"HTTP_AUTHORIZATION": f"Bearer {key}", "HTTP_IDEMPOTENCY_KEY": "import-key-1"}
    answers = [
        Client().post("/api/imports", {"register_id": "data-property", **files(table([row(1)]))}, **header) for _ in range(2)
    ]
    assert [a.status_code for a in answers] == [200, 200], answers[0].content
    assert answers[0].json()["id"] == answers[1].json()["id"] and Import.objects.count() == 1
    number = answers[0].json()["id"]
    import_jobs.run_import(number, world.now)
    told = Client().get(f"/api/imports/{number}", **header).json()
    assert (told["state"], told["total"], told["errors"]) == ("imported", 1, 0)
    assert told["standing"] == [{"state": {"zh": "填报中", "en": "being prepared"}, "count": 1}]
    header["HTTP_IDEMPOTENCY_KEY"] = "move-key-1"
    answer = Client().post(f"/api/imports/{number}/move", {"do": "submit"}, "application/json", **header)
    assert answer.json()["state"] == "moving"
    header["HTTP_IDEMPOTENCY_KEY"] = "resume-key-1"
    assert Client().post(f"/api/imports/{number}/resume", {}, "application/json", **header).json()["state"] == "moving"
    import_jobs.run_move(number, world.now)
    assert Filing.objects.get().case.state == "submitted", Import.objects.get().work
    assert Client().get(f"/api/imports/{number}").status_code == 401


def number_of(world: World) -> str:
    return parties.organisation(world.alice.org or 0).number


def test_the_command_line_checks_and_imports(world: World, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    batch, paper, report = tmp_path / "batch.csv", tmp_path / "m.pdf", tmp_path / "report.csv"
    batch.write_bytes(table([row(1), row(2, 权利="没有")]))
    paper.write_bytes(mandate().content)
    parser = argparse.ArgumentParser()
    import_cli.add_to(parser.add_subparsers(dest="command"))
    asked = ["registry", "import", str(batch), "--register", "data-property", "--as", "alice", "--mandate", str(paper),
             "--org", number_of(world), "--report", str(report)]  # fmt: skip
    assert import_cli.run(parser.parse_args(asked)) == 1 and not Filing.objects.exists()
    assert "权利" in capsys.readouterr().err and "没有" not in report.read_text("utf-8-sig").splitlines()[0]
    batch.write_bytes(table([row(1)]))
    assert import_cli.run(parser.parse_args([*asked, "--dry-run"])) == 0 and not Filing.objects.exists()
    assert import_cli.run(parser.parse_args(asked)) == 0 and Filing.objects.count() == 1
    with pytest.raises(Forbidden):
        import_cli.run(parser.parse_args(["registry", "import", str(batch), "--register", "data-property", "--as", "rong"]))


def test_the_book_is_searched_and_says_when_it_counts_no_further(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    entered(world, [f"航班数据 {n}" for n in range(60)])
    shown = page(Client(), "/register/?q=航班数据")
    assert "航班数据 59" in shown and "第 1 页，共 2 页" in shown and "计数到此为止" not in shown
    assert "航班数据 0" in page(Client(), "/register/?q=航班数据&page=2")
    monkeypatch.setattr(queries_search, "REACH", 55)
    assert "计数到此为止" in page(Client(), "/register/?q=航班数据")
    lines = b"".join(Client().get("/register/?q=航班数据&format=csv").streaming_content)  # type: ignore[attr-defined]
    assert lines.decode().count("航班数据") == 55 and Entry.objects.count() == 61
