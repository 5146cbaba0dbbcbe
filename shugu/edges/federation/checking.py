"""A document of another venue, checked one point after the other, as a careful registrar would with both venues' books open.

1 to 11 are the verifier's own (docs/formats.md section 9); those after them ask the agreement, the holder, the issuer's
signed statement of status, witnesses and chain. The first that fails decides; those after it are skipped and say so.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from typing import Any

from shugu.edges.federation import agreements, anchoring, client, messages, peers, statements
from shugu.edges.federation.domain import Recognises, Terms
from shugu.edges.federation.errors import (
    DemonstrationMismatch,
    PeerPaused,
    PeerUnreachable,
    UnknownPeer,
)
from shugu.edges.federation.models import Peer
from shugu.formats.checks import TITLES, Outcome
from shugu.formats.cosignature import verify_cosignature
from shugu.formats.credential import Document, credential_digest
from shugu.formats.errors import Pair, ShuguError
from shugu.formats.note import parse_note
from shugu.formats.sealed import Sealed, read_sealed
from shugu.formats.verdicts import Verdict
from shugu.formats.verify import verify_sealed
from shugu.kernel import runtime, signer

Fetch = Callable[[Peer, str], bytes]
VOUCHER_KIND, VOUCHER_REGIME = "data_transaction_voucher", "trade"
MOST_BYTES = 1_048_576
FURTHER: Mapping[str, Pair] = {
    "sealed": ("已封存于签发方日志", "Sealed in the issuer's log"),
    "same-kind": ("与本场所同为示范或真实场所", "Of a venue of our own kind, demonstration or real"),
    "agreement": ("生效中的互认协议涵盖此类证书", "A recognition agreement in force covers it"),
    "holder": ("出示人即证书所载主体", "Presented by who it names"),
    "status": ("签发方答复：仍然有效", "The issuer says that it is in force"),
    "fresh": ("答复在协议约定的时效内", "The answer is as fresh as agreed"),
    "witnesses": ("检查点有约定数量的见证签名", "Enough witnesses cosigned the checkpoint"),
    "anchor": ("检查点已锚定于约定的链", "The checkpoint is anchored on the chain agreed on"),
}


@dataclass(frozen=True)
class Line:
    """One check with its number. `outcome`: ok, failed, skipped."""

    n: int
    id: str
    title: Pair
    outcome: str
    detail: Pair = ("", "")

    def as_row(self) -> dict[str, Any]:
        return {"n": self.n, "id": self.id, "title": list(self.title), "outcome": self.outcome, "detail": list(self.detail)}


@dataclass(frozen=True)
class Verdicts:
    """What came of it. `failed`: the id of the check that failed; `again`: the issuer could not be asked, which is no
    verdict about the document."""

    lines: tuple[Line, ...]
    digest: str = ""
    presented: str = ""
    peer: Peer | None = None
    credential: Document = field(default_factory=dict)
    agreement: str = ""
    row: Recognises | None = None
    terms: Terms | None = None
    statement: bytes = b""
    again: bool = False

    @property
    def failed(self) -> Line | None:
        return next((line for line in self.lines if line.outcome == "failed"), None)

    @property
    def subject(self) -> dict[str, Any]:
        found = self.credential.get("credentialSubject")
        return found if isinstance(found, dict) else {}

    @property
    def kind(self) -> str:
        return kind_of(self.credential)[0]

    @property
    def regime(self) -> str:
        return kind_of(self.credential)[1]

    @property
    def until(self) -> date | None:
        try:
            return date.fromisoformat(str(self.subject.get("last_day")))
        except ValueError:
            return None


def kind_of(credential: Document) -> tuple[str, str]:
    """(kind of certificate, regime) as agreements name them; a voucher of a trade belongs to no regime."""
    subject: Any = credential.get("credentialSubject")
    if credential.get("type") == ["VerifiableCredential", "DataTransactionVoucher"]:
        return VOUCHER_KIND, VOUCHER_REGIME
    entry = subject.get("entry") if isinstance(subject, dict) else None
    regime = entry.get("regime", "") if isinstance(entry, dict) else ""
    return str(subject.get("kind", "")) if isinstance(subject, dict) else "", str(regime)


class _Stop(Exception):
    """Not an error: the checks end at the one that failed."""


class _Desk:
    """The checks of one document as they are made."""

    def __init__(self, now: datetime) -> None:
        self.now = now
        self.lines: list[Line] = []
        self.found = Verdicts(())

    def note(self, id_: str, title: Pair, error: ShuguError | None = None, detail: Pair = ("", "")) -> None:
        outcome = "ok" if error is None else "failed"
        told = detail if error is None else (error.message("zh"), error.message("en"))
        self.lines.append(Line(len(self.lines) + 1, id_, title, outcome, told))
        if error is not None:
            raise _Stop()

    def ask(self, id_: str, act: Callable[[], Pair]) -> None:
        try:
            detail = act()
        except ShuguError as refusal:
            self.note(id_, FURTHER[id_], refusal)
        else:
            self.note(id_, FURTHER[id_], detail=detail)

    def result(self) -> Verdicts:
        done = {line.id for line in self.lines}
        why = ("前项未通过，未检查", "not reached: an earlier check failed")
        rest = [Line(0, id_, title, "skipped", why) for id_, title in FURTHER.items() if id_ not in done]
        lines = [replace(line, n=place) for place, line in enumerate((*self.lines, *rest), start=1)]
        return replace(self.found, lines=tuple(lines))


class CheckFailed(ShuguError):
    code = "presented-document-refused"
    status = 422
    sentence = ("出示的文件未通过核验：{reason}。", "The document that was presented was not accepted: {reason}.")
    remedy = ("按未通过的检查项向签发场所查询。", "Ask the issuing venue about the check that failed.")


def examine(content: bytes, uscc: str, now: datetime, fetch: Fetch = client.get) -> Verdicts:
    """Every check of a presented file for the organisation with that credit code; asks the issuing venue. Never raises for
    what the document holds."""
    desk = _Desk(now)
    presented = hashlib.sha256(content).hexdigest()
    desk.found = replace(desk.found, presented=presented, digest=presented)
    try:
        document, peer = _read(desk, content)
        _verified(desk, document, peer)
        _agreed(desk, peer)
        desk.ask("holder", lambda: _held(desk.found, uscc))
        _standing(desk, peer, fetch)
        _evidence(desk, peer, document, fetch)
    except _Stop:
        pass
    return desk.result()


def _read(desk: _Desk, content: bytes) -> tuple[Sealed, Peer]:
    title = ("文件可读，签发场所已登记", "The file can be read and its venue is known here")
    try:
        if len(content) > MOST_BYTES:
            raise CheckFailed(reason=("文件过大", "the file is too large"))
        document = read_sealed(content)
        peer = peers.peer_of(str(document.credential.get("issuer", "")).removeprefix("https://"))
        if peer.paused:
            raise PeerPaused(origin=peer.origin)
    except ShuguError as refusal:
        desk.note("known-venue" if isinstance(refusal, UnknownPeer | PeerPaused) else "file-form", title, refusal)
        raise _Stop() from refusal
    credential = document.credential
    desk.found = replace(desk.found, peer=peer, credential=credential, digest=credential_digest(credential))
    desk.note("known-venue", title, detail=(peer.title_zh, peer.title_en))
    return document, peer


def _verified(desk: _Desk, document: Sealed, peer: Peer) -> None:
    report = verify_sealed(document, peers.document_keys(peer), desk.now + messages.skew())
    for check in report.checks:
        if check.outcome is Outcome.SKIPPED:
            desk.lines.append(Line(len(desk.lines) + 1, check.id.value, TITLES[check.id], "skipped", check.detail))
            continue
        error = CheckFailed(reason=check.detail) if check.outcome is Outcome.FAILED else None
        desk.note(check.id.value, TITLES[check.id], error, check.detail)
    sealed = None if report.verdict is Verdict.SEALED else CheckFailed(reason=("没有日志封存证明", "it is not sealed"))
    desk.note("sealed", FURTHER["sealed"], sealed)
    demo = desk.found.subject.get("demo") is True
    desk.note("same-kind", FURTHER["same-kind"], None if demo == runtime.demo() else DemonstrationMismatch())


def _agreed(desk: _Desk, peer: Peer) -> None:
    def covered() -> Pair:
        kind, regime = kind_of(desk.found.credential)
        row, terms = agreements.need_agreement(peer, kind, regime, desk.now)
        found = terms.recognition(signer.origin(), peer.origin, kind, regime)
        desk.found = replace(desk.found, agreement=row.reference, terms=terms, row=found)
        return (row.reference, row.reference)

    desk.ask("agreement", covered)


def _held(found: Verdicts, uscc: str) -> Pair:
    named = holders_of(found.subject)
    if uscc not in named:
        raise CheckFailed(reason=("证书所载主体不是出示人", "it names somebody else"))
    return (uscc, uscc)


def holders_of(subject: Mapping[str, Any]) -> tuple[str, ...]:
    """Credit codes of whom a certificate or voucher is for: its holders, the other side of an encumbrance, a trade's buyer."""
    rows: list[Any] = list(subject.get("holders") or [])
    rows += [subject.get(name) for name in ("encumbrance", "buyer", "counterparty")]
    return tuple(str(row["uscc"]) for row in rows if isinstance(row, dict) and row.get("uscc"))


def ask_standing(peer: Peer, digest: str, now: datetime, fetch: Fetch) -> tuple[statements.Standing, bytes]:
    """The issuer's signed answer. Errors: PeerUnreachable, FormatError, VerificationError."""
    nonce = secrets.token_hex(16)
    content = fetch(peer, f"/federation/status/{digest}/{nonce}")
    return statements.read_statement(content, peers.live_keys(peer), digest, nonce, now + messages.skew()), content


def _standing(desk: _Desk, peer: Peer, fetch: Fetch) -> None:
    held: list[statements.Standing] = []

    def in_force() -> Pair:
        try:
            standing, content = ask_standing(peer, desk.found.digest, desk.now, fetch)
        except PeerUnreachable:
            desk.found = replace(desk.found, again=True)
            raise
        held.append(standing)
        desk.found = replace(desk.found, statement=content)
        if standing.stopped_by:
            told = ", ".join(standing.stopped_by)
            raise CheckFailed(reason=(f"签发方答复：{told}", f"the issuer says: {told}"))
        told = ", ".join(sorted(standing.facets))
        return (told, told)

    def fresh() -> Pair:
        assert desk.found.terms is not None
        most = timedelta(seconds=desk.found.terms.evidence.status_max_age)
        if desk.now - held[0].at > most:
            raise CheckFailed(reason=("状态答复已过时效", "the statement of status is too old"))
        return ("", "")

    desk.ask("status", in_force)
    desk.ask("fresh", fresh)


def _evidence(desk: _Desk, peer: Peer, document: Sealed, fetch: Fetch) -> None:
    """Witnesses and anchor, where the agreement asks for them."""
    assert desk.found.terms is not None
    demanded = desk.found.terms.evidence
    if demanded.witnesses:
        desk.ask("witnesses", lambda: _witnessed(document, peer, demanded.witnesses))
    else:
        _not_asked(desk, "witnesses")
    anchor = demanded.anchors.get(peer.origin)
    if anchor is not None:
        desk.ask("anchor", lambda: anchoring.prove(anchor, document, peer, peers.document_keys(peer), fetch))
    else:
        _not_asked(desk, "anchor")


def _not_asked(desk: _Desk, id_: str) -> None:
    told = ("协议未要求", "not asked for by the agreement")
    desk.lines.append(Line(len(desk.lines) + 1, id_, FURTHER[id_], "skipped", told))


def _witnessed(document: Sealed, peer: Peer, wanted: int) -> Pair:
    assert document.proof is not None
    note = parse_note(document.proof.checkpoint)
    found = set()
    for key in peers.witness_keys(peer):
        for line in (s for s in note.signatures if (s.name, s.id_bytes) == (key.name, key.id_bytes)):
            verify_cosignature(note.text, line, key)
            found.add(key.name)
    if len(found) < wanted:
        raise CheckFailed(reason=(f"须有 {wanted} 个，只有 {len(found)} 个", f"{wanted} are asked for, {len(found)} are there"))
    return _both(sorted(found))


def _both(names: Iterable[str]) -> Pair:
    told = ", ".join(names)
    return (told, told)


def waivers(found: Verdicts) -> tuple[dict[str, Any], ...]:
    """What the agreement waives on it, as the register keeps it."""
    rows = found.row.waives if found.row is not None else ()
    return tuple({"register": w.register, "operation": w.operation, "materials": list(w.materials)} for w in rows)


def content_of(subject: Mapping[str, Any]) -> dict[str, Any]:
    """What an application may take over: title, object, rights, particulars, entry; no names of people."""
    entry = subject.get("entry") if isinstance(subject.get("entry"), dict) else {}
    product = subject.get("product") if isinstance(subject.get("product"), dict) else {}
    assert isinstance(entry, dict) and isinstance(product, dict)
    kind = subject.get("object_kind")
    return {
        "title": str(subject.get("title") or product.get("title") or "")[:200],
        "object_kind": str(kind.get("code", "")) if isinstance(kind, dict) else "",
        "rights": [str(r["code"]) for r in subject.get("rights") or [] if isinstance(r, dict) and r.get("code")],
        "particulars": {str(k): str(v) for k, v in (subject.get("particulars") or {}).items()},
        "entry": str(entry.get("number", "")), "register": str(entry.get("register", "")),
        "last_day": str(subject.get("last_day", "")),
    }  # fmt: skip


__all__ = ["FURTHER", "CheckFailed", "Line", "Verdicts", "ask_standing", "content_of", "examine", "kind_of", "waivers"]
