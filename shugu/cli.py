"""`shugu`: found, run, verify and audit a venue. `verify`, `log` and `witness` need the light core only: no Django, no
database (`log witness` and `log rebuild` excepted, which are the venue's own)."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path


def _parser() -> argparse.ArgumentParser:
    # Here and not above: `shugu verify` loads nothing of a venue.
    from shugu.edges.chain.command_line import add_to as add_chain
    from shugu.edges.federation.command_line import add_to as add_federation
    from shugu.keys_cli import add_to as add_keys
    from shugu.papers_cli import add_to as add_papers
    from shugu.registry.import_cli import add_to as add_registry
    from shugu.rules_cli import add_to as add_rules

    parser = argparse.ArgumentParser(prog="shugu", description="数谷 Shugu, an open-source data exchange")
    sub = parser.add_subparsers(dest="command", required=True)
    init = sub.add_parser("init", help="新建一个真实交易场所 / found a real venue in SHUGU_HOME")
    init.add_argument("--venue", default="hangzhou", help="场所规则配置 / the rule profile (shugu/rules/venues)")
    init.add_argument("--public-url", default="", help="对外网址 / the address others use")
    init.add_argument("--host", action="append", default=[], help="允许的主机名 / host names served")
    init.add_argument("--operator", default="operator", help="首个运营账号 / the first operator's sign-in name")
    serve = sub.add_parser("serve", help="运行交易所与后台 / serve exchange and worker until Ctrl-C")
    serve.add_argument("--address", default="127.0.0.1")
    sub.add_parser("worker", help="只运行后台 / the worker alone")
    demo = sub.add_parser("demo", help="无界面跑完第一笔交易 / the first trade, headless")
    demo.add_argument("--out", type=Path, default=Path("demo-out"))
    sub.add_parser("demonstrate", help="示范场所 / the demonstration venue with its first trade, served")
    verify = sub.add_parser("verify", add_help=False, help="离线核验凭证 / verify a document offline")
    verify.add_argument("rest", nargs=argparse.REMAINDER)
    audit = sub.add_parser("audit", help="审计全部数据 / audit everything")
    audit.add_argument("--json", action="store_true")
    check = sub.add_parser("check", help="检查配置、规则与流程 / check configuration, rules, procedures")
    check.add_argument("--venue", help="另查一份尚未启用的规则配置 / a rule profile not yet in use, as well")
    sub.add_parser("docs", help="生成文档表格 / write the generated docs")
    log = sub.add_parser("log", add_help=False, help="审计、监看日志 / audit or watch a log, witness others' logs")
    log.add_argument("rest", nargs=argparse.REMAINDER)
    witness = sub.add_parser("witness", add_help=False, help="只做见证的小进程 / a witness and nothing else")
    witness.add_argument("rest", nargs=argparse.REMAINDER)
    add_keys(sub)
    add_papers(sub)
    add_rules(sub)
    add_registry(sub)
    add_federation(sub)
    add_chain(sub)
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    arguments = list(sys.argv[1:] if argv is None else argv)
    if arguments[:1] == ["verify"]:
        from shugu.verifier.cli import main as verify

        return verify(arguments[1:])
    if arguments[:1] == ["witness"] or (arguments[:1] == ["log"] and arguments[1:2] not in (["witness"], ["rebuild"])):
        from shugu.logtools.cli import main as logtools

        return logtools(arguments[0], arguments[1:])
    options = _parser().parse_args(arguments)
    if find_spec("django") is None:
        print("此命令需要完整安装：在项目目录中 pip install '.[venue]'", file=sys.stderr)
        print("this command needs the whole installation: in a copy of the project, pip install '.[venue]'", file=sys.stderr)
        return 2
    if options.command == "demo":
        os.environ["SHUGU_HOME"] = str(Path(os.environ.get("SHUGU_HOME", "var")) / "demo")
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "shugu.settings")
    from shugu.formats.errors import ShuguError

    try:
        from shugu import venue

        return venue.run(options)
    except ShuguError as error:
        lang = "en" if os.environ.get("LANG", "").startswith("en") else "zh"
        print(f"{error.message(lang)} {error.remedy_text(lang)}", file=sys.stderr)
        return 2


if __name__ == "__main__":
    sys.exit(main())
