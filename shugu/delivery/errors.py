"""What delivery refuses, beside the kernel's errors."""

from __future__ import annotations

from shugu.formats.errors import ShuguError
from shugu.kernel.errors import Refused


class ConnectorUnreachable(ShuguError):
    """No answer, or an answer of the connector's own failure: trying again may help."""

    code = "connector-unreachable"
    status = 502
    sentence = ("无法连通连接器 {url}：{why}。", "The connector {url} cannot be reached: {why}.")
    remedy = ("检查连接器是否运行、地址是否正确，稍后重试。", "See that it runs at this address, then try again.")


class ConnectorRefused(ShuguError):
    """The connector answered and refused; `why` is its own sentence."""

    code = "connector-refused-it"
    status = 502
    sentence = ("连接器未接受：{why}", "The connector did not take it: {why}")
    remedy = ("按连接器的提示处理后重试。", "Follow what the connector says, then try again.")


class ConnectorMismatch(ShuguError):
    code = "connector-mismatch"
    status = 422
    sentence = ("该地址上的连接器与所登记的不符：{why}。", "What answers at this address is not what was named: {why}.")
    remedy = ("核对编号、公钥与地址。", "Check id, key and address.")


class AddressRefused(ShuguError):
    code = "connector-address-refused"
    status = 422
    sentence = ("不能使用地址 {url}：{why}。", "The address {url} cannot be used: {why}.")
    remedy = (
        "填写交易场所能够访问的 http 或 https 地址；内网地址须由场所先在 home.toml 的 connector_networks 中写明。",
        "Give an http or https address the venue can reach; the venue names inner networks in home.toml, connector_networks.",
    )


class ReceiptRefused(ShuguError):
    """A receipt that is not what it claims to be. It changes nothing."""

    code = "receipt-refused"
    status = 422
    sentence = ("回执不被接受：{why}。", "The receipt is not accepted: {why}.")
    remedy = ("由登记的连接器就其授权重新签发。", "Have the registered connector sign it for its own grant.")


class ReceiptConflict(ReceiptRefused):
    code = "receipt-conflict"
    status = 409
    sentence = ("回执 {number} 已收到，内容不同。", "Receipt {number} was received before with other content.")
    remedy = ("核查连接器的计量记录。", "Look into the connector's meter.")


class NotOpen(Refused):
    code = "delivery-not-open"
    sentence = ("现在不能提取：{why}。", "Nothing can be taken now: {why}.")
    remedy = ("查看交付页面上的状态与原因。", "See the state and the reason on the delivery's page.")


class DigestDiffers(Refused):
    code = "delivery-digest-differs"
    status = 422
    sentence = ("所收文件的摘要与合同约定的不同。", "What was received has another digest than the contract names.")
    remedy = ("重新提取；仍不相同时，以“摘要不符”拒收。", "Pull it again; if it still differs, reject it for its digest.")


__all__ = [
    "AddressRefused", "ConnectorMismatch", "ConnectorRefused", "ConnectorUnreachable", "DigestDiffers", "NotOpen",
    "ReceiptConflict", "ReceiptRefused",
]  # fmt: skip
