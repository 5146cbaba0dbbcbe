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
