"""Another venue in the same process: its own keys, its own sequences, and the bytes it would send."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from shugu.edges.federation import services
from shugu.edges.federation.models import Peer
from shugu.edges.federation.tests.kit_log import FarLog
from shugu.formats.canonical import canonical, parse_object, sha256
from shugu.formats.credential import CONTEXT, Document, sign_credential
from shugu.formats.message import MESSAGE, RECEIPT
from shugu.formats.suites import SigningKey, keyring_of, new_keys
from shugu.formats.times import write_time
from shugu.kernel import runtime, signer
from tests.world import World

ORIGIN = "faraway.shugu.example"


def terms(**changes: Any) -> dict[str, Any]:
    """What a test's agreement says, `parties` aside: each recognises data property certificates of the other."""
    us = signer.origin()
    waives = [{"register": "data-property", "operation": "first", "materials": ["source_proof"]}]
    return {
        "recognises": [
            {"by": us, "of": ORIGIN, "kinds": ["data_property_certificate"], "regimes": ["shenzhen"], "waives": waives},
            {"by": ORIGIN, "of": us, "kinds": ["data_property_certificate"], "regimes": ["hangzhou"], "waives": waives},
        ],
        "moves": [{"from": ORIGIN, "to": us, "registers": {"data-property": "data-property"}},
                  {"from": us, "to": ORIGIN, "registers": {"data-property": "data-property"}}],
        "evidence": {"status_max_age": 3600, "witnesses": 0, "anchors": {}, "unlisted": True},
        "fees": {"listing": 7000, "selling": 3000},
        "notice_days": 30, "valid_from": "2026-03-01", "valid_until": "2027-02-28", **changes,
    }  # fmt: skip


@dataclass
class Other:
    """`suite` "sm" signs everything twice. `sent`: the last sequence it used. `log`: what it publishes (kit_log)."""

    keys: list[SigningKey]
    sent: int = 0
    asked: list[bytes] = field(default_factory=list)
    log: FarLog = field(init=False)

    def __post_init__(self) -> None:
        self.log = FarLog(self.origin, list(self.keys))

    @classmethod
    def make(cls, suite: str = "intl", origin: str = ORIGIN) -> Other:
        return cls(new_keys(suite, origin))

    @property
    def origin(self) -> str:
        return self.keys[0].name

    def added(self, world: World) -> Peer:
        """This venue knows it, as its operator would have added it."""
        pinned = keyring_of(self.keys).text()
        cmd = services.AddPeer("faraway", "远方数据交易所", "Faraway Data Exchange", "http://127.0.0.1:9", pinned)
        return services.add_peer(cmd, actor=world.otto, now=world.now)

    def signed(self, kind: str, number: str, subject: dict[str, Any], now: datetime) -> Document:
        body: Document = {
            "@context": [CONTEXT], "id": f"urn:shugu:faraway:{number}", "type": ["VerifiableCredential", kind],
            "issuer": f"https://{self.origin}", "validFrom": write_time(now),
            "credentialSubject": {
                "number": number, "venue": "faraway", **subject, **({"demo": True} if runtime.demo() else {}),
            },
        }  # fmt: skip
        return sign_credential(body, self.keys, now)

    def message(self, kind: str, body: dict[str, Any], now: datetime, *, sequence: int = 0, to: str = "") -> bytes:
        """The bytes of its next message to us, or of the one with this sequence."""
        self.sent = self.sent if sequence else self.sent + 1
        number = sequence or self.sent
        subject = {"to": to or signer.origin(), "kind": kind, "sequence": number, "body": body}
        return canonical(self.signed(MESSAGE, f"message:{number}", subject, now))

    def receipt(self, content: bytes, now: datetime, *, code: str = "") -> bytes:
        sequence: Any = parse_object(content)["credentialSubject"]
        subject = {
            "to": signer.origin(), "message": sha256(content).hex(), "sequence": sequence["sequence"],
            "outcome": "refused" if code else "taken", "code": code,
        }  # fmt: skip
        return canonical(self.signed(RECEIPT, f"receipt:{subject['sequence']}", subject, now))

    def post(self, now: datetime) -> Any:
        """A wire to it that always answers."""

        def answer(peer: Peer, content: bytes) -> bytes:
            self.asked.append(content)
            return self.receipt(content, now)

        return answer

    def last(self) -> Any:
        """(kind, body) of what it received last."""
        subject: Any = parse_object(self.asked[-1])["credentialSubject"]
        return subject["kind"], subject["body"]
