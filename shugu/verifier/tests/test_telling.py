"""What the command line says to whoever gave it something wrong, old or of another venue."""

from __future__ import annotations

import importlib
import json
import shutil
from pathlib import Path

import pytest

from shugu.formats.canonical import canonical
from shugu.formats.credential import CONTEXT, issuer_of, sign_credential
from shugu.formats.suites import generate, keyring_of
from shugu.formats.tests import golden
from shugu.formats.times import read_time
from shugu.formats.words import words
from shugu.verifier.cli import main

KEY = ["--key", str(golden.VECTORS / "venue.vkey"), "--at", golden.AT]
SEALED = str(golden.VECTORS / "voucher.sealed.json")


@pytest.mark.parametrize(
    ("arguments", "zh", "en"),
    [
        ([SEALED + "x", *KEY], "没有这个文件", "there is no such file"),
        ([SEALED, "--key", "nowhere.vkey"], "没有这个文件", "there is no such file"),
        ([SEALED, "--key", str(golden.VECTORS)], "它是目录，不是文件", "it is a folder, not a file"),
        ([SEALED, *KEY, "--history", SEALED], "它不是密钥沿革", "it is no key history"),
        ([SEALED, *KEY, "--leaf", "zz"], "叶哈希应为 64 位", "64 hexadecimal digits"),
        ([SEALED, *KEY[:2], "--at", "yesterday"], "只写日期", "or a day"),
        ([SEALED, *KEY[:2], "--at", "2026-11-22T02:05:04"], "只写日期", "or a day"),
    ],
)
def test_wrong_use_says_what_and_why_in_the_language_asked(
    arguments: list[str], zh: str, en: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments) == 2
    assert zh in capsys.readouterr().err
    assert main([*arguments, "--lang", "en", "--json"]) == 2
    out = capsys.readouterr()
    told = json.loads(out.out)
    assert en in told["sentence"] and en in out.err and zh not in out.err
    assert (told["verdict"], told["exit_code"]) == (None, 2)


def test_a_key_file_that_is_no_text_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "k.vkey").write_bytes(b"%PDF-1.7\x80\xff")
    assert main([SEALED, "--key", str(tmp_path / "k.vkey"), "--lang", "en"]) == 2
    assert "k.vkey cannot be used: it is no text" in capsys.readouterr().err


def test_a_day_is_its_end_in_beijing_and_a_moment_may_have_another_zone(capsys: pytest.CaptureFixture[str]) -> None:
    for asked, at in [("2026-12-01", "2026-12-01T15:59:59Z"), ("2026-12-01T08:00:00+08:00", "2026-12-01T00:00:00Z")]:
        assert main([SEALED, *KEY[:2], "--at", asked, "--json"]) == 0
        assert json.loads(capsys.readouterr().out)["verified_at"] == at


def test_what_was_signed_later_is_told_from_what_is_forged(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([SEALED, *KEY[:2], "--at", "2020-01-01", "--short"]) == 1
    assert words().remarks["later"][0] in capsys.readouterr().out
    assert main([SEALED, *KEY, "--short"]) == 0
    assert words().remarks["later"][0] not in capsys.readouterr().out


def test_a_key_file_of_another_venue_or_another_key_is_told_from_a_forgery(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    own = golden.read("venue.vkey").decode().partition("+")[0]
    for name, remark in [("elsewhere.example/log", "other-venue"), (own, "other-key")]:
        keys = tmp_path / f"{remark}.vkey"
        keys.write_text(keyring_of([generate("intl", name)]).text())
        assert main([SEALED, "--key", str(keys), "--at", golden.AT, "--lang", "en", "--short"]) == 1
        shown = capsys.readouterr().out
        assert words().remarks[remark][1].split("{")[0] in shown and own in shown
    assert "d0d62232" in shown


def test_a_document_of_a_demonstration_says_so_however_briefly(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    key = generate("intl", "show.example/log")
    at = read_time(golden.AT)
    body = {"@context": [CONTEXT], "type": ["VerifiableCredential", "Show"], "issuer": issuer_of(key.name)}
    made = sign_credential({**body, "validFrom": golden.AT, "credentialSubject": {"demo": True}}, [key], at)
    (tmp_path / "show.json").write_bytes(canonical(made))
    (tmp_path / "show.vkey").write_text(keyring_of([key]).text())
    asked = [str(tmp_path), "--key", str(tmp_path / "show.vkey"), "--at", golden.AT]
    assert main([*asked, "--short", "--both"]) == 3
    assert all(side in capsys.readouterr().out for side in words().remarks["demonstration"][:1])
    assert main([*asked, "--json"]) == 3
    assert json.loads(capsys.readouterr().out)["documents"][0]["demonstration"] is True


def test_papers_that_could_not_be_read_are_no_clean_bill(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copy(SEALED, tmp_path / "a.sealed.json")
    (tmp_path / "b.pdf").write_bytes(b"%PDF-1.7")

    def absent(name: str) -> None:
        raise ImportError(name)

    monkeypatch.setattr(importlib, "import_module", absent)
    assert main([str(tmp_path), *KEY, "--lang", "en"]) == 2
    shown = capsys.readouterr().out
    assert "1 could not be verified" in shown and "pip install '.[pdf]'" in shown
    assert main([str(tmp_path), *KEY, "--json"]) == 2
    told = json.loads(capsys.readouterr().out)
    assert (told["verdict"], told["exit_code"]) == ("sealed", 2)
    (tmp_path / "a.sealed.json").write_bytes(golden.read("voucher.sealed.json").replace(b"1280000", b"1280001"))
    assert main([str(tmp_path), *KEY]) == 1


def test_sound_json_of_another_kind_decides_nothing_and_damaged_json_does(tmp_path: Path) -> None:
    shutil.copy(SEALED, tmp_path / "a.sealed.json")
    (tmp_path / "settings.json").write_text('{"tab": 2, "ratio": 0.5}')
    (tmp_path / "list.json").write_text("[]")
    assert main([str(tmp_path), *KEY]) == 0
    (tmp_path / "cut.json").write_bytes(b'{"cred')
    assert main([str(tmp_path), *KEY]) == 1


def test_an_empty_file_is_called_empty(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "a.json").touch()
    assert main([str(tmp_path / "a.json"), *KEY, "--lang", "en", "--short"]) == 1
    assert "the file is empty" in capsys.readouterr().out


def test_a_folder_with_one_document_lists_it_too(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    shutil.copy(SEALED, tmp_path / "a.sealed.json")
    assert main([str(tmp_path), *KEY, "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["verdict"] == "sealed" and [d["verdict"] for d in told["documents"]] == ["sealed"]
    assert main([SEALED, *KEY, "--json"]) == 0
    assert "documents" not in json.loads(capsys.readouterr().out)


def test_an_unsealed_document_of_an_ended_key_is_told_why(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    case = next(c for c in golden.read_json("demands.json")["cases"] if c["name"] == "not-sealed-by-an-ended-key")
    (tmp_path / "a.json").write_text(case["document"], "utf-8")
    (tmp_path / "k.vkey").write_text(case["vkeys"], "utf-8")
    (tmp_path / "h").write_text(case["histories"][0], "utf-8")
    asked = [str(tmp_path / "a.json"), "--key", str(tmp_path / "k.vkey"), "--at", case["at"], "--history", str(tmp_path / "h")]
    assert main([*asked, "--short", "--lang", "en"]) == 1
    assert "by the key history given it has ended" in capsys.readouterr().out
