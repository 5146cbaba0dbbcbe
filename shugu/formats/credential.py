"""Verifiable credentials (W3C VC Data Model 2.0) with Data Integrity proofs over canonical JSON.

Two closed proof kinds: `eddsa-jcs-2022` (Ed25519, SHA-256) and `sm2-sm3-jcs-shugu-2026`
(SM2, SM3). A venue under `sm` attaches both, Ed25519 first. The proof that a credential is in
the log is never inside the signed bytes.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from shugu.formats.base58 import from_multibase, multibase
from shugu.formats.canonical import canonical, digest_hex
from shugu.formats.checks import Check, CheckId, Outcome, failed, passed, skipped
from shugu.formats.errors import (
    BadCredential,
    BadSignature,
    FormatError,
    MissingSignature,
    ShuguError,
    UnknownSigner,
    VerificationError,
)
from shugu.formats.status import read_entries
from shugu.formats.suites import Keyring, Signer, VerifyKey
from shugu.formats.times import read_time, write_time
from shugu.formats.verdicts import Verdict

Document = dict[str, object]

CONTEXT: Final = "https://www.w3.org/ns/credentials/v2"
CRYPTOSUITES: Final = {"intl": "eddsa-jcs-2022", "sm": "sm2-sm3-jcs-shugu-2026"}
_PROOF_MEMBERS: Final = {
    "@context",
    "type",
    "cryptosuite",
    "created",
    "verificationMethod",
    "proofPurpose",
    "proofValue",
}


def issuer_of(name: str) -> str:
    """The issuer URL of the keys called `name`."""
    return f"https://{name}"


def _require(condition: bool, zh: str, en: str) -> None:
    if not condition:
        raise BadCredential(reason=(zh, en))


def check_body(body: Document) -> None:
    """The shape every credential body has, `proof` aside. Raises BadCredential."""
    context, types = body.get("@context"), body.get("type")
    _require(isinstance(context, list) and context[:1] == [CONTEXT], "@context 有误", "wrong @context")
    _require(isinstance(types, list) and types[:1] == ["VerifiableCredential"], "type 有误", "wrong type")
    issuer = body.get("issuer")
    _require(isinstance(issuer, str) and issuer.startswith("https://"), "issuer 有误", "wrong issuer")
    _require(isinstance(body.get("credentialSubject"), dict), "缺少主体", "there is no credentialSubject")
    for member in ("validFrom", "validUntil"):
        value = body.get(member)
        if value is None and (member == "validUntil" and member not in body):
            continue
        _require(isinstance(value, str), f"{member} 有误", f"wrong {member}")
        read_time(str(value))
    if "credentialStatus" in body:
        read_entries(body["credentialStatus"])


def hash_data(body: Document, options: Document, key: VerifyKey) -> bytes:
    """What is signed: H(canonical proof options) || H(canonical body), H the suite's hash.

    The options are the proof without `proofValue`; the body is the credential without `proof`.
    """
    return _hash_data(canonical(body), options, key)


def _hash_data(body: bytes, options: Document, key: VerifyKey) -> bytes:
    return key.suite.hash(canonical(options)) + key.suite.hash(body)


def make_proof(body: Document, key: Signer, created: datetime) -> Document:
    """One proof over a body. Raises BadCredential, NotCanonical."""
    options: Document = {
        "@context": body["@context"],
        "type": "DataIntegrityProof",
        "cryptosuite": CRYPTOSUITES[key.suite.name],
        "created": write_time(created),
        "verificationMethod": key.method,
        "proofPurpose": "assertionMethod",
    }
    signature = key.sign(hash_data(body, options, key.verify_key))
    return {**options, "proofValue": multibase(signature)}


def sign_credential(body: Document, keys: Sequence[Signer], created: datetime) -> Document:
    """The body with one proof per key, in order. Raises BadCredential.

    At least one key must be the issuer's own (issuer = https://<key name>).
    """
    check_body(body)
    _require("proof" not in body, "正文已有 proof", "the body already has a proof")
    owns = any(body["issuer"] == issuer_of(k.name) for k in keys)
    _require(owns, "没有签发方自己的密钥", "no key is the issuer's own")
    return {**body, "proof": [make_proof(body, k, created) for k in keys]}


def credential_digest(credential: Document) -> str:
    """Hexadecimal SHA-256 of the canonical credential, proofs included."""
    return digest_hex(credential)


def split_proofs(credential: Document) -> tuple[Document, list[Document]]:
    """(body, proofs). Raises BadCredential."""
    body = {k: v for k, v in credential.items() if k != "proof"}
    proofs = credential.get("proof")
    if not isinstance(proofs, list) or not 1 <= len(proofs) <= 16:
        raise BadCredential(reason=("proof 应为 1 至 16 项的列表", "proof is a list of 1 to 16"))
    for proof in proofs:
        _require(
            isinstance(proof, dict) and proof.keys() == _PROOF_MEMBERS,
            "proof 成员不符",
            "wrong proof members",
        )
        _require(proof["type"] == "DataIntegrityProof", "proof 类型未知", "unknown proof type")
        _require(proof["proofPurpose"] == "assertionMethod", "proof 用途不符", "wrong proof purpose")
        _require(proof["@context"] == body.get("@context"), "proof 语境不符", "wrong proof context")
        texts = all(isinstance(proof[m], str) for m in _PROOF_MEMBERS - {"@context"})
        _require(texts, "proof 成员应为文本", "proof members are texts")
        read_time(str(proof["created"]))
    return body, proofs


def signer(proof: Document, keys: Keyring) -> VerifyKey:
    """The pinned key of a proof. Raises UnknownSigner, BadCredential for another proof kind."""
    method = str(proof["verificationMethod"])
    key = keys.by_method(method)
    if key is None:
        raise UnknownSigner(name=method)
    if proof["cryptosuite"] != CRYPTOSUITES.get(key.suite.name):
        raise BadCredential(reason=("签名算法与密钥不符", "the cryptosuite is not the key's"))
    return key


def verify_proof(body: Document, proof: Document, key: VerifyKey) -> None:
    """Raises BadSignature, FormatError."""
    _verify_proof(canonical(body), proof, key)


def _verify_proof(body: bytes, proof: Document, key: VerifyKey) -> None:
    """The same over the canonical body, which all proofs of a credential share."""
    options = {k: v for k, v in proof.items() if k != "proofValue"}
    if not key.holds(_hash_data(body, options, key), from_multibase(str(proof["proofValue"]))):
        raise BadSignature(name=key.method)


def _signers(body: Document, proofs: list[Document], keys: Keyring) -> tuple[str, list[VerifyKey]]:
    issuer = str(body["issuer"]).removeprefix("https://")
    if "intl" not in keys.suites_of(issuer):
        raise UnknownSigner(name=issuer)
    signers = [signer(proof, keys) for proof in proofs]
    places = [keys.order(key) for key in signers]
    if places != sorted(set(places)):
        raise BadCredential(reason=("签名次序与公钥文件不同", "the proofs are out of order"))
    return issuer, signers


def _suite_check(
    suite: str, issuer: str, body: bytes, signed: list[tuple[Document, VerifyKey]], keys: Keyring
) -> Check:
    check = CheckId.PROOF_ED25519 if suite == "intl" else CheckId.PROOF_SM2
    own = [(proof, key) for proof, key in signed if key.suite.name == suite]
    try:
        for proof, key in own:
            _verify_proof(body, proof, key)
        if suite in keys.suites_of(issuer) and not any(key.name == issuer for _, key in own):
            raise MissingSignature(name=f"{issuer} ({suite})")
    except ShuguError as error:
        return failed(check, error)
    if not own:
        return skipped(check, "公钥文件中没有 SM2 密钥", "no SM2 key is pinned")
    named = ", ".join(key.method for _, key in own)
    return passed(check, named, named)


def verify_credential(credential: Document, keys: Keyring) -> list[Check]:
    """Checks 2 to 5; never raises for what the document holds. See `require_credential`."""
    try:
        body, proofs = split_proofs(credential)
        check_body(body)
        whole = canonical(body)
        canonical(proofs)
    except FormatError as error:
        return [failed(CheckId.CREDENTIAL_FORM, error)]
    checks = [passed(CheckId.CREDENTIAL_FORM)]
    try:
        issuer, signers = _signers(body, proofs, keys)
    except ShuguError as error:
        return [*checks, failed(CheckId.ISSUER_PINNED, error)]
    checks.append(passed(CheckId.ISSUER_PINNED, issuer, issuer))
    signed = list(zip(proofs, signers, strict=True))
    return checks + [_suite_check(s, issuer, whole, signed, keys) for s in CRYPTOSUITES]


def require_credential(credential: Document, keys: Keyring) -> Document:
    """The credential's body, if every check of `verify_credential` holds.

    Raises VerificationError with the failed check's detail.
    """
    for check in verify_credential(credential, keys):
        if check.outcome is Outcome.FAILED:
            raise VerificationError(reason=check.detail)
    return split_proofs(credential)[0]


def verify_dates(credential: Document, now: datetime) -> Check:
    """Check 6: every proof was made by `now`, and validFrom <= now < validUntil."""
    body, proofs = split_proofs(credential)
    latest = max(read_time(str(p["created"])) for p in proofs)
    if latest > now:
        return failed(CheckId.DATES, ("签署时间晚于验证时刻", "signed after the time of verification"))
    if read_time(str(body["validFrom"])) > now:
        return failed(CheckId.DATES, ("尚未生效", "not yet valid"))
    if "validUntil" in body and read_time(str(body["validUntil"])) <= now:
        return failed(CheckId.DATES, ("已过有效期", "no longer valid"), Verdict.EXPIRED)
    return passed(CheckId.DATES)
