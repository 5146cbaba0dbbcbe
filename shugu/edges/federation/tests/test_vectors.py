"""The golden file of trades over two venues: what must be read as it stands, and what must be refused."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from shugu.edges.federation.bodies import ACCOUNT, BUYER, CLAIMED, NETTED, SHAPES, THROUGH, body_of, members
from shugu.edges.federation.domain_netting import Row, differences
from shugu.edges.federation.domain_sharing import items_bytes, read_head, read_items, read_listing
from shugu.formats.canonical import canonical, parse_object, sha256
from shugu.formats.credential import credential_digest, require_credential
from shugu.formats.errors import ShuguError
from shugu.formats.message import Message, read_message
from shugu.formats.suites import keyring
from shugu.formats.times import read_time

GOLD: dict[str, Any] = json.loads((Path(__file__).parents[4] / "vectors" / "trade.json").read_text("utf-8"))
NOW = read_time(GOLD["at"])
THERE, HERE = keyring(GOLD["vkeys"]), keyring(GOLD["vkeys_of_selling"])
REFUSED = GOLD["refused"]


def read(side: str) -> dict[str, Message]:
    sender, receiver = (THERE, HERE) if side == "from_listing" else (HERE, THERE)
    found = [read_message(row["message"].encode(), sender, receiver.keys[0].name, NOW) for row in GOLD[side]]
    assert [m.sequence for m in found] == list(range(1, len(found) + 1))
    assert [m.kind for m in found] == [row["kind"] for row in GOLD[side]]
    return {m.kind: m for m in found}


def test_every_kind_of_message_is_there_and_has_its_shape() -> None:
    there, here = read("from_listing"), read("from_selling")
    assert there.keys() | here.keys() == SHAPES.keys() and not there.keys() & here.keys()
    for message in (*there.values(), *here.values()):
        assert body_of(message) == dict(message.body)
    placed, claimed = body_of(here["order.placed"]), body_of(here["settlement.claimed"])
    assert members(placed["buyer"], **BUYER) and members(claimed["account"], **ACCOUNT)
    assert all(members(row, **CLAIMED) for row in claimed["orders"])
    netted = body_of(here["settlement.netted"])
    rows = [Row(**members(row, **NETTED)) for row in netted["rows"]]
    assert differences(rows, rows, THERE.keys[0].name, netted["amount_fen"]) == []
    assert differences(rows, rows, THERE.keys[0].name, netted["amount_fen"] + 1) != []
    require_credential(placed["accreditation"], HERE)


def test_the_voucher_is_one_and_every_message_names_it() -> None:
    there, here = read("from_listing"), read("from_selling")
    voucher, acknowledged = body_of(there["order.completed"])["voucher"], body_of(here["order.acknowledged"])["acknowledgement"]
    through = members(require_credential(voucher, THERE)["credentialSubject"]["through"], **THROUGH)  # type: ignore[index]
    said: Any = require_credential(acknowledged, HERE)["credentialSubject"]
    [row] = body_of(here["settlement.claimed"])["orders"]
    assert said["voucher"] == row["voucher"] == credential_digest(voucher)
    fee = GOLD["fee"]
    assert fee["selling_fen"] == fee["fee_fen"] * fee["parts"] // 10_000
    assert fee["listing_fen"] == fee["fee_fen"] - fee["selling_fen"] == through["listing_fen"]
    assert {through["selling_fen"], said["selling_fen"], row["selling_fen"]} == {fee["selling_fen"]}


def test_listing_index_and_head_are_read() -> None:
    shown = read_listing(parse_object(GOLD["listing"].encode()))
    assert shown.digest == GOLD["listing_sha256"] == sha256(canonical(dict(shown.document))).hex()
    index = read_items(GOLD["index"].encode())
    assert index == {shown.product: shown.digest} and items_bytes(index.items()) == GOLD["index"].encode()
    head = read_head(GOLD["head"].encode(), THERE, THERE.keys[0].name, HERE.keys[0].name, False, NOW)
    assert (head.serial, head.count, head.root) == (1, 1, sha256(GOLD["index"].encode()).hex())


@pytest.mark.parametrize("name", REFUSED["listings"])
def test_defective_listings_are_refused(name: str) -> None:
    with pytest.raises(ShuguError):
        read_listing(parse_object(REFUSED["listings"][name].encode()))


@pytest.mark.parametrize("name", REFUSED["indexes"])
def test_defective_indexes_are_refused(name: str) -> None:
    with pytest.raises(ShuguError):
        read_items(REFUSED["indexes"][name].encode())


@pytest.mark.parametrize("name", REFUSED["heads"])
def test_defective_heads_are_refused(name: str) -> None:
    with pytest.raises(ShuguError):
        read_head(REFUSED["heads"][name].encode(), THERE, THERE.keys[0].name, HERE.keys[0].name, False, NOW)


@pytest.mark.parametrize("name", REFUSED["claims"])
def test_claims_of_another_form_are_refused(name: str) -> None:
    value: Any = parse_object(REFUSED["claims"][name].encode())
    with pytest.raises(ShuguError):
        body = members(value, **SHAPES["settlement.claimed"])
        members(body["account"], **ACCOUNT)
        for row in body["orders"]:
            members(row, **CLAIMED)
