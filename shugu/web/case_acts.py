"""Cases for every app at once: who sees a case, how an act reaches the service of the app that owns it, materials.

An app registers its subject once, when it starts:

    case_pages.register("registry.filing", act_fn, detail_url_fn)
    act_fn(case_id, do, input, undertaking, *, actor, now, key) -> object
    detail_url_fn(case_id) -> str ("" for none)

and, where an input of its acts is more than a line of text, `name_input`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

from django.db import transaction

from shugu.kernel import documents, journal, queries, runtime
from shugu.kernel.cases import Actor
from shugu.kernel.commands import command
from shugu.kernel.decide import allowed
from shugu.kernel.errors import Forbidden, NotFound
from shugu.kernel.models import Case, Fact, Material
from shugu.kernel.procedure import MaterialRow
from shugu.kernel.tables import table
from shugu.kernel.text import Text
from shugu.kernel.workdays import local_day


class ActFn(Protocol):
    def __call__(
        self, case: int, do: str, input: dict[str, Any], undertaking: str, *, actor: Actor, now: datetime, key: str | None
    ) -> object: ...


@dataclass(frozen=True)
class OwnForm:
    """A page of the app's own in place of the generic form of an act. `fulfils`: what a guard of the act still misses is
    given on that page, materials included."""

    url: Callable[[int], str]
    fulfils: bool = False


@dataclass(frozen=True)
class Owner:
    act: ActFn
    detail_url: Callable[[int], str] | None = None
    sees: Callable[[int, Actor], bool] | None = None
    bulk: bool = False
    forms: Mapping[str, OwnForm] = field(default_factory=dict)


@dataclass(frozen=True)
class InputField:
    """How an input of an act is asked for. kind: line, text, day, number, tick, choice, choices; `options` is called
    with the case id and gives (code, words) pairs."""

    name: str
    title: Text
    kind: str = "line"
    options: Callable[[int], Iterable[tuple[str, Text]]] | None = None
    help: Text | None = None


NameFn = Callable[[Iterable[int], str], Mapping[int, str]]
_OWNERS: dict[str, Owner] = {}
_INPUTS: dict[str, InputField] = {}
_NAMES: dict[str, NameFn] = {}


def register(
    subject: str,
    act_fn: ActFn,
    detail_url_fn: Callable[[int], str] | None = None,
    *,
    sees: Callable[[int, Actor], bool] | None = None,
    bulk: bool = False,
    forms: Mapping[str, OwnForm] | None = None,
) -> None:
    """`sees(case, actor)`: further actors who may open the case, beside its parties and the seats of its table. `bulk`:
    steps without input may be done for many cases at once, for all they do is in the table. `forms`: acts that have a
    page of their own."""
    _OWNERS[subject] = Owner(act_fn, detail_url_fn, sees, bulk, forms or {})


def in_bulk(subject: str) -> bool:
    return subject in _OWNERS and _OWNERS[subject].bulk


def name_input(
    name: str,
    zh: str,
    en: str,
    kind: str = "line",
    options: Callable[[int], Iterable[tuple[str, Text]]] | None = None,
    help: Text | None = None,
) -> None:
    """The same name means the same thing in every table: the last registration wins."""
    _INPUTS[name] = InputField(name, Text(zh, en), kind, options, help)


def name_parties(*, orgs: NameFn, people: NameFn) -> None:
    """party tells how ids become names: (ids, "zh" | "en") -> {id: name}."""
    _NAMES.update(orgs=orgs, people=people)


def org_names(ids: Iterable[int], lang: str) -> Mapping[int, str]:
    return _NAMES["orgs"](ids, lang) if "orgs" in _NAMES else {}


def person_names(ids: Iterable[int], lang: str) -> Mapping[int, str]:
    return _NAMES["people"](ids, lang) if "people" in _NAMES else {}


def input_field(name: str) -> InputField:
    return _INPUTS.get(name, InputField(name, Text(name.replace("_", " "), name.replace("_", " "))))


for _name, _zh, _en, _kind in (
    ("reason", "理由", "Reason", "text"),
    ("opinion", "意见", "Opinion", "text"),
    ("defects", "须补正的全部事项", "Everything to be corrected", "text"),
    ("ground", "依据", "Ground", "text"),
    ("note", "说明", "Note", "text"),
    ("answer", "答复", "Answer", "text"),
):
    name_input(_name, _zh, _en, _kind)


def detail_url(case: Case) -> str:
    owner = _OWNERS.get(case.subject)
    return owner.detail_url(case.pk) if owner is not None and owner.detail_url is not None else ""


def own_form(case: Case, do: str) -> OwnForm | None:
    owner = _OWNERS.get(case.subject)
    return owner.forms.get(do) if owner is not None else None


def _is_in(case: Case, actor: Actor) -> bool:
    """Whether the actor is of the case: a party of it, or in a seat its table gives a part to."""
    tab = table(case.procedure, case.version)
    return bool(actor.seats & {p.seat for p in tab.parties if p.seat}) or queries.is_party(case.pk, actor)


def ground_to_look(actor: Actor) -> str | None:
    """The coded ground (rule `web.query_grounds`) on which a seat opens cases it has no part in, or None."""
    for row in runtime.rules().value("web.query_grounds").rows:
        seats = row.get("seats", ())
        if isinstance(seats, tuple) and actor.seats & {str(s) for s in seats}:
            return str(row["code"])
    return None


def sees(case: Case, actor: Actor) -> bool:
    if _is_in(case, actor):
        return True
    owner = _OWNERS.get(case.subject)
    if owner is not None and owner.sees is not None and owner.sees(case.pk, actor):
        return True
    return ground_to_look(actor) is not None


def visible_case(number: str, actor: Actor) -> Case:
    """Errors: NotFound, also for a case that exists but is not this actor's to know of."""
    case = queries.case_by_number(number)
    if not sees(case, actor):
        raise NotFound(what=(f"办件 {number}", f"case {number}"))
    return case


def look_at_case(number: str, *, actor: Actor, now: datetime) -> Case:
    """The case, to show its content. A seat of the venue or of supervision that has no part in it leaves the fact
    `case.looked_at`, once a person, case and day. Errors: NotFound."""
    case = visible_case(number, actor)
    if not actor.seats or _is_in(case, actor):
        return case
    seen = Fact.objects.filter(
        subject=f"kernel.case:{case.pk}", name="case.looked_at", person=actor.person, effective_on=local_day(now)
    )
    if not seen.exists():
        with transaction.atomic():
            Case.objects.select_for_update().only("id").get(pk=case.pk)  # of two pages at once, one records
            if not seen.exists():
                journal.record(
                    "case.looked_at", subject=f"kernel.case:{case.pk}", actor=actor, now=now,
                    data={"case": case.number, "ground": ground_to_look(actor) or "owner"},
                )  # fmt: skip
    return case


queries.name_fact("case.looked_at", "查看办件", "case looked at")


def act(
    number: str,
    do: str,
    input: Mapping[str, Any],
    undertaking: str,
    *,
    actor: Actor,
    now: datetime,
    key: str | None = None,
) -> Case:
    """Hand an act to the app that owns the case. Errors: NotFound, and whatever that app refuses."""
    case = visible_case(number, actor)
    owner = _OWNERS.get(case.subject)
    if owner is None:
        raise NotFound(what=(f"办件 {number} 的办理入口", f"way to act on case {number}"))
    owner.act(case.pk, do, dict(input), undertaking, actor=actor, now=now, key=key)
    case.refresh_from_db()
    return case


@dataclass(frozen=True)
class MaterialSlot:
    """A material some act of the actor needs: what it is, whether filed, and the act it is for."""

    row: MaterialRow
    filed: Material | None
    do: str


def material_slots(case: int, actor: Actor) -> list[MaterialSlot]:
    """Every material the acts open to this actor need in the present state, each once."""
    tab, view = queries.view_of(case)
    filed = {m.material: m for m in queries.materials(case)}
    out: dict[str, MaterialSlot] = {}
    for step in allowed(tab, view, actor):
        for row, _ in queries.materials_needed(case, step.do):
            out.setdefault(row.id, MaterialSlot(row, filed.get(row.id), step.do))
    return list(out.values())


@dataclass(frozen=True)
class FileMaterial:
    """`signers`: how many people signed the document, at most what the table asks for."""

    case: str
    material: str
    filename: str
    media_type: str
    content: bytes
    signers: int = 1


@command("web.file_material", ("提交材料", "file a material"))
def file_material(cmd: FileMaterial, *, actor: Actor, now: datetime) -> Material:
    """By whoever has an act that needs it now. Errors: NotFound, Forbidden, InputInvalid."""
    case = visible_case(cmd.case, actor)
    slot = next((s for s in material_slots(case.pk, actor) if s.row.id == cmd.material), None)
    if slot is None or case.closed_at is not None:
        raise Forbidden()
    return documents.file_material(
        case.pk, cmd.material, filename=cmd.filename, media_type=cmd.media_type, content=cmd.content, actor=actor,
        now=now, signers=max(1, min(cmd.signers, slot.row.signed_by)),
    )  # fmt: skip
