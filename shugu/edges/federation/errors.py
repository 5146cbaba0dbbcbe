"""What one venue refuses another, and what it refuses its own people about other venues."""

from __future__ import annotations

from shugu.formats.errors import ShuguError
from shugu.kernel.errors import Refused


class UnknownPeer(ShuguError):
    code = "unknown-peer"
    status = 403
    sentence = ("{origin} 不是已登记的场所。", "{origin} is not a venue known here.")
    remedy = ("由运营人员核对公钥后登记该场所。", "Have the operator compare its keys and add it first.")


class PeerPaused(ShuguError):
    code = "peer-paused"
    status = 403
    sentence = ("与 {origin} 的往来已暂停。", "Dealings with {origin} are paused.")
    remedy = ("联系对方运营人员。", "Ask the operator of the other venue.")


class MessageTooLarge(ShuguError):
    code = "message-too-large"
    status = 413
    sentence = ("消息超过 {most} 字节。", "The message has more than {most} bytes.")
    remedy = ("改发文件摘要，由对方另行取用。", "Send a digest and let the other side fetch the document.")


class MessageOutOfOrder(ShuguError):
    """`expected`: the sequence that the receiver takes next; it also stands in the header Federation-Expected."""

    code = "message-out-of-order"
    status = 409
    sentence = ("应先收到第 {expected} 号消息。", "Message {expected} is expected first.")
    remedy = ("从该号起按次序重发。", "Send again from that number, in order.")

    def __init__(self, expected: int) -> None:
        self.expected = expected
        super().__init__(expected=expected)


class MessageConflict(ShuguError):
    code = "message-conflict"
    status = 409
    sentence = ("第 {sequence} 号消息此前已收到，内容不同。", "Message {sequence} was received before with other content.")
    remedy = (
        "核对双方的消息记录；恢复过旧备份的一方须由运营人员处理。",
        "Compare both sides' records; after restoring an old backup the operator has to step in.",
    )


class DemonstrationMismatch(ShuguError):
    code = "demonstration-mismatch"
    status = 422
    sentence = ("示范场所与真实场所之间不互认。", "Demonstration venues and real ones do not recognise each other.")
    remedy = ("仅与同类场所往来。", "Deal with venues of the same kind only.")


class UnknownMessageKind(ShuguError):
    code = "unknown-message-kind"
    status = 422
    sentence = ("不办理 {kind} 类消息。", "Messages of kind {kind} are not dealt with here.")
    remedy = ("核对双方软件版本。", "Compare the software versions of both venues.")


class PeerUnreachable(ShuguError):
    code = "peer-unreachable"
    status = 502
    sentence = ("{origin} 没有给出可用的答复：{why}。", "{origin} gave no usable answer: {why}.")
    remedy = ("稍后自动重试；持续如此时联系对方。", "It is tried again by itself; if it lasts, ask the other venue.")


class AgreementMissing(Refused):
    code = "agreement-missing"
    sentence = ("与 {origin} 没有生效中的互认协议覆盖此项：{what}。", "No agreement in force with {origin} covers this: {what}.")
    remedy = ("由运营人员与对方签订或恢复协议。", "Have the operators of both venues sign or resume one.")


class ChainMissing(ShuguError):
    code = "chain-missing"
    status = 409
    sentence = (
        "本场所没有接入链 {chain} 及协议所指的合约。",
        "Chain {chain} with the agreement's contract is not configured here.",
    )
    remedy = ("由运营人员按协议配置该链。", "Have the operator configure the chain as agreed.")


class LogBehind(ShuguError):
    """The log that a peer shows is shorter than one it signed before: an old state, or a withheld one."""

    code = "peer-log-behind"
    status = 422
    sentence = (
        "{origin} 所示日志只有 {size} 条，旧于其签署过的 {seen} 条（{when}）。",
        "The log that {origin} shows has {size} entries; it signed one of {seen} before ({when}).",
    )
    remedy = (
        "稍后再试；持续如此时联系对方并告知监管部门。",
        "Try again; if it lasts, ask the other venue and tell the supervisor.",
    )


class LogForked(ShuguError):
    """Both trees are signed by the peer and one does not grow into the other."""

    code = "peer-log-forked"
    status = 422
    sentence = (
        "{origin} 的日志被改写：{size} 条时签署的根是 {first}，如今是 {second}。",
        "The log of {origin} was rewritten: the root signed at {size} entries was {first}, now it is {second}.",
    )
    remedy = ("两份签名已留存，请告知监管部门。", "Both signatures are kept: tell the supervisor.")


class RecordStale(ShuguError):
    code = "peer-record-stale"
    status = 422
    sentence = (
        "{what}作于 {at}，已过 {age}，超过约定的 {limit}。",
        "{what} is of {at}, {age} ago; {limit} are agreed.",
    )
    remedy = ("由签发场所重新公布后再出示。", "Present it again once the issuing venue has published a newer one.")


class WitnessesMissing(ShuguError):
    code = "peer-witnesses-missing"
    status = 422
    sentence = (
        "{origin} 的检查点须有 {wanted} 个见证签名，只有：{found}。",
        "{wanted} witnesses must have cosigned the checkpoint of {origin}; there are: {found}.",
    )
    remedy = ("待其检查点取得见证后重新下载并出示。", "Download and present it again once its checkpoint is witnessed.")


class ListRolledBack(ShuguError):
    code = "peer-list-rolled-back"
    status = 422
    sentence = (
        "状态列表 {url} 退回到第 {version} 版，本场所已见过第 {seen} 版。",
        "The status list {url} went back to version {version}; version {seen} was seen here.",
    )
    remedy = (
        "稍后再试；持续如此时联系对方并告知监管部门。",
        "Try again; if it lasts, ask the other venue and tell the supervisor.",
    )


class StatusDisagrees(ShuguError):
    """The signed answer and the signed, sealed list of one venue say different things."""

    code = "peer-status-disagrees"
    status = 422
    sentence = (
        "签发方自相矛盾：答复称{said}，其状态列表第 {version} 版（{at}）载明{listed}。",
        "The issuer contradicts itself: its answer says {said}, version {version} of its status list ({at}) says {listed}.",
    )
    remedy = ("两份签名已留存，请告知监管部门。", "Both signatures are kept: tell the supervisor.")


class TermsInvalid(ShuguError):
    code = "agreement-terms-invalid"
    status = 422
    sentence = ("协议条款有误：{reason}。", "The terms of the agreement are wrong: {reason}.")
    remedy = ("按条款格式逐项核对。", "Compare every member with the form of the terms.")


class CatalogueBehind(Refused):
    code = "catalogue-behind"
    sentence = ("{origin} 的目录声明早于已收到的内容。", "The catalogue head of {origin} is older than what was received.")
    remedy = ("稍后自动重新核对；持续如此时联系对方。", "It is compared again by itself; if it lasts, ask the other venue.")


class ListingStale(Refused):
    code = "listing-stale"
    sentence = ("挂牌 {product} 超过时限未经其场所确认，暂不能下单。", "Listing {product} was not confirmed in time.")
    remedy = ("待与该场所恢复联系后再下单。", "Order once that venue is reached again.")


class NoPayee(Refused):
    code = "no-payee"
    sentence = ("没有登记 {origin} 的收付单位。", "No organisation is on file for {origin}.")
    remedy = ("由运营人员在该场所页面登记后再办。", "Have the operator name one on that venue's page first.")


class NothingToNet(Refused):
    code = "nothing-to-net"
    sentence = ("{period} 没有双方已确认而未轧差的清算单。", "Nothing that both venues agreed in {period} waits to be netted.")
    remedy = (
        "先请款并由对方确认；没有约定轧差的清算单各自付款。",
        "Claim and have it agreed first; where netting was not agreed each is paid by itself.",
    )


class PeriodRuns(Refused):
    code = "netting-period-runs"
    sentence = ("轧差期 {period} 尚未结束。", "The period {period} is not over yet.")
    remedy = ("{day} 起再办。", "Do it from {day} on.")


class BalanceIsTheirs(Refused):
    code = "balance-is-theirs"
    sentence = ("差额 {fen} 分应付 {venue}。", "The balance of {fen} fen is due to {venue}.")
    remedy = ("由应收差额的场所提出轧差。", "The venue to which the balance is due draws the netting up.")


class OrderMismatch(Refused):
    code = "order-mismatch"
    sentence = ("与订单不符：{what}。", "It does not agree with the order: {what}.")
    remedy = ("由双方运营人员核对。", "Have the operators of both venues compare.")


__all__ = [
    "AgreementMissing",
    "BalanceIsTheirs",
    "CatalogueBehind",
    "ChainMissing",
    "DemonstrationMismatch",
    "ListRolledBack",
    "ListingStale",
    "LogBehind",
    "LogForked",
    "MessageConflict",
    "MessageOutOfOrder",
    "MessageTooLarge",
    "NoPayee",
    "NothingToNet",
    "OrderMismatch",
    "PeerPaused",
    "PeerUnreachable",
    "PeriodRuns",
    "RecordStale",
    "StatusDisagrees",
    "TermsInvalid",
    "UnknownMessageKind",
    "UnknownPeer",
    "WitnessesMissing",
]
