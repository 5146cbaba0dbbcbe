"""An order over two venues step by step, as its buyer reads it: what is done, what is to do now, and where."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from django.urls import reverse

from shugu.edges.federation.queries_zone import OrderLine
from shugu.kernel.queries import Event as Fact
from shugu.kernel.text import Text
from shugu.web.shapes import Event, Link, Tone

STOPPED = ("refused", "withdrawn", "ended")
# Which of the steps below are to do now, by the order's state and, once there is a contract, by its stage.
_NOW = {"placed": (1,), "admitted": (2, 3), "contracted": (4,), "completed": ()}
_STAGES = {"approved": (5,), "funded": (6,), "delivered": (7,)}


def now(row: OrderLine) -> tuple[int, ...]:
    """The steps to do now, counted from 0; none for an order that is over."""
    if row.state == "contracted" and row.stage:
        return _STAGES[row.stage]
    return _NOW.get(row.state, ())


# The step that each fact of the order's case ends; of `order.progressed`, by its stage.
_ENDS = {"order.placed": 0, "order.admitted": 1, "order.contracted": 3, "approved": 4, "funded": 5, "delivered": 6,
         "order.completed": 7}  # fmt: skip


def moments(facts: Iterable[Fact]) -> dict[int, datetime]:
    """When each step was done, by the facts of the order's case; entering there shows by the contract."""
    told = {_ENDS.get(str(f.data.get("stage", f.name)), -1): f.recorded_at for f in facts}
    return told | ({2: told[3]} if 3 in told else {})


def timeline(row: OrderLine, facts: Iterable[Fact]) -> list[Event]:
    """The eight steps of an order at the selling venue, with a link to where each is done while it is to do."""
    current, done = now(row), moments(facts)
    events = []
    for place, (title, todo, href, label) in enumerate(_table(row)):
        active = place in current
        links = (Link(label, href),) if active and href else ()
        events.append(
            Event(
                title, when=None if active else done.get(place), opinion=str(todo) if active else "", attachments=links,
                tone=Tone.PROGRESS if active else Tone.GOOD if place in done else Tone.NEUTRAL, current=active,
            )
        )  # fmt: skip
        if place == 0 and row.state in STOPPED:
            events.append(Event(row.state_title, opinion=row.reason, tone=Tone.BAD, current=True))
            break
    return events


def _table(row: OrderLine) -> tuple[tuple[Text, Text, str, Text], ...]:
    """(title, what to do, address, its words) of each step."""
    there, zh, en = row.base_url, row.venue_title.zh, row.venue_title.en
    contract, none = f"{there}/contracts/{row.contract}/", Text("", "")
    return (
        (Text("下单", "Order"), none, "", none),
        (
            Text(f"{zh}准入", f"Admission at {en}"),
            Text("等待对方受理，通常数秒。", "The other venue takes the order by itself, within seconds."), "", none,
        ),
        (
            Text(f"凭办理口令进入{zh}", f"Enter {en} with your code"),
            Text(
                "在对方场所注册或登录，填写下单时给出的口令。口令遗失的，撤单后重新下单。",
                "Register or sign in there and give the code of the order. A lost code: withdraw, and order again.",
            ),
            f"{there}{reverse('federation:guest')}", Text(f"到{zh}填写口令", f"Give the code at {en}"),
        ),
        (
            Text("成交，起草合同", "Agree on the price; the contract is drafted"),
            Text("在产品页按挂牌价购买，或议价。", "Buy at the listed price on the product's page, or negotiate."),
            f"{there}/products/{row.product}/", Text("对方场所的产品页", "The product's page there"),
        ),
        (
            Text("双方签署，场所审核", "Both sides sign, the venue approves"),
            Text("核对条款（含服务费分成）后签署。", "Read the terms, the divided fee among them, and sign."), contract,
            Text(f"合同 {row.contract}", f"Contract {row.contract}"),
        ),
        (
            Text("缴款到存管账户", "Pay into custody"),
            Text("以缴款编号为附言向存管银行转账，到账后合同生效。", "Transfer with the reference of the request."),
            f"{there}/money/", Text("缴款申请", "The request for payment"),
        ),
        (
            Text("收货并验收", "Take delivery and accept"),
            Text("凭令牌从提供方的连接器拉取数据。", "Pull the data with a token from the provider's connector."), contract,
            Text("到合同页收货", "Take delivery on the contract's page"),
        ),
        (
            Text("完成，一份凭证双方在案", "Done: one voucher, on record at both venues"),
            Text("结算付款后自动完成，无须办理。", "Follows by itself once everybody is paid: nothing to do."), "", none,
        ),
    )  # fmt: skip


def guidance(row: OrderLine) -> Text:
    """Where the order stands, in one sentence."""
    if row.state in STOPPED:
        return Text("订单已了结，没有成交。", "The order is over without a trade.")
    if row.state == "completed":
        return Text("交易完成，凭证在两个场所的日志中。", "The trade is done; the voucher is in the logs of both venues.")
    if row.state == "placed":
        return Text("订单已发出，等待对方受理。", "The order is on its way to the other venue.")
    zh, en = row.venue_title.zh, row.venue_title.en
    return Text(
        f"签约、付款、收货都在{zh}办理，请按下列步骤继续。",
        f"Contract, money and delivery are dealt with at {en}: go on as follows.",
    )
