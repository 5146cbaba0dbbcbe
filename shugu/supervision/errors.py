"""What supervision refuses, beside the kernel's errors."""

from __future__ import annotations

from shugu.formats.errors import ShuguError


class NoCheckpoint(ShuguError):
    code = "no-checkpoint"
    status = 409
    sentence = ("日志尚无检查点，无法取得随机种子。", "The log has no checkpoint yet, so there is no seed for the draw.")
    remedy = ("等待封存（通常一秒之内）后重试。", "Try again once it is sealed, usually within a second.")


class AlreadyDrawn(ShuguError):
    code = "already-drawn"
    status = 409
    sentence = ("此检查点已抽取过一次。", "A draw was held under this checkpoint already.")
    remedy = ("查看已有抽取结果，或在下一检查点后再抽。", "See that draw, or draw again after the next checkpoint.")


class NothingToDraw(ShuguError):
    code = "nothing-to-draw"
    status = 409
    sentence = ("没有可抽取的对象，或检查人员均须回避。", "There is no object, or no inspector free of conflict, to draw.")
    remedy = ("确认已有入驻单位，并授予更多监管人员岗位。", "See that organisations are accredited; seat more regulators.")


__all__ = ["AlreadyDrawn", "NoCheckpoint", "NothingToDraw"]
