"""Founding and running a venue: what the `shugu` commands do once Django may be loaded."""

from __future__ import annotations

import argparse
import json
import os
import secrets
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

from shugu.formats.errors import ShuguError
from shugu.kernel.home import Home, HomeConfig, HomeError

_BOOT_SECONDS = 30
_TOLD = "first-trade.json"
_EXAMPLE = (
    "注意：{origin} 是示例名称，建立之后不能更改。真实场所请用写有自己域名的规则配置（docs/operating.md 第 2 节），另建目录。",
    "Note: {origin} is an example's name and never changes. A real venue has a domain of its own (docs/operating.md, 2).",
)
# The demonstration begins this long ago, so that the story and its visitors can let notice periods pass.
_DEMO_LAG = timedelta(days=180)


class PortTaken(ShuguError):
    code = "port-taken"
    status = 500
    sentence = ("端口 {port} 已被占用。", "Port {port} is taken.")
    remedy = ("用 SHUGU_PORT 另选端口，或先停下占用它的程序。", "Choose another with SHUGU_PORT, or stop what holds it.")


class StoryCutOff(ShuguError):
    code = "story-cut-off"
    status = 500
    sentence = ("{path} 中的第一笔交易中途停下，没有讲完。", "The first trade in {path} was cut off half-way.")
    remedy = ("先清空（make reset），再重新开始。", "Wipe it (make reset) and start anew.")


def run(options: argparse.Namespace) -> int:
    commands: dict[str, Callable[[argparse.Namespace], int]] = {
        "init": init, "serve": serve, "worker": worker, "demo": demo, "demonstrate": demonstrate,
        "audit": audit, "check": check, "docs": docs, "rules": rules, "registry": registry, "federation": federation,
        "chain": chain, "log": log, "keys": keys, "papers": papers,
    }  # fmt: skip
    if _is_of_a_venue(options):
        need_founded(Home.from_environment())
    return commands[options.command](options)


# What is asked of a venue that exists: without one nothing is made, least of all a database.
_OF_A_VENUE = frozenset({"serve", "worker", "audit", "keys", "papers", "registry", "log"})


def _is_of_a_venue(options: argparse.Namespace) -> bool:
    if options.command == "federation":
        return str(options.part) != "demo"
    return options.command in _OF_A_VENUE or (options.command == "chain" and options.what in ("anchor", "consent", "status"))


def need_founded(home: Home) -> None:
    """Errors: HomeError for a home in which no venue was founded."""
    if not home.config_file.exists():
        raise HomeError(path=str(home.path), why=("尚未建立", "it has not been founded yet"))


def setup() -> None:
    import django

    django.setup()


def prepare(lag: timedelta = timedelta()) -> None:
    """Bring the database to the present schema and check that it belongs to this home. Errors: HomeError."""
    setup()
    from django.core.management import call_command

    from shugu.kernel import founding

    call_command("migrate", interactive=False, verbosity=0)
    founding.found(lag)


def init(options: argparse.Namespace) -> int:
    """Found an empty real venue: configuration, schema, keys and the first operator. What an interrupted founding
    left is taken up where it stopped. Errors: HomeError for a home that has its first operator, or a demonstration's."""
    home = Home.from_environment()
    hosts = tuple(options.host) or HomeConfig.hosts
    home.write_config(
        HomeConfig(
            venue=options.venue, mode="real", public_url=options.public_url, hosts=hosts,
            https=options.public_url.startswith("https://"),
        )
    )  # fmt: skip
    prepare()
    from shugu.kernel import clock, signer
    from shugu.kernel.errors import Forbidden
    from shugu.party import services as party

    password = secrets.token_urlsafe(12)
    try:
        party.found_venue_staff(options.operator, password, now=clock.now())
    except Forbidden as error:
        raise HomeError(path=str(home.path), why=("已经建成", "it has been founded already")) from error
    print(f"已建立 {home.path}（场所 {options.venue}）。 / Founded {home.path} (venue {options.venue}).")
    origin = signer.origin()
    if origin.endswith(".example"):
        print(_EXAMPLE[0].format(origin=origin), _EXAMPLE[1].format(origin=origin), sep="\n", file=sys.stderr)
    print(f"公钥 / verifier key:\n{signer.keyring().text()}", end="")
    print(f"首个账号 / first account: {options.operator}  密码 / password: {password}")
    print("首次登录后须绑定动态口令。启动：shugu serve / Enrol a one-time code at first sign-in. Start: shugu serve")
    return 0


def serve(options: argparse.Namespace) -> int:
    home = Home.from_environment()
    _need_port(options.address, home.port)
    prepare()
    return _serve_all(options.address, [])


def worker(options: argparse.Namespace) -> int:
    setup()
    from shugu import worker as work

    return work.run(_stop_signal())


def demo(options: argparse.Namespace) -> int:
    """The first trade alone, in its own home."""
    home = Home.from_environment()
    home.write_config(HomeConfig(mode="demo"))
    prepare(_DEMO_LAG)
    return _tell(home, options.out)


def demonstrate(options: argparse.Namespace) -> int:
    """The demonstration venue: the first trade once, then everything served until Ctrl-C."""
    started = time.monotonic()
    home = Home.from_environment()
    _need_port("127.0.0.1", home.port)
    home.write_config(HomeConfig(mode="demo"))
    prepare(_DEMO_LAG)
    from shugu import demo as story

    if not (home.path / _TOLD).exists():
        code = _tell(home, home.path / "demo-out")
        if code != 0:
            return code
    _need_port("127.0.0.1", story.connector_port())
    if story.connector_port() == home.port:  # remembered from an earlier start at another port
        raise PortTaken(port=str(home.port))
    story.point_connector()
    return _serve_all("127.0.0.1", [story.connector_command()], lambda: story.print_welcome(home, started))


def _tell(home: Home, out: Path) -> int:
    """The first trade, whole. Errors: StoryCutOff when an earlier telling ended early: half a story is no ground."""
    from shugu import demo as story

    begun, told = home.path / "first-trade.begun", home.path / _TOLD
    if begun.exists() and not told.exists() and story.has_begun():
        raise StoryCutOff(path=str(home.path))
    begun.touch()
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda *_: sys.exit(1))  # leave through the ordinary door: stop connector and database
    code = story.run(out)
    if code == 0:
        told.write_text(json.dumps({"out": str(out.resolve())}), "utf-8")
    return code


def _stop_signal() -> threading.Event:
    """Set by Ctrl-C, by the order to end, and by the terminal's closing."""
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda *_: stop.set())
    return stop


def _need_port(address: str, port: int) -> None:
    """Errors: PortTaken, before any work, when something listens there already."""
    with socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((address, port))
        except OSError as error:
            raise PortTaken(port=str(port)) from error


def _serve_all(address: str, extra: list[list[str]], ready: Callable[[], None] | None = None) -> int:
    """Run web server, worker and `extra` processes until Ctrl-C, or until one of them ends by itself."""
    home = Home.from_environment()
    python = sys.executable
    web = [
        python, "-m", "gunicorn", "shugu.wsgi:application", "--bind", f"{address}:{home.port}", "--workers", "2",
        "--threads", "4", "--worker-class", "gthread", "--log-level", "warning", "--graceful-timeout", "5",
    ]  # fmt: skip
    stop = _stop_signal()
    children: list[subprocess.Popen[bytes]] = []
    try:
        for command in (web, [python, "-m", "shugu.cli", "worker"], *extra):
            # A session of its own: Ctrl-C comes to us alone, and each child is told once.
            children.append(subprocess.Popen(command, start_new_session=True))
        if _answers(address, home.port, children, stop):
            (ready or (lambda: print(f"http://{address}:{home.port}/")))()
        while not stop.wait(0.5):
            ended = next((c for c in children if c.poll() is not None), None)
            if ended is not None:
                print(f"进程意外结束 / a process ended by itself: {ended.args!r} ({ended.returncode})", file=sys.stderr)
                return 1
        return 0
    finally:
        for child in children:
            child.terminate()
        for child in children:
            try:
                child.wait(10)
            except subprocess.TimeoutExpired:
                child.kill()


def _answers(address: str, port: int, children: list[subprocess.Popen[bytes]], stop: threading.Event) -> bool:
    import httpx

    deadline = time.monotonic() + _BOOT_SECONDS
    while time.monotonic() < deadline and not stop.is_set() and all(c.poll() is None for c in children):
        try:
            if httpx.get(f"http://{address}:{port}/log/checkpoint", timeout=2).status_code < 500:
                return True
        except httpx.HTTPError:
            time.sleep(0.2)
    return False


def audit(options: argparse.Namespace) -> int:
    """Every audit of every app; exit code 1 and a precise report on any violation."""
    setup()
    from shugu import audit as audits

    lang = "en" if os.environ.get("LANG", "").startswith("en") else "zh"
    if not options.json:
        return audits.main(sys.stdout, lang)
    found = audits.audit_everything()
    rows = [{"check": v.check, "subject": v.subject, "zh": v.what[0], "en": v.what[1]} for v in found]
    print(json.dumps({"ok": not rows, "violations": rows}, ensure_ascii=False))
    return 1 if rows else 0


def check(options: argparse.Namespace) -> int:
    """Configuration, rules, procedures; exit code 1 with every defect and its remedy."""
    setup()
    from django.core.checks import ERROR, run_checks

    found = run_checks()
    for message in found:
        print(f"{message.id}: {message.msg}" + (f"  ({message.hint})" if message.hint else ""))
    errors = len([m for m in found if m.level >= ERROR]) + _told(_further(options.venue))
    if not errors:
        from shugu.kernel import runtime
        from shugu.kernel.tables import all_tables

        tables = sum(len(v) for v in all_tables().values())
        values = sum(1 for _ in runtime.rules().iter_values())
        print(f"通过：{tables} 张流程表，{values} 项规则 / ok: {tables} procedure tables, {values} rule values")
    return 1 if errors else 0


def _further(profile: str | None) -> list[ShuguError]:
    """What no start may depend on, and whoever asks should know: an HSM that does not open, a profile not yet in use."""
    from shugu.kernel import clock, hsm
    from shugu.kernel.rules import load_profile
    from shugu.kernel.workdays import local_day

    found: list[ShuguError] = []
    try:
        if profile is not None:
            load_profile(profile, local_day(clock.now()))
    except ShuguError as error:
        found.append(error)
    try:
        if hsm.configured():
            hsm.reach()
    except ShuguError as error:
        found.append(error)
    return found


def _told(errors: list[ShuguError]) -> int:
    for error in errors:
        print(" / ".join(f"{error.message(side)} {error.remedy_text(side)}" for side in ("zh", "en")))
    return len(errors)


def docs(options: argparse.Namespace) -> int:
    setup()
    from shugu.generated_docs import write_all

    for path in write_all(Path("docs")):
        print(path)
    return 0


def rules(options: argparse.Namespace) -> int:
    """What `shugu rules` shows, compares and counts (shugu/rules_cli.py)."""
    from shugu import rules_cli

    if options.what != "coverage":
        setup()  # whose values are checked against the apps' schemas; a count of files needs none
    return rules_cli.run(options)


def log(options: argparse.Namespace) -> int:
    """What `shugu log witness` and `shugu log rebuild` do; the rest of `shugu log` needs no venue."""
    setup()
    from shugu.evidence import log_cli

    return log_cli.run(options.rest)


def keys(options: argparse.Namespace) -> int:
    """What `shugu keys` does (shugu/keys_cli.py)."""
    setup()
    from shugu import keys_cli

    return keys_cli.run(options)


def papers(options: argparse.Namespace) -> int:
    """What `shugu papers` does (shugu/papers_cli.py)."""
    setup()
    from shugu import papers_cli

    return papers_cli.run(options)


def registry(options: argparse.Namespace) -> int:
    """What `shugu registry` does (shugu/registry/import_cli.py)."""
    setup()
    from shugu.registry import import_cli

    return import_cli.run(options)


def federation(options: argparse.Namespace) -> int:
    """What `shugu federation` does (shugu/edges/federation/command_line.py); the story of three venues (shugu/federated)."""
    if options.part == "demo":
        from shugu.federated import story

        return story.main(options.out, trimmed=options.trimmed, only=options.chapter)
    setup()
    from shugu.edges.federation import command_line

    return command_line.run(options)


def chain(options: argparse.Namespace) -> int:
    """What `shugu chain` does (shugu/edges/chain/command_line.py)."""
    setup()
    from shugu.edges.chain import command_line

    return command_line.run(options)
