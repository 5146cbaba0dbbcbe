from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from shugu.formats import checkpoint as checkpoints
from shugu.formats import token
from shugu.formats.checkpoint import Checkpoint
from shugu.formats.cosignature import (
    cosign,
    cosigned_at,
    parse_cosignatures,
    verify_cosignature,
    witness_key_from_pem,
)
from shugu.formats.errors import (
    BadCheckpoint,
    BadKey,
    BadSignature,
    BadSubmission,
    BadWitnessPolicy,
    MissingSignature,
    QuorumMissing,
    UnknownSigner,
)
from shugu.formats.merkle import EMPTY_ROOT, consistency_proof, leaf_hash, pair_up, root_of_hashes
from shugu.formats.note import add_signatures, parse_note
from shugu.formats.quorum import parse_policy, policy_text
from shugu.formats.suites import (
    COSIGNING,
    INTL,
    SM,
    Keyring,
    SigningKey,
    keyring,
    new_keys,
    parse_vkey,
    parse_witness_vkey,
)
from shugu.formats.tests import golden
from shugu.formats.witnessing import (
    NotAnExtension,
    NotByTheLog,
    OldSizeDiffers,
    Seen,
    Submission,
    judge,
    parse_submission,
)

ORIGIN = "log.example/a"
NOW = 1_790_000_000
VENUE = [SigningKey(ORIGIN, INTL, b"\x11" * 32), SigningKey(ORIGIN, SM, b"\x12" * 32)]
# Fixed keys: the names of tests are made of them, and every process must find the same tests.
W1, W2, W3 = (SigningKey(f"w{n}.example", COSIGNING, bytes([n]) * 32) for n in (1, 2, 3))
LEAVES = [leaf_hash(str(n).encode()) for n in range(300)]


def signed(size: int, leaves: list[bytes] = LEAVES, keys: list[SigningKey] = VENUE) -> bytes:
    return checkpoints.sign(Checkpoint(ORIGIN, size, root_of_hashes(leaves[:size])), keys)


def cosigned(note: bytes, *witnesses: SigningKey) -> bytes:
    return add_signatures(note, [cosign(parse_note(note).text, w, NOW) for w in witnesses])


def proof(old: int, new: int) -> tuple[bytes, ...]:
    rows = [LEAVES[:new]]
    while len(rows[-1]) > 1:
        rows.append(pair_up(rows[-1][: len(rows[-1]) // 2 * 2]))
    return consistency_proof(old, new, lambda height, index: rows[height][index])


def pinned(*witnesses: SigningKey) -> Keyring:
    return Keyring((*(k.verify_key for k in VENUE), *(w.verify_key for w in witnesses)))


def test_a_cosignature_verifies_and_states_its_time() -> None:
    text = parse_note(signed(7)).text
    line = cosign(text, W1, NOW)
    assert verify_cosignature(text, line, W1.verify_key) == cosigned_at(line) == NOW
    assert parse_cosignatures(line.line().encode()) == (line,)
    with pytest.raises(BadSignature):
        verify_cosignature(text, line, W2.verify_key)
    with pytest.raises(BadSignature):
        verify_cosignature(parse_note(signed(8)).text, line, W1.verify_key)


def test_every_changed_byte_of_a_cosignature_is_found() -> None:
    text = parse_note(signed(7)).text
    good = cosign(text, W1, NOW).signature
    for at in range(len(good)):
        changed = good[:at] + bytes([good[at] ^ 1]) + good[at + 1 :]
        assert not W1.verify_key.holds(text.encode(), changed)
    assert not W1.verify_key.holds(text.encode(), bytes(8) + good[8:])


def test_a_witness_key_does_nothing_but_cosign() -> None:
    with pytest.raises(BadKey):
        W1.sign(b"anything")
    with pytest.raises(BadKey):
        parse_vkey(W1.verify_key.vkey())
    with pytest.raises(BadKey):
        parse_witness_vkey(VENUE[0].verify_key.vkey())
    with pytest.raises(BadCheckpoint):
        cosign("shugu-token/v1\n{}\n", W1, NOW)
    with pytest.raises(BadKey):
        cosign(parse_note(signed(7)).text, VENUE[0], NOW)
    payload = token.DOMAIN + b"{}"
    forged = W1.verify_key.suite.cosign(W1.private, payload.decode(), NOW)  # type: ignore[attr-defined]
    assert not W1.verify_key.holds(payload, forged)


def test_a_witness_key_is_kept_as_pem() -> None:
    assert witness_key_from_pem("w1.example", W1.to_pem(b"secret"), b"secret") == W1
    assert keyring(W1.verify_key.vkey() + "\n").keys == (W1.verify_key,)
    assert parse_witness_vkey(W1.verify_key.vkey()) == W1.verify_key


def test_a_sealed_checkpoint_bears_cosignatures_of_pinned_witnesses_only_in_file_order() -> None:
    note = cosigned(signed(7), W1, W2)
    assert checkpoints.verify_strict(note, pinned(W1, W2)).size == 7
    assert checkpoints.verify_strict(cosigned(signed(7), W2), pinned(W1, W2)).size == 7
    with pytest.raises(BadCheckpoint):
        checkpoints.verify_strict(note, pinned(W2, W1))
    with pytest.raises(UnknownSigner):
        checkpoints.verify_strict(note, pinned(W1))
    with pytest.raises(BadCheckpoint):
        checkpoints.verify_strict(cosigned(signed(7), W1, W1), pinned(W1))
    assert checkpoints.verify(note, pinned(W1)).size == 7  # a client of the log ignores whom it does not know


def test_a_witness_alone_does_not_make_a_checkpoint() -> None:
    text = parse_note(signed(7)).text
    alone = (text + "\n" + cosign(text, W1, NOW).line()).encode()
    with pytest.raises(MissingSignature):
        checkpoints.verify_strict(alone, pinned(W1))


def policy(quorum: str, *groups: str) -> str:
    keys = {"a": W1, "b": W2, "c": W3}
    lines = [f"witness {n} {k.verify_key.vkey()} https://{n}.example" for n, k in keys.items()]
    return "\n".join([*lines, *groups, f"quorum {quorum}"]) + "\n"


@pytest.mark.parametrize(
    ("text", "who", "reached"),
    [
        (policy("none"), (), True),
        (policy("a"), (W1,), True),
        (policy("a"), (W2, W3), False),
        (policy("g", "group g 2 a b c"), (W1,), False),
        (policy("g", "group g 2 a b c"), (W1, W3), True),
        (policy("g", "group g any a b"), (W2,), True),
        (policy("g", "group g all a b"), (W2,), False),
        (policy("h", "group g any a b", "group h all g c"), (W2, W3), True),
        (policy("h", "group g any a b", "group h all g c"), (W1, W2), False),
    ],
)
def test_a_quorum_is_counted_as_the_policy_says(text: str, who: tuple[SigningKey, ...], reached: bool) -> None:
    found = parse_policy(text).standing(cosigned(signed(7), *who))
    assert found.reached is reached
    assert {w.key for w, _ in found.cosigned} == {w.verify_key for w in who}
    assert len(found.cosigned) + len(found.missing) == 3
    assert parse_policy(policy_text(parse_policy(text))) == parse_policy(text)


def test_a_cosignature_of_other_bytes_or_from_the_future_counts_for_nothing() -> None:
    wanted = parse_policy(policy("a"))
    other = cosign(parse_note(signed(8)).text, W1, NOW)
    assert not wanted.standing(add_signatures(signed(7), [other])).reached
    assert wanted.standing(cosigned(signed(7), W1), latest=NOW).reached
    assert not wanted.standing(cosigned(signed(7), W1), latest=NOW - 1).reached
    with pytest.raises(QuorumMissing, match="missing are a"):
        wanted.require(cosigned(signed(7), W2, W3))


GOOD = policy("none")


@pytest.mark.parametrize(
    "text",
    [
        "",
        GOOD[:-1],
        GOOD + "quorum a\n",
        policy("nobody"),
        policy("g", "group g 0 a"),
        policy("g", "group g 4 a b c"),
        policy("g", "group g 01 a b"),
        policy("g", "group g some a b"),
        policy("g", "group g 1"),
        policy("g", "group g any a a"),
        policy("h", "group g any a", "group h any a b"),
        policy("g", "group a any b"),
        policy("g", "group none any b"),
        policy("g", "group g any h", "group h any a"),
        GOOD.replace("witness b", "witness a"),
        GOOD.replace("\nquorum", f"\nwitness d {W1.verify_key.vkey()}\nquorum"),
        GOOD.replace("quorum", f"witness d {VENUE[0].verify_key.vkey()}\nquorum"),
        GOOD.replace("quorum", f"log {W1.verify_key.vkey()}\nquorum"),
        GOOD.replace("quorum", "surprise x\nquorum"),
        GOOD.replace("quorum", "quorum\r"),
    ],
)
def test_a_policy_is_read_strictly(text: str) -> None:
    with pytest.raises(BadWitnessPolicy):
        parse_policy(text)


def test_a_policy_names_logs_and_has_comments_and_white_space() -> None:
    found = parse_policy(f"# ours\n\n \tlog {VENUE[0].verify_key.vkey()}  https://log.example \n" + GOOD)
    assert [(log.key, log.url) for log in found.logs] == [(VENUE[0].verify_key, "https://log.example")]


def test_a_submission_is_written_and_read_in_one_way() -> None:
    sent = Submission(200, proof(200, 300), signed(300))
    assert parse_submission(sent.encode()) == sent
    assert sent.origin == ORIGIN
    assert judge(sent, pinned(), Seen(200, root_of_hashes(LEAVES[:200]))).size == 300


@pytest.mark.parametrize(
    "change",
    [
        lambda b: b.replace(b"old 200", b"old 0200"),
        lambda b: b.replace(b"old 200", b"new 200"),
        lambda b: b.replace(b"\n\n", b"\n", 1),
        lambda b: b.replace(b"=\n", b"\n", 1),
        lambda b: b.replace(b"old 200\n", b"old 200\n" + b"AAAA\n"),
        lambda b: b.replace(b"old 200\n", b"old 200\n" + (b"A" * 43 + b"=\n") * 64),
        lambda b: b"",
        lambda b: b"\xff" + b,
    ],
)
def test_a_misspelt_submission_is_refused(change: Callable[[bytes], bytes]) -> None:
    with pytest.raises(BadSubmission):
        parse_submission(change(Submission(200, proof(200, 300), signed(300)).encode()))
    with pytest.raises(BadSubmission):
        _ = Submission(0, (), b"not a checkpoint").origin


def test_a_witness_answers_as_the_specification_says() -> None:
    seen = Seen(200, root_of_hashes(LEAVES[:200]))
    fork = LEAVES[:150] + LEAVES[151:] + LEAVES[:1]
    assert judge(Submission(0, (), signed(200)), pinned(), Seen()).size == 200
    assert judge(Submission(200, (), signed(200)), pinned(), seen).size == 200
    with pytest.raises(NotByTheLog):
        judge(Submission(200, proof(200, 300), signed(300, keys=new_keys("intl", ORIGIN))), pinned(), seen)
    line = parse_note(signed(300)).signatures[0]
    broken = (parse_note(signed(300)).text + "\n" + replace(line, signature=bytes(64)).line()).encode()
    with pytest.raises(NotByTheLog):
        judge(Submission(200, proof(200, 300), broken), pinned(), seen)
    with pytest.raises(BadSubmission):
        judge(Submission(301, (), signed(300)), pinned(), seen)
    for old in (0, 100, 250):
        with pytest.raises(OldSizeDiffers) as differs:
            judge(Submission(old, (), signed(300)), pinned(), seen)
        assert (differs.value.size, differs.value.status, differs.value.forked) == (200, 409, None)
    with pytest.raises(OldSizeDiffers) as hidden:
        judge(Submission(100, (), signed(200, fork)), pinned(), seen)
    assert hidden.value.forked is not None
    with pytest.raises(NotAnExtension) as forked:
        judge(Submission(200, (), signed(200, fork)), pinned(), seen)
    assert (forked.value.proven, forked.value.status) == (True, 422)
    for wrong in ((), proof(199, 300), (*proof(200, 300), bytes(32))):
        with pytest.raises(NotAnExtension) as refused:
            judge(Submission(200, wrong, signed(300)), pinned(), seen)
        assert not refused.value.proven
    with pytest.raises(NotAnExtension):
        judge(Submission(200, proof(200, 300), signed(300, fork)), pinned(), seen)
    with pytest.raises(NotAnExtension):
        judge(Submission(0, (bytes(32),), signed(300)), pinned(), Seen())


def test_the_empty_tree_has_one_root() -> None:
    good = checkpoints.sign(Checkpoint(ORIGIN, 0, EMPTY_ROOT), VENUE)
    assert judge(Submission(0, (), good), pinned(), Seen()).size == 0
    with pytest.raises(NotAnExtension):
        judge(Submission(0, (), checkpoints.sign(Checkpoint(ORIGIN, 0, bytes(32)), VENUE)), pinned(), Seen())


def test_the_witness_vectors_hold() -> None:
    case = golden.read_json("witness.json")
    keys = keyring(case["vkeys"])
    assert checkpoints.verify_strict(case["checkpoint"].encode(), keys).size == 1000
    wanted = parse_policy(case["policy"])
    for item in case["standings"]:
        found = wanted.standing(item["checkpoint"].encode())
        assert [w.name for w, _ in found.cosigned] == item["cosigned"]
        assert found.reached is item["reached"]
    for text in case["refused_policies"].values():
        with pytest.raises(BadWitnessPolicy):
            parse_policy(text)
    for item in case["submissions"]:
        seen = Seen(item["seen_size"], bytes.fromhex(item["seen_root"]))
        try:
            judge(parse_submission(item["body"].encode()), keys, seen)
            status = 200
        except (BadSubmission, NotByTheLog, OldSizeDiffers, NotAnExtension) as error:
            status = error.status
        assert status == item["status"], item["name"]
