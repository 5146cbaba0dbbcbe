"""What a connector refuses, and why. Each class is one JSON error {code, message, remedy}."""

from __future__ import annotations

from shugu.formats.errors import Pair, ShuguError
from shugu.formats.policy import SENTENCES, Reason


def within(error: ShuguError) -> Pair:
    """What it says, to stand inside another sentence: without its full stop."""
    return error.message("zh").rstrip("。"), error.message("en").rstrip(".")


class ConnectorError(ShuguError):
    code = "connector-refused"
    status = 400
    sentence = ("连接器拒绝了请求：{detail}", "The connector refused the request: {detail}")
    remedy = ("请核对请求内容。", "Check the request.")


class HomeNotReady(ConnectorError):
    code = "connector-not-ready"
    status = 503
    sentence = ("连接器目录 {path} 尚未就绪：{detail}", "The connector home {path} is not ready: {detail}")
    remedy = ("请先运行 connector init。", "Run connector init first.")


class Replayed(ConnectorError):
    code = "connector-replayed"
    status = 409
    sentence = ("{what} 与已收到的内容冲突或是重放", "{what} conflicts with what was received, or is a replay")
    remedy = ("请使用更大的序号重新签发。", "Issue it again with a higher sequence number.")


class KeyUnknown(ConnectorError):
    code = "exchange-key-unknown"
    status = 503
    sentence = (
        "签名密钥 {key} 未经固定，也未能依密钥沿革核实：{why}",
        "The signing key {key} is not pinned, and the key history does not settle whose it is: {why}",
    )
    remedy = (
        "请检查连接器能否访问交易所的 /.well-known/venue-keys.json，然后重发。",
        "See that the connector reaches the exchange's /.well-known/venue-keys.json, then send it again.",
    )


class NoToken(ConnectorError):
    code = "token-missing"
    status = 401
    sentence = ("没有出示交付令牌", "No delivery token was shown")
    remedy = ("请以 Authorization: Bearer 出示合同令牌。", "Show the contract's token as Authorization: Bearer.")


class TokenMismatch(ConnectorError):
    code = "token-mismatch"
    status = 403
    sentence = ("令牌与授权在 {field} 上不一致", "The token and the grant differ in {field}")
    remedy = ("请使用该授权的令牌。", "Use the token of this grant.")


class UnknownGrant(ConnectorError):
    code = "grant-unknown"
    status = 403
    sentence = ("没有编号为 {grant} 的有效授权", "There is no live grant {grant}")
    remedy = ("请等待交易所下发授权。", "Wait for the exchange to send the grant.")


class GrantNotLive(ConnectorError):
    code = "grant-not-live"
    status = 403
    sentence = ("授权 {grant} 已处于 {state} 状态", "The grant {grant} is {state}")
    remedy = ("请向交易所查询原因。", "Ask the exchange for the reason.")


class UnknownFile(ConnectorError):
    code = "file-unknown"
    status = 404
    sentence = ("授权范围内没有文件 {file}", "The grant covers no file {file}")
    remedy = ("请核对文件名。", "Check the file name.")


class UnknownProduct(ConnectorError):
    code = "product-unknown"
    status = 404
    sentence = ("连接器没有产品 {product}", "The connector holds no product {product}")
    remedy = ("请先运行 connector add-product。", "Run connector add-product first.")


class FileChanged(ConnectorError):
    code = "file-changed"
    status = 409
    sentence = ("文件 {file} 与登记时不同", "The file {file} is not what was added")
    remedy = ("请恢复原文件，或作为新版本登记。", "Restore the file, or add it as a new version.")


class RangeUnusable(ConnectorError):
    code = "range-not-satisfiable"
    status = 416
    sentence = ("字节范围无法满足，文件共 {size} 字节", "The byte range cannot be met; the file has {size} bytes")
    remedy = ("请请求文件内的单个范围。", "Ask for one range inside the file.")


class BadQuery(ConnectorError):
    code = "query-malformed"
    status = 400
    sentence = ("查询条件有误：{detail}", "The query is wrong: {detail}")
    remedy = ("请使用 columns、where=字段:比较:值 与 limit。", "Use columns, where=column:op:value and limit.")


class PolicyDenied(ConnectorError):
    """A denial by the contract's policy or limits; `code` and sentence are those of the reason."""

    code = "policy-denied"
    status = 403
    remedy = (
        "请按合同约定的用途、期限、次数、流量与频率使用，或变更合同。",
        "Keep to the purpose, term, count, volume and rate of the contract, or amend it.",
    )

    def __init__(self, reason: Reason, *, retry_after: int | None = None) -> None:
        self.reason = reason
        self.retry_after = retry_after
        super().__init__()

    def _words(self) -> Pair:
        return SENTENCES[self.reason]

    def message(self, lang: str = "zh") -> str:
        return self._words()[0 if lang == "zh" else 1]

    def as_dict(self, lang: str = "zh") -> dict[str, object]:
        return super().as_dict(lang) | {"code": self.reason.value}

    @property
    def http_status(self) -> int:
        return 429 if self.reason is Reason.RATE else self.status
