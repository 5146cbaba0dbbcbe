"""Refusals of the log."""

from __future__ import annotations

from shugu.formats.errors import ShuguError
from shugu.kernel.errors import AuditFailure


class LogForked(AuditFailure):
    """Signing here could contradict a checkpoint somebody already holds."""

    code = "log-forked"
    sentence = ("日志停止续写：{why}。", "The log stops growing: {why}.")
    remedy = (
        "运行 shugu audit；若数据库是从较旧的备份恢复的，先补回缺失的事务。",
        "Run shugu audit; if the database came back from an older backup, restore the missing transactions first.",
    )


class NotSealedYet(ShuguError):
    code = "not-sealed-yet"
    status = 409
    sentence = ("该事实尚未封存入日志。", "This fact is not sealed into the log yet.")
    remedy = ("稍候一秒再试。", "Try again in a second.")


class TileMissing(ShuguError):
    """A tile file that the published tree has is not on disk."""

    code = "tile-missing"
    status = 500
    sentence = ("日志分块 {path} 缺失。", "The log tile {path} is missing.")
    remedy = (
        "分块由账本导出，可随时重建；请联系交易所。",
        "Tiles are derived from the journal and can be rebuilt at any time; tell the venue.",
    )


class EntryDiffers(ShuguError):
    code = "entry-differs"
    status = 422
    sentence = ("日志条目与事实的承诺不同。", "The log's entry is not the fact's commitment.")
    remedy = ("运行 shugu audit。", "Run shugu audit.")


class RootNotReached(ShuguError):
    code = "root-not-reached"
    status = 422
    sentence = ("路径到达的根与检查点不同。", "The path leads to another root than the checkpoint's.")
    remedy = ("运行 shugu audit。", "Run shugu audit.")


class RootDiffers(ShuguError):
    """The right edge that was read does not give the root that was signed; the sequencer derives it again."""

    code = "root-differs"
    status = 500
    sentence = ("日志右缘算出的根与已签检查点不同。", "The log's right edge gives another root than the signed checkpoint's.")
    remedy = ("运行 shugu audit。", "Run shugu audit.")


class WriterSuperseded(ShuguError):
    """Another process has become the log's writer: this one's batch is dropped, the other goes on from the database."""

    code = "writer-superseded"
    status = 503
    sentence = ("第 {epoch} 任写入者已被接替。", "The writer of term {epoch} has been superseded.")
    remedy = ("无需处理：接替者会继续。", "Nothing to do: the successor goes on.")


class ObjectDiffers(AuditFailure):
    """An object of the log stands with other content than the journal gives. Objects never change once written."""

    code = "log-object-differs"
    sentence = ("日志文件 {path} 已存在且内容不同。", "The log's object {path} stands with other content.")
    remedy = (
        "运行 shugu audit，查明是谁改了它；移走该文件后序列器由账本重新导出。",
        "Run shugu audit and find out who changed it; once it is moved away it is derived from the journal again.",
    )


class StoreUnusable(ShuguError):
    code = "log-store-unusable"
    status = 500
    sentence = ("日志存储 {store} 不可用：{why}。", "The log's store {store} cannot be used: {why}.")
    remedy = (
        "改正 home.toml 的 log_store 或运行目录下的 log_store.toml。",
        "Correct log_store in home.toml, or log_store.toml in the home.",
    )


class StoreFails(ShuguError):
    """The object store refused, timed out or did not give back what it had accepted; nothing was signed over it."""

    code = "log-store-fails"
    status = 503
    sentence = ("日志存储对 {path} 应答异常：{why}。", "The log's store fails at {path}: {why}.")
    remedy = (
        "序列器会自动重试；持续出现时检查存储桶与网络。",
        "The sequencer tries again; if it goes on, look at bucket and network.",
    )


class LogAway(ShuguError):
    """What readers are told of either: the operator's log has the reason."""

    code = "log-away"
    status = 503
    sentence = ("日志暂时无法读取。", "The log cannot be read at the moment.")
    remedy = ("请稍后再试；原因已记入本所的运行记录。", "Try again later; the venue's own records have the reason.")


class GroundNeeded(ShuguError):
    """Evidence leaves the venue on a legal ground only."""

    code = "extraction-ground-needed"
    status = 403
    sentence = (
        "按“{ground}”提取 {case} 的证据不在您的权限内。",
        "You may not extract evidence of {case} on the ground “{ground}”.",
    )
    remedy = (
        "由该案当事人自行举证，或由有权岗位凭法律文件提取。",
        "Let a party to the case do it, or a seat that may, on a document that entitles it.",
    )


class EvidenceBroken(ShuguError):
    """What would be handed to a court does not verify; nothing is handed out."""

    code = "evidence-broken"
    status = 500
    sentence = (
        "证据未通过自检（{check}）：{why}。未出具证据包。",
        "The evidence fails its own check ({check}): {why}. No package was made.",
    )
    remedy = ("运行 shugu audit 查明并报告。", "Run shugu audit to find out why, and report it.")


class AlreadyWitnessed(ShuguError):
    code = "already-witnessed"
    status = 409
    sentence = ("日志 {origin} 已按这些公钥见证。", "The log {origin} is witnessed with these keys already.")
    remedy = ("无需再次登记。", "There is nothing to do.")


class OverlapRunning(ShuguError):
    code = "key-overlap-running"
    status = 409
    sentence = ("密钥正在交替：{why}。", "The keys are in overlap: {why}.")
    remedy = (
        "待交替期满并停用旧密钥后再办；若旧密钥失窃，请声明失窃。",
        "Retire the old key when the overlap is over, or say that it was stolen.",
    )


class NoSuchKey(ShuguError):
    code = "no-such-key"
    status = 404
    sentence = ("没有编号为 {key} 的在用密钥。", "No key {key} is in force.")
    remedy = ("用 shugu keys list 查看。", "See shugu keys list.")


class RecoveryNeeded(ShuguError):
    code = "recovery-key-needed"
    status = 409
    sentence = ("本场所设有恢复密钥，启用新密钥或声明失窃须由它签名。", "This venue has a recovery key; it must sign for this.")
    remedy = (
        "取出离线保管的恢复密钥，用 shugu keys --recovery FILE 办理。",
        "Fetch the recovery key from where it is kept, and use shugu keys --recovery FILE.",
    )
