"""The whole first trade through the JSON API alone, as a program of each side would do it."""

from __future__ import annotations

import base64
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from shugu.formats.identifiers import make_uscc

if TYPE_CHECKING:
    from tests.journeys.conftest import Connector, LiveVenue

pytestmark = pytest.mark.xdist_group("journeys")
PASSWORD = "journey-pass-2026"
TITLE = "纽约机场气象观测数据"
PAPER = b"%PDF-1.4\n% filed by a program: "
TERMS = {"term_days": 365, "purpose": "research", "delivery_form": "data_set"}


@dataclass
class Program:
    """A caller with an API key; every answer must have the status expected."""

    url: str
    token: str = ""

    def call(self, method: str, path: str, status: int, body: Any = None, key: str = "", **more: Any) -> Any:
        headers = {"Authorization": f"Bearer {self.token}"} if self.token else {}
        headers |= {"Idempotency-Key": key} if key else {}
        answer = httpx.request(
            method, f"{self.url}/api{path}", json=body, headers=headers, timeout=60, trust_env=False, **more
        )
        assert answer.status_code == status, f"{method} {path}: {answer.status_code} {answer.text}"
        return answer.json()

    def get(self, path: str) -> Any:
        return self.call("GET", path, 200)

    def post(self, path: str, body: Any = None, status: int = 200, key: str = "") -> Any:
        return self.call("POST", path, status, {} if body is None else body, key)

    def act(self, path: str, **given: Any) -> Any:
        return self.post(path, {"input": given})

    def file(self, case: str, material: str) -> Any:
        paper = (f"{material}.pdf", PAPER + material.encode(), "application/pdf")
        return self.call("POST", f"/cases/{case}/materials/{material}", 201, files={"file": paper})


@dataclass
class Story:
    venue: LiveVenue
    memory: dict[str, Any] = field(default_factory=dict)
    programs: dict[str, Program] = field(default_factory=dict)

    def __call__(self, login: str) -> Program:
        """The program of a person of the cast, in the name of his organisation or seats."""
        if login not in self.programs:
            org = getattr(self.venue.world, login).org if hasattr(self.venue.world, login) else None
            number = self.venue.do(lambda: _number(org)) if org else ""
            self.programs[login] = self.key_of(login, number)
        return self.programs[login]

    def key_of(self, login: str, organisation: str = "") -> Program:
        asked = {"login": login, "password": PASSWORD, "title": "journey", "organisation": organisation}
        return Program(self.venue.url, Program(self.venue.url).post("/keys", asked, 201)["token"])


def _number(org: int) -> str:
    from shugu.party import queries

    return queries.organisation(org).number


def test_the_first_trade_runs_through_the_api_alone(venue: LiveVenue) -> None:
    story = Story(venue)
    join_and_be_accredited(story)
    register_a_right(story)
    venue.catch_up()
    with venue.connector(story.memory["entry"]) as connector:
        measure_and_be_judged(story, connector)
        list_the_product(story, connector)
        agree_and_sign(story)
        pay_and_receive(story, connector)
    settle_and_prove(story)
    assert venue.audit() == []


def join_and_be_accredited(story: Story) -> None:
    stranger = Program(story.venue.url)
    person = {"login": "irene", "name": "艾琳", "password": PASSWORD}
    first, again = (stranger.post("/persons", person, 201, key="join-irene-1") for _ in range(2))
    assert first == again
    refused = stranger.post("/persons", {**person, "login": "irene2"}, 409, key="join-irene-1")
    assert refused["error"]["code"] == "idempotency-conflict"
    refused = stranger.post("/persons", {**person, "admin": True}, 422)
    assert refused["error"]["field_errors"] == {"admin": "未知字段"}
    alone = story.key_of("irene")
    org = alone.post("/organisations", {"name": "数源航空数据有限公司", "uscc": make_uscc("91330108MA2GGGGG7")}, 201)
    irene = story.programs["irene"] = story.key_of("irene", org["organisation"])
    case = irene.post("/accreditations", {"kind": "provider"}, 201)["case"]
    for material in ("licence", "commitment"):
        irene.file(case, material)
    irene.act(f"/accreditations/{case}/submit")
    assert case in {row["case"] for row in story("rita").get("/desk")["items"]}
    story("rita").act(f"/accreditations/{case}/accept")
    assert story("rong").act(f"/accreditations/{case}/approve")["state"] == "accredited"
    assert irene.get("/me")["organisation"]["accredited"] == ["provider"]


def register_a_right(story: Story) -> None:
    irene = story("irene")
    asked = {
        "register": "data-property", "title": TITLE, "object_kind": "data_product", "rights": ["holding", "operation"],
        "form": {"summary": "逐小时气象观测", "industry": "transport", "region": "美国纽约", "source": "公开统计，持有人整理"},
    }  # fmt: skip
    filing = irene.post("/filings", asked, key="filing-0001")
    assert irene.post("/filings", asked, key="filing-0001") == filing
    number = filing["number"]
    for material in ("source_proof", "identity", "declaration"):
        content = base64.b64encode(PAPER + material.encode()).decode()
        sent = {"material": material, "filename": f"{material}.pdf", "media_type": "application/pdf", "content": content}
        irene.post(f"/filings/{number}/materials", sent)
    irene.act(f"/filings/{number}/submit")
    story("rita").act(f"/filings/{number}/accept")
    assert story("rong").act(f"/filings/{number}/pass")["state"] == "notice"
    early = story("rita").post(f"/filings/{number}/issue", {"input": {}}, 409)
    assert early["error"]["article"] or early["error"]["remedy"]
    assert number in {n["number"] for n in Program(story.venue.url).get("/notices")}
    story.venue.pass_days(18)
    story.memory["entry"] = story("rita").act(f"/filings/{number}/issue")["entry"]
    entry = Program(story.venue.url).get(f"/entries/{story.memory['entry']}")
    assert entry["title"] == TITLE and entry["certificate"]


def measure_and_be_judged(story: Story, connector: Connector) -> None:
    irene, entry = story("irene"), story.memory["entry"]
    irene.post("/connectors", {"connector_id": connector.id, "url": connector.url, "vkey": connector.key}, 201)
    order = {"connector": connector.id, "file": connector.file.name, "sha256": connector.sha256, "entry": entry}
    number = irene.post("/quality-orders", order, 202)["number"]
    story.venue.settle()
    report = Program(story.venue.url).get(f"/quality/{irene.get(f'/quality-orders/{number}')['report']}")
    assert report["data_sha256"] == connector.sha256
    body = story.venue.do(_number, story.venue.world.quinn.org)
    assignment = irene.post("/assignments", {"entry": entry, "body": body, "scope": "来源与授权"}, 201)["number"]
    quinn = story("quinn")
    quinn.act(f"/assignments/{assignment}/accept")
    paper = {
        "conclusion": "compliant", "summary": "来源公开，无个人信息。", "signers": ["奎音", "钱量"], "filename": "report.pdf",
        "content_base64": base64.b64encode(PAPER + b"report").decode(),
    }  # fmt: skip
    quinn.post(f"/assignments/{assignment}/report", paper)
    assert quinn.act(f"/assignments/{assignment}/deliver")["report"]["conclusion"] == "compliant"


def list_the_product(story: Story, connector: Connector) -> None:
    irene = story("irene")
    offer = {
        "entry": story.memory["entry"], "title": TITLE, "summary": "三座机场逐小时气象，可与航班延误关联。", "keywords": ["气象"],
        "industry": "transport", "form": "data_set", "delivery_forms": ["data_set"], "connector_id": connector.id,
        "dictionary": [{"name": "origin", "type": "text"}, {"name": "temp", "type": "decimal", "title": "气温"}],
        "price": {"fen": 1_280_000}, "data_digest": connector.sha256,
        "licence": {"actions": ["use"], "purposes": ["research"], "term_days": 365, "calls": 20},
    }  # fmt: skip
    fraction = irene.post("/products", {**offer, "price": {"fen": 1_280_000.5}}, 422)
    assert "price.fen" in fraction["error"]["field_errors"]
    product = story.memory["product"] = irene.post("/products", offer, 201, key="product-0001")["number"]
    held = {
        "product": product, "file": connector.file.name, "sha256": connector.sha256, "size": connector.size,
        "label": story.memory["entry"],
    }  # fmt: skip
    irene.post(f"/connectors/{connector.id}/products", held, 201)
    gates = story.venue.do(_gates)
    listing = irene.post(f"/products/{product}/listing", {"gates": gates}, 201)["number"]
    irene.post(f"/listings/{listing}/approve", {"input": {}}, 403)
    assert story("otto").act(f"/listings/{listing}/approve")["state"] == "listed"
    story.venue.settle()
    found = Program(story.venue.url).get("/products?q=气象")
    assert [item["number"] for item in found["items"]] == [product]


def _gates() -> list[str]:
    from shugu.kernel import runtime

    return [str(code) for code in runtime.rules().value("catalogue.circulation_gates").codes]


def agree_and_sign(story: Story) -> None:
    irene, bob = story("irene"), story("bob")
    asked = {"product": story.memory["product"], "price_fen": 900_000, "terms": TERMS}
    talk = bob.post("/negotiations", asked, 201)["number"]
    standing = irene.post(f"/negotiations/{talk}/counter", {"price_fen": 1_100_000, "terms": TERMS})["standing_offer"]
    bob.post(f"/negotiations/{talk}/accept", {"offer": standing})
    story.venue.settle()
    contract = bob.get("/contracts")[0]
    number = story.memory["contract"] = contract["number"]
    assert contract["price_fen"] == 1_100_000
    for side in (irene, bob):
        side.act(f"/contracts/{number}/sign", terms_digest=contract["terms_digest"])
    assert story("tara").act(f"/contracts/{number}/approve", opinion="符合")["state"] == "approved"
    story.venue.settle()
    story("mallory").call("GET", f"/contracts/{number}", 404)


def pay_for_token(story: Story) -> tuple[str, Any]:
    """Bob pays; the delivery opens by itself; its number and the answer that holds the token."""
    bob = story("bob")
    request = bob.get("/money")["requests"][0]
    story.venue.bank_pays(request["reference"], request["requested_fen"], "远航物流研究有限公司")
    delivery = bob.get("/deliveries")["items"][0]["number"]
    given = bob.post(f"/deliveries/{delivery}/token", None, 201, key="token-0001")
    assert bob.post(f"/deliveries/{delivery}/token", None, 201, key="token-0001") == given
    return delivery, given


def await_receipt(story: Story, delivery: str) -> Any:
    """The connector brings its receipt by itself; the delivery as it stands then."""
    deadline = time.monotonic() + 20
    while (found := story("bob").get(f"/deliveries/{delivery}"))["state"] != "delivered":
        assert time.monotonic() < deadline, "the connector's receipt did not come"
        time.sleep(0.2)
    story.venue.settle()
    return found


def pay_and_receive(story: Story, connector: Connector) -> None:
    from connector.client import pull

    bob = story("bob")
    delivery, given = pay_for_token(story)
    got = pull(given["url"], given["token"], story.venue.files / "weather.parquet", purpose="research")
    assert (got.sha256, got.size) == (connector.sha256, connector.size)
    receipt = await_receipt(story, delivery)["grant"]["receipts"][0]
    assert (receipt["file"], receipt["billable_bytes"]) == (connector.file.name, connector.size)
    assert bob.act(f"/deliveries/{delivery}/accept", sha256=got.sha256)["state"] == "accepted"
    story.venue.settle()


def pay_out(story: Story, payments: int) -> None:
    """Everybody names an account, one officer proposes, the other approves, the bank pays."""
    for n, login in enumerate(("irene", "bob", "quinn", "mona")):
        story(login).post("/money/bank-account", {"holder": login, "bank": "杭州银行", "number": f"622848000000000000{n}"})
    mona, nina = story("mona"), story("nina")
    run = mona.post("/settlement/runs", {})["number"]
    mona.post(f"/settlement/runs/{run}/approve", {"input": {}}, 403)
    nina.act(f"/settlement/runs/{run}/approve")
    story.venue.settle()
    assert story.venue.bank_executes() == payments


def settle_and_prove(story: Story) -> None:
    pay_out(story, 3)
    found = story("bob").get(f"/contracts/{story.memory['contract']}")
    assert (found["state"], bool(found["voucher"])) == ("completed", True)
    voucher = story("bob").get(f"/vouchers/{found['voucher']}")
    assert voucher["credential"]["credentialSubject"]["number"] == found["voucher"]
    assert "credential" not in Program(story.venue.url).get(f"/vouchers/{found['voucher']}")
    assert story("mona").get("/settlement")["reconciliation"]["holds"] is True
    assert story("sven").get(f"/cases/{found['case']}")["state"] == "completed"
