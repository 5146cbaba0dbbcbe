"""What the command line names beside the documents, read; and why it could not be, in words for whoever gave it."""

from __future__ import annotations

import errno
import re
from datetime import UTC, datetime, time, timedelta, timezone
from pathlib import Path
from typing import Final

from shugu.formats.errors import Pair, ShuguError
from shugu.formats.keystatements import read_history
from shugu.verifier.targets import WrongUse

# Days are those of the place where the venues are.
_BEIJING: Final = timezone(timedelta(hours=8))
_DAY: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_WHY: Final[dict[int, Pair]] = {
    errno.ENOENT: ("没有这个文件", "there is no such file"),
    errno.EISDIR: ("它是目录，不是文件", "it is a folder, not a file"),
    errno.ENOTDIR: ("路径中有一段不是目录", "a part of the path is no folder"),
    errno.EACCES: ("没有读取权限", "there is no permission to read it"),
    errno.EPERM: ("没有读取权限", "there is no permission to read it"),
}


def unreadable(error: OSError) -> WrongUse:
    """The refusal that an operating system's error becomes."""
    said = error.strerror or str(error)
    return WrongUse(what=str(error.filename or ""), reason=_WHY.get(error.errno or 0, (said, said)))


def text_of(path: Path) -> str:
    """A key file or policy. Raises OSError, WrongUse for what is no text."""
    try:
        return path.read_bytes().decode("utf-8")
    except UnicodeDecodeError as error:
        reason = ("它不是文本，不会是公钥文件或策略", "it is no text, so neither a key file nor a policy")
        raise WrongUse(what=str(path), reason=reason) from error


def history_of(path: Path) -> bytes:
    """A key history's bytes, well-formed. Raises OSError, WrongUse."""
    data = path.read_bytes()
    try:
        read_history(data)
    except ShuguError as error:
        zh, en = error.message("zh").rstrip("。"), error.message("en").rstrip(".")
        raise WrongUse(what=str(path), reason=(f"它不是密钥沿革（{zh}）", f"it is no key history ({en})")) from error
    return data


def read_moment(text: str) -> datetime:
    """`--at`: an instant with its zone, or a day, of which the last second in Beijing is meant. UTC. Raises WrongUse."""
    try:
        if _DAY.fullmatch(text):
            return datetime.combine(datetime.fromisoformat(text).date(), time(23, 59, 59), _BEIJING).astimezone(UTC)
        found = datetime.fromisoformat(text)
    except ValueError:
        found = None  # told below
    if found is None or found.tzinfo is None:
        reason = (
            "时刻写作 2026-11-22T02:05:04Z 或 2026-11-22T10:05:04+08:00，或只写日期 2026-11-22（北京时间当日终了）",
            "write 2026-11-22T02:05:04Z or 2026-11-22T10:05:04+08:00, or a day, 2026-11-22, for its end in Beijing",
        )
        raise WrongUse(what=f"--at {text}", reason=reason)
    return found.astimezone(UTC).replace(microsecond=0)
