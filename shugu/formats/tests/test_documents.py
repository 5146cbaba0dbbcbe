from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shugu.formats import base58, identifiers, leaf, policy, token
from shugu.formats.canonical import b64url, canonical, digest_hex, parse, unb64, unb64url
from shugu.formats.credential import (
    CONTEXT,
    hash_data,
    require_credential,
    sign_credential,
    verify_credential,
    verify_proof,
)
from shugu.formats.errors import (
    BadBase64,
    BadCredential,
    BadEntry,
    BadIdentifier,
    BadPolicy,
    BadSignature,
    BadToken,
    BadUscc,
    CommitmentMismatch,
    FormatError,
    NotCanonical,
    ShuguError,
    TokenRefused,
    UnknownSigner,
    VerificationError,
)
from shugu.formats.suites import INTL, VerifyKey, generate, keyring_of, new_keys
from shugu.formats.tests import independent_verifier
from shugu.formats.times import read_time, write_time

NOW = datetime(2026, 11, 22, tzinfo=UTC)
VENUE = "venue.example/log"
KEYS = new_keys("sm", VENUE)
PINNED = keyring_of(KEYS)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53) + 1, 2**53 - 1) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


@settings(max_examples=100)
@given(JSON)
def test_canonical_json_reads_back_and_agrees_with_the_stranger(value: object) -> None:
    data = canonical(value)
    assert parse(data) == value
    assert independent_verifier.canonical(value) == data
    assert independent_verifier.sha256(data).hex() == digest_hex(value)


@pytest.mark.parametrize("value", [1.0, float("nan"), 2**53, {1: 2}, b"x", {"a": {1}}, "\ud800", NOW])
def test_a_value_without_a_canonical_form_is_refused(value: object) -> None:
    with pytest.raises(NotCanonical):
        canonical(value)


def test_nesting_beyond_the_limit_is_refused() -> None:
    value: object = 0
    for _ in range(65):
        value = [value]
    with pytest.raises(NotCanonical):
        canonical(value)


@given(st.binary(max_size=80))
def test_binary_spellings_read_back(data: bytes) -> None:
    assert unb64url(b64url(data)) == data
    assert base58.from_multibase(base58.multibase(data)) == data


@pytest.mark.parametrize("text", ["QQ", "QR==", "Q Q=", "QQ==\n", "Q_==", "é"])
def test_a_second_spelling_of_base64_is_refused(text: str) -> None:
    with pytest.raises(BadBase64):
        unb64(text)
    with pytest.raises(BadBase64):
        unb64url(text + "=")


def test_an_error_speaks_both_languages_and_survives_a_gap() -> None:
    error = BadUscc(value="X", reason=("甲", "A"), article="GB 32100", field_errors={"uscc": ("错", "wrong")})
    assert error.as_dict("zh")["message"] == "统一社会信用代码“X”有误：甲。"
    assert error.as_dict("en")["field_errors"] == {"uscc": "wrong"}
    assert error.as_dict("en")["article"] == "GB 32100"
    assert "{reason}" in BadUscc(value="{0}").message("en")


def test_every_error_has_its_own_code_status_and_both_languages() -> None:
    def tree(kind: type[ShuguError]) -> list[type[ShuguError]]:
        return [kind, *(k for child in kind.__subclasses__() for k in tree(child))]

    ours = [k for k in tree(ShuguError) if k.__module__ == "shugu.formats.errors"]
    assert len({k.code for k in ours}) == len(ours) > 20
    for kind in ours:
        assert 400 <= kind.status <= 500 and all(kind.sentence) and all(kind.remedy)


def body(**more: object) -> dict[str, object]:
    return {
        "@context": [CONTEXT],
        "type": ["VerifiableCredential"],
        "issuer": f"https://{VENUE}",
        "validFrom": "2026-11-01T00:00:00Z",
        "credentialSubject": {"n": 1},
        **more,
    }


@settings(max_examples=30, deadline=None)
@given(st.dictionaries(st.text(), JSON, max_size=3))
def test_any_subject_signs_and_verifies(subject: dict[str, object]) -> None:
    made = sign_credential(body(credentialSubject=subject), KEYS, NOW)
    assert [c.outcome.value for c in verify_credential(made, PINNED)] == ["ok"] * 4
    assert require_credential(made, PINNED)["credentialSubject"] == subject


def test_a_credential_with_a_changed_member_is_not_accepted() -> None:
    made = sign_credential(body(), KEYS, NOW)
    for change in ({"validFrom": "2026-11-02T00:00:00Z"}, {"extra": 1}, {"credentialSubject": {"n": 2}}):
        with pytest.raises(VerificationError):
            require_credential(made | change, PINNED)


@pytest.mark.parametrize(
    "change",
    [{"@context": []}, {"type": "VerifiableCredential"}, {"issuer": 1}, {"validFrom": None}, {"proof": []},
     {"credentialSubject": []}, {"validUntil": "tomorrow"}, {"issuer": "https://other.example"}],
)  # fmt: skip
def test_a_body_of_another_shape_is_not_signed(change: dict[str, object]) -> None:
    with pytest.raises(FormatError):
        sign_credential(body(**change), KEYS, NOW)


def test_a_party_may_sign_beside_the_issuer_when_it_is_pinned() -> None:
    party = generate("intl", "buyer.example")
    made = sign_credential(body(), [*KEYS, party], NOW)
    assert require_credential(made, keyring_of([*KEYS, party]))
    with pytest.raises(VerificationError):
        require_credential(made, PINNED)
    with pytest.raises(BadCredential):
        sign_credential(body(), [party], NOW)


def test_the_published_eddsa_jcs_2022_example_verifies() -> None:
    """The alumni credential of the W3C specification: its hash in an older edition, its signature now."""
    method = "z6MkrJVnaZkeFzdQyMZu1cgjg7k1pZZ6pvBQ7XJPt4swbTQ2"
    context = [CONTEXT, "https://www.w3.org/ns/credentials/examples/v2"]
    issuer = "https://vc.example/issuers/5678"
    alumni: dict[str, object] = {
        "@context": context,
        "id": "urn:uuid:58172aac-d8ba-11ed-83dd-0b3aef56cc33",
        "type": ["VerifiableCredential", "AlumniCredential"],
        "name": "Alumni Credential",
        "description": "A minimum viable example of an Alumni Credential.",
        "issuer": issuer,
        "validFrom": "2023-01-01T00:00:00Z",
        "credentialSubject": {"id": "did:example:abcdefgh", "alumniOf": "The School of Examples"},
    }
    options: dict[str, object] = {
        "type": "DataIntegrityProof",
        "cryptosuite": "eddsa-jcs-2022",
        "created": "2023-02-24T23:36:38Z",
        "verificationMethod": f"{issuer}#{method}",
        "proofPurpose": "assertionMethod",
        "@context": context,
    }
    key = VerifyKey("vc.example/issuers/5678", INTL, base58.from_multibase(method)[2:])
    half = ("66ab154f5c2890a140cb8388a22a1604", "54f80575f6eae09e5a097cabe539a1db")
    rest = ("59b7cb6251b8991add1ce0bc83107e3d", "b9dbbab5bd2c28f687db1a03abc92f19")
    older = {**options, "verificationMethod": f"did:key:{method}#{method}"}
    assert hash_data(alumni, older, key).hex() == "".join(half + rest)
    value = "z63t83Y53KfzJ5ZosfKTnqfMcKB2dmTrfjSaQjeNNjAD5srBowQfmWqeRb8rRjmeEuCBEsddF9LsVogtuTsijJKh4"
    verify_proof(alumni, {**options, "proofValue": value}, key)
    with pytest.raises(BadSignature):
        verify_proof(alumni | {"name": "x"}, {**options, "proofValue": value}, key)


def test_an_intl_venue_needs_no_sm2_proof() -> None:
    pinned = keyring_of(KEYS[:1])
    outcomes = [c.outcome.value for c in verify_credential(sign_credential(body(), KEYS[:1], NOW), pinned)]
    assert outcomes == ["ok", "ok", "ok", "skipped"]


def test_an_entry_opens_only_with_its_payload_and_salt() -> None:
    salt, payload = leaf.new_salt(), canonical({"a": 1})
    for suite in ("intl", "sm"):
        entry = leaf.entry_for(payload, salt, suite)
        leaf.verify_entry(entry, payload, salt)
        for wrong in ((payload + b" ", salt), (payload, bytes(32))):
            with pytest.raises(CommitmentMismatch):
                leaf.verify_entry(entry, *wrong)
    mixed = leaf.entry(leaf.commit(payload, salt), bytes(32))
    with pytest.raises(CommitmentMismatch):
        leaf.verify_entry(mixed, payload, salt)


@pytest.mark.parametrize("data", [b"{}", b'{"sha256":"00","v":1}', b'{"sha256":"' + b"0" * 64 + b'","v":true}', b"x"])
def test_a_malformed_entry_is_refused(data: bytes) -> None:
    with pytest.raises(BadEntry):
        leaf.parse_entry(data)


def made_token(**change: object) -> token.Token:
    start = int(NOW.timestamp())
    fields = {
        "iss": VENUE,
        "aud": "connector",
        "contract": "c",
        "grant": "g",
        "buyer": "b",
        "product": "p",
        "id": "1",
    }
    return token.Token(**{**fields, "not_before": start, "not_after": start + 60, **change})  # type: ignore[arg-type]


@pytest.mark.parametrize("key", KEYS, ids=["intl", "sm"])
def test_no_character_of_a_token_can_change(key: object) -> None:
    text = token.issue(made_token(), KEYS[0] if key is KEYS[0] else KEYS[1])
    assert token.verify(text, PINNED, NOW, "connector") == made_token()
    for at in range(len(text)):
        other = "A" if text[at] != "A" else "B"
        with pytest.raises((BadToken, VerificationError, BadBase64)):
            token.verify(text[:at] + other + text[at + 1 :], PINNED, NOW, "connector")
    for wrong in ("", ".", text + ".", text + "=", text.replace(".", ".."), text + "A"):
        with pytest.raises((BadToken, VerificationError)):
            token.verify(wrong, PINNED, NOW, "connector")


def test_a_token_is_refused_outside_its_time_and_place() -> None:
    text = token.issue(made_token(), KEYS[0])
    for at, audience in ((-1, "connector"), (60, "connector"), (0, "other")):
        with pytest.raises(TokenRefused):
            token.verify(text, PINNED, NOW + timedelta(seconds=at), audience)
    with pytest.raises(UnknownSigner):
        token.verify(text, keyring_of(new_keys("intl", VENUE)), NOW, "connector")
    with pytest.raises(BadToken):
        token.issue(made_token(iss="somebody"), KEYS[0])


LIMITS = (
    policy.Constraint(policy.Operand.PURPOSE, policy.Operator.IS_ANY_OF, ("research",)),
    policy.Constraint(policy.Operand.RATE, policy.Operator.LTEQ, 2),
    policy.Constraint(policy.Operand.SPATIAL, policy.Operator.IS_ANY_OF, ("CN-ZJ",)),
    policy.Constraint(policy.Operand.RECIPIENT, policy.Operator.IS_ANY_OF, ("ORG-2",)),
    policy.Constraint(policy.Operand.DATE_TIME, policy.Operator.GTEQ, "2026-11-01T00:00:00Z"),
    policy.Constraint(policy.Operand.DATE_TIME, policy.Operator.LT, "2026-12-01T00:00:00Z"),
)
AGREED = policy.Policy("u", "t", "a", "b", (policy.Permission(policy.Action.USE, LIMITS),))
ASK = {"purpose": "research", "spatial": "CN-ZJ", "recipient": "ORG-2"}


@pytest.mark.parametrize(
    ("change", "used", "reason"),
    [
        ({"purpose": None}, 0, "wrong-purpose"),
        ({"spatial": "CN-BJ"}, 0, "wrong-place"),
        ({"recipient": "ORG-3"}, 0, "wrong-recipient"),
        ({}, 2, "over-rate"),
        ({"at": read_time("2026-10-31T23:59:59Z")}, 0, "too-early"),
        ({"at": read_time("2026-12-01T00:00:00Z")}, 0, "too-late"),
        ({"action": policy.Action.REIDENTIFY}, 0, "prohibited"),
        ({"action": policy.Action.SELL}, 0, "not-permitted"),
    ],
)
def test_what_the_contract_does_not_allow_is_denied(change: dict[str, object], used: int, reason: str) -> None:
    base = {"action": policy.Action.QUERY, "at": NOW, **ASK}
    allowed = policy.evaluate(AGREED, policy.Request(**base), policy.Counters())  # type: ignore[arg-type]
    assert isinstance(allowed, policy.Allowed)
    request = policy.Request(**{**base, **change})  # type: ignore[arg-type]
    denied = policy.evaluate(AGREED, request, policy.Counters(last_minute=used))
    assert isinstance(denied, policy.Denied)
    assert denied.reason == reason
    assert denied.message("zh") and denied.message("en")


def test_a_policy_outside_the_profile_is_refused() -> None:
    good = AGREED.as_dict()
    assert policy.Policy.from_dict(parse(canonical(good))) == AGREED
    partial = {"action": "use", "constraint": [{"leftOperand": "count"}]}
    changes: list[dict[str, object]] = [{"more": 1}, {"@type": "Set"}, {"uid": ""}, {"permission": []}]
    changes += [{"prohibition": [{"action": "x"}]}, {"permission": [partial]}]
    for change in changes:
        with pytest.raises(BadPolicy):
            policy.Policy.from_dict(good | change)
    with pytest.raises(BadPolicy):
        policy.Constraint(policy.Operand.COUNT, policy.Operator.LTEQ, -1)
    with pytest.raises(BadPolicy):
        policy.Constraint(policy.Operand.PURPOSE, policy.Operator.EQ, "research")


USCC = st.text(identifiers.USCC_ALPHABET, min_size=9, max_size=9)


@settings(max_examples=60)
@given(USCC, st.integers(0, 16), st.sampled_from(identifiers.USCC_ALPHABET))
def test_one_wrong_character_of_a_credit_code_is_noticed(org: str, at: int, other: str) -> None:
    good = identifiers.make_uscc("91330100" + org)
    assert identifiers.parse_uscc(good) == good
    if good[at] != other:
        with pytest.raises(BadUscc):
            identifiers.parse_uscc(good[:at] + other + good[at + 1 :])


@settings(max_examples=60)
@given(st.integers(1, 99_999_999), st.integers(0, 7), st.integers(0, 9))
def test_one_wrong_digit_of_a_number_is_noticed(serial: int, at: int, digit: int) -> None:
    good = identifiers.make_number("voucher", "hangzhou", 2026, serial)
    assert identifiers.parse_number(good, identifiers.NumberKind.VOUCHER).serial == serial
    place = len(good) - 9 + at
    if good[place] != str(digit):
        with pytest.raises(BadIdentifier):
            identifiers.parse_number(good[:place] + str(digit) + good[place + 1 :])


def test_a_number_of_another_kind_or_range_is_refused() -> None:
    good = identifiers.make_number("CTR", "HZ", 2026, 1)
    with pytest.raises(BadIdentifier):
        identifiers.parse_number(good, identifiers.NumberKind.VOUCHER)
    for wrong in (
        ("nothing", "HZ", 2026, 1),
        ("CTR", "H Z", 2026, 1),
        ("CTR", "HZ", 1, 1),
        ("CTR", "HZ", 2026, 0),
    ):
        with pytest.raises(BadIdentifier):
            identifiers.make_number(*wrong)


def test_a_time_has_one_spelling() -> None:
    assert read_time(write_time(NOW)) == NOW
    for wrong in (
        "2026-11-22",
        "2026-11-22T00:00:00+00:00",
        "2026-13-22T00:00:00Z",
        "2026-11-22T00:00:00.0Z",
    ):
        with pytest.raises(FormatError):
            read_time(wrong)
    with pytest.raises(FormatError):
        write_time(NOW.replace(tzinfo=None))
