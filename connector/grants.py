"""Grants as the connector holds them: accepted, suspended, resumed, revoked, each step on the meter chain."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime

from shugu.formats.canonical import canonical
from shugu.formats.credential import Document
from shugu.formats.delivery import BadDocument, Grant, NoticeAction, body_digest, digest, read_grant, read_notice

from .errors import GrantNotLive, Replayed, UnknownGrant
from .home import Home
from .meter import append

STATES = {
    NoticeAction.SUSPEND: "suspended",
    NoticeAction.RESUME: "active",
    NoticeAction.REVOKE: "revoked",
}


@dataclass(frozen=True)
class Held:
    """A grant with its present state: active, suspended or revoked."""

    grant: Grant
    state: str
    sequence: int
    digest: str

    def as_dict(self) -> Document:
        return {
            "grant": self.grant.grant,
            "state": self.state,
            "sequence": self.sequence,
            "sha256": self.digest,
        }


def accept(home: Home, document: object, now: datetime) -> Held:
    """Takes a grant signed by a key of the exchange in force; the same grant again changes nothing.

    Raises BadDocument, Replayed when other content was received under this number, UnknownProduct.
    """
    grant = read_grant(document, home.exchange_keys)
    if grant.connector != home.id:
        raise BadDocument(detail=("不是发给本连接器的", "it is for another connector"))
    if grant.valid_until <= now:
        raise BadDocument(detail=("期限已过", "its term is over"))
    for file in grant.files:
        held = home.product_file(grant.product, file.name)
        if (held.sha256, held.size) != (file.sha256, file.size):
            raise BadDocument(
                detail=(f"此处文件 {file.name} 的摘要不同", f"the file {file.name} here has another digest")
            )
    received = digest(document)  # type: ignore[arg-type]
    with home.store.transaction() as database:
        row = database.execute("SELECT document FROM grants WHERE grant_id = ?", (grant.grant,)).fetchone()
        if row is not None and body_digest(json.loads(row["document"])) != body_digest(document):  # type: ignore[arg-type]
            raise Replayed(what=(f"授权 {grant.grant}", f"grant {grant.grant}"))
        if row is None:
            text = canonical(document).decode()
            database.execute(
                "INSERT INTO grants (grant_id, digest, document, state, sequence) VALUES (?, ?, ?, 'active', 0)",
                (grant.grant, received, text),
            )
            append(database, "grant", now, grant=grant.grant, sha256=received)
    return held_grant(home, grant.grant)


def notify(home: Home, grant_id: str, document: object, now: datetime) -> Held:
    """Applies a signed notice. Raises BadDocument, UnknownGrant, Replayed for an old sequence, GrantNotLive once revoked."""
    notice = read_notice(document, home.exchange_keys)
    if notice.connector != home.id or notice.grant != grant_id:
        raise BadDocument(detail=("不是发给本连接器或该授权的", "it is for another connector or grant"))
    with home.store.transaction() as database:
        row = database.execute("SELECT state, sequence FROM grants WHERE grant_id = ?", (grant_id,)).fetchone()
        if row is None:
            raise UnknownGrant(grant=grant_id)
        if notice.sequence <= row["sequence"]:
            raise Replayed(
                what=(f"授权 {grant_id} 的第 {notice.sequence} 号通知", f"notice {notice.sequence} of grant {grant_id}")
            )
        if row["state"] == "revoked":
            raise GrantNotLive(grant=grant_id, state="revoked")
        state = STATES[notice.action]
        database.execute(
            "UPDATE grants SET state = ?, sequence = ? WHERE grant_id = ?", (state, notice.sequence, grant_id)
        )
        append(
            database, "notice", now, grant=grant_id, action=notice.action.value, sequence=notice.sequence,
            sha256=digest(document),  # type: ignore[arg-type]
        )  # fmt: skip
    return held_grant(home, grant_id)


def held_grant(home: Home, grant_id: str) -> Held:
    """Reads the signed document again each time, so that a changed database row cannot widen a grant."""
    row = home.store.row("SELECT * FROM grants WHERE grant_id = ?", grant_id)
    if row is None:
        raise UnknownGrant(grant=grant_id)
    document = json.loads(row["document"])
    grant = read_grant(document, home.exchange.accepted(document))
    return Held(grant, row["state"], row["sequence"], row["digest"])
