"""Documents by content: bytes are stored once under their SHA-256, never changed; materials point at them."""

from __future__ import annotations

import hashlib
import os
import tempfile
from datetime import datetime
from pathlib import Path

from django.db import transaction

from shugu.kernel import journal, runtime
from shugu.kernel.cases import Actor
from shugu.kernel.errors import InputInvalid, NotFound
from shugu.kernel.models import Case, Material

# The first bytes a file of this type must have: a file that is not what it claims is refused.
_SIGNATURES: dict[str, tuple[bytes, ...]] = {
    "application/pdf": (b"%PDF-",),
    "image/png": (b"\x89PNG\r\n\x1a\n",),
    "image/jpeg": (b"\xff\xd8\xff",),
    "application/zip": (b"PK\x03\x04", b"PK\x05\x06"),
    "application/vnd.openxmlformats-officedocument.wordprocessingml.document": (b"PK\x03\x04",),
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": (b"PK\x03\x04",),
    "application/vnd.apache.parquet": (b"PAR1",),
}
_TEXT = ("text/csv", "text/plain", "application/json")


def put(content: bytes) -> str:
    """Store bytes durably; their SHA-256 in hex. Storing the same bytes again changes nothing."""
    digest = hashlib.sha256(content).hexdigest()
    target = path_of(digest)
    if target.exists():
        return digest
    target.parent.mkdir(parents=True, exist_ok=True)
    descriptor, temporary = tempfile.mkstemp(dir=target.parent)
    with os.fdopen(descriptor, "wb") as handle:
        handle.write(content)
        handle.flush()
        os.fsync(handle.fileno())
    os.replace(temporary, target)
    directory = os.open(target.parent, os.O_RDONLY)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)
    return digest


def get(digest: str) -> bytes:
    """Errors: NotFound; AssertionError when the stored bytes no longer have their digest (disk damage)."""
    path = path_of(digest)
    if not path.exists():
        raise NotFound(what=("文件", "document"))
    content = path.read_bytes()
    assert hashlib.sha256(content).hexdigest() == digest, f"document {digest} is damaged on disk"
    return content


def path_of(digest: str) -> Path:
    """Where bytes of this digest are, or would be. Errors: NotFound for what is no digest."""
    if len(digest) != 64 or not set(digest) <= set("0123456789abcdef"):
        raise NotFound(what=("文件", "document"))
    return runtime.home().path / "documents" / digest[:2] / digest


def check_upload(filename: str, media_type: str, content: bytes) -> None:
    """Errors: InputInvalid for an empty or too large file, a type the venue does not take, or bytes of another type."""
    limit = runtime.rules().value("web.upload_max_bytes").number
    accepted = runtime.rules().value("web.upload_media_types").codes
    problem: tuple[str, str] | None = None
    if not content:
        problem = ("文件是空的", "the file is empty")
    elif len(content) > limit:
        problem = (f"文件超过 {limit} 字节", f"the file exceeds {limit} bytes")
    elif media_type not in accepted:
        problem = (f"不接受 {media_type} 类型", f"type {media_type} is not taken")
    elif not is_what_it_claims(media_type, content):
        problem = (
            f"文件内容不是它所称的类型（{media_type}）",
            f"the content is not of the type it claims ({media_type})",
        )
    if problem is not None:
        raise InputInvalid(fields=filename, field_errors={"file": problem})


def is_what_it_claims(media_type: str, content: bytes) -> bool:
    if media_type in _SIGNATURES:
        return content.startswith(_SIGNATURES[media_type])
    if media_type in _TEXT:
        try:
            return "\x00" not in content.decode("utf-8")
        except UnicodeDecodeError:
            return False
    return True


@transaction.atomic
def file_material(
    case: int, material: str, *, filename: str, media_type: str, content: bytes, actor: Actor, now: datetime, signers: int = 1
) -> Material:
    """File a document in a case; an earlier one under the same name is superseded. Writes `material.filed`.
    Who may do so is the calling command's to check. Errors: InputInvalid (check_upload)."""
    check_upload(filename, media_type, content)
    digest = put(content)
    row = Case.objects.only("id", "number", "subject").get(pk=case)
    Material.objects.filter(case_id=case, material=material, superseded=False).update(superseded=True)
    filed = Material.objects.create(
        case=row, material=material, filename=filename[-200:], media_type=media_type, size=len(content), digest=digest,
        signers=signers, person=actor.person, org=actor.org, filed_at=now,
    )  # fmt: skip
    journal.record(
        "material.filed", subject=f"{row.subject}:{case}", actor=actor, now=now, case=case,
        data={"case": row.number, "material": material, "signers": signers}, digests={material: digest},
    )  # fmt: skip
    return filed
