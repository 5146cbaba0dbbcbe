"""The command line of `shugu verify`. Exit codes are those of shugu.formats.verdicts, 2 for wrong use."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from shugu.formats.checks import CheckId, Outcome
from shugu.formats.demands import Lists, witnesses
from shugu.formats.errors import ShuguError
from shugu.formats.pins import Pins
from shugu.formats.quorum import Policy, parse_policy
from shugu.formats.sealed import Sealed, load, read_sealed
from shugu.formats.suites import Keyring, keyring
from shugu.formats.verdicts import EXIT, USAGE, VERDICTS, Verdict
from shugu.formats.verify import Further, PaperLists, Verifier
from shugu.verifier import browser, packages, printing
from shugu.verifier.inputs import history_of, read_moment, text_of, unreadable
from shugu.verifier.online import Online, Wanted
from shugu.verifier.targets import Examined, Given, Kind, WrongUse, examine, gather, pdf_report, read_leaf, sniffed

_ABOUT: Final = """用固定的公钥离线验证凭证、封存文件、日志证明、事实、检查点、PDF、证据包或整个目录，逐项列出检查及其结论。
Verify credentials, sealed documents, log proofs, facts, checkpoints, PDFs, evidence packages or folders offline against
pinned keys; every check is listed with what follows from it."""
_CHUNK: Final = 64
# A document's bytes, and those of its fact file and proof where it has them beside it.
Parts = tuple[bytes, bytes | None, bytes | None]


def _epilog() -> str:
    """The exit codes, from the table that sets them."""
    codes: dict[int, list[Verdict]] = {}
    for verdict, code in EXIT.items():
        codes.setdefault(code, []).append(verdict)
    rows = {code: " / ".join(f"{VERDICTS[v][0]} {VERDICTS[v][1]}" for v in found) for code, found in codes.items()}
    rows[USAGE] = "用法有误 wrong use"
    return "退出码 / exit codes:\n" + "".join(f"  {code}  {rows[code]}\n" for code in sorted(rows))


def parser() -> argparse.ArgumentParser:
    out = argparse.ArgumentParser(
        prog="shugu verify",
        description=_ABOUT,
        epilog=_epilog(),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    out.add_argument("target", nargs="*", type=Path, help="文件或目录 / files or folders")
    out.add_argument(
        "--key", type=Path, action="append", default=[], metavar="VENUE.vkey",
        help="受信公钥文件，可多次 / the pinned keys; may be given again for another venue",
    )  # fmt: skip
    out.add_argument("--at", metavar="TIME", help="验证时刻，默认现在 / time of verification, 2026-11-22T02:05:04Z; default now")
    out.add_argument("--policy", type=Path, metavar="FILE", help="所要求的见证方联署 / the cosignatures demanded (tlog-policy)")
    out.add_argument(
        "--history", type=Path, action="append", default=[], metavar="FILE",
        help="密钥历史，可多次 / a venue's key history (venue-keys.json); again for another venue",
    )  # fmt: skip
    out.add_argument(
        "--status", type=Path, action="append", default=[], metavar="FILE",
        help="状态列表（封存），可多次 / a sealed status list; again for others",
    )  # fmt: skip
    out.add_argument(
        "--revoked", type=Path, action="append", default=[], metavar="FILE",
        help="场所的签章证书撤销清单，可多次 / a venue's list of revoked certificates on paper; again for another venue",
    )  # fmt: skip
    out.add_argument(
        "--max-age", type=int, metavar="HOURS", help="状态列表最旧几小时 / how old a status list may be; default: until it ends"
    )
    out.add_argument(
        "--online", action="store_true",
        help="向场所查询密钥历史、检查点与状态列表 / ask the venue for key history, checkpoint and status lists",
    )  # fmt: skip
    out.add_argument("--url", metavar="URL", help="场所网址，默认取自文件 / the venue's address; default: as the document says")
    out.add_argument("--leaf", metavar="HEX", help="证明所对应的叶哈希 / the leaf hash a bare .tlog-proof is about")
    out.add_argument("--json", action="store_true", help="输出 JSON（docs/verify.md）/ print JSON as docs/verify.md describes")
    out.add_argument("--lang", choices=("zh", "en"), default="zh", help="语言 / language")
    out.add_argument("--both", action="store_true", help="中英对照 / both languages")
    out.add_argument("--short", action="store_true", help="每项一行 / one line a check")
    out.add_argument(
        "--page", type=Path, metavar="FILE", help="写出浏览器版（单个网页），不作验证 / write the verifier for browsers, one page"
    )
    out.add_argument("--jobs", type=int, default=1, metavar="N", help="并行进程数，0 为全部核心 / processes; 0 for every core")
    return out


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the command line; returns the exit code."""
    asking = parser()
    try:
        given = asking.parse_args(argv)
        if given.page is None and not (given.target and given.key):
            asking.error("文件与 --key 均须给出 / a target and --key are needed")
    except SystemExit as stop:
        return USAGE if stop.code else 0
    refused: ShuguError
    try:
        if given.page is not None:
            given.page.write_text(browser.html(), "utf-8")
            return 0
        return run(given)
    except OSError as error:
        refused = unreadable(error)
    except ShuguError as error:
        refused = error
    say: printing.Say = "both" if given.both else given.lang
    if given.json:
        print(json.dumps(printing.misused(refused, say), ensure_ascii=False, indent=2))
    for side in {"both": ("zh", "en")}.get(say, (say,)):
        print(f"{asking.prog}: {refused.message(side)} {refused.remedy_text(side)}", file=sys.stderr)
    return USAGE


@dataclass(frozen=True)
class Trust:
    """What a run verifies with, as text and bytes, so that every process can make its own verifier of it."""

    keys: str
    now: datetime
    histories: tuple[bytes, ...] = ()
    policy: Policy | None = None
    lists: tuple[Parts, ...] = ()
    max_age: timedelta = timedelta.max
    revoked: tuple[bytes, ...] = ()

    def verifier(self) -> Verifier:
        """Raises BadKey, HistoryNotTrusted and what reading a history raises."""
        further: list[Further] = []
        if self.policy is not None:
            further.append(witnesses(self.policy))
        if self.lists:
            further.append(Lists([_status_list(parts) for parts in self.lists], self.max_age))
        return Verifier(Pins(keyring(self.keys), self.histories), self.now, further, papers=self.papers())

    def papers(self) -> PaperLists | None:
        """The lists given, by the issuer each names; None without any. Raises FormatError for a file that is no document."""
        by_issuer = {str(read_sealed(one).credential.get("issuer")): one for one in self.revoked}
        return by_issuer.get if by_issuer else None

    def wanted(self, *, as_of: bool) -> Wanted:
        """What a venue is asked with; `as_of` when a time was given."""
        further = (witnesses(self.policy),) if self.policy is not None else ()
        lists = tuple(_status_list(parts) for parts in self.lists)
        return Wanted(keyring(self.keys), self.now, self.histories, further, lists, self.max_age, as_of, self.papers())


def trust(given: argparse.Namespace) -> Trust:
    """What the command line names, read. Raises OSError, ShuguError."""
    policy = parse_policy(text_of(given.policy)) if given.policy else None
    return Trust(
        read_keys(given.key, policy).text(),
        read_moment(given.at) if given.at else datetime.now(UTC),  # noqa: TID251 -- a program of its own, no kernel
        tuple(history_of(path) for path in given.history),
        policy,
        tuple(load(path) for path in given.status),
        timedelta(hours=given.max_age) if given.max_age is not None else timedelta.max,
        tuple(path.read_bytes() for path in given.revoked),
    )


def _status_list(parts: Parts) -> Sealed | ShuguError:
    """What cannot be read as a document is no wrong use: it leaves the status unknown."""
    try:
        return read_sealed(*parts)
    except ShuguError as error:
        return error


def run(given: argparse.Namespace) -> int:
    """Raises OSError, ShuguError for wrong use; what a document holds ends in its verdict."""
    trusted = trust(given)
    verifier = trusted.verifier()
    extra = Given(read_leaf(given.leaf) if given.leaf else None, trusted.policy)
    say: printing.Say = "both" if given.both else given.lang
    wanted = list(_wanted(given.target))
    online = Online(trusted.wanted(as_of=given.at is not None), given.url) if given.online else None
    found = list(_examined(wanted, trusted, verifier, extra, 1 if online else given.jobs))
    asked: list[dict[str, object]] = []
    if online is not None:
        found = [_refreshed(examined, verifier, online) for examined in found]
        asked = [question.as_dict() for question in online.said]
    verdict = printing.overall(found)
    keys = verifier.pins.keys
    if verdict is None and not given.json:
        print("".join(printing.head(e, say) + "\n" for e in found), end="", file=sys.stderr)
        raise WrongUse(what=" ".join(map(str, given.target)), reason=("没有可验证的文件", "there is nothing to verify"))
    if given.json:
        listed = any(path.is_dir() and not packages.is_folder(path) for path in given.target)
        report = printing.everything(found, keys, say, asked, listed=listed)
        print(json.dumps(report, ensure_ascii=False, indent=2))
    elif len(found) == 1:
        print(printing.text(found[0], keys, say, short=given.short), end="")
    else:
        print(printing.several(found, keys, say), end="")
    if not given.json:
        print(printing.questions(asked, say), end="")
    return printing.exit_code(found)


def read_keys(files: Sequence[Path], policy: Policy | None) -> Keyring:
    """The keys of every file, in order, then the policy's witnesses that no file names; a line that two files share
    counts once. Raises BadKey, OSError."""
    lines = [line.strip() for file in files for line in text_of(file).splitlines()]
    lines += [key.vkey() for key in policy.witness_keys()] if policy else []
    return keyring("\n".join(dict.fromkeys(lines)))


def _wanted(targets: Sequence[Path]) -> Iterator[tuple[Path, Kind]]:
    for target in targets:
        if packages.is_folder(target):
            yield target, Kind.PACKAGE
        elif target.is_dir():
            yield from gather(target)
        else:
            yield target, sniffed(target)


def _refreshed(examined: Examined, offline: Verifier, online: Online) -> Examined:
    """A document verified again with what its venue says now; what is no readable credential stays as it was."""
    report = examined.report
    if report is None or report.document is None or report.outcomes.get(CheckId.CREDENTIAL_FORM) is not Outcome.OK:
        return examined
    try:
        verifier = online.verifier(report.document)
    except ShuguError as error:
        further = [*offline.further, online.unreached(error)]
        verifier = Verifier(offline.pins, offline.now, further, papers=offline.papers)
    again = pdf_report(examined.path, verifier)[0] if examined.kind is Kind.PDF else verifier.sealed(report.document)
    return replace(examined, report=again, offline=report.verdict)


def _one(path: Path, kind: Kind, verifier: Verifier, extra: Given, *, alone: bool = False) -> Examined:
    """Among others a file that lacks its part is told and decides nothing; alone it is wrong use."""
    try:
        return examine(path, kind, verifier, extra)
    except WrongUse as error:
        if alone:
            raise
        return Examined(path, kind, None, (error.message("zh"), error.message("en")))


def _examined(
    wanted: Sequence[tuple[Path, Kind]], trusted: Trust, verifier: Verifier, extra: Given, jobs: int
) -> Iterator[Examined]:
    if jobs == 1 or len(wanted) < _CHUNK:
        yield from (_one(path, kind, verifier, extra, alone=len(wanted) == 1) for path, kind in wanted)
        return
    parts = [wanted[at : at + _CHUNK] for at in range(0, len(wanted), _CHUNK)]
    with ProcessPoolExecutor(jobs or os.cpu_count() or 1, initializer=_begin, initargs=(trusted,)) as pool:
        for done in pool.map(_examine_part, parts, [extra] * len(parts)):
            yield from done


_worker: list[Verifier] = []


def _begin(trusted: Trust) -> None:
    """Each process keeps one verifier, and with it what repeats."""
    _worker[:] = [trusted.verifier()]


def _examine_part(part: Sequence[tuple[Path, Kind]], extra: Given) -> list[Examined]:
    return [_one(path, kind, _worker[0], extra) for path, kind in part]
