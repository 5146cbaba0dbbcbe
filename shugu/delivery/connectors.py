"""Connectors and what they hold: registering one, looking after it, binding a product version to one of its files."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from shugu.catalogue import queries as catalogue
from shugu.delivery import wire
from shugu.delivery.models import Binding, Connector
from shugu.formats import delivery as papers
from shugu.formats.credential import split_proofs
from shugu.formats.errors import FormatError, ShuguError
from shugu.formats.suites import Keyring, parse_vkey
from shugu.kernel import journal, runtime
from shugu.kernel.cases import Actor, ActorKind
from shugu.kernel.commands import command
from shugu.kernel.errors import Forbidden, InputInvalid, NotFound
from shugu.kernel.queries import name_fact
from shugu.party import services as party

name_fact("connector.registered", "登记连接器", "connector registered")
name_fact("connector.changed", "变更连接器地址或密钥", "connector's address or key changed")
name_fact("product_file.bound", "产品绑定数据文件", "product bound to its data file")
_HEX = frozenset("0123456789abcdef")


@dataclass(frozen=True)
class RegisterConnector:
    """`url`: where the venue and buyers reach it; `vkey`: the key lines that `connector init` printed, one a line: every
    key the connector signs with; under suite `sm` an Ed25519 and an SM2 one."""

    org: int
    connector_id: str
    url: str
    vkey: str


@dataclass(frozen=True)
class BindProduct:
    """`product`: number; `file`, `sha256`, `size` as `connector add-product` printed them; `label`: the product number
    under which the connector holds the file ("" = `product`). `version_id` 0 = the newest version."""

    product: str
    connector_id: str
    file: str
    sha256: str
    size: int
    label: str = ""
    version_id: int = 0


@command("delivery.register_connector", ("登记连接器", "register a connector"))
def register_connector(cmd: RegisterConnector, *, actor: Actor, now: datetime) -> Connector:
    """The connector must answer at its address under this id with this key. Registering it again changes address or
    key. By a member with right `admin`, or by the operator with an id already pinned by its owner.
    Errors: Forbidden, RightMissing, InputInvalid, AddressRefused, ConnectorUnreachable, ConnectorMismatch."""
    _may_register(cmd, actor)
    url = wire.check_address(cmd.url.strip())
    vkeys = _key_lines(cmd.vkey)
    left_out = [k for k in wire.check_identity(url, cmd.connector_id, vkeys)["keys"] if k not in vkeys]
    if left_out:
        raise _bad_keys("连接器还以这些公钥签名，请一并登记：" + " ".join(map(str, left_out)),
                        "the connector signs with these keys too, pin them as well: " + " ".join(map(str, left_out)))  # fmt: skip
    if "operator" not in actor.seats:
        for vkey in vkeys:
            party.register_connector_key(party.RegisterConnectorKey(cmd.org, cmd.connector_id, vkey), actor=actor, now=now)
    row = Connector.objects.select_for_update().filter(connector_id=cmd.connector_id).first()
    if row is not None and row.org_id != cmd.org:
        raise InputInvalid(
            fields="connector_id", field_errors={"connector_id": ("已由其他单位登记", "registered by another organisation")}
        )
    name = "connector.registered" if row is None else "connector.changed"
    row = row or Connector(connector_id=cmd.connector_id, org_id=cmd.org, registered_at=now)
    if row.pk is not None and (row.url, row.vkeys) == (url, vkeys):
        return row
    row.url, row.vkeys, row.checked_at, row.problem = url, vkeys, now, None
    row.save()
    journal.record(
        name, subject=f"delivery.connector:{row.pk}", actor=actor, now=now,
        data={"connector": row.connector_id, "org": row.org_id, "url": url, "vkeys": vkeys},
    )  # fmt: skip
    return row


def _may_register(cmd: RegisterConnector, actor: Actor) -> None:
    from shugu.party.queries import connector_pinned

    if actor.kind is not ActorKind.PERSON:
        raise Forbidden()
    if "operator" in actor.seats:
        org, vkeys = connector_pinned(cmd.connector_id)
        if (org, list(vkeys)) != (cmd.org, _key_lines(cmd.vkey)):
            raise Forbidden()
        return
    if actor.org != cmd.org:
        raise Forbidden()
    party.need_right(actor, cmd.org, "admin")


def _key_lines(text: str) -> list[str]:
    """The key lines given, Ed25519 first. Errors: InputInvalid for none, for two of one suite, and for a missing one under
    suite `sm`."""
    try:
        keys = [parse_vkey(line.strip()) for line in text.splitlines() if line.strip()]
    except FormatError as error:
        raise _bad_keys(error.message("zh"), error.message("en")) from error
    suites = sorted(key.suite.name for key in keys)
    if not keys or len(set(suites)) != len(suites):
        raise _bad_keys("每种算法填写一行公钥", "give one key line an algorithm")
    if runtime.suite() == "sm" and suites != ["intl", "sm"]:
        raise _bad_keys("本场所须同时登记 Ed25519 与 SM2 公钥，各一行", "this venue pins an Ed25519 and an SM2 key, a line each")
    return [key.vkey() for key in sorted(keys, key=lambda k: k.suite.name)]


def _bad_keys(zh: str, en: str) -> InputInvalid:
    return InputInvalid(fields="vkey", field_errors={"vkey": (zh, en)})


def signed_by(row: Connector, document: Mapping[str, Any], kind: papers.Kind) -> dict[str, Any]:
    """The subject of a document that every pinned key of the connector signed, and no other. Errors: BadDocument."""
    _, told = papers.opened(dict(document), kind, Keyring(tuple(parse_vkey(vkey) for vkey in row.vkeys)))
    if len({str(p["verificationMethod"]) for p in split_proofs(dict(document))[1]}) < len(row.vkeys):
        raise papers.BadDocument(detail=("缺少登记公钥之一的签名", "the signature of one of the pinned keys is missing"))
    return dict(told)


def own_connector(connector_id: str, actor: Actor) -> Connector:
    """Errors: NotFound, also for another organisation's."""
    row = Connector.objects.filter(connector_id=connector_id).first()
    if row is None or not ("operator" in actor.seats or (actor.org is not None and actor.org == row.org_id)):
        raise NotFound(what=(f"连接器 {connector_id}", f"connector {connector_id}"))
    return row


def check_connector(connector_id: str, *, actor: Actor, now: datetime) -> Connector:
    """Ask the connector who it is and note how that went: an observation, no fact. Errors: NotFound."""
    row = own_connector(connector_id, actor)
    try:
        wire.check_identity(row.url, row.connector_id, row.vkeys)
    except ShuguError as error:
        note_contact(row, now, error)
    else:
        note_contact(row, now, None)
    return row


def note_contact(row: Connector, now: datetime, error: ShuguError | None) -> None:
    row.checked_at, row.problem = now, problem_of(error)
    row.save(update_fields=["checked_at", "problem"])


def problem_of(error: ShuguError | None) -> dict[str, str] | None:
    """A failure as rows keep it for pages: code and sentence in both languages."""
    if error is None:
        return None
    return {"code": error.code, "zh": error.message("zh"), "en": error.message("en")}


@command("delivery.bind_product", ("绑定产品与数据文件", "bind a product to its data file"))
def bind_product(cmd: BindProduct, *, actor: Actor, now: datetime) -> Binding:
    """Say which file on which connector is the data of a product version; an earlier binding is retired. The connector
    itself compares digest and size when it takes a grant. Deliveries that waited for it are opened.
    Errors: NotFound, RightMissing, InputInvalid (sha256 must be the version's data digest)."""
    from shugu.delivery.granting import open_waiting

    connector = own_connector(cmd.connector_id, actor)
    found = catalogue.product(cmd.product, actor)
    if found.provider_org != connector.org_id:
        raise NotFound(what=(f"产品 {cmd.product}", f"product {cmd.product}"))
    party.need_right(actor, connector.org_id, "act")
    version = next((v for v in found.versions if v.id == (cmd.version_id or found.versions[0].id)), None)
    if version is None:
        raise NotFound(what=("产品版本", "product version"))
    faults = _binding_faults(cmd, version.data_digest, version.connector_id)
    if faults:
        raise InputInvalid(fields="、".join(sorted(faults)), field_errors=faults)
    label = cmd.label.strip() or found.number
    live = Binding.objects.select_for_update().filter(version_id=version.id, retired_at__isnull=True).first()
    if live is not None:
        same = (live.connector_id, live.label, live.file, live.size)
        if same == (connector.pk, label, cmd.file, cmd.size):
            return live
        live.retired_at = now
        live.save(update_fields=["retired_at"])
    row = Binding.objects.create(
        version_id=version.id, connector=connector, label=label, file=cmd.file, sha256=cmd.sha256, size=cmd.size,
        bound_at=now,
    )  # fmt: skip
    journal.record(
        "product_file.bound", subject=f"catalogue.product:{found.id}", actor=actor, now=now,
        data={"product": found.number, "version": version.number, "connector": connector.connector_id, "size": cmd.size},
        digests={"data": cmd.sha256},
    )  # fmt: skip
    open_waiting(version.id, actor=actor, now=now)
    return row


def _binding_faults(cmd: BindProduct, data_digest: str, connector_id: str) -> dict[str, tuple[str, str]]:
    faults: dict[str, tuple[str, str]] = {}
    if not cmd.file or len(cmd.file) > 200 or "/" in cmd.file:
        faults["file"] = ("填写连接器上的文件名，不含路径", "the file's name on the connector, without a path")
    if len(cmd.sha256) != 64 or set(cmd.sha256) - _HEX:
        faults["sha256"] = ("应为 64 位小写十六进制", "64 lower-case hexadecimal digits")
    elif cmd.sha256 != data_digest:
        faults["sha256"] = ("与产品版本登记的数据摘要不同", "it is not the data digest of the product version")
    if type(cmd.size) is not int or not 0 < cmd.size < 2**53:
        faults["size"] = ("应为正整数（字节）", "a positive whole number of bytes")
    if connector_id and connector_id != cmd.connector_id:
        faults["connector_id"] = (f"产品版本指定了连接器 {connector_id}", f"the version names connector {connector_id}")
    return faults
