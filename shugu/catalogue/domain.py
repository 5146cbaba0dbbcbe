"""What the catalogue decides without a database: search terms of a text, guards of the listing table."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping
from typing import Final

from shugu.kernel.cases import CaseView
from shugu.kernel.text import Text
from shugu.kernel.vocabulary import OK, No, Verdict, guard

LONGEST_TERM: Final = 64
MOST_TERMS: Final = 16_000  # positions of a tsvector end at 16383
# Han with its extensions and compatibility forms, kana, hangul: scripts written without spaces between words.
_CJK: Final = "\u3005\u3007\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af\uf900-\ufaff\U00020000-\U0003ffff"
_RUNS: Final = re.compile(rf"[{_CJK}]+|[^\W_{_CJK}]+")
_IS_CJK: Final = re.compile(rf"[{_CJK}]")
GATES: Final = "catalogue.circulation_gates"


def folded(text: str) -> str:
    """One spelling for one text: full-width letters as half-width, case folded; folding again changes nothing."""
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold()).casefold()


def runs(text: str) -> list[str]:
    """Maximal pieces of one kind: Chinese characters in a row, or a word of letters and digits."""
    return _RUNS.findall(folded(text))


def terms(text: str) -> list[str]:
    """The terms a text is found by, each once, in order: single characters and bigrams of a Chinese run, whole words."""
    found: dict[str, None] = {}
    for run in runs(text):
        if _IS_CJK.match(run):
            for place, character in enumerate(run):
                found.setdefault(character)
                if place:
                    found.setdefault(run[place - 1 : place + 1])
        else:
            found.setdefault(run[:LONGEST_TERM])
    return list(found)


def query_terms(text: str) -> list[str]:
    """What a text asked for must hold: all bigrams of a Chinese run (a lone character itself), every word as a beginning.

    A word comes with a trailing `*`: `fli` finds `flights`.
    """
    found: dict[str, None] = {}
    for run in runs(text):
        if not _IS_CJK.match(run):
            found.setdefault(run[:LONGEST_TERM] + "*")
        elif len(run) == 1:
            found.setdefault(run)
        else:
            for place in range(len(run) - 1):
                found.setdefault(run[place : place + 2])
    return list(found)


def ts_vector(weighted: Iterable[tuple[str, str]]) -> str:
    """A PostgreSQL tsvector literal of (text, weight A to D) pairs; a term keeps its first, heaviest weight."""
    placed: dict[str, str] = {}
    for text, weight in weighted:
        for term in terms(text):
            placed.setdefault(term, weight)
    chosen = list(placed.items())[:MOST_TERMS]
    return " ".join(f"{_quoted(term)}:{place}{weight}" for place, (term, weight) in enumerate(chosen, 1))


def ts_query(text: str) -> str:
    """A tsquery literal that asks for every term of the text; empty when there is none."""
    return " & ".join(_quoted(t[:-1]) + ":*" if t.endswith("*") else _quoted(t) for t in query_terms(text))


def _quoted(term: str) -> str:
    return "'" + term.replace("\\", "\\\\").replace("'", "''") + "'"


@guard("catalogue.provider_accredited")
def provider_accredited(view: CaseView) -> Verdict:
    if view.facts.get("accredited"):
        return OK
    return No(Text("提供方没有现行有效的入驻资格", "the provider holds no accreditation in force"))


@guard("catalogue.entry_tradable")
def entry_tradable(view: CaseView) -> Verdict:
    """Every reason of the register why the entry may not be traded today."""
    reasons = view.facts.get("entry_reasons", ())
    if not reasons:
        return OK
    zh, en = "、".join(r[0] for r in reasons), ", ".join(r[1] for r in reasons)
    return No(Text(f"登记状态不允许交易：{zh}", f"the entry may not be traded: {en}"), str(reasons[0][2]))


@guard("catalogue.quality_valid")
def quality_valid(view: CaseView) -> Verdict:
    """There is a quality report in force, on exactly the data offered."""
    if view.facts.get("quality"):
        return OK
    zh, en = "没有针对本版数据且在有效期内的质量评价报告", "there is no quality report in force on exactly this data"
    return No(Text(zh, en))


@guard("catalogue.compliance_valid")
def compliance_valid(view: CaseView) -> Verdict:
    passed = view.facts.get("compliance")
    if passed:
        return OK
    if passed is None:
        return No(Text("没有在有效期内的合规评估报告", "there is no compliance report in force"))
    return No(Text("合规评估结论不支持挂牌", "the compliance report does not support a listing"))


@guard("catalogue.gates_declared")
def gates_declared(view: CaseView) -> Verdict:
    """The provider declares each gate of trusted circulation."""
    rule = view.rules.value(GATES)
    given = set(view.facts.get("gates", ()))
    missing = [row for row in rule.rows if row["code"] not in given]
    if not missing:
        return OK
    zh = "、".join(str(row["zh"]) for row in missing)
    en = ", ".join(str(row["en"]) for row in missing)
    return No(Text(f"尚未声明：{zh}", f"not yet declared: {en}"), rule.article)


@guard("catalogue.listed_nowhere_else")
def listed_nowhere_else(view: CaseView) -> Verdict:
    """One object, one listing: data that another venue lists is shown here from there."""
    found = str(view.facts.get("elsewhere", ""))
    if not found:
        return OK
    return No(Text(f"同一数据已在其他场所挂牌（{found}）", f"this data is listed at another venue already: {found}"))


@guard("catalogue.not_prohibited")
def not_prohibited(view: CaseView) -> Verdict:
    """Data refused on a prohibition before is not submitted again."""
    code = view.facts.get("prohibition")
    if not code:
        return OK
    row: Mapping[str, object] = next((r for r in view.rules.value("catalogue.prohibitions").rows if r["code"] == code), {})
    zh, en = str(row.get("zh", code)), str(row.get("en", code))
    return No(Text(f"该数据曾因“{zh}”不予挂牌", f"this data was refused: {en}"))


@guard("catalogue.correction_left")
def correction_left(view: CaseView) -> Verdict:
    allowed = int(view.rules.value("catalogue.listing_correction_rounds").number)
    if int(view.facts.get("corrections", 0)) < allowed:
        return OK
    return No(Text(f"退回补正以 {allowed} 次为限，应作出决定", f"a listing is returned {allowed} time(s) only; decide now"))
