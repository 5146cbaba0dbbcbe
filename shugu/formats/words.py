"""What every check compares, what it proves and what it does not, for those who have to rely on it (words.toml).

Texts are (zh, en) pairs. A check or verdict without its words in both languages is refused when they are first read.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from shugu.formats.checks import TITLES, CheckId
from shugu.formats.errors import Pair
from shugu.formats.verdicts import EXIT, VERDICTS, Verdict


@dataclass(frozen=True)
class CheckWords:
    """`against`: what is compared with what. `proves` and `limits`: what follows when it holds, and what does not."""

    against: Pair
    proves: Pair
    limits: Pair


@dataclass(frozen=True)
class Words:
    """`not_asked` is said with a good verdict of what nobody gave; `keys` introduces the list of pinned keys; `packages`
    concludes about an evidence package; `remarks` have gaps `{name}` and `{key}`."""

    checks: Mapping[CheckId, CheckWords]
    conclusions: Mapping[Verdict, Pair]
    not_asked: Mapping[CheckId, Pair]
    keys: Pair
    packages: Mapping[Verdict, Pair]
    remarks: Mapping[str, Pair]


def _pair(value: Any) -> Pair:
    return (str(value["zh"]), str(value["en"]))


@cache
def words() -> Words:
    """The whole table. Raises KeyError for a text that is missing."""
    read = tomllib.loads(Path(__file__).with_name("words.toml").read_text("utf-8"))
    checks = {
        check: CheckWords(*(_pair(read["check"][check.value][member]) for member in ("against", "proves", "limits")))
        for check in CheckId
    }
    conclusions = {verdict: _pair(read["verdict"][verdict.value]) for verdict in Verdict}
    not_asked = {CheckId(name): _pair(value) for name, value in read["not-asked"].items()}
    packages = {Verdict(name): _pair(value) for name, value in read["package"].items()}
    remarks = {str(name): _pair(value) for name, value in read["remark"].items()}
    return Words(checks, conclusions, not_asked, _pair(read["keys"]), packages, remarks)


def table() -> dict[str, object]:
    """Everything as JSON values, for the page in the browser."""
    found = words()
    checks = [
        {
            "n": check.number,
            "id": check.value,
            "title": TITLES[check],
            "against": found.checks[check].against,
            "proves": found.checks[check].proves,
            "limits": found.checks[check].limits,
        }
        for check in CheckId
    ]
    verdicts = {
        v.value: {"exit": EXIT[v], "sentence": VERDICTS[v], "conclusion": found.conclusions[v]} for v in Verdict
    }
    not_asked = {check.value: pair for check, pair in found.not_asked.items() if check is not CheckId.PDF_REVOKED}
    return {"checks": checks, "verdicts": verdicts, "keys": found.keys, "not_asked": not_asked, "remarks": dict(found.remarks)}
