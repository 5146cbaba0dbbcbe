"""Reports as text and as JSON: the numbered checks with their grounds, the conclusion, what it rests on.

The members of the JSON are described in docs/verify.md; members are added, never renamed.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, Literal

from shugu import __version__
from shugu.formats.canonical import digest_hex
from shugu.formats.checks import Check, CheckId, Outcome
from shugu.formats.errors import Pair, ShuguError
from shugu.formats.package import PackageReport
from shugu.formats.suites import Keyring
from shugu.formats.times import write_time
from shugu.formats.verdicts import EXIT, USAGE, VERDICTS, Verdict, worst
from shugu.formats.verify import MARKS, Report
from shugu.formats.words import words
from shugu.verifier.remarks import demonstration, remarks
from shugu.verifier.targets import KINDS, Examined

Say = Literal["zh", "en", "both"]
SCHEMA: Final = "https://shugu.dev/ns/verify-report/v1"
_LABELS: Final[dict[str, Pair]] = {
    "against": ("对照", "Against"),
    "found": ("结果", "Found"),
    "proves": ("可证", "Proves"),
    "limits": ("不证", "Does not prove"),
    "conclusion": ("结论", "Conclusion"),
    "at": ("验证时刻", "Verified as of"),
    "issuer": ("签发方", "Issuer"),
    "number": ("编号", "Number"),
    "digest": ("凭证摘要 SHA-256", "Credential digest, SHA-256"),
    "offline": ("离线结论", "Offline verdict"),
    "asked": ("询问", "Asked"),
    "remark": ("注意", "Note"),
    "unread": ("{n} 份文件未能验证", "{n} could not be verified"),
    "nothing": ("没有可验证的文件", "There is nothing to verify"),
}
_OUTCOMES: Final[dict[Outcome, Pair]] = {
    Outcome.OK: ("通过", "holds"),
    Outcome.FAILED: ("未通过", "failed"),
    Outcome.SKIPPED: ("未检查", "not checked"),
}


def sides(say: Say) -> tuple[int, ...]:
    return {"zh": (0,), "en": (1,), "both": (0, 1)}[say]


def _lines(pair: Pair, say: Say, label: str = "", indent: int = 0) -> list[str]:
    """A pair on one line a language, behind its label; nothing when it is empty."""
    out = []
    for side in sides(say):
        if pair[side]:
            named = f"{_LABELS[label][side]}{('：', ': ')[side]}" if label else ""
            out.append(" " * indent + named + pair[side])
    return list(dict.fromkeys(out))


def _joined(pair: Pair, say: Say) -> str:
    return " / ".join(dict.fromkeys(pair[side] for side in sides(say)))


def head(examined: Examined, say: Say) -> str:
    """The one line of a document in a list."""
    told = _joined(KINDS[examined.kind], say)
    verdict = examined.verdict
    if verdict is None:
        return f"– {examined.path}  {told}  {_joined(examined.why, say)}"
    mark = "✓" if EXIT[verdict] == 0 else "✗" if verdict is Verdict.FAILED else "!"
    return f"{mark} {examined.path}  {told}  → {_joined(VERDICTS[verdict], say)}"


def _check_lines(check: Check, say: Say, short: bool) -> list[str]:
    lines = [f"{check.n:2d} {MARKS[check.outcome]} {_joined(check.title, say)}"]
    if short:
        detail = _joined(check.detail, say)
        return [lines[0] + (f"  {detail}" if detail else "")]
    said = words().checks[check.id]
    found = tuple(
        outcome + (f"（{detail}）" if side == 0 else f" ({detail})") if detail else outcome
        for side, (outcome, detail) in enumerate(zip(_OUTCOMES[check.outcome], check.detail, strict=True))
    )
    lines += _lines(said.against, say, "against", 5) + _lines((found[0], found[1]), say, "found", 5)
    if check.outcome is Outcome.OK:
        lines += _lines(said.proves, say, "proves", 5) + _lines(said.limits, say, "limits", 5)
    return lines


def about(report: Report) -> dict[str, str]:
    """Issuer, number and digest of the credential, as far as it could be read."""
    credential = report.credential
    if credential is None or report.outcomes.get(CheckId.CREDENTIAL_FORM) is not Outcome.OK:
        return {}
    subject = credential["credentialSubject"]
    number = subject.get("number") if isinstance(subject, dict) else None
    named = number if isinstance(number, str) else credential.get("id")
    out = {"issuer": str(credential["issuer"]), "number": named, "digest": digest_hex(credential)}
    return {k: v for k, v in out.items() if isinstance(v, str)}


def caveats(report: Report) -> list[Pair]:
    """What nobody asked for, said with a good verdict so that it is not read for more than it is."""
    if report.verdict not in (Verdict.SEALED, Verdict.LOGGED, Verdict.SIGNED):
        return []
    asked = {check.id for check in report.checks if check.outcome is not Outcome.SKIPPED}
    said = words().not_asked
    paper = CheckId.PDF_NUMBER in asked
    left = [c for c in said if c not in asked and (paper or c is not CheckId.PDF_REVOKED)]
    return [said[c] for c in left if report.whole is not Verdict.LOGGED or c is CheckId.COSIGNATURES]


def text(examined: Examined, keys: Keyring, say: Say, *, short: bool = False) -> str:
    """One document in full: what it is, every check, the conclusion, the keys it rests on."""
    if examined.package is not None:
        return "\n".join(_package_lines(examined, examined.package, keys, say, short)) + "\n"
    report = examined.report
    if report is None:
        return head(examined, say) + "\n"
    lines = [f"{examined.path}  {_joined(KINDS[examined.kind], say)}"]
    for label, value in {**about(report), "at": write_time(report.at)}.items():
        lines += _lines((value, value), say, label)
    lines.append("")
    for check in report.checks:
        lines += _check_lines(check, say, short)
    lines.append("")
    if examined.offline is not None:
        lines += _lines(VERDICTS[examined.offline], say, "offline")
    lines.append(f"→ {_joined(VERDICTS[report.verdict], say)}")
    if not short:
        lines += _lines(words().conclusions[report.verdict], say, "conclusion")
        for pair in caveats(report):
            lines += _lines(pair, say, indent=2)
    for _, pair in remarks(report, keys):
        lines += _lines(pair, say, "remark")
    if not short:
        lines += _lines(words().keys, say) + [f"  {key.name}  {key.suite.name}  {key.key_id}" for key in keys.keys]
    return "\n".join(lines) + "\n"


def _package_lines(examined: Examined, report: PackageReport, keys: Keyring, say: Say, short: bool) -> list[str]:
    """The checks of an evidence package and its conclusion."""
    verdict = report.verdict
    lines = [f"{examined.path}  {_joined(KINDS[examined.kind], say)}"]
    lines += [*_lines((write_time(report.at), write_time(report.at)), say, "at"), ""]
    for one in report.findings:
        detail = _joined(one.detail, say)
        lines.append(f"{one.n:2d} {MARKS[one.outcome]} {_joined(one.title, say)}" + (f"  {detail}" if detail else ""))
    lines += ["", f"→ {_joined(VERDICTS[verdict], say)}"]
    if not short:
        lines += _lines(words().packages[verdict], say, "conclusion")
    if report.demo:
        lines += _lines(words().remarks["demonstration"], say, "remark")
    if not short:
        lines += _lines(words().keys, say) + [f"  {key.name}  {key.suite.name}  {key.key_id}" for key in keys.keys]
    return lines


def _broken(examined: Examined, report: Report, say: Say) -> list[str]:
    """What does not hold of one document among many; of one that is only unsealed, what is missing."""
    bad = [c for c in report.checks if c.outcome is Outcome.FAILED]
    shown = bad or [c for c in report.checks if c.outcome is Outcome.SKIPPED]
    lines = [head(examined, say)]
    for label, value in about(report).items():
        lines += _lines((value, value), say, label, 3)
    return lines + ["  " + line for check in shown for line in _check_lines(check, say, short=True)]


def questions(asked: Sequence[dict[str, object]], say: Say) -> str:
    """What was asked of the network, whom, and how it went."""
    lines = [line for one in asked for line in _lines((f"{one['url']}  {one['outcome']}",) * 2, say, "asked")]
    return "".join(line + "\n" for line in lines)


def several(found: Sequence[Examined], keys: Keyring, say: Say) -> str:
    """One line each, then the details of what does not hold, then the verdict that decides."""
    lines = [head(examined, say) for examined in found]
    for examined in found:
        if examined.report is not None and examined.report.exit_code:
            lines += ["", *_broken(examined, examined.report, say)]
        if examined.package is not None and not examined.package.sealed:
            bad = [f for f in examined.package.findings if f.outcome is not Outcome.OK]
            lines += ["", head(examined, say)]
            lines += [f"   {f.n:2d} {MARKS[f.outcome]} {_joined(f.title, say)}  {_joined(f.detail, say)}" for f in bad]
    counted: dict[Verdict, int] = {}
    for examined in found:
        if examined.verdict is not None:
            counted[examined.verdict] = counted.get(examined.verdict, 0) + 1
    said = {pair: None for e in found if e.report is not None for _, pair in remarks(e.report, keys)}
    lines.append("")
    for pair in said:
        lines += _lines(pair, say, "remark")
    for one, number in sorted(counted.items(), key=lambda item: EXIT[item[0]]):
        lines.append(f"  {number:6d}  {_joined(VERDICTS[one], say)}")
    lines += [f"  {line}" for line in _lines(unread(found), say)]
    lines.append(f"→ {_joined(conclusion(found), say)}")
    return "\n".join(lines) + "\n"


def unread(found: Sequence[Examined]) -> Pair:
    """How many documents of a known kind were not verified, for want of what reads them; empty when there are none."""
    number = sum(e.unread for e in found)
    zh, en = _LABELS["unread"]
    return (zh.format(n=number), en.format(n=number)) if number else ("", "")


def conclusion(found: Sequence[Examined]) -> Pair:
    """The sentence of the whole run."""
    verdict = overall(found)
    if verdict is None:
        return _LABELS["nothing"]
    if exit_code(found) == EXIT[verdict]:
        return VERDICTS[verdict]
    told = unread(found)
    return (f"已验证的都成立，但{told[0]}", f"what was verified holds, but {told[1]}")


def exit_code(found: Sequence[Examined]) -> int:
    """That of the worst verdict; wrong use where nothing was verified, or where all is well but for what was not read."""
    verdict = overall(found)
    if verdict is None or (EXIT[verdict] == 0 and any(e.unread for e in found)):
        return USAGE
    return EXIT[verdict]


def overall(found: Sequence[Examined]) -> Verdict | None:
    """The worst verdict; None when nothing could be verified."""
    verdicts = [e.verdict for e in found if e.verdict is not None]
    return worst(verdicts) if verdicts else None


def _value(pair: Pair, say: Say) -> object:
    return {"zh": pair[0], "en": pair[1]} if say == "both" else pair[sides(say)[0]]


def document(examined: Examined, keys: Keyring, say: Say) -> dict[str, object]:
    """One document as JSON values; texts are strings, or {"zh", "en"} with --both."""
    out: dict[str, object] = {"target": str(examined.path), "kind": examined.kind.value}
    if examined.package is not None:
        return {**out, **_package(examined.package, say)}
    report = examined.report
    if report is None:
        return {**out, "verdict": None, "exit_code": None, "sentence": _value(examined.why, say), "checks": []}
    return {
        **out,
        **about(report),
        "verdict": report.verdict.value,
        "exit_code": report.exit_code,
        "offline_verdict": examined.offline.value if examined.offline else None,
        "sentence": _value(VERDICTS[report.verdict], say),
        "conclusion": _value(words().conclusions[report.verdict], say),
        "demonstration": demonstration(report),
        "remarks": [_value(pair, say) for _, pair in remarks(report, keys)],
        "caveats": [_value(pair, say) for pair in caveats(report)],
        "verified_at": write_time(report.at),
        "checks": [_check(check, say) for check in report.checks],
    }


def _package(report: PackageReport, say: Say) -> dict[str, object]:
    verdict = report.verdict
    return {
        "verdict": verdict.value,
        "exit_code": EXIT[verdict],
        "sentence": _value(VERDICTS[verdict], say),
        "conclusion": _value(words().packages[verdict], say),
        "demonstration": report.demo,
        "verified_at": write_time(report.at),
        "checks": [
            {"n": f.n, "title": _value(f.title, say), "outcome": f.outcome.value, "detail": _value(f.detail, say)}
            for f in report.findings
        ],
    }


def _check(check: Check, say: Say) -> dict[str, object]:
    said = words().checks[check.id]
    return {
        "n": check.n,
        "id": check.id.value,
        "title": _value(check.title, say),
        "outcome": check.outcome.value,
        "detail": _value(check.detail, say),
        "standing": check.standing.value if check.standing else None,
        "against": _value(said.against, say),
        "proves": _value(said.proves, say),
        "limits": _value(said.limits, say),
    }


def everything(
    found: Sequence[Examined], keys: Keyring, say: Say, asked: Sequence[dict[str, object]], *, listed: bool = False
) -> dict[str, object]:
    """The whole run: of one document its members stand at the top, of several under `documents`; of one that was found in
    a folder (`listed`) in both places."""
    verdict = overall(found)
    every = [document(e, keys, say) for e in found]
    out = {**frame(keys, asked), **(every[0] if len(found) == 1 else {})}
    if len(found) != 1:
        out |= {"verdict": verdict.value if verdict else None, "exit_code": exit_code(found)}
        out["sentence"] = _value(conclusion(found), say)
    return {**out, "documents": every} if listed or len(found) != 1 else out


def frame(keys: Keyring | None, asked: Sequence[dict[str, object]] = ()) -> dict[str, object]:
    """What every report begins with; `keys` is None when they could not be read."""
    held = keys.keys if keys is not None else ()
    pinned = [{"name": k.name, "suite": k.suite.name, "key_id": k.key_id, "vkey": k.vkey()} for k in held]
    return {"schema": SCHEMA, "verifier": f"shugu {__version__}", "keys": pinned, "asked": list(asked)}


def misused(error: ShuguError, say: Say) -> dict[str, object]:
    """Wrong use as JSON: nothing was verified, and why."""
    why = (f"{error.message('zh')}{error.remedy_text('zh')}", f"{error.message('en')} {error.remedy_text('en')}")
    return {**frame(None), "verdict": None, "exit_code": USAGE, "sentence": _value(why, say)}
