"""RFC 8785 canonical JSON, in the project's stricter profile, and the spellings beside it.

Values: null, booleans, strings, integers within ±(2^53-1), lists, objects with string keys.
Fractions are refused in both directions: money is integer fen and measures are decimal
strings, so nobody who re-implements the form needs ECMAScript number formatting.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
import re
from typing import Final, NoReturn

import rfc8785

from shugu.formats.errors import BadBase64, NotCanonical

MAX_DEPTH = 64
MAX_INTEGER = 2**53 - 1
# Code points and UTF-16 code units sort alike below the surrogates: there the standard library writes RFC 8785.
_PLAIN_KEY = "\ud800"
_plain_form = json.JSONEncoder(ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode


def _check(value: object, depth: int) -> bool:
    """Whether the standard encoder's form of `value` is the canonical one. Raises NotCanonical."""
    if depth > MAX_DEPTH:
        raise NotCanonical(reason=(f"嵌套超过 {MAX_DEPTH} 层", f"deeper than {MAX_DEPTH} levels"))
    kind = type(value)
    if kind is str or value is None or kind is bool:
        return True
    if kind is int:
        return -MAX_INTEGER <= value <= MAX_INTEGER  # type: ignore[operator]
    if isinstance(value, dict):
        plain = True
        for key, item in value.items():
            if not isinstance(key, str):
                raise NotCanonical(reason=("键不是字符串", "a key is not a string"))
            if not (key.isascii() or max(key, default="") < _PLAIN_KEY):
                plain = False
            if type(item) is not str and not _check(item, depth + 1):
                plain = False
        return plain
    if isinstance(value, (list, tuple)):
        every = [_check(item, depth + 1) for item in value]  # each is checked, whatever the first says
        return all(every)
    if isinstance(value, (str, int)):
        return False
    name = kind.__name__
    raise NotCanonical(reason=(f"不支持 {name} 类型", f"a {name} has no canonical form here"))


def canonical(value: object) -> bytes:
    """The one byte string of a value (RFC 8785). Raises NotCanonical."""
    plain = _check(value, 0)
    try:
        # Four times faster where it is the same; the library covers the rest and is compared in the tests.
        return _plain_form(value).encode() if plain else rfc8785.dumps(value)  # type: ignore[arg-type]
    except (rfc8785.CanonicalizationError, UnicodeEncodeError) as error:
        raise NotCanonical(reason=str(error)) from error


def _refuse_number(text: str) -> NoReturn:
    raise NotCanonical(reason=(f"数字 {text[:40]} 不是整数", f"the number {text[:40]} is not an integer"))


def _unique(pairs: list[tuple[str, object]]) -> dict[str, object]:
    out = dict(pairs)
    if len(out) != len(pairs):
        raise NotCanonical(reason=("键重复", "a key occurs twice"))
    return out


_NESTING: Final = re.compile(rb'[\[\]{}"\\]')


def _refuse_deep(data: bytes) -> None:
    """Much too deep is told before the text is read, however high the process's recursion limit stands; `_check` tells the
    last level exactly."""
    if data.count(b"[") + data.count(b"{") <= MAX_DEPTH:
        return
    depth, quoted, escaped_at = 0, False, -1
    for found in _NESTING.finditer(data):
        sign, at = found[0], found.start()
        if at == escaped_at:
            continue
        if sign == b"\\":
            escaped_at = at + 1
        elif sign == b'"':
            quoted = not quoted
        elif not quoted:
            depth += 1 if sign in b"[{" else -1
            if depth > MAX_DEPTH + 1:
                raise NotCanonical(reason=(f"嵌套超过 {MAX_DEPTH} 层", f"nested deeper than {MAX_DEPTH} levels"))


def parse(data: bytes) -> object:
    """The value of canonical bytes; any other spelling of it is refused. Raises NotCanonical."""
    if not data:
        raise NotCanonical(reason=("文件是空的", "the file is empty"))
    _refuse_deep(data)
    try:
        value: object = json.loads(
            data.decode("utf-8"),
            object_pairs_hook=_unique,
            parse_float=_refuse_number,
            parse_constant=_refuse_number,
        )
    except (ValueError, RecursionError) as error:
        raise NotCanonical(reason=("不是 UTF-8 编码的 JSON", "not JSON in UTF-8")) from error
    if canonical(value) != data:
        raise NotCanonical(reason=("字节与规范形式不同", "the bytes differ from the canonical form"))
    return value


def parse_object(data: bytes) -> dict[str, object]:
    """Like `parse`, for a document that must be an object."""
    value = parse(data)
    if not isinstance(value, dict):
        raise NotCanonical(reason=("不是 JSON 对象", "not a JSON object"))
    return value


def sha256(data: bytes) -> bytes:
    return hashlib.sha256(data).digest()


def sm3(data: bytes) -> bytes:
    """GB/T 32905 hash, 32 bytes."""
    return hashlib.new("sm3", data).digest()


def digest(value: object) -> bytes:
    """SHA-256 of the canonical form, 32 bytes."""
    return sha256(canonical(value))


def digest_hex(value: object) -> str:
    return digest(value).hex()


def b64(data: bytes) -> str:
    """Standard alphabet, padded (RFC 4648 section 4)."""
    return base64.b64encode(data).decode("ascii")


def unb64(text: str) -> bytes:
    """Inverse of `b64`; other spellings of the same bytes are refused. Raises BadBase64."""
    try:
        data = base64.b64decode(text.encode("ascii"), validate=True)
    except (binascii.Error, UnicodeEncodeError) as error:
        raise BadBase64() from error
    if b64(data) != text:
        raise BadBase64()
    return data


def b64url(data: bytes) -> str:
    """URL alphabet without padding (RFC 4648 section 5)."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode("ascii")


def unb64url(text: str) -> bytes:
    """Inverse of `b64url`, strict. Raises BadBase64."""
    if "=" in text:
        raise BadBase64()
    try:
        standard = text.encode("ascii").translate(bytes.maketrans(b"-_", b"+/"))
        data = base64.b64decode(standard + b"=" * (-len(text) % 4), validate=True)
    except (binascii.Error, UnicodeEncodeError) as error:
        raise BadBase64() from error
    if b64url(data) != text:
        raise BadBase64()
    return data


def from_hex(text: str, size: int) -> bytes:
    """Lower-case hexadecimal of exactly `size` bytes. Raises NotCanonical."""
    try:
        data = bytes.fromhex(text)
    except ValueError as error:
        raise NotCanonical(reason=("不是十六进制", "not hexadecimal")) from error
    if len(data) != size or data.hex() != text:
        raise NotCanonical(reason=("十六进制写法不唯一", "hexadecimal not in its single spelling"))
    return data
