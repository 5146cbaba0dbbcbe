"""C2SP signed notes: text, a blank line, one line per signature."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from shugu.formats.canonical import b64, unb64
from shugu.formats.errors import BadBase64, BadKey, BadNote, BadSignature, UnknownSigner
from shugu.formats.suites import Keyring, Signer, VerifyKey, check_name

MAX_SIGNATURES: Final = 64
_DASH: Final = "— "


@dataclass(frozen=True)
class Signature:
    """One signature line: the signer's key name, its 4-byte key id, the signature bytes."""

    name: str
    id_bytes: bytes
    signature: bytes

    def line(self) -> str:
        return f"{_DASH}{self.name} {b64(self.id_bytes + self.signature)}\n"


@dataclass(frozen=True)
class Note:
    """`text` ends in a newline; `signatures` in file order. Nothing is verified yet."""

    text: str
    signatures: tuple[Signature, ...]

    def encode(self) -> bytes:
        return (self.text + "\n" + "".join(s.line() for s in self.signatures)).encode()


@dataclass(frozen=True)
class Opened:
    """A note with at least one valid signature of a known key, and none that failed."""

    text: str
    verified: tuple[VerifyKey, ...]
    unknown: tuple[Signature, ...]


def _check_text(text: str) -> None:
    if not text.endswith("\n") or len(text) < 2:
        raise BadNote(reason=("正文应以换行结尾", "the text must end in a newline"))
    if any(ord(c) < 0x20 and c != "\n" for c in text):
        raise BadNote(reason=("正文含控制字符", "the text has a control character"))


def parse_line(line: str) -> Signature:
    """One signature line without its newline. Raises BadNote."""
    name, space, blob = line.removeprefix(_DASH).partition(" ")
    if not line.startswith(_DASH) or not space:
        raise BadNote(reason=("签名行写法有误", "malformed signature line"))
    try:
        data = unb64(blob)
        check_name(name)
    except (BadBase64, BadKey) as error:
        raise BadNote(reason=("签名行写法有误", "malformed signature line")) from error
    if len(data) < 5:
        raise BadNote(reason=("签名过短", "the signature is too short"))
    return Signature(name, data[:4], data[4:])


def parse_note(data: bytes) -> Note:
    """Raises BadNote. The signatures follow the last blank line."""
    try:
        whole = data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise BadNote(reason=("不是 UTF-8", "not UTF-8")) from error
    at = whole.rfind("\n\n")
    if at < 0 or not whole.endswith("\n") or at + 2 == len(whole):
        raise BadNote(reason=("没有签名行", "there is no signature line"))
    text = whole[: at + 1]
    _check_text(text)
    lines = whole[at + 2 : -1].split("\n")
    if len(lines) > MAX_SIGNATURES:
        raise BadNote(reason=("签名过多", "too many signatures"))
    return Note(text, tuple(parse_line(line) for line in lines))


def sign_note(text: str, keys: Sequence[Signer]) -> bytes:
    """A note signed by each key in turn. Raises BadNote."""
    _check_text(text)
    if not keys:
        raise BadNote(reason=("没有签名密钥", "no key to sign with"))
    lines = [Signature(k.name, k.verify_key.id_bytes, k.sign(text.encode())) for k in keys]
    return Note(text, tuple(lines)).encode()


def add_signatures(data: bytes, more: Sequence[Signature]) -> bytes:
    """The same note with signature lines appended (a witness's, for instance)."""
    note = parse_note(data)
    return Note(note.text, note.signatures + tuple(more)).encode()


def open_note(data: bytes, keys: Keyring) -> Opened:
    """Raises BadNote, BadSignature if a known key fails, UnknownSigner if no known key signed."""
    note = parse_note(data)
    verified: list[VerifyKey] = []
    unknown: list[Signature] = []
    for signature in note.signatures:
        key = keys.find(signature.name, signature.id_bytes)
        if key is None:
            unknown.append(signature)
        elif key.holds(note.text.encode(), signature.signature):
            verified.append(key)
        else:
            raise BadSignature(name=signature.name)
    if not verified:
        raise UnknownSigner(name=", ".join(s.name for s in note.signatures))
    return Opened(note.text, tuple(verified), tuple(unknown))
