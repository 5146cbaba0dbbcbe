"""The command line as a court's clerk would run it: files in, numbered checks and an exit code out."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from shugu.formats.checks import CheckId
from shugu.formats.proof import TlogProof, parse_proof
from shugu.formats.tests import golden
from shugu.formats.verdicts import EXIT, VERDICTS, Verdict, worst
from shugu.formats.words import table, words
from shugu.verifier.cli import main

KEY = ["--key", str(golden.VECTORS / "venue.vkey"), "--at", golden.AT]
SEALED = str(golden.VECTORS / "voucher.sealed.json")
PARTS = ("voucher.json", "voucher.fact.json", "voucher.tlog-proof", "voucher.sealed.json")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in PARTS:
        shutil.copy(golden.VECTORS / name, tmp_path / name)
    return tmp_path


def told(capsys: pytest.CaptureFixture[str]) -> dict[str, object]:
    value: dict[str, object] = json.loads(capsys.readouterr().out)
    return value


def test_the_siblings_of_a_file_are_found(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(folder / "voucher.json"), *KEY]) == 0
    assert main([str(folder / "voucher.sealed.json"), *KEY]) == 0
    capsys.readouterr()
    (folder / "voucher.tlog-proof").unlink()
    assert main([str(folder / "voucher.json"), *KEY, "--json", "--lang", "en"]) == 3
    found = told(capsys)
    assert found["verdict"] == "signed-not-sealed"
    checks = found["checks"]
    assert isinstance(checks, list)
    assert [c["n"] for c in checks] == list(range(1, 12))


def test_every_check_says_what_it_compares_proves_and_does_not_prove(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([SEALED, *KEY, "--both"]) == 0
    text = capsys.readouterr().out
    for n, check in enumerate(list(CheckId)[:11], 1):
        said = words().checks[check]
        assert f"\n{n:2d} ✓ " in text
        assert all(side in text for pair in (said.against, said.proves, said.limits) for side in pair)
    assert all(side in text for side in (*words().conclusions[Verdict.SEALED], *VERDICTS[Verdict.SEALED]))
    assert "d0d62232" in text and "6f392b59" in text


@pytest.mark.parametrize(("lang", "there", "absent"), [("zh", "结论：", "Conclusion"), ("en", "Conclusion: ", "结论")])
def test_one_language_at_a_time(lang: str, there: str, absent: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([SEALED, *KEY, "--lang", lang]) == 0
    text = capsys.readouterr().out
    assert there in text
    assert absent not in text


def test_no_verdict_shares_the_code_of_wrong_use_and_every_one_has_its_words() -> None:
    assert set(EXIT) == set(VERDICTS) == set(words().conclusions) == set(Verdict)
    assert 2 not in EXIT.values()
    assert {v for v in Verdict if EXIT[v] == 0} == {Verdict.SEALED, Verdict.LOGGED}
    assert (EXIT[Verdict.FAILED], EXIT[Verdict.SIGNED]) == (1, 3)
    assert worst([Verdict.SIGNED, Verdict.FAILED, Verdict.REVOKED]) is Verdict.FAILED
    assert set(words().checks) == set(CheckId)
    assert table()["verdicts"]


def test_a_folder_is_listed_document_by_document_and_the_worst_decides(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "readme.txt").write_text("not ours")
    assert main([str(folder), *KEY, "--lang", "en"]) == 0
    text = capsys.readouterr().out
    assert text.count("→ sealed and valid") == 3  # two documents and the conclusion
    assert "readme.txt" in text and "not a kind" in text
    forged = (folder / "voucher.sealed.json").read_bytes().replace(b"1280000", b"1280001")
    (folder / "inner").mkdir()
    (folder / "inner" / "forged.sealed.json").write_bytes(forged)
    assert main([str(folder), *KEY, "--lang", "en"]) == 1
    text = capsys.readouterr().out
    assert "4 ✗ The credential's Ed25519 signature" in text.split("forged.sealed.json", 2)[2]
    assert text.endswith("→ verification failed\n")
    assert main([str(folder), *KEY, "--json"]) == 1
    found = told(capsys)
    documents = found["documents"]
    assert isinstance(documents, list)
    assert [d["exit_code"] for d in documents] == [1, None, 0, 0]


def test_a_broken_file_does_not_hide_among_those_of_no_known_kind(folder: Path) -> None:
    whole = (folder / "voucher.sealed.json").read_bytes()
    (folder / "voucher.sealed.json").write_bytes(b"[" + whole[1:])
    assert main([str(folder), *KEY]) == 1


def test_processes_give_what_one_gives(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    sealed = golden.read("voucher.sealed.json")
    for n in range(70):
        changed = sealed.replace(b"1280000", b"1280001") if n == 66 else sealed
        (tmp_path / f"{n:03d}.json").write_bytes(changed)
    assert main([str(tmp_path), *KEY, "--json"]) == 1
    one = told(capsys)
    assert main([str(tmp_path), *KEY, "--json", "--jobs", "2"]) == 1
    assert told(capsys) == one


def test_a_proof_goes_with_its_fact_an_entry_or_a_leaf_hash(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "voucher.json").unlink()
    proof = str(folder / "voucher.tlog-proof")
    assert main([proof, *KEY, "--lang", "en"]) == 0
    assert "→ recorded in the log" in capsys.readouterr().out
    assert main([str(folder / "voucher.fact.json"), *KEY]) == 0
    leaf = golden.read_json("leaf.json")
    (folder / "voucher.fact.json").unlink()
    assert main([proof, *KEY]) == 2
    assert main([proof, *KEY, "--leaf", leaf["leaf_hash_sm"]]) == 0
    assert main([proof, *KEY, "--leaf", leaf["leaf_hash_intl"]]) == 1
    assert main([proof, *KEY, "--leaf", "00"]) == 2
    (folder / "voucher.entry").write_bytes(leaf["entry_sm"].encode())
    assert main([proof, *KEY]) == 0
    (folder / "voucher.entry").write_bytes(leaf["entry_sm"].replace('"v":1', '"v":2').encode())
    assert main([proof, *KEY]) == 1


def test_a_proof_of_another_log_or_index_fails(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "voucher.json").unlink()
    found = parse_proof(golden.read("voucher.tlog-proof"))
    moved = TlogProof(found.index + 1, found.hashes, found.checkpoint)
    (folder / "voucher.tlog-proof").write_bytes(moved.encode())
    assert main([str(folder / "voucher.tlog-proof"), *KEY, "--lang", "en"]) == 1
    assert " 8 ✗" in capsys.readouterr().out


def test_a_fact_with_nothing_beside_it_proves_nothing(folder: Path) -> None:
    alone = folder / "alone.fact.json"
    alone.write_bytes(golden.read("voucher.fact.json"))
    assert main([str(alone), *KEY]) == EXIT[Verdict.UNPROVEN] == 8


def test_a_checkpoint_alone(folder: Path) -> None:
    note = golden.read("checkpoint")
    (folder / "checkpoint").write_bytes(note)
    assert main([str(folder / "checkpoint"), *KEY]) == 0
    for at in range(0, len(note), 7):
        (folder / "checkpoint").write_bytes(note[:at] + bytes([note[at] ^ 1]) + note[at + 1 :])
        assert main([str(folder / "checkpoint"), *KEY]) == 1, at


def test_a_document_past_its_term_is_genuine_and_expired(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    case = next(c for c in golden.read_json("rejects.json")["documents"] if c["name"] == "expired")
    (tmp_path / "expired.json").write_text(case["document"], "utf-8")
    (tmp_path / "keys.vkey").write_text(case["vkeys"], "utf-8")
    command = [str(tmp_path / "expired.json"), "--key", str(tmp_path / "keys.vkey"), "--json", "--at"]
    assert main([*command, golden.AT]) == EXIT[Verdict.EXPIRED] == 7
    found = told(capsys)
    checks = found["checks"]
    assert isinstance(checks, list)
    assert checks[5]["standing"] == "expired"
    assert main([*command, "2026-11-20T12:00:00Z"]) == 1  # it had not been signed yet


def test_two_venues_may_be_pinned_at_once(capsys: pytest.CaptureFixture[str]) -> None:
    case = next(c for c in golden.read_json("rejects.json")["documents"] if c["name"] == "issuer-not-pinned")
    assert case["check"] == 3
    again = ["--key", str(golden.VECTORS / "intl.venue.vkey")]  # shares its line with the first file
    assert main([SEALED, *KEY, *again]) == 0


def test_wrong_use_has_its_own_exit_code(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    key = str(golden.VECTORS / "venue.vkey")
    empty = tmp_path / "empty.vkey"
    empty.write_text("# nothing\n")
    assert main([SEALED]) == 2
    assert main([str(tmp_path / "absent.json"), "--key", key]) == 2
    assert main([SEALED, "--key", str(empty)]) == 2
    assert main([SEALED, "--key", SEALED]) == 2
    assert main([SEALED, "--key", key, "--at", "yesterday"]) == 2
    assert main([str(tmp_path), "--key", key]) == 2  # a folder with nothing to verify
    assert capsys.readouterr().err


def test_help_is_in_both_languages_with_every_exit_code(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--help"]) == 0
    text = capsys.readouterr().out
    assert "逐项列出检查" in text and "every check is listed" in text
    assert all(f"\n  {code}  " in text for code in {*EXIT.values(), 2})


_ALONE = """
import importlib.abc, importlib.util, socket, sys

LIGHT = {"rfc8785", "cryptography", "tongsuopy", "cffi", "_cffi_backend", "pycparser", "typing_extensions"}

class Refuse(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        top = name.split(".")[0]
        if top in sys.stdlib_module_names or top in LIGHT or top == "shugu" or top.startswith(("_cffi", "__editable__")):
            return None
        raise ModuleNotFoundError(name, name=name)

# importlib.util.find_spec asks the same finders, so it is told of the absence in its own way
importlib.util.find_spec = lambda name, found=importlib.util.find_spec: None if name == "django" else found(name)

sys.meta_path.insert(0, Refuse())

def refuse(*given, **named):
    raise OSError("no network here")

socket.socket.connect = refuse
from shugu.cli import main
code = main(sys.argv[1:])
ours = [m for m in sys.modules if m.startswith("shugu.") and m.split(".")[1] not in ("cli", "formats", "verifier")]
assert not ours or sys.argv[1] != "verify", ours
assert not [m for m in sys.modules if m.split(".")[0] in ("django", "psycopg", "sqlite3", "typst", "duckdb")]
sys.exit(code)
"""


def alone(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", _ALONE, *arguments]
    return subprocess.run(command, cwd=golden.VECTORS.parent, capture_output=True, text=True, check=False)


def test_the_program_runs_with_the_light_dependencies_alone_and_no_network() -> None:
    done = alone("verify", SEALED, *KEY)
    assert done.returncode == 0, done.stderr
    assert "已封存且有效" in done.stdout


def test_a_command_of_the_venue_says_what_it_needs() -> None:
    done = alone("check")
    assert done.returncode == 2, done.stderr
    assert ".[venue]" in done.stderr
