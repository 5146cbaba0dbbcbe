"""The venue's own part of `shugu log`: `witness add|list|remove` (the operator's page at /operations/witness/, in a terminal)
and `rebuild`."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from shugu.evidence import queries, services
from shugu.kernel import clock
from shugu.kernel.cases import Actor
from shugu.kernel.errors import NotFound
from shugu.party import queries as parties


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="shugu log", description="本场所的日志 / this venue's log")
    parts = parser.add_subparsers(dest="part", required=True)
    parts.add_parser("rebuild", help="由事实簿重新导出日志文件 / derive its files again from the journal")
    witness = parts.add_parser("witness", help="本场所见证的日志 / logs this venue witnesses")
    sub = witness.add_subparsers(dest="what", required=True)
    add = sub.add_parser("add", help="见证一个日志 / witness a log")
    add.add_argument("--key", type=Path, required=True, help="日志的 .vkey 文件 / the log's .vkey file")
    add.add_argument("--site", default="", help="其网站，密钥沿革在此 / its site, where its key history is asked for")
    sub.add_parser("list", help="见证的日志 / witnessed logs")
    remove = sub.add_parser("remove", help="停止见证 / stop witnessing")
    remove.add_argument("origin")
    for each in (add, remove):
        each.add_argument("--as", dest="login", required=True, help="运营账号 / the operator's sign-in name")
    return parser


def run(arguments: Sequence[str]) -> int:
    """The exit code; `witness list` gives 1 when a witnessed log has forked. Errors: as the commands; LogForked of a rebuild;
    NotFound for the account."""
    options = _parser().parse_args(arguments)
    if options.part == "rebuild":
        count = services.rebuild()
        print(f"已由事实簿重新导出 {count} 个日志文件 / {count} files of the log derived again from the journal")
        return 0
    if options.what == "list":
        found = queries.witnessed()
        for log in found:
            state = "ended" if log.ended_at else "witnessed"
            print(f"{log.origin}\t{log.size}\t{state}\t{log.forks}\t{log.alarms}\t{','.join(log.keys)}\t{log.trouble}".rstrip())
        return 1 if any(log.forks for log in found) else 0
    actor, now = _actor(options.login), clock.now()
    if options.what == "add":
        row = services.witness_log(services.WitnessLog(options.key.read_text("utf-8"), options.site), actor=actor, now=now)
    else:
        row = services.unwitness_log(services.UnwitnessLog(options.origin), actor=actor, now=now)
    print(row.origin)
    return 0


def _actor(login: str) -> Actor:
    found = [one.person for one in parties.staff() if one.login == login]
    if not found:
        raise NotFound(what=(f"账号 {login}", f"account {login}"))
    return parties.actor_for(found[0], None)
