"""`shugu rules …`: what the rules say, where two differ, and which requirement is carried by what."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

from shugu.formats.errors import ShuguError

if TYPE_CHECKING:
    from shugu.kernel.rules import RuleValue

VENUE, REGIME, DOCUMENT, KEY = "venue", "regime", "document", "key"
AREAS = ("registration", "evidence", "subjects")


class NoSuchName(ShuguError):
    """A name on the command line that is no venue, regime, document or value."""

    code = "rule.no-such-name"
    status = 404
    sentence = ("没有名为 {name} 的{wanted}。", "There is no {wanted} named {name}.")
    remedy = ("用 shugu rules list 查看名称。", "See the names with: shugu rules list.")


def add_to(commands: Any) -> None:
    """The parser of `shugu rules`, under the main one's sub-commands."""
    rules = commands.add_parser("rules", help="查看规则 / read rules, compare them, count what is carried")
    what = rules.add_subparsers(dest="what", required=True)
    what.add_parser("list", help="场所、制度、文件 / venues, regimes, documents")
    show = what.add_parser("show", help="场所、制度、文件或一个值 / a venue, regime, document or value")
    show.add_argument("name", help="名称；同名时写 venue:… 或 regime:… / a name; venue:… or regime:… where two share it")
    show.add_argument("--register", default=None, help="登记簿 / as this register has it")
    show.add_argument("--on", type=date.fromisoformat, default=None, help="日期 / day, YYYY-MM-DD")
    show.add_argument("--json", action="store_true")
    diff = what.add_parser("diff", help="比较两个场所、两个制度或两个日期 / two venues, two regimes, or one on two days")
    diff.add_argument("a")
    diff.add_argument("b", nargs="?", default=None)
    diff.add_argument("--on", type=date.fromisoformat, default=None)
    diff.add_argument("--and", type=date.fromisoformat, default=None, dest="and_on")
    diff.add_argument("--json", action="store_true")
    coverage = what.add_parser("coverage", help="每条需求由什么承担 / what carries each requirement")
    coverage.add_argument("--json", action="store_true")
    coverage.add_argument("--area", choices=AREAS, default=None)
    what.add_parser("lock", help="发布新规则文件 / release new rule files by hash")


def run(options: argparse.Namespace) -> int:
    commands: dict[str, Callable[[argparse.Namespace], int]] = {
        "list": list_all, "show": show, "diff": diff, "coverage": coverage, "lock": lock,
    }  # fmt: skip
    try:
        return commands[options.what](options)
    except ShuguError as error:
        for lang in ("zh", "en"):
            print(error.message(lang), error.remedy_text(lang), file=sys.stderr)
        return 1


def lock(options: argparse.Namespace) -> int:
    from shugu.kernel import rules

    for name in rules.lock():
        print(name)
    return 0


def list_all(options: argparse.Namespace) -> int:
    """Venues, regimes and every version of every document with status and dates."""
    from shugu.kernel.regimes import read_head, regime_ids
    from shugu.kernel.rule_files import RULES, read_document
    from shugu.kernel.rule_profile import read_profile
    from shugu.kernel.rules import venues

    print("# 场所 / venues")
    for name in venues():
        profile, _ = read_profile(RULES, name)
        registers = " ".join(f"{r.id}={r.regime}" for r in profile.registers)
        print(f"{name}\t{profile.title[0]} / {profile.title[1]}\t{profile.since}\t{registers}")
    print("# 制度 / regimes")
    for name in regime_ids():
        head = read_head(name)
        print(f"{name}\t{head.title[0]} / {head.title[1]}\t{' '.join(head.documents)}")
    print("# 文件 / documents")
    for path in _document_paths():
        found = read_document(RULES, path)
        first, last = found.effective
        print(f"{found.id}\t{found.status}\t{first}..{last or ''}\t{found.title[0]} / {found.title[1]}")
    return 0


def _document_paths() -> list[Path]:
    """Files of `<jurisdiction>/<document>/`: everything else under rules/ lies less deep."""
    from shugu.kernel.rule_files import RULES

    return sorted(RULES.glob("*/*/*.toml"))


def show(options: argparse.Namespace) -> int:
    kind, name = _resolve(options.name)
    values = _values(kind, name, options.on or _today(), options.register)
    if options.json:
        print(json.dumps({"kind": kind, "name": name, "values": [_document(v) for v in values.values()]}, ensure_ascii=False))
        return 0
    for value in values.values():
        print(_line(value))
    return 0


def diff(options: argparse.Namespace) -> int:
    """Every value that differs. Exit code 0 whether or not there are any: a difference is no error."""
    on = options.on or _today()
    if options.b is None:
        if options.and_on is None:
            raise NoSuchName(name="--and", wanted=("第二个名称或日期", "second name or day"))
        kind, name = _resolve(options.a)
        before, after = _values(kind, name, on, None), _values(kind, name, options.and_on, None)
    else:
        kind = _common_kind(options.a, options.b)
        (_, a), (_, b) = _resolve(options.a, kind), _resolve(options.b, kind)
        before, after = _values(kind, a, on, None), _values(kind, b, options.and_on or on, None)
    changes = [(n, before.get(n), after.get(n)) for n in sorted({*before, *after})]
    changes = [(n, old, new) for n, old, new in changes if old is None or new is None or _differ(old, new)]
    if options.json:
        rows = [{"name": n, "before": o and _document(o), "after": w and _document(w)} for n, o, w in changes]
        print(json.dumps({"kind": kind, "changes": rows}, ensure_ascii=False))
        return 0
    for name, old, new in changes:
        print(name)
        print(f"  - {_line(old) if old else '（无 / none）'}")
        print(f"  + {_line(new) if new else '（无 / none）'}")
    print(f"{len(changes)} 项不同 / differ")
    return 0


def _differ(old: RuleValue, new: RuleValue) -> bool:
    """By what they say and on what ground; that two venues each chose the same by themselves is no difference."""
    return _content(old) != _content(new)


def _content(value: RuleValue) -> tuple[object, ...]:
    own = value.document.startswith(("venues/", "regimes/"))
    return (value.value, value.unit, value.force, value.status, value.article, "" if own else value.document)


def coverage(options: argparse.Namespace) -> int:
    """Exit code 1 for unknown ids in marks; rows that nothing carries are told, not failed."""
    from shugu import coverage as counted

    found = counted.coverage()
    if options.area:
        found = found.of(options.area)
    if options.json:
        print(json.dumps(found.as_document(), ensure_ascii=False))
    else:
        for row in found.rows:
            print(f"{row.id}\t{row.priority}\t{row.area}\t{row.document} {row.article}\t{_carried(found, row.id)}")
        for area in found.areas:
            print(f"# {area}: {' '.join(f'{k}={n}' for k, n in found.of(area).counts().items())}")
        print(f"# total: {' '.join(f'{k}={n}' for k, n in found.counts().items())}")
    for fault in found.faults:
        print(fault, file=sys.stderr)
    return 1 if found.faults else 0


def _carried(found: Any, id_: str) -> str:
    if id_ in found.carriers:
        return "; ".join(found.carriers[id_])
    if id_ in found.not_carried:
        reason = found.not_carried[id_]
        return f"未承担 / not carried: {reason.zh} / {reason.en}"
    return "缺 / MISSING"


def _today() -> date:
    from shugu.kernel import clock
    from shugu.kernel.workdays import local_day

    # The wall clock: a shifted clock lives in the database, which no rule needs.
    return local_day(clock.wall())


def _kinds(name: str) -> list[str]:
    from shugu.kernel.regimes import FOLDER
    from shugu.kernel.rule_files import RULES
    from shugu.kernel.rules import venues

    kinds = [VENUE] if name in venues() else []
    kinds += [REGIME] if "/" not in name and (RULES / FOLDER / f"{name}.toml").exists() else []
    whole = name.count("/") == 2 and (RULES / f"{name}.toml").exists()
    if whole or (name.count("/") == 1 and (RULES / name).is_dir() and name.partition("/")[0] not in ("calendars", FOLDER)):
        kinds.append(DOCUMENT)
    return kinds or ([KEY] if "." in name else [])


def _split(given: str) -> tuple[list[str], str]:
    kind, colon, name = given.partition(":")
    if colon and kind in (VENUE, REGIME, DOCUMENT, KEY):
        return [k for k in _kinds(name) if k == kind], name
    return _kinds(given), given


def _resolve(given: str, wanted: str | None = None) -> tuple[str, str]:
    """Kind and name; where a venue and a regime share a name the venue is meant, and that is said."""
    kinds, name = _split(given)
    kinds = [k for k in kinds if wanted in (None, k)]
    if not kinds:
        raise NoSuchName(name=given, wanted=(wanted or "场所、制度、文件或值", wanted or "venue, regime, document or value"))
    if len(kinds) > 1:
        print(f"{name}: {kinds[0]}；另有 / there is also {kinds[1]}:{name}", file=sys.stderr)
    return kinds[0], name


def _common_kind(a: str, b: str) -> str:
    shared = [k for k in _split(a)[0] if k in _split(b)[0] and k != KEY]
    if not shared:
        raise NoSuchName(name=f"{a} {b}", wanted=("两个同类的场所、制度或文件", "two venues, regimes or documents"))
    return shared[0]


def _values(kind: str, name: str, on: date, register: str | None) -> Mapping[str, RuleValue]:
    """By name. Errors: RuleError, NoSuchName."""
    from shugu.kernel import regimes, rules

    if kind == REGIME:
        return regimes.load_regime(name, on).values
    if kind == DOCUMENT:
        return _document_values(name, on)
    if kind == VENUE:
        return _seen_by(rules.load_profile(name, on), register)
    from shugu.kernel.home import Home

    found = rules.load_profile(Home.from_environment().config.venue, on)
    value = _seen_by(found, register).get(name) or found.values.get(name)
    if value is not None:
        return {name: value}
    scoped = {k: v for k, v in found.values.items() if k.endswith(f":{name}")}
    if not scoped:
        raise NoSuchName(name=name, wanted=("规则值", "value"))
    return scoped


def _seen_by(found: Any, register: str | None) -> Mapping[str, RuleValue]:
    """All values of a rule set, or those one register sees: its own before the venue's."""
    if register is None:
        return dict(found.values)
    found.profile.register(register)
    names = (key.removeprefix(f"{register}:") for key in found.values)
    own = sorted({n for n in names if ":" not in n})
    return {n: replace(found.value(n, register=register), name=n) for n in own}


def _document_values(name: str, on: date) -> Mapping[str, RuleValue]:
    from shugu.kernel.rule_files import RULES, document_files, read_document

    if name.count("/") == 2:
        return read_document(RULES, RULES / f"{name}.toml").values
    versions = [version for version in document_files(RULES, name) if version[0] <= on]
    if not versions:
        raise NoSuchName(name=f"{name} ({on})", wanted=("已施行的文件", "document that applies"))
    return read_document(RULES, max(versions)[2]).values


def _line(value: RuleValue) -> str:
    unit = "" if value.unit == "none" else f" {value.unit}"
    source = f"{value.document} {value.article}".rstrip()
    return f"{value.name}\t{_plain(value.value)}{unit}\t{value.force}\t{value.status}\t{source}\t{value.note[0]}"


def _document(value: RuleValue) -> dict[str, Any]:
    first, last = value.effective
    return {
        "name": value.name, "value": _plain(value.value), "unit": value.unit, "force": str(value.force),
        "status": str(value.status), "document": value.document, "article": value.article,
        "from": None if first == date.min else first.isoformat(), "until": last.isoformat() if last else None,
        "note": {"zh": value.note[0], "en": value.note[1]},
    }  # fmt: skip


def _plain(value: Any) -> Any:
    """JSON-safe: decimals and days as text, rows as plain tables."""
    if isinstance(value, Mapping):
        return {k: _plain(v) for k, v in value.items()}
    if isinstance(value, tuple):
        return [_plain(v) for v in value]
    return value if isinstance(value, bool | int | str) else str(value)
