from __future__ import annotations

import dataclasses

import pytest

from shugu.formats import checkpoint, note
from shugu.formats.errors import (
    BadBase64,
    BadCheckpoint,
    BadKey,
    BadNote,
    BadProofFile,
    BadSignature,
    FormatError,
    MissingSignature,
    UnknownSigner,
)
from shugu.formats.proof import parse_proof
from shugu.formats.suites import (
    Keyring,
    SigningKey,
    generate,
    keyring,
    keyring_of,
    new_keys,
    parse_vkey,
    suite,
)

ORIGIN = "log.example/venue"
KEYS = new_keys("sm", ORIGIN)
PINNED = keyring_of(KEYS)
POINT = checkpoint.Checkpoint(ORIGIN, 42, bytes(range(32)))

# From the signed-note specification and from the documentation of Go's note package.
FOO = "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k"
PETER = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
PETERS_NOTE = (
    "If you think cryptography is the answer to your problem,\n"
    "then you don't know what your problem is.\n"
    "\n"
    "— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNX"
    "gKvqfqdngotpRZb6KE6RyyBwJnAM=\n"
).encode()


def test_the_published_verifier_key_reads_and_writes_back() -> None:
    key = parse_vkey(FOO)
    assert (key.name, key.key_id, key.suite.name) == ("example.com/foo", "530d903a", "intl")
    assert key.vkey() == FOO


def test_the_published_note_opens() -> None:
    opened = note.open_note(PETERS_NOTE, keyring(PETER + "\n"))
    assert [k.name for k in opened.verified] == ["PeterNeumann"]
    assert opened.text.startswith("If you think")


@pytest.mark.parametrize(
    "vkey",
    [
        FOO.replace("530d903a", "530d903b"),
        FOO.replace("530d903a", "530D903A"),
        FOO[:-1],
        FOO + "=",
        "example.com/foo",
        "a b" + FOO.removeprefix("example.com/foo"),
        "x+00000000+AA==",
    ],
)
def test_a_vkey_in_another_spelling_is_refused(vkey: str) -> None:
    with pytest.raises(FormatError):
        parse_vkey(vkey)


@pytest.mark.parametrize("name", ["intl", "sm"])
def test_a_key_survives_its_pem_and_refuses_a_wrong_password(name: str) -> None:
    key = generate(name, ORIGIN)
    for password in (None, b"secret"):
        assert SigningKey.from_pem(ORIGIN, name, key.to_pem(password), password) == key
    with pytest.raises(BadKey):
        SigningKey.from_pem(ORIGIN, name, key.to_pem(b"secret"), b"guess")
    with pytest.raises(BadKey):
        SigningKey.from_pem(ORIGIN, "sm" if name == "intl" else "intl", key.to_pem())
    assert key.private.hex() not in repr(key)


def test_the_standard_sm2_signature_verifies() -> None:
    """The worked example of GB/T 32918.5: message, public point and signature."""
    public = bytes.fromhex(
        "0409f9df311e5421a150dd7d161e4bc5c672179fad1833fc076bb08ff356f35020"
        "ccea490ce26775a52dc6ea718cc1aa600aed05fbf35e084a6632f6072da9ad13"
    )
    signature = bytes.fromhex(
        "f5a03b0648d2c4630eeac513e1bb81a15944da3827d5b74143ac7eaceee720b3"
        "b1b6aa29df212fd8763182bc0d421ca1bb9038fd1f7f42d4840b69c485bbc1aa"
    )
    assert suite("sm").verify(public, b"message digest", signature)
    for wrong in (signature[:63], bytes(64), signature[:32] + bytes(32), b"\xff" * 64):
        assert not suite("sm").verify(public, b"message digest", wrong)
    with pytest.raises(BadKey):
        dataclasses.replace(KEYS[1].verify_key, public=b"\x04" + bytes(64))


def test_the_sm3_hash_is_that_of_the_standard() -> None:
    """GB/T 32905 appendix A.1."""
    expected = "66c7f0f462eeedd9d1f2d46bdc10e4e24167c4875cf2f7a2297da02b8f4ba8e0"
    assert suite("sm").hash(b"abc").hex() == expected


def test_a_note_with_sixteen_signatures_opens_and_ignores_the_unknown() -> None:
    strangers = [generate("intl", f"w{n}.example") for n in range(16)]
    signed = note.sign_note(POINT.text(), [KEYS[0], *strangers])
    opened = note.open_note(signed, PINNED)
    assert len(opened.unknown) == 16
    assert checkpoint.verify(signed, PINNED) == POINT
    with pytest.raises(UnknownSigner):
        checkpoint.verify_strict(signed, PINNED)


def test_a_known_key_that_fails_rejects_the_whole_note() -> None:
    good = note.parse_note(checkpoint.sign(POINT, KEYS))
    broken = dataclasses.replace(good.signatures[1], signature=good.signatures[0].signature)
    with pytest.raises(BadSignature):
        note.open_note(note.Note(good.text, (good.signatures[0], broken)).encode(), PINNED)


def test_a_note_of_strangers_alone_is_refused() -> None:
    with pytest.raises(UnknownSigner):
        note.open_note(note.sign_note("text\n", [generate("intl", ORIGIN)]), PINNED)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"text\n",
        b"text\n\n",
        b"text",
        b"te\txt\n\n\xe2\x80\x94 a AAAAAAA=\n",
        b"\xff\n\n",
        b"t\n\n- a AAAA\n",
    ],
)
def test_a_malformed_note_is_refused(data: bytes) -> None:
    with pytest.raises(BadNote):
        note.parse_note(data)


def test_the_text_ends_at_the_last_blank_line() -> None:
    signed = note.sign_note("one\n\ntwo\n", KEYS[:1])
    assert note.parse_note(signed).text == "one\n\ntwo\n"


@pytest.mark.parametrize(
    "text", ["o\n1\n", "o\n01\n{r}\n", "o\n1\n{r}\nmore\n", "\n1\n{r}\n", "o\n-1\n{r}\n", "o\n1\nAAAA\n"]
)
def test_a_malformed_checkpoint_is_refused(text: str) -> None:
    with pytest.raises(BadCheckpoint):
        checkpoint.parse_text(text.format(r=POINT.text().split("\n")[2]))


def test_a_checkpoint_is_signed_only_by_its_origin() -> None:
    with pytest.raises(BadCheckpoint):
        checkpoint.sign(POINT, [generate("intl", "other.example")])
    with pytest.raises(MissingSignature):
        checkpoint.verify(note.sign_note(POINT.text(), KEYS[1:]), PINNED)


def test_a_witness_signs_beside_when_it_is_pinned() -> None:
    witness = generate("intl", "witness.example")
    pinned = Keyring((*PINNED.keys, witness.verify_key))
    line = note.parse_note(note.sign_note(POINT.text(), [witness])).signatures[0]
    signed = note.add_signatures(checkpoint.sign(POINT, KEYS), [line])
    assert checkpoint.verify_strict(signed, pinned) == POINT
    assert checkpoint.verify_strict(checkpoint.sign(POINT, KEYS), pinned) == POINT


def test_two_keys_with_one_id_are_refused_in_a_keyring() -> None:
    with pytest.raises(BadKey):
        keyring((FOO + "\n") * 2)
    with pytest.raises(BadKey):
        keyring("\n")


@pytest.mark.parametrize(
    "change",
    [
        (b"index 300", b"index 300 "),
        (b"index 300", b"index 00"),
        (b"index 300", b"extra =\nindex 300"),
        (b"c2sp.org/tlog-proof@v1", b"c2sp.org/tlog-proof@v1 "),
        (b"\n\n", b"\n"),
    ],
)
def test_a_proof_file_in_another_spelling_is_refused(change: tuple[bytes, bytes]) -> None:
    from shugu.formats.tests import golden

    data = golden.read("voucher.tlog-proof")
    assert parse_proof(data).encode() == data
    with pytest.raises((BadProofFile, BadBase64)):
        parse_proof(data.replace(*change))
