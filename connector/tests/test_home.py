from __future__ import annotations

import json
from pathlib import Path

import pytest

from connector import home as homes
from connector.__main__ import main
from connector.errors import HomeNotReady
from shugu.formats.suites import Keyring, generate
from shugu.measure import BadDictionary, Dictionary


def _made(folder: Path) -> Path:
    pinned = Keyring((generate("intl", "venue.example").verify_key,))
    homes.create(folder, "http://127.0.0.1:8000", pinned.text(), name="plane", suite="intl")
    return folder


def test_a_connector_pointed_at_a_moved_exchange_posts_its_receipts_there_with_its_old_keys(tmp_path: Path) -> None:
    folder = _made(tmp_path / "plane")
    before = homes.load(folder)
    assert before.receipts_url == "http://127.0.0.1:8000/api/connectors/receipts"
    assert homes.point_at(folder, "http://127.0.0.1:8100/")
    after = homes.load(folder)
    assert (after.exchange_url, after.receipts_url) == (
        "http://127.0.0.1:8100", "http://127.0.0.1:8100/api/connectors/receipts"
    )  # fmt: skip
    assert after.keyring.text() == before.keyring.text() and after.exchange_keys.text() == before.exchange_keys.text()
    assert not homes.point_at(folder, "http://127.0.0.1:8100")


def test_the_command_line_points_a_connector_and_says_whether_anything_changed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = _made(tmp_path / "plane")
    order = ["point", "--home", str(folder), "--exchange-url", "https://venue.example", "--receipts-url", "https://r.example/in"]
    assert [main(order), main(order)] == [0, 0]
    assert [json.loads(line)["changed"] for line in capsys.readouterr().out.splitlines()] == [True, False]
    assert homes.load(folder).receipts_url == "https://r.example/in"


def test_a_folder_that_is_no_connector_is_not_pointed(tmp_path: Path) -> None:
    with pytest.raises(HomeNotReady):
        homes.point_at(tmp_path, "http://127.0.0.1:8100")
    assert list(tmp_path.iterdir()) == []


def test_a_first_dictionary_is_drafted_out_of_a_file_and_never_overwritten(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data, out = tmp_path / "planes.csv", tmp_path / "dict.json"
    data.write_text("tail,year,speed,seen,on\nN1,2001,1.5,2013-01-01,true\nN2,,7,2013-01-02,false\n", encoding="utf-8")
    order = ["draft-dictionary", "--file", str(data), "--out", str(out)]
    assert main(order) == 0 and json.loads(capsys.readouterr().out)["columns"] == 5
    made = Dictionary.from_dict(json.loads(out.read_text("utf-8")))
    assert [(c.name, c.type.value) for c in made.columns] == [
        ("tail", "text"), ("year", "integer"), ("speed", "decimal"), ("seen", "date"), ("on", "boolean")
    ]  # fmt: skip
    assert (made.table, made.keys, made.rules) == ("planes", (), ())
    assert main(order) == 1 and out.read_text("utf-8")
    plane = _made(tmp_path / "plane")
    assert (
        main(["add-product", "--home", str(plane), "--product", "P", "--file", str(data), "--dictionary", str(out)])
        == 0
    )


def test_a_wrong_dictionary_is_told_with_its_remedy_in_the_callers_language(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    plane, bad = _made(tmp_path / "plane"), tmp_path / "bad.json"
    order = ["add-product", "--home", str(plane), "--product", "P", "--file", str(bad), "--dictionary", str(bad)]
    for text in ("{", '{"columns": []}'):
        bad.write_text(text, "utf-8")
        for lang, words in (("zh_CN.UTF-8", "数据字典"), ("en_GB.UTF-8", "data dictionary")):
            monkeypatch.setenv("LANG", lang)
            assert main(order) == 1
            told = capsys.readouterr().err
            assert words in told and BadDictionary(place="", detail="").remedy_text(lang[:2]) in told
