"""The kernel's own kinds of credentials: status lists, and what the certificates on paper rest on."""

from __future__ import annotations

from datetime import date

from shugu.formats.canonical import parse_object
from shugu.formats.paper_revocations import TYPE as REVOCATIONS_TYPE
from shugu.formats.pdf import AUTHORITY_TYPE
from shugu.formats.status_list import TYPE as LIST_TYPE
from shugu.kernel import credentials
from shugu.kernel.credentials import Kind, Standing, lines, one_type
from shugu.kernel.models import Fact
from shugu.kernel.paper_authority import DIGEST_NAME, FACT
from shugu.kernel.text import Text
from shugu.kernel.workdays import local_day

AUTHORITY = Text("签章授权", "authority of the certificates on paper")


def find_authority(number: str, on: date) -> Standing | None:
    """The newest of this number: the same certificates are bound anew when the venue's keys change."""
    if not number.startswith("PAPER-"):
        return None
    for fact in Fact.objects.filter(name=FACT, payload__contains=number).order_by("-id"):
        told = parse_object((fact.payload or "{}").encode())
        named = told["digests"]
        assert isinstance(named, dict)
        if local_day(fact.recorded_at) <= on:
            return Standing(
                number=number, title=AUTHORITY, digest=str(named[DIGEST_NAME]), issued_at=fact.recorded_at, valid_until=None,
                lines=lines((), on=on, valid_until=None, article=""), fact=fact.pk, seat=None, public=True,
            )  # fmt: skip
    return None


def register() -> None:
    credentials.register_kind(
        Kind(
            name="kernel.paper_authority", prefix="PAPER-", app="kernel",
            types=one_type(AUTHORITY_TYPE, AUTHORITY.zh, AUTHORITY.en), subject=("trust",), find=find_authority,
            where=("/evidence/documents/{digest}/",),
            lasting=Text(
                "它说明某段时间所签纸面文件的证书归本场所所有，这一事实不会改变；更换证书或公钥时另签新的，旧的继续供核验旧文件。",
                "It says whose the certificates are that signed papers in their time, which stays true; other certificates or "
                "keys get another one, and the old one goes on serving the old papers.",
            ),
        )
    )  # fmt: skip
    credentials.register_kind(
        Kind(
            name="kernel.paper_revocations", app="kernel",
            types=one_type(REVOCATIONS_TYPE, "签章证书撤销清单", "list of revoked certificates on paper"), subject=("revoked",),
            where=("/.well-known/venue-paper-revocations.json",),
            lasting=Text(
                "它只说签署之时的情形，每小时重签，过 validUntil 即不再作数；每次撤销另有事实入日志。",
                "It says how things stood when it was signed, is signed anew each hour, and counts no more after validUntil; "
                "each revocation has its own fact in the log.",
            ),
        )
    )  # fmt: skip
    credentials.register_kind(
        Kind(
            name="kernel.status_list", app="kernel", types=one_type(LIST_TYPE, "状态列表", "status list"),
            subject=("id", "type", "statusPurpose", "encodedList", "ttl", "version", "previous"), numbered=False,
            where=("/status/{list}.json", "/status/{list}/{version}.json"),
            lasting=Text(
                "每一版只说它公布之时的状态，由下一版接续（版号与前版摘要），过 validUntil 即不再作数。",
                "Each version says how things stood when it was published; the next one follows it (number and digest of the "
                "version before), and after validUntil it counts no more.",
            ),
        )
    )  # fmt: skip
