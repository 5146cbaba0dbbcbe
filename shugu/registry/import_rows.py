"""A file of applications as rows of questions and answers: CSV or Excel in, a template out. No database.

The first row names the columns, by the title of the question (Chinese or English) or by its id.
"""

from __future__ import annotations

import csv
import io
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from shugu.formats.errors import ShuguError
from shugu.kernel.text import Text
from shugu.registry import applications
from shugu.registry.applications import FormField

CSV, XLSX = "text/csv", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
MEDIA_TYPES = {".csv": CSV, ".xlsx": XLSX}
# An .xlsx is a zip: what it unpacks to is bounded before anything is read.
UNPACKED_TIMES, COLUMNS_MAX, CELL_MAX = 20, 300, 8_000


class UnreadableFile(ShuguError):
    """A file that is no table of applications."""

    code = "import.unreadable"
    status = 422
    sentence = ("无法读取导入文件：{why}。", "The file cannot be read: {why}.")
    remedy = (
        "用模板另存为 CSV（UTF-8）或 .xlsx 再上传。", "Save it from the template as CSV (UTF-8) or .xlsx and upload it again."
    )  # fmt: skip


@dataclass(frozen=True)
class Fixed:
    """A column every register has."""

    id: str
    title: Text
    required: bool
    help: Text


FIXED: tuple[Fixed, ...] = (
    Fixed("title", Text("名称", "Title"), True, Text("必填", "required")),
    Fixed("object_kind", Text("登记对象", "Object"), True, Text("代码或名称", "code or name")),
    Fixed("rights", Text("权利", "Rights"), True, Text("多项以顿号分隔", "several separated by commas")),
    Fixed(
        "holders", Text("持有人", "Holders"), False,
        Text("单位编号或信用代码 份额；多家以分号分隔，第一家为申请人",
             "organisation and parts; several separated by semicolons, the applicant first"),
    ),
    Fixed(
        "lineage", Text("来源登记", "Made from"), False,
        Text("登记编号或场外来源|加工说明|份额（万分之）；多项以分号分隔",
             "entry number or outside source|processing|parts of ten thousand; separated by semicolons"),
    ),
    Fixed("reviewer", Text("第三方审查机构", "Reviewing body"), False, Text("有第三方审查的填", "where a third party reviews")),
    Fixed("verifier", Text("技术验证机构", "Verifying body"), False, Text("有技术验证的填", "where a third party verifies")),
)  # fmt: skip


@dataclass(frozen=True)
class Sheet:
    """The columns of a file, each with the ids it may answer (one title may be asked of several kinds of object), and its
    rows as text with their numbers in the file."""

    columns: tuple[tuple[str, ...], ...]
    rows: tuple[tuple[int, tuple[str, ...]], ...]

    def of(self, row: Sequence[str], kind_fields: Mapping[str, Any]) -> tuple[dict[str, str], dict[str, str]]:
        """(fixed columns, answers) of a row; answers that its kind of object is not asked keep their first id, so that
        the check of unknown fields tells of them."""
        fixed: dict[str, str] = {}
        answers: dict[str, str] = {}
        for ids, cell in zip(self.columns, row, strict=False):
            if not cell:
                continue
            if ids[0] in _FIXED_IDS:
                fixed[ids[0]] = cell
            else:
                answers[next((i for i in ids if i in kind_fields), ids[0])] = cell
        return fixed, answers


_FIXED_IDS = {f.id for f in FIXED}


def read(content: bytes, media_type: str, register: str, operation: str, *, max_rows: int) -> Sheet:
    """Errors: UnreadableFile."""
    lines = _csv(content) if media_type == CSV else _xlsx(content)
    header: tuple[tuple[str, ...], ...] | None = None
    rows: list[tuple[int, tuple[str, ...]]] = []
    for number, cells in enumerate(lines, 1):
        if not any(cells):
            continue
        if header is None:
            header = _columns(cells, register, operation)
            continue
        if len(rows) >= max_rows:
            raise UnreadableFile(why=(f"超过 {max_rows:,} 行", f"more than {max_rows:,} rows"))
        if any(len(cell) > CELL_MAX for cell in cells):
            raise UnreadableFile(why=(f"第 {number} 行有过长的单元格", f"row {number} has a cell that is too long"))
        rows.append((number, cells[: len(header)]))
    if header is None or not rows:
        raise UnreadableFile(why=("没有数据行", "there are no rows"))
    return Sheet(header, tuple(rows))


def _csv(content: bytes) -> Iterator[tuple[str, ...]]:
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        try:
            text = content.decode("gb18030")
        except UnicodeDecodeError as error:
            raise UnreadableFile(why=("编码不是 UTF-8 或 GB 18030", "neither UTF-8 nor GB 18030")) from error
    if "\x00" in text:
        raise UnreadableFile(why=("不是文本", "it is not text"))
    try:
        for cells in csv.reader(io.StringIO(text, newline="")):
            yield tuple(cell.strip() for cell in cells)
    except csv.Error as error:
        raise UnreadableFile(why=("不是 CSV", "it is not CSV")) from error


def _xlsx(content: bytes) -> Iterator[tuple[str, ...]]:
    from openpyxl import load_workbook
    from openpyxl.utils.exceptions import InvalidFileException

    _refuse_bomb(content)
    try:
        book = load_workbook(io.BytesIO(content), read_only=True, data_only=True)
    except (InvalidFileException, KeyError, ValueError, zipfile.BadZipFile) as error:
        raise UnreadableFile(why=("不是 Excel 工作簿", "it is no Excel workbook")) from error
    try:
        sheet = book.worksheets[0]
        for row in sheet.iter_rows(values_only=True, max_col=COLUMNS_MAX):
            yield tuple(_text(cell) for cell in row)
    finally:
        book.close()


def _refuse_bomb(content: bytes) -> None:
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            unpacked = sum(item.file_size for item in archive.infolist())
    except zipfile.BadZipFile as error:
        raise UnreadableFile(why=("不是 Excel 工作簿", "it is no Excel workbook")) from error
    if unpacked > max(UNPACKED_TIMES * len(content), 50_000_000):
        raise UnreadableFile(why=("解压后过大", "it unpacks to far too much"))


def _text(cell: object) -> str:
    if cell is None:
        return ""
    if isinstance(cell, datetime | date):
        return (cell.date() if isinstance(cell, datetime) else cell).isoformat()
    if isinstance(cell, bool):
        return "yes" if cell else "no"
    if isinstance(cell, float) and cell.is_integer():
        return str(int(cell))
    return str(cell).strip()


def _columns(cells: Sequence[str], register: str, operation: str) -> tuple[tuple[str, ...], ...]:
    """Errors: UnreadableFile naming every column nobody asked for, and those missing."""
    named = _names(register, operation)
    ended = len(cells) - next((n for n, cell in enumerate(reversed(cells)) if cell), 0)
    cells = [_bare(cell) for cell in cells[:ended]]
    unknown = [cell or f"#{n}" for n, cell in enumerate(cells, 1) if cell.casefold() not in named]
    if unknown:
        told = "、".join(unknown[:10])
        raise UnreadableFile(why=(f"不认识的列：{told}", f"unknown columns: {', '.join(unknown[:10])}"))
    columns = tuple(named[cell.casefold()] for cell in cells)
    firsts = [ids[0] for ids in columns]
    twice = sorted({i for i in firsts if firsts.count(i) > 1})
    missing = [f.title.zh for f in FIXED if f.required and f.id not in firsts]
    if twice or missing:
        zh = f"缺少列 {'、'.join(missing)}" if missing else f"重复的列 {'、'.join(twice)}"
        raise UnreadableFile(why=(zh, f"missing columns {missing}" if missing else f"columns named twice {twice}"))
    return columns


def _bare(cell: str) -> str:
    """The template marks what must be answered with a star."""
    return cell.removesuffix("*").strip()


def _names(register: str, operation: str) -> dict[str, tuple[str, ...]]:
    """What a column may be called, and which questions it then answers."""
    named: dict[str, tuple[str, ...]] = {}
    for kind in applications.object_kinds(register):
        for field in applications.form_fields(register, kind, operation):
            for name in (field.title.zh, field.title.en, field.id):
                ids = named.get(name.casefold(), ())
                if field.id not in ids:
                    named[name.casefold()] = (*ids, field.id)
    for fixed in FIXED:
        for name in (fixed.title.zh, fixed.title.en, fixed.id):
            named[name.casefold()] = (fixed.id,)
    return named


def coded(field: FormField, answer: str) -> str:
    """The codes of an answer given in words; what is no word of the table is left for the check to refuse."""
    if not field.options:
        return answer
    words = words_of(field.options)
    if field.kind != "multi":
        return words.get(answer.casefold(), answer)
    return ",".join(words.get(part.casefold(), part) for part in split(answer))


def words_of(options: Sequence[tuple[str, Text]]) -> dict[str, str]:
    """Code by code, Chinese and English word."""
    found = {word.casefold(): code for code, title in options for word in (title.zh, title.en)}
    return {**found, **{code.casefold(): code for code, _ in options}}


def split(text: str, marks: str = "、,，;；") -> list[str]:
    for mark in marks[1:]:
        text = text.replace(mark, marks[0])
    return [part.strip() for part in text.split(marks[0]) if part.strip()]


def template_columns(register: str, object_kind: str, operation: str) -> list[tuple[str, str]]:
    """(heading, what to write) of every column."""
    out = [(f"{f.title.zh}{'*' if f.required else ''}", f.help.zh) for f in FIXED]
    for field in applications.form_fields(register, object_kind, operation):
        words = "、".join(title.zh for _, title in field.options[:12])
        told = f"{words}{' 等' if len(field.options) > 12 else ''}" if field.options else _KINDS.get(field.kind, "文字")
        out.append((f"{field.title.zh}{'*' if field.required else ''}", told))
    return out


_KINDS = {"date": "日期，如 2026-03-02", "number": "整数", "text": "文字，可多行"}


def template(register: str, object_kind: str, operation: str, media_type: str) -> bytes:
    """A file with the columns of this register and object and one row of examples to write over."""
    columns = template_columns(register, object_kind, operation)
    if media_type == CSV:
        buffer = io.StringIO()
        csv.writer(buffer).writerow([heading for heading, _ in columns])
        return b"\xef\xbb\xbf" + buffer.getvalue().encode()
    from openpyxl import Workbook
    from openpyxl.comments import Comment
    from openpyxl.styles import Font
    from openpyxl.writer.excel import save_workbook

    book = Workbook()
    sheet = book.worksheets[0]
    sheet.title = object_kind[:31]
    for n, (heading, told) in enumerate(columns, 1):
        cell = sheet.cell(row=1, column=n, value=heading)
        cell.font = Font(bold=True)
        cell.comment = Comment(told, "shugu")
        sheet.column_dimensions[cell.column_letter].width = 18
    sheet.freeze_panes = "A2"
    out = io.BytesIO()
    save_workbook(book, out)
    return out.getvalue()


def report(problems: Sequence[tuple[str, str, str, str, str, str]], lang: str) -> bytes:
    """The row-by-row report: row, column, what, why, remedy, error or warning. A cell never begins a formula."""
    heads = ("行", "列", "问题", "原因", "办法", "性质") if lang == "zh" else ("row", "column", "what", "why", "remedy", "kind")
    buffer = io.StringIO()
    writer = csv.writer(buffer)
    writer.writerow(heads)
    for row in problems:
        writer.writerow([_harmless(str(cell)) for cell in row])
    return b"\xef\xbb\xbf" + buffer.getvalue().encode()


def _harmless(cell: str) -> str:
    return "'" + cell if cell.startswith(("=", "+", "-", "@", "\t", "\r")) else cell

