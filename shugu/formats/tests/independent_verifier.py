"""A verifier of sealed documents written from docs/formats.md alone; it imports nothing of ours.

`verify(document, vkeys, now)` returns None or raises Refused with the number of the check that
fails. It knows hashlib, json, base64 and Ed25519; SM2 is spelled out below (GB/T 32918.2).
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

P = 0xFFFFFFFEFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF00000000FFFFFFFFFFFFFFFF
A = P - 3
B = 0x28E9FA9E9D9F5E344D5A9E4BCF6509A7F39789F515AB8F92DDBCBD414D940E93
N = 0xFFFFFFFEFFFFFFFFFFFFFFFFFFFFFFFF7203DF6B21C6052B53BBF40939D54123
G = (
    0x32C4AE2C1F1981195F9904466A39C9948FE30BBFF2660BE1715A4589334C74C7,
    0xBC3736A2F4F6779C59BDCEE36B692153D0A9877CC62A474002DF32E52139F0A0,
)
SM2_TYPE = b"\xffsm2-sm3.shugu.dev/v1"
BASE58 = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
CRYPTOSUITES = {"ed25519": "eddsa-jcs-2022", "sm2": "sm2-sm3-jcs-shugu-2026"}
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")
Point = tuple[int, int] | None


class Refused(Exception):
    """`args[0]` is the number of the check that fails."""


def require(check: int, holds: object) -> None:
    if not holds:
        raise Refused(check)


def sha256(data: bytes) -> bytes:
    return hashlib.sha256(data).digest()


def sm3(data: bytes) -> bytes:
    return hashlib.new("sm3", data).digest()


def add(p: Point, q: Point) -> Point:
    if p is None or q is None:
        return q if p is None else p
    if p[0] == q[0] and (p[1] + q[1]) % P == 0:
        return None
    if p == q:
        slope = (3 * p[0] * p[0] + A) * pow(2 * p[1], -1, P) % P
    else:
        slope = (q[1] - p[1]) * pow(q[0] - p[0], -1, P) % P
    x = (slope * slope - p[0] - q[0]) % P
    return x, (slope * (p[0] - x) - p[1]) % P


def multiply(k: int, p: Point) -> Point:
    out: Point = None
    while k:
        if k & 1:
            out = add(out, p)
        p = add(p, p)
        k >>= 1
    return out


def sm2_digest(public: bytes, message: bytes) -> int:
    """e = SM3(Z || message), Z = SM3(bits of id || id || a || b || G || public point)."""
    signer = b"1234567812345678"
    curve = b"".join(v.to_bytes(32, "big") for v in (A, B, *G))
    z = sm3((len(signer) * 8).to_bytes(2, "big") + signer + curve + public[1:])
    return int.from_bytes(sm3(z + message), "big")


def sm2_holds(public: bytes, message: bytes, signature: bytes) -> bool:
    r, s = int.from_bytes(signature[:32], "big"), int.from_bytes(signature[32:], "big")
    if len(signature) != 64 or not (1 <= r < N and 1 <= s < N) or (r + s) % N == 0:
        return False
    key = (int.from_bytes(public[1:33], "big"), int.from_bytes(public[33:], "big"))
    point = add(multiply(s, G), multiply((r + s) % N, key))
    return point is not None and (sm2_digest(public, message) + point[0]) % N == r


def holds(kind: str, public: bytes, message: bytes, signature: bytes) -> bool:
    if kind == "sm2":
        return sm2_holds(public, message, signature)
    if kind == "witness":
        time = int.from_bytes(signature[:8], "big")
        if len(signature) != 72 or not 0 < time < 1 << 63:
            return False
        message, signature = b"cosignature/v1\ntime %d\n" % time + message, signature[8:]
    try:
        Ed25519PublicKey.from_public_bytes(public).verify(signature, message)
    except InvalidSignature:
        return False
    return True


def canonical(value: Any) -> bytes:
    """RFC 8785 without fractions; keys sort by their UTF-16 code units."""
    if isinstance(value, dict):
        names = sorted(value, key=lambda k: k.encode("utf-16-be"))
        return b"{" + b",".join(canonical(n) + b":" + canonical(value[n]) for n in names) + b"}"
    if isinstance(value, list):
        return b"[" + b",".join(map(canonical, value)) + b"]"
    require(1, value is None or isinstance(value, (str, int)))
    return json.dumps(value, ensure_ascii=False).encode()


def unb64(check: int, text: str) -> bytes:
    try:
        data = base64.b64decode(text, validate=True)
    except ValueError:
        raise Refused(check) from None
    require(check, base64.b64encode(data).decode() == text)
    return data


def unbase58(check: int, text: str) -> bytes:
    require(check, text.startswith("z") and all(c in BASE58 for c in text[1:]))
    value = 0
    for char in text[1:]:
        value = value * 58 + BASE58.index(char)
    zeros = len(text[1:]) - len(text[1:].lstrip("1"))
    return b"\0" * zeros + value.to_bytes((value.bit_length() + 7) // 8, "big")


def read_vkeys(text: str) -> list[tuple[str, bytes, str, bytes]]:
    """[(name, key id, kind, public key)] in file order."""
    out = []
    for line in text.splitlines():
        name, key_id, blob = line.split("+", 2)
        data = base64.b64decode(blob, validate=True)
        kind = "sm2" if data.startswith(SM2_TYPE) else {1: "ed25519", 4: "witness"}[data[0]]
        public = data[len(SM2_TYPE) if kind == "sm2" else 1 :]
        assert sha256(name.encode() + b"\n" + data)[:4].hex() == key_id
        out.append((name, bytes.fromhex(key_id), kind, public))
    return out


def check_credential(credential: Any, keys: list[tuple[str, bytes, str, bytes]], now: str) -> str:
    """Checks 2 to 6; returns the issuer's key name."""
    require(2, isinstance(credential, dict) and isinstance(credential.get("proof"), list))
    body = {k: v for k, v in credential.items() if k != "proof"}
    require(2, body.get("@context", [""])[0] == "https://www.w3.org/ns/credentials/v2")
    require(2, body.get("type", [""])[0] == "VerifiableCredential")
    require(2, str(body.get("issuer")).startswith("https://"))
    require(2, isinstance(body.get("credentialSubject"), dict))
    issuer = body["issuer"].removeprefix("https://")
    methods = {f"https://{k[0]}#{k[1].hex()}": n for n, k in enumerate(keys)}
    members = {
        "@context",
        "type",
        "cryptosuite",
        "created",
        "verificationMethod",
        "proofPurpose",
        "proofValue",
    }
    order: list[int] = []
    signed: set[tuple[str, str]] = set()
    times: list[str] = [str(body.get("validFrom"))]
    for proof in credential["proof"]:
        require(2, proof.keys() == members and proof["@context"] == body["@context"])
        require(2, (proof["type"], proof["proofPurpose"]) == ("DataIntegrityProof", "assertionMethod"))
        require(3, proof["verificationMethod"] in methods)
        order.append(methods[proof["verificationMethod"]])
        name, _, kind, public = keys[order[-1]]
        require(3, proof["cryptosuite"] == CRYPTOSUITES.get(kind))
        options = {k: v for k, v in proof.items() if k != "proofValue"}
        digest = sm3 if kind == "sm2" else sha256
        message = digest(canonical(options)) + digest(canonical(body))
        check = 5 if kind == "sm2" else 4
        require(check, holds(kind, public, message, unbase58(check, proof["proofValue"])))
        signed.add((name, kind))
        times.append(proof["created"])
    require(3, order == sorted(set(order)))
    require(3, any(k[0] == issuer and k[2] == "ed25519" for k in keys))
    for name, _, kind, _ in keys:
        require(5 if kind == "sm2" else 4, kind == "witness" or name != issuer or (name, kind) in signed)
    require(2, all(TIME.fullmatch(t) for t in times))
    require(6, all(t <= now for t in times) and now < str(body.get("validUntil", "9999")))
    return str(issuer)


def check_inclusion(leaf: bytes, index: int, size: int, path: list[bytes]) -> bytes:
    require(8, index < size)
    out, last = leaf, size - 1
    while last:
        if index & 1 or index < last:
            require(8, path)
            other = path.pop(0)
            out = sha256(b"\x01" + (other + out if index & 1 else out + other))
        index, last = index >> 1, last >> 1
    require(8, not path)
    return out


def check_checkpoint(note: str, keys: list[tuple[str, bytes, str, bytes]], issuer: str) -> tuple[int, bytes]:
    """Checks 9 to 11; returns size and root."""
    text, gap, lines = note.rpartition("\n\n")
    require(9, gap and lines.endswith("\n"))
    text += "\n"
    origin, size, root, end = text.split("\n")
    require(9, end == "" and re.fullmatch("0|[1-9][0-9]*", size))
    order: list[int] = []
    for line in lines.split("\n")[:-1]:
        dash, name, blob = line.split(" ")
        data = unb64(9, blob)
        places = [n for n, k in enumerate(keys) if k[:2] == (name, data[:4])]
        require(9, dash == "\u2014" and places)
        order.append(places[0])
        kind, public = keys[places[0]][2:]
        require(10 if kind == "sm2" else 9, holds(kind, public, text.encode(), data[4:]))
    require(11, order == sorted(set(order)))
    signed = {(keys[n][0], keys[n][2]) for n in order}
    for name, _, kind, _ in keys:
        require(10 if kind == "sm2" else 9, kind == "witness" or name != origin or (name, kind) in signed)
    require(11, origin == issuer)
    return int(size), unb64(9, root)


def check_fact(fact: Any, credential: Any) -> list[bytes]:
    """Check 7; returns the two leaf hashes the fact may have."""
    require(1, isinstance(fact, dict) and fact.keys() == {"payload", "salt"})
    salt, payload = unb64(1, fact["salt"]), canonical(fact["payload"])
    require(1, len(salt) == 32)
    digests = fact["payload"].get("digests")
    require(7, isinstance(digests, dict) and sha256(canonical(credential)).hex() in digests.values())
    first = sha256(salt + payload).hex()
    second = sm3(salt + payload).hex()
    entries = ({"sha256": first, "v": 1}, {"sha256": first, "sm3": second, "v": 1})
    return [sha256(b"\x00" + canonical(e)) for e in entries]


def verify(document: bytes, vkeys: str, now: str) -> None:
    """Raises Refused with the number of the failing check; `now` is 2026-11-22T02:05:04Z."""
    try:
        value = json.loads(document)
    except ValueError:
        raise Refused(1) from None
    require(1, canonical(value) == document and value.keys() == {"credential", "fact", "proof"})
    keys = read_vkeys(vkeys)
    head, _, note = value["proof"].partition("\n\n")
    lines = head.split("\n")
    require(1, lines.pop(0) == "c2sp.org/tlog-proof@v1")
    require(8, lines and not lines[0].startswith("extra "))
    index = re.fullmatch("index (0|[1-9][0-9]*)", lines.pop(0))
    require(1, index)
    path = [unb64(1, line) for line in lines]
    require(1, index is not None and all(len(h) == 32 for h in path))
    issuer = check_credential(value["credential"], keys, now)
    leaves = check_fact(value["fact"], value["credential"])
    size, root = check_checkpoint(note, keys, issuer)
    assert index is not None
    roots = [check_inclusion(leaf, int(index[1]), size, list(path)) for leaf in leaves]
    require(8, root in roots)
