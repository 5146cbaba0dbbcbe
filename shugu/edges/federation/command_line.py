"""`shugu federation peer|agree|present …`: what the operator's and the holder's pages do, on the command line."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

from shugu.edges.federation import command_line_trade


def add_to(commands: Any) -> None:
    """The parser of `shugu federation`, under the main one's sub-commands."""
    federation = commands.add_parser("federation", help="场所互认 / recognition between venues")
    part = federation.add_subparsers(dest="part", required=True)
    demo = part.add_parser("demo", help="三个场所的互认故事 / the story of three venues, headless")
    demo.add_argument("--out", type=Path, default=Path("federation-out"))
    demo.add_argument("--trimmed", action="store_true", help="只杀三次 / kill at three steps only")
    demo.add_argument(
        "--chapter", action="append", default=[], choices=("recognising", "authorising", "trading", "moving", "relying"),
        help="只讲此章 / this chapter alone",
    )  # fmt: skip
    peer = part.add_parser("peer", help="其他场所 / other venues").add_subparsers(dest="what", required=True)
    added = peer.add_parser("add", help="登记 / add a venue")
    for name, told in (("venue", "代码 / code"), ("--title-zh", "中文名 / Chinese name"), ("--title-en", "英文名 / English name"),
                       ("--url", "网址 / its address")):  # fmt: skip
        added.add_argument(name, help=told, **({} if name == "venue" else {"required": True}))
    added.add_argument("--keys", type=Path, required=True, help="核对过的 venue.vkey / its venue.vkey, compared")
    _by(added)
    _by(peer.add_parser("list", help="列出 / list them"))
    agree = part.add_parser("agree", help="互认协议 / recognition agreements").add_subparsers(dest="what", required=True)
    offered = agree.add_parser("offer", help="提出 / offer one")
    offered.add_argument("venue")
    offered.add_argument("--terms", type=Path, required=True, help="条款 / the terms, JSON")
    _by(offered)
    _by(agree.add_parser("list", help="列出 / list them"))
    shown = part.add_parser("present", help="出示其他场所的证书 / present a certificate of another venue")
    shown.add_argument("file", type=Path, help="封存文件或 PDF / a sealed file or PDF")
    _by(shown)
    command_line_trade.add_to(part, _by)
    for do in ("countersign", "decline", "withdraw", "suspend", "resume", "give-notice"):
        acted = agree.add_parser(do)
        acted.add_argument("reference")
        acted.add_argument("--reason", default="")
        _by(acted)


def _by(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--as", dest="login", required=True, help="经办账号 / sign-in name of who acts")


def run(options: argparse.Namespace) -> int:
    """Prints JSON. Errors: NotFound, Forbidden, InputInvalid, every refusal of the services."""
    from shugu.edges.federation import queries, services
    from shugu.kernel import clock
    from shugu.party import queries as parties

    now = clock.now()
    if options.part in command_line_trade.PARTS:
        found = command_line_trade.run(options, now)
        print(json.dumps(found, ensure_ascii=False, indent=2, default=str))
        return 0
    actor = parties.actor_by_login(options.login)
    if options.part == "present":
        row = services.check(services.present(services.Present(options.file.read_bytes()), actor=actor, now=now), now)
        shown = queries.presentation(row.number, actor)
        print(json.dumps({"number": shown.number, "state": shown.state, "recognition": shown.recognition,
                          "checks": list(shown.checks)}, ensure_ascii=False, indent=2))  # fmt: skip
        return 0 if shown.state == "recognised" else 1
    if (options.part, options.what) == ("peer", "add"):
        cmd = services.AddPeer(options.venue, options.title_zh, options.title_en, options.url, options.keys.read_text("utf-8"))
        services.add_peer(cmd, actor=actor, now=now)
    elif options.part == "agree" and options.what == "offer":
        terms = json.loads(options.terms.read_text("utf-8"))
        origin = queries.peer(options.venue, actor).origin
        services.offer_agreement(services.OfferAgreement(origin, terms), actor=actor, now=now)
    elif options.part == "agree" and options.what != "list":
        case = queries.agreement(options.reference, actor).case
        given = {"reason": options.reason} if options.reason else {}
        do = options.what.replace("-", "_")
        services.act_on_agreement(services.ActOnAgreement(case, do, given), actor=actor, now=now)
    if options.part == "peer":
        told: list[dict[str, Any]] = [
            {"venue": p.venue, "origin": p.origin, "url": p.base_url, "sent": p.sent, "received": p.received,
             "waiting": p.waiting, "trouble": p.trouble, "keys": [k.vkey for k in p.keys if k.retired_at is None],
             "in_force": [k.key.vkey() for k in queries.sight(p.venue, actor).history if k.until is None],
             "contradictions": [c.why.en for c in queries.contradictions(p.venue, actor)]}
            for p in queries.peers(actor)
        ]  # fmt: skip
    else:
        told = [
            {"reference": a.reference, "with": a.origin, "state": a.state, "until": str(a.valid_until)}
            for a in queries.agreements(actor)
        ]
    print(json.dumps(told, ensure_ascii=False, indent=2))
    return 0
