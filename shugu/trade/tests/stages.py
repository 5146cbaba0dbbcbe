"""The stages of a contract as tests tell them, every step through the real services."""

from __future__ import annotations

from shugu.kernel.cases import mandate
from shugu.market.tests import stages as market
from shugu.market.tests.staged import Stage
from shugu.trade import queries, services
from shugu.trade.models import Contract, Voucher
from shugu.trade.queries import ContractView
from shugu.trade.services import (
    ConfirmDelivery,
    ConfirmFunding,
    ConfirmSettlement,
    DraftContract,
    ReviewContract,
    SignContract,
)

MONEY, DELIVERY = mandate("settlement", "ESC-1"), mandate("delivery", "DLV-1")
RECEIPT = {"receipt": "ab" * 32}


def drafted(stage: Stage) -> Contract:
    row = market.agreed(stage.world, stage.product)
    return services.draft_contract(DraftContract(row.pk), actor=stage.world.bob, now=stage.world.now)


def sign(stage: Stage, row: Contract, who: str) -> None:
    row.refresh_from_db()
    order = SignContract(row.number, row.terms_digest)
    services.sign_contract(order, actor=getattr(stage.world, who), now=stage.world.now)


def signed(stage: Stage) -> Contract:
    row = drafted(stage)
    for who in ("alice", "bob"):
        sign(stage, row, who)
    return row


def approved(stage: Stage) -> Contract:
    row = signed(stage)
    services.review_contract(ReviewContract(row.number, "approve"), actor=stage.world.tara, now=stage.world.now)
    return row


def funded(stage: Stage) -> Contract:
    row = approved(stage)
    services.confirm_funding(ConfirmFunding(row.pk, "ESC-1"), actor=MONEY, now=stage.world.now)
    return row


def completed(stage: Stage) -> Voucher:
    row = funded(stage)
    services.confirm_delivery(ConfirmDelivery(row.pk, "DLV-1", RECEIPT), actor=DELIVERY, now=stage.world.now)
    return services.confirm_settlement(ConfirmSettlement(row.pk, "RUN-1"), actor=MONEY, now=stage.world.now)


def seen(row: Contract) -> ContractView:
    return queries.contract_by_id(row.pk)
