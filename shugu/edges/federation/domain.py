"""The terms of a recognition agreement: their closed form, and what follows from them. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from shugu.edges.federation.domain_netting import RULES
from shugu.edges.federation.errors import TermsInvalid
from shugu.formats.errors import ShuguError
from shugu.formats.suites import parse_witness_vkey
from shugu.kernel.cases import CaseView
from shugu.kernel.text import Text
from shugu.kernel.vocabulary import OK, No, Verdict, guard, predicate

AGREEMENT = "RecognitionAgreement"
IN_FORCE = ("in_force", "noticed")
WHOLE = 10_000  # parts of a fee
_MEMBERS = {"parties", "recognises", "moves", "evidence", "fees", "notice_days", "valid_from", "valid_until"}
_CODE = re.compile(r"[a-z0-9][a-z0-9_.\-]{0,59}")
_FRESH_FROM, _FRESH_TO = 60, 604_800
_MOST_ROWS, _MOST_CODES = 40, 80


@dataclass(frozen=True)
class Waiver:
    """For applications of `operation` in `register` (of the recognising venue) these materials are not asked for."""

    register: str
    operation: str
    materials: tuple[str, ...]


@dataclass(frozen=True)
class Recognises:
    """Venue `by` recognises certificates of these kinds and regimes of venue `of`."""

    by: str
    of: str
    kinds: tuple[str, ...]
    regimes: tuple[str, ...]
    waives: tuple[Waiver, ...]


@dataclass(frozen=True)
class Moves:
    """Entries may move from a register of venue `source` into one of venue `target`: {register there: register here}."""

    source: str
    target: str
    registers: Mapping[str, str]


@dataclass(frozen=True)
class Anchor:
    """A venue's checkpoints are anchored by `contract` (0x and 40 hex digits) on the EVM chain with this id."""

    chain: int
    contract: str


@dataclass(frozen=True)
class Evidence:
    """What a presented certificate must carry beside signature and inclusion. `status_max_age`: seconds; `witnesses`: how
    many cosignatures; `anchors`: by origin, which chain must know the checkpoint. `witnessed_by`: whose cosignatures count, as
    vkeys (where none is named: the witnesses that the recognising venue has pinned for the other one). `either`: witnesses or
    anchor suffices. `published_max_age`: seconds that a status list, and the newest cosignature on the present checkpoint where
    witnesses are asked for, may be old; where it is not agreed a list counts until its own end.
    `unlisted`: of a document without a place in the lists the issuer's answer alone is taken."""

    status_max_age: int
    witnesses: int
    anchors: Mapping[str, Anchor]
    witnessed_by: tuple[str, ...] = ()
    either: bool = False
    published_max_age: int | None = None
    unlisted: bool = False

    def as_dict(self) -> dict[str, Any]:
        """As agreed; what is optional stands there only where it was agreed."""
        return {
            "status_max_age": self.status_max_age, "witnesses": self.witnesses,
            "anchors": {o: {"chain": a.chain, "contract": a.contract} for o, a in self.anchors.items()},
            **({"witnessed_by": list(self.witnessed_by)} if self.witnessed_by else {}),
            **({"either": True} if self.either else {}),
            **({"published_max_age": self.published_max_age} if self.published_max_age is not None else {}),
            **({"unlisted": True} if self.unlisted else {}),
        }  # fmt: skip


@dataclass(frozen=True)
class Shares:
    """Venue `target` shows what venue `source` lists in these industries (every one where none is named). A listing that
    was not confirmed for `freshness` seconds is stale there."""

    source: str
    target: str
    industries: tuple[str, ...]
    freshness: int

    def covers(self, industry: str) -> bool:
        return not self.industries or industry in self.industries

    def as_dict(self) -> dict[str, Any]:
        return {"from": self.source, "to": self.target, "industries": list(self.industries), "freshness": self.freshness}


@dataclass(frozen=True)
class Terms:
    """`parties`: (venue, origin) of proposer and other side. `fees`: parts of ten thousand for the venue that lists and
    for the one that sells. `sharing`: which listings the venues show of each other. `netting`: "day" or "month" where only the
    balance of a period's settlements is paid. Days are local, the last one included."""

    parties: tuple[tuple[str, str], tuple[str, str]]
    recognises: tuple[Recognises, ...]
    moves: tuple[Moves, ...]
    evidence: Evidence
    fees: Mapping[str, int]
    notice_days: int
    valid_from: date
    valid_until: date
    sharing: tuple[Shares, ...] = ()
    netting: str = ""

    @property
    def origins(self) -> tuple[str, str]:
        return (self.parties[0][1], self.parties[1][1])

    def recognition(self, by: str, of: str, kind: str, regime: str) -> Recognises | None:
        """The row under which `by` recognises a certificate of `of`, if there is one."""
        rows = (r for r in self.recognises if (r.by, r.of) == (by, of))
        return next((r for r in rows if kind in r.kinds and regime in r.regimes), None)

    def moves_to(self, source: str, target: str, register: str) -> str | None:
        """The register of `target` that takes entries of this register of `source`."""
        rows = (m for m in self.moves if (m.source, m.target) == (source, target))
        return next((m.registers[register] for m in rows if register in m.registers), None)

    def shares(self, source: str, target: str) -> Shares | None:
        """What `target` shows of `source`, if anything."""
        return next((s for s in self.sharing if (s.source, s.target) == (source, target)), None)

    def as_dict(self) -> dict[str, Any]:
        """As agreed; `sharing` and `netting` are there only where they were agreed."""
        return {
            "parties": [{"venue": v, "origin": o} for v, o in self.parties],
            "recognises": [
                {"by": r.by, "of": r.of, "kinds": list(r.kinds), "regimes": list(r.regimes),
                 "waives": [{"register": w.register, "operation": w.operation, "materials": list(w.materials)} for w in r.waives]}
                for r in self.recognises
            ],
            "moves": [{"from": m.source, "to": m.target, "registers": dict(m.registers)} for m in self.moves],
            "evidence": self.evidence.as_dict(), "fees": dict(self.fees), "notice_days": self.notice_days,
            "valid_from": self.valid_from.isoformat(),
            "valid_until": self.valid_until.isoformat(),
            **({"sharing": [s.as_dict() for s in self.sharing]} if self.sharing else {}),
            **({"netting": self.netting} if self.netting else {}),
        }  # fmt: skip


def _bad(zh: str, en: str) -> TermsInvalid:
    return TermsInvalid(reason=(zh, en))


def _object(value: Any, members: set[str], where: str) -> dict[str, Any]:
    if not isinstance(value, dict) or set(value) != members:
        raise _bad(f"{where}的成员应为 {sorted(members)}", f"the members of {where} are {sorted(members)}")
    return value


def _list(value: Any, most: int, where: str) -> list[Any]:
    if not isinstance(value, list) or len(value) > most:
        raise _bad(f"{where}应为至多 {most} 项的列表", f"{where} is a list of at most {most}")
    return value


def _codes(value: Any, where: str) -> tuple[str, ...]:
    found = _list(value, _MOST_CODES, where)
    if not found or len(set(map(str, found))) != len(found) or not all(isinstance(c, str) and _CODE.fullmatch(c) for c in found):
        raise _bad(f"{where}应为不重复的代码", f"{where} are codes, none twice")
    return tuple(found)


def _int(value: Any, low: int, high: int, where: str) -> int:
    if type(value) is not int or not low <= value <= high:
        raise _bad(f"{where}应在 {low} 与 {high} 之间", f"{where} is from {low} to {high}")
    return value


def _day(value: Any, where: str) -> date:
    try:
        found = date.fromisoformat(value)
    except (TypeError, ValueError) as error:
        raise _bad(f"{where}写作 2026-03-02", f"write {where} as 2026-03-02") from error
    if found.isoformat() != value:
        raise _bad(f"{where}写作 2026-03-02", f"write {where} as 2026-03-02")
    return found


def _of(value: Any, origins: tuple[str, str], where: str) -> str:
    if value not in origins:
        raise _bad(f"{where}不是协议一方", f"{where} is no party of the agreement")
    return str(value)


def _two(first: Any, second: Any, origins: tuple[str, str], where: str) -> tuple[str, str]:
    pair = (_of(first, origins, where), _of(second, origins, where))
    if pair[0] == pair[1]:
        raise _bad(f"{where}的双方相同", f"both sides of {where} are the same")
    return pair


def _recognises(value: Any, origins: tuple[str, str]) -> Recognises:
    row = _object(value, {"by", "of", "kinds", "regimes", "waives"}, "recognises")
    by, of = _two(row["by"], row["of"], origins, "recognises")
    waives = []
    for item in _list(row["waives"], _MOST_ROWS, "waives"):
        one = _object(item, {"register", "operation", "materials"}, "waives")
        codes = _codes([one["register"], f"o.{one['operation']}"], "waives")
        waives.append(Waiver(codes[0], codes[1].removeprefix("o."), _codes(one["materials"], "materials")))
    if len({(w.register, w.operation) for w in waives}) != len(waives):
        raise _bad("同一登记簿与事项只写一行", "one row for each register and operation")
    return Recognises(by, of, _codes(row["kinds"], "kinds"), _codes(row["regimes"], "regimes"), tuple(waives))


def _moves(value: Any, origins: tuple[str, str]) -> Moves:
    row = _object(value, {"from", "to", "registers"}, "moves")
    source, target = _two(row["from"], row["to"], origins, "moves")
    if not isinstance(row["registers"], dict) or not row["registers"]:
        raise _bad("registers 应为登记簿对照", "registers map registers to registers")
    for pair in row["registers"].items():
        for code in pair:
            _codes([code], "registers")
    return Moves(source, target, dict(row["registers"]))


def _evidence(value: Any, origins: tuple[str, str]) -> Evidence:
    optional = {"witnessed_by", "either", "published_max_age", "unlisted"} & set(value if isinstance(value, dict) else ())
    row = _object(value, {"status_max_age", "witnesses", "anchors"} | optional, "evidence")
    if not isinstance(row["anchors"], dict):
        raise _bad("anchors 应为对象", "anchors is an object")
    anchors = {}
    for origin, item in row["anchors"].items():
        one = _object(item, {"chain", "contract"}, "anchors")
        if not isinstance(one["contract"], str) or not re.fullmatch(r"0x[0-9a-f]{40}", one["contract"]):
            raise _bad("合约地址应为 0x 与 40 位小写十六进制", "a contract is 0x and 40 small hex digits")
        anchors[_of(origin, origins, "anchors")] = Anchor(_int(one["chain"], 1, 2**53 - 1, "chain"), one["contract"])
    age, witnesses = (
        _int(row["status_max_age"], 60, 604_800, "status_max_age"),
        _int(row["witnesses"], 0, 16, "witnesses"),
    )
    named = _witnessed_by(row["witnessed_by"], witnesses) if "witnessed_by" in row else ()
    if "either" in row and (row["either"] is not True or not witnesses or not anchors):
        raise _bad(
            "either 只写 true，且须同时约定见证与锚定", "either is true, and witnesses and an anchor are both agreed"
        )
    oldest = _int(row["published_max_age"], 60, 2_678_400, "published_max_age") if "published_max_age" in row else None
    if row.get("unlisted", True) is not True:
        raise _bad("unlisted 只写 true", "unlisted is true or absent")
    return Evidence(age, witnesses, anchors, named, "either" in row, oldest, "unlisted" in row)


def _witnessed_by(value: Any, wanted: int) -> tuple[str, ...]:
    """The vkeys of witnesses, none twice, at least as many as are asked for."""
    lines = _list(value, 16, "witnessed_by")
    try:
        keys = [parse_witness_vkey(str(line)) for line in lines]
    except ShuguError as error:
        raise TermsInvalid(reason=(error.message("zh"), error.message("en"))) from error
    if not wanted or len({key.public for key in keys}) != len(keys) or len(keys) < wanted:
        raise _bad(
            "见证人公钥不得重复，且不少于所要求的数目",
            "witnesses are named once each, as many as are asked for or more",
        )
    return tuple(key.vkey() for key in keys)


def _shares(value: Any, origins: tuple[str, str]) -> Shares:
    row = _object(value, {"from", "to", "industries", "freshness"}, "sharing")
    source, target = _two(row["from"], row["to"], origins, "sharing")
    industries = _codes(row["industries"], "industries") if row["industries"] != [] else ()
    return Shares(source, target, industries, _int(row["freshness"], _FRESH_FROM, _FRESH_TO, "freshness"))


def _sharing(raw: Mapping[str, Any], origins: tuple[str, str]) -> tuple[Shares, ...]:
    """Absent where nothing is shared; there is one spelling for that."""
    if "sharing" not in raw:
        return ()
    rows = tuple(_shares(r, origins) for r in _list(raw["sharing"], 2, "sharing"))
    if not rows or len({r.source for r in rows}) != len(rows):
        raise _bad("每个方向只写一行", "one row for each direction")
    return rows


def read_terms(value: Any) -> Terms:
    """From the agreement's JSON. Errors: TermsInvalid; nothing is guessed and no member is ignored."""
    optional = {"sharing", "netting"} & set(value if isinstance(value, dict) else ())
    raw = _object(value, _MEMBERS | optional, "terms")
    parties = []
    for item in _list(raw["parties"], 2, "parties"):
        one = _object(item, {"venue", "origin"}, "parties")
        if not all(isinstance(v, str) and 1 <= len(v) <= 200 for v in one.values()):
            raise _bad("场所与来源应为文本", "venue and origin are texts")
        parties.append((one["venue"], one["origin"]))
    if len(parties) != 2 or parties[0][1] == parties[1][1]:
        raise _bad("应有两个不同的场所", "there are two different venues")
    origins = (parties[0][1], parties[1][1])
    fees = _object(raw["fees"], {"listing", "selling"}, "fees")
    if sum(_int(v, 0, WHOLE, "fees") for v in fees.values()) != WHOLE:
        raise _bad(f"两份之和应为 {WHOLE}", f"both parts sum to {WHOLE}")
    netting = raw.get("netting", "")
    if "netting" in raw and netting not in RULES:
        raise _bad('netting 写 "day" 或 "month"', 'netting is "day" or "month"')
    first, last = _day(raw["valid_from"], "valid_from"), _day(raw["valid_until"], "valid_until")
    if last < first:
        raise _bad("终止日早于起始日", "it ends before it begins")
    return Terms(
        (parties[0], parties[1]), tuple(_recognises(r, origins) for r in _list(raw["recognises"], _MOST_ROWS, "recognises")),
        tuple(_moves(r, origins) for r in _list(raw["moves"], _MOST_ROWS, "moves")), _evidence(raw["evidence"], origins),
        fees, _int(raw["notice_days"], 1, 365, "notice_days"), first, last, _sharing(raw, origins),
        netting,
    )  # fmt: skip


@guard("federation.offered_by_them")
def offered_by_them(view: CaseView) -> Verdict:
    if view.data.get("ours"):
        return No(Text("协议由本场所提出，待对方会签", "this venue offered it: the other one has to sign"))
    return OK


@guard("federation.offered_by_us")
def offered_by_us(view: CaseView) -> Verdict:
    if not view.data.get("ours"):
        return No(Text("协议由对方提出", "the other venue offered it"))
    return OK


@guard("federation.owed_by_us")
def owed_by_us(view: CaseView) -> Verdict:
    if view.data.get("side") != "debtor":
        return No(Text("由应付场所确认", "the venue that owes decides"))
    return OK


@guard("federation.claimed_by_us")
def claimed_by_us(view: CaseView) -> Verdict:
    if view.data.get("side") != "claimant":
        return No(Text("由请款场所收款", "the venue that claimed receives"))
    return OK


@guard("federation.suspended_by_us")
def suspended_by_us(view: CaseView) -> Verdict:
    if view.facts.get("suspended_by") != "us":
        return No(Text("协议由对方中止，须由对方恢复", "the other venue suspended it and has to resume it"))
    return OK


@guard("federation.suspended_by_them")
def suspended_by_them(view: CaseView) -> Verdict:
    if view.facts.get("suspended_by") != "them":
        return No(Text("协议由本场所中止", "this venue suspended it"))
    return OK


@predicate("federation.notice_given")
def notice_given(view: CaseView) -> bool:
    return bool(view.data.get("notice_ends"))


@predicate("federation.is_suspended")
def is_suspended(view: CaseView) -> bool:
    return view.state == "suspended"
