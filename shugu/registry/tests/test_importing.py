"""Bulk import: every row is checked as a single application is; all rows are opened, or none."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from django.db import connections
from procrastinate.contrib.django.models import ProcrastinateJob

from shugu.kernel import documents, sweeping
from shugu.kernel.cases import Actor
from shugu.kernel.errors import Forbidden, InputInvalid, NotFound
from shugu.kernel.models import Case, Fact, Material
from shugu.party import queries as parties
from shugu.registry import applications, import_jobs, import_rows, importing, queries, services
from shugu.registry.filings import ActOnFiling, act_on_filing
from shugu.registry.import_rows import CSV, XLSX
from shugu.registry.importing import ImportBusy, MoveImport, NotStopped, ResumeImport
from shugu.registry.models import Certificate, Entry, Filing
from shugu.registry.models_import import Import, ImportLine
from shugu.registry.tests import stages
from shugu.registry.tests.importing_stages import begun, imported, mandate, row, table, workbook
from tests.world import World

pytestmark = pytest.mark.django_db


def number_of(org: int | None) -> str:
    return parties.organisation(org or 0).number


def told(done: Import) -> list[tuple[int, str, str]]:
    return [(p["line"], p["column"][0], p["kind"]) for p in done.problems]


def test_a_holders_file_becomes_applications_as_if_each_had_been_filled_in(world: World) -> None:
    single = services.submit_filing(stages.application(world.alice, title="城市客流数据"), actor=world.alice, now=world.now)
    done = imported(table([row(n) for n in range(3)]), world.alice, world.now)
    assert (done.state, done.total, done.errors, done.warnings) == ("imported", 3, 0, 0)
    made = list(Filing.objects.exclude(pk=single.pk).order_by("pk"))
    assert [f.title for f in made] == [f"城市客流数据 {n:05d}" for n in range(3)]
    for name in ("register", "operation", "applicant_id", "object_kind", "rights", "holders", "form", "filed_at"):
        assert all(getattr(f, name) == getattr(single, name) for f in made)
    mine, theirs = Case.objects.get(pk=single.pk), Case.objects.get(pk=made[0].pk)
    assert (mine.state, mine.data, mine.subjects, mine.rule_set) == (theirs.state, theirs.data, theirs.subjects, theirs.rule_set)
    assert list(ImportLine.objects.order_by("line").values_list("line", "filing_id")) == [
        (n + 2, f.pk) for n, f in enumerate(made)
    ]


def test_its_papers_are_the_rows_own_document_and_the_mandate(world: World) -> None:
    imported(table([row(1)]), world.alice, world.now)
    case = Filing.objects.get().pk
    filed = dict(Material.objects.filter(case_id=case).values_list("material", "media_type"))
    assert filed["application_form"] == filed["product_table"] == "application/json"
    assert filed["source_proof"] == filed["identity"] == filed["declaration"] == "application/pdf"
    paper = Material.objects.get(case_id=case, material="source_proof")
    assert documents.get(paper.digest) == mandate().content
    assert Fact.objects.filter(case_id=case, name="material.filed").count() == len(filed)


def test_nothing_is_imported_when_one_row_is_wrong_and_every_defect_is_told(world: World) -> None:
    rows = [row(1), row(2, 权利="没有的权利"), row(3, industry="没有的行业", region=""), row(4, 登记对象="飞船"), row(5, 名称="")]
    done = imported(table(rows), world.alice, world.now)
    assert done.state == "refused" and not Filing.objects.exists() and not ImportLine.objects.exists()
    found = told(done)
    assert (3, "权利", "error") in found and (5, "登记对象", "error") in found and (6, "名称", "error") in found
    assert {(4, "所属行业或领域", "error"), (4, "覆盖地区", "error")} <= set(found)
    report = documents.get(done.report).decode("utf-8-sig").splitlines()
    assert report[0] == "行,列,问题,原因,办法,性质" and len(report) == 1 + done.errors
    industry = next(p for p in done.problems if p["column"][0] == "所属行业或领域")
    assert "没有的行业" in industry["why"][0] and "填写其一" in industry["remedy"][0]


@pytest.mark.parametrize("column", ["持有人", "来源登记"])
def test_cells_that_name_nobody_are_defects_of_their_row(world: World, column: str) -> None:
    wrong = {"持有人": "ORG-NOBODY 3", "来源登记": "ENT-NOWHERE|清洗|100"}[column]
    done = imported(table([row(1), row(2, **{column: wrong})]), world.alice, world.now)
    assert done.state == "refused" and told(done) == [(3, column, "error")]


def test_an_excel_file_is_read_like_a_csv_file(world: World) -> None:
    done = imported(workbook([row(1), row(2)]), world.alice, world.now, "batch.xlsx")
    assert done.state == "imported" and Filing.objects.count() == 2


def test_columns_may_be_named_by_ids_and_values_by_words(world: World) -> None:
    words = {"title": "甲", "object_kind": "data_product", "rights": "持有权", "内容说明": "说明", "所属行业或领域": "transport",
             "region": "浙江", "source": "自有"}  # fmt: skip
    known = {t.zh: c for c, t in applications.right_codes("data-property").items()}
    words["rights"] = next(iter(known))
    done = imported(table([words], tuple(words)), world.alice, world.now)
    assert done.state == "imported", done.problems
    assert Filing.objects.get().rights == [next(iter(known.values()))]


def test_unknown_columns_and_missing_ones_refuse_the_whole_file(world: World) -> None:
    for head in (("名称", "登记对象", "权利", "颜色"), ("名称", "登记对象")):
        done = imported(table([row(1)], head), world.alice, world.now)
        assert done.state == "refused" and done.problems[0]["column"][0] == "整个文件"


@pytest.mark.parametrize(
    ("name", "content"), [("a.xlsx", b"PK\x03\x04 not a workbook"), ("a.csv", b"\xff\xfe\x00\x01"), ("b.csv", b"title\n")]
)
def test_a_file_that_is_no_table_is_refused_with_the_reason(world: World, name: str, content: bytes) -> None:
    done = imported(content, world.alice, world.now, name)
    assert done.state == "refused" and done.errors == 1


def test_twins_within_the_file_and_in_the_book_are_warned_of_with_the_match(world: World) -> None:
    entry = world.registered_entry(title="城市客流 数据-00001")
    done = imported(table([row(1), row(2), row(2)]), world.alice, world.now)
    assert done.state == "imported" and done.errors == 0
    assert [(p["line"], p["what"][0]) for p in done.problems] == [
        (2, f"登记簿已有 {entry.number} “城市客流 数据-00001”"), (4, "与第 3 行相同"),
    ]  # fmt: skip


def test_a_dry_run_checks_and_opens_nothing(world: World) -> None:
    done = imported(table([row(1)]), world.alice, world.now, dry_run=True)
    assert done.state == "checked" and not Filing.objects.exists()


def test_the_same_file_is_imported_once_with_the_same_key_and_without(world: World) -> None:
    content = table([row(1)])
    first = imported(content, world.alice, world.now)
    cmd = importing.BeginImport("data-property", "batch.csv", content, mandate())
    keyed = importing.begin_import(cmd, actor=world.alice, now=world.now, key="the-same-key")
    again = importing.begin_import(cmd, actor=world.alice, now=world.now, key="the-same-key")
    assert first.pk == keyed.pk == again.pk
    import_jobs.run_import(first.pk, world.now)
    assert Filing.objects.count() == 1


def test_a_registrar_imports_for_holders_only_with_their_mandate(world: World) -> None:
    both = f"{number_of(world.bob.org)} 60；{number_of(world.carol.org)} 40"
    content = table([row(1, f"{number_of(world.alice.org)} 1"), row(2, both)])
    with pytest.raises(InputInvalid):
        begun(content, world.rita, world.now, mandate=None)
    done = imported(content, world.rita, world.now)
    assert done.state == "imported", done.problems
    first, second = Filing.objects.order_by("pk")
    assert (first.applicant_id, second.applicant_id) == (world.alice.org, world.bob.org)
    assert second.holders == [{"org": world.bob.org, "parts": 60}, {"org": world.carol.org, "parts": 40}]
    opened = Fact.objects.get(case_id=first.pk, name="filing.drafted")
    assert opened.person == world.rita.person and opened.org == world.alice.org
    assert f"registry.mandate:{done.mandate['digest']}" in (opened.payload or "")


def test_a_reviewer_or_stranger_imports_nothing_and_sees_nobodys(world: World) -> None:
    with pytest.raises(Forbidden):
        begun(table([row(1)]), world.rong, world.now)
    done = imported(table([row(1)]), world.alice, world.now)
    with pytest.raises(NotFound):
        importing.visible(done.pk, world.mallory)
    assert importing.visible(done.pk, world.alice) == importing.visible(done.pk, world.rita) == done


def test_a_whole_batch_walks_the_ordinary_table_to_its_certificates(world: World) -> None:
    done = imported(table([row(n) for n in range(25)]), world.alice, world.now)
    for do, actor in (("submit", world.alice), ("accept", world.rita), ("pass", world.rong)):
        assert moved(done, do, actor, world.now) == (25, 0)
    later = world.now + timedelta(days=14)
    sweeping.sweep(later)
    assert moved(done, "issue", world.rita, later) == (25, 0)
    assert Entry.objects.count() == Certificate.objects.count() == 25
    shown = queries.certificate(Certificate.objects.order_by("pk")[0].number, later.date())
    assert "valid" in shown.facets and shown.credential["credentialSubject"]["title"] == "城市客流数据 00000"


def moved(done: Import, do: str, actor: Actor, now: datetime) -> tuple[int, int]:
    importing.move_import(MoveImport(done.pk, do), actor=actor, now=now)
    row = import_jobs.run_move(done.pk, now)
    return row.work["moved"], row.work["refused"]


def test_guards_and_duties_hold_for_every_case_of_a_batch(world: World) -> None:
    done = imported(table([row(1), row(2)]), world.alice, world.now, mandate=None)
    assert moved(done, "submit", world.alice, world.now) == (0, 2)
    shown = Import.objects.get(pk=done.pk).work["problems"]
    assert [p["line"] for p in shown] == [2, 3] and all("材料" in p["what"][0] for p in shown)
    assert moved(done, "submit", world.rita, world.now) == (0, 2)


def test_while_one_step_is_under_way_no_other_is_begun(world: World) -> None:
    done = imported(table([row(1)]), world.alice, world.now)
    importing.move_import(MoveImport(done.pk, "submit"), actor=world.alice, now=world.now)
    with pytest.raises(ImportBusy):
        importing.move_import(MoveImport(done.pk, "submit"), actor=world.alice, now=world.now)


def test_a_batch_whose_worker_died_goes_on_where_it_stopped(world: World) -> None:
    done = imported(table([row(1), row(2)]), world.alice, world.now)
    with pytest.raises(NotStopped):
        importing.resume_import(ResumeImport(done.pk), actor=world.alice, now=world.now)
    importing.move_import(MoveImport(done.pk, "submit"), actor=world.alice, now=world.now)
    ProcrastinateJob.objects.all()._raw_delete("default")  # the job is gone for good: it failed or was lost
    first = ImportLine.objects.order_by("line")[0].filing_id
    act_on_filing(ActOnFiling(first, "submit"), actor=world.alice, now=world.now)
    assert importing.stopped(Import.objects.get(pk=done.pk))
    with pytest.raises(NotFound):
        importing.resume_import(ResumeImport(done.pk), actor=world.mallory, now=world.now)
    importing.resume_import(ResumeImport(done.pk), actor=world.alice, now=world.now)
    queued = ProcrastinateJob.objects.get()
    assert (queued.task_name, queued.args) == ("registry.move_import", {"number": done.pk})
    row_ = import_jobs.run_move(done.pk, world.now)
    assert (row_.state, row_.work["moved"]) == ("imported", 1)
    assert set(Case.objects.filter(procedure="hangzhou.first").values_list("state", flat=True)) == {"submitted"}
    assert Fact.objects.filter(name="import.resumed").count() == 1


def test_while_a_worker_is_at_it_nobody_takes_it_up_again(world: World) -> None:
    done = imported(table([row(1)]), world.alice, world.now)
    importing.move_import(MoveImport(done.pk, "submit"), actor=world.alice, now=world.now)
    worker = connections["default"].copy()
    try:
        with worker.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_lock(%s, %s)", [import_jobs._LOCK, done.pk])
        assert not importing.stopped(Import.objects.get(pk=done.pk))
        with pytest.raises(ImportBusy):
            importing.resume_import(ResumeImport(done.pk), actor=world.alice, now=world.now)
    finally:
        worker.close()
    assert importing.stopped(Import.objects.get(pk=done.pk))


@pytest.mark.parametrize("media_type", [CSV, XLSX])
def test_a_template_holds_every_question_of_the_register_and_reads_back(world: World, media_type: str) -> None:
    content = import_rows.template("data-property", "data_product", "first", media_type)
    with pytest.raises(import_rows.UnreadableFile) as refusal:
        import_rows.read(content, media_type, "data-property", "first", max_rows=10)
    assert "没有数据行" in refusal.value.message("zh")
