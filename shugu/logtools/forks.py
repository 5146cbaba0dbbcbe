"""A fork as evidence that anybody can check: two checkpoints signed by one log that cannot both be true.

Either they have one size and two roots, or the larger tree does not begin with the smaller. In the second case a proof
goes with them: a consistency proof under the larger root from the smaller size, and the root that the larger tree really
had at that size, which is not the one signed.

A folder holds `first` and `second` (signed notes, the smaller tree first) and, when the sizes differ, `proof.json`:
canonical `{"hashes":["<base64>",…],"root":"<base64>"}`.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from shugu.formats import checkpoint as checkpoints
from shugu.formats.canonical import b64, canonical, parse_object, unb64
from shugu.formats.checkpoint import Checkpoint
from shugu.formats.errors import ShuguError, VerificationError
from shugu.formats.merkle import verify_consistency
from shugu.formats.suites import Keyring
from shugu.logtools import durable


class NoFork(VerificationError):
    code = "no-fork"
    sentence = ("材料不能证明日志分叉：{reason}。", "This does not prove a fork: {reason}.")
    remedy = ("索取两份签名检查点的原件。", "Ask for the two signed checkpoints as they were.")


@dataclass(frozen=True)
class Fork:
    """Two signed notes, the smaller tree first; `root` is what the larger tree had at the smaller size."""

    first: bytes
    second: bytes
    root: bytes = b""
    hashes: tuple[bytes, ...] = ()


def verify_fork(fork: Fork, keys: Keyring) -> tuple[Checkpoint, Checkpoint]:
    """The two contradicting checkpoints. Raises NoFork when nothing is proven."""
    try:
        first, second = checkpoints.verify(fork.first, keys), checkpoints.verify(fork.second, keys)
        if first.size < second.size:
            verify_consistency(first.size, second.size, fork.hashes, fork.root, second.root)
    except ShuguError as error:
        raise NoFork(reason=(error.message("zh"), error.message("en"))) from error
    agree = fork.root == first.root if first.size < second.size else first.root == second.root
    if first.origin != second.origin or first.size > second.size or agree:
        raise NoFork(reason=("两个检查点并不矛盾", "the two checkpoints do not contradict each other"))
    return first, second


def keep(fork: Fork, folder: Path) -> None:
    durable.write(folder / "first", fork.first)
    durable.write(folder / "second", fork.second)
    if fork.root:
        proof = {"hashes": [b64(h) for h in fork.hashes], "root": b64(fork.root)}
        durable.write(folder / "proof.json", canonical(proof))


def read(folder: Path) -> Fork:
    """Errors: OSError, FormatError."""
    first, second = (folder / "first").read_bytes(), (folder / "second").read_bytes()
    if not (folder / "proof.json").exists():
        return Fork(first, second)
    told = parse_object((folder / "proof.json").read_bytes())
    hashes, root = told.get("hashes"), told.get("root")
    if not isinstance(hashes, list) or not isinstance(root, str) or not all(isinstance(h, str) for h in hashes):
        raise NoFork(reason=("proof.json 成员不符", "wrong members in proof.json"))
    return Fork(first, second, unb64(root), tuple(unb64(str(h)) for h in hashes))
