"""Which witnesses cosign this venue's checkpoints: the policy in the home, and every key that ever counted.

`home.toml` names the policy (`witness_policy = "witnesses.policy"`, in the home; C2SP tlog-policy). `<home>/witnesses.vkey`
keeps the keys of all policies so far in the order in which they came, so that what was cosigned under an earlier policy
goes on verifying; it is part of the venue's published keys, and only grows.
"""

from __future__ import annotations

import os
from functools import lru_cache
from pathlib import Path
from typing import Final

from shugu.formats.quorum import Policy, parse_policy
from shugu.formats.suites import Keyring, VerifyKey, parse_witness_vkey
from shugu.kernel import runtime, signer
from shugu.kernel.home import HomeError

RECORD: Final = "witnesses.vkey"


def policy() -> Policy | None:
    """The policy in force; None where the venue asks no witnesses. Errors: BadWitnessPolicy, HomeError when it is not there."""
    named = runtime.home().config.witness_policy
    if not named:
        return None
    file = runtime.home().path / named
    try:
        return _read(file, file.stat().st_mtime_ns)
    except (OSError, UnicodeDecodeError) as error:
        why = (f"见证策略无法读取（{error}）", f"the witness policy cannot be read ({error})")
        raise HomeError(path=str(file), why=why) from error


@lru_cache(maxsize=4)
def _read(file: Path, changed: int) -> Policy:
    return parse_policy(file.read_text("utf-8"))


def pinned() -> tuple[VerifyKey, ...]:
    """Every witness's key that counts or has counted, in the order of the published file. Errors: as `policy`; BadKey."""
    held = _recorded()
    found = policy()
    fresh = [w.key for w in found.witnesses if w.key not in held] if found else []
    return (*held, *fresh)


def _recorded() -> tuple[VerifyKey, ...]:
    file = runtime.home().path / RECORD
    return tuple(map(parse_witness_vkey, file.read_text("utf-8").split())) if file.exists() else ()


def record() -> None:
    """Keep the policy's keys, before anything they cosigned comes out. The caller is the log's one writer."""
    held, wanted = _recorded(), pinned()
    if held == wanted:
        return
    file = runtime.home().path / RECORD
    whole = file.with_suffix(".new")
    with whole.open("w", encoding="utf-8") as handle:
        handle.write("".join(f"{key.vkey()}\n" for key in wanted))
        handle.flush()
        os.fsync(handle.fileno())
    whole.replace(file)


def keyring() -> Keyring:
    """What a verifier of this venue's sealed documents pins: the venue's keys, then its witnesses'."""
    return Keyring((*signer.keyring().keys, *pinned()))


def log_keyring(size: int) -> Keyring:
    """Who may sign the venue's checkpoint of that size: the venue's keys that counted there, then every witness's."""
    return Keyring((*signer.periods().for_checkpoint(size).keys, *pinned()))
