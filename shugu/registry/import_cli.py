"""`shugu registry import FILE --register R`: the bulk import of the pages, worked on at once with a progress bar."""

from __future__ import annotations

import argparse
import mimetypes
import sys
from pathlib import Path
from typing import Any


def add_to(commands: Any) -> None:
    """The parser of `shugu registry`, under the main one's sub-commands."""
    registry = commands.add_parser("registry", help="登记 / registration")
    what = registry.add_subparsers(dest="what", required=True)
    taken = what.add_parser("import", help="从 CSV 或 Excel 批量导入申请 / import applications from CSV or Excel")
    taken.add_argument("file", type=Path)
    taken.add_argument("--register", required=True, help="登记簿 / the register")
    taken.add_argument("--as", dest="login", required=True, help="经办账号 / sign-in name of who imports")
    taken.add_argument("--org", default="", help="为本单位导入：单位编号 / the holder that imports for itself")
    taken.add_argument("--mandate", type=Path, default=None, help="授权与证明文件 / mandate and common papers (PDF)")
    taken.add_argument("--dry-run", action="store_true", help="只检查 / check only")
    taken.add_argument("--report", type=Path, default=None, help="逐行报告写到此处 / where the row-by-row report goes")


def run(options: argparse.Namespace) -> int:
    """0 when everything was imported (or would be), 1 when a row was refused; the report then says which and why.
    Errors: NotFound, Forbidden, InputInvalid, RegisterClosed."""
    from shugu.kernel import clock
    from shugu.registry import import_jobs, importing
    from shugu.registry.importing import BeginImport

    now = clock.now()
    actor = _actor(options.login, options.org)
    cmd = BeginImport(options.register, options.file.name, options.file.read_bytes(), _paper(options.mandate), options.dry_run)
    row = importing.begin_import(cmd, actor=actor, now=now)
    row = import_jobs.run_import(row.pk, now, told=_bar())
    if row.report and options.report is not None:
        from shugu.kernel import documents

        options.report.write_bytes(documents.get(row.report))
    for problem in row.problems[:20]:
        print(f"{problem['line']}\t{problem['column'][0]}\t{problem['what'][0]}\t{problem['remedy'][0]}", file=sys.stderr)
    from shugu.registry.queries_import import STATES

    state = STATES[row.state]
    print(f"{state.zh}：{row.total} 行，{row.errors} 项错误，{row.warnings} 项提示")
    print(f"{state.en}: {row.total} rows, {row.errors} errors, {row.warnings} warnings")
    return 0 if row.state in ("imported", "checked") else 1


def _actor(login: str, org: str) -> Any:
    from shugu.kernel.errors import NotFound
    from shugu.party import queries as parties

    found = [one.person for one in parties.staff() if one.login == login]
    if org:
        members = parties.people_of(parties.organisation_by_number(org).id)
        found = [person for person, name, *_ in members if name == login]
    if not found:
        raise NotFound(what=(f"账号 {login}", f"account {login}"))
    return parties.actor_for(found[0], parties.organisation_by_number(org).id if org else None)


def _paper(path: Path | None) -> Any:
    from shugu.registry.submitting import Upload

    if path is None:
        return None
    return Upload("mandate", path.name, mimetypes.guess_type(path.name)[0] or "", path.read_bytes())


def _bar() -> Any:
    from tqdm import tqdm

    bar = tqdm(unit=" 行", disable=None)

    def told(done: int, total: int) -> None:
        bar.total, bar.n = total, done
        bar.refresh()

    return told
