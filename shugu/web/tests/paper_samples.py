"""One invented document for each layout; none describes a real venue, party or product."""

from __future__ import annotations

from datetime import UTC, date, datetime

from shugu.kernel.text import Text
from shugu.web.paper import (
    Align,
    Bar,
    Clause,
    Document,
    Kind,
    Row,
    Seal,
    Section,
    Signature,
    Table,
)

VENUE = Text("云岭数据交易中心", "Yunling Data Exchange")
SEAL = Seal(venue=Text("云岭数据交易中心有限公司", "Yunling Data Exchange"),
            purpose=Text("登记专用章", "Registration"), code="5201000042317")
DAY = date(2026, 11, 2)
DIGEST = "sha256:9f2c4e7ab10d55e86c3f0a1b7d99e2c45a61f8037be24d9cc01877ea5b6f3d20"

CERTIFICATE = Document(
    kind=Kind.CERTIFICATE,
    title=Text("数据产权登记证书", "Certificate of Data Property Registration"),
    number="YL-DPR-2026-000317",
    issuer=VENUE,
    issued_on=DAY,
    statement=Text(
        "经审查并公示期满无异议，下列数据权益已记入本登记机构登记簿，特发此证。权利状态以登记簿记载为准。",
        "After review, and public notice without objection, the rights below are entered in the register of "
        "this registrar. The register prevails over this certificate.",
    ),
    sections=(
        Section(
            title=Text("登记事项", "Entry"),
            rows=(
                Row(Text("登记主体", "Registrant"), "青禾气象数据科技有限公司"),
                Row(Text("登记类型", "Registration"), Text("首次登记", "First registration")),
                Row(Text("数据产品", "Data product"), "西南地区逐小时降水格点数据集（2016 至 2025）"),
                Row(Text("权利类型", "Rights"), Text("数据资源持有权、数据产品经营权",
                                                 "Holding; operation of data products")),
                Row(Text("登记日期", "Entered on"), "2026-11-02"),
                Row(Text("有效期至", "Valid until"), "2029-11-01"),
                Row(Text("数据摘要", "Digest"), DIGEST, mono=True),
            ),
        ),
    ),
    seal=SEAL,
    qr_url="https://exchange.example/verify/YL-DPR-2026-000317",
)

TERMS = (
    (1, "一", ("标的", "Subject"), (
        "甲方许可乙方在合同期内查询并使用登记编号所载数据产品，范围以附件所列字段与时段为限。",
        "The licensor lets the licensee use the registered product, limited to the fields in the annex.",
    )),
    (2, "二", ("用途", "Purpose"), (
        "乙方仅可将数据用于农业保险定价与理赔核验，不得用于识别自然人，不得转售或再许可。",
        "The data serve crop insurance only; identification of persons and resale are excluded.",
    )),
    (3, "三", ("价款", "Price"), (
        "许可费为人民币 128,000.00 元，按交付批次通过交易中心结算账户支付。",
        "The fee is CNY 128,000.00, paid by delivered batch through the settlement account.",
    )),
    (4, "四", ("交付与验收", "Delivery"), (
        "甲方经连接器交付；乙方应在约定期限内验收，逾期未提出异议的，视为验收通过。",
        "Delivery is through the connector; silence after the agreed period counts as acceptance.",
    )),
    (5, "五", ("违约与争议", "Breach and disputes"), (
        "一方违反用途限制的，应停止使用并赔偿由此造成的损失；争议提交合同约定的机构解决。",
        "A party in breach ceases use and makes good the loss; disputes go to the agreed body.",
    )),
)

CONTRACT = Document(
    kind=Kind.CONTRACT,
    title=Text("数据产品许可使用合同", "Data Product Licence Agreement"),
    number="YL-C-2026-0000912",
    issuer=VENUE,
    issued_on=DAY,
    sections=(
        Section(
            title=Text("当事人", "Parties"),
            rows=(
                Row(Text("许可方（甲方）", "Licensor"), "青禾气象数据科技有限公司"),
                Row(Text("被许可方（乙方）", "Licensee"), "Harbour & Finch Insurance Ltd."),
            ),
        ),
        Section(
            title=Text("条款", "Terms"),
            clauses=tuple(
                Clause(
                    Text(f"第{zh}条", f"{number}."),
                    Text(*title),
                    (Text(*body), Text(*body)),
                )
                for number, zh, title, body in TERMS
            ),
        ),
    ),
    signatures=(
        Signature(Text("许可方（甲方）", "Licensor"), "青禾气象数据科技有限公司",
                  datetime(2026, 11, 2, 3, 14, 15, tzinfo=UTC), "did:web:qinghe.example#k-2026-03",
                  "SM2 with SM3", "3045022100a7c1e4d09b6f22835bd1c0e7f6aa98d4430b2e19c8d57f60a1e3b2c4d5f6"),
        Signature(Text("被许可方（乙方）", "Licensee"), "Harbour & Finch Insurance Ltd."),
    ),
    seal=Seal(SEAL.venue, Text("合同备案章", "Contract filing"), SEAL.code),
    qr_url="https://exchange.example/verify/YL-C-2026-0000912",
)

VOUCHER = Document(
    kind=Kind.VOUCHER,
    title=Text("数据交易凭证", "Data Transaction Voucher"),
    number="YL-V-2026-0004471",
    issuer=VENUE,
    issued_on=DAY,
    sections=(
        Section(
            title=Text("交易", "Transaction"),
            rows=(
                Row(Text("提供方", "Provider"), "青禾气象数据科技有限公司"),
                Row(Text("需求方", "Buyer"), "Harbour & Finch Insurance Ltd."),
                Row(Text("数据产品", "Product"), "西南地区逐小时降水格点数据集"),
                Row(Text("交付方式", "Delivery"), Text("接口", "API")),
                Row(Text("成交金额", "Amount"), "¥128,000.00"),
                Row(Text("合同编号", "Contract"), "YL-C-2026-0000912"),
                Row(Text("交付完成", "Delivered"), "2026-11-01"),
            ),
        ),
        Section(
            title=Text("存证", "Evidence"),
            rows=(
                Row(Text("日志位置", "Log index"), "1 048 576"),
                Row(Text("检查点", "Checkpoint"), "1 048 602"),
                Row(Text("叶摘要", "Leaf"), DIGEST, mono=True),
            ),
        ),
    ),
    seal=Seal(SEAL.venue, Text("交易凭证专用章", "Vouchers"), SEAL.code),
    qr_url="https://exchange.example/verify/YL-V-2026-0004471",
)

_REPORT_ROWS = tuple(
    (name, f"{good:,}", "1,000,000", f"{good // 10_000}.{good % 10_000:04d}%")
    for name, good in ((Text("站点编号非空", "Station id present"), 1_000_000),
                      (Text("降水量取值范围", "Rainfall within range"), 998_169),
                      (Text("时间戳整点", "Whole-hour timestamps"), 999_958))
)
REPORT = Document(
    kind=Kind.REPORT,
    title=Text("数据质量评价报告", "Data Quality Evaluation Report"),
    number="YL-Q-2026-000058",
    issuer=VENUE,
    issued_on=DAY,
    sections=(
        Section(
            title=Text("结论", "Findings"),
            paragraphs=(Text("本次评价扫描全部一百万行，二十项指标中十九项可评。",
                             "All rows were scanned; nineteen of twenty indicators were assessable."),),
            bars=(
                Bar(Text("完整性", "Completeness"), 9982, 10000, "99.82%"),
                Bar(Text("准确性", "Accuracy"), 9120, 10000, "91.20%"),
                Bar(Text("一致性", "Consistency"), 7543, 10000, "75.43%",
                    Text("三个站点的单位记法不同", "Three stations write another unit")),
                Bar(Text("时效性", "Timeliness"), None, 10000,
                    note=Text("来源未给出采集时间", "The source gives no time of capture")),
            ),
        ),
        Section(
            title=Text("完整性与准确性", "Completeness and accuracy"),
            table=Table(
                columns=(Text("指标", "Indicator"), Text("符合行数", "Rows that pass"),
                         Text("受评行数", "Rows assessed"), Text("得分", "Score")),
                rows=_REPORT_ROWS,
                align=(Align.LEFT, Align.RIGHT, Align.RIGHT, Align.RIGHT),
                weights=(3, 2, 2, 2),
            ),
        ),
    ),
    seal=Seal(SEAL.venue, Text("质量评价专用章", "Quality"), SEAL.code),
    qr_url="https://exchange.example/verify/YL-Q-2026-000058",
    watermark=Text("副本", "COPY"),
)


def statement(lines: int = 60) -> Document:
    """A settlement statement of `lines` movements; sixty run over two pages."""
    moves = tuple(
        (f"2026-10-{1 + i % 28:02d}", f"YL-V-2026-{4400 + i:07d}",
         Text("交易服务费", "Service fee") if i % 3 == 0 else Text("成交价款", "Price"),
         f"{128 + i},000.00" if i % 3 else "", "" if i % 3 else f"{1 + i},280.00")
        for i in range(lines)
    )
    received = sum((128 + i) * 1000 for i in range(lines) if i % 3)
    paid = sum((1 + i) * 1000 + 280 for i in range(lines) if not i % 3)
    return Document(
        kind=Kind.STATEMENT,
        title=Text("结算对账单", "Settlement Statement"),
        number="YL-S-2026-10-0031",
        issuer=VENUE,
        issued_on=DAY,
        sections=(
            Section(
                title=Text("账户", "Account"),
                rows=(
                    Row(Text("户名", "Holder"), "青禾气象数据科技有限公司"),
                    Row(Text("期间", "Period"), "2026-10-01 / 2026-10-31"),
                    Row(Text("期初余额", "Opening"), "¥0.00"),
                    Row(Text("期末余额", "Closing"), f"¥{received - paid:,}.00"),
                ),
            ),
            Section(
                title=Text("明细", "Movements"),
                table=Table(
                    columns=(Text("日期", "Date"), Text("凭证", "Voucher"), Text("摘要", "Item"),
                             Text("收入（元）", "In (CNY)"), Text("支出（元）", "Out (CNY)")),
                    rows=moves,
                    align=(Align.LEFT, Align.LEFT, Align.LEFT, Align.RIGHT, Align.RIGHT),
                    weights=(0, 0, 1, 1, 1),
                    totals=(Text("合计", "Total"), "", "", f"{received:,}.00", f"{paid:,}.00"),
                ),
            ),
        ),
        seal=Seal(SEAL.venue, Text("结算专用章", "Settlement"), SEAL.code),
        qr_url="https://exchange.example/verify/YL-S-2026-10-0031",
        footer=Text("金额单位：人民币元", "Amounts in CNY"),
    )


NOTICE = Document(
    kind=Kind.NOTICE,
    title=Text("关于数据产权登记的公示", "Public Notice of a Data Property Registration"),
    number="云数登公示〔2026〕41号",
    issuer=VENUE,
    issued_on=DAY,
    addressee=Text("各有关单位", "To whom it may concern"),
    sections=(
        Section(
            title=Text("", ""),
            paragraphs=(
                Text("青禾气象数据科技有限公司申请的首次登记已通过审查，现予公示。",
                     "The first registration of Qinghe Weather Data has passed review and is published."),
                Text("对公示内容有异议的，请于公示期内凭证明材料提出，逾期不予受理。",
                     "Objections are raised with supporting material within the period of notice."),
            ),
            rows=(
                Row(Text("公示期", "Period of notice"), "2026-11-02 / 2026-11-13"),
                Row(Text("受理编号", "Case"), "YL-R-2026-000317"),
            ),
        ),
    ),
    seal=SEAL,
    qr_url="https://exchange.example/notices/41",
    demo=True,
)

SAMPLES = (CERTIFICATE, CONTRACT, VOUCHER, REPORT, statement(), NOTICE)
