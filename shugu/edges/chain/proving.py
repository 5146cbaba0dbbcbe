"""Whether a chain vouches for a checkpoint, or for a fact, of any venue. No Django: what another venue or a court runs."""

from __future__ import annotations

from dataclasses import dataclass

from shugu.edges.chain.config import Chain
from shugu.edges.chain.contract import AnchorThere, Contract, connect, same_address
from shugu.edges.chain.errors import NotAnchored, VenueFrozenOnChain, VenueUnregistered
from shugu.edges.chain.statement import Statement, signer_of
from shugu.formats.checkpoint import Checkpoint
from shugu.formats.checkpoint import verify_strict as verify_checkpoint
from shugu.formats.credential import require_credential
from shugu.formats.merkle import Reader, consistency_proof, inclusion_proof, root_by_inclusion, verify_consistency
from shugu.formats.proof import TlogProof
from shugu.formats.sealed import Sealed, check_named
from shugu.formats.suites import Keyring
from shugu.formats.tiles import TileReader, hash_reader


@dataclass(frozen=True)
class Anchored:
    """The chain keeps `root` for the tree of `size` of `origin`, since `block`; `deep` blocks lie on it, its own included."""

    chain_id: int
    contract: str
    origin: str
    size: int
    root: bytes
    tx_hash: bytes
    block: int
    block_hash: bytes
    deep: int


@dataclass(frozen=True)
class Proven:
    """The contract itself said that the leaf is at `index` of the anchored tree; `later` when that tree extends the
    checkpoint of the document."""

    anchor: Anchored
    index: int
    leaf: bytes
    later: bool


def verify_anchor(chain: Chain, origin: str, checkpoint: Checkpoint, *, confirmations: int = 1) -> Anchored:
    """The anchor of exactly this checkpoint. The checkpoint's own signature is the caller's to verify.
    Errors: NotAnchored, VenueUnregistered, VenueFrozenOnChain, ChainMismatch, ChainUnreachable, NoContract."""
    there = _open(chain, origin)
    if checkpoint.origin != origin:
        raise NotAnchored(reason=("检查点属于另一日志", "the checkpoint is another log's"))
    held = there.root(origin, checkpoint.size)
    if held is None:
        raise NotAnchored(reason=(f"大小 {checkpoint.size} 未锚定", f"size {checkpoint.size} is not anchored"))
    if held != checkpoint.root:
        raise NotAnchored(reason=("链上的根与检查点不同", "the chain has another root for this size"))
    events = there.anchors(origin, size=checkpoint.size)
    return _deep(there, origin, events[-1] if events else None, confirmations)


def prove_included(
    chain: Chain, proof: TlogProof, leaf: bytes, *, read: TileReader | None = None, confirmations: int = 1
) -> Proven:
    """That a document's fact is in a tree the chain vouches for, by the contract's own `includes`.

    `proof` and `leaf` (the leaf hash) are the sealed document's, its checkpoint's signature already verified by the caller.
    Where that very checkpoint was not anchored, the next larger anchored one is taken, else the largest one that holds the fact,
    if `read` gives the tiles of the venue's log (`tile/…` paths): then it is proved first that both are states of one log,
    and where the fact is in the anchored one.
    Errors: as verify_anchor, ProofInvalid, BadTile, and whatever `read` raises."""
    checkpoint = proof.covered_by()
    origin = checkpoint.origin
    there = _open(chain, origin)
    if there.root(origin, checkpoint.size) is not None:
        anchored = verify_anchor(chain, origin, checkpoint, confirmations=confirmations)
        hashes, later = proof.hashes, False
    else:
        event = _covering(there, origin, checkpoint.size, proof.index)
        if read is None:
            raise NotAnchored(reason=("该检查点未锚定，又未给出日志", "its checkpoint is not anchored, and no log was given"))
        anchored, later = _deep(there, origin, event, confirmations), event.size > checkpoint.size
        tree = hash_reader(read, max(event.size, checkpoint.size))
        _one_log(checkpoint, event, tree)
        hashes = inclusion_proof(proof.index, event.size, tree)
    if not there.includes(origin, anchored.size, proof.index, leaf, hashes):
        raise NotAnchored(reason=("合约不认该事实在锚定的树中", "the contract does not find the fact in the anchored tree"))
    return Proven(anchored, proof.index, leaf, later)


def prove_document(
    chain: Chain, document: Sealed, keys: Keyring, *, read: TileReader | None = None, confirmations: int = 1
) -> Proven:
    """A whole sealed document: credential, fact and log proof against the venue's pinned keys, then the chain's word.
    Errors: FormatError, VerificationError, and those of `prove_included`."""
    if document.fact is None or document.proof is None:
        raise NotAnchored(reason=("文件未带事实与证明", "the file comes without fact and proof"))
    require_credential(document.credential, keys)
    check_named(document.credential, document.fact)
    covered = verify_checkpoint(document.proof.checkpoint, keys)
    at, hashes = document.proof.index, document.proof.hashes
    leaves = document.fact.leaf_hashes()
    leaf = next((one for one in leaves if root_by_inclusion(one, at, covered.size, hashes) == covered.root), None)
    if leaf is None:
        raise NotAnchored(reason=("事实不在其检查点之下", "the fact is not under its checkpoint"))
    return prove_included(chain, document.proof, leaf, read=read, confirmations=confirmations)


def _open(chain: Chain, origin: str) -> Contract:
    there = connect(chain)
    there.require_chain()
    venue = there.venue(origin)
    if venue is None:
        raise VenueUnregistered(name=chain.name, origin=origin)
    if venue.frozen:
        raise VenueFrozenOnChain(name=chain.name, origin=origin)
    return there


def _covering(there: Contract, origin: str, size: int, index: int) -> AnchorThere:
    found = there.anchors(origin)
    later = [a for a in found if a.size > size]
    if later:
        return min(later, key=lambda a: a.size)
    earlier = [a for a in found if index < a.size]
    if not earlier:
        raise NotAnchored(reason=("尚无包含该事实的锚定", "no tree that holds the fact is anchored yet"))
    return max(earlier, key=lambda a: a.size)


def _one_log(checkpoint: Checkpoint, event: AnchorThere, tree: Reader) -> None:
    """The smaller tree is how the larger one began. Errors: ProofInvalid."""
    (old, first), (new, second) = sorted(((checkpoint.size, checkpoint.root), (event.size, event.root)))
    verify_consistency(old, new, consistency_proof(old, new, tree), first, second)


def _deep(there: Contract, origin: str, event: AnchorThere | None, confirmations: int) -> Anchored:
    """The event's block is (still) in the chain and deep enough. Errors: NotAnchored."""
    if event is None:
        raise NotAnchored(reason=("节点没有该锚定的日志", "the node has no log of the anchor"))
    block, deep = there.block(event.block), there.height() - event.block + 1
    if block is None or block.hash != event.block_hash or deep < confirmations:
        raise NotAnchored(reason=(f"锚定之上只有 {max(deep, 0)} 个区块", f"only {max(deep, 0)} blocks lie on the anchor"))
    chain = there.chain
    return Anchored(
        chain.chain_id, there.address, origin, event.size, event.root, event.tx_hash, event.block, event.block_hash, deep
    )


def signed_by(origin: str, event: AnchorThere, signer: str) -> bool:
    """Whether an anchor that was read from a chain is a statement of this address."""
    return same_address(signer_of(Statement(origin, event.size, event.root), event.signature), signer)
