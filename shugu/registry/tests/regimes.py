"""One register of the atlas venue as its conformance test drives it: every step through the real services."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from typing import Any

from shugu.kernel import engine
from shugu.kernel import queries as cases
from shugu.kernel.cases import Actor
from shugu.kernel.decide import needed_materials
from shugu.kernel.models import Case, Clock, Fact, Material
from shugu.kernel.workdays import local_day
from shugu.registry import applications, queries, services
from shugu.registry.models import Certificate, Filing, Objection
from shugu.registry.queries import CertificateView, EntryView
from shugu.registry.services import ActOnFiling, ActOnObjection, AddMaterial, FileObjection, Parent, SubmitFiling
from shugu.registry.tests.stages import at, paper
from tests.world import World

SAMPLES: Mapping[str, str] = {"text": "按规定填写的说明", "line": "按规定填写", "number": "1", "flag": "no"}


@dataclass
class Regime:
    """`now` moves with `at`; nothing fires until `sweep`."""

    world: World
    register: str
    now: datetime = field(init=False)

    def __post_init__(self) -> None:
        self.now = self.world.now

    def at(self, day: date, hour: int = 10, minute: int = 0) -> Regime:
        self.now = at(day, hour, minute)
        return self

    def sweep(self) -> None:
        engine.sweep(self.now)

    def file(
        self,
        operation: str = "first",
        *,
        object_kind: str | None = None,
        rights: tuple[str, ...] | None = None,
        answers: Mapping[str, str] | None = None,
        title: str | None = None,
        entry: str = "",
        applicant: Actor | None = None,
        by: Actor | None = None,
        holders: tuple[tuple[int, int], ...] = (),
        lineage: tuple[Parent, ...] = (),
        **orgs: int | None,
    ) -> Filing:
        """The application opened as a draft, every required field answered. `by` signs in where it is not the applicant
        (an agent, a registrar); `orgs`: reviewer, verifier, counterparty, agent, mark."""
        applicant = applicant or self.world.alice
        assert applicant.org is not None
        kind = object_kind or next(iter(applications.object_kinds(self.register)))
        if entry:
            kind = queries.entry_by_number(entry, None).object_kind
            rights, title = rights or (), title if title is not None else ""
        if rights is None:
            rights = (next(iter(applications.right_codes(self.register))),)
        mark = orgs.pop("mark", None)
        cmd = SubmitFiling(
            self.register, applicant.org, "城市客流统计数据" if title is None else title, kind, rights,
            {**self.sample(operation, kind), **(answers or {})}, holders, operation=operation, entry_number=entry,
            lineage=lineage, mark=mark,
        )  # fmt: skip
        named: dict[str, Any] = {f"{role}_org": org for role, org in orgs.items()}
        cmd = replace(cmd, **named)
        return services.submit_filing(cmd, actor=by or applicant, now=self.now)

    def sample(self, operation: str, object_kind: str) -> dict[str, str]:
        """An answer to every question that must be answered."""
        asked = applications.form_fields(self.register, object_kind, operation)
        return {f.id: self._sample(f) for f in asked if f.required}

    def _sample(self, question: applications.FormField) -> str:
        if question.kind in ("table", "multi"):
            return question.options[0][0]
        if question.kind == "date":
            return local_day(self.now).isoformat()
        return SAMPLES[question.kind]

    def upload(self, row: Filing | Objection, material: str, by: Actor | None = None, signers: int = 1) -> None:
        cmd = AddMaterial(row.pk, paper(material), signers)
        services.add_material(cmd, actor=by or self.world.alice, now=self.now)

    def upload_all(self, row: Filing | Objection, do: str, by: Actor | None = None, but: tuple[str, ...] = ()) -> None:
        """Every material that this step needs now and that is not there yet; `but` leaves some out."""
        tab, view = cases.view_of(row.pk, self.now)
        step = tab.step(view.state, do)
        assert step is not None, f"{do} is not possible in {view.state}"
        filed = set(Material.objects.filter(case_id=row.pk, superseded=False).values_list("material", flat=True))
        for need in needed_materials(view, step):
            if need.id not in filed and need.id not in but:
                self.upload(row, need.id, by, need.signed_by)

    def act(self, row: Filing, do: str, by: Actor | None = None, undertaking: str = "", **given: Any) -> Filing:
        return services.act_on_filing(ActOnFiling(row.pk, do, given, undertaking), actor=by or self.world.alice, now=self.now)

    def state(self, row: Filing | Objection) -> str:
        return str(Case.objects.values_list("state", flat=True).get(pk=row.pk))

    def clock(self, row: Filing | Objection, clock: str) -> Clock:
        """The last clock of that name."""
        return Clock.objects.filter(case_id=row.pk, clock=clock).order_by("-pk")[0]

    def facts(self, row: Filing | Objection) -> list[str]:
        return list(Fact.objects.filter(case_id=row.pk).order_by("pk").values_list("name", flat=True))

    def entry(self, row: Filing) -> EntryView:
        """The entry this filing made or is about."""
        if row.entry is not None:
            return queries.entry_by_number(row.entry.number, local_day(self.now))
        number = queries.filing_view(Filing.objects.select_related("case").get(pk=row.pk)).entry_number
        return queries.entry_by_number(number, local_day(self.now))

    def facets(self, number: str) -> frozenset[str]:
        return queries.entry_by_number(number, local_day(self.now)).facets

    def certificates(self, row: Filing) -> list[CertificateView]:
        """What was issued for this filing, oldest first."""
        issued = Fact.objects.filter(case_id=row.pk, name__in=BOOK_FACTS).values("pk")
        numbers = Certificate.objects.filter(fact__in=issued).order_by("pk").values_list("number", flat=True)
        return [queries.certificate(number, local_day(self.now)) for number in numbers]

    def objection(self, row: Filing | str, ground: str = "ownership", by: Actor | None = None) -> Objection:
        """To a filing under notice, or to an entry by its number."""
        told = "该数据由我方采集，权属有争议。"
        cmd = FileObjection(ground, told, entry_number=row) if isinstance(row, str) else FileObjection(ground, told, row.number)
        return services.file_objection(cmd, actor=by or self.world.mallory, now=self.now)

    def answer(self, row: Objection, do: str, by: Actor | None = None, undertaking: str = "", **given: Any) -> Objection:
        cmd = ActOnObjection(row.pk, do, given, undertaking)
        return services.act_on_objection(cmd, actor=by or self.world.rita, now=self.now)


BOOK_FACTS = (
    "entry.entered", "entry.amended", "entry.transferred", "entry.encumbered", "entry.discharged", "entry.renewed",
    "entry.cancelled", "entry.revoked", "entry.suspended", "entry.resumed", "entry.noted", "entry.recertified",
)  # fmt: skip
