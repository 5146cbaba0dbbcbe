"""`docs/verify-by-hand.sh`: a sealed document verified with openssl and jq, and none of our code."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from shugu.formats.suites import generate, keyring_of
from shugu.formats.tests import golden

SCRIPT = Path(__file__).parents[3] / "docs" / "verify-by-hand.sh"
TOOLS = ("bash", "jq", "openssl", "xxd", "sha256sum")
absent = [tool for tool in TOOLS if shutil.which(tool) is None]
pytestmark = pytest.mark.skipif(bool(absent), reason=f"not installed: {' '.join(absent)}")


def run(document: Path, keys: Path) -> tuple[int, str]:
    done = subprocess.run(["bash", str(SCRIPT), str(document), str(keys)], capture_output=True, text=True, check=False)
    return done.returncode, done.stdout + done.stderr


@pytest.mark.parametrize(("document", "keys"), [("intl.voucher", "intl.venue"), ("voucher", "venue")])
def test_it_finds_the_document_in_the_signed_log(document: str, keys: str) -> None:
    code, said = run(golden.VECTORS / f"{document}.sealed.json", golden.VECTORS / f"{keys}.vkey")
    assert code == 0, said
    assert [line.split()[1] for line in said.splitlines()] == ["7", "8", "9", "11"]


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        (b"1280000", b"1280001", "does not name this credential"),
        (b"voucher.issued", b"voucher.voided", "does not lead to the checkpoint's root"),
        (b"index 300\\n", b"index 301\\n", "does not lead to the checkpoint's root"),
    ],
)
def test_a_changed_document_is_refused(old: bytes, new: bytes, told: str, tmp_path: Path) -> None:
    whole = golden.read("intl.voucher.sealed.json")
    assert old in whole
    (tmp_path / "x.json").write_bytes(whole.replace(old, new))
    code, said = run(tmp_path / "x.json", golden.VECTORS / "intl.venue.vkey")
    assert code == 1 and told in said


def test_another_key_of_that_name_is_refused(tmp_path: Path) -> None:
    name = golden.read("intl.venue.vkey").decode().partition("+")[0]
    (tmp_path / "k.vkey").write_text(keyring_of([generate("intl", name)]).text())
    code, said = run(golden.VECTORS / "intl.voucher.sealed.json", tmp_path / "k.vkey")
    assert code == 1 and "no key of the key file" in said
