"""`shugu keys papers`: the certificates that sign printed documents, as on the operator's page."""

from __future__ import annotations

import argparse
from datetime import datetime
from typing import Any


def add_to(keys: Any) -> None:
    """The parser of `shugu keys papers`, under that of `shugu keys`."""
    part = keys.add_parser("papers", help="签章证书 / the certificates that sign PDFs")
    papers = part.add_subparsers(dest="act", required=True)
    papers.add_parser("list", help="列出 / every one, its role and state")
    renew = papers.add_parser("renew", help="更换，旧的继续供核验旧文件 / new ones; old papers stay good")
    renew.add_argument("what", choices=("signer", "ca"), help="签章证书，或连同签发者与时间戳 / the signing one, or all")
    revoke = papers.add_parser("revoke", help="撤销（私钥可能在他人手中）/ revoke: a key may be in other hands")
    revoke.add_argument("certificate", nargs="+", help="证书摘要的开头，或 all / beginning of its SHA-256, or all")
    revoke.add_argument("--since", help="自何时起，默认现在 / since when, 2026-11-22T02:05:04Z; default now")


def run(options: argparse.Namespace) -> int:
    """Errors: NotFound, InputInvalid, FormatError for a time that is not written so."""
    from shugu.formats.times import read_time
    from shugu.kernel import clock, paper_revoking
    from shugu.kernel.cases import mandate

    now, by = clock.now(), mandate("venue", "keys")
    if options.act == "renew":
        paper_revoking.renew_papers(paper_revoking.RenewPapers(options.what), actor=by, now=now)
    elif options.act == "revoke":
        since = read_time(options.since) if options.since else None
        asked = paper_revoking.RevokePapers(_digests(options.certificate, now), since)
        paper_revoking.revoke_papers(asked, actor=by, now=now)
    for one in paper_revoking.certificates(now):
        state = f"revoked {one.since:%Y-%m-%dT%H:%M:%SZ}" if one.since else "in use" if one.used else "former"
        until = one.certificate.not_valid_after_utc
        print(f"{one.digest}  {one.role:6}  {until:%Y-%m-%d}  {state}  {one.name}")
    return 0


def _digests(given: list[str], now: datetime) -> tuple[str, ...]:
    """Whole digests from their beginnings; none for `all`. Errors: NotFound for what is the beginning of none, or of several."""
    from shugu.kernel import paper_revoking
    from shugu.kernel.errors import NotFound

    if given == ["all"]:
        return ()
    known = [one.digest for one in paper_revoking.certificates(now)]
    found = []
    for start in given:
        fits = [digest for digest in known if digest.startswith(start.lower())]
        if len(fits) != 1:
            raise NotFound(what=(f"签章证书 {start}", f"certificate {start}"))
        found += fits
    return tuple(found)
