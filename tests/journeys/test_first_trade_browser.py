"""The first trade by clicks and typing, in Chinese, as a newcomer meets it; key pages again in English and at 375 px."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from shugu.formats.identifiers import make_uscc

if TYPE_CHECKING:
    from playwright.sync_api import Browser

    from shugu.kernel.cases import Actor
    from tests.journeys.conftest import Connector, LiveVenue
    from tests.journeys.hands import Hands

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("journeys-browser")]
PASSWORD = "journey-pass-2026"
TITLE = "纽约机场气象观测数据"
DICTIONARY = """列名,类型,名称,可空,说明
origin,text,机场,否,
time_hour,timestamp,时刻,否,世界时
temp,decimal,气温,否,华氏度
humid,decimal,相对湿度,否,百分比
wind_speed,decimal,风速,是,英里每小时
precip,decimal,降水,否,英寸
visib,decimal,能见度,否,英里
"""
SAMPLE = """origin,time_hour,temp,humid,wind_speed,precip,visib
EWR,2013-01-01 06:00,39.02,59.37,10.35702,0,10
EWR,2013-01-01 07:00,39.02,61.63,8.05546,0,10
JFK,2013-01-01 06:00,39.02,59.37,13.80936,0,10
"""
KEY_PAGES = frozenset({
    "market-empty", "join", "accreditation", "desk-provider", "notice", "quality", "wizard-confirm", "market", "product",
    "negotiation", "contract-signed", "money-to-pay", "delivery-received", "settlement-due", "voucher", "supervision",
})  # fmt: skip
SHOTS = Path(os.environ["SHUGU_SHOTS"]) if os.environ.get("SHUGU_SHOTS") else None


@dataclass
class Story:
    venue: LiveVenue
    browser: Browser
    people: dict[str, Hands] = field(default_factory=dict)
    memory: dict[str, Any] = field(default_factory=dict)

    def __call__(self, login: str) -> Hands:
        """The browser of a person, signed in."""
        from tests.journeys.hands import Hands

        if login not in self.people:
            self.people[login] = Hands.open(self.browser, self.venue.url)
            if login not in ("irene", "visitor"):
                self.people[login].sign_in(login, PASSWORD)
        return self.people[login]

    def look(self, login: str, name: str, path: str = "") -> None:
        who = self(login)
        (who.go(path) if path else who).look(english=name in KEY_PAGES, shots=SHOTS, name=name)


def test_a_newcomer_sells_and_a_buyer_buys_by_clicks_alone(venue: LiveVenue, browser: Browser) -> None:
    story = Story(venue, browser)
    join_and_be_accredited(story)
    register_a_right(story)
    venue.catch_up()
    with venue.connector(story.memory["entry"]) as connector:
        measure_beside_the_data(story, connector)
        be_judged(story)
        describe_the_product(story, connector)
        find_and_negotiate(story)
        sign_and_review(story)
        pay(story)
        receive(story, connector)
    settle(story)
    prove(story)
    supervise(story)
    faults = [fault for hands in story.people.values() for fault in hands.faults]
    assert faults == []
    assert venue.audit() == []


def join_and_be_accredited(story: Story) -> None:
    irene = story("irene")
    story.look("irene", "market-empty", "/")
    irene.go("/join/").fill(
        {
            "name": "艾琳", "login": "irene", "password": PASSWORD, "again": PASSWORD, "org_name": "数源航空数据有限公司",
            "org_name_en": "Shuyuan Aviation Data Ltd.", "uscc": make_uscc("91330108MA2GGGGG7"), "kind": "enterprise",
        }
    )  # fmt: skip
    story.look("visitor", "join", "/join/")
    irene.submit()
    irene.sees("申请入驻").fill({"kind": "provider"}).submit()
    irene.upload("licence", "commitment")
    story.look("irene", "accreditation")
    irene.act("submit").sees("待受理")
    story.venue.settle()
    story("rita").case("入驻").act("accept").sees("审核中")
    story.look("rong", "desk-reviewer", "/desk/")
    story("rong").case("入驻").act("approve").sees("已入驻")


def register_a_right(story: Story) -> None:
    irene = story("irene")
    irene.go("/desk/").go("/register/apply/")
    story.look("irene", "register-choose")
    irene.press("首次登记")
    irene.fill(
        {
            "title": TITLE, "rights": ["holding", "operation"], "form_summary": "2013 年纽约三座机场逐小时气象观测",
            "form_industry": "transport", "form_region": "美国纽约", "form_source": "公开统计，持有人整理",
        }
    )  # fmt: skip
    story.look("visitor", "register-book", "/register/")
    irene.submit()
    irene.upload("source_proof", "identity", "declaration").act("submit").sees("待受理")
    story.look("irene", "filing-case")
    story("rita").case("气象").act("accept").sees("审查中")
    story("rong").case("气象").act("pass").sees("公示中")
    story.venue.settle()
    visitor = story("visitor").go("/notices/").sees(TITLE)
    story.look("visitor", "notices")
    visitor.page.locator("main table tbody a").first.click()
    visitor.sees("提出异议须先登录")
    story.look("visitor", "notice")
    story.venue.pass_days(18)
    story("rita").case("气象").act("issue").sees("已登记")
    story.venue.settle()
    irene.go("/register/").open_row(TITLE)
    story.memory["entry"] = irene.number


def measure_beside_the_data(story: Story, connector: Connector) -> None:
    irene = story("irene").go("/connectors/")
    story.look("irene", "connectors-empty")
    irene.press("登记连接器")
    irene.fill({"connector_id": connector.id, "url": connector.url, "vkey": connector.key})
    irene.submit().sees("连接器已登记并连通", connector.id)
    irene.press("评价其他文件")
    irene.fill({"entry": story.memory["entry"], "file": connector.file.name, "sha256": connector.sha256}).submit().sees("评价中")
    story.venue.settle()
    irene.page.reload()
    story.look("irene", "connector")
    irene.page.locator("a[href^='/quality/']").first.click()
    irene.sees("有效")
    story.memory["quality"] = irene.number
    story.look("visitor", "quality", irene.path)


def be_judged(story: Story) -> None:
    irene = story("irene").go("/assignments/new/")
    irene.fill({"entry": story.memory["entry"], "scope": "数据来源与授权范围"})
    irene.page.locator("main [name=body]").select_option(label="正衡数据评估有限公司")
    irene.submit()
    story.memory["assignment"] = irene.number
    quinn = story("quinn").go("/assignments/").open_row(TITLE)
    quinn.act("accept").go(f"/assignments/{story.memory['assignment']}/")
    quinn.go(f"/assignments/{story.memory['assignment']}/report/")
    paper = story.venue.files / "report.pdf"
    paper.write_bytes(b"%PDF-1.4\n% the compliance report\n")
    quinn.fill({"conclusion": "compliant", "summary": "来源公开，无个人信息。", "signers": "奎音\n钱量", "report": paper})
    story.look("irene", "assignment", f"/assignments/{story.memory['assignment']}/")
    quinn.submit()
    story.look("quinn", "assignment-body")
    quinn.act("deliver").sees("已出具")
    story.venue.settle()


def describe_the_product(story: Story, connector: Connector) -> None:
    irene = story("irene").go("/products/mine/")
    irene.press("建立产品")
    irene.fill({"entry": story.memory["entry"]}).submit()
    irene.fill(
        {
            "title": TITLE, "title_en": "Hourly weather at New York's airports, 2013",
            "summary": "2013 年纽约三座机场逐小时气温、露点、湿度、风、降水与能见度，可与航班延误关联分析。",
            "keywords": "气象、机场、航班、延误", "industry": "transport", "form": "data_set",
            "delivery_forms": ["data_set", "api"],
        }
    )  # fmt: skip
    story.look("visitor", "register-entry", f"/register/{story.memory['entry']}/")
    irene.submit()
    irene.fill({"dictionary": DICTIONARY, "sample": SAMPLE, "connector_id": connector.id}).submit()
    irene.fill({"price": "12,800.005"}).submit().sees("分")
    irene.faults = [f for f in irene.faults if "422" not in f]
    irene.fill({"price": "12,800.00", "includes": "一年内不限次数下载"}).submit()
    irene.fill({"actions": ["use"], "purposes": ["research", "product_development"], "term_days": "365", "calls": "20"})
    irene.submit().sees("核对")
    story.look("irene", "wizard-confirm")
    irene.submit().sees("提交挂牌")
    story.memory["product"] = product = irene.number
    story.look("irene", "listing-submit")
    irene.fill({"gates": irene.page.locator("main [name=gates]").evaluate_all("all => all.map(e => e.value)")})
    irene.submit().sees("挂牌审核中")
    irene.go(f"/connectors/{connector.id}/products/new/?product={product}")
    irene.fill(
        {"file": connector.file.name, "sha256": connector.sha256, "size": str(connector.size), "label": story.memory["entry"]}
    )  # fmt: skip
    irene.submit().sees("持有的数据", TITLE)
    otto = story("otto").case(TITLE)
    story.look("otto", "listing-case")
    otto.act("approve").sees("已挂牌")
    story.venue.settle()


def find_and_negotiate(story: Story) -> None:
    bob = story("bob").go("/")
    bob.page.locator("#site-search").fill("气象")
    bob.page.locator("#site-search").press("Enter")
    bob.page.wait_for_load_state()
    story.look("visitor", "market", "/")
    story.look("visitor", "market-search", "/?q=气象")
    bob.press(TITLE, "main")
    story.look("bob", "product")
    bob.press("发起磋商", "main")
    bob.fill({"price_fen": "9,000.00", "purpose": "research", "delivery_form": "data_set", "term_days": "365"}).submit()
    story.memory["talk"] = bob.path
    story.venue.settle()
    irene = story("irene").go("/desk/")
    story.look("irene", "desk-provider")
    irene.go(story.memory["talk"]).act("counter", {"price_fen": "11,000.00"})
    bob.go(story.memory["talk"])
    story.look("bob", "negotiation")
    bob.act("accept").sees("达成一致")
    story.venue.settle()
    bob.go("/contracts/").open_row(TITLE)
    story.memory["contract"] = bob.number


def sign_and_review(story: Story) -> None:
    path = f"/contracts/{story.memory['contract']}/"
    for who in ("irene", "bob"):
        signer = story(who).go(path)
        story.look(who, f"contract-{who}")
        signer.go(f"{path}sign/").fill({"read": True})
        if signer.page.locator("[name=undertaking]").count():
            signer.fill({"undertaking": True})
        signer.submit().sees("已签署")
    story.look("bob", "contract-signed", path)
    tara = story("tara").case(TITLE)
    story.look("tara", "contract-case")
    tara.act("approve", {"opinion": "符合"})
    story.venue.settle()


def pay(story: Story) -> None:
    bob = story("bob").go("/money/").sees("请缴款")
    story.look("bob", "money-to-pay")
    reference = bob.page.locator("main section.card code").first.inner_text()
    amount = bob.page.locator("main section.card h2 .numeric").first.inner_text()
    fen = int(re.sub(r"[^0-9]", "", amount))
    story.venue.bank_pays(reference, fen, "远航物流研究有限公司")
    bob.go("/money/")
    story.look("bob", "money-paid")


def receive(story: Story, connector: Connector) -> None:
    from connector.client import pull

    bob = story("bob").go("/deliveries/").open_row(TITLE)
    story.memory["delivery"] = bob.path
    story.look("bob", "delivery-granted")
    bob.press("领取令牌")
    shown = bob.page.locator("main pre").all_inner_texts()
    address = next(word.strip("'\"") for text in shown for word in text.split() if "/data/" in word)
    bob.page.screenshot(path=SHOTS / "delivery-token-zh-1280.png", full_page=True) if SHOTS else None
    got = pull(address, shown[0].strip(), story.venue.files / "weather.parquet", purpose="research")
    assert (got.sha256, got.size) == (connector.sha256, connector.size)
    bob.go(story.memory["delivery"]).awaits("下载签名回执")
    story.venue.settle()
    story.look("bob", "delivery-received")
    bob.act("accept", {"sha256": got.sha256}).sees("验收")
    story.venue.settle()


def settle(story: Story) -> None:
    irene = story("irene").go("/money/").press("登记", "main")
    irene.fill({"holder": "数源航空数据有限公司", "bank": "杭州银行", "number": "6228480000000000000"}).submit()
    quinn = story("quinn").go("/money/").press("登记", "main")
    quinn.fill({"holder": "正衡数据评估有限公司", "bank": "杭州银行", "number": "6228480000000000002"}).submit()
    mona = story("mona").go("/operations/settlement/").press("登记场所收款账户")
    mona.fill({"holder": "杭州数据交易场所", "bank": "杭州银行", "number": "6228480000000000001"}).submit()
    story.look("mona", "settlement-due", "/operations/settlement/")
    mona.press("制作结算单").sees("待另一人复核")
    nina = story("nina").case().press("查看详情").sees("付款指令", "6228480000000000000", "6228480000000000002")
    story.look("nina", "run")
    nina.act("approve").sees("已发银行")
    story.venue.settle()
    assert story.venue.bank_executes() == 3
    story.look("mona", "settlement-done", "/operations/settlement/")
    story.look("irene", "money-provider", "/money/")


def prove(story: Story) -> None:
    bob = story("bob").go(f"/contracts/{story.memory['contract']}/")
    story.look("bob", "contract-completed")
    bob.press("交易凭证")
    story.memory["voucher"] = bob.number
    story.look("bob", "voucher")
    story.look("visitor", "voucher-public", f"/vouchers/{bob.number}/")
    bob.page.locator("a.seal").first.click()
    bob.page.locator("dialog#panel[open]").wait_for()
    bob.sees("存证证明", "通过")
    assert bob.page.locator("#panel-body .proof-steps .tone-bad").count() == 0
    bob.page.screenshot(path=SHOTS / "proof-panel-zh-1280.png") if SHOTS else None
    file = story.venue.files / "voucher.json"
    file.write_bytes(bob.page.request.get(f"{story.venue.url}/vouchers/{bob.number}.json").body())
    visitor = story("visitor").go("/verify/").fill({"file": file}).press("验证")
    visitor.sees("签名与存证", "通过")
    visitor.page.screenshot(path=SHOTS / "verify-zh-1280.png", full_page=True) if SHOTS else None
    story.look("visitor", "evidence", "/evidence/")


def supervise(story: Story) -> None:
    sven = story("sven").go("/supervision/")
    story.look("sven", "supervision")
    case = story.venue.do(_case_of, story.memory["contract"], story.venue.world.bob)
    sven.go(f"/supervision/cases/?number={case}").open_row(case).sees(case, "出具凭证")
    story.look("sven", "supervision-case")
    story.look("sven", "supervision-facts", "/supervision/facts/")
    sven.go("/supervision/queries/").sees("监管查询留痕", "孙文")


def _case_of(contract: str, actor: Actor) -> str:
    from shugu.trade import queries

    return queries.contract(contract, actor).case_number


def test_sign_in_and_an_act_work_by_the_keyboard_alone(venue: LiveVenue, browser: Browser) -> None:
    from tests.journeys.hands import Hands

    applied = venue.do(_apply, venue)
    rita = Hands.open(browser, venue.url).go("/sign-in/")
    rita.tab_to("[name=login]").type("rita").tab_to("[name=password]").type(PASSWORD).enter()
    rita.sees("任丽塔").go(f"/cases/{applied}/")
    rita.tab_to("[data-act=accept]").enter()
    rita.tab_to("[name=opinion]").type("材料齐全").tab_to("main button.primary").enter()
    rita.sees("审核中", "材料齐全")
    rita.go("/").tab_to(".skip").enter()
    assert rita.page.evaluate("document.activeElement.id") == "content"
    assert rita.faults == []
    assert venue.audit() == []


def _apply(venue: LiveVenue) -> str:
    """Mallory's application waits at the registrar's desk; its case."""
    from shugu.party import services as party

    world = venue.world
    applied = party.apply_accreditation(
        party.ApplyAccreditation(world.mallory.org or 0, "provider", ""), actor=world.mallory, now=world.now
    )
    for material in ("licence", "commitment"):
        world.file(applied.case_id, material, world.mallory)
    party.act_on_accreditation(party.ActOnAccreditation(applied.case_id, "submit"), actor=world.mallory, now=world.now)
    return str(applied.case.number)
