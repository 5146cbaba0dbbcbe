"""The clauses of a contract in words, out of its terms: what the page shows is what the paper prints."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from shugu.catalogue import queries as catalogue
from shugu.formats.policy import Action, Operand, Policy
from shugu.kernel import runtime
from shugu.kernel.money import format_fen
from shugu.kernel.text import Text

ACTIONS: Mapping[Action, Text] = {
    Action.USE: Text("使用", "use"),
    Action.READ: Text("读取", "read"),
    Action.QUERY: Text("查询", "query"),
    Action.ANALYZE: Text("分析", "analyse"),
    Action.DERIVE: Text("加工衍生", "derive"),
    Action.DISTRIBUTE: Text("向第三方提供", "pass on to third parties"),
    Action.REIDENTIFY: Text("重新识别个人", "re-identify individuals"),
    Action.SELL: Text("转售", "resell"),
    Action.DELETE: Text("期满删除数据", "delete the data at the end of the term"),
    Action.ATTRIBUTE: Text("注明数据来源", "name the source of the data"),
    Action.COMPENSATE: Text("补偿", "compensate"),
    Action.INFORM: Text("告知", "inform"),
}


def code_text(rule: str, code: str) -> Text:
    """A code's words; the code itself when the table has changed since."""
    return catalogue.titles(runtime.rules().value(rule)).get(code, Text(code, code))


def _list(actions: list[Action]) -> Text:
    words = [ACTIONS[a] for a in actions]
    return Text("、".join(w.zh for w in words), ", ".join(w.en for w in words))


def _limits(policy: Policy) -> Text:
    words: dict[Operand, Text] = {}
    for constraint in (c for p in policy.permissions for c in p.constraints):
        n = constraint.value
        if constraint.operand is Operand.COUNT:
            words[Operand.COUNT] = Text(f"不超过 {n} 次", f"at most {n} deliveries")
        elif constraint.operand is Operand.BYTES:
            words[Operand.BYTES] = Text(f"不超过 {n} 字节", f"at most {n} bytes")
        elif constraint.operand is Operand.RATE:
            words[Operand.RATE] = Text(f"每分钟不超过 {n} 次请求", f"at most {n} requests a minute")
    if not words:
        return Text("次数和流量不另设上限。", "No limit of count or volume is set.")
    return Text("；".join(w.zh for w in words.values()) + "。", "; ".join(w.en for w in words.values()) + ".")


def clauses(terms: Mapping[str, Any]) -> list[tuple[Text, tuple[Text, ...]]]:
    """(title, paragraphs) in order."""
    policy = Policy.from_dict(dict(terms["policy"]))
    may, may_not = _list([p.action for p in policy.permissions]), _list(list(policy.prohibitions))
    duties = _list([d.action for d in policy.obligations] + [d.action for p in policy.permissions for d in p.duties])
    purpose = code_text("catalogue.purposes", terms["purpose"])
    form = code_text("catalogue.delivery_forms", terms["delivery_form"])
    product, days, price = terms["product"], terms["term_days"], format_fen(terms["price_fen"], symbol=True)
    duty = (Text(f"乙方应当{duties.zh}。", f"The buyer shall {duties.en}."),) if duties.zh else ()
    return [
        (Text("标的", "Subject"), (Text(
            f"甲方许可乙方使用登记编号 {terms['registration']['number']} 项下的数据产品“{product['title']}”，"
            f"版本 {product['version']}。",
            f"The provider licenses “{product['title']}”, version {product['version']}, registered as "
            f"{terms['registration']['number']}.",
        ),)),
        (Text("许可与用途", "Permission and purpose"), (
            Text(f"乙方可以{may.zh}，用途限于{purpose.zh}。", f"The buyer may {may.en}, for {purpose.en} only."),
            _limits(policy),
        )),
        (Text("禁止与义务", "Prohibitions and duties"), (
            Text(f"乙方不得{may_not.zh}。", f"The buyer must not {may_not.en}."), *duty,
        )),
        (Text("交付与期限", "Delivery and term"), (Text(
            f"以{form.zh}形式经连接器交付；期限自款项到位之时起 {days} 天。",
            f"Delivered as {form.en} through the provider's connector; the term is {days} days from the moment the money "
            "is held.",
        ),)),
        (Text("价款与结算", "Price and settlement"), (Text(
            f"价款 {price}，由乙方缴存于场所结算账户，验收后按下表分配。",
            f"The price is {price}, paid into the venue's settlement account and divided as below after acceptance.",
        ),)),
        (Text("验收与终止", "Acceptance and termination"), (Text(
            "交付不成、验收不合格或依法终止的，退还已缴价款；合同经双方签署、场所审核后，自款项到位之时生效。",
            "If delivery fails, is rejected, or the contract is ended by law, the price is refunded. Signed by both sides and "
            "reviewed by the venue, it takes effect once the money is held.",
        ),)),
    ]  # fmt: skip
