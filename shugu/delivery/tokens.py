"""Tokens: the buyer's short-lived keys to one grant. The venue keeps that one was given out and its hash, not the token."""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass
from datetime import datetime

from shugu.delivery.errors import NotOpen
from shugu.delivery.granting import may_see, paper_of
from shugu.delivery.models import Delivery, Grant, TokenIssue
from shugu.formats import token as tokens
from shugu.kernel import engine, journal, runtime, signer
from shugu.kernel.cases import Actor, Command
from shugu.kernel.commands import command
from shugu.kernel.errors import Forbidden, NotFound
from shugu.kernel.queries import name_fact
from shugu.party import services as party
from shugu.trade import queries as trade

name_fact("delivery_token.issued", "签发交付令牌", "delivery token issued")
PERFORMED = frozenset({"effective", "performing", "delivered", "completed"})


@dataclass(frozen=True)
class IssueToken:
    delivery: str


def live_grant(row: Delivery, now: datetime) -> Grant:
    """The grant that serves now. Errors: NotOpen with the reason."""
    if trade.contract_by_id(row.contract_id).state not in PERFORMED:
        raise NotOpen(why=("合同不在履行之中", "the contract is not being performed"))
    grant = row.grants.select_related("connector").filter(round=row.round).order_by("-id").first()
    if grant is None:
        raise NotOpen(why=("提供方尚未绑定数据文件", "the provider has not bound the data file yet"))
    if grant.state == "revoked":
        raise NotOpen(why=("授权已撤销", "the grant was revoked"))
    if grant.taken_at is None:
        raise NotOpen(why=("连接器尚未收到授权", "the connector has not taken the grant yet"))
    if grant.state != "active":
        raise NotOpen(why=("授权已暂停", "the grant is suspended"))
    if not grant.valid_from <= now < grant.valid_until:
        raise NotOpen(why=("不在授权期限内", "the grant is outside its term"))
    return grant


@command("delivery.issue_token", ("签发交付令牌", "issue a delivery token"))
def issue_token(cmd: IssueToken, *, actor: Actor, now: datetime) -> TokenIssue:
    """By a member of the buyer with right `act`; `token_text` gives the token itself.
    Errors: NotFound, Forbidden, RightMissing, NotOpen, Refused."""
    row = Delivery.objects.select_for_update().select_related("case").filter(number=cmd.delivery).first()
    if row is None or not may_see(row, actor):
        raise NotFound(what=(f"交付 {cmd.delivery}", f"delivery {cmd.delivery}"))
    if actor.org != row.buyer_id:
        raise Forbidden()
    party.need_right(actor, row.buyer_id, "act")
    grant = live_grant(row, now)
    if row.case.state == "granted":
        engine.act(row.pk, Command("begin"), actor=actor, now=now, fact_data={"delivery": row.number, "grant": grant.number})
    start = int(now.timestamp())
    hours = runtime.rules().value("delivery.token_lifetime").number
    issued = TokenIssue(
        grant=grant, token_id=secrets.token_hex(16), key_id=signer.keys()[0].key_id, not_before=start,
        not_after=min(start + hours * 3600, int(grant.valid_until.timestamp())), person=actor.person, issued_at=now,
    )  # fmt: skip
    issued.sha256 = hashlib.sha256(_written(issued).encode()).hexdigest()
    issued.save()
    journal.record(
        "delivery_token.issued", subject=f"delivery.delivery:{row.pk}", actor=actor, now=now, case=row.pk,
        data={"delivery": row.number, "grant": grant.number, "token": issued.token_id, "not_after": issued.not_after},
    )  # fmt: skip
    return issued


def _written(issued: TokenIssue) -> str:
    grant = paper_of(issued.grant)
    token = tokens.Token(
        iss=signer.origin(), aud=grant.connector, contract=grant.contract, grant=grant.grant, buyer=grant.buyer,
        product=grant.product_version, id=issued.token_id, not_before=issued.not_before, not_after=issued.not_after,
    )  # fmt: skip
    return tokens.issue(token, signer.keys()[0])


def token_text(issued: TokenIssue) -> str:
    """The token of an issue, for its first answer and a repeated request. Ed25519 signs the same bytes the same way,
    so it is written again, never stored. Errors: NotOpen when the venue's key has changed since."""
    text = _written(issued)
    if hashlib.sha256(text.encode()).hexdigest() != issued.sha256:
        raise NotOpen(why=("令牌签发后密钥已更换，请重新领取", "the venue's key has changed since; ask for a new token"))
    return text
