"""The bank's files as values: statements in (JSON or CSV inside a signed note), payment orders out (JSON and CSV).

Statement, JSON: {"format": "shugu.bank-statement.v1", "account", "sequence", "opening_fen", "closing_fen", "lines":
[{"id", "booked_at", "direction": "in"|"out", "amount_fen", "reference", "counterparty", "counterparty_account"}]}.
Statement, CSV: first row `statement,<account>,<sequence>,<opening>,<closing>`, then a header row, then one row a line;
amounts in yuan with two decimals. Both are the text of a C2SP signed note, signed with the bank's key.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from shugu.kernel.money import format_fen, parse_fen
from shugu.kernel.rule_errors import MoneyError
from shugu.settlement.errors import StatementRefused
from shugu.settlement.services import BankLine, TakeStatement

FORMAT = "shugu.bank-statement.v1"
_KEYS = {"format", "account", "sequence", "opening_fen", "closing_fen", "lines"}
_LINE_KEYS = ("id", "booked_at", "direction", "amount_fen", "reference", "counterparty", "counterparty_account")
CSV_HEADER = ("id", "booked_at", "direction", "amount", "reference", "counterparty", "counterparty_account")
MAX_LINES = 100_000


def read_statement(text: str, digest: str) -> TakeStatement:
    """Errors: StatementRefused naming what is wrong; nothing is guessed."""
    return _from_json(text, digest) if text.lstrip().startswith("{") else _from_csv(text, digest)


def _bad(zh: str, en: str) -> StatementRefused:
    return StatementRefused(reason=(zh, en))


def _from_json(text: str, digest: str) -> TakeStatement:
    try:
        raw = json.loads(text, parse_float=_no_fraction)
    except (json.JSONDecodeError, RecursionError) as error:
        raise _bad("不是有效的 JSON", "it is not valid JSON") from error
    if not isinstance(raw, dict) or set(raw) != _KEYS or raw["format"] != FORMAT or not isinstance(raw["lines"], list):
        raise _bad(f"字段应为 {sorted(_KEYS)}", f"its fields should be {sorted(_KEYS)}")
    if not isinstance(raw["account"], str) or any(type(raw[k]) is not int for k in ("sequence", "opening_fen", "closing_fen")):
        raise _bad("账号为文本，序号和余额为整数分", "the account is text, sequence and balances are integers (fen)")
    if len(raw["lines"]) > MAX_LINES:
        raise _bad(f"超过 {MAX_LINES} 行", f"it has more than {MAX_LINES} lines")
    lines = tuple(_line(place, item) for place, item in enumerate(raw["lines"], start=1))
    return TakeStatement(raw["sequence"], raw["account"], raw["opening_fen"], raw["closing_fen"], lines, digest)


def _no_fraction(text: str) -> Any:
    raise _bad(f"出现小数 {text}", f"it has a fraction, {text}")


def _line(place: int, raw: Any) -> BankLine:
    if not isinstance(raw, dict) or set(raw) != set(_LINE_KEYS):
        raise _bad(f"第 {place} 行字段有误", f"line {place} has wrong fields")
    if type(raw["amount_fen"]) is not int or any(not isinstance(raw[k], str) for k in _LINE_KEYS if k != "amount_fen"):
        raise _bad(f"第 {place} 行类型有误", f"line {place} has a value of a wrong type")
    return _checked(place, raw, raw["amount_fen"])


def _checked(place: int, raw: Mapping[str, Any], amount: int) -> BankLine:
    if raw["direction"] not in ("in", "out") or amount <= 0 or not 1 <= len(raw["id"]) <= 64:
        raise _bad(f"第 {place} 行流水号、方向或金额有误", f"line {place}: number, direction or amount is wrong")
    try:
        booked_at = datetime.fromisoformat(raw["booked_at"])
    except ValueError as error:
        raise _bad(f"第 {place} 行时间有误", f"line {place}: the time is wrong") from error
    if booked_at.tzinfo is None:
        raise _bad(f"第 {place} 行时间没有时区", f"line {place}: the time has no zone")
    return BankLine(
        raw["id"], raw["direction"], amount, raw["reference"], booked_at, raw["counterparty"], raw["counterparty_account"]
    )


def _from_csv(text: str, digest: str) -> TakeStatement:
    try:
        rows = [row for row in csv.reader(io.StringIO(text.removeprefix("\ufeff"), newline="")) if row]
    except csv.Error as error:
        raise _bad("不是有效的 CSV", "it is not valid CSV") from error
    if len(rows) < 2 or len(rows[0]) != 5 or rows[0][0] != "statement" or tuple(rows[1]) != CSV_HEADER:
        raise _bad("表头有误", "its head rows are wrong")
    _, account, sequence, opening, closing = rows[0]
    if len(rows) > MAX_LINES or not (sequence.isascii() and sequence.isdigit()):
        raise _bad("行数或序号有误", "its number of lines or its sequence is wrong")
    lines = []
    for place, row in enumerate(rows[2:], start=1):
        if len(row) != len(CSV_HEADER):
            raise _bad(f"第 {place} 行列数有误", f"line {place} has a wrong number of columns")
        lines.append(_checked(place, dict(zip(CSV_HEADER, row, strict=True)), _yuan(row[3])))
    return TakeStatement(int(sequence), account, _yuan(opening), _yuan(closing), tuple(lines), digest)


def _yuan(text: str) -> int:
    try:
        return int(parse_fen(text))
    except MoneyError as error:
        raise _bad(f"金额 {text} 有误", f"the amount {text} is wrong") from error


def write_statement(statement: Mapping[str, Any]) -> str:
    """The JSON text of a statement (the simulated bank and tests write it; a real bank writes its own)."""
    return json.dumps({"format": FORMAT, **statement}, ensure_ascii=False, indent=1) + "\n"


def instructions_csv(credential: Mapping[str, Any], digest: str) -> bytes:
    """The same order for people. `digest` names the signed file, which alone counts."""
    subject = credential["credentialSubject"]
    out = io.StringIO()
    writer = csv.writer(out)
    head = [f"第 {subject['sequence']} 号", f"{subject['count']} 笔", f"SHA-256 {digest}"]
    writer.writerow(["付款指令", subject["number"], *head])
    writer.writerow(["编号", "收款人", "开户行", "账号", "金额（元）", "附言"])
    for row in subject["payments"]:
        payee = row["payee"]
        cells = [row["number"], payee["holder"], payee["bank"], payee["number"]]
        amount, reference = format_fen(row["amount_fen"]).replace(",", ""), payee.get("reference", row["number"])
        writer.writerow([*(_plain(c) for c in cells), amount, _plain(reference)])
    writer.writerow(["合计", "", "", "", format_fen(subject["total_fen"]).replace(",", "")])
    return b"\xef\xbb\xbf" + out.getvalue().encode()


def _plain(text: str) -> str:
    """A cell a spreadsheet will not run as a formula."""
    return f"'{text}" if text[:1] in ("=", "+", "-", "@", "\t", "\r") else text
