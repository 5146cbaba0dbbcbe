"""A verifier in another language, written from docs/formats.md and vectors/ alone, says what ours says.

Node (20 or newer) is needed for these tests only; without it they are skipped, and say so.
"""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

HERE = Path(__file__).parent
VECTORS = HERE.parents[1] / "vectors"


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    node = shutil.which("node")
    if node is None:
        pytest.skip("NOT TESTED: a voucher verifier in JavaScript (there is no node on this machine)")
    return subprocess.run([node, str(HERE / "voucher.mjs"), *arguments], capture_output=True, text=True, timeout=60, check=False)


@pytest.mark.parametrize("prefix", ["", "intl.", "witnessed."])
def test_it_accepts_what_we_sealed_and_nothing_with_one_byte_changed(prefix: str, tmp_path: Path) -> None:
    document, keys = VECTORS / f"{prefix}voucher.sealed.json", VECTORS / f"{prefix}venue.vkey"
    at = "2026-11-22T02:05:04Z"
    assert run(str(document), str(keys), at).stdout == "sealed and valid\n"
    content = document.read_bytes()
    place = content.index(b"1280000") if b"1280000" in content else len(content) // 2
    changed = tmp_path / "changed.json"
    changed.write_bytes(content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :])
    answer = run(str(changed), str(keys), at)
    assert answer.returncode == 1 and answer.stdout.startswith("check ")


def test_it_refuses_every_reject_at_the_check_that_the_page_names() -> None:
    answer = run("rejects", str(VECTORS / "rejects.json"))
    assert answer.returncode == 0 and answer.stdout.endswith(" refused\n"), answer.stdout
