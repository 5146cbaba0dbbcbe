"""What is decided without a database: vocabulary of the accreditation table, rights, kinds, signed statements."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final

from shugu.formats.canonical import canonical
from shugu.kernel.cases import CaseView
from shugu.kernel.text import Text
from shugu.kernel.vocabulary import OK, No, Verdict, guard, predicate


@dataclass(frozen=True)
class SigningKeyView:
    """A signing key of an organisation. `vkey`: a C2SP verifier key line; `retired_at`: None while it signs."""

    vkey: str
    registered_at: datetime
    retired_at: datetime | None


SEATS: Final[Mapping[str, Text]] = {
    "registrar": Text("登记员", "Registrar"),
    "reviewer": Text("审查员", "Reviewer"),
    "operator": Text("场所运营", "Venue operator"),
    "trade_reviewer": Text("交易审核", "Trade reviewer"),
    "settlement_officer": Text("结算员", "Settlement officer"),
    "compliance_officer": Text("合规员", "Compliance officer"),
    "regulator": Text("监管人员", "Regulator"),
    "auditor": Text("审计人员", "Auditor"),
    "committee_member": Text("合规委员会委员", "Committee member"),
}
# Seats that look at everything and move nothing.
WATCHERS: Final = frozenset({"regulator", "auditor"})
RIGHTS: Final[Mapping[str, Text]] = {
    "admin": Text("管理", "administer"),
    "sign": Text("签署", "sign"),
    "act": Text("办理", "act"),
}
SCOPES: Final[Mapping[str, Text]] = {"read": Text("查询", "read"), "act": Text("办理", "act")}
# Matters an organisation may leave to another one. Each is asked for by the app it names.
POWER_SCOPES: Final[Mapping[str, Text]] = {"registration": Text("登记事务", "registration matters")}
ORG_KINDS: Final[Mapping[str, Text]] = {
    "enterprise": Text("企业", "enterprise"),
    "public_institution": Text("事业单位", "public institution"),
    "government": Text("机关", "government body"),
    "social": Text("社会组织", "social organisation"),
    "venue": Text("交易场所", "venue"),
}
ACCREDITATION_KINDS: Final[Mapping[str, Text]] = {
    "provider": Text("数据提供方", "provider"),
    "buyer": Text("数据需求方", "buyer"),
    "merchant": Text("数商", "data merchant"),
    "service_body": Text("第三方服务机构", "third-party body"),
}
LOGIN: Final = re.compile(r"[a-z][a-z0-9._-]{2,39}")
STATEMENT: Final = "shugu.org-signature/v1"
POWER: Final = "shugu.power-of-attorney/v1"


def split_kind(kind: str) -> tuple[str, str]:
    """("service_body", "quality") of "service_body:quality"; the second is empty for the other kinds."""
    head, _, tail = kind.partition(":")
    return head, tail


def statement(venue: str, org: str, digest: str, signed_at: str) -> bytes:
    """The bytes an organisation signs over a document: canonical JSON of venue, organisation number, digest, time."""
    return canonical({"type": STATEMENT, "venue": venue, "org": org, "digest": digest, "signed_at": signed_at})


def instrument(
    venue: str, principal: str, agent: str, scopes: Sequence[str], since: date, until: date, document: str
) -> bytes:
    """The power of attorney the principal signs, as canonical JSON: who for whom, in what matters and for how long, as
    article 165 of the Civil Code asks. `principal`, `agent`: organisation numbers; `document`: SHA-256 or empty."""
    body = {
        "type": POWER, "venue": venue, "principal": principal, "agent": agent, "scopes": list(scopes),
        "since": since.isoformat(), "until": until.isoformat(),
    }  # fmt: skip
    return canonical(body | ({"document": document} if document else {}))


def is_digest(text: str) -> bool:
    return re.fullmatch(r"[0-9a-f]{64}", text) is not None


def password_problem(password: str, login: str, least: int) -> tuple[str, str] | None:
    """Why a password is not taken; None when it is. `least` comes from party.password_min_length."""
    if len(password) < least:
        return (f"密码至少 {least} 个字符", f"a password has at least {least} characters")
    if len(password) > 256:
        return ("密码不超过 256 个字符", "a password has at most 256 characters")
    if login and login in password.lower():
        return ("密码不得含有登录名", "a password must not contain the sign-in name")
    if len(set(password)) < 5:
        return ("密码过于简单", "the password is too simple")
    return None


def _case(view: CaseView) -> Mapping[str, Any]:
    return view.data


@predicate("party.is_service_body")
def is_service_body(view: CaseView) -> bool:
    return str(_case(view).get("kind", "")).startswith("service_body")


@predicate("party.is_merchant")
def is_merchant(view: CaseView) -> bool:
    return _case(view).get("kind") == "merchant"


@guard("party.correction_left")
def correction_left(view: CaseView) -> Verdict:
    """An application is returned for correction at most as often as party.accreditation_correction_rounds says."""
    rounds = view.rules.value("party.accreditation_correction_rounds").number
    if int(view.facts.get("corrections", 0)) < rounds:
        return OK
    return No(Text(f"已通知补正 {rounds} 次，应作出决定", f"correction was asked {rounds} time(s) already; decide now"))


@guard("party.no_other_accreditation")
def no_other_accreditation(view: CaseView) -> Verdict:
    if view.facts.get("accredited"):
        return No(Text("本单位已有同类有效资格", "the organisation holds this accreditation already"))
    return OK
