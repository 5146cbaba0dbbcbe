"""The numbered checks that a verifier reports, the same numbers in code, output and docs."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from shugu.formats.errors import Pair, ShuguError
from shugu.formats.verdicts import Verdict


class Outcome(StrEnum):
    OK = "ok"
    FAILED = "failed"
    SKIPPED = "skipped"


class CheckId(StrEnum):
    """Declared in order: a check's number is its place in this list, from 1. New ones go to the end.

    1 to 11 are of the document itself and always reported; the later ones only where what they need was given.
    """

    FILE_FORM = "file-form"
    CREDENTIAL_FORM = "credential-form"
    ISSUER_PINNED = "issuer-pinned"
    PROOF_ED25519 = "proof-ed25519"
    PROOF_SM2 = "proof-sm2"
    DATES = "dates"
    FACT_NAMES_DOCUMENT = "fact-names-document"
    INCLUSION = "inclusion"
    CHECKPOINT_ED25519 = "checkpoint-ed25519"
    CHECKPOINT_SM2 = "checkpoint-sm2"
    LOG_IS_ISSUERS = "log-is-issuers"
    COSIGNATURES = "cosignatures"
    KEY_HISTORY = "key-history"
    STATUS_LIST = "status-list"
    STATUS = "status"
    LOG_GROWTH = "log-growth"
    PDF_WHOLE = "pdf-whole"
    PDF_SPELLING = "pdf-spelling"
    PDF_SIGNATURE = "pdf-signature"
    PDF_FILES = "pdf-files"
    PDF_AUTHORITY = "pdf-authority"
    PDF_SIGNER = "pdf-signer"
    PDF_STAMP = "pdf-stamp"
    PDF_NUMBER = "pdf-number"
    PDF_REVOKED = "pdf-revoked"

    @property
    def number(self) -> int:
        return NUMBERS[self]


NUMBERS: dict[CheckId, int] = {check: number for number, check in enumerate(CheckId, 1)}
CORE: tuple[CheckId, ...] = tuple(CheckId)[: NUMBERS[CheckId.LOG_IS_ISSUERS]]

TITLES: dict[CheckId, Pair] = {
    CheckId.FILE_FORM: ("文件为规范 JSON，成员齐全且无多余", "The file is canonical JSON with known members"),
    CheckId.CREDENTIAL_FORM: ("凭证符合 W3C VC 2.0 形状", "The credential has the W3C VC 2.0 shape"),
    CheckId.ISSUER_PINNED: ("签发方与各签名密钥均受信", "Issuer and every signing key are pinned"),
    CheckId.PROOF_ED25519: ("凭证的 Ed25519 签名有效", "The credential's Ed25519 signature is valid"),
    CheckId.PROOF_SM2: ("凭证的 SM2 签名有效", "The credential's SM2 signature is valid"),
    CheckId.DATES: ("签署与有效期涵盖验证时刻", "Signed before, and valid at, the time of verification"),
    CheckId.FACT_NAMES_DOCUMENT: ("事实记载了本凭证的摘要", "The fact names this credential's digest"),
    CheckId.INCLUSION: ("事实的承诺在日志树中", "The fact's commitment is in the log's tree"),
    CheckId.CHECKPOINT_ED25519: ("检查点的 Ed25519 签名有效", "The checkpoint's Ed25519 signature is valid"),
    CheckId.CHECKPOINT_SM2: ("检查点的 SM2 签名有效", "The checkpoint's SM2 signature is valid"),
    CheckId.LOG_IS_ISSUERS: ("日志属于签发方", "The log is the issuer's"),
    CheckId.COSIGNATURES: ("检查点有策略所要求的见证方联署", "The checkpoint has the cosignatures the policy demands"),
    CheckId.KEY_HISTORY: ("签名时所用密钥在有效期内", "The signing keys were in force when they signed"),
    CheckId.STATUS_LIST: ("状态列表真实且足够新", "The status list is genuine and fresh enough"),
    CheckId.STATUS: ("状态列表载明本凭证有效", "The status list says that the document is in force"),
    CheckId.LOG_GROWTH: ("日志此后只增未改", "The log has only grown since"),
    CheckId.PDF_WHOLE: ("签名覆盖全文，其后无追加", "The signature covers the whole PDF; nothing added after"),
    CheckId.PDF_SPELLING: ("PDF 签名容器为唯一写法", "The PDF's signature is in its one spelling"),
    CheckId.PDF_SIGNATURE: ("PDF 全文摘要与签名有效", "The digest of the PDF and its signature hold"),
    CheckId.PDF_FILES: ("只有一处签名，附有凭证与签章授权", "One signature; credential and authority are attached"),
    CheckId.PDF_AUTHORITY: ("签章授权由受信密钥签发", "The paper authority is signed by the pinned keys"),
    CheckId.PDF_SIGNER: ("签章证书在授权之列，签署时有效", "The certificate is bound there and was valid when it signed"),
    CheckId.PDF_STAMP: ("时间戳有效，出自授权的时间戳机构", "The time stamp is valid, of the authority bound there"),
    CheckId.PDF_NUMBER: ("PDF 与所附凭证同一签发方、同一编号", "The PDF and its credential are of one issuer and number"),
    CheckId.PDF_REVOKED: ("签署时签章证书未被撤销", "No certificate of it was revoked when it was signed"),
}


@dataclass(frozen=True)
class Check:
    """One check with its outcome; `detail` is a (zh, en) pair, empty when there is none.

    `standing` is set on a failed check that leaves the document genuine (expired, revoked …): the verdict it
    leads to. Without it a failed check means that the document does not verify.
    """

    id: CheckId
    outcome: Outcome
    detail: Pair = ("", "")
    standing: Verdict | None = None

    @property
    def n(self) -> int:
        return self.id.number

    @property
    def title(self) -> Pair:
        return TITLES[self.id]


def passed(check: CheckId, zh: str = "", en: str = "") -> Check:
    return Check(check, Outcome.OK, (zh, en))


def failed(check: CheckId, why: ShuguError | Pair, standing: Verdict | None = None) -> Check:
    if isinstance(why, ShuguError):
        why = (why.message("zh"), why.message("en"))
    return Check(check, Outcome.FAILED, why, standing)


def skipped(check: CheckId, zh: str, en: str) -> Check:
    return Check(check, Outcome.SKIPPED, (zh, en))
