"""`shugu keys`: the venue's signing keys listed, changed, ended; their history; the recovery key; key files wrapped anew."""

from __future__ import annotations

import argparse
import getpass
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from shugu import paper_keys_cli

if TYPE_CHECKING:
    from shugu.formats.suites import SigningKey
    from shugu.kernel.models import KeyLine

_RECOVERY_FILE = "SHUGU_RECOVERY_PASSPHRASE_FILE"


def add_to(commands: Any) -> None:
    """The parser of `shugu keys`, under the main one's sub-commands."""
    keys = commands.add_parser("keys", help="签名密钥 / the venue's signing keys")
    what = keys.add_subparsers(dest="what", required=True)
    what.add_parser("list", help="列出密钥及其有效范围 / every key and what it counts for")
    what.add_parser("history", help="打印公布的密钥沿革 / print the published history")
    what.add_parser("rewrap", help="用现在配置的口令重新加密密钥文件 / encrypt key files with the passphrase configured now")
    for name, text in (("new", "启用新密钥（轮换）/ a new key beside the old one"), ("rotate", "同 new / the same")):
        new = what.add_parser(name, help=text)
        new.add_argument("--suite", choices=("intl", "sm"), default="intl")
        _common(new)
    retire = what.add_parser("retire", help="交替期满后停用旧密钥 / end the old key once the overlap is over")
    retire.add_argument("key", help="八位密钥编号 / key id")
    lost = what.add_parser("compromised", help="声明密钥失窃并立即更换 / declare a key lost; another takes its place at once")
    lost.add_argument("key", help="八位密钥编号 / key id")
    _common(lost)
    paper_keys_cli.add_to(what)
    recovery = what.add_parser("recovery", help="生成离线恢复密钥并登记 / make an offline recovery key and name it")
    recovery.add_argument("--out", type=Path, required=True, help="私钥文件写到此处 / where its file goes")
    _common(recovery)


def _common(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--store", choices=("software", "pkcs11"), default="", help="密钥库 / where the key is made")
    parser.add_argument("--recovery", type=Path, help="恢复密钥文件 / the recovery key's file, where the venue has one")


def run(options: argparse.Namespace) -> int:
    """0, or an error of `shugu.evidence.rotation` and of the stores."""
    acts: dict[str, Callable[[argparse.Namespace], int]] = {
        "list": _list, "history": _history, "rewrap": _rewrap, "new": _new, "rotate": _new, "retire": _retire,
        "compromised": _compromised, "recovery": _recovery, "papers": paper_keys_cli.run,
    }  # fmt: skip
    return acts[options.what](options)


def _list(options: argparse.Namespace) -> int:
    from shugu.kernel import keystore, signer

    state = signer.periods()
    for period in state.periods:
        until = period.until if period.until is not None else "…"
        ended = period.ended.value if period.ended else "in force"
        place = keystore.place_of(period.key).value
        print(f"{period.key.key_id}  {period.key.suite.name:4}  [{period.since}, {until})  {period.reason}  {ended}  {place}")
    for key in state.recovery:
        print(f"{key.key_id}  {key.suite.name:4}  recovery")
    return 0


def _history(options: argparse.Namespace) -> int:
    from shugu.kernel import key_lines

    sys.stdout.buffer.write(key_lines.document() + b"\n")
    return 0


def _rewrap(options: argparse.Namespace) -> int:
    from shugu.kernel import keystore, runtime

    done = keystore.rewrap(runtime.home().secret("keys").encode())
    print(f"已重新加密 {len(done)} 个文件 / {len(done)} files encrypted anew: {', '.join(done)}")
    return 0


def _said(row: KeyLine) -> int:
    from shugu.formats.keystatements import read_line

    said = read_line(row.line.encode()).statement
    named = ", ".join(key.vkey() for key in said.keys)
    print(f"{said.n}  {said.kind.value}  {said.reason}  size {said.size}\n{named}")
    return 0


def _new(options: argparse.Namespace) -> int:
    from shugu.evidence import rotation
    from shugu.kernel import clock
    from shugu.kernel.cases import mandate

    asked = rotation.BeginKey(options.suite, options.store)
    return _said(
        rotation.begin_key(asked, actor=mandate("venue", "keys"), now=clock.now(), recovery=_opened(options.recovery))
    )


def _retire(options: argparse.Namespace) -> int:
    from shugu.evidence import rotation
    from shugu.kernel import clock
    from shugu.kernel.cases import mandate

    return _said(rotation.retire_key(options.key, actor=mandate("venue", "keys"), now=clock.now()))


def _compromised(options: argparse.Namespace) -> int:
    from shugu.evidence import rotation
    from shugu.kernel import clock
    from shugu.kernel.cases import mandate

    offline = _opened(options.recovery)
    row = rotation.lose_key(
        options.key, actor=mandate("venue", "keys"), now=clock.now(), store=options.store, recovery=offline
    )
    return _said(row)


def _recovery(options: argparse.Namespace) -> int:
    """The file is written before the key is named: a named recovery key that nobody has could never be replaced."""
    from shugu.evidence import rotation
    from shugu.formats.suites import generate
    from shugu.kernel import clock, signer
    from shugu.kernel.cases import mandate

    key = generate("intl", f"{signer.origin()}/recovery")
    handle = os.open(options.out, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
    with os.fdopen(handle, "wb") as file:
        file.write(key.to_pem(_passphrase(options.out)))
        file.flush()
        os.fsync(file.fileno())
    given = _opened(options.recovery)
    row = rotation.name_recovery(key, actor=mandate("venue", "keys"), now=clock.now(), recovery=given)
    print("把该文件移到离线处保管，把下行加入所公布的 venue.vkey。/ Take the file away; let verifiers pin this line too.")
    return _said(row)


def _opened(file: Path | None) -> SigningKey | None:
    """Errors: BadKey for a wrong passphrase."""
    if file is None:
        return None
    from shugu.formats.suites import SigningKey
    from shugu.kernel import signer

    return SigningKey.from_pem(f"{signer.origin()}/recovery", "intl", file.read_bytes(), _passphrase(file))


def _passphrase(file: Path) -> bytes:
    """From the file that SHUGU_RECOVERY_PASSPHRASE_FILE names, or asked at the terminal."""
    named = os.environ.get(_RECOVERY_FILE)
    given = Path(named).read_bytes().strip() if named else getpass.getpass(f"{file}: ").encode()
    if len(given) < 12:
        from shugu.kernel.errors import KeyUnavailable

        raise KeyUnavailable(key=str(file), why=("口令不足 12 字节", "the passphrase is shorter than 12 bytes"))
    return given
