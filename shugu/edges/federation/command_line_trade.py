"""`shugu federation zone|order|settle …`: the local zone, orders over two venues and settlements on the command line."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from datetime import datetime
from typing import Any

from shugu.kernel.cases import Actor

By = Callable[[argparse.ArgumentParser], None]


def add_to(part: Any, by: By) -> None:
    """The parsers, under those of `shugu federation`; `by` adds who acts."""
    zone = part.add_parser("zone", help="地方专区 / listings of other venues").add_subparsers(dest="what", required=True)
    listed = zone.add_parser("list", help="列出 / list them")
    listed.add_argument("--q", default="", help="查找 / search")
    listed.add_argument("--venue", default="", help="场所 / of one venue")
    zone.add_parser("feeds", help="目录往来 / how the exchange with each venue stands")
    by(zone.choices["feeds"])
    order = part.add_parser("order", help="跨场所订单 / orders over two venues").add_subparsers(dest="what", required=True)
    placed = order.add_parser("place", help="下单 / order from another venue")
    placed.add_argument("venue")
    placed.add_argument("product")
    by(placed)
    by(order.add_parser("list", help="列出 / list them"))
    dropped = order.add_parser("withdraw", help="申请撤单 / ask to withdraw one")
    dropped.add_argument("number")
    by(dropped)
    settle = part.add_parser("settle", help="场所间清算 / settlement between venues").add_subparsers(dest="what", required=True)
    by(settle.add_parser("list", help="清算单 / settlements"))
    by(settle.add_parser("standing", help="往来余额 / how the money stands"))
    payee = settle.add_parser("payee", help="登记收付单位 / name a venue's organisation here")
    payee.add_argument("venue")
    payee.add_argument("--organisation", default="", help="已登记的编号 / number of one registered")
    payee.add_argument("--name", default="", help="新登记的名称 / name of a new one")
    payee.add_argument("--name-en", default="")
    payee.add_argument("--uscc", default="", help="统一社会信用代码 / its code")
    by(payee)
    claimed = settle.add_parser("claim", help="请款 / claim our parts")
    claimed.add_argument("venue")
    by(claimed)
    netted = settle.add_parser("net", help="与对方轧差，只付差额 / set off with a venue: only the balance is paid")
    netted.add_argument("venue")
    netted.add_argument("period", help="2026-11 / 2026-11-30")
    by(netted)
    for do in ("agree", "decline"):
        acted = settle.add_parser(do)
        acted.add_argument("number")
        if do == "decline":
            acted.add_argument("--reason", required=True)
        by(acted)


PARTS = ("zone", "order", "settle")


def run(options: argparse.Namespace, now: datetime) -> Any:
    """What is printed. Errors: NotFound for an unknown account, every refusal of the services."""
    from shugu.party import queries as parties

    if options.part == "zone" and options.what == "list":
        return _zone(options, now)
    actor = parties.actor_by_login(options.login)
    if options.part == "zone":
        return _feeds(actor)
    return _order(options, actor, now) if options.part == "order" else _settle(options, actor, now)


def _feeds(actor: Actor) -> Any:
    from shugu.edges.federation import api_trade, queries_zone

    return [api_trade.feed_row(row) for row in queries_zone.feeds(actor)]


def _zone(options: argparse.Namespace, now: datetime) -> Any:
    from shugu.edges.federation import api_trade, queries_zone

    return [api_trade.zone_row(row) for row in queries_zone.listings(now, options.q, options.venue).rows]


def _order(options: argparse.Namespace, actor: Actor, now: datetime) -> Any:
    from shugu.edges.federation import api_trade, queries_zone, services

    if options.what == "place":
        row, code = services.order(options.venue, options.product, actor, now, None)
        return {**api_trade.order_row(queries_zone.order(row.side, row.number, actor)), "code": code}
    if options.what == "withdraw":
        services.ask_withdrawal(services.AskWithdrawal(options.number), actor=actor, now=now)
    return [api_trade.order_row(row) for row in queries_zone.orders(actor)]


def _settle(options: argparse.Namespace, actor: Actor, now: datetime) -> Any:
    from shugu.edges.federation import api_trade, queries, queries_settling, services

    if options.what == "payee":
        origin = queries.peer(options.venue, actor).origin
        cmd = services.NamePayee(origin, options.organisation, options.name, options.name_en, options.uscc)
        services.name_payee(cmd, actor=actor, now=now)
    elif options.what == "claim":
        services.claim_shares(services.ClaimShares(options.venue), actor=actor, now=now)
    elif options.what == "net":
        services.net_shares(services.NetShares(options.venue, options.period), actor=actor, now=now)
    elif options.what in ("agree", "decline"):
        case = queries_settling.settlement(options.number, actor, "debtor").case
        given = {"reason": options.reason} if options.what == "decline" else {}
        services.act_on_settlement(services.ActOnSettlement(case, options.what, given), actor=actor, now=now)
    if options.what in ("payee", "standing"):
        return [api_trade.standing_row(row) for row in queries_settling.standings(actor)]
    return [api_trade.settlement_row(row) for row in queries_settling.settlements(actor)]
