"""Sentences of the components, in both languages. Pure."""

from __future__ import annotations

from shugu.kernel.rules import Force
from shugu.kernel.text import Text
from shugu.web.shapes import ClockFace, Event, Progress, SealState, Source, Words

STATUS = {
    "in_force": Text("现行有效", "in force"),
    "trial": Text("试行", "trial"),
    "draft": Text("征求意见稿", "draft for comment"),
    "group_standard": Text("团体标准", "group standard"),
    "advisory": Text("参考文件", "advisory"),
    "venue": Text("本场所规则", "rule of this venue"),
    "lapsed": Text("已失效", "lapsed"),
}
FORCE = {
    Force.MUST: Text("应当遵守", "binding"),
    Force.MAY: Text("可以采用", "permitted"),
    Force.VENUE: Text("法规未定数值，由本场所自行选定", "the venue's own choice: no text fixes this value"),
}
SEAL = {
    SealState.SEALED: Text("已存证", "Sealed"),
    SealState.WAITING: Text("待存证", "Waiting"),
    SealState.BROKEN: Text("存证异常", "Broken"),
}


def both(words: Words) -> Text:
    return words if isinstance(words, Text) else Text(words, words)


def span(count: int, unit: str) -> Text:
    """`count` working days (wd) or calendar days (cd), in words."""
    zh, en = ("个工作日", "working day") if unit == "wd" else ("天", "day")
    return Text(f"{count} {zh}", f"{count} {en}{'' if count == 1 else 's'}")


def clock_words(face: ClockFace) -> Text:
    """One sentence; whatever the colour says, the words say too."""
    if face.met_on is not None:
        return Text(f"已于 {face.met_on:%Y-%m-%d} 办结", f"done on {face.met_on:%Y-%m-%d}")
    if face.words:
        return both(face.words)
    remarks = [both(face.note)] if face.note else []
    if face.provisional:
        remarks.append(Text("节假日安排未公布，日期暂定", "provisional: holidays not yet published"))
    zh_tail = f"（{'；'.join(r.zh for r in remarks)}）" if remarks else ""
    en_tail = f" ({'; '.join(r.en for r in remarks)})" if remarks else ""
    day, left = f"{face.due:%Y-%m-%d}", span(abs(face.left), face.unit)
    if face.stopped:
        why = both(face.stopped)
        return Text(f"计时已暂停：{why.zh}；恢复后还有 {left.zh}", f"stopped: {why.en}; {left.en} left once resumed")
    if face.kind == "bar":
        if face.left < 0:
            return Text(f"期满，{day} 已过{zh_tail}", f"the period ended on {day}{en_tail}")
        return Text(f"期满前不得办理，至 {day}{zh_tail}", f"not before the period ends on {day}{en_tail}")
    if face.left < 0:
        return Text(f"已逾期 {left.zh}，应于 {day} 前{zh_tail}", f"overdue by {left.en}, was due {day}{en_tail}")
    if face.left == 0:
        return Text(f"今天到期，{day}{zh_tail}", f"due today, {day}{en_tail}")
    return Text(f"还剩 {left.zh}，至 {day}{zh_tail}", f"{left.en} left, until {day}{en_tail}")


def source_words(source: Source) -> Text:
    """Document and article on one line, for print and for screen readers."""
    document = both(source.document)
    tail = f" {source.article}" if source.article else ""
    return Text(f"{document.zh}{tail}", f"{document.en}{tail}")


def source_dates(source: Source) -> Text | None:
    if source.effective is None and source.until is None:
        return None
    first = f"{source.effective:%Y-%m-%d}" if source.effective else ""
    last = f"{source.until:%Y-%m-%d}" if source.until else ""
    if first and last:
        return Text(f"{first} 至 {last}", f"{first} to {last}")
    return Text(f"自 {first} 起施行", f"from {first}") if first else Text(f"至 {last}", f"until {last}")


def event_place(event: Event) -> Text:
    """Past, current or still to come, for those who do not see the line's marks."""
    if event.current:
        return Text("当前环节", "Now")
    return Text("后续环节", "To come") if event.future else Text("已完成", "Done")


def progress_words(progress: Progress) -> Text:
    if progress.finished:
        return Text(f"完成，共 {progress.total:,} 项", f"done, {progress.total:,} items")
    zh = [f"{progress.done:,} / {progress.total:,}"]
    en = list(zh)
    if progress.rate is not None:
        zh.append(f"每秒 {progress.rate:,.0f} 项")
        en.append(f"{progress.rate:,.0f} a second")
    if progress.remaining is not None:
        minutes, seconds = divmod(max(0, progress.remaining), 60)
        zh.append(f"约剩 {minutes} 分 {seconds} 秒" if minutes else f"约剩 {seconds} 秒")
        en.append(f"about {minutes} min {seconds} s left" if minutes else f"about {seconds} s left")
    return Text("，".join(zh), ", ".join(en))
