"""Which chains this venue anchors in: `<home>/chain.toml`, read anew at each round.

    [[chain]]
    name = "city"                     # how this venue calls it
    rpc = "http://127.0.0.1:8545"     # a node that speaks Ethereum JSON-RPC
    chain_id = 20240815               # what the node must say it is
    contract = "0x…"                  # where CheckpointRegistry stands
    key = "chain/venue.json"          # the venue's chain key, an encrypted keystore file; it signs checkpoints
    passphrase = "chain/venue.pass"   # the file with its passphrase
    payer = "chain/payer.json"        # the account that pays for gas; without it only relayers send
    payer_passphrase = "chain/payer.pass"
    relayers = ["https://relay.example/anchors"]   # asked first, in this order
    from_block = 0                    # where the contract was deployed: nothing before it is searched
    tip_wei = 1000000000              # priority fee where the chain has base fees
    ceiling_wei = 500000000000        # the most paid for one gas; 0 where gas costs nothing
    fees = "auto"                     # "legacy": one price for one gas, where a node refuses transactions of another form
    unit = "ETH"                      # 10^18 wei
"""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Final

from shugu.edges.chain.errors import ChainConfigInvalid, ChainUnknown

FILE: Final = "chain.toml"
_ADDRESS: Final = re.compile(r"0x[0-9a-fA-F]{40}")
_NAME: Final = re.compile(r"[a-z][a-z0-9-]{0,31}")
_URL: Final = re.compile(r"https?://[^\s]+")


@dataclass(frozen=True)
class Chain:
    """One chain. Paths of keystores are relative to the home; fees in wei for one gas."""

    name: str
    rpc: str
    chain_id: int
    contract: str
    key: str = ""
    passphrase: str = ""
    payer: str = ""
    payer_passphrase: str = ""
    relayers: tuple[str, ...] = ()
    from_block: int = 0
    tip_wei: int = 1_000_000_000
    ceiling_wei: int = 500_000_000_000
    fees: str = "auto"
    unit: str = "ETH"


def chains(home: Path) -> tuple[Chain, ...]:
    """The configured chains, none without the file. Errors: ChainConfigInvalid."""
    file = home / FILE
    if not file.exists():
        return ()
    try:
        raw = tomllib.loads(file.read_text("utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise _invalid(file, ("不是有效的 TOML", "it is not valid TOML")) from error
    rows = raw.get("chain", [])
    if set(raw) - {"chain"} or not isinstance(rows, list):
        raise _invalid(file, ("只应有 [[chain]] 表", "it holds [[chain]] tables only"))
    out = tuple(_chain(file, row) for row in rows)
    if len({c.name for c in out}) != len(out):
        raise _invalid(file, ("链名重复", "two chains have one name"))
    return out


def chain(home: Path, name: str) -> Chain:
    """Errors: ChainUnknown, ChainConfigInvalid."""
    for found in chains(home):
        if found.name == name:
            return found
    raise ChainUnknown(name=name)


def _chain(file: Path, row: Any) -> Chain:
    known = {f.name: f for f in fields(Chain)}
    if not isinstance(row, dict) or set(row) - set(known):
        raise _invalid(file, ("未知的键", "an unknown key"))
    for name in ("name", "rpc", "chain_id", "contract"):
        if name not in row:
            raise _invalid(file, (f"缺少 {name}", f"{name} is missing"))
    for name, value in row.items():
        wanted: type = {"int": int, "str": str}.get(str(known[name].type), list)
        if type(value) is not wanted or (isinstance(value, int) and value < 0):
            raise _invalid(file, (f"{name} 的类型或范围有误", f"{name} has a wrong type or range"))
    if not all(isinstance(url, str) and _URL.fullmatch(url) for url in [row["rpc"], *row.get("relayers", [])]):
        raise _invalid(file, ("rpc 与 relayers 应为网址", "rpc and relayers are URLs"))
    if not _NAME.fullmatch(row["name"]) or not _ADDRESS.fullmatch(row["contract"]):
        raise _invalid(file, ("name 或 contract 写法有误", "name or contract is malformed"))
    if row.get("fees", "auto") not in ("auto", "legacy"):
        raise _invalid(file, ('fees 应为 "auto" 或 "legacy"', 'fees is "auto" or "legacy"'))
    if (row.get("key") and not row.get("passphrase")) or (row.get("payer") and not row.get("payer_passphrase")):
        raise _invalid(file, ("密钥文件缺少口令文件", "a keystore lacks its passphrase file"))
    return Chain(**{**row, "relayers": tuple(row.get("relayers", ()))})


def _invalid(file: Path, reason: tuple[str, str]) -> ChainConfigInvalid:
    return ChainConfigInvalid(path=file.name, reason=reason)
