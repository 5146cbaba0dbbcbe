"""Signed documents on paper: typeset as PDF/A-3a and PDF/UA-1 with the machine-readable credential inside, signed by the venue
(PAdES B-LT), kept by content. What is kept may be wiped at any time; it is then made anew.
"""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime
from pathlib import Path
from typing import Any, Final

import typst
from cryptography.hazmat.primitives import hashes

from shugu.formats.canonical import canonical
from shugu.formats.pdf import AUTHORITY, CREDENTIAL
from shugu.kernel import paper_authority, paper_keys, paper_revoking, runtime, seals, signer
from shugu.kernel.cases import Actor
from shugu.kernel.paper_signing import sign_pdf
from shugu.kernel.text import Text
from shugu.web.paper import Attachment, Document, Kind, Seal, layouts_digest, render
from shugu.web.paper_json import as_json

# 256 folders of so many files each: about 8,000 papers, the least used of a folder goes first.
IN_A_FOLDER: Final = 32
_DIGEST_BYTES: Final = 32
# Raised when the same page is signed into other bytes than before: what is kept is made anew.
SIGNING: Final = 3


@dataclass(frozen=True)
class Sealer:
    """What the log's app knows: whether a reader may have a document's opened fact, and the sealed single-file form
    (None while it waits for its checkpoint)."""

    may_have: Callable[[str, Actor | None], bool]
    sealed: Callable[[str], bytes | None]


_sealers: list[Sealer] = []


def register_sealer(sealer: Sealer) -> None:
    """Called once, by the app that keeps the log."""
    _sealers[:] = [sealer]


def venue_title() -> Text:
    return Text(*runtime.rules().profile.title)


def dressed(document: Document) -> Document:
    """With the venue's own seal of the day it was issued, where one was set; else with the drawn one."""
    seal = document.seal
    found = seals.in_use(seal.use, document.issued_on) if seal is not None and seal.use else None
    if seal is None or found is None:
        return document
    return replace(document, seal=replace(seal, image=found.image or b"", code=found.code or seal.code))


def can_press(png: bytes) -> bool:
    """Whether the typesetter sets this picture as a seal, and as PDF/A. For whoever hands one in."""
    seal = Seal(Text("试", "trial"), Text("试", "trial"), image=png)
    trial = Document(
        kind=Kind.VOUCHER, title=Text("试印", "Trial"), number="0", issuer=seal.venue,
        issued_on=date(2026, 1, 1), seal=seal,
    )
    try:
        render(trial, lang="zh")
    except typst.TypstError:
        return False
    return True


def printed(document: Document, credential: bytes, *, lang: str, now: datetime, actor: Actor | None = None) -> bytes:
    """The signed PDF of a document whose credential has these bytes. Attached is the sealed form, when the document is
    sealed and `actor` may open its fact; else the credential alone. The same bytes as long as they are kept.
    Errors: TimeStampUnavailable, HomeError."""
    press = _Press(document, lang, now)
    digest = hashlib.sha256(credential).hexdigest()
    open_to = next((s for s in _sealers if s.may_have(digest, actor)), None)
    if open_to is not None:
        whole = press.key(digest, "sealed")
        kept = recall(whole)
        if kept is not None:
            return kept
        sealed = open_to.sealed(digest)
        if sealed is not None:
            return keep(whole, press.make(sealed))
    plain = press.key(digest, "signed")
    return recall(plain) or keep(plain, press.make(credential))


def printed_values(document: Document, kind: str, values: Mapping[str, Any], *, lang: str, now: datetime) -> bytes:
    """As `printed`, for what is no issued document (a statement of account): its values are signed as a credential of
    type `kind` when it is printed, and not logged. Errors: TimeStampUnavailable, HomeError."""
    press = _Press(document, lang, now)
    key = press.key(hashlib.sha256(canonical(dict(values))).hexdigest(), kind)
    kept = recall(key)
    if kept is not None:
        return kept
    made = signer.sign_document(kind, number=document.number, subject=values, now=now)
    return keep(key, press.make(signer.document_bytes(made)))


class _Press:
    """One document in one language with the certificates of the moment."""

    def __init__(self, document: Document, lang: str, now: datetime) -> None:
        self._document, self._lang, self._now = dressed(document), lang, now
        self._held = paper_keys.current(now)
        self._binding = paper_authority.authority(self._held, now)

    def key(self, content: str, form: str) -> str:
        """What the paper is kept under: all that it is made of, the time stamp aside."""
        parts = {
            "document": as_json(self._document, self._lang), "lang": self._lang, "content": content, "form": form,
            "layouts": layouts_digest(), "signing": SIGNING, "authority": hashlib.sha256(self._binding).hexdigest(),
            "certificate": self._held.signer.leaf.fingerprint(hashes.SHA256()).hex(),
        }  # fmt: skip
        return hashlib.sha256(canonical(dict(parts))).hexdigest()

    def make(self, attached: bytes) -> bytes:
        binding = hashlib.sha256(self._binding).hexdigest()
        sealed = next((s.sealed(binding) for s in _sealers), None) or self._binding
        files = (
            Attachment(CREDENTIAL, attached.decode(), "source", "可机读凭证 / machine-readable credential"),
            Attachment(AUTHORITY, sealed.decode(), "supplement", "签章授权 / what the signing certificate rests on"),
        )
        reason = f"{self._document.title.pick(self._lang)} {self._document.number}"
        crl = paper_revoking.crl_beside(self._held, self._now)
        return sign_pdf(render(self._document, lang=self._lang, attached=files), self._held, self._now, reason=reason, crl=crl)


def folder() -> Path:
    return runtime.home().path / "cache" / "papers"


def _path(key: str) -> Path:
    return folder() / key[:2] / key


def recall(key: str) -> bytes | None:
    """What is kept under a key, if it is whole."""
    path = _path(key)
    try:
        content = path.read_bytes()
        os.utime(path)
    except FileNotFoundError:
        return None
    pdf = content[_DIGEST_BYTES:]
    if hashlib.sha256(pdf).digest() == content[:_DIGEST_BYTES]:
        return pdf
    path.unlink(missing_ok=True)  # damaged on disk: made anew
    return None


def keep(key: str, pdf: bytes) -> bytes:
    """Keeps a paper; when another process kept one first, that one is the answer, so that all readers get the same."""
    path = _path(key)
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=".")
    with os.fdopen(descriptor, "wb") as handle:
        handle.write(hashlib.sha256(pdf).digest() + pdf)
    try:
        os.link(temporary, path)
    except FileExistsError:
        return recall(key) or pdf
    except FileNotFoundError:
        return pdf  # the folder was wiped meanwhile
    finally:
        Path(temporary).unlink(missing_ok=True)
    _trim(path.parent)
    return pdf


def _trim(shelf: Path) -> None:
    """The least recently read go first."""
    found: list[tuple[float, str]] = []
    with os.scandir(shelf) as entries:
        for entry in entries:
            try:
                found.append((entry.stat().st_mtime, entry.path))
            except FileNotFoundError:
                continue  # another process trims the same shelf
    for _, path in sorted(found)[: max(0, len(found) - IN_A_FOLDER)]:
        Path(path).unlink(missing_ok=True)
