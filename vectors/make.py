"""Makes every golden file of this folder: `python vectors/make.py`.

Deterministic: keys come from fixed seeds and SM2 nonces from the key and the message, so a
second run writes the same bytes. The keys are public knowledge; never use them elsewhere.
"""

from __future__ import annotations

import hmac
import json
import sys
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))

from shugu.formats import identifiers, leaf, merkle, policy, tiles, token  # noqa: E402
from shugu.formats.canonical import b64, canonical  # noqa: E402
from shugu.formats.checkpoint import Checkpoint, sign  # noqa: E402
from shugu.formats.cosignature import cosign  # noqa: E402
from shugu.formats.credential import CONTEXT, Document, credential_digest, sign_credential  # noqa: E402
from shugu.formats.keyhistory import Kind, Line, Statement, replay, sign_line, write_history  # noqa: E402
from shugu.formats.message import MESSAGE, RECEIPT, sign_beside  # noqa: E402
from shugu.formats.note import Note, Signature, add_signatures, parse_note, sign_note  # noqa: E402
from shugu.formats.proof import TlogProof  # noqa: E402
from shugu.formats.sealed import seal  # noqa: E402
from shugu.formats.suites import COSIGNING, INTL, Keyring, SigningKey, Sm, keyring_of  # noqa: E402
from shugu.formats.tests import independent_verifier as reference  # noqa: E402
from shugu.formats.witnessing import Submission  # noqa: E402
from vectors.make_demands import demand_vectors  # noqa: E402
from vectors.make_status import Tools, status_vectors  # noqa: E402
from vectors.make_trade import trade_vectors  # noqa: E402
from vectors.make_valuation import valuation_vectors  # noqa: E402

ORIGIN = "vectors.shugu.dev/log"
NOW = datetime(2026, 11, 22, 2, 5, 4, tzinfo=UTC)
AT = "2026-11-22T02:05:04Z"
INDEX, SIZE = 300, 1000
Files = dict[str, bytes]


class RepeatableSm(Sm):
    """SM2 whose nonce is HMAC-SHA256(key, message), so that golden signatures do not change."""

    def sign(self, private: bytes, message: bytes) -> bytes:
        d, n = int.from_bytes(private, "big"), reference.N
        k = int.from_bytes(hmac.new(private, message, sha256).digest(), "big") % (n - 1) + 1
        point = reference.multiply(k, reference.G)
        assert point is not None
        r = (reference.sm2_digest(self.public(private), message) + point[0]) % n
        s = pow(1 + d, -1, n) * (k - r * d) % n
        assert r and s and r + k != n
        return r.to_bytes(32, "big") + s.to_bytes(32, "big")


def keys(name: str = ORIGIN, seed: str = "venue") -> list[SigningKey]:
    ed = SigningKey(name, INTL, sha256(f"{seed} ed25519".encode()).digest())
    return [ed, SigningKey(name, RepeatableSm(), sha256(f"{seed} sm2".encode()).digest())]


def dump(value: object) -> bytes:
    return (json.dumps(value, ensure_ascii=False, indent=1, sort_keys=True) + "\n").encode()


def canonical_vectors() -> object:
    values: list[object] = [
        None, True, [], {}, 0, -1, 9007199254740991, "",
        {"b": 1, "a": [True, None], "": {"\r": "\u20ac$\u000f\nA'B\"\\\\\"/"}},
        {"\u20ac": "Euro Sign", "\r": "Carriage Return", "\ufb33": "Hebrew Letter Dalet With Dagesh",
         "1": "One", "\U0001f600": "Emoji: Grinning Face", "\u0080": "Control",
         "\u00f6": "Latin Small Letter O With Diaeresis"},
        {"金额": 12345600, "币种": "CNY", "比例": "0.0250"},
    ]  # fmt: skip
    refused = {
        "space": b'{"a": 1}', "order": b'{"b":1,"a":2}', "duplicate-key": b'{"a":1,"a":1}',
        "fraction": b"1.5", "integer-as-fraction": b"1.0", "exponent": b"1e3",
        "too-large": b"9007199254740992",
        "negative-zero": b"-0", "needless-escape": b'"\\u0041"', "escaped-slash": b'"\\/"',
        "not-utf8": b'"\xff"', "lone-surrogate": b'"\\ud800"', "byte-order-mark": b"\xef\xbb\xbf1",
        "trailing-newline": b"1\n", "nan": b"NaN", "nothing": b"", "two-values": b"1 2",
    }  # fmt: skip
    accepted = [
        {"value": v, "canonical_hex": canonical(v).hex(), "sha256": sha256(canonical(v)).hexdigest()} for v in values
    ]
    return {"accepted": accepted, "refused": {k: v.hex() for k, v in refused.items()}}


def key_vectors() -> object:
    return [
        {
            "suite": k.suite.name,
            "private_hex": k.private.hex(),
            "public_hex": k.verify_key.public.hex(),
            "key_id": k.key_id,
            "vkey": k.verify_key.vkey(),
            "method": k.method,
            "message": "数谷 Shugu",
            "signature_hex": k.sign("数谷 Shugu".encode()).hex(),
        }
        for k in keys()
    ]


def reader(hashes: list[bytes]) -> merkle.Reader:
    levels = [hashes]
    while len(levels[-1]) > 1:
        row = levels[-1]
        levels.append(merkle.pair_up(row[: len(row) // 2 * 2]))

    def read(height: int, index: int) -> bytes:
        return levels[height][index]

    return read


def merkle_vectors() -> object:
    entries = [str(n).encode() for n in range(70_000)]
    hashes = [merkle.leaf_hash(e) for e in entries]
    read = reader(hashes)
    roots = {str(n): merkle.root_of_hashes(hashes[:n]).hex() for n in (0, 1, 2, 5, 255, 256, 257, 70_000)}
    inclusion = [
        {"index": i, "size": n, "proof": [h.hex() for h in merkle.inclusion_proof(i, n, read)]}
        for i, n in ((0, 1), (0, 2), (4, 5), (2, 5), (254, 255), (255, 257), (256, 257), (69_999, 70_000))
    ]
    consistency = [
        {"old": a, "new": b, "proof": [h.hex() for h in merkle.consistency_proof(a, b, read)]}
        for a, b in ((0, 5), (1, 2), (2, 5), (3, 5), (4, 5), (5, 5), (255, 257), (256, 70_000), (257, 70_000))
    ]
    about = "entry n is the decimal text of n in ASCII"
    return {"entries": about, "roots": roots, "inclusion": inclusion, "consistency": consistency}


def tile_vectors() -> object:
    paths = [(0, 0, 256), (0, 1_234_067, 256), (0, 273, 112), (1, 1, 17), (2, 0, 1), (63, 999_999_999, 256)]
    bad = ["tile/0/0", "tile/0/x000/001", "tile/00/000", "tile/64/000", "tile/0/000.p/256", "tile/0/000.p/0",
           "tile/0/000.p/01", "/tile/0/000", "tile/0/1000", "tile/entries/x001/x002",
           "tile/0/000.p/"]  # fmt: skip
    return {
        "paths": [{"level": a, "index": b, "width": w, "path": tiles.tile_path(a, b, w)} for a, b, w in paths],
        "entries": [{"index": 1_234_067, "width": 9, "path": tiles.entries_path(1_234_067, 9)}],
        "refused": bad,
        "new_tiles_256_to_70000": [t.path for t in tiles.tiles_for(69_900, 70_000)],
    }


def identifier_vectors() -> object:
    good = ["91350100M000100Y43", identifiers.make_uscc("91330100MA2XXXXXX".replace("X", "1"))]
    bad = {"wrong-check": "91350100M000100Y44", "letter-o": "9135O100M000100Y43",
           "short": "91350100M000100Y4",
           "lower-case": "91350100m000100y43", "space": "91350100 M000100Y43",
           "letter-in-region": "9135A100M000100Y43"}  # fmt: skip
    numbers = [
        {"kind": k.value, "venue": "HANGZHOU", "year": 2026, "serial": s,
         "number": identifiers.make_number(k, "HANGZHOU", 2026, s)}
        for k, s in ((identifiers.NumberKind.VOUCHER, 1), (identifiers.NumberKind.CONTRACT, 99_999_999))
    ]  # fmt: skip
    return {"uscc": {"good": good, "bad": bad}, "iso7064": {"A12425GABC1234002": "M"}, "numbers": numbers}


def example_policy() -> policy.Policy:
    limits = (
        policy.Constraint(policy.Operand.PURPOSE, policy.Operator.IS_ANY_OF, ("delay-forecast",)),
        policy.Constraint(policy.Operand.COUNT, policy.Operator.LTEQ, 3),
        policy.Constraint(policy.Operand.BYTES, policy.Operator.LTEQ, 1_000_000),
        policy.Constraint(policy.Operand.DATE_TIME, policy.Operator.LT, "2027-11-22T00:00:00Z"),
    )
    duty = policy.Duty(policy.Action.DELETE, limits[3:])
    uses = (policy.Permission(policy.Action.USE, limits),)
    names = ("urn:shugu:CTR-1", "urn:shugu:PRD-1", "urn:shugu:ORG-1", "urn:shugu:ORG-2")
    return policy.Policy(*names, permissions=uses, obligations=(duty,))


def policy_vectors() -> object:
    ask = policy.Request(policy.Action.READ, NOW, "delay-forecast", bytes=10)
    cases: list[tuple[str, policy.Request, policy.Counters]] = [
        ("allowed", ask, policy.Counters(2, 999_990)),
        ("over-count", ask, policy.Counters(3)),
        ("over-bytes", ask, policy.Counters(0, 999_991)),
        ("wrong-purpose", policy.Request(policy.Action.READ, NOW, "advertising"), policy.Counters()),
        ("prohibited", policy.Request(policy.Action.DISTRIBUTE, NOW), policy.Counters()),
        ("not-permitted", policy.Request(policy.Action.SELL, NOW), policy.Counters()),
    ]
    evaluations = [
        {"name": n, "action": r.action.value, "purpose": r.purpose, "bytes": r.bytes, "at": AT,
         "used": {"count": c.count, "bytes": c.bytes}}
        for n, r, c in cases
    ]  # fmt: skip
    for name, request, counters in cases:
        found = policy.evaluate(example_policy(), request, counters)
        assert name == (found.reason.value if isinstance(found, policy.Denied) else "allowed")
    return {"policy": example_policy().as_dict(), "evaluations": evaluations}


def token_vectors() -> object:
    start = int(NOW.timestamp())
    names = (ORIGIN, "connector.vectors.shugu.dev", "CTR-1", "GRT-1", "ORG-2", "00" * 32, "t1")
    made = token.Token(*names, not_before=start, not_after=start + 600)
    return {"audience": made.aud, "at": AT, "tokens": [token.issue(made, k) for k in keys()]}


def voucher_body() -> Document:
    return {
        "@context": [CONTEXT, "https://shugu.dev/ns/v1"],
        "type": ["VerifiableCredential", "DataTransactionVoucher"],
        "id": f"https://{ORIGIN}/VCH-VECTORS-2026-000000015",
        "issuer": f"https://{ORIGIN}",
        "validFrom": "2026-11-20T00:00:00Z",
        "credentialSubject": {
            "contract": "CTR-VECTORS-2026-00000001",
            "product": {"name": {"zh": "航班准点数据", "en": "Flight punctuality"}, "version": "1"},
            "amount_fen": 1_280_000,
            "delivered": {"sha256": sha256(b"flights").hexdigest(), "bytes": 7},
        },
    }


def log_of(fact: leaf.Fact, suite: str = "sm") -> list[bytes]:
    """The leaf hashes of a log of SIZE facts with `fact` at INDEX."""
    hashes = []
    for n in range(SIZE):
        salt = sha256(f"salt {n}".encode()).digest()
        hashes.append(merkle.leaf_hash(leaf.entry_for(canonical({"n": n}), salt, suite)))
    hashes[INDEX] = fact.leaf_hashes()[1 if suite == "sm" else 0]
    return hashes


def fact_of(credential: Document) -> leaf.Fact:
    payload: Document = {"name": "voucher.issued", "digests": {"credential": credential_digest(credential)}}
    return leaf.Fact(payload, sha256(b"salt of the voucher").digest())


def proof_of(fact: leaf.Fact, signers: list[SigningKey], origin: str = ORIGIN, suite: str = "sm") -> TlogProof:
    hashes = log_of(fact, suite)
    note = sign(Checkpoint(origin, SIZE, merkle.root_of_hashes(hashes)), signers)
    return TlogProof(INDEX, merkle.inclusion_proof(INDEX, SIZE, reader(hashes)), note)


def sealed_parts(body: Document | None = None) -> tuple[Document, leaf.Fact, TlogProof]:
    credential = sign_credential(body or voucher_body(), keys(), NOW)
    fact = fact_of(credential)
    return credential, fact, proof_of(fact, keys())


def join(credential: object, fact: object, proof: bytes) -> bytes:
    return canonical({"credential": credential, "fact": fact, "proof": proof.decode()})


class Forge:
    """A good document taken apart, and the ways to put it together wrongly."""

    def __init__(self) -> None:
        self.credential, self.fact, self.proof = sealed_parts()
        self.text, self.opened = self.proof.encode(), self.fact.as_dict()
        proofs = self.credential["proof"]
        assert isinstance(proofs, list)
        self.proofs: list[Document] = proofs

    def with_fact(self, **members: object) -> bytes:
        return join(self.credential, self.opened | members, self.text)

    def with_proofs(self, proofs: object) -> bytes:
        return join(self.credential | {"proof": proofs}, self.opened, self.text)

    def with_first(self, **members: object) -> bytes:
        return self.with_proofs([self.proofs[0] | members, self.proofs[1]])

    def with_log(self, proof: bytes) -> bytes:
        return join(self.credential, self.opened, proof)

    def with_path(self, hashes: tuple[bytes, ...], extra: bytes | None = None) -> bytes:
        return self.with_log(TlogProof(INDEX, hashes, self.proof.checkpoint, extra).encode())

    def with_lines(self, change: Callable[[list[str]], list[str]]) -> bytes:
        note = parse_note(self.proof.checkpoint)
        lines = "".join(change([s.line() for s in note.signatures]))
        return self.with_log(TlogProof(INDEX, self.proof.hashes, f"{note.text}\n{lines}".encode()).encode())

    def with_payload(self, payload: Document) -> bytes:
        fact = leaf.Fact(payload, self.fact.salt)
        return join(self.credential, fact.as_dict(), proof_of(fact, keys()).encode())


def sealed(credential: Document) -> bytes:
    return seal(credential, fact_of(credential), proof_of(fact_of(credential), keys()))


def resealed(changes: Document, signers: list[SigningKey]) -> bytes:
    return sealed(sign_credential(voucher_body() | changes, signers, NOW))


def credential_defects(made: Forge) -> list[tuple[str, bytes, int]]:
    """(name, document, number of the first check that fails): checks 1 to 6."""
    good = made.with_log(made.text)
    changed = made.credential | {"credentialSubject": {"amount_fen": 1}}
    other = keys("other.shugu.dev/log", "venue")
    return [
        ("space-after-colon", good.replace(b'"proof":"c2sp', b'"proof": "c2sp'), 1),
        ("trailing-newline", good + b"\n", 1),
        ("unknown-member-in-fact", made.with_fact(note=""), 1),
        ("short-salt", made.with_fact(salt=b64(made.fact.salt[:31])), 1),
        ("wrong-proof-header", made.with_log(made.text.replace(b"@v1", b"@v2")), 1),
        ("leading-zero-index", made.with_log(made.text.replace(b"index 300", b"index 0300")), 1),
        ("single-proof-not-in-list", made.with_proofs(made.proofs[0]), 2),
        ("unknown-proof-member", made.with_first(x=""), 2),
        ("other-purpose", made.with_first(proofPurpose="authentication"), 2),
        ("signed-by-stranger", resealed({}, keys(ORIGIN, "stranger")), 3),
        ("issuer-not-pinned", resealed({"issuer": "https://other.shugu.dev/log"}, other), 3),
        ("proofs-out-of-order", made.with_proofs(made.proofs[::-1]), 3),
        ("cryptosuites-swapped", made.with_first(cryptosuite=made.proofs[1]["cryptosuite"]), 3),
        ("subject-changed", join(changed, fact_of(changed).as_dict(), made.text), 4),
        ("created-changed", made.with_first(created="2026-11-21T00:00:00Z"), 4),
        ("no-ed25519-proof", resealed({}, keys()[1:]), 4),
        ("no-sm2-proof", resealed({}, keys()[:1]), 5),
        ("not-yet-valid", resealed({"validFrom": "2027-01-01T00:00:00Z"}, keys()), 6),
        ("expired", resealed({"validUntil": "2026-11-21T00:00:00Z"}, keys()), 6),
    ]


def spelling_defects(made: Forge) -> list[tuple[str, bytes, int]]:
    """The same content spelt otherwise, and keys that nobody pinned: what a lenient reader would let pass."""
    good = made.with_log(made.text)
    salt = b64(made.fact.salt)
    respelt = salt[:-2] + chr(ord(salt[-2]) + 1) + "="  # the last two bits of 32 bytes in base64 are not content
    first = b64(made.proof.hashes[0])
    hash_respelt = made.text.replace(first.encode(), (first[:-2] + chr(ord(first[-2]) + 1) + "=").encode())
    method = str(made.proofs[0]["verificationMethod"])
    digests = made.fact.payload["digests"]
    assert isinstance(digests, dict)
    upper = made.fact.payload | {"digests": {k: str(v).upper() for k, v in digests.items()}}
    value = str(made.proofs[0]["proofValue"])
    return [
        ("member-twice", good.replace(b'"fact":{', b'"fact":{},"fact":{', 1), 1),
        ("needless-escape", good.replace(b"Flight punctuality", b"\\u0046light punctuality", 1), 1),
        ("integer-as-fraction", good.replace(b'"amount_fen":1280000', b'"amount_fen":1280000.0', 1), 1),
        ("salt-respelt", made.with_fact(salt=respelt), 1),
        ("hash-respelt", made.with_log(hash_respelt), 1),
        ("carriage-return-in-proof", made.with_log(made.text.replace(b"index 300\n", b"index 300\r\n")), 1),
        ("unknown-key-id", made.with_first(verificationMethod=method[:-8] + "00000000"), 3),
        ("upper-case-key-id", made.with_first(verificationMethod=method[:-8] + method[-8:].upper()), 3),
        ("signature-with-a-zero-before-it", made.with_first(proofValue="z1" + value[1:]), 4),
        ("upper-case-digest", made.with_payload(upper), 7),
    ]


def seal_defects(made: Forge) -> list[tuple[str, bytes, int]]:
    """The same for checks 7 to 11."""
    stranger = keys(ORIGIN, "stranger")
    other = keys("other.shugu.dev/log", "venue")
    hashes, note = made.proof.hashes, made.proof.checkpoint
    foreign = parse_note(sign_note(parse_note(note).text, stranger)).signatures[0].line()
    elsewhere = proof_of(made.fact, other, "other.shugu.dev/log").encode()
    return [
        ("fact-without-digests", made.with_payload({"name": "voucher.issued"}), 7),
        ("fact-of-other-document", made.with_payload({"name": "voucher.issued", "digests": {}}), 7),
        ("wrong-salt", made.with_fact(salt=b64(bytes(32))), 8),
        ("wrong-index", made.with_log(TlogProof(INDEX + 1, hashes, note).encode()), 8),
        ("one-hash-missing", made.with_path(hashes[:-1]), 8),
        ("one-hash-too-many", made.with_path((*hashes, bytes(32))), 8),
        ("extra-line", made.with_path(hashes, b"x"), 8),
        ("unknown-signature-line", made.with_lines(lambda s: [*s, foreign]), 9),
        ("checkpoint-by-stranger", made.with_log(proof_of(made.fact, stranger).encode()), 9),
        ("no-ed25519-line", made.with_lines(lambda s: s[1:]), 9),
        ("no-sm2-line", made.with_lines(lambda s: s[:1]), 10),
        ("lines-out-of-order", made.with_lines(lambda s: s[::-1]), 11),
        ("line-repeated", made.with_lines(lambda s: [s[0], *s]), 11),
        ("log-of-other-venue", made.with_log(elsewhere), 11),
    ]


def witness(number: int) -> SigningKey:
    return SigningKey(f"w{number}.vectors.shugu.dev", COSIGNING, sha256(f"witness {number}".encode()).digest())


def cosigned(note: bytes, *numbers: int) -> bytes:
    text = parse_note(note).text
    return add_signatures(note, [cosign(text, witness(n), int(NOW.timestamp()) + n) for n in numbers])


def pins_with_witnesses(count: int) -> Keyring:
    return Keyring((*pins().keys, *(witness(n).verify_key for n in range(1, count + 1))))


def cosigned_voucher(*numbers: int) -> bytes:
    """The voucher's sealed document with the cosignatures of these witnesses."""
    credential, fact, proof = sealed_parts()
    return seal(credential, fact, TlogProof(proof.index, proof.hashes, cosigned(proof.checkpoint, *numbers)))


def cosignature_defects() -> list[dict[str, object]]:
    """Sealed documents that fail for their cosignatures, each with the keys to verify it with."""
    credential, fact, proof = sealed_parts()
    good = parse_note(cosigned(proof.checkpoint, 1, 2))
    early = cosign(good.text, witness(1), int(NOW.timestamp())).signature
    moved = early[:7] + bytes([early[7] ^ 1]) + early[8:]
    s = list(good.signatures)
    changed = [*s[:2], replace(s[2], signature=moved)]

    def doc(lines: list[Signature]) -> bytes:
        return seal(credential, fact, TlogProof(proof.index, proof.hashes, Note(good.text, tuple(lines)).encode()))

    cases: list[tuple[str, bytes, int, int]] = [
        ("witness-not-pinned", doc(s), 1, 9),
        ("cosignature-with-another-time", doc(changed), 2, 9),
        ("witnesses-without-the-venue", doc(s[2:]), 2, 9),
        ("cosignatures-out-of-order", doc([*s[:2], s[3], s[2]]), 2, 11),
        ("cosignature-before-the-venue", doc([s[2], *s[:2]]), 2, 11),
        ("cosigned-twice", doc([*s[:3], s[2]]), 2, 11),
    ]
    return [
        {"name": n, "check": c, "document": d.decode(), "vkeys": pins_with_witnesses(w).text()} for n, d, w, c in cases
    ]


def witness_vectors() -> object:
    """Cosignatures, policies and what a witness answers."""
    entries = [merkle.leaf_hash(str(n).encode()) for n in range(SIZE)]
    tree = reader(entries)

    def note(size: int, leaves: list[bytes]) -> bytes:
        return sign(Checkpoint(ORIGIN, size, merkle.root_of_hashes(leaves[:size])), keys())

    plain, proof = note(SIZE, entries), merkle.consistency_proof(600, SIZE, tree)
    fork = entries[:SIZE - 1] + entries[:1]
    members = [f"witness {n} {witness(i).verify_key.vkey()}" for i, n in enumerate("abc", 1)]
    text = "\n".join([*members, "group g 2 a b c", "quorum g", ""])
    small = merkle.root_of_hashes(entries[:600]).hex()
    asked: list[tuple[str, Submission, int, str, int]] = [
        ("first", Submission(0, (), plain), 0, merkle.EMPTY_ROOT.hex(), 200),
        ("grown", Submission(600, proof, plain), 600, small, 200),
        ("again", Submission(SIZE, (), plain), SIZE, merkle.root_of_hashes(entries).hex(), 200),
        ("old-larger-than-new", Submission(SIZE + 1, (), plain), 600, small, 400),
        ("by-a-stranger", Submission(600, proof, sign(Checkpoint(ORIGIN, SIZE, bytes(32)), keys(seed="x"))), 600, small, 403),
        ("other-old-size", Submission(599, proof, plain), 600, small, 409),
        ("proof-cut-short", Submission(600, proof[:-1], plain), 600, small, 422),
        ("proof-from-nothing", Submission(0, (bytes(32),), plain), 0, merkle.EMPTY_ROOT.hex(), 422),
        ("fork", Submission(SIZE, (), note(SIZE, fork)), SIZE, merkle.root_of_hashes(entries).hex(), 422),
    ]
    return {
        "vkeys": pins_with_witnesses(3).text(),
        "checkpoint": cosigned(plain, 1, 3).decode(),
        "policy": text,
        "standings": [
            {"checkpoint": cosigned(plain, *who).decode(), "cosigned": ["abc"[n - 1] for n in who], "reached": len(who) > 1}
            for who in ((), (2,), (1, 3), (1, 2, 3))
        ],
        "refused_policies": {
            "no-quorum": text.replace("quorum g\n", ""), "no-final-newline": text[:-1],
            "threshold-too-high": text.replace("g 2", "g 4"), "name-twice": text.replace("witness b", "witness a"),
            "member-not-defined": text.replace("a b c\n", "a b d\n"),
            "key-of-a-log": text.replace(members[0], f"witness a {keys()[0].verify_key.vkey()}"),
        },
        "submissions": [
            {"name": n, "body": s.encode().decode(), "seen_size": size, "seen_root": root, "status": status}
            for n, s, size, root, status in asked
        ],
    }  # fmt: skip


def rejects() -> list[dict[str, object]]:
    """Documents that must fail, each named by its one defect, with the first check that fails."""
    made = Forge()
    out: list[dict[str, object]] = []
    for name, data, check in credential_defects(made) + spelling_defects(made) + seal_defects(made):
        pinned = pins(two_venues=name == "log-of-other-venue")
        out.append({"name": name, "check": check, "document": data.decode(), "vkeys": pinned.text()})
    return out + cosignature_defects()


def pins(two_venues: bool = False) -> Keyring:
    more = keys("other.shugu.dev/log", "venue") if two_venues else []
    return keyring_of(keys() + more)


def leaf_vectors() -> object:
    fact = fact_of(sign_credential(voucher_body(), keys(), NOW))
    payload = canonical(fact.payload)
    return {
        "payload": payload.decode(),
        "salt_hex": fact.salt.hex(),
        "entry_intl": leaf.entry_for(payload, fact.salt, "intl").decode(),
        "entry_sm": leaf.entry_for(payload, fact.salt, "sm").decode(),
        "leaf_hash_intl": fact.leaf_hashes()[0].hex(),
        "leaf_hash_sm": fact.leaf_hashes()[1].hex(),
    }


def history_lines() -> list[Line]:
    """A venue that began with Ed25519, adopted SM2 at 200, changed its Ed25519 key at 400 and retired the first at 700."""
    (first, sm), (second, _) = keys(), keys(seed="second")
    out: list[Line] = []

    def say(kind: Kind, key: SigningKey, size: int, signers: list[SigningKey], reason: str = "", root: bytes = b"") -> None:
        previous = out[-1].digest if out else ""
        said = Statement(len(out), ORIGIN, kind, (key.verify_key,), NOW, size, previous, reason, root)
        out.append(sign_line(said, signers))

    say(Kind.FOUNDED, first, 0, [first])
    say(Kind.ANNOUNCED, sm, 200, [first, sm], "adopted")
    say(Kind.ANNOUNCED, second, 400, [first, sm, second], "rotated")
    say(Kind.RETIRED, first, 700, [sm, second], root=sha256(b"the log's root at 700").digest())
    replay(out)
    return out


def history_vectors() -> object:
    """Histories that are refused miss a line, have two in another order, a changed size, or a signature too few."""
    lines = history_lines()
    good = write_history(ORIGIN, lines)
    unsigned = [*lines[:2], Line(lines[2].statement, lines[2].signatures[1:]), *lines[3:]]
    refused = {
        "line-removed": write_history(ORIGIN, [*lines[:2], lines[3]]),
        "lines-reordered": write_history(ORIGIN, [lines[0], lines[2], lines[1], lines[3]]),
        "size-changed": good.replace(b'"size":700', b'"size":900'),
        "signature-missing": write_history(ORIGIN, unsigned),
    }
    return {
        "vkey": keyring_of(keys()[:1]).text(),
        "history": good.decode(),
        "lines_sha256": [line.digest for line in lines],
        "periods": [[p.key.vkey(), p.since, p.until] for p in replay(lines).periods],
        "refused": {name: data.decode() for name, data in refused.items()},
    }
def between_venues() -> object:
    """A message to another venue, its receipt, an agreement both have signed, and messages that must be refused."""
    here, there = keys(), keys("other.shugu.dev/log", "other")
    said: Document = {"to": there[0].name, "kind": "agreement.withdrawn", "sequence": 7}
    body: Document = {"reference": "AGR-VECTORS-2026-00000001X", "reason": "重拟条款"}

    def signed(kind: str, subject: Document, signers: list[SigningKey], number: str) -> Document:
        whole: Document = {
            "@context": [CONTEXT], "id": f"urn:shugu:vectors:{number}", "type": ["VerifiableCredential", kind],
            "issuer": f"https://{signers[0].name}", "validFrom": AT,
            "credentialSubject": {"number": number, "venue": "vectors", **subject},
        }  # fmt: skip
        return sign_credential(whole, signers, NOW)

    message = signed(MESSAGE, {**said, "body": body}, here, "message:other:7")
    answer: Document = {"to": here[0].name, "message": credential_digest(message), "sequence": 7, "outcome": "taken", "code": ""}
    agreement = signed("RecognitionAgreement", {"to": there[0].name, "terms": agreed_terms()}, here, "AGR-VECTORS-2026-00000001X")
    defects: dict[str, Document] = {
        "sequence-zero": {**said, "sequence": 0, "body": body},
        "kind-misspelt": {**said, "kind": "Agreement.withdrawn", "body": body},
        "member-too-many": {**said, "body": body, "extra": 1},
        "to-another": {**said, "to": "third.shugu.dev/log", "body": body},
    }  # fmt: skip
    refused = [{"name": n, "message": canonical(signed(MESSAGE, s, here, "m")).decode()} for n, s in defects.items()]
    only_one = signed(MESSAGE, {**said, "body": body}, here[:1], "message:other:7")
    refused.append({"name": "sm2-missing", "message": canonical(only_one).decode()})
    return {
        "at": AT, "to": there[0].name, "vkeys": keyring_of(here).text(), "vkeys_of_receiver": keyring_of(there).text(),
        "message": canonical(message).decode(), "receipt": canonical(signed(RECEIPT, answer, there, "receipt:7")).decode(),
        "agreement": canonical(sign_beside(agreement, there, NOW)).decode(), "refused": refused,
    }  # fmt: skip


def agreed_terms() -> Document:
    parties: list[object] = [{"venue": "vectors", "origin": ORIGIN}, {"venue": "other", "origin": "other.shugu.dev/log"}]
    return {
        "parties": parties, "moves": [], "fees": {"listing": 7000, "selling": 3000}, "notice_days": 30,
        "evidence": {"status_max_age": 3600, "witnesses": 0, "anchors": {}}, "valid_from": "2026-12-01",
        "valid_until": "2027-11-30",
        "recognises": [
            {"by": ORIGIN, "of": "other.shugu.dev/log", "kinds": ["data_property_certificate"], "regimes": ["shenzhen"],
             "waives": [{"register": "data-property", "operation": "first", "materials": ["source_proof"]}]}
        ],
    }  # fmt: skip


def intl_voucher() -> bytes:
    """The same voucher of a venue under `intl`: no SM2 signature, no SM3 commitment."""
    made = sign_credential(voucher_body(), keys()[:1], NOW)
    return seal(made, fact_of(made), proof_of(fact_of(made), keys()[:1], suite="intl"))


def build() -> Files:
    """Every golden file by its path in this folder."""
    credential, fact, proof = sealed_parts()
    return {
        "canonical.json": dump(canonical_vectors()),
        "keys.json": dump(key_vectors()),
        "merkle.json": dump(merkle_vectors()),
        "tiles.json": dump(tile_vectors()),
        "identifiers.json": dump(identifier_vectors()),
        "leaf.json": dump(leaf_vectors()),
        "policy.json": dump(policy_vectors()),
        "token.json": dump(token_vectors()),
        "keyhistory.json": dump(history_vectors()),
        "status.json": dump(status_vectors(Tools(voucher_body(), keys(), sealed))),
        "demands.json": dump(demand_vectors(keys)),
        "message.json": dump(between_venues()),
        "trade.json": dump(trade_vectors(keys(), keys("other.shugu.dev/log", "other"))),
        "valuation.json": dump(valuation_vectors()),
        "rejects.json": dump({"at": AT, "documents": rejects()}),
        "venue.vkey": pins().text().encode(),
        "voucher.json": canonical(credential),
        "voucher.fact.json": fact.encode(),
        "voucher.tlog-proof": proof.encode(),
        "voucher.sealed.json": seal(credential, fact, proof),
        "intl.voucher.sealed.json": intl_voucher(),
        "intl.venue.vkey": keyring_of(keys()[:1]).text().encode(),
        "checkpoint": proof.checkpoint,
        "witness.json": dump(witness_vectors()),
        "witnessed.venue.vkey": pins_with_witnesses(2).text().encode(),
        "witnessed.voucher.sealed.json": cosigned_voucher(1, 2),
    }


def write() -> None:
    for name, data in build().items():
        (HERE / name).write_bytes(data)


if __name__ == "__main__":
    write()
