"""The readable report of an evidence package: what was extracted on which ground, the history, the checks, the conclusion."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from shugu.evidence.grounds import Ground
from shugu.evidence.package_files import Contents
from shugu.formats.checks import Outcome
from shugu.formats.package import Finding
from shugu.kernel import runtime, seals
from shugu.kernel.text import Text
from shugu.kernel.workdays import local_day
from shugu.web import short_links
from shugu.web.paper import Document, Kind, Row, Seal, Section, Table

_OUTCOMES: Mapping[Outcome, Text] = {
    Outcome.OK: Text("成立", "holds"),
    Outcome.FAILED: Text("不成立", "fails"),
    Outcome.SKIPPED: Text("待核", "not yet"),
}
NAMED: Final = ("the evidence report, in Chinese", "the evidence report, in English")
CONCLUSION = Text(
    "经核验，包内事实均已按所示次序写入本场所的透明日志，写入后未被改动；各案可按当时的流程表逐步重现；原件与事实所记摘要一致。"
    "本结论证明记录的存在、次序与完整，不证明所记内容的真实，也不代替裁判机关的认定。",
    "The facts in this package stand in the venue's transparency log in the order shown and were not changed since; each case "
    "replays by the procedure table of its time; the originals have the digests the facts name. This proves that the records "
    "exist, their order and their wholeness, not that what they say is true, and takes nothing from the judgment of a court.",
)


def _ground(ground: Ground, document: Mapping[str, str], rows: Sequence[str]) -> Section:
    asked = [Row(Text("提取依据", "Ground"), ground.title), Row(Text("涉及办件", "Cases"), "、".join(rows), mono=True)]
    if document:
        asked += [
            Row(Text("法律文件", "Document"), document["number"]),
            Row(Text("出具机关", "Issued by"), document["organ"]),
        ]
    return Section(Text("提取", "Extraction"), rows=tuple(asked))


def _participants(found: Contents) -> Section:
    rows = tuple(
        (p["name"] or f"{p['kind']}:{p['ref']}", p.get("uscc", ""), _roles(found, p["roles"])) for p in found.participants
    )
    columns = (Text("参与者", "Participant"), Text("信用代码", "Credit code"), Text("在案中的角色", "Roles"))
    return Section(Text("参与者身份", "Participants"), table=Table(columns, rows, weights=(3, 3, 2)))


def _roles(found: Contents, codes: Sequence[str]) -> Text:
    titles = [found.roles.get(code, Text(code, code)) for code in codes]
    return Text("、".join(t.zh for t in titles) or "—", ", ".join(t.en for t in titles) or "—")


def _moved(found: Contents, line: Mapping[str, Any]) -> Text | str:
    move = line["move"]
    if not move.get("to"):
        return ""
    codes = (str(move.get("from", "")), str(move["to"]))
    old, new = (found.states.get((line["case"], code), Text(code, code)) for code in codes)
    return Text(f"{old.zh} → {new.zh}", f"{old.en} → {new.en}")


def _history(found: Contents) -> Section:
    rows = tuple(
        (
            str(line["index"]), line["recorded_at"][:19].replace("T", " "), line["case"],
            Text(line["title"]["zh"], line["title"]["en"]), _moved(found, line),
        )
        for line in found.history
    )  # fmt: skip
    columns = (
        Text("序号", "Index"), Text("记录时间（UTC）", "Recorded (UTC)"), Text("办件", "Case"), Text("事项", "Act"),
        Text("状态变化", "State"),
    )  # fmt: skip
    return Section(Text("按时间先后的过程", "History in order of time"), table=Table(columns, rows, weights=(3, 8, 10, 7, 7)))


def _checks(findings: Sequence[Finding]) -> Section:
    rows = tuple((str(f.n), Text(*f.title), _OUTCOMES[f.outcome], Text(*f.detail)) for f in findings)
    columns = (Text("序", "No."), Text("核验事项", "Check"), Text("结果", "Result"), Text("说明", "Detail"))
    return Section(Text("核验", "Checks"), table=Table(columns, rows, weights=(1, 7, 2, 7)))


def _files(found: Contents) -> Section:
    held = [n for n in sorted(found.files) if n.startswith("documents/")]
    rows = tuple((n, found.what[n], f"{len(found.files[n]):,}") for n in held)
    columns = (Text("文件", "File"), Text("内容", "What it is"), Text("字节", "Bytes"))
    gone = len(found.absent)
    told = (
        Text(
            f"另有 {gone} 件原件不在本场所，其摘要列于清单。",
            f"{gone} more originals are not held here; their digests are in the manifest.",
        ),
    )
    return Section(
        Text("原件", "Originals"), paragraphs=told if found.absent else (),
        table=Table(columns, rows, weights=(4, 5, 1)) if rows else None,
    )  # fmt: skip


def report(
    number: str, found: Contents, findings: Sequence[Finding], ground: Ground, about: Mapping[str, Any], now: datetime
) -> Document:
    """`about`: document (number, organ) and cases."""
    venue = Text(*runtime.rules().profile.title)
    conclusion = Section(Text("结论", "Conclusion"), paragraphs=(CONCLUSION,))
    return Document(
        kind=Kind.REPORT, title=Text("证据报告", "Evidence Report"), number=number, issuer=venue, issued_on=local_day(now),
        sections=(
            _ground(ground, about["document"], about["cases"]), conclusion, _checks(findings), _participants(found),
            _history(found), _files(found),
        ),
        seal=Seal(venue, seals.PURPOSES["evidence"], use="evidence"), demo=runtime.demo(), qr_url=short_links.address(number),
    )  # fmt: skip


def values(found: Contents, findings: Sequence[Finding], ground: Ground, cases: Sequence[str]) -> dict[str, Any]:
    """What the report says, for machines: the credential in its PDF."""
    return {
        "ground": {"code": ground.code, "zh": ground.title.zh, "en": ground.title.en}, "cases": list(cases),
        "facts": len(found.facts), "originals": sum(n.startswith("documents/") for n in found.files),
        "checks": [{"n": f.n, "zh": f.title[0], "en": f.title[1], "outcome": f.outcome.value} for f in findings],
        "conclusion": {"zh": CONCLUSION.zh, "en": CONCLUSION.en},
    }  # fmt: skip
