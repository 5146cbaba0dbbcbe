"""A document of another venue, checked one point after the other, as a careful registrar would with both venues' books open.

1 to 11, 13 and of paper 17 to 24 are the verifier's own (docs/formats.md sections 9 and 18); those after them ask the agreement,
the holder, the issuer's log, its status lists, its signed statement of status, witnesses and chain. The first that fails
decides; those after it are skipped and say so.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from typing import Any

from shugu.edges.federation import agreements, anchoring, client, histories, peers, standing, statements, witnessing
from shugu.edges.federation.domain import Recognises, Terms
from shugu.edges.federation.errors import DemonstrationMismatch, PeerPaused, PeerUnreachable, UnknownPeer
from shugu.edges.federation.models import Peer
from shugu.edges.federation.sight import Fetch, Sight
from shugu.formats import pdf
from shugu.formats.checks import TITLES, Check, CheckId, Outcome
from shugu.formats.credential import Document, credential_digest
from shugu.formats.errors import Pair, ShuguError
from shugu.formats.sealed import Sealed, read_sealed
from shugu.formats.times import write_time
from shugu.formats.verdicts import Verdict
from shugu.kernel import own_documents, runtime, signer

VOUCHER_KIND, VOUCHER_REGIME = "data_transaction_voucher", "trade"
MOST_BYTES = 4_194_304
NOT_ASKED: Pair = ("协议未要求", "not asked for by the agreement")
FURTHER: Mapping[str, Pair] = {
    "sealed": ("已封存于签发方日志", "Sealed in the issuer's log"),
    "same-kind": ("与本场所同为示范或真实场所", "Of a venue of our own kind, demonstration or real"),
    "agreement": ("生效中的互认协议涵盖此类证书", "A recognition agreement in force covers it"),
    "holder": ("出示人即证书所载主体", "Presented by who it names"),
    "log": ("签发方日志只增未改，不旧于所见", "The issuer's log has only grown, and is not behind what was seen"),
    "list": (
        "签发方状态列表真实、连续、未过时",
        "The issuer's status lists are genuine, go on from those seen, and are fresh",
    ),
    "fresh": ("签发方就此询问签名答复，在约定时效内", "The issuer answers this very question, as freshly as agreed"),
    "agrees": ("答复与状态列表一致", "The answer and the status lists agree"),
    "status": ("签发方答复与列表：仍然有效", "By the issuer's answer and lists it is in force"),
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
    sight: Sight | None = None
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

    def ask(self, id_: str, act: Callable[[], Pair], *, lenient: bool = False) -> bool:
        """Whether it held. A venue that cannot be asked is no verdict. `lenient`: something else may stand in for it."""
        try:
            detail = act()
        except ShuguError as refusal:
            if lenient and not isinstance(refusal, PeerUnreachable):
                zh, en = refusal.message("zh"), refusal.message("en")
                self.skip(id_, (f"不足，改查锚定：{zh}", f"not met, the anchor is looked at instead: {en}"))
                return False
            if isinstance(refusal, PeerUnreachable):
                self.found = replace(self.found, again=True)
            self.note(id_, FURTHER[id_], refusal)
        else:
            self.note(id_, FURTHER[id_], detail=detail)
        return True

    def skip(self, id_: str, why: Pair) -> None:
        self.lines.append(Line(len(self.lines) + 1, id_, FURTHER[id_], "skipped", why))

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
        _followed(desk, peer, fetch)
        sight = look(peer, now, fetch)
        desk.found = replace(desk.found, sight=sight)
        _verified(desk, sight, content, document)
        _agreed(desk, peer)
        assert desk.found.terms is not None
        sight.limit = oldest(desk.found.terms)
        desk.ask("holder", lambda: _held(desk.found, uscc))
        _standing(desk, sight, document)
        _evidence(desk, sight, document)
    except _Stop:
        pass
    return desk.result()


def read_presented(content: bytes, now: datetime) -> Sealed:
    """The sealed credential in a file: the file itself, or what a signed paper carries. Errors: FormatError,
    VerificationError."""
    if not pdf.is_pdf(content):
        return read_sealed(content)
    return read_sealed(pdf.attachments(content, own_documents.verifier(now))[pdf.CREDENTIAL])


def _read(desk: _Desk, content: bytes) -> tuple[Sealed, Peer]:
    title = ("文件可读，签发场所已登记", "The file can be read and its venue is known here")
    try:
        if len(content) > MOST_BYTES:
            raise CheckFailed(reason=("文件过大", "the file is too large"))
        document = read_presented(content, desk.now)
        peer = peers.peer_of(str(document.credential.get("issuer", "")).removeprefix("https://"))
        if peer.paused:
            raise PeerPaused(origin=peer.origin)
    except ShuguError as refusal:
        if pdf.is_pdf(content) and not isinstance(refusal, UnknownPeer | PeerPaused):
            # Which check of the paper it was; whose keys these are is asked only once the paper has named its venue.
            checks = pdf.verify_pdf(content, own_documents.verifier(desk.now)).checks
            _told(desk, [c for c in checks if CheckId.PDF_WHOLE.number <= c.id.number <= CheckId.PDF_FILES.number])
        desk.note("known-venue" if isinstance(refusal, UnknownPeer | PeerPaused) else "file-form", title, refusal)
        raise _Stop() from refusal
    credential = document.credential
    desk.found = replace(desk.found, peer=peer, credential=credential, digest=credential_digest(credential))
    desk.note("known-venue", title, detail=(peer.title_zh, peer.title_en))
    return document, peer


def _told(desk: _Desk, checks: Iterable[Check]) -> None:
    """Checks of the verifier as lines; the first that fails ends it."""
    for check in checks:
        if check.outcome is Outcome.SKIPPED:
            desk.lines.append(Line(len(desk.lines) + 1, check.id.value, TITLES[check.id], "skipped", check.detail))
            continue
        why = (check.detail[0].rstrip("。"), check.detail[1].rstrip("."))
        error = CheckFailed(reason=why) if check.outcome is Outcome.FAILED else None
        desk.note(check.id.value, TITLES[check.id], error, check.detail)


def _followed(desk: _Desk, peer: Peer, fetch: Fetch) -> None:
    """The venue's key history as it is published now. One that cannot be had leaves the one held; one that contradicts it, or
    is not of the keys pinned, ends the checks: the venue, or whoever stands before it, is not who was pinned."""
    try:
        histories.follow(peer, desk.now, fetch)
    except PeerUnreachable:
        return
    except ShuguError as refusal:
        desk.note(CheckId.KEY_HISTORY.value, TITLES[CheckId.KEY_HISTORY], refusal)


def _verified(desk: _Desk, sight: Sight, content: bytes, document: Sealed) -> None:
    verifier = sight.verifier()
    try:
        report = pdf.verify_pdf(content, verifier) if pdf.is_pdf(content) else verifier.sealed(document)
    except PeerUnreachable as refusal:
        # Only an ended key vouches for its tree, and the log that it belongs to cannot be read just now.
        desk.found = replace(desk.found, again=True)
        desk.note(CheckId.KEY_HISTORY.value, TITLES[CheckId.KEY_HISTORY], refusal)
        return
    # Of paper its own checks come first: what they leave in doubt says nothing.
    paper = [c for c in report.checks if c.id.number >= CheckId.PDF_WHOLE.number]
    if any(c.outcome is Outcome.FAILED for c in paper):
        _told(desk, paper)
    _told(desk, report.checks)
    sealed = None if report.verdict is Verdict.SEALED else CheckFailed(reason=("没有日志封存证明", "it is not sealed"))
    desk.note("sealed", FURTHER["sealed"], sealed)
    demo = desk.found.subject.get("demo") is True
    desk.note("same-kind", FURTHER["same-kind"], None if demo == runtime.demo() else DemonstrationMismatch())


def look(peer: Peer, now: datetime, fetch: Fetch) -> Sight:
    """A look at a venue with the keys that count for it here today."""
    return Sight(peer, now, fetch, agreements.trusted(peer, now))


def oldest(terms: Terms) -> timedelta | None:
    """How old what the issuer publishes may be under an agreement; None where that is not agreed."""
    most = terms.evidence.published_max_age
    return timedelta(seconds=most) if most is not None else None


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


def _standing(desk: _Desk, sight: Sight, document: Sealed) -> None:
    """Its log, its lists and its answer, one against the other."""
    said: list[tuple[statements.Standing, bytes]] = []
    found: list[standing.Listed | None] = [None]

    def lists() -> Pair:
        found[0] = standing.listed(sight, document.credential)
        return found[0].told() if found[0] is not None else ("", "")

    def answered() -> Pair:
        terms = desk.found.terms
        assert terms is not None
        said.append(standing.ask(sight, desk.found.digest))
        desk.found = replace(desk.found, statement=said[0][1])
        if desk.now - said[0][0].at > timedelta(seconds=terms.evidence.status_max_age):
            raise CheckFailed(reason=("状态答复已过时效", "the statement of status is too old"))
        at = write_time(said[0][0].at)
        return (at, at)

    def agreeing() -> Pair:
        assert found[0] is not None
        return standing.agree(sight, *said[0], found[0])

    def in_force() -> Pair:
        told = standing.told(said[0][0], found[0])
        if standing.stopped_by(said[0][0], found[0]):
            raise CheckFailed(reason=told)
        return told

    desk.ask("log", lambda: sight.grown(document))
    if "credentialStatus" in document.credential:
        steps = {"list": lists, "fresh": answered, "agrees": agreeing, "status": in_force}
    else:
        assert desk.found.terms is not None
        why, enough = standing.without_list(document.credential, desk.found.terms.evidence)
        if not enough:
            desk.note("list", FURTHER["list"], CheckFailed(reason=why))
        desk.skip("list", why)
        steps = {"fresh": answered, "status": in_force}
    for id_, step in steps.items():
        desk.ask(id_, step)


def _evidence(desk: _Desk, sight: Sight, document: Sealed) -> None:
    """Witnesses and anchor, where the agreement asks for them; where it takes either, what one lacks the other may have."""
    assert desk.found.terms is not None
    demanded, peer = desk.found.terms.evidence, sight.peer
    anchor, fetch = demanded.anchors.get(peer.origin), sight.fetch
    witnessed = False
    if demanded.witnesses:
        standby = demanded.either and anchor is not None
        witnessed = desk.ask("witnesses", lambda: witnessing.count(sight, document, demanded), lenient=standby)
    else:
        desk.skip("witnesses", NOT_ASKED)
    if anchor is None:
        desk.skip("anchor", NOT_ASKED)
    elif demanded.either and witnessed:
        desk.skip("anchor", ("见证已足，协议二者取一", "the witnesses suffice: the agreement takes either"))
    else:
        desk.ask("anchor", lambda: anchoring.prove(anchor, document, peer, sight.every_key(), fetch))


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


__all__ = [
    "FURTHER", "CheckFailed", "Fetch", "Line", "Verdicts", "content_of", "examine", "kind_of", "look", "oldest", "read_presented",
    "waivers",
]  # fmt: skip
