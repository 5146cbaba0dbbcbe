"""The one window of the Binjiang reply to proposal 提1020号, 一、1: one application, one receipt, two registers."""

from __future__ import annotations

from datetime import date

import pytest

from shugu.kernel.errors import Forbidden, InputInvalid, MaterialsMissing, NotFound
from shugu.kernel.models import Case
from shugu.registry import queries, queries_book, services
from shugu.registry.models import Filing, Window
from shugu.registry.services import ActOnWindow, AddWindowMaterial, SubmitFiling, SubmitWindow
from shugu.registry.tests.regimes import Regime
from shugu.registry.tests.stages import paper
from shugu.registry.windows import outcomes
from tests.world import FORM, World

pytestmark = pytest.mark.django_db
PAPERS = ("source_proof", "identity", "declaration")


@pytest.fixture()
def r(world: World) -> Regime:
    return Regime(world, "data-property")


def windowed(r: Regime, **form: str) -> Window:
    mine = SubmitFiling(
        "data-property", r.world.alice.org or 0, "纽约航班准点数据", "data_product", ("holding",), {**FORM, **form}
    )
    ip = SubmitFiling(
        "data-ip", r.world.alice.org or 0, "纽约航班准点数据", "data_product", ("data_ip",),
        {**r.sample("first", "data_product"), **dict(FORM), "algorithm": "按航段汇总", "evidence_number": "CZ-1"},
    )  # fmt: skip
    return services.submit_window(SubmitWindow((mine, ip)), actor=r.world.alice, now=r.now)


def accepted(r: Regime) -> Window:
    row = windowed(r)
    for material in PAPERS:
        services.add_window_material(AddWindowMaterial(row.number, paper(material)), actor=r.world.alice, now=r.now)
    assert services.act_on_window(ActOnWindow(row.number, "submit", {}), actor=r.world.alice, now=r.now) == 2
    assert services.act_on_window(ActOnWindow(row.number, "accept", {}), actor=r.world.rita, now=r.now) == 2
    return row


def test_one_application_and_one_receipt_lead_to_two_registers_and_two_linked_certificates(r: Regime) -> None:
    """提1020号 一、1: 数据权属登记“一窗受理”、协同办理. carries: S3-002 S3-013"""
    row = accepted(r)
    assert row.number.startswith("WIN-") and [line.register for line in outcomes(row)] == ["data-property", "data-ip"]
    for filing in row.filings.order_by("pk"):
        r.act(filing, "pass", r.world.rong)
    r.at(date(2026, 3, 10)).sweep()
    for filing in row.filings.order_by("pk"):
        assert Case.objects.get(pk=row.pk).state == "open"
        r.act(filing, "issue", r.world.rita)
    assert Case.objects.get(pk=row.pk).state == "concluded"
    left, right = (queries.entry_by_number(line.entry) for line in outcomes(row))
    assert queries_book.links_of(left.id) == [("same_application", right.number, right.title)]
    assert queries_book.links_of(right.id) == [("same_application", left.number, left.title)]
    kinds = [queries.certificate(e.certificate_number).kind for e in (left, right)]
    assert kinds == ["data_property_certificate", "data_ip_certificate"]


def test_one_register_may_refuse_while_the_other_enters(r: Regime) -> None:
    """提1020号 一、1: two outcomes of one application."""
    row = accepted(r)
    first, second = row.filings.order_by("pk")
    r.act(first, "pass", r.world.rong)
    r.act(second, "refuse", r.world.rong, refusal_ground="ownership_dispute", reason="权属争议")
    r.at(date(2026, 3, 10)).sweep()
    r.act(first, "issue", r.world.rita)
    assert [line.state for line in outcomes(row)] == ["registered", "refused"]
    assert Case.objects.get(pk=row.pk).state == "concluded"
    assert queries_book.links_of(queries.entry_by_number(outcomes(row)[0].entry).id) == []


def test_a_defect_in_one_application_keeps_both_out_and_names_the_register(r: Regime) -> None:
    """提1020号 一、1."""
    with pytest.raises(InputInvalid) as refused:
        windowed(r, industry="no-such-industry")
    assert "data-property.form.industry" in refused.value.field_errors
    assert not Window.objects.exists() and not Filing.objects.exists()


def test_a_window_needs_two_registers(r: Regime) -> None:
    mine = SubmitFiling("data-property", r.world.alice.org or 0, "a", "data_product", ("holding",), dict(FORM))
    for filings in ((mine,), (mine, mine)):
        with pytest.raises(InputInvalid):
            services.submit_window(SubmitWindow(filings), actor=r.world.alice, now=r.now)


def test_strangers_and_wrong_steps_find_no_window(r: Regime) -> None:
    row = windowed(r)
    with pytest.raises(NotFound):
        services.act_on_window(ActOnWindow(row.number, "submit", {}), actor=r.world.mallory, now=r.now)
    with pytest.raises(Forbidden):
        services.act_on_window(ActOnWindow(row.number, "accept", {}), actor=r.world.rita, now=r.now)
    with pytest.raises(Forbidden):
        cmd = AddWindowMaterial(row.number, paper("no_such_paper"))
        services.add_window_material(cmd, actor=r.world.alice, now=r.now)
    with pytest.raises(MaterialsMissing):
        services.act_on_window(ActOnWindow(row.number, "submit", {}), actor=r.world.alice, now=r.now)
