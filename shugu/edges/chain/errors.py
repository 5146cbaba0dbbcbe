"""What anchoring refuses, and how it says so. `alarm` of a refusal is the code under which the operator's page shows it."""

from __future__ import annotations

from shugu.formats.errors import FormatError, ShuguError, VerificationError
from shugu.kernel.errors import AuditFailure


class ChainSoftwareMissing(ShuguError):
    code = "chain-software-missing"
    status = 500
    sentence = ("未安装访问链所需的软件 {name}。", "The software for talking to a chain, {name}, is not installed.")
    remedy = ("在项目目录中运行 pip install '.[chain]'。", "In a copy of the project: pip install '.[chain]'.")


class ChainConfigInvalid(FormatError):
    code = "chain-config-invalid"
    sentence = ("{path} 有误：{reason}。", "{path} is wrong: {reason}.")
    remedy = ("按 docs/operating.zh.md 的锚定一节改正。", "Correct it as the section on anchoring of docs/operating.md says.")


class ChainUnknown(ShuguError):
    code = "chain-unknown"
    status = 404
    sentence = ("没有配置名为 {name} 的链。", "No chain named {name} is configured.")
    remedy = ("在运行目录的 chain.toml 中加入该链。", "Add it to chain.toml in the home.")


class ChainUnreachable(ShuguError):
    code = "chain-unreachable"
    status = 503
    sentence = ("链 {name} 的节点没有应答：{why}。", "The node of chain {name} does not answer: {why}.")
    remedy = (
        "检查节点地址与网络；恢复后自动继续。",
        "Check the node and the network; work goes on by itself when it is back.",
    )


class ChainMismatch(ShuguError):
    code = "chain-mismatch"
    status = 409
    sentence = (
        "链 {name} 应为 {wanted} 号链，节点说是 {found} 号。",
        "Chain {name} should be number {wanted}, the node says {found}.",
    )
    remedy = ("核对 chain.toml 中的节点地址和 chain_id。", "Check the address of the node and chain_id in chain.toml.")


class NoContract(ShuguError):
    code = "chain-no-contract"
    status = 409
    sentence = ("链 {name} 的 {contract} 处没有锚定合约。", "There is no anchoring contract at {contract} on chain {name}.")
    remedy = ("核对合约地址，或用 shugu chain deploy 部署。", "Check the address, or deploy one with shugu chain deploy.")


class NodeRefused(ShuguError):
    """The node understood the request and declined it: too little gas money, a nonce used before, a fee too low."""

    code = "chain-node-refused"
    status = 502
    sentence = ("链 {name} 的节点拒绝：{why}。", "The node of chain {name} declines: {why}.")
    remedy = ("按节点所说处理，例如为付费账户充值。", "Do as the node says, for instance fund the paying account.")


class ContractRefused(ShuguError):
    """The contract reverted; `reason` is the name of its error, such as Inconsistent or WrongSigner."""

    code = "chain-contract-refused"
    status = 409
    sentence = ("锚定合约拒绝：{reason}。", "The anchoring contract refuses: {reason}.")
    remedy = ("按 contracts/README.md 中该拒绝的含义处理。", "See what this refusal means in contracts/README.md.")

    @property
    def reason(self) -> str:
        return str(self.params.get("reason", ""))


class VenueUnregistered(ShuguError):
    code = "chain-venue-unregistered"
    status = 409
    sentence = (
        "{origin} 未在链 {name} 的合约登记，或登记的是另一把密钥。",
        "{origin} is not registered with this key on chain {name}.",
    )
    remedy = ("请联盟管理员用 shugu chain register 登记。", "Ask the consortium's administrator: shugu chain register.")


class VenueFrozenOnChain(ShuguError):
    code = "chain-venue-frozen"
    status = 409
    sentence = (
        "{origin} 因签署了相互矛盾的检查点已被链 {name} 冻结。",
        "{origin} is frozen on chain {name}: it signed contradicting checkpoints.",
    )
    remedy = ("停止受理，核查日志与密钥；冻结不可解除。", "Stop, examine log and keys; freezing cannot be undone.")


class AnchorContradicts(AuditFailure):
    """What is anchored is not what our log says: a fork, or a restored old database."""

    code = "chain-anchor-contradicts"
    status = 500
    sentence = (
        "链 {name} 上大小为 {size} 的检查点与本日志不同。",
        "The checkpoint of size {size} on chain {name} is not this log's.",
    )
    remedy = ("停止签署，运行 shugu audit，查明哪一个是真的。", "Stop signing, run shugu audit, find out which one is true.")


class FeeCeiling(ShuguError):
    code = "chain-fee-ceiling"
    status = 503
    sentence = (
        "链 {name} 的手续费已达上限 {wei} wei，仍未入块。",
        "On chain {name} even the highest fee allowed, {wei} wei, was not mined.",
    )
    remedy = (
        "等待费用回落，或提高 chain.toml 的 ceiling_wei。",
        "Wait for fees to fall, or raise ceiling_wei in chain.toml.",
    )


class RelayerWithholds(ShuguError):
    code = "chain-relayer-withholds"
    status = 503
    sentence = (
        "代发方 {relayer} 在规定时间内没有把锚定送上链 {name}。",
        "The relayer {relayer} did not bring the anchor to chain {name} within the time allowed.",
    )
    remedy = (
        "已改由下一代发方或本所直接发送；请询问该代发方。",
        "The next relayer or the venue itself sends it now; ask the relayer.",
    )


class AnchorLate(ShuguError):
    code = "chain-anchor-late"
    status = 503
    sentence = (
        "大小为 {size} 的检查点迟迟未入链 {name}。",
        "The checkpoint of size {size} is not in chain {name} yet, long after it was sent.",
    )
    remedy = (
        "检查该链是否还在出块、手续费是否足够。",
        "See whether the chain still makes blocks and whether the fee suffices.",
    )


class NoWayToSend(ShuguError):
    code = "chain-no-way-to-send"
    status = 409
    sentence = (
        "链 {name} 既无可用的代发方，也没有付费账户。",
        "Chain {name} has neither a relayer left nor a paying account.",
    )
    remedy = ("在 chain.toml 中配置 payer 或 relayers。", "Configure payer or relayers in chain.toml.")


class NotAnchored(VerificationError):
    """A checkpoint or fact that no anchored tree vouches for."""

    code = "not-anchored"
    sentence = ("未被链上锚定证明：{reason}。", "Not proved by an anchor: {reason}.")
    remedy = ("请对方等下一次锚定后重新出具证明。", "Ask for a proof made after the next anchoring.")


class CannotRelay(ShuguError):
    code = "chain-cannot-relay"
    status = 409
    sentence = ("无法把锚定从 {a} 搬到 {b}：{reason}。", "The anchors cannot be carried from {a} to {b}: {reason}.")
    remedy = (
        "用 --log 给出该场所日志的公开地址后再试。",
        "Give the public address of the venue's log with --log and try again.",
    )
