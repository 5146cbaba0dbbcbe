"""Files of applications as tests of bulk import make them."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from datetime import datetime

from openpyxl import Workbook

from shugu.kernel.cases import Actor
from shugu.registry import import_jobs, importing
from shugu.registry.importing import BeginImport
from shugu.registry.models_import import Import
from shugu.registry.submitting import Upload
from tests.world import FORM, PAPER

HEAD = ("名称", "登记对象", "权利", "持有人", "来源登记", *FORM)


def row(n: int, holder: str = "", **changes: str) -> dict[str, str]:
    """One good row; `changes` by column name."""
    plain = {"名称": f"城市客流数据 {n:05d}", "登记对象": "数据产品", "权利": "holding、operation", "持有人": holder}
    return {**plain, "来源登记": "", **FORM, **changes}


def table(rows: Sequence[Mapping[str, str]], head: Sequence[str] = HEAD) -> bytes:
    buffer = io.StringIO()
    writer = csv.writer(buffer)
    writer.writerow(head)
    writer.writerows([r.get(name, "") for name in head] for r in rows)
    return b"\xef\xbb\xbf" + buffer.getvalue().encode()


def workbook(rows: Sequence[Mapping[str, str]], head: Sequence[str] = HEAD) -> bytes:
    book = Workbook()
    book.worksheets[0].append(list(head))
    for one in rows:
        book.worksheets[0].append([one.get(name, "") for name in head])
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def mandate() -> Upload:
    return Upload("mandate", "授权与证明.pdf", "application/pdf", PAPER + b"mandate")


def begun(content: bytes, actor: Actor, now: datetime, name: str = "batch.csv", **more: object) -> Import:
    cmd = BeginImport("data-property", name, content, **{"mandate": mandate(), **more})  # type: ignore[arg-type]
    return importing.begin_import(cmd, actor=actor, now=now)


def imported(content: bytes, actor: Actor, now: datetime, name: str = "batch.csv", **more: object) -> Import:
    """Taken in and worked on, whatever came of it."""
    return import_jobs.run_import(begun(content, actor, now, name, **more).pk, now)
