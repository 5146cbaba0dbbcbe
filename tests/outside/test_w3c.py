"""Digital Bazaar's libraries for W3C Data Integrity (eddsa-jcs-2022) and Bitstring Status List against ours, both ways.

Node and npm's registry are needed for these tests only; without them they are skipped, and say so.
"""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from shugu.formats.base58 import multibase
from shugu.formats.checks import Outcome
from shugu.formats.credential import CONTEXT, verify_credential
from shugu.formats.status import ENTRIES, bit, decode, read_entries
from shugu.formats.suites import INTL, Keyring, SigningKey, VerifyKey, keyring
from shugu.formats.tests import golden
from shugu.kernel import documents, signer, status, status_lists
from shugu.kernel.models_status import StatusVersion
from shugu.trade import standing
from tests.world import World

SOURCE = Path(__file__).parent / "js"
STATUS = golden.read_json("status.json")
UNREACHABLE = ("ENOTFOUND", "E404", "ETIMEDOUT", "ECONNREFUSED", "ECONNRESET", "EAI_AGAIN", "network")


@pytest.fixture(scope="session")
def theirs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the program and its libraries. Skipped where there is no Node, or they cannot be had."""
    missing = [name for name in ("node", "npm") if shutil.which(name) is None]
    if missing:
        pytest.skip(f"NOT TESTED: W3C libraries from outside (there is no {', '.join(missing)} on this machine)")
    folder = tmp_path_factory.mktemp("w3c")
    for name in ("package.json", "check.mjs"):
        shutil.copy(SOURCE / name, folder / name)
    install = ["npm", "install", "--no-package-lock", "--ignore-scripts", "--no-audit", "--no-fund", "--silent"]
    run = subprocess.run(install, cwd=folder, capture_output=True, text=True, timeout=300, check=False)
    if run.returncode and any(told in run.stderr + run.stdout for told in UNREACHABLE):
        pytest.skip("NOT TESTED: W3C libraries from outside (they cannot be fetched)")
    assert run.returncode == 0, run.stderr
    return folder


def asked(folder: Path, **given: Any) -> dict[str, Any]:
    question = json.dumps({"keys": [], "credentials": [], "lists": [], **given}, ensure_ascii=False)
    run = subprocess.run(
        ["node", "check.mjs"], cwd=folder, input=question, capture_output=True, text=True, timeout=120, check=False
    )
    assert run.returncode == 0, run.stderr
    told: dict[str, Any] = json.loads(run.stdout)
    return told


def multikey(key: VerifyKey) -> dict[str, str]:
    """As their libraries want a key: a Multikey document under the URL that proofs name."""
    return {
        "@context": "https://w3id.org/security/multikey/v1", "id": key.method, "type": "Multikey",
        "controller": key.method.partition("#")[0], "publicKeyMultibase": multibase(b"\xed\x01" + key.public),
    }  # fmt: skip


def keys(ring: Keyring) -> list[dict[str, str]]:
    return [multikey(key) for key in ring.keys if key.suite.name == "intl"]


def test_they_verify_the_golden_credential_and_refuse_a_changed_one(theirs: Path) -> None:
    """Under suite sm, too: the SM2 proof stands beside, and the Ed25519 one holds by itself."""
    ring = keyring(golden.read("venue.vkey").decode())
    credential = golden.read_json("voucher.json")
    changed = json.loads(json.dumps(credential))
    changed["credentialSubject"]["number"] = "VCH-0"
    listed = [json.loads(text)["credential"] for versions in STATUS["lists"].values() for text in versions]
    told = asked(theirs, keys=keys(ring), credentials=[credential, changed, *listed])
    assert told["faults"][0] == "" and told["faults"][1] != "" and set(told["faults"][2:]) == {""}


def test_they_read_in_our_status_lists_what_we_read(theirs: Path) -> None:
    lists: dict[str, Any] = {}
    for versions in STATUS["lists"].values():
        found = json.loads(versions[1])["credential"]
        lists[found["id"]] = found["credentialSubject"]["encodedList"]
    entries = [e for each in STATUS["credentials"] for e in read_entries(each["credential"]["credentialStatus"])]
    told = asked(theirs, lists=[{"encoded": lists[e.list], "indexes": [e.index]} for e in entries])["bits"]
    ours = [{"length": 8 * len(decode(lists[e.list])), "set": [bit(decode(lists[e.list]), e.index)]} for e in entries]
    assert told == ours and len(told) > 20 and {one["set"][0] for one in told} == {True, False}


@pytest.mark.django_db
def test_they_verify_what_a_venue_issues_and_publishes(theirs: Path, world: World) -> None:
    """A voucher that was withdrawn: its proof holds, and bit of its place in the published list is set, its neighbour's not."""
    seat = status.allot(standing.VOUCHER)
    credential = signer.sign_document("DataTransactionVoucher", number="VCH-1", subject={}, now=world.now, status=seat)
    status.mark({seat.number: standing.VOUCHER})
    status_lists.publish_due(world.now)
    (entry,) = (one for one in read_entries(credential["credentialStatus"]) if one.purpose == "revocation")
    newest = StatusVersion.objects.filter(list="0-revocation").order_by("-version")[0]
    listed = json.loads(documents.get(newest.digest))
    assert listed["id"] == entry.list
    one = {"encoded": listed["credentialSubject"]["encodedList"], "indexes": [entry.index, (entry.index + 1) % ENTRIES]}
    told = asked(theirs, keys=keys(signer.keyring()), credentials=[credential, listed], lists=[one])
    assert told["faults"] == ["", ""] and told["bits"] == [{"length": ENTRIES, "set": [True, False]}]


def test_we_verify_what_they_sign(theirs: Path) -> None:
    seed = bytes(range(32))
    key = SigningKey("outside.example", INTL, seed).verify_key
    document = {
        "@context": [CONTEXT], "id": "urn:outside:1", "type": ["VerifiableCredential", "Something"],
        "issuer": "https://outside.example", "validFrom": "2026-11-22T02:05:04Z",
        "credentialSubject": {"number": "1", "名": "数谷"},
    }  # fmt: skip
    proof = asked(theirs, sign={"document": document, "seed": list(seed), "id": key.method})["signed"]
    checks = verify_credential({**document, "proof": [proof]}, Keyring((key,)))
    assert [c.id for c in checks if c.outcome is Outcome.FAILED] == [], [c.detail for c in checks]
    broken = verify_credential({**document, "id": "urn:outside:2", "proof": [proof]}, Keyring((key,)))
    assert any(c.outcome is Outcome.FAILED for c in broken)
