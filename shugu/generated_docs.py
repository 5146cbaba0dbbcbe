"""The parts of docs/ that are made from the code: procedures, rules, commands, facts and errors. A test compares."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterator
from pathlib import Path

from shugu.formats.errors import ShuguError
from shugu.formats.status import entries
from shugu.kernel import credentials
from shugu.kernel.commands import COMMANDS
from shugu.kernel.credentials import FACETS
from shugu.kernel.procedure import Step, Table
from shugu.kernel.queries import fact_titles
from shugu.kernel.rules import RuleSet, load_profile, venues
from shugu.kernel.tables import all_tables
from shugu.kernel.text import Text

_HEAD = "<!-- made by `shugu docs`; do not edit -->\n"


def contents() -> dict[str, str]:
    """{path under docs/: text} of every generated page."""
    pages = {f"procedures/{t.key}.md": procedure_page(t) for v in all_tables().values() for t in v.values()}
    pages["procedures/README.md"] = procedure_index()
    for venue in venues():
        pages[f"rules/{venue}.md"] = rules_page(_today(venue))
    pages["reference.md"] = reference_page()
    pages["credentials.md"] = credentials_page()
    return {name: _HEAD + text for name, text in pages.items()}


def write_all(folder: Path) -> Iterator[Path]:
    for name, text in sorted(contents().items()):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")
        yield path


def _today(venue: str) -> RuleSet:
    """The profile on the day its documentation is made for: fixed, so that the pages change only with the rules."""
    from shugu.kernel.rule_files import RULES
    from shugu.kernel.rule_profile import read_profile

    profile, _ = read_profile(RULES, venue)
    return load_profile(venue, profile.since)


def procedure_index() -> str:
    lines = ["# 流程表 / Procedures", "", "| 流程 procedure | 名称 title | 依据 source | 应用 app |", "|---|---|---|---|"]
    for versions in all_tables().values():
        for t in versions.values():
            lines.append(f"| [{t.key}]({t.key}.md) | {t.title.zh} / {t.title.en} | {t.source} | {t.app} |")
    return "\n".join(lines) + "\n"


def procedure_page(t: Table) -> str:
    lines = [f"# {t.title.zh} / {t.title.en}", "", f"`{t.key}` · {t.source} · app `{t.app}`", "", "```mermaid"]
    lines += ["stateDiagram-v2", f"  [*] --> {t.initial}"]
    for step in t.steps:
        for state in step.from_:
            lines += [f"  {state} --> {o.to}: {step.do}" for o in step.outcomes]
    lines += [f"  {s.id} --> [*]" for s in t.states if s.final]
    lines += ["```", "", "## 状态 / States", ""]
    lines += [f"- `{s.id}` {s.title.zh} / {s.title.en}" + ("（终态 / final）" if s.final else "") for s in t.states]
    lines += ["", "## 角色 / Parties", ""]
    lines += [f"- `{p.role}` {p.title.zh} / {p.title.en}" + (f"，岗位 / seat `{p.seat}`" if p.seat else "") for p in t.parties]
    lines += ["", "## 步骤 / Steps", "", "| 从 from | 事项 do | 由 by | 条件 if | 到 to | 事实 fact | 依据 article |"]
    lines += ["|---|---|---|---|---|---|---|", *(_step_row(s) for s in t.steps)]
    if t.clocks:
        lines += ["", "## 期限 / Clocks", ""]
        lines += ["| 期限 clock | 类型 kind | 长度 length | 起算 starts | 事项 act |", "|---|---|---|---|---|"]
        for c in t.clocks:
            starts, act = ", ".join(c.on) or f"date `{c.date}` ({c.direction})", ", ".join(c.act) or "—"
            lines.append(f"| `{c.id}` {c.title.zh} / {c.title.en} | {c.kind} | `{c.length}` | {starts} | {act} |")
    materials = [(s.do, m) for s in t.steps for m in s.materials]
    if materials:
        lines += ["", "## 材料 / Materials", ""]
        lines += ["| 事项 do | 材料 material | 情形 when | 免交 waived by | 签字 signed by | 依据 |", "|---|---|---|---|---|---|"]
        for do, m in materials:
            cells = (do, f"`{m.id}` {m.title.zh} / {m.title.en}", m.when or "—", m.waived_by or "—", m.signed_by, m.article)
            lines.append("| " + " | ".join(str(c) for c in cells) + " |")
    return "\n".join(lines) + "\n"


def _step_row(s: Step) -> str:
    outcomes = ", ".join(f"{o.to} ({o.when})" if o.when else o.to for o in s.outcomes)
    by = ", ".join(s.by) + (f" (quorum {s.quorum})" if s.quorum else "")
    facts = ", ".join(f"`{f}`" for f in (s.consent_fact, s.fact) if f)
    return (
        f"| {', '.join(s.from_)} | `{s.do}` {s.title.zh} / {s.title.en} | {by} | {', '.join(s.guards) or '—'} "
        f"| {outcomes} | {facts} | {s.article or '—'} |"
    )


def rules_page(rules: RuleSet) -> str:
    zh, en = rules.profile.title
    lines = [f"# {zh} / {en}", "", f"`{rules.id}`", ""]
    lines += ["force: must 应当 · may 可以 · venue 场所自定 (the venue's own choice)", ""]
    lines += ["| 规则 rule | 值 value | 单位 | 效力 force | 状态 status | 出处 source | 说明 note |"]
    lines += ["|---|---|---|---|---|---|---|"]
    for v in rules.iter_values():
        value = str(v.value) if not isinstance(v.value, tuple) else f"{len(v.value)} 项 / rows"
        note = f"{v.note[0]} / {v.note[1]}"
        lines.append(f"| `{v.name}` | {value} | {v.unit} | {v.force} | {v.status} | {v.document} {v.article} | {note} |")
    return "\n".join(lines) + "\n"


def _import_everything() -> None:
    """Commands, facts and errors are known once their modules were read: all of them are, whoever asks first."""
    import shugu

    for module in pkgutil.walk_packages(shugu.__path__, "shugu."):
        parts = module.name.split(".")
        if not {"tests", "migrations", "wsgi"} & set(parts):
            importlib.import_module(module.name)


def errors() -> list[type[ShuguError]]:
    _import_everything()
    found: list[type[ShuguError]] = []
    queue = [ShuguError]
    while queue:
        for child in queue.pop().__subclasses__():
            ours = child.__module__.startswith("shugu.") and ".tests." not in child.__module__
            if child not in found and ours:
                found.append(child)
                queue.append(child)
    return sorted(found, key=lambda e: (e.code, e.__name__))


def reference_page() -> str:
    _import_everything()
    lines = ["# 参考 / Reference", "", "## 命令 / Commands", "", "| 命令 command | 名称 title |", "|---|---|"]
    commands = [c for c in COMMANDS.values() if ".tests." not in c.function.__module__]
    lines += [f"| `{c.name}` | {c.title.zh} / {c.title.en} |" for c in sorted(commands, key=lambda c: c.name)]
    lines += ["", "## 事实 / Facts", "", "| 事实 fact | 名称 title |", "|---|---|"]
    lines += [f"| `{name}` | {title.zh} / {title.en} |" for name, title in sorted(fact_titles().items())]
    lines += ["", "## 错误 / Errors", "", "| 代码 code | HTTP | 说明 sentence | 处理 remedy |", "|---|---|---|---|"]
    lines += [f"| `{e.code}` | {e.status} | {e.sentence[0]} {e.sentence[1]} | {e.remedy[0]} {e.remedy[1]} |" for e in errors()]
    return "\n".join(lines) + "\n"


def credentials_page() -> str:
    """The kinds of credentials as the apps declare them; of the register every kind of every regime."""
    lines = ["# 凭证种类 / Kinds of credentials", "", _CREDENTIALS_INTRO, ""]
    for kind in credentials.kinds():
        named: dict[str, Text] = {}
        for venue in venues():
            for name, title in kind.types(_today(venue)):
                named.setdefault(name, title)
        happens = "、".join(f"{FACETS[code].zh} {FACETS[code].en}" for code in credentials.may_happen(kind.flags)) or "—"
        purposes = ", ".join(f"`{p}`" for p in (e.purpose for e in entries('', 0, 0, kind.flags))) or "—"
        lines += [f"## `{kind.name}`", "", f"- 签发 issuer: {kind.issuer.zh} / {kind.issuer.en} (app `{kind.app}`)"]
        members = ("number", "venue", *kind.subject) if kind.numbered else kind.subject
        lines += [f"- 主体成员 subject: {', '.join(f'`{m}`' for m in members)}"]
        if kind.lasting is None:
            lines += [f"- 可能发生 can happen: {happens}", f"- 状态用途 status purposes: {purposes}"]
        else:
            lines += [f"- 不入状态列表 no status: {kind.lasting.zh} {kind.lasting.en}"]
        lines += [f"- 获取 had from: {', '.join(f'`{w}`' for w in kind.where)}", "", "| 类型 type | 名称 title |", "|---|---|"]
        lines += [f"| `{name}` | {title.zh} / {title.en} |" for name, title in sorted(named.items())] + [""]
    return "\n".join(lines).rstrip("\n") + "\n"


_CREDENTIALS_INTRO = """\
One model for all ([formats.md](formats.md) sections 8, 9 and 13): a JSON credential with an Ed25519 proof and, under suite
`sm`, an SM2 proof beside it; sealed into the log by the fact that names its digest; a place in the status lists if it can
lose force, and where it cannot, the reason why; expiry by `validUntil`. Nothing is signed of a type that is not declared
here (`shugu.kernel.credentials.need_kind`). How one stands, now or on an earlier day, is told at `/verify/` and
`/api/credentials/{number}`."""
