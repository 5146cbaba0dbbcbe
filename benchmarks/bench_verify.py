"""Offline verification of vouchers in batch, one core: a thousand different vouchers of one log, sealed in one file each.

Two figures a suite: every voucher under the same checkpoint (a day's batch: its signatures are verified once), and each
under a checkpoint of its own (nothing repeats but the keys). Rates are by the processor's time of this one process, so
that neighbours on the machine do not count. The split of the cost of one voucher is printed to stderr:
reading (canonical JSON), signatures of the credential, fact and inclusion, checkpoint. Prints one JSON line a figure.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from shugu.formats import merkle
from shugu.formats.checkpoint import Checkpoint, sign
from shugu.formats.credential import CONTEXT, credential_digest, sign_credential, verify_credential
from shugu.formats.leaf import Fact, new_salt
from shugu.formats.proof import TlogProof
from shugu.formats.sealed import check_named, read_sealed, seal
from shugu.formats.suites import Keyring, SigningKey, keyring_of, new_keys
from shugu.formats.verdicts import Verdict
from shugu.formats.verify import Verifier, inclusion_check

GOAL = 1_000
# A voucher with a checkpoint of its own costs two SM2 verifications, of some 0.3 ms each, whatever is around them.
GOAL_TWO_SM2 = 600
RUNS = 5
ORIGIN = "bench.shugu.dev/log"
NOW = datetime(2026, 3, 2, 2, 0, tzinfo=UTC)


def vouchers(keys: list[SigningKey], count: int, suite: str, own_checkpoint: bool) -> list[bytes]:
    """`count` sealed vouchers in a log of as many leaves; with `own_checkpoint` each under a tree one leaf larger."""
    signed = []
    for n in range(count):
        body = {
            "@context": [CONTEXT, "https://shugu.dev/ns/v1"],
            "type": ["VerifiableCredential", "DataTransactionVoucher"],
            "issuer": f"https://{ORIGIN}",
            "validFrom": "2026-03-01T00:00:00Z",
            "credentialSubject": {
                "number": f"VCH-BENCH-2026-{n:08d}", "contract": f"CTR-BENCH-2026-{n:08d}", "amount_fen": 128_000 + n,
                "product": {"name": {"zh": "航班准点数据", "en": "Flight punctuality"}, "version": "1"},
                "delivered": {"sha256": f"{n:064x}", "bytes": 7 * n},
            },
        }  # fmt: skip
        credential = sign_credential(body, keys, NOW)
        signed.append((credential, Fact({"name": "voucher.issued", "digests": {"v": credential_digest(credential)}}, new_salt())))
    leaves = [fact.leaf_hashes()[1 if suite == "sm" else 0] for _, fact in signed]
    levels = [leaves]
    while len(levels[-1]) > 1:
        levels.append(merkle.pair_up(levels[-1][: len(levels[-1]) // 2 * 2]))

    def read(height: int, index: int) -> bytes:
        return levels[height][index]

    def note(size: int) -> bytes:
        return sign(Checkpoint(ORIGIN, size, merkle.root_from(size, read)), keys)

    whole = note(count)
    out = []
    for n, (credential, fact) in enumerate(signed):
        size = n + 1 if own_checkpoint else count
        proof = TlogProof(n, merkle.inclusion_proof(n, size, read), note(size) if own_checkpoint else whole)
        out.append(seal(credential, fact, proof))
    return out


def rate(documents: Sequence[bytes], keys: Keyring) -> float:
    """Vouchers a second: every check of every document, by a verifier that begins with nothing."""
    began = time.process_time()
    verifier = Verifier(keys, NOW)
    for document in documents:
        assert verifier.document(document).verdict is Verdict.SEALED
    return len(documents) / (time.process_time() - began)


def split(documents: Sequence[bytes], keys: Keyring) -> dict[str, float]:
    """Microseconds of the parts of one voucher, each measured by itself over all of them."""
    read = [read_sealed(d) for d in documents]

    def each(act: Callable[[int], object]) -> float:
        began = time.process_time()
        for n in range(len(documents)):
            act(n)
        return round((time.process_time() - began) / len(documents) * 1e6, 1)

    def seal_of(n: int) -> None:
        fact, proof = read[n].fact, read[n].proof
        assert fact is not None and proof is not None
        check_named(read[n].credential, fact)
        inclusion_check(fact.leaf_hashes(), proof)

    def checkpoint(n: int) -> None:
        proof = read[n].proof
        assert proof is not None
        Verifier(keys, NOW).checkpoint(proof.checkpoint)

    return {
        "reading": each(lambda n: read_sealed(documents[n])),
        "signatures": each(lambda n: verify_credential(read[n].credential, keys)),
        "fact and inclusion": each(seal_of),
        "checkpoint, when new": each(checkpoint),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--vouchers", type=int, default=1_000)
    given = parser.parse_args()
    for suite in ("intl", "sm"):
        keys = new_keys(suite, ORIGIN)
        pinned = keyring_of(keys)
        for name, own in ((f"verify.batch_{suite}", False), (f"verify.each_checkpoint_{suite}", True)):
            documents = vouchers(keys, given.vouchers, suite, own)
            runs = [rate(documents, pinned) for _ in range(RUNS)]
            line = {
                "name": name, "median": round(statistics.median(runs), 1), "unit": "vouchers/s/core",
                "goal": GOAL_TWO_SM2 if own and suite == "sm" else GOAL, "higher_is_better": True,
                "runs": [round(run, 1) for run in runs], "peer": None,
            }  # fmt: skip
            print(json.dumps(line), flush=True)
        parts = ", ".join(f"{part} {cost}" for part, cost in split(documents, pinned).items())
        print(f"{suite}: µs a voucher: {parts}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
