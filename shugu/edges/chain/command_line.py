"""`shugu chain …`: the contract, its administration, and anchors by hand."""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from shugu.edges.chain.config import Chain
    from shugu.edges.chain.keys import ChainKey
    from shugu.formats.tiles import TileReader


def add_to(commands: Any) -> None:
    """The parser of `shugu chain`, under the main one's sub-commands."""
    chain = commands.add_parser("chain", help="链上锚定与跨链互认 / anchoring in chains, cross-chain recognition")
    what = chain.add_subparsers(dest="what", required=True)
    what.add_parser("compile-check", help="重新编译合约并逐字节比较 / recompile the contract and compare byte for byte")
    key = what.add_parser("key", help="新建加密的链密钥 / a new encrypted chain key")
    key.add_argument("file", type=Path)
    key.add_argument("--passphrase", type=Path, required=True, help="口令文件 / the file with its passphrase")
    deploy = what.add_parser("deploy", help="部署合约 / deploy the contract")
    deploy.add_argument("--rpc", required=True)
    deploy.add_argument("--chain-id", type=int, required=True)
    deploy.add_argument("--admin", required=True, help="管理员地址（联盟多签） / the administrator's address")
    _paid(deploy)
    consent = what.add_parser("consent", help="本所密钥同意为本合约签署 / the venue key's consent, for the administrator")
    consent.add_argument("--chain", required=True)
    for name, text in (("register", "登记场所 / register a venue"), ("replace", "更换签署密钥 / replace its key")):
        admin = what.add_parser(name, help=f"管理员{text}")
        admin.add_argument("--chain", required=True)
        admin.add_argument("--origin", default="", help="日志名称，默认本所 / the log's origin, this venue's by default")
        admin.add_argument("--signer", default="", help="签署地址 / the signer's address")
        admin.add_argument("--consent", default="", help="其同意书（十六进制） / its consent, hexadecimal")
        admin.add_argument("--call-data", action="store_true", help="只打印调用数据，供多签账户 / print call data only")
        _paid(admin, required=False)
        if name == "replace":
            admin.add_argument("--compromised", action="store_true", help="旧密钥已失窃 / the old key was stolen")
    anchor = what.add_parser("anchor", help="立即办一轮锚定 / one round of anchoring now")
    status = what.add_parser("status", help="各链现状与费用 / how each chain does, and costs")
    for parser in (anchor, status):
        parser.add_argument("--json", action="store_true")
    relay = what.add_parser("relay", help="把锚定从一链搬到另一链 / carry anchors from one chain to another")
    relay.add_argument("--from", dest="a", required=True)
    relay.add_argument("--to", dest="b", required=True)
    relay.add_argument("--origin", default="", help="日志名称，默认本所 / the log's origin, this venue's by default")
    relay.add_argument("--log", default="", help="该日志的公开地址 / where its tiles are served, such as https://…/log")
    relay.add_argument("--newest", action="store_true", help="只搬最新一次（需 --log） / the newest alone (needs --log)")
    verify = what.add_parser("verify", help="用链核验封存文件 / verify a sealed document by a chain")
    verify.add_argument("file", type=Path)
    verify.add_argument("--chain", required=True)
    verify.add_argument("--key", type=Path, required=True, help="出具场所的公钥文件 / the issuing venue's .vkey file")
    verify.add_argument("--log", default="")
    verify.add_argument("--confirmations", type=int, default=1)


def _paid(parser: argparse.ArgumentParser, required: bool = True) -> None:
    parser.add_argument("--payer", type=Path, required=required, help="付费账户的密钥文件 / keystore of who pays")
    parser.add_argument("--payer-passphrase", type=Path, required=required)


def run(options: argparse.Namespace) -> int:
    """Exit code 0 when it was done or holds. Errors: every refusal of this app."""
    commands: dict[str, Callable[[argparse.Namespace], int]] = {
        "compile-check": compile_check, "key": key, "deploy": deploy, "consent": consent, "register": administer,
        "replace": administer, "anchor": anchor, "status": status, "relay": relay, "verify": verify,
    }  # fmt: skip
    return commands[options.what](options)


def compile_check(options: argparse.Namespace) -> int:
    """Needs node, and solc under .tools (tests/run.sh installs it); 2 and a loud word without them."""
    root = Path(__file__).resolve().parents[3]
    script, tools = root / "contracts" / "compile.mjs", root / ".tools"
    if shutil.which("node") is None or not (tools / "node_modules" / "solc").exists() or not script.exists():
        print("!! 没有 node 或 .tools 中的 solc：未核对 / no node, or no solc in .tools: NOT checked")
        return 2
    made = subprocess.run(["node", str(script), str(tools)], capture_output=True, text=True, check=True).stdout
    same = [
        made == file.read_text("utf-8")
        for file in (root / "contracts" / "build" / "CheckpointRegistry.json", Path(__file__).parent / "contract.json")
    ]
    print("一致 / identical" if all(same) else "!! 与源码编译结果不同 / differs from what the source compiles to")
    return 0 if all(same) else 1


def key(options: argparse.Namespace) -> int:
    from shugu.edges.chain.keys import make_key

    print(make_key(options.file, options.passphrase).address)
    return 0


def _payer(options: argparse.Namespace, chain: Chain | None = None) -> ChainKey:
    from shugu.edges.chain import installed
    from shugu.edges.chain.errors import NoWayToSend
    from shugu.edges.chain.keys import open_key

    if getattr(options, "payer", None) and options.payer_passphrase:
        return open_key(options.payer, options.payer_passphrase)
    if chain is None or not chain.payer:
        raise NoWayToSend(name=chain.name if chain else "")
    return installed.payer(chain)


def deploy(options: argparse.Namespace) -> int:
    from shugu.edges.chain.config import Chain
    from shugu.edges.chain.deploying import deploy as put

    nowhere = "0x" + "0" * 40
    found = put(Chain("new", options.rpc, options.chain_id, nowhere), _payer(options), options.admin)
    print(f'contract = "{found.contract}"\nfrom_block = {found.block}\n# gas {found.gas}')
    return 0


def consent(options: argparse.Namespace) -> int:
    from shugu.edges.chain import deploying, installed
    from shugu.kernel import signer

    chain = installed.chain(options.chain)
    own = installed.venue_key(chain)
    agreed = deploying.consent(chain, signer.origin(), own)
    print(json.dumps({"origin": signer.origin(), "signer": own.address, "consent": "0x" + agreed.hex()}))
    return 0


def administer(options: argparse.Namespace) -> int:
    from shugu.edges.chain import deploying, installed
    from shugu.edges.chain.contract import connect
    from shugu.edges.chain.statement import origin_hash
    from shugu.kernel import signer

    chain = installed.chain(options.chain)
    origin = options.origin or signer.origin()
    if options.signer and options.consent:
        who, agreed = options.signer, bytes.fromhex(options.consent.removeprefix("0x"))
    else:
        own = installed.venue_key(chain)
        who, agreed = own.address, deploying.consent(chain, origin, own)
    there = connect(chain)
    if options.what == "register":
        data = deploying.register_data(there, origin, who, agreed)
    else:
        data = deploying.replace_data(there, origin_hash(origin), who, agreed, options.compromised)
    if options.call_data:
        print(json.dumps({"to": there.address, "data": data}))
        return 0
    receipt = deploying.act(there, _payer(options, chain), data)
    print(f"0x{receipt.tx_hash.hex()}  block {receipt.block}  gas {receipt.gas}")
    return 0


def anchor(options: argparse.Namespace) -> int:
    """One round now, as the worker does; the rule of the venue says what is due."""
    from shugu.edges.chain import services
    from shugu.kernel import clock

    services.work(clock.now())
    return status(options)


def status(options: argparse.Namespace) -> int:
    """1 while a chain has an alarm."""
    from shugu.edges.chain import queries
    from shugu.edges.chain.domain import in_units

    found = queries.overview()
    rows = []
    for view in found:
        wei, alarm = view.wei_per_thousand, view.state.alarm if view.state else ""
        rows.append(
            {
                "chain": view.chain.name, "chain_id": view.chain.chain_id, "contract": view.chain.contract,
                "anchored": view.anchored, "waiting": view.waiting, "open": view.open.status if view.open else None,
                "alarm": alarm, "why": view.state.alarm_en if view.state else "",
                "cost_per_thousand_facts": None if wei is None else f"{in_units(wei)} {view.chain.unit}",
            }
        )  # fmt: skip
    if options.json:
        print(json.dumps(rows, ensure_ascii=False))
    for row in [] if options.json else rows:
        print("  ".join(f"{name}={value}" for name, value in row.items() if value not in (None, "")))
    if not rows:
        print("[]" if options.json else "未配置链 / no chain is configured")
    return 1 if any(row["alarm"] for row in rows) else 0


def _tiles(address: str) -> TileReader | None:
    if not address:
        return None
    import httpx

    def read(path: str) -> bytes:
        answer = httpx.get(f"{address.rstrip('/')}/{path}", timeout=20)
        answer.raise_for_status()
        return answer.content

    return read


def relay(options: argparse.Namespace) -> int:
    from shugu.edges.chain import installed, relay
    from shugu.edges.chain.contract import connect
    from shugu.kernel import signer

    a, b = connect(installed.chain(options.a)), connect(installed.chain(options.b))
    origin = options.origin or signer.origin()
    for there in (a, b):
        there.require_chain()
    steps = relay.plan(a, b, origin, read=_tiles(options.log), newest=options.newest)
    for step in steps:
        done = relay.carry(b, origin, step, _payer(options, b.chain))
        print(f"{done.size}  {done.root.hex()}  0x{done.tx_hash.hex()}  gas {done.gas}")
    print(f"{len(steps)} 次锚定已搬到 {b.chain.name} / anchors carried to {b.chain.name}")
    return 0


def verify(options: argparse.Namespace) -> int:
    """The document by its own proofs first, then its checkpoint and its fact by the chain. 0 when all holds."""
    from shugu.edges.chain import installed, queries
    from shugu.formats.sealed import load, read_sealed
    from shugu.formats.suites import keyring

    proven = queries.prove_document(
        installed.chain(options.chain), read_sealed(*load(options.file)), keyring(options.key.read_text("utf-8")),
        read=_tiles(options.log), confirmations=options.confirmations,
    )  # fmt: skip
    found = proven.anchor
    print(
        f"成立 / holds: {found.origin} size {found.size} index {proven.index}; chain {found.chain_id} {found.contract} "
        f"tx 0x{found.tx_hash.hex()} block {found.block} ({found.deep} deep)"
    )
    return 0
