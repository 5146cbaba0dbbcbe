"""Entry point of the connector process: python -m connector init | draft-dictionary | add-product | serve | verify-meter."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import uvicorn

from shugu.formats.errors import ShuguError
from shugu.measure import BadDictionary, Dictionary, draft

from . import home, verify_meter
from .app import build


def clock() -> datetime:
    return datetime.now(UTC)  # noqa: TID251 - this process has no kernel; only its entry point reads the time


def demonstration_clock(file: Path) -> Callable[[], datetime]:
    """The clock of a demonstration venue, which lags by the seconds written in `file` and only ever catches up."""

    def lagging() -> datetime:
        return clock() - timedelta(seconds=max(0, int(file.read_text("utf-8") or 0)))

    return lagging


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="connector", description="data plane of a provider / 提供方连接器")
    commands = parser.add_subparsers(dest="command", required=True)
    init = commands.add_parser("init", help="make a home with fresh keys, pin the exchange's keys")
    init.add_argument("--exchange-url", required=True)
    init.add_argument("--exchange-keys", type=Path, help="venue.vkey; fetched from the exchange without it")
    init.add_argument("--name", help="id of the connector, also the name of its keys")
    init.add_argument("--suite", choices=["sm", "intl"], default="sm")
    init.add_argument("--receipts-url")
    point = commands.add_parser("point", help="the exchange has moved to another address")
    point.add_argument("--exchange-url", required=True)
    point.add_argument("--receipts-url")
    serve = commands.add_parser("serve", help="serve the data plane")
    serve.add_argument("--host", default="127.0.0.1")
    serve.add_argument("--port", type=int, required=True)
    serve.add_argument("--demo-clock", type=Path, help="lag behind by the seconds in this file; demonstrations only")
    add = commands.add_parser("add-product", help="hold a file under a product number")
    add.add_argument("--product", required=True)
    add.add_argument("--file", type=Path, required=True)
    add.add_argument("--dictionary", type=Path, required=True)
    add.add_argument("--related", action="append", default=[], metavar="NAME=PATH")
    drafted = commands.add_parser(
        "draft-dictionary", help="write a first data dictionary out of a file / 由文件起草数据字典"
    )
    drafted.add_argument("--file", type=Path, required=True, help="Parquet or CSV")
    drafted.add_argument("--out", type=Path, required=True, help="the dictionary to write; never overwritten")
    check = commands.add_parser("verify-meter", help="derive the meter chain again")
    for command in (init, point, serve, add, check):
        command.add_argument("--home", type=Path, required=True)
    return parser


def _init(options: argparse.Namespace) -> None:
    if options.exchange_keys:
        pinned = options.exchange_keys.read_text(encoding="utf-8")
    else:
        # Trust on first use: the operator compares the printed keys with those the venue publishes.
        answer = httpx.get(options.exchange_url.rstrip("/") + "/.well-known/venue.vkey", trust_env=False)
        pinned = answer.raise_for_status().text
    home.create(
        options.home,
        options.exchange_url,
        pinned,
        name=options.name,
        suite=options.suite,
        receipts_url=options.receipts_url,
    )
    print(json.dumps(home.load(options.home).well_known(), indent=1), "\npinned:", pinned, sep="\n")


def _draft(options: argparse.Namespace) -> None:
    made = draft(options.file).as_dict()
    with options.out.open("x", encoding="utf-8") as handle:
        handle.write(json.dumps(made, ensure_ascii=False, indent=1) + "\n")
    print(json.dumps({"dictionary": str(options.out), "columns": len(made["columns"])}, ensure_ascii=False))


def _dictionary(file: Path) -> Dictionary:
    """Errors: BadDictionary, also for what is no JSON."""
    try:
        raw = json.loads(file.read_text(encoding="utf-8"))
    except ValueError as error:
        raise BadDictionary(place=str(file), detail=(f"不是 JSON（{error}）", f"it is not JSON ({error})")) from error
    return Dictionary.from_dict(raw)


def _add(options: argparse.Namespace) -> None:
    dictionary = _dictionary(options.dictionary)
    related = dict(pair.partition("=")[::2] for pair in options.related)
    others = {name: Path(path) for name, path in related.items()}
    held = home.add_product(home.load(options.home), options.product, options.file, dictionary, others)
    print(json.dumps({"product": held.product, "file": held.file, "sha256": held.sha256, "size": held.size}))


def main(argv: list[str] | None = None) -> int:
    options = _parser().parse_args(argv)
    try:
        if options.command == "init":
            _init(options)
        elif options.command == "add-product":
            _add(options)
        elif options.command == "draft-dictionary":
            _draft(options)
        elif options.command == "point":
            moved = home.point_at(options.home, options.exchange_url, options.receipts_url)
            print(json.dumps({"exchange": options.exchange_url, "changed": moved}))
        elif options.command == "verify-meter":
            problems = verify_meter(options.home)
            print(json.dumps({"ok": not problems, "problems": problems}, ensure_ascii=False))
            return 1 if problems else 0
        else:
            now = demonstration_clock(options.demo_clock) if options.demo_clock else clock
            app = build(home.load(options.home), now)
            uvicorn.run(app, host=options.host, port=options.port, log_level="warning", server_header=False)
    except ShuguError as error:
        lang = "en" if os.environ.get("LANG", "").startswith("en") else "zh"
        print(f"connector: {error.message(lang)} {error.remedy_text(lang)}", file=sys.stderr)
        return 1
    except (OSError, ValueError, httpx.HTTPError) as error:
        print(f"connector: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
