"""What a venue signs for chains (docs/formats.md, section on chain statements): EIP-712 over secp256k1.

A checkpoint's domain names no chain: it says what a log is, which is true wherever it is read, so anybody may carry it to any
contract (the decision page on statements that travel says why). An appointment, by which a key agrees to speak for a venue
in one contract, names chain and contract.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from shugu.edges.chain import software
from shugu.edges.chain.errors import ContractRefused

if TYPE_CHECKING:
    from eth_account.messages import SignableMessage

_DOMAIN: Final = {"name": "Shugu Checkpoint", "version": "1"}
_CHECKPOINT: Final = [("origin", "string"), ("size", "uint64"), ("root", "bytes32")]
_APPOINTMENT: Final = [("origin", "string"), ("signer", "address")]
SIGNATURE_BYTES: Final = 65


@dataclass(frozen=True)
class Statement:
    """The tree of `origin` with `size` leaves has this root."""

    origin: str
    size: int
    root: bytes

    def message(self) -> SignableMessage:
        values = {"origin": self.origin, "size": self.size, "root": self.root}
        return _encode(dict(_DOMAIN), "Checkpoint", _CHECKPOINT, values)


@dataclass(frozen=True)
class Appointment:
    """`signer` agrees to sign for `origin` in this contract on this chain."""

    origin: str
    signer: str
    chain_id: int
    contract: str

    def message(self) -> SignableMessage:
        domain = {**_DOMAIN, "chainId": self.chain_id, "verifyingContract": self.contract}
        return _encode(domain, "Appointment", _APPOINTMENT, {"origin": self.origin, "signer": self.signer})


def _encode(domain: dict[str, Any], kind: str, members: list[tuple[str, str]], values: dict[str, Any]) -> SignableMessage:
    software.ready()
    from eth_account.messages import encode_typed_data

    types = {kind: [{"name": name, "type": type_} for name, type_ in members]}
    return encode_typed_data(domain, types, values)


def sign(statement: Statement | Appointment, key: bytes) -> bytes:
    """65 bytes r, s, v; deterministic (RFC 6979)."""
    message = statement.message()
    from eth_account import Account

    return bytes(Account.sign_message(message, key).signature)


def signer_of(statement: Statement | Appointment, signature: bytes) -> str:
    """The address that signed. Errors: ContractRefused for bytes that are no signature, as the contract would."""
    message = statement.message()
    from eth_account import Account
    from eth_keys.exceptions import BadSignature
    from eth_utils.exceptions import ValidationError

    if len(signature) != SIGNATURE_BYTES:
        raise ContractRefused(reason="BadSignature")
    try:
        return str(Account.recover_message(message, signature=signature))
    except (BadSignature, ValidationError, ValueError) as error:
        raise ContractRefused(reason="BadSignature") from error


def origin_hash(origin: str) -> bytes:
    """keccak256 of the origin: how a contract names a venue."""
    software.ready()
    from eth_utils.crypto import keccak

    return bytes(keccak(text=origin))
