"""The root of the one error tree, and the children the formats raise.

A subclass states `code`, `status` (HTTP), `sentence` and `remedy` as (zh, en) pairs. Both may
hold `{placeholders}`, filled from the keyword arguments of the constructor; an argument may
itself be a (zh, en) pair.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, Literal

Lang = Literal["zh", "en"]
Pair = tuple[str, str]
Value = str | int | Pair


class _Gaps(dict[str, str]):
    """Shows an unfilled placeholder as written: an error must never fail while being told."""

    def __missing__(self, key: str) -> str:
        return "{" + key + "}"


def _in(lang: str, value: object) -> str:
    if isinstance(value, tuple) and len(value) == 2:
        return str(value[0] if lang == "zh" else value[1])
    return str(value)


class ShuguError(Exception):
    """Every refusal of the project. `article` names the source that demands it, if one does."""

    code: ClassVar[str] = "error"
    status: ClassVar[int] = 500
    sentence: ClassVar[Pair] = ("出现错误。", "Something went wrong.")
    remedy: ClassVar[Pair] = ("请稍后重试。", "Please try again later.")

    def __init__(
        self,
        *,
        article: str | None = None,
        field_errors: Mapping[str, Pair] | None = None,
        **params: Value,
    ) -> None:
        self.article = article
        self.field_errors: dict[str, Pair] = dict(field_errors or {})
        self.params: dict[str, Value] = dict(params)
        super().__init__(self.message("en"))

    def _fill(self, text: Pair, lang: str) -> str:
        template = text[0] if lang == "zh" else text[1]
        return template.format_map(_Gaps({k: _in(lang, v) for k, v in self.params.items()}))

    def message(self, lang: str = "zh") -> str:
        return self._fill(self.sentence, lang)

    def remedy_text(self, lang: str = "zh") -> str:
        return self._fill(self.remedy, lang)

    def as_dict(self, lang: str = "zh") -> dict[str, object]:
        """{"code", "message", "remedy", "article"} and "field_errors" when there are any."""
        out: dict[str, object] = {
            "code": self.code,
            "message": self.message(lang),
            "remedy": self.remedy_text(lang),
            "article": self.article,
        }
        if self.field_errors:
            out["field_errors"] = {k: _in(lang, v) for k, v in self.field_errors.items()}
        return out


class FormatError(ShuguError):
    """Bytes or values that are not of the form they claim (HTTP 400)."""

    code = "bad-format"
    status = 400
    sentence = ("格式不符：{reason}。", "Not of the expected form: {reason}.")
    remedy = ("请按 docs/formats.md 的规定重新生成。", "Produce it again as docs/formats.md says.")


class NotCanonical(FormatError):
    code = "not-canonical"
    sentence = ("不是规范化的 JSON：{reason}。", "Not canonical JSON: {reason}.")
    remedy = (
        "请使用 RFC 8785 规范形式；小数写成字符串。",
        "Use the RFC 8785 form; write fractions as strings.",
    )


class BadBase64(FormatError):
    code = "bad-base64"
    sentence = ("Base64 写法不唯一或有误。", "Base64 is wrong or not in its single spelling.")
    remedy = ("请使用带填充的标准写法。", "Use the one standard spelling.")


class BadKey(FormatError):
    code = "bad-key"
    sentence = ("密钥无法读取：{reason}。", "The key cannot be read: {reason}.")
    remedy = ("请检查密钥文件与口令。", "Check the key file and its password.")


class BadNote(FormatError):
    code = "bad-note"
    sentence = ("签名便笺格式有误：{reason}。", "Malformed signed note: {reason}.")


class BadCheckpoint(FormatError):
    code = "bad-checkpoint"
    sentence = ("检查点格式有误：{reason}。", "Malformed checkpoint: {reason}.")


class BadTile(FormatError):
    code = "bad-tile"
    sentence = ("日志分块有误：{reason}。", "Malformed log tile: {reason}.")


class BadProofFile(FormatError):
    code = "bad-proof-file"
    sentence = ("存证证明文件有误：{reason}。", "Malformed proof file: {reason}.")


class BadEntry(FormatError):
    code = "bad-entry"
    sentence = ("日志条目有误：{reason}。", "Malformed log entry: {reason}.")


class BadCredential(FormatError):
    code = "bad-credential"
    sentence = ("凭证格式有误：{reason}。", "Malformed credential: {reason}.")


class BadStatusList(FormatError):
    code = "bad-status-list"
    sentence = ("状态列表有误：{reason}。", "Malformed status list: {reason}.")
    remedy = ("请向出具方重新获取状态列表。", "Fetch the status list from the issuer again.")


class BadPdf(FormatError):
    code = "bad-pdf"
    sentence = ("PDF 文件不是本场所签署的样式：{reason}。", "The PDF is not as a venue signs it: {reason}.")
    remedy = ("请使用场所签发的原文件，不要另存、打印或合并。", "Use the file as issued: not saved again, printed or merged.")


class BadPolicy(FormatError):
    code = "bad-policy"
    sentence = ("使用策略有误：{reason}。", "Malformed policy: {reason}.")
    remedy = ("请按本项目的 ODRL 子集填写。", "Use the project's ODRL profile.")


class BadToken(FormatError):
    code = "bad-token"
    sentence = ("交付令牌格式有误：{reason}。", "Malformed delivery token: {reason}.")
    remedy = ("请向交易所重新领取令牌。", "Ask the exchange for a new token.")


class BadMessage(FormatError):
    code = "bad-message"
    sentence = ("场所间消息格式有误：{reason}。", "Malformed message between venues: {reason}.")


class BadIdentifier(FormatError):
    code = "bad-identifier"
    sentence = ("编号“{value}”有误：{reason}。", "The identifier “{value}” is wrong: {reason}.")
    remedy = ("请核对后重新输入。", "Check it and type it again.")


class BadWitnessPolicy(FormatError):
    code = "bad-witness-policy"
    sentence = ("见证策略第 {line} 行有误：{reason}。", "Malformed witness policy, line {line}: {reason}.")
    remedy = ("按 C2SP tlog-policy 的写法改正。", "Correct it as C2SP tlog-policy says.")


class BadSubmission(FormatError):
    code = "bad-submission"
    sentence = ("会签请求有误：{reason}。", "Malformed add-checkpoint request: {reason}.")
    remedy = ("按 C2SP tlog-witness 的写法提交。", "Submit it as C2SP tlog-witness says.")


class BadUscc(BadIdentifier):
    code = "bad-uscc"
    sentence = (
        "统一社会信用代码“{value}”有误：{reason}。",
        "The unified social credit code “{value}” is wrong: {reason}.",
    )
    remedy = ("请对照营业执照核对 18 位代码。", "Check the 18 characters against the licence.")


class VerificationError(ShuguError):
    """Well-formed bytes that do not prove what they claim (HTTP 422)."""

    code = "not-verified"
    status = 422
    sentence = ("验证不通过：{reason}。", "Verification failed: {reason}.")
    remedy = ("请向出具方索取原件。", "Ask the issuer for the original.")


class BadSignature(VerificationError):
    code = "bad-signature"
    sentence = ("{name} 的签名无效。", "The signature of {name} is invalid.")


class UnknownSigner(VerificationError):
    code = "unknown-signer"
    sentence = ("签名方 {name} 不在受信密钥之列。", "The signer {name} is not among the keys trusted.")
    remedy = ("请核对所用的公钥文件。", "Check the key file you verify with.")


class MissingSignature(VerificationError):
    code = "missing-signature"
    sentence = ("缺少 {name} 的签名。", "The signature of {name} is missing.")


class QuorumMissing(VerificationError):
    """The cosignatures that a policy demands are not there."""

    code = "quorum-missing"
    sentence = ("见证人会签不足：{reason}。", "Too few witnesses have cosigned: {reason}.")
    remedy = ("待见证人会签后再试。", "Try again once they have.")


class ProofInvalid(VerificationError):
    code = "proof-invalid"
    sentence = ("默克尔证明不成立：{reason}。", "The Merkle proof does not hold: {reason}.")


class CommitmentMismatch(VerificationError):
    code = "commitment-mismatch"
    sentence = ("内容与其承诺不符：{reason}。", "Content and commitment differ: {reason}.")


class StatusListMissing(VerificationError):
    code = "status-list-missing"
    sentence = ("没有可用的状态列表 {url}。", "There is no status list {url} that speaks of this time.")
    remedy = ("请联网获取该列表后再验证。", "Fetch that list and verify again.")


class StaleStatusList(VerificationError):
    code = "status-list-stale"
    sentence = ("状态列表 {url} 第 {version} 版（{at}）已过时。", "Version {version} of the status list {url} ({at}) is too old.")
    remedy = ("请获取最新版本。", "Fetch the newest version.")


class StatusListForked(VerificationError):
    code = "status-list-forked"
    sentence = (
        "状态列表 {url} 第 {old} 版与第 {new} 版相互矛盾：{why}。",
        "Versions {old} and {new} of the status list {url} contradict each other: {why}.",
    )
    remedy = (
        "请保存两份列表：它们都有场所签名，足以证明其前后不一。",
        "Keep both: each bears the venue's signature, together they prove it.",
    )


class TokenRefused(VerificationError):
    code = "token-refused"
    status = 401
    sentence = ("交付令牌不被接受：{reason}。", "The delivery token is refused: {reason}.")
    remedy = ("请确认合同有效后重新领取令牌。", "Make sure the contract is live, then ask again.")
