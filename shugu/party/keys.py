"""Keys of organisations: their own signing keys, kept sealed under the home, and their connectors' verifier keys."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from shugu.formats.canonical import b64
from shugu.formats.errors import FormatError
from shugu.formats.suites import SigningKey, generate, parse_vkey, suite
from shugu.formats.times import write_time
from shugu.kernel import journal, runtime, signer
from shugu.kernel.cases import Actor
from shugu.kernel.commands import command
from shugu.kernel.errors import InputInvalid, NotFound
from shugu.party.domain import is_digest, statement
from shugu.party.models import Organisation, OrgKey
from shugu.party.vault import seal, unseal

SIGN, CONNECTOR = "sign", "connector"
_PURPOSE = "org-key"


@dataclass(frozen=True)
class RegisterConnectorKey:
    """`vkey`: a C2SP verifier key line, Ed25519 or SM2. `connector_id`: 3–80 of a–z 0–9 . _ -."""

    org: int
    connector_id: str
    vkey: str


@dataclass(frozen=True)
class ReplaceSigningKeys:
    """`reason`: why, in the organisation's own words, 2–200 characters; it goes into the facts."""

    org: int
    reason: str


def make_signing_keys(org: Organisation, *, actor: Actor, now: datetime) -> None:
    """Ed25519 always, SM2 beside it under suite `sm`; one set in force per organisation."""
    name = f"{signer.origin()}/org/{org.number}"
    for suite_name in ["intl", "sm"] if runtime.suite() == "sm" else ["intl"]:
        key = generate(suite_name, name)
        row = OrgKey.objects.create(
            org=org, purpose=SIGN, suite=suite_name, vkey=key.verify_key.vkey(), sealed=seal(_PURPOSE, key.private),
            registered_at=now,
        )  # fmt: skip
        _tell(row, actor, now)


@command("party.replace_signing_keys", ("更换单位签名密钥", "replace an organisation's signing keys"))
def replace_signing_keys(cmd: ReplaceSigningKeys, *, actor: Actor, now: datetime) -> tuple[str, ...]:
    """New keys from now on; what the old ones signed before goes on verifying, what is dated later under them does not.
    The verifier key lines of the new ones. Errors: Forbidden, RightMissing, InputInvalid, NotFound."""
    from shugu.party.organisations import need_right

    need_right(actor, cmd.org, "admin")
    reason = cmd.reason.strip()
    if not 2 <= len(reason) <= 200:
        raise InputInvalid(fields="reason", field_errors={"reason": ("请写明原因（2–200 字）", "say why in 2–200 characters")})
    org = Organisation.objects.select_for_update().filter(pk=cmd.org).first()
    if org is None:
        raise NotFound(what=("单位", "organisation"))
    for row in OrgKey.objects.filter(org=org, purpose=SIGN, retired_at__isnull=True).order_by("suite"):
        row.retired_at = now
        row.save(update_fields=["retired_at"])
        journal.record(
            "org_key.retired", subject=f"party.org:{org.pk}", actor=actor, now=now,
            data={"purpose": row.purpose, "vkey": row.vkey, "reason": reason},
        )  # fmt: skip
    make_signing_keys(org, actor=actor, now=now)
    fresh = OrgKey.objects.filter(org=org, purpose=SIGN, retired_at__isnull=True).order_by("suite")
    return tuple(fresh.values_list("vkey", flat=True))


def _tell(row: OrgKey, actor: Actor, now: datetime) -> None:
    data: dict[str, Any] = {"purpose": row.purpose, "vkey": row.vkey}
    if row.connector_id:
        data["connector"] = row.connector_id
    journal.record("org_key.registered", subject=f"party.org:{row.org_id}", actor=actor, now=now, data=data)


def sign(org_id: int, digest_hex: str, *, actor: Actor, now: datetime) -> dict[str, Any]:
    """The organisation's electronic signature over a document's SHA-256: {org, vkey, signature, signed_at}, and
    {sm2_vkey, sm2_signature} beside them under suite `sm`. The signed bytes are domain.statement(venue, organisation
    number, digest, signed_at). The caller writes the fact. Errors: Forbidden, RightMissing, InputInvalid, NotFound."""
    from shugu.party.organisations import need_right

    if not is_digest(digest_hex):
        raise InputInvalid(fields="digest", field_errors={"digest": ("应为 64 位十六进制", "64 hex digits")})
    need_right(actor, org_id, "sign")
    org = Organisation.objects.filter(pk=org_id).first()
    if org is None:
        raise NotFound(what=("单位", "organisation"))
    signed_at = write_time(now)
    message = statement(runtime.venue_id(), org.number, digest_hex, signed_at)
    out: dict[str, Any] = {"org": org.number, "signed_at": signed_at}
    for row in OrgKey.objects.filter(org=org, purpose=SIGN, retired_at__isnull=True).order_by("suite"):
        assert row.sealed is not None
        key = SigningKey(parse_vkey(row.vkey).name, suite(row.suite), unseal(_PURPOSE, bytes(row.sealed)))
        prefix = "sm2_" if row.suite == "sm" else ""
        out[f"{prefix}vkey"] = row.vkey
        out[f"{prefix}signature"] = b64(key.sign(message))
    return out


@command("party.register_connector_key", ("登记连接器密钥", "register a connector's key"))
def register_connector_key(cmd: RegisterConnectorKey, *, actor: Actor, now: datetime) -> OrgKey:
    """A new key of the same connector and suite retires the older one; another organisation's connector is refused.
    Errors: InputInvalid, Forbidden, RightMissing, NotFound."""
    from shugu.party.organisations import need_right

    need_right(actor, cmd.org, "admin")
    errors: dict[str, tuple[str, str]] = {}
    plain = set("abcdefghijklmnopqrstuvwxyz0123456789._-")
    if not 3 <= len(cmd.connector_id) <= 80 or not set(cmd.connector_id) <= plain:
        errors["connector_id"] = ("3–80 位小写字母、数字或 . _ -", "3–80 of a–z, 0–9, . _ -")
    try:
        key = parse_vkey(cmd.vkey)
    except FormatError as bad:
        errors["vkey"] = (bad.message("zh"), bad.message("en"))
    held = OrgKey.objects.filter(purpose=CONNECTOR, connector_id=cmd.connector_id, retired_at__isnull=True)
    if held.exclude(org_id=cmd.org).exists():
        errors["connector_id"] = ("已由其他单位登记", "registered by another organisation")
    live = held.filter(suite=key.suite.name).first() if "vkey" not in errors else None
    if (live is None or live.vkey != cmd.vkey) and OrgKey.objects.filter(vkey=cmd.vkey).exists():
        errors["vkey"] = ("该密钥已登记过", "this key was registered before")
    if errors:
        raise InputInvalid(fields="、".join(sorted(errors)), field_errors=errors)
    if live is not None and live.vkey == cmd.vkey:
        return live
    if live is not None:
        live.retired_at = now
        live.save(update_fields=["retired_at"])
    row = OrgKey.objects.create(
        org_id=cmd.org, purpose=CONNECTOR, suite=key.suite.name, vkey=cmd.vkey, connector_id=cmd.connector_id,
        registered_at=now,
    )  # fmt: skip
    _tell(row, actor, now)
    return row
