"""A regime's values, conditions and codes in words. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date
from decimal import Decimal

from shugu.kernel.regimes import Regime
from shugu.kernel.rules import RuleValue
from shugu.kernel.text import Text
from shugu.web.case_acts import input_field
from shugu.web.wording import both

FORCE = {"must": Text("必须", "must"), "may": Text("可以", "may"), "venue": Text("自定", "own choice")}
LENGTHS = ("wd", "cd", "month", "year")
UNITS = {
    "wd": Text("个工作日", " working days"), "cd": Text("个自然日", " calendar days"),
    "month": Text("个月", " months"), "year": Text("年", " years"), "fen": Text("分", " fen"), "percent": Text("%", "%"),
    "bps": Text("（万分比）", " basis points"),
    "hour": Text("小时", " hours"), "minute": Text("分钟", " minutes"), "byte": Text("字节", " bytes"),
}  # fmt: skip
ON = {
    "nothing": Text("新登记", "a new entry"), "entry": Text("登记簿条目", "an entry"),
    "account": Text("登记账户", "an account"),
}  # fmt: skip
BY = {
    "holder": Text("权利人", "the holder"), "counterparty": Text("相对方", "the other side"),
    "joint": Text("双方共同", "both together"),
    "registrar": Text("登记机构", "the registrar"), "anyone": Text("任何人", "anybody"),
}  # fmt: skip
WRITES = {
    "enter": Text("设立条目", "enters"), "amend": Text("变更条目", "amends"), "transfer": Text("转移", "transfers"),
    "encumber": Text("设定他项权益", "encumbers"), "discharge": Text("解除他项权益", "discharges"),
    "renew": Text("续期", "renews"),
    "cancel": Text("注销", "cancels"), "revoke": Text("撤销", "revokes"), "suspend": Text("中止", "suspends"),
    "resume": Text("恢复", "resumes"), "open_account": Text("开立账户", "opens an account"),
    "change_account": Text("变更账户", "changes an account"), "close_account": Text("注销账户", "closes an account"),
    "reissue": Text("补换证", "reissues"), "note": Text("记载", "notes"), "nothing": Text("不写登记簿", "writes nothing"),
}  # fmt: skip
KINDS = {
    "line": Text("单行", "line"), "text": Text("文本", "text"), "date": Text("日期", "date"), "flag": Text("是否", "yes or no"),
    "number": Text("数字", "number"), "table": Text("选择", "choice"), "multi": Text("多选", "several"),
}  # fmt: skip
YES, NO = Text("是", "yes"), Text("否", "no")
NONE = Text("—", "—")
CLOCKS = {
    "duty": Text("应办期限", "to be done within"), "window": Text("可办期间", "possible until"),
    "bar": Text("期满前不得办理", "not before its end"), "fire": Text("期满自动办理", "done at its end"),
}  # fmt: skip

_PLAIN = {
    "registry.has_co_holders": Text("有共有人", "there are co-holders"),
    "registry.has_agent": Text("由代理人办理", "an agent acts"),
    "registry.has_counterparty": Text("有相对方", "there is another side"),
    "registry.required_by_registrar": Text("登记机构要求补充材料", "the registrar asks for more"),
    "registry.objection_open": Text("异议尚未处理完毕", "an objection is open"),
    "registry.applicant_is_holder": Text("申请人是权利人", "the applicant is a holder"),
    "registry.applicant_is_party_to_entry": Text("申请人是条目的当事人", "the applicant is a party to the entry"),
    "registry.body_is_accredited": Text("第三方机构已入驻", "the third-party body is accredited"),
    "registry.agent_has_power": Text("代理人有授权委托书", "the agent has a power of attorney"),
    "registry.traded_on_recognised_venue": Text("在互认交易场所取得", "obtained on a recognised venue"),
    "registry.recognised": Text("依据其他场所证书", "on the certificate of another venue"),
    "registry.vouchers_proven": Text("所交其他场所的封存文件已通过核验", "sealed documents of other venues passed their checks"),
    "registry.may_move": Text("条目可以迁出", "the entry may move"),
    "registry.may_take_in": Text("登记簿可登记此类对象和权利", "the register takes such objects and rights"),
    "registry.object_is_resource": Text("对象为数据资源", "the object is a data resource"),
    "registry.object_is_product": Text("对象为数据产品", "the object is a data product"),
    "registry.correction_left": Text("补正次数未用完", "a correction is left"),
    "registry.no_open_objection": Text("没有未处理完毕的异议", "no objection is open"),
    "registry.found_real_and_lawful": Text("实质审查结论为真实、合法", "found real and lawful in substance"),
    "registry.account_open": Text("申请人已开立登记账户", "the applicant has an account"),
    "registry.entry_live": Text("条目有效", "the entry is live"),
    "registry.not_encumbered": Text("条目上没有他项权益", "the entry is not encumbered"),
    "registry.in_renewal_window": Text("在可以续证的期间内", "within the time for renewal"),
    "registry.object_current": Text("上游条目仍然有效", "what it derives from is still valid"),
    "registry.in_time": Text("在可以办理该事项的期间内", "within the time for this operation"),
    "registry.object_of_operation": Text("对象适用该事项", "the operation takes this kind of object"),
    "registry.one_object": Text("一标的一登记：没有相同标的的登记", "one object, one registration"),
    "registry.one_registration": Text("一主体一登记：没有同一主体的登记", "one subject, one registration"),
    "registry.subject_registered": Text("主体已登记", "the subject is registered"),
    "registry.renewal_open": Text("续期申请尚在办理", "a renewal is not decided yet"),
    "registry.renewed_or_ended": Text("已续期或已因其他原因终止", "renewed, or ended otherwise"),
    "registry.window_pending": Text("窗口办件尚未办结", "a filing of the window is pending"),
}  # fmt: skip

_FIELDS = {
    "object_kind": Text("登记对象", "object"), "by": Text("申请方", "applied for by"), "operation": Text("事项", "operation"),
}  # fmt: skip
_CODES = {
    "passed": Text("通过", "passed"), "failed": Text("不通过", "failed"), "yes": YES, "no": NO,
}  # fmt: skip
_ASKED = {
    "registry.operation_is": Text("事项为", "operation"), "registry.object_is": Text("对象为", "object"),
    "registry.right_is": Text("权利为", "right"), "registry.by_is": Text("申请方为", "applied for by"),
}  # fmt: skip


def condition(name: str, regime: Regime | None = None) -> Text:
    """A predicate or guard of a table in words; a name nobody has put in words stays as it is."""
    head, _, argument = name.partition(":")
    if not argument:
        return _PLAIN.get(name, Text(name, name))
    if head in ("registry.answer", "registry.found"):
        field, _, code = argument.partition("=")
        asked, said = field_title(regime, field), answer_title(regime, field, code)
        return Text(f"{asked.zh}：{said.zh}", f"{asked.en}: {said.en}")
    if head in ("registry.recognised", "registry.traded_or_recognised"):
        traded = Text("在互认交易场所取得，或", "obtained on a recognised venue, or ") if "traded" in head else Text("", "")
        return Text(f"{traded.zh}互认协议约定免交", f"{traded.en}waived by a recognition agreement")
    title = _ASKED.get(head)
    if title is None:
        return Text(name, name)
    table = {"registry.operation_is": "registry.operations", "registry.object_is": "registry.objects"}.get(head)
    if head == "registry.right_is" and regime is not None:
        table = regime.head.rights
    said = BY.get(argument, Text(argument, argument)) if table is None else code_title(regime, table, argument)
    return Text(f"{title.zh}“{said.zh}”", f"{title.en}: {said.en}")


def rows_of(regime: Regime | None, name: str) -> tuple[Mapping[str, object], ...]:
    """Rows of a code table with at least code, zh and en; a list of plain codes counts as one."""
    value = regime.values.get(name) if regime is not None else None
    if value is None or not isinstance(value.value, tuple):
        return ()
    out: list[Mapping[str, object]] = []
    for row in value.value:
        if isinstance(row, Mapping):
            code = row.get("code", row.get("id", ""))
            out.append({**row, "code": code, "zh": row.get("zh", code), "en": row.get("en", code)})
        else:
            out.append({"code": row, "zh": row, "en": row})
    return tuple(out)


def title_of(row: Mapping[str, object]) -> Text:
    return Text(str(row["zh"]), str(row["en"]))


def code_title(regime: Regime | None, table: str, code: str) -> Text:
    return next((title_of(r) for r in rows_of(regime, table) if r["code"] == code), Text(code, code))


def fields(regime: Regime | None) -> Iterator[tuple[str, Mapping[str, object]]]:
    """(rule name, row) of every field of every operation."""
    for name in regime.values if regime is not None else ():
        if name.startswith("registry.fields_"):
            yield from ((name, row) for row in rows_of(regime, name))


def field_row(regime: Regime | None, field: str) -> Mapping[str, object] | None:
    return next((row for _, row in fields(regime) if row["code"] == field), None)


def field_title(regime: Regime | None, field: str) -> Text:
    """As the application asks it; what a step asks for has the name under which it is asked."""
    row = field_row(regime, field)
    return title_of(row) if row is not None else _FIELDS.get(field) or input_field(field).title


def answer_title(regime: Regime | None, field: str, code: str) -> Text:
    row = field_row(regime, field)
    if code in ("yes", "no") and (row is None or row.get("kind") == "flag"):
        return YES if code == "yes" else NO
    if field in ("object_kind", "by"):
        return code_title(regime, "registry.objects", code) if field == "object_kind" else BY.get(code, Text(code, code))
    known = _CODES.get(code, Text(code, code))
    return code_title(regime, str(row["table"]), code) if row is not None and "table" in row else known


def value_words(rule: RuleValue) -> Text:
    """A value as it is read: a length with its unit, a table as its titles."""
    value = rule.value
    if isinstance(value, bool):
        return YES if value else NO
    if isinstance(value, tuple):
        told = [_row_words(row) for row in value]
        return Text("；".join(t.zh for t in told) or NONE.zh, "; ".join(t.en for t in told) or NONE.en)
    if isinstance(value, Mapping):
        return _row_words(value)
    unit = UNITS.get(rule.unit, Text("", ""))
    one = value == 1 and rule.unit in (*LENGTHS, "hour", "minute")
    return Text(f"{_plain(value)} {unit.zh}".strip(), f"{_plain(value)}{unit.en.removesuffix('s') if one else unit.en}")


def _row_words(row: object) -> Text:
    if not isinstance(row, Mapping):
        return Text(_plain(row), _plain(row))
    if "zh" in row and "en" in row:
        return Text(str(row["zh"]) or NONE.zh, str(row["en"]) or NONE.en)
    words = [f"{k} {_plain(v)}" for k, v in row.items()]
    return Text("，".join(words), ", ".join(words))


def _plain(value: object) -> str:
    if isinstance(value, tuple):
        return "、".join(_plain(v) for v in value)
    if isinstance(value, Mapping):
        return str(both(_row_words(value)).zh)
    return str(value) if isinstance(value, str | Decimal | date) else f"{value:,}" if isinstance(value, int) else str(value)
