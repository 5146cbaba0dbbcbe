"""`shugu papers`: vouchers and delivery receipts shown, saved and withdrawn, the venue's seals set; what the pages of parties,
compliance officer and operator do, in a terminal."""

from __future__ import annotations

import argparse
import json
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from shugu.kernel.cases import Actor


def add_to(commands: Any) -> None:
    """The parser of `shugu papers`, under the main one's sub-commands."""
    papers = commands.add_parser("papers", help="凭证与印章 / vouchers, delivery receipts, the venue's seals")
    kind = papers.add_subparsers(dest="kind", required=True)
    for name, told in (("voucher", "数据交易凭证 / transaction vouchers"), ("receipt", "数据交付凭证 / delivery receipts")):
        act = kind.add_parser(name, help=told).add_subparsers(dest="act", required=True)
        for do, help_text in (("show", "查看现状 / how one stands"), ("save", "存为文件 / save as a file"),
                              ("withdraw", "撤销，不可恢复 / withdraw for good")):  # fmt: skip
            one = act.add_parser(do, help=help_text)
            one.add_argument("number", help="编号 / number")
            _by(one)
            if do == "save":
                one.add_argument("--out", type=Path, required=True, help="以 .pdf 或 .json 结尾 / ends in .pdf or .json")
                one.add_argument("--lang", choices=("zh", "en"), default="zh", help="PDF 的语言 / language of the PDF")
            if do == "withdraw":
                one.add_argument("--ground", required=True, help="撤销情形代码 / code of a ground (trade.withdrawal_grounds)")
                one.add_argument("--reason", required=True, help="理由 / in words")
                one.add_argument("--document", default="", help="文书编号 / number of the document, where one is asked for")
    act = kind.add_parser("seal", help="场所印章 / the venue's seals").add_subparsers(dest="act", required=True)
    _by(act.add_parser("list", help="各用途现用的印章 / what is pressed, by purpose"))
    seal = act.add_parser("set", help="设定印章图样与编号 / set picture and number")
    seal.add_argument("purpose", help="用途代码，any 为其余各类 / code of the purpose, any for all others")
    seal.add_argument("--image", type=Path, help="PNG，不给则恢复绘制的印章 / PNG; none: the drawn seal again")
    seal.add_argument("--code", default="", help="13 位印章编号 / its thirteen digits")
    _by(seal)


def _by(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--as", dest="login", required=True, help="经办账号 / sign-in name of who acts")


def run(options: argparse.Namespace) -> int:
    """Prints JSON. Errors: NotFound, Forbidden, InputInvalid, OSError of files."""
    from shugu.kernel import clock
    from shugu.party import queries as parties

    actor, now = parties.actor_by_login(options.login), clock.now()
    told = _seals(options, actor, now) if options.kind == "seal" else _credential(options, actor, now)
    print(json.dumps(told, ensure_ascii=False, indent=2, default=str))
    return 0


def _credential(options: argparse.Namespace, actor: Actor, now: datetime) -> dict[str, Any]:
    from shugu.delivery import services as deliveries
    from shugu.trade import services as trades

    found = _found(options, actor)
    if options.act == "withdraw":
        given = (found.number, options.ground, options.reason, options.document)
        if options.kind == "voucher":
            trades.withdraw_voucher(trades.WithdrawVoucher(*given), actor=actor, now=now)
        else:
            deliveries.withdraw_proof(deliveries.WithdrawProof(*given), actor=actor, now=now)
        found = _found(options, actor)
    if options.act == "save":
        _save(options, found, actor, now)
    return {
        "number": found.number, "digest": found.digest, "issued_at": found.issued_at, "withdrawn_at": found.withdrawn_at,
        "ground": found.withdrawn_ground, "document": found.withdrawn_document,
    }  # fmt: skip


def _found(options: argparse.Namespace, actor: Actor) -> Any:
    """For those who may read the whole of it. Errors: NotFound."""
    from shugu.delivery import queries as deliveries
    from shugu.kernel.errors import NotFound
    from shugu.trade import queries as trades

    voucher = options.kind == "voucher"
    found: Any = trades.voucher(options.number) if voucher else deliveries.proof(options.number)
    may = trades.may_read_voucher(found, actor) if voucher else deliveries.may_read_proof(found, actor)
    if not may:
        raise NotFound(what=(f"凭证 {options.number}", f"{options.kind} {options.number}"))
    return found


def _save(options: argparse.Namespace, found: Any, actor: Actor, now: datetime) -> None:
    from shugu.delivery import proof_paper
    from shugu.kernel import documents
    from shugu.kernel.errors import InputInvalid
    from shugu.trade import papers

    make = papers.voucher_pdf if options.kind == "voucher" else proof_paper.proof_pdf
    if options.out.suffix == ".pdf":
        options.out.write_bytes(make(found.credential, found.digest, options.lang, now=now, actor=actor))
    elif options.out.suffix == ".json":
        options.out.write_bytes(documents.get(found.digest))
    else:
        raise InputInvalid(fields="out", field_errors={"out": ("以 .pdf 或 .json 结尾", "it ends in .pdf or .json")})


def _seals(options: argparse.Namespace, actor: Actor, now: datetime) -> list[dict[str, Any]]:
    from shugu.evidence.queries_package import WATCHING
    from shugu.kernel import seals
    from shugu.kernel.errors import Forbidden

    if options.act == "set":
        purpose = "" if options.purpose == "any" else options.purpose
        image = options.image.read_bytes() if options.image else None
        seals.set_seal(seals.SetSeal(purpose, image, options.code), actor=actor, now=now)
    elif not actor.seats & WATCHING:
        raise Forbidden()
    return [
        {"purpose": code or "any", "title": str(title), "sha256": row.digest if row else "", "code": row.code if row else "",
         "set_at": row.set_at if row else None}
        for code, title, row in seals.listed()
    ]  # fmt: skip
