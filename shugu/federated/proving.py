"""What the story's venues do about keys, paper, witnesses and lists, honestly or not: acts of `house.py`.

`lie` and `forge` are what a dishonest operator or a thief would do with the real process and the real key; nothing in the
venue's own code does it for them.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping
from typing import Any

from shugu.federated import ground
from shugu.federated.ground import actor, moment, tidy


def witness_for(vkeys: str) -> str:
    """Witness the log of another venue from now on; this venue's witness key."""
    from shugu.evidence import witnessed

    witnessed.witness_log(witnessed.WitnessLog(vkeys), actor=actor("otto"), now=moment())
    return str(witnessed.witness_key().verify_key.vkey())


def witnessed_by(vkey: str, url: str) -> str:
    """Ask that witness for every checkpoint; none comes out without it. The public checkpoint."""
    from shugu.formats.quorum import Policy, Witness, policy_text
    from shugu.formats.suites import parse_witness_vkey
    from shugu.kernel import runtime

    home = runtime.home()
    policy = Policy(witnesses=(Witness("other", parse_witness_vkey(vkey), url),), quorum="other")
    (home.path / "witnesses.policy").write_text(policy_text(policy), "utf-8")
    # As an operator does it: one line of home.toml.
    text = home.config_file.read_text("utf-8")
    home.config_file.write_text(text.replace('witness_policy = ""', 'witness_policy = "witnesses.policy"'), "utf-8")
    tidy()
    return checkpoint()


def checkpoint() -> str:
    from shugu.evidence import tile_files

    found = tile_files.published()
    return found.decode() if found is not None else ""


def pin(origin: str, vkey: str) -> str:
    from shugu.edges.federation import services

    services.pin_key(services.PinKey(origin, vkey), actor=actor("otto"), now=moment())
    return vkey


def vkeys() -> str:
    """The venue's own keys in force, as its witness is told them."""
    from shugu.kernel import signer

    return signer.keyring().text()


def keys_file() -> str:
    """The key history that this venue publishes."""
    from shugu.evidence import queries

    return queries.key_history().decode()


def rotate() -> list[str]:
    """A new Ed25519 key beside the one in force; both key ids, the older first."""
    from shugu.evidence import rotation
    from shugu.kernel import signer

    rotation.begin_key(rotation.BeginKey("intl"), actor=actor("otto"), now=moment())
    tidy()
    return [key.key_id for key in signer.periods().in_force() if key.suite.name == "intl"]


def lose(key: str) -> str:
    """Declare a key lost: somebody else may have it."""
    from shugu.evidence import rotation

    rotation.lose_key(key, actor=actor("otto"), now=moment())
    tidy()
    return key


def forge(certificate: str, key: str, title: str) -> str:
    """What the thief of a key makes: the certificate under another title, signed and sealed in a log of his own."""
    from shugu.formats.canonical import canonical
    from shugu.formats.checkpoint import Checkpoint, sign
    from shugu.formats.credential import credential_digest, sign_credential
    from shugu.formats.leaf import Fact, entry_for
    from shugu.formats.merkle import leaf_hash
    from shugu.formats.proof import TlogProof
    from shugu.formats.sealed import seal
    from shugu.kernel import signer
    from shugu.registry import queries as book

    periods = signer.periods()
    stolen = signer.opened(p.key for p in periods.periods if p.key.key_id == key or p.key.suite.name == "sm")
    body = {k: v for k, v in book.certificate(certificate).credential.items() if k != "proof"}
    body["credentialSubject"] = {**body["credentialSubject"], "title": title}
    false = sign_credential(body, list(stolen), moment())
    fact = Fact({"digests": {"certificate": credential_digest(false)}, "fact": "entry.entered"}, b"t" * 32)
    suite = "sm" if len(stolen) > 1 else "intl"
    leaf = leaf_hash(entry_for(canonical(fact.payload), fact.salt, suite))
    note = sign(Checkpoint(signer.origin(), 1, leaf), list(stolen))
    return base64.b64encode(seal(false, fact, TlogProof(0, (), note))).decode()


def paper(certificate: str, who: str) -> str:
    """The certificate as its holder downloads it to print, base64."""
    from shugu.registry import queries as book

    tidy()
    return base64.b64encode(book.certificate_pdf(certificate, "zh", now=moment(), actor=actor(who))).decode()


def publish(on: bool) -> bool:
    """Whether status lists are published: a venue that leaves its worker off."""
    ground.PUBLISHES = on
    tidy()
    return on


def lie(certificate: str) -> str:
    """From now on this venue's answers say that the certificate is valid, whatever the book says."""
    from shugu.edges.federation import statements
    from shugu.registry import queries as book

    false, true = book.certificate(certificate).digest, statements._known

    def known(digest: str, now: Any) -> tuple[str, frozenset[str]]:
        return (certificate, frozenset({"valid"})) if digest == false else true(digest, now)

    statements._known = known
    return certificate


def contradictions(venue: str) -> list[dict[str, str]]:
    """What another venue signed that contradicts itself, with both files (base64)."""
    from shugu.edges.federation import queries

    otto = actor("otto")
    return [
        {
            "zh": found.why.zh, "en": found.why.en,
            **{side: base64.b64encode(queries.contradiction_bytes(venue, found.number, side, otto)).decode()
               for side in ("first", "second")},
        }
        for found in queries.contradictions(venue, otto)
    ]  # fmt: skip


def history(venue: str) -> list[dict[str, Any]]:
    """The keys of another venue as followed here."""
    from shugu.edges.federation import queries

    return [{"key": one.key.key_id, "ended": one.ended} for one in queries.sight(venue, actor("otto")).history]


ACTS: Mapping[str, Callable[..., Any]] = {
    "witness_for": witness_for, "witnessed_by": witnessed_by, "checkpoint": checkpoint, "pin": pin, "vkeys": vkeys,
    "keys_file": keys_file, "rotate": rotate, "lose": lose, "forge": forge, "paper": paper, "publish": publish, "lie": lie,
    "contradictions": contradictions, "history": history,
}  # fmt: skip
