"""The command line: `shugu log audit`, `shugu log monitor`, `shugu log fork`, `shugu witness …`. The light core is enough.

Exit codes: 0 all is well, 1 faults or alarms, 2 wrong use, 3 the log cannot be reached.
"""

from __future__ import annotations

import argparse
import json
import logging
import os
import shlex
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from shugu.formats.errors import ShuguError
from shugu.formats.quorum import Policy, parse_policy
from shugu.formats.suites import Keyring, keyring
from shugu.logtools import forks
from shugu.logtools.audit import audit
from shugu.logtools.errors import SourceFails
from shugu.logtools.monitor import UNREACHABLE, Look, Monitor, Wishes, read_watch
from shugu.logtools.sources import open_source
from shugu.logtools.witness import FolderLedger
from shugu.logtools.witness_server import Server

USAGE: Final = 2
_EXEC_SECONDS: Final = 60


def _keys(given: Sequence[str]) -> Keyring:
    """Each is a `.vkey` file or a vkey itself. Errors: BadKey, OSError."""
    texts = [Path(g).read_text("utf-8") if Path(g).is_file() else f"{g}\n" for g in given]
    return keyring("\n".join(texts))


def _policy(file: Path | None) -> Policy | None:
    return parse_policy(file.read_text("utf-8")) if file else None


def _audit(options: argparse.Namespace) -> int:
    report = audit(open_source(options.log), _keys(options.key), _policy(options.policy))
    if options.json:
        print(json.dumps(report.as_dict(options.lang), ensure_ascii=False, indent=2))
    else:
        print(report.text(options.lang), end="")
    return report.exit_code


def _monitor(options: argparse.Namespace) -> int:
    watch = read_watch(options.watch.read_text("utf-8"), options.watch.parent) if options.watch else {}
    wishes = Wishes(_policy(options.policy), options.max_age, watch)
    monitor = Monitor(open_source(options.log), _keys(options.key), options.state, wishes)
    if options.once:
        return _look(monitor, options)
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    worst = 0
    while True:
        code = _look(monitor, options)
        worst = 1 if 1 in (code, worst) else max(worst, code)
        if stop.wait(options.every):
            return worst


def _look(monitor: Monitor, options: argparse.Namespace) -> int:
    now = int(time.time())
    seen = monitor.look(now)
    _tell(seen, now, monitor, options)
    for alarm in seen.alarms:
        if options.exec:
            _run(options.exec, alarm.line(monitor.source.where, now, "en"))
    return seen.exit_code


def _tell(seen: Look, now: int, monitor: Monitor, options: argparse.Namespace) -> None:
    """A JSON object a line: each alarm, each fact found, then the checkpoint."""
    for alarm in seen.alarms:
        print(alarm.line(monitor.source.where, now, options.lang), flush=True)
    for found in seen.found:
        print(json.dumps({"found": found.name, "leaf": found.leaf, "index": found.index}, ensure_ascii=False))
    point = seen.checkpoint
    told = {"origin": point.origin, "size": point.size} if point else {"origin": None, "size": None}
    waiting = sorted(set(monitor.wishes.watch.values()) - _found_names(monitor))
    print(
        json.dumps({"at": now, "ok": not seen.alarms, **told, "not_seen_yet": waiting}, ensure_ascii=False), flush=True
    )


def _found_names(monitor: Monitor) -> set[str]:
    return {monitor.wishes.watch[leaf] for leaf in monitor.state.get("seen", {}) if leaf in monitor.wishes.watch}


def _run(command: str, line: str) -> None:
    """The alarm on the command's standard input. A command that fails is told of; the alarm stands in alarms.jsonl anyway."""
    try:
        done = subprocess.run(shlex.split(command), input=line + "\n", text=True, timeout=_EXEC_SECONDS, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        print(f"--exec: {error}", file=sys.stderr)
    else:
        if done.returncode:
            print(f"--exec: {command}: {done.returncode}", file=sys.stderr)


def _fork(options: argparse.Namespace) -> int:
    """Whether a folder of evidence proves a fork: 0 when it does."""
    first, second = forks.verify_fork(forks.read(options.folder), _keys(options.key))
    told = ("同一日志签署了互相矛盾的检查点", "one log signed checkpoints that contradict each other")[
        options.lang == "en"
    ]
    print(f"✓ {told}: {first.origin}  {first.size}  {second.size}")
    return 0


def _witness_init(options: argparse.Namespace) -> int:
    print(FolderLedger.found(options.home, options.name).key.verify_key.vkey())
    return 0


def _witness_add(options: argparse.Namespace) -> int:
    print(FolderLedger(options.home).add(_keys(options.key), options.site))
    return 0


def _witness_remove(options: argparse.Namespace) -> int:
    return 0 if FolderLedger(options.home).remove(options.origin) else 1


def _witness_list(options: argparse.Namespace) -> int:
    """A line a log: origin, size, alarms, ids of the keys that count. Exit code 1 when there is any alarm."""
    alarms = 0
    for origin, line, count in FolderLedger(options.home).lines():
        alarms += count
        print(f"{origin}\t{line.seen.size}\t{count}\t{','.join(key.key_id for key in line.keys.keys)}")
    return 1 if alarms else 0


def _witness_follow(options: argparse.Namespace) -> int:
    """A line a log whose site is known: what hindered it. Exit code 1 when anything did."""
    found = FolderLedger(options.home).follow()
    for origin, why in found.items():
        print(f"{origin}\t{why or 'ok'}")
    return 1 if any(found.values()) else 0


def _witness_serve(options: argparse.Namespace) -> int:
    logging.basicConfig(level=os.environ.get("SHUGU_LOG_LEVEL", "WARNING"))
    ledger = FolderLedger(options.home)
    with Server((options.address, options.port), ledger) as server:
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda *_: threading.Thread(target=server.shutdown).start())
        print(f"{ledger.key.verify_key.vkey()}\nhttp://{options.address}:{server.server_port}/", flush=True)
        stop = threading.Event()
        threading.Thread(target=server.follow, args=(stop,), daemon=True).start()
        server.serve_forever()
        stop.set()
    return 0


def _log_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="shugu log", description=__doc__, formatter_class=argparse.RawTextHelpFormatter,
        epilog="本场所自己的日志 / of the venue's own log:\n"
        "  shugu log witness     见证其他日志 / witness others' logs\n"
        "  shugu log rebuild     由事实簿重新导出日志文件 / derive its files again from the journal",
    )  # fmt: skip
    sub = parser.add_subparsers(dest="what", required=True)
    key_help = "日志的 .vkey 文件或 vkey，可重复 / the log's .vkey file or vkey; may be repeated"
    audit_ = sub.add_parser("audit", help="由条目重算整个日志 / derive a whole log again from its entries")
    audit_.add_argument("log", help="网址或目录 / URL or folder")
    audit_.add_argument("--json", action="store_true")
    audit_.set_defaults(do=_audit)
    monitor = sub.add_parser("monitor", help="持续监看一个日志 / watch a log")
    monitor.add_argument("log", help="网址或目录 / URL or folder")
    monitor.add_argument("--state", type=Path, required=True, help="状态目录 / folder that remembers what was seen")
    monitor.add_argument("--once", action="store_true", help="只看一次 / one look")
    monitor.add_argument("--every", type=float, default=60.0, help="间隔秒数 / seconds between looks")
    monitor.add_argument("--max-age", type=int, help="检查点最长秒数 / alarm when the checkpoint is older, in seconds")
    monitor.add_argument("--watch", type=Path, help="关注的事实 / file of leaf hashes, or lines `fact X.fact.json`")
    monitor.add_argument("--exec", default="", help="报警时运行 / run at each alarm, its JSON on standard input")
    monitor.set_defaults(do=_monitor)
    fork = sub.add_parser("fork", help="核验分叉证据 / verify evidence of a fork")
    fork.add_argument("folder", type=Path)
    fork.set_defaults(do=_fork)
    for each in (audit_, monitor, fork):
        each.add_argument("--key", action="append", required=True, help=key_help)
        each.add_argument("--lang", choices=("zh", "en"), default="zh")
    for each in (audit_, monitor):
        each.add_argument(
            "--policy", type=Path, help="见证策略 / trust policy (C2SP tlog-policy) the checkpoint must reach"
        )
    return parser


def _witness_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="shugu witness", description="只做见证的小进程 / a witness and nothing else")
    sub = parser.add_subparsers(dest="what", required=True)
    init = sub.add_parser("init", help="建立见证人 / make the witness's key")
    init.add_argument("--name", required=True, help="名称，如 witness.regulator.example / its name")
    init.set_defaults(do=_witness_init)
    add = sub.add_parser("add", help="登记要见证的日志 / witness a log")
    add.add_argument(
        "--key", action="append", required=True, help="日志的 .vkey 文件或 vkey / the log's .vkey file or vkey"
    )
    site = "其网站，密钥沿革在此（/.well-known/venue-keys.json）/ its site, where its key history is asked for"
    add.add_argument("--site", default="", help=site)
    add.set_defaults(do=_witness_add)
    follow = sub.add_parser("follow", help="立即查看各日志的密钥沿革 / follow the key histories now (serve does by itself)")
    follow.set_defaults(do=_witness_follow)
    remove = sub.add_parser("remove", help="停止见证 / stop witnessing a log")
    remove.add_argument("origin")
    remove.set_defaults(do=_witness_remove)
    listed = sub.add_parser("list", help="已见证的日志与报警数 / witnessed logs and their alarms")
    listed.set_defaults(do=_witness_list)
    serve = sub.add_parser("serve", help="运行 / serve until Ctrl-C")
    serve.add_argument("--address", default="127.0.0.1")
    serve.add_argument("--port", type=int, default=8090)
    serve.set_defaults(do=_witness_serve)
    for each in (init, add, remove, listed, follow, serve):
        each.add_argument("--home", type=Path, required=True, help="见证人的目录 / the witness's folder")
        each.add_argument("--lang", choices=("zh", "en"), default="zh")
    return parser


def main(group: str, argv: Sequence[str]) -> int:
    """`shugu log …` or `shugu witness …`; the exit code."""
    parser = _log_parser() if group == "log" else _witness_parser()
    try:
        options = parser.parse_args(argv)
    except SystemExit as stop:
        return USAGE if stop.code else 0
    try:
        code: int = options.do(options)
        return code
    except SourceFails as error:
        return _say(parser, options, error, UNREACHABLE)
    except forks.NoFork as error:
        return _say(parser, options, error, 1)
    except ShuguError as error:
        return _say(parser, options, error, USAGE)
    except (OSError, UnicodeDecodeError) as error:
        print(f"{parser.prog}: {error}", file=sys.stderr)
        return USAGE


def _say(parser: argparse.ArgumentParser, options: argparse.Namespace, error: ShuguError, code: int) -> int:
    print(f"{parser.prog}: {error.message(options.lang)} {error.remedy_text(options.lang)}", file=sys.stderr)
    return code
