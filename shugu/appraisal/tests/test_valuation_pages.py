"""Pages, API and paper of a valuation: the guided form works out before it files, and a stranger never reads the value."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.http import HttpResponse
from django.test import Client, RequestFactory
from django.utils import translation
from django.utils.datastructures import MultiValueDict

from shugu.appraisal import api_valuation, queries, services, views_valuation
from shugu.appraisal.forms_valuation import ValuationReportForm
from shugu.appraisal.models_valuation import Valuation, ValuationReport
from shugu.appraisal.queries_valuation import tables
from shugu.appraisal.tests import stages, valued
from shugu.formats.valuation import faults
from shugu.kernel import clock
from shugu.kernel.cases import Actor
from shugu.kernel.errors import Forbidden, NotFound
from shugu.party import queries as parties
from tests.world import PAPER, World

pytestmark = pytest.mark.django_db

GIVEN: dict[str, Any] = {
    "income_forecast": "sharing", "income_share": "0.35", "income_years": "1,000,000\n1,100,000.00\n900000",
    "income_value": "904,207", "rate_risk_free": "2.3", "rate_management": "1.2", "rate_circulation": "1.5",
    "rate_data_security": "1.5", "rate_supervision": "1.5",
    "cost_early": "50000", "cost_direct": "250000", "cost_indirect": "60000", "cost_opportunity": "0",
    "cost_taxes": "40000", "cost_by": "life", "cost_left": "36", "cost_whole": "60", "cost_value": "240000", "unit_fen": "100",
    "conclusion": "weighted", "conclusion_method": "income", "weight_income": "3", "weight_cost": "1", "value": "738155",
    **{f"part_{code}": "见报告正文" for code in valued.PARTS}, "signers": "奎音\n邱衡", "independent": "on",
    "key": "3f0e2ff8-6f51-4c4f-a5b0-7c1b5c5a1a01",
}  # fmt: skip


def page(actor: Actor | None, view: Any, *args: str, path: str = "/", lang: str = "zh", **sent: Any) -> HttpResponse:
    request = RequestFactory().post(path, sent) if sent else RequestFactory().get(path)
    request.actor, request.htmx = actor, False  # type: ignore[attr-defined]
    with translation.override(lang):
        answer = view(request, *args)
    assert isinstance(answer, HttpResponse)
    return answer


@pytest.fixture(autouse=True)
def _at(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """The venue's clock stands where the story stands."""
    monkeypatch.setattr(clock, "now", lambda: world.now)


@pytest.fixture
def order(world: World) -> Valuation:
    valued.accredit(world)
    entry = stages.entry(world)
    row = valued.ordered(world, entry)
    valued.act(world, row.pk, "accept")
    return row


def upload(content: bytes = PAPER) -> SimpleUploadedFile:
    return SimpleUploadedFile("report.pdf", content, "application/pdf")


def test_a_body_is_led_from_the_methods_over_trying_to_filing(world: World, order: Valuation) -> None:
    file, path = views_valuation.file_report, f"/valuations/{order.number}/report/?methods=income&methods=cost"
    for lang, word in (("zh", "成本法"), ("en", "cost method")):
        assert word in page(world.quinn, file, order.number, lang=lang).content.decode()
    chosen = page(world.quinn, file, order.number, methods=["income", "cost"], key=GIVEN["key"])
    assert chosen["Location"].endswith("?methods=income&methods=cost")
    trial = {k: v for k, v in GIVEN.items() if not k.startswith("part_") and k not in ("signers", "independent", "value")}
    shown = page(world.quinn, file, order.number, path=path, act="try", **(trial | {"income_value": "904,208"})).content.decode()
    assert "904,207.00" in shown and "所载 904,208.00 元，按其参数应为 904,207.00 元" in shown
    assert not ValuationReport.objects.exists()
    shown = page(world.quinn, file, order.number, path=path, lang="en", act="try", **trial).content.decode()
    assert "What follows, CNY" in shown and "738,155.00" in shown and 'class="error"' not in shown
    refused = page(world.quinn, file, order.number, path=path, act="file", **GIVEN)
    assert refused.status_code == 422 and 'value="904,207"' in refused.content.decode()  # nothing typed is lost
    done = page(world.quinn, file, order.number, path=path, act="file", report=upload(), **GIVEN)
    assert done.status_code == 302 and ValuationReport.objects.get().calculation == valued.calculation()
    for lang in ("zh", "en"):
        assert "738,155.00" in page(world.alice, views_valuation.valuation, order.number, lang=lang).content.decode()
    with pytest.raises(Forbidden):
        page(world.alice, file, order.number)
    with pytest.raises(NotFound):
        page(world.mallory, views_valuation.valuation, order.number)


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"income_years": "1\n2 3"}, "income_years"), ({"income_years": "many"}, "income_years"),
        ({"cost_early": "1.234"}, "cost_early"), ({"market_cases": "甲；100；1；1"}, "market_cases"),
        ({"wished": "1"}, "__all__"), ({"cost_left": "-1"}, "cost_left"),
    ],
)  # fmt: skip
def test_what_is_typed_wrongly_is_told_beside_its_field(world: World, changes: dict[str, Any], field: str) -> None:
    given = GIVEN | {"market_cases": "甲；100；1；1；1；1；1", "market_value": "1", "weight_market": "1"} | changes
    form = ValuationReportForm(
        given, MultiValueDict({"report": [upload()]}), known=tables("data-property"), methods=("income", "cost", "market"),
        qualities=(), least=2, latest="2027-11-29",
    )  # fmt: skip
    assert not form.is_valid() and set(form.errors) == {field}


@pytest.mark.parametrize("forecast", ["direct", "excess"])
def test_every_way_of_income_and_conclusion_is_read_from_the_form(world: World, forecast: str) -> None:
    years = "1000 400\n1000 0" if forecast == "excess" else "1000\n1000"
    given = GIVEN | {
        "income_forecast": forecast, "income_years": years, "cost_by": "quality", "cost_factor": "0.85", "conclusion": "range",
        "high": "2", "market_cases": "甲;100.00;1;1;1;1;1.05\n乙；200；1；1；1；1；1\n丙|300|1|1|1|1|1",
    }  # fmt: skip
    methods = ("income", "cost", "market")
    form = ValuationReportForm(
        given, MultiValueDict({"report": [upload()]}), known=tables("data-property"), methods=methods, qualities=(), least=2,
        latest="",
    )  # fmt: skip
    assert form.is_valid(), form.errors
    made = form.calculation()
    assert made["conclusion"] == {"kind": "range", "low_fen": 73_815_500, "high_fen": 200}
    assert made["methods"][1]["coefficient"] == {"by": "quality", "factor": "0.85"} and len(made["methods"][2]["cases"]) == 3
    assert set(faults(made)) == set(methods)  # read whole; only its results are wrong


def test_the_order_page_asks_for_no_value_and_opens_a_case(world: World) -> None:
    valued.accredit(world)
    entry = stages.entry(world)
    shown = page(world.alice, views_valuation.order).content.decode()
    assert 'name="base_date"' in shown and 'name="value"' not in shown and "wish" not in shown
    assert world.quinn.org is not None
    body = parties.organisation(world.quinn.org).number
    sent = {
        "entry": entry.number, "body": body, "rights": list(entry.rights), "purpose": "trade", "value_type": "market",
        "base_date": world.now.date().isoformat(), "scenario": "航班延误预测", "key": GIVEN["key"],
    }  # fmt: skip
    late = page(world.alice, views_valuation.order, **(sent | {"base_date": "2099-01-01"}))
    assert late.status_code == 422 and "基准日不能晚于今天" in late.content.decode()
    done = page(world.alice, views_valuation.order, **sent)
    assert done.status_code == 302 and Valuation.objects.get().rights == list(entry.rights)


def test_anybody_learns_that_a_report_stands_and_a_stranger_not_what_it_says(world: World, client: Client) -> None:
    valued.accredit(world)
    report = valued.valued(world, stages.entry(world))
    number, secret = report.number, ("738,155", "738155", "904,207")
    for path in (
        f"/valuations/reports/{number}/", f"/verify/?number={number}", f"/api/valuations/reports/{number}",
        f"/api/credentials/{number}",
    ):  # fmt: skip
        for lang in ("zh", "en"):
            told = client.get(path, {"lang": lang} if "?" not in path else None)
            assert told.status_code == 200, path
            text = told.content.decode()
            assert number in text and not any(word in text for word in secret), path
    for path in (f"/valuations/reports/{number}.json", f"/valuations/reports/{number}.pdf"):
        assert client.get(path).status_code == 404
    assert client.get(f"/v/{number}")["Location"] == f"/valuations/reports/{number}/"
    shown = page(world.alice, views_valuation.report, number).content.decode()
    assert "738,155.00" in shown and "324,074.07" in shown and "/disclose/" in shown and "/withdraw/" not in shown
    assert "/withdraw/" in page(world.quinn, views_valuation.report, number, lang="en").content.decode()
    told = json.loads(page(world.alice, views_valuation.report_json, number).content)
    assert told["credential"]["credentialSubject"]["number"] == number and all(m["agrees"] for m in told["worked"])
    services.disclose_valuation(services.DiscloseValuation(number), actor=world.alice, now=world.now)
    assert "738,155.00" in client.get(f"/valuations/reports/{number}/").content.decode()
    assert client.get(f"/api/valuations/reports/{number}").json()["value"] == "738,155.00"
    assert "credential" not in client.get(f"/api/valuations/reports/{number}").json()


def test_it_is_printed_in_both_languages_with_the_credential_inside(world: World) -> None:
    valued.accredit(world)
    report = valued.valued(world, stages.entry(world))
    for lang in ("zh", "en"):
        pdf = queries.valuation_pdf(report.number, lang, now=clock.now(), actor=world.alice)
        assert pdf.startswith(b"%PDF-") and b"credential.json" in pdf


def test_withdrawing_is_a_page_of_body_and_officer(world: World) -> None:
    valued.accredit(world)
    number = valued.valued(world, stages.entry(world)).number
    for reader in (world.alice, world.otto):
        with pytest.raises(Forbidden):
            page(reader, views_valuation.withdraw, number)
    assert "生效裁判" in page(world.cora, views_valuation.withdraw, number).content.decode()
    shown = page(world.quinn, views_valuation.withdraw, number).content.decode()
    assert "报告有误" in shown and "生效裁判" not in shown
    sent = {"ground": "error", "reason": "漏算税费", "key": GIVEN["key"]}
    assert page(world.quinn, views_valuation.withdraw, number, **sent).status_code == 302
    for lang, word in (("zh", "不再有效"), ("en", "has no force any more")):
        assert word in page(None, views_valuation.report, number, lang=lang).content.decode()


def test_the_api_does_what_the_pages_do(world: World, order: Valuation) -> None:
    request = RequestFactory().post("/")
    request.actor = world.quinn  # type: ignore[attr-defined]
    entry = queries.valuation(order.number, world.quinn).entry_number
    tried = api_valuation.work_out(request, api_valuation.TryIn(entry=entry, calculation=valued.calculation()))
    assert tried["faults"] == {} and tried["value"] == "738,155.00"
    broken = api_valuation.work_out(request, api_valuation.TryIn(entry=entry, calculation={"methods": 5}))
    assert set(broken["faults"]) == {"methods"}
    sent = api_valuation.ValuationReportIn(
        calculation=valued.calculation(), parts=dict.fromkeys(valued.PARTS, "见正文"), signers=["奎音", "邱衡"], independent=True,
        filename="report.pdf", content_base64=base64.b64encode(PAPER).decode(),
    )  # fmt: skip
    assert api_valuation.file_report(request, order.number, sent)["state"] == "reported"
    out = api_valuation.act(request, order.number, "deliver", api_valuation.ValuationActIn())
    assert out["state"] == "delivered"
    assert api_valuation.list_valuations(request)["total"] == 1
    number = out["report"]["number"]
    gone = api_valuation.withdraw(request, number, api_valuation.WithdrawValuationIn(ground="error", reason="漏算"))
    assert gone["withdrawn_at"] and gone["credential"]["credentialSubject"]["number"] == number
