"""Refusals of the programs about logs."""

from __future__ import annotations

from shugu.formats.errors import ShuguError


class SourceFails(ShuguError):
    """The log cannot be read now: no answer, or none in time."""

    code = "log-unreachable"
    status = 502
    sentence = ("日志 {where} 无法读取：{why}。", "The log {where} cannot be read: {why}.")
    remedy = ("核对地址与网络后再试。", "Check address and network, then try again.")


class ObjectMissing(ShuguError):
    """The log answers, but has no such file."""

    code = "log-object-missing"
    status = 404
    sentence = ("日志中没有 {path}。", "The log has no {path}.")
    remedy = ("向日志的运营者索取完整的日志。", "Ask the log's operator for the whole log.")


class FolderUnusable(ShuguError):
    code = "log-folder-unusable"
    status = 500
    sentence = ("目录 {path} 不可用：{why}。", "The folder {path} cannot be used: {why}.")
    remedy = ("换用另一目录，或先按说明建立。", "Choose another folder, or set it up as the guide says.")
