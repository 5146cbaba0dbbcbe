"""The verifier as one page for a browser: own style, own script, the words of the command line; no server, no network.

`html` is the whole file: it works from a disk, from a venue's /verify/offline/ and from anywhere it is copied to. Its
policy (also in the file) lets nothing run but the one script by its hash, and lets nothing be fetched at all.
"""

from __future__ import annotations

import base64
import hashlib
import json
from functools import cache
from pathlib import Path
from typing import Final

from shugu.formats.words import table

_HERE: Final = Path(__file__).with_name("page")
# In the order in which each needs the one before.
SCRIPTS: Final = ("bytes.js", "sm2.js", "verify.js", "history.js", "status.js", "policy.js", "desk.js")
_MARK: Final = (
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 28 28"><rect width="28" height="28" rx="6" fill="#0b6b63"/>'
    '<g fill="#fff"><rect x="5" y="6" width="2.8" height="16" rx="1"/><rect x="8.8" y="11" width="2.8" height="11" rx="1"/>'
    '<rect x="12.6" y="16" width="2.8" height="6" rx="1"/><rect x="16.4" y="11" width="2.8" height="11" rx="1"/>'
    '<rect x="20.2" y="6" width="2.8" height="16" rx="1"/></g></svg>'
)


def _read(name: str) -> str:
    return (_HERE / name).read_text("utf-8")


def _hash(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


@cache
def script() -> str:
    """The page's one script."""
    return "\n".join(_read(name) for name in SCRIPTS)


@cache
def policy() -> str:
    """What the page may do: run its script, use its style, show its mark. As a header add `frame-ancestors 'none'`."""
    return (
        f"default-src 'none'; script-src {_hash(script())}; style-src {_hash(_read('page.css'))}; img-src data:; "
        "base-uri 'none'; form-action 'none'"
    )


@cache
def html() -> str:
    """The whole page."""
    # `<` could end the element that holds the words.
    words = json.dumps(table(), ensure_ascii=False, separators=(",", ":")).replace("<", "\\u003c")
    parts = {
        "policy": policy(),
        "mark": base64.b64encode(_MARK.encode()).decode(),
        "style": _read("page.css"),
        "words": words,
        "script": script(),
    }
    out = _read("page.html")
    for name, value in parts.items():
        out = out.replace("{{" + name + "}}", value)
    return out
