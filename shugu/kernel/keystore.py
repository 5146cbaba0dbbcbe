"""Where the venue's private keys are: encrypted files under the home, or a hardware module (`shugu.kernel.hsm`).

A store makes a key and opens it to sign; private bytes never leave it. Files are PKCS#8 PEM, encrypted with a passphrase
that comes from outside the home where one is configured; the home's own secret is the default and protects a stray copy
of one file only.
"""

from __future__ import annotations

import os
import subprocess
import tempfile
from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path

from shugu.formats.errors import BadKey
from shugu.formats.suites import Keyring, Signer, SigningKey, VerifyKey, generate, keyring
from shugu.kernel import hsm, runtime
from shugu.kernel.errors import KeyUnavailable, StoreCannot

PASSPHRASE_FILE = "SHUGU_KEYS_PASSPHRASE_FILE"  # noqa: S105 - a variable's name
FOUNDING = "founding.vkey"
_COMMAND_SECONDS = 30


class Source(StrEnum):
    """Where the passphrase of the key files comes from."""

    FILE = "file"
    CREDENTIAL = "credential"
    COMMAND = "command"
    HOME = "home"


def folder() -> Path:
    return runtime.home().folder("keys")


def passphrase_file() -> Path | None:
    """The file that is named in the environment, or systemd's credential `shugu-keys`."""
    named = os.environ.get(PASSPHRASE_FILE)
    if named:
        return Path(named)
    credentials = os.environ.get("CREDENTIALS_DIRECTORY")
    given = Path(credentials) / "shugu-keys" if credentials else None
    return given if given is not None and given.is_file() else None


def source() -> Source:
    if passphrase_file() is not None:
        return Source.FILE if os.environ.get(PASSPHRASE_FILE) else Source.CREDENTIAL
    return Source.COMMAND if runtime.home().config.keys_passphrase_command else Source.HOME


def passphrase() -> bytes:
    """Errors: KeyUnavailable when what is configured gives none; never the home's secret instead."""
    file, command = passphrase_file(), runtime.home().config.keys_passphrase_command
    if file is not None:
        try:
            found = file.read_bytes()
        except OSError as error:
            raise KeyUnavailable(key=str(file), why=("口令文件读不到", f"no passphrase: {error.strerror}")) from error
    elif command:
        found = _asked(command)
    else:
        return runtime.home().secret("keys").encode()
    found = found.strip()
    if len(found) < 12:
        raise KeyUnavailable(key="keys", why=("口令不足 12 字节", "the passphrase is shorter than 12 bytes"))
    return found


def _asked(command: Sequence[str]) -> bytes:
    try:
        return subprocess.run(command, capture_output=True, check=True, timeout=_COMMAND_SECONDS).stdout
    except (OSError, subprocess.SubprocessError) as error:
        why = ("取口令的命令失败", f"the command for the passphrase failed ({type(error).__name__})")
        raise KeyUnavailable(key=command[0], why=why) from error


def make(suite_name: str, name: str, store: str) -> Signer:
    """A fresh key in `store` ("software" or "pkcs11"). Errors: StoreCannot, KeyUnavailable."""
    if store == "pkcs11":
        return hsm.make(suite_name, name)
    if store != "software":
        raise StoreCannot(why=(f"没有密钥库 {store}", f"there is no store {store}"))
    key = generate(suite_name, name)
    write_once(folder() / f"{key.key_id}.pem", key.to_pem(passphrase()))
    return key


def open_key(wanted: VerifyKey) -> Signer:
    """The private side of a public key, from whichever store has it. Errors: KeyUnavailable."""
    for file in files_of(wanted):
        try:
            key = SigningKey.from_pem(wanted.name, wanted.suite.name, file.read_bytes(), passphrase())
        except BadKey as error:
            why = (f"口令打不开 {file.name}，或须先运行 shugu keys rewrap", f"{file.name} does not open; see shugu keys rewrap")
            raise KeyUnavailable(key=wanted.key_id, why=why) from error
        if key.verify_key == wanted:
            return key
    if hsm.configured():
        return hsm.open_key(wanted)
    raise KeyUnavailable(key=wanted.key_id, why=("没有它的私钥", "its private key is not here"))


class Place(StrEnum):
    """Where a private key is, as far as one can tell without opening it."""

    FILE = "file"
    HSM = "hsm"
    NOWHERE = "not here"


def place_of(wanted: VerifyKey) -> Place:
    if (folder() / f"{wanted.key_id}.pem").exists() or (wanted in _founding() and files_of(wanted)):
        return Place.FILE
    try:
        if hsm.configured():
            hsm.open_key(wanted)
            return Place.HSM
    except (KeyUnavailable, StoreCannot):
        return Place.NOWHERE
    return Place.NOWHERE


def _founding() -> tuple[VerifyKey, ...]:
    record = folder() / FOUNDING
    return keyring(record.read_text("utf-8")).keys if record.exists() else ()


def files_of(wanted: VerifyKey) -> list[Path]:
    """Files that may hold the key: its own, or that of the founding keys, which are named by their suite."""
    return [f for f in (folder() / f"{wanted.key_id}.pem", folder() / f"{wanted.suite.name}.pem") if f.exists()]


def founding(suites: Sequence[str], name: str) -> Keyring:
    """The venue's first keys, made on first use; other processes find the same. Errors: StoreCannot, KeyUnavailable."""
    record = folder() / FOUNDING
    if not record.exists():
        made = [_first(suite_name, name).verify_key for suite_name in suites]
        write_once(record, Keyring(tuple(made)).text().encode())
    return keyring(record.read_text("utf-8"))


def _first(suite_name: str, name: str) -> Signer:
    store = runtime.home().config.keys_store
    if store == "pkcs11" and suite_name == "intl" and not (folder() / "intl.pem").exists():
        return make(suite_name, name, store)
    file = folder() / f"{suite_name}.pem"
    if not file.exists():
        write_once(file, generate(suite_name, name).to_pem(passphrase()))
    return SigningKey.from_pem(name, suite_name, file.read_bytes(), passphrase())


def rewrap(old: bytes) -> list[str]:
    """Encrypt every key file that opens with `old` anew with the passphrase configured now; the names of those files.
    Errors: KeyUnavailable for a file that opens with neither, before any file is changed."""
    new, fresh = passphrase(), dict[Path, bytes]()
    for file in sorted(folder().glob("*.pem")):
        if _read(file, new) is None:
            key = _read(file, old)
            if key is None:
                raise KeyUnavailable(key=file.name, why=("新旧口令都打不开", "neither passphrase opens it"))
            fresh[file] = key.to_pem(new)
    for file, pem in fresh.items():
        whole = file.with_suffix(".new")
        write_once(whole, pem)
        whole.replace(file)
    return [file.name for file in fresh]


def _read(file: Path, password: bytes) -> SigningKey | None:
    for suite_name in ("intl", "sm"):
        try:
            return SigningKey.from_pem("any", suite_name, file.read_bytes(), password)
        except BadKey:
            continue
    return None


def write_once(path: Path, content: bytes) -> None:
    """Whole and durable or not at all; what another process wrote first stays."""
    descriptor, draft = tempfile.mkstemp(dir=path.parent, prefix=".key.")
    with os.fdopen(descriptor, "wb") as handle:
        handle.write(content)
        handle.flush()
        os.fsync(handle.fileno())
    try:
        os.link(draft, path)
    except FileExistsError:
        return
    finally:
        os.unlink(draft)
