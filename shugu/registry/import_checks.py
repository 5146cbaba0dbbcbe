"""The rows of an import as applications: each checked as a single application is, every defect told with its row and
column; twins within the file and in the book warned of."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from shugu.formats.errors import Pair, ShuguError
from shugu.kernel import setwise
from shugu.kernel.cases import Actor
from shugu.kernel.errors import InputInvalid
from shugu.kernel.text import Text
from shugu.party import queries as parties
from shugu.registry import applications, import_rows, queries_search, submitting
from shugu.registry.applications import FormField
from shugu.registry.domain import title_key
from shugu.registry.forms import organisation_named
from shugu.registry.import_rows import FIXED, Sheet
from shugu.registry.lineage import Parent
from shugu.registry.submitting import Plan, SubmitFiling

Progress = Callable[[int, int], None]
EVERY = 200  # rows between two tellings of progress


@dataclass(frozen=True)
class Problem:
    """One line of the report. `kind`: "error" (nothing is imported) or "warning" (it may be a second registration)."""

    line: int
    column: Text
    what: Pair
    why: Pair
    remedy: Pair
    kind: str = "error"

    def as_row(self, lang: str) -> tuple[str, str, str, str, str, str]:
        n = 0 if lang == "zh" else 1
        kind = {"error": ("错误", "error"), "warning": ("提示", "warning")}[self.kind][n]
        return (str(self.line), self.column[n], self.what[n], self.why[n], self.remedy[n], kind)

    def as_json(self) -> dict[str, Any]:
        return {
            "line": self.line, "column": list(self.column), "what": list(self.what), "why": list(self.why),
            "remedy": list(self.remedy), "kind": self.kind,
        }  # fmt: skip


@dataclass(frozen=True)
class Importing:
    """For whom and by whom rows are read: `org` the holder that imports for itself, None for a registrar."""

    register: str
    operation: str
    actor: Actor
    org: int | None
    mandate: str

    def actor_for(self, applicant: int) -> Actor:
        """A registrar acts for the holder on the strength of the mandate paper: every fact names both."""
        if self.org is not None:
            return self.actor
        return Actor(
            self.actor.kind, person=self.actor.person, org=applicant, name=self.actor.name,
            reference=f"registry.mandate:{self.mandate}",
        )  # fmt: skip


@dataclass
class Reader:
    """Turns rows into applications; what rows share (names of organisations, questions of a kind) is looked up once."""

    about: Importing
    sheet: Sheet
    orgs: dict[str, int] = field(default_factory=dict)
    known: dict[int, str] = field(default_factory=dict)
    fields: dict[str, dict[str, FormField]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        register = self.about.register
        self.kinds = import_rows.words_of(list(applications.object_kinds(register).items()))
        self.rights = import_rows.words_of(list(applications.right_codes(register).items()))

    def names(self, ids: Iterable[int]) -> dict[int, str]:
        """As `parties.org_names`, each organisation looked up once."""
        asked = set(ids)
        fresh = asked - self.known.keys()
        if fresh:
            self.known.update(parties.org_names(fresh))
        return {i: self.known[i] for i in asked if i in self.known}

    def questions(self, kind: str) -> dict[str, FormField]:
        if kind not in self.fields:
            asked = applications.form_fields(self.about.register, kind, self.about.operation)
            self.fields[kind] = {f.id: f for f in asked}
        return self.fields[kind]

    def command(self, cells: Sequence[str]) -> SubmitFiling:
        """Errors: InputInvalid for cells that name nobody or nothing."""
        fixed, _ = self.sheet.of(cells, {})
        kind = self.kinds.get(fixed.get("object_kind", "").casefold(), fixed.get("object_kind", ""))
        questions = self.questions(kind)
        fixed, answers = self.sheet.of(cells, questions)
        rights = tuple(self.rights.get(r.casefold(), r) for r in import_rows.split(fixed.get("rights", "")))
        holders = self._holders(fixed.get("holders", ""))
        form = {k: import_rows.coded(questions[k], v) if k in questions else v for k, v in answers.items()}
        applicant = self.about.org if self.about.org is not None else holders[0][0]
        return SubmitFiling(
            self.about.register, applicant, fixed.get("title", ""), kind, rights, form, holders,
            self._org(fixed.get("reviewer", ""), "reviewer"), operation=self.about.operation,
            verifier_org=self._org(fixed.get("verifier", ""), "verifier"), lineage=_parents(fixed.get("lineage", "")),
        )  # fmt: skip

    def _holders(self, text: str) -> tuple[tuple[int, int], ...]:
        out = []
        for one in import_rows.split(text.replace("\n", ";"), "；;"):
            name, _, parts = one.rpartition(" ")
            if not name:
                name, parts = one, "1"
            if not (parts.isascii() and parts.isdecimal() and len(parts) < 8):
                raise _invalid("holders", f"“{one}”应为“单位 份额”", f"“{one}” should be “organisation parts”")
            org = self._org(name, "holders")
            assert org is not None
            out.append((org, int(parts)))
        if not out and self.about.org is None:
            raise _invalid("holders", "须写明持有人", "name the holder")
        return tuple(out)

    def _org(self, text: str, column: str) -> int | None:
        if not text:
            return None
        if text not in self.orgs:
            self.orgs[text] = organisation_named(text, column)
        return self.orgs[text]


def _invalid(column: str, zh: str, en: str) -> InputInvalid:
    return InputInvalid(fields=column, field_errors={column: (zh, en)})


def _parents(text: str) -> tuple[Parent, ...]:
    out = []
    for one in import_rows.split(text.replace("\n", ";"), "；;"):
        source, processing, parts = ([p.strip() for p in one.split("|")] + ["", ""])[:3]
        if parts and not (parts.isascii() and parts.isdecimal() and len(parts) < 8):
            raise _invalid("lineage", f"“{one}”的份额应为整数", f"the parts of “{one}” should be a whole number")
        known = source.startswith("ENT-")
        out.append(Parent(source if known else "", "" if known else source, processing, int(parts or 0)))
    return tuple(out)


def check(reader: Reader, now: datetime, told: Progress) -> list[Problem]:
    """Every problem of every row, in the order of the file."""
    problems: list[Problem] = []
    marks: list[tuple[int, str, str, int]] = []
    total = len(reader.sheet.rows)
    for n, (line, cells) in enumerate(reader.sheet.rows):
        found, mark = _check_row(reader, line, cells, now)
        problems += found
        if mark is not None:
            marks.append(mark)
        if n % EVERY == 0:
            told(n, total)
    problems += _twins_inside(marks) + _twins_in_book(reader.about.register, marks)
    told(total, total)
    return sorted(problems, key=lambda p: (p.line, p.kind))


def _check_row(
    reader: Reader, line: int, cells: Sequence[str], now: datetime
) -> tuple[list[Problem], tuple[int, str, str, int] | None]:
    try:
        cmd = reader.command(cells)
        plan = submitting.plan_of(cmd)
        actor = reader.about.actor_for(cmd.applicant_org)
        defects = submitting.defects(plan, actor, now, reader.names)
        refusal = None if defects else setwise.opening_refusal(plan.tab.id, submitting.new_case(plan, "", actor), now)
    except InputInvalid as error:
        return _problems(reader, line, error.field_errors, {}), None
    except ShuguError as error:
        return [_refused(line, error)], None
    if refusal is not None:
        return [_refused(line, refusal)], None
    mark = (line, title_key(plan.title), str(cmd.form.get("content_sha256", "")).strip().lower(), cmd.applicant_org)
    return _problems(reader, line, defects, _cells(plan)), mark


def _cells(plan: Plan) -> Mapping[str, str]:
    """What was given, by the name under which a defect of it is told."""
    return {"title": plan.title, "object_kind": plan.object_kind, **{f"form.{k}": v for k, v in plan.cmd.form.items()}}


def _refused(line: int, error: ShuguError) -> Problem:
    article = error.article or ""
    return Problem(
        line, Text("整行", "whole row"), (error.message("zh"), error.message("en")), (article, article),
        (error.remedy_text("zh"), error.remedy_text("en")),
    )  # fmt: skip


_TITLES = {f.id: f.title for f in FIXED}
_ALIASES = {"reviewer_org": "reviewer", "verifier_org": "verifier"}


def _problems(reader: Reader, line: int, errors: Mapping[str, Pair], cells: Mapping[str, str]) -> list[Problem]:
    out = []
    for name, what in errors.items():
        plain = _ALIASES.get(name, name)
        question = reader.fields.get(cells.get("object_kind", ""), {}).get(name.removeprefix("form."))
        column = question.title if question is not None else _TITLES.get(plain, Text(plain, plain))
        given = cells.get(name, "")[:60]
        source = _source(question)
        why = (f"填写为“{given}”；{source[0]}" if given else source[0], f"given: “{given}”; {source[1]}" if given else source[1])
        out.append(Problem(line, column, what, why, _remedy(question)))
    return out


def _source(question: FormField | None) -> Pair:
    if question is None:
        return ("登记规则要求", "the register's rules")
    article = question.article or question.source.article
    if not article:
        return ("本场所规则要求", "the venue's own rule")
    return (f"{question.source.document} {article}", f"{question.source.document} {article}")


def _remedy(question: FormField | None) -> Pair:
    if question is not None and question.options:
        words = [title for _, title in question.options[:8]]
        return (
            f"填写其一：{'、'.join(w.zh for w in words)}" + ("等" if len(question.options) > 8 else ""),
            f"one of: {', '.join(w.en for w in words)}" + (" …" if len(question.options) > 8 else ""),
        )
    return ("改正该单元格后重新上传整个文件", "correct the cell and upload the whole file again")


_AGAIN = ("确认不是重复登记；是同一对象的应删去该行", "make sure it is no second registration; if it is, take the row out")


def _twins_inside(marks: Sequence[tuple[int, str, str, int]]) -> list[Problem]:
    """Rows that name or hold the same as an earlier row."""
    firsts: dict[tuple[str, str], int] = {}
    out = []
    for line, key, digest, _ in marks:
        for kind, value in (("content", digest), ("title", key)):
            if not value:
                continue
            earlier = firsts.setdefault((kind, value), line)
            if earlier != line:
                column = Text("内容摘要", "content digest") if kind == "content" else _TITLES["title"]
                what = (f"与第 {earlier} 行相同", f"the same as in row {earlier}")
                out.append(Problem(line, column, what, _WHY[kind], _AGAIN, "warning"))
    return out


_WHY: Mapping[str, Pair] = {
    "content": ("数据内容的 SHA-256 相同", "the SHA-256 of the data is the same"),
    "title": ("名称相同（不计空格、标点与大小写）", "the name is the same but for spaces, marks and case"),
}


def _twins_in_book(register: str, marks: Sequence[tuple[int, str, str, int]]) -> list[Problem]:
    found = queries_search.twins_of(register, [(key, digest) for _, key, digest, _ in marks])
    out = []
    for line, key, digest, _ in marks:
        for twin in found.get((key, digest), ())[:3]:
            what = (f"登记簿已有 {twin.entry} “{twin.title}”", f"the book has {twin.entry} “{twin.title}”")
            out.append(Problem(line, _TITLES["title"], what, _WHY[twin.why], _AGAIN, "warning"))
    return out
