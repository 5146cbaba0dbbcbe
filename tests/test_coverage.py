"""The count of carried requirements, on a small made tree and on the real one."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from shugu import cli, coverage

HEAD = "\t".join(coverage.COLUMNS)
ROWS = (
    "P9-001\tsome measures\t第一条\tregistration\tA\tA notice lasts five working days.",
    "P9-002\tsome measures\t第二条\tregistration\tA\tA filing names its source.",
    "P9-003\tsome measures\t第三条\tevidence\tB\tOriginals are kept.",
    "P9-004\tsome measures\t第四条\tsubjects\tA\tAn authority leads the work.",
    "P9-005\tsome measures\t第五条\tsubjects\tC\tNothing carries this one.",
)
RULES = """
[registry]
notice_period = { value = 5, unit = "wd" }  # carries P9-001
objects = { value = [
    { code = "data_resource", zh = "数据资源" },  # carries P9-003
] }
"""
TABLE = """
[matrix]
first = [
    { id = "source_proof", title = "来源" },  # carries P9-002, P9-003
]

[[step]]
from = ["notice", "cleared"]
do = "issue"
by = ["registrar"]  # carries P9-001

[[clock]]
id = "notice_period"
kind = "bar"  # carries P9-001
"""
TEST = '''
def test_a_notice_lasts_five_days() -> None:
    """第一条.

    carries: P9-001 P9-003
    """
'''


def tree(root: Path, **more: str) -> Path:
    files = {
        "shugu/rules/requirements.tsv": "\n".join((HEAD, *ROWS)) + "\n",
        "shugu/rules/not_carried.toml": 'P9-004 = { zh = "机构职责，不是软件", en = "an authority\'s own work" }\n',
        "shugu/rules/town/measures/2024-01-01.toml": RULES,
        "shugu/registry/procedures/town.first.v1.toml": TABLE,
        "shugu/registry/tests/test_town.py": TEST,
        **more,
    }
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")
    return root


def test_it_names_the_carriers_of_a_row_by_file_and_key_step_clock_or_test(tmp_path: Path) -> None:
    found = coverage.coverage(tree(tmp_path))
    assert found.faults == ()
    assert set(found.carriers["P9-001"]) == {
        "shugu/rules/town/measures/2024-01-01.toml registry.notice_period",
        "shugu/registry/procedures/town.first.v1.toml step issue (notice|cleared)",
        "shugu/registry/procedures/town.first.v1.toml clock notice_period",
        "shugu/registry/tests/test_town.py::test_a_notice_lasts_five_days",
    }
    assert found.carriers["P9-002"] == ("shugu/registry/procedures/town.first.v1.toml matrix.first[source_proof]",)
    assert "shugu/rules/town/measures/2024-01-01.toml registry.objects[data_resource]" in found.carriers["P9-003"]


def test_it_counts_what_is_carried_what_software_cannot_carry_and_what_is_missing(tmp_path: Path) -> None:
    counted = coverage.coverage(tree(tmp_path)).as_document()
    assert (counted["rows"], counted["carried"], counted["missing"]) == (5, 3, ["P9-005"])
    assert set(counted["not_carried"]) == {"P9-004"}
    assert counted["by_area"]["subjects"] == {"rows": 2, "carried": 0, "not_carried": 1, "missing": 1, "missing_a": 0}


def test_it_names_an_unknown_id_and_a_word_that_is_none(tmp_path: Path) -> None:
    made = tree(tmp_path, **{"shugu/rules/town/other/2024-01-01.toml": "[a]\nx = { value = 1 }  # carries P9-077 soon\n"})
    faults = coverage.coverage(made).faults
    assert len(faults) == 2
    assert all("shugu/rules/town/other/2024-01-01.toml a.x" in fault for fault in faults)
    assert "P9-077" in faults[0] and "soon" in faults[1]


def test_a_mark_may_name_a_row_of_another_area(tmp_path: Path) -> None:
    more = {
        "shugu/rules/other_requirements.tsv": "id\tarea\nP9-500\ttrading\n",
        "shugu/rules/town/other/2024-01-01.toml": "[a]\nx = { value = 1 }  # carries P9-500\n",
    }
    found = coverage.coverage(tree(tmp_path, **more))
    assert found.faults == ()
    assert found.as_document()["carried"] == 3


def test_a_row_is_not_both_carried_and_beyond_software(tmp_path: Path) -> None:
    both = "[a]\nx = { value = 1 }  # carries P9-004\n"
    found = coverage.coverage(tree(tmp_path, **{"shugu/rules/town/other/2024-01-01.toml": both}))
    assert "P9-004" not in found.carriers
    assert len(found.faults) == 1


@pytest.mark.parametrize("rows", ["id\tother\n", f"{HEAD}\nP9-001\tshort\n", f"{HEAD}\n{ROWS[0]}\n{ROWS[0]}\n"])
def test_it_refuses_rows_of_another_form_or_double(tmp_path: Path, rows: str) -> None:
    made = tree(tmp_path, **{"shugu/rules/requirements.tsv": rows})
    with pytest.raises(coverage.CoverageUnreadable):
        coverage.coverage(made)


def test_the_real_tree_has_no_unknown_id() -> None:
    found = coverage.coverage()
    assert found.faults == ()
    assert len(found.rows) == 495


def test_the_command_line_counts_the_real_tree(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["rules", "coverage", "--json", "--area", "registration"]) == 0
    counted = json.loads(capsys.readouterr().out)
    rows = counted["carried"] + len(counted["missing"]) + len(counted["not_carried"])
    assert counted["rows"] == rows == 335


def test_the_command_line_lists_venues_regimes_and_documents(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["rules", "list"]) == 0
    told = capsys.readouterr().out
    assert "shenzhen/data-property-registration/2023-07-01\tin_force\t2023-07-01..2026-06-30" in told
    assert "data-property=hangzhou" in told


def test_a_value_is_shown_with_its_article_as_a_register_sees_it(capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["rules", "show", "venue:shenzhen", "--register", "data-property", "--on", "2026-03-02", "--json"]
    assert cli.main(arguments) == 0
    values = {v["name"]: v for v in json.loads(capsys.readouterr().out)["values"]}
    kept = values["registry.retention"]
    assert (kept["value"], kept["unit"], kept["force"], kept["article"]) == (30, "year", "must", "第十条")


def test_a_lapsed_document_differs_from_itself_in_force(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["rules", "diff", "regime:shenzhen", "--on", "2026-06-30", "--and", "2026-07-01", "--json"]) == 0
    changes = {c["name"]: c for c in json.loads(capsys.readouterr().out)["changes"]}
    assert changes["registry.retention"]["before"]["force"] == "must"
    assert changes["registry.retention"]["after"]["force"] == "venue"


def test_an_unknown_name_is_an_error_with_its_remedy(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["rules", "show", "nonsense"]) == 1
    assert "shugu rules list" in capsys.readouterr().err
