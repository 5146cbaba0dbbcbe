from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shugu.formats import merkle, tiles
from shugu.formats.errors import BadTile, ProofInvalid

# The eight entries and the roots of the Certificate Transparency reference tree.
ENTRIES = [
    bytes.fromhex(h)
    for h in (
        "",
        "00",
        "10",
        "2021",
        "3031",
        "40414243",
        "5051525354555657",
        "606162636465666768696a6b6c6d6e6f",
    )
]
ROOTS = [
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]
HASHES = [merkle.leaf_hash(str(n).encode()) for n in range(70_000)]


def recursive_root(hashes: list[bytes]) -> bytes:
    """MTH spelled exactly as RFC 6962 section 2.1 defines it."""
    if len(hashes) < 2:
        return hashes[0] if hashes else merkle.EMPTY_ROOT
    split = 1
    while split * 2 < len(hashes):
        split *= 2
    return merkle.node_hash(recursive_root(hashes[:split]), recursive_root(hashes[split:]))


def read(height: int, index: int) -> bytes:
    part = HASHES[index << height : (index + 1) << height]
    assert len(part) == 1 << height
    return merkle.root_of_hashes(part)


def test_the_roots_are_those_of_the_reference_tree() -> None:
    assert merkle.root([]).hex() == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    for size, root in enumerate(ROOTS, 1):
        assert merkle.root(ENTRIES[:size]).hex() == root


@pytest.mark.parametrize("size", [0, 1, 2, 5, 255, 256, 257, 70_000])
def test_the_root_is_the_recursive_one_at_the_awkward_sizes(size: int) -> None:
    assert merkle.root_of_hashes(HASHES[:size]) == recursive_root(HASHES[:size])


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(0, 700), max_size=8))
def test_a_frontier_grown_in_any_batches_has_the_same_root(batches: list[int]) -> None:
    frontier, size = merkle.Frontier(), 0
    for batch in batches:
        frontier.append_many(HASHES[size : size + batch])
        size += batch
        frontier = merkle.Frontier(size, frontier.hashes)
    assert (frontier.size, frontier.root()) == (size, merkle.root_of_hashes(HASHES[:size]))


def test_a_frontier_that_does_not_fit_its_size_is_refused() -> None:
    for size, hashes in ((5, [bytes(32)]), (1, []), (0, [bytes(32)]), (1, [bytes(31)])):
        with pytest.raises(ProofInvalid):
            merkle.Frontier(size, hashes)


@settings(max_examples=80, deadline=None)
@given(st.data())
def test_every_leaf_is_included_and_nothing_else_is(data: st.DataObject) -> None:
    size = data.draw(st.integers(1, 600))
    index = data.draw(st.integers(0, size - 1))
    root = merkle.root_of_hashes(HASHES[:size])
    proof = merkle.inclusion_proof(index, size, read)
    assert len(proof) <= (size - 1).bit_length()
    merkle.verify_inclusion(HASHES[index], index, size, proof, root)
    wrong = [
        (HASHES[index + 1], index, size, proof),
        (HASHES[index], index + 1, size, proof),
        (HASHES[index], index, size, (*proof, bytes(32))),
        (HASHES[index], size, size, proof),
        (HASHES[index], -1, size, proof),
    ]
    for at in range(len(proof)):
        wrong.append((HASHES[index], index, size, proof[:at] + proof[at + 1 :]))
        wrong.append((HASHES[index], index, size, (*proof[:at], bytes(32), *proof[at + 1 :])))
    for leaf, i, n, path in wrong:
        with pytest.raises(ProofInvalid):
            merkle.verify_inclusion(leaf, i, n, path, root)


@settings(max_examples=80, deadline=None)
@given(st.data())
def test_a_grown_tree_is_consistent_and_a_rewritten_one_is_not(data: st.DataObject) -> None:
    new = data.draw(st.integers(1, 600))
    old = data.draw(st.integers(0, new))
    before, after = merkle.root_of_hashes(HASHES[:old]), merkle.root_of_hashes(HASHES[:new])
    proof = merkle.consistency_proof(old, new, read)
    merkle.verify_consistency(old, new, proof, before, after)
    with pytest.raises(ProofInvalid):
        merkle.verify_consistency(old, new, (*proof, bytes(32)), before, after)
    with pytest.raises(ProofInvalid):
        merkle.verify_consistency(old, new, proof, bytes(32), after)
    if old:
        with pytest.raises(ProofInvalid):
            merkle.verify_consistency(old, new, proof, before, bytes(32))
    for at in range(len(proof)):
        with pytest.raises(ProofInvalid):
            merkle.verify_consistency(old, new, proof[:at] + proof[at + 1 :], before, after)


class Store(dict[str, bytes]):
    """Tiles by path, as a directory would hold them."""

    def read(self, path: str) -> bytes:
        return self[path]


@settings(max_examples=40, deadline=None)
@given(st.lists(st.integers(0, 900), max_size=6))
def test_a_log_grown_in_tiles_has_the_same_root_and_the_named_tiles(batches: list[int]) -> None:
    store, size = Store(), 0
    for batch in batches:
        grown = tiles.grow(size, HASHES[size : size + batch], store.read)
        paths = {t.path for t in tiles.tiles_for(size, grown.size) if t.level is not None}
        assert set(grown.tiles) == paths
        store.update(grown.tiles)
        size = grown.size
        assert grown.root == merkle.root_of_hashes(HASHES[:size])


def test_proofs_come_out_of_tiles_at_seventy_thousand() -> None:
    store = Store()
    grown = tiles.grow(0, HASHES, store.read)
    store.update(grown.tiles)
    full = [p for p in store if p.startswith("tile/0/") and ".p/" not in p]
    assert (len(full), len(store["tile/0/273.p/112"])) == (273, 112 * 32)
    assert (len(store["tile/1/000"]), len(store["tile/1/001.p/17"]), len(store["tile/2/000.p/1"])) == (
        8192,
        544,
        32,
    )
    reader = tiles.hash_reader(store.read, grown.size)
    for index in (0, 255, 256, 65_535, 65_536, 69_999):
        proof = merkle.inclusion_proof(index, grown.size, reader)
        merkle.verify_inclusion(HASHES[index], index, grown.size, proof, grown.root)
    for old in (1, 256, 65_536, 69_999):
        before = merkle.root_of_hashes(HASHES[:old])
        merkle.verify_consistency(
            old, grown.size, merkle.consistency_proof(old, grown.size, reader), before, grown.root
        )


def test_an_old_tree_is_read_from_newer_full_tiles() -> None:
    store = Store()
    for start in range(0, 700, 100):
        store.update(tiles.grow(start, HASHES[start : start + 100], store.read).tiles)
    assert merkle.root_from(300, tiles.hash_reader(store.read, 300)) == merkle.root_of_hashes(HASHES[:300])


@given(st.integers(0, 2**60), st.integers(1, 256), st.one_of(st.none(), st.integers(0, 63)))
def test_a_path_reads_back(index: int, width: int, level: int | None) -> None:
    ref = tiles.TileRef(level, index, width)
    assert tiles.parse_path(ref.path) == ref


@settings(max_examples=50)
@given(st.lists(st.binary(max_size=300), min_size=1, max_size=256))
def test_an_entry_bundle_reads_back(entries: list[bytes]) -> None:
    data = tiles.encode_bundle(entries)
    assert tiles.decode_bundle(data, len(entries)) == entries
    with pytest.raises(BadTile):
        tiles.decode_bundle(data + b"\0", len(entries))
    with pytest.raises(BadTile):
        tiles.decode_bundle(data, len(entries) + 1)


def test_a_tile_or_entry_out_of_bounds_is_refused() -> None:
    for wrong in ([], [bytes(32)] * 257, [bytes(31)]):
        with pytest.raises(BadTile):
            tiles.encode_tile(wrong)
    with pytest.raises(BadTile):
        tiles.encode_bundle([bytes(65_536)])
    with pytest.raises(BadTile):
        tiles.decode_tile(bytes(64), 3)
    with pytest.raises(BadTile):
        tiles.tiles_for(5, 4)
