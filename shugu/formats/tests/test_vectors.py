from __future__ import annotations

import ast
import os
from pathlib import Path

import pytest

from shugu.formats import identifiers, leaf, merkle, policy, tiles, token
from shugu.formats.canonical import canonical, parse, sha256, sm3
from shugu.formats.errors import BadTile, BadUscc, NotCanonical, VerificationError
from shugu.formats.leaf import parse_fact
from shugu.formats.suites import keyring, parse_vkey
from shugu.formats.tests import golden, independent_verifier
from shugu.formats.times import read_time
from shugu.formats.verify import verify_document

REJECTS = golden.read_json("rejects.json")["documents"]


def test_the_golden_files_still_hold() -> None:
    made = golden.maker().build()
    if os.environ.get("UPDATE_GOLDEN") == "1":
        golden.maker().write()
    for name, data in made.items():
        assert golden.read(name) == data, f"{name} changed; UPDATE_GOLDEN=1 rewrites it"


@pytest.mark.parametrize("case", golden.read_json("canonical.json")["accepted"], ids=lambda c: c["sha256"][:8])
def test_a_value_has_its_one_canonical_form(case: dict[str, str]) -> None:
    data = bytes.fromhex(case["canonical_hex"])
    assert canonical(case["value"]) == data
    assert parse(data) == case["value"]
    assert independent_verifier.canonical(case["value"]) == data


@pytest.mark.parametrize("name", golden.read_json("canonical.json")["refused"])
def test_another_spelling_is_refused(name: str) -> None:
    with pytest.raises(NotCanonical):
        parse(bytes.fromhex(golden.read_json("canonical.json")["refused"][name]))


def test_the_published_keys_sign_and_verify() -> None:
    for case in golden.read_json("keys.json"):
        key = parse_vkey(case["vkey"])
        signature = bytes.fromhex(case["signature_hex"])
        key.verify(case["message"].encode(), signature)
        assert (key.key_id, key.method, key.public.hex()) == (
            case["key_id"],
            case["method"],
            case["public_hex"],
        )
        assert not key.holds(case["message"].encode() + b".", signature)


def test_the_merkle_vectors_verify() -> None:
    case = golden.read_json("merkle.json")
    hashes = [merkle.leaf_hash(str(n).encode()) for n in range(70_000)]
    roots = {int(n): bytes.fromhex(root) for n, root in case["roots"].items()}
    for size, root in roots.items():
        assert merkle.root_of_hashes(hashes[:size]) == root
    for item in case["inclusion"]:
        proof = [bytes.fromhex(h) for h in item["proof"]]
        merkle.verify_inclusion(hashes[item["index"]], item["index"], item["size"], proof, roots[item["size"]])
    for item in case["consistency"]:
        old, new = (merkle.root_of_hashes(hashes[: item[k]]) for k in ("old", "new"))
        merkle.verify_consistency(item["old"], item["new"], [bytes.fromhex(h) for h in item["proof"]], old, new)


def test_the_tile_paths_have_one_spelling() -> None:
    case = golden.read_json("tiles.json")
    for item in case["paths"]:
        ref = tiles.parse_path(item["path"])
        assert (ref.level, ref.index, ref.width) == (item["level"], item["index"], item["width"])
    for bad in case["refused"]:
        with pytest.raises(BadTile):
            tiles.parse_path(bad)


def test_the_identifier_vectors_hold() -> None:
    case = golden.read_json("identifiers.json")
    for good in case["uscc"]["good"]:
        assert identifiers.parse_uscc(good) == good
    for bad in case["uscc"]["bad"].values():
        with pytest.raises(BadUscc):
            identifiers.parse_uscc(bad)
    for text, check in case["iso7064"].items():
        assert identifiers.iso7064_check(text) == check
    for item in case["numbers"]:
        assert identifiers.parse_number(item["number"]).serial == item["serial"]


def test_the_leaf_vector_commits_to_its_payload() -> None:
    case = golden.read_json("leaf.json")
    salt, payload = bytes.fromhex(case["salt_hex"]), case["payload"].encode()
    found = leaf.verify_entry(case["entry_sm"].encode(), payload, salt)
    assert found == leaf.Entry(sha256(salt + payload), sm3(salt + payload))
    assert merkle.leaf_hash(case["entry_sm"].encode()).hex() == case["leaf_hash_sm"]
    assert leaf.parse_entry(case["entry_intl"].encode()).sm3 is None


def test_the_policy_vector_reads_and_evaluates_as_named() -> None:
    case = golden.read_json("policy.json")
    found = policy.Policy.from_dict(case["policy"])
    assert found.as_dict() == case["policy"]
    for item in case["evaluations"]:
        request = policy.Request(
            policy.Action(item["action"]), read_time(item["at"]), item["purpose"], bytes=item["bytes"]
        )
        answer = policy.evaluate(found, request, policy.Counters(**item["used"]))
        assert item["name"] == (answer.reason.value if isinstance(answer, policy.Denied) else "allowed")


def test_the_tokens_verify_for_their_audience() -> None:
    case = golden.read_json("token.json")
    pinned = keyring(golden.read("venue.vkey").decode())
    for text in case["tokens"]:
        found = token.verify(text, pinned, read_time(case["at"]), case["audience"])
        assert found.contract == "CTR-1"
        with pytest.raises(VerificationError):
            token.verify(text, pinned, read_time(case["at"]), "somebody-else")


@pytest.mark.parametrize("case", REJECTS, ids=lambda c: c["name"])
def test_a_defective_document_fails_at_its_check(case: dict[str, str | int]) -> None:
    document, vkeys = str(case["document"]).encode(), str(case["vkeys"])
    report = verify_document(document, vkeys, read_time(golden.AT))
    assert report.exit_code == (7 if case["name"] == "expired" else 1)
    assert next(c.n for c in report.checks if c.outcome == "failed") == case["check"]


@pytest.mark.parametrize("case", REJECTS, ids=lambda c: c["name"])
def test_a_stranger_refuses_it_at_the_same_check(case: dict[str, str | int]) -> None:
    with pytest.raises(independent_verifier.Refused) as refused:
        independent_verifier.verify(str(case["document"]).encode(), str(case["vkeys"]), golden.AT)
    assert refused.value.args[0] == case["check"]


def test_a_stranger_verifies_the_voucher_without_our_code() -> None:
    source = Path(independent_verifier.__file__).read_text("utf-8")
    imported = {
        name.name if isinstance(node, ast.Import) else str(node.module)
        for node in ast.walk(ast.parse(source))
        if isinstance(node, (ast.Import, ast.ImportFrom))
        for name in node.names
    }
    assert {name.split(".")[0] for name in imported} == {
        "__future__", "base64", "cryptography", "hashlib", "json", "re", "typing",
    }  # fmt: skip
    for prefix in ("", "witnessed."):
        vkeys = golden.read(f"{prefix}venue.vkey").decode()
        independent_verifier.verify(golden.read(f"{prefix}voucher.sealed.json"), vkeys, golden.AT)


def test_a_cosigned_voucher_verifies_with_its_witnesses_pinned() -> None:
    sealed, vkeys = golden.read("witnessed.voucher.sealed.json"), golden.read("witnessed.venue.vkey").decode()
    assert verify_document(sealed, vkeys, read_time(golden.AT)).exit_code == 0
    assert verify_document(sealed, golden.read("venue.vkey").decode(), read_time(golden.AT)).exit_code == 1


def test_the_three_files_say_what_the_single_file_says() -> None:
    fact = parse_fact(golden.read("voucher.fact.json"))
    single = parse(golden.read("voucher.sealed.json"))
    assert isinstance(single, dict)
    assert single["credential"] == parse(golden.read("voucher.json"))
    assert single["fact"] == fact.as_dict()
    assert single["proof"].encode() == golden.read("voucher.tlog-proof")
