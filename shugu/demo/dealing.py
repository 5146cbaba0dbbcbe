"""Chapters five to eight: demand and offer, contract, money, delivery, settlement and the voucher."""

from __future__ import annotations

import json

import httpx

from connector import client, verify_meter
from shugu.delivery import queries as deliveries
from shugu.delivery import services as delivery
from shugu.demo import stage
from shugu.demo.offering import Story, attach_proof
from shugu.edges.bank import simulator
from shugu.evidence import grounds
from shugu.evidence import queries_package as packages
from shugu.evidence import services as evidence
from shugu.formats.package import read_zip, verify_package
from shugu.kernel import clock, documents, signer
from shugu.kernel.models import Case
from shugu.kernel.money import format_fen
from shugu.kernel.workdays import local_day
from shugu.market import queries as market
from shugu.market import services as marketing
from shugu.market.domain import Terms
from shugu.party import queries as parties
from shugu.settlement import queries as money
from shugu.settlement import services as settling
from shugu.trade import papers as trade_papers
from shugu.trade import queries as trades
from shugu.trade import services as trading
from shugu.worker import settle

LISTED, FIRST_OFFER, COUNTER = 12_800_00, 9_000_00, 11_000_00
PURPOSE = "research"


def agree(story: Story) -> None:
    """The buyer's demand, the ranked match, offers and counter-offers, and the contract both sides sign."""
    tell, alice, bob = story.tell, story["alice"], story["bob"]
    with tell.step("demand", "需求发布与匹配", "a demand is posted and matched"):
        posted = marketing.post_demand(
            marketing.PostDemand(
                "航班延误与气象影响研究用数据", PURPOSE, ("航班", "延误", "气象"), "用于航空物流时效研究。",
                "transport", ("api", "data_set"), LISTED,
            ),
            actor=bob, now=clock.now(),
        )  # fmt: skip
        best = market.matches(posted.number, bob, local_day(clock.now()))[0]
        tell.note(demand=posted.number, score=best.score, of=best.out_of)
        for reason in best.reasons:
            tell.say(f"{reason.points}/{reason.of} {reason.why.zh}", f"{reason.points}/{reason.of} {reason.why.en}")
    with tell.step("negotiation", "磋商：出价、还价、成交", "negotiation: offer, counter-offer, agreement"):
        terms = Terms(365, PURPOSE, "data_set")
        opening = marketing.OpenNegotiation(story.product, posted.number, price_fen=FIRST_OFFER, terms=terms)
        talk = marketing.open_negotiation(opening, actor=bob, now=clock.now())
        marketing.counter_offer(marketing.CounterOffer(talk.number, COUNTER, terms), actor=alice, now=clock.now())
        standing = market.negotiation(talk.number, bob).standing
        assert standing is not None
        marketing.accept_offer(marketing.AcceptOffer(talk.number, standing.number), actor=bob, now=clock.now())
        tell.say(
            f"出价 {format_fen(FIRST_OFFER)}，还价 {format_fen(COUNTER)}，成交",
            f"offered {format_fen(FIRST_OFFER)}, countered {format_fen(COUNTER)}, agreed",
        )
    contract = trades.contract_of_negotiation(talk.pk)
    assert contract is not None, "no contract was drafted"
    story.memory["contract"] = contract.id
    with tell.step("signing", "双方电子签署合同", "both sides sign the contract electronically"):
        for who in (alice, bob):
            trading.sign_contract(trading.SignContract(contract.number, contract.digest), actor=who, now=clock.now())
    with tell.step("contract-review", "场所审核订单与合同", "the venue reviews order and contract"):
        approval = trading.ReviewContract(contract.number, "approve", opinion="符合")
        trading.review_contract(approval, actor=story["tara"], now=clock.now())
    found = trades.contract(contract.number, bob)
    tell.keep("contract.json", documents.get(found.document_digest))
    attach_proof(story, "contract")
    source, digest = trades.document(found), found.document_digest
    tell.keep("contract.pdf", trade_papers.contract_pdf(source, digest, tell.lang, now=clock.now(), actor=bob))
    tell.note(contract=contract.number)


def fund(story: Story) -> None:
    """The buyer pays into custody; the bank's signed statement is matched and the contract is in force."""
    tell, bob = story.tell, story["bob"]
    with tell.step("escrow", "缴款申请与银行入账对账", "payment request, and the bank's statement matched"):
        request = money.requests(bob)[0]
        payer = parties.organisation(int(bob.org or 0)).name
        simulator.pay(request.number, request.requested, payer=payer, account="6222020000000000012", now=clock.now())
        simulator.write_statement(clock.now())
        settle()
        assert trades.is_funded(story.memory["contract"]), "the payment was not matched"
        tell.say(
            f"存管到账 {format_fen(request.requested)} 元，凭据号 {request.number}",
            f"{format_fen(request.requested)} CNY held in custody under {request.number}",
        )


def deliver(story: Story) -> None:
    """The data goes from the provider's connector to the buyer under the contract; nothing passes the exchange."""
    tell, bob = story.tell, story["bob"]
    settle()
    with tell.step("grant", "合同生效，授权下发到连接器", "the contract is in force; the grant reaches the connector"):
        settle()
        view = deliveries.delivery_of(story.memory["contract"])
        assert view is not None and view.grant is not None, "no delivery was opened"
        assert view.grant.taken_at is not None, f"the connector has not taken the grant: {view.grant.problem}"
        tell.note(delivery=view.number, grant=view.grant.number)
    with tell.step("refused", "没有令牌的请求被拒绝", "a request without a token is refused"):
        stranger = httpx.get(view.grant.url, trust_env=False)
        assert stranger.status_code == 401, f"a stranger got {stranger.status_code}"
    with tell.step("transfer", "需求方凭令牌拉取数据，逐字节计量", "the buyer pulls with a token; every byte is metered"):
        issued = delivery.issue_token(delivery.IssueToken(view.number), actor=bob, now=clock.now())
        target = tell.out / "delivered" / view.grant.file
        target.parent.mkdir(parents=True, exist_ok=True)
        with tell.progress("拉取", "pulling") as told:
            pulled = client.pull(
                view.grant.url, delivery.token_text(issued), target, purpose=PURPOSE,
                progress=lambda done, total: told(done, total, view.grant.file if view.grant else ""),
            )  # fmt: skip
        assert pulled.sha256 == story.digest, "other bytes arrived than were sold"
        tell.keep("delivery-receipt.json", json.dumps(pulled.receipt, ensure_ascii=False, indent=1).encode())
        tell.steps[-1].files.append(f"delivered/{view.grant.file}")
        delivery.take_receipt(delivery.TakeReceipt(pulled.receipt), actor=bob, now=clock.now())
        tell.note(bytes=pulled.size, sha256=pulled.sha256)
        tell.say(f"{pulled.size:,} 字节，摘要一致", f"{pulled.size:,} bytes, the digest agrees")
    with tell.step("acceptance", "需求方验收", "the buyer accepts the delivery"):
        delivery.accept_delivery(delivery.AcceptDelivery(view.number, pulled.sha256), actor=bob, now=clock.now())
    with tell.step("meter", "连接器计量链复核", "the connector's meter chain is derived again"):
        problems = verify_meter(stage.connector_home())
        assert not problems, problems


def settle_money(story: Story) -> None:
    """Fees taken, proceeds split among the right holders, payees paid through the bank, four eyes on the run."""
    tell, alice = story.tell, story["alice"]
    with tell.step("accounts", "收款账户登记", "accounts for payments are named"):
        for place, login in enumerate(("alice", "carol", "quinn"), 1):
            actor = story[login]
            holder = parties.organisation(int(actor.org or 0)).name
            account = settling.SetBankAccount(actor.org, holder, "示范银行", f"622848{place:013d}")
            settling.set_bank_account(account, actor=actor, now=clock.now())
        venue = settling.SetBankAccount(None, "示范交易场所", "示范银行", "6228489999999999999")
        settling.set_bank_account(venue, actor=story["mona"], now=clock.now())
    with tell.step("settlement", "结算：费用、分账、付款指令（两人分任）", "settlement: fees, split, orders (maker, checker)"):
        run = settling.propose_run(settling.ProposeRun(), actor=story["mona"], now=clock.now())
        settling.act_on_run(settling.ActOnRun(run.case_id, "approve"), actor=story["nina"], now=clock.now())
        settle()
        found = money.contract_money(story.memory["contract"], story["mona"])
        for line in found.lines:
            basis = f"（{line.basis.rate_bps / 100:.2f}%，{line.basis.document} {line.basis.article}）" if line.basis else ""
            tell.say(f"{line.title.zh} {format_fen(line.amount)}{basis}", f"{line.title.en} {format_fen(line.amount)}")
    with tell.step("bank", "银行付款并回单，逐笔对账", "the bank pays and reports; each line is matched"):
        simulator.execute_orders(clock.now())
        simulator.write_statement(clock.now())
        settle()
        checked = money.reconciliation(story["mona"])
        assert not money.breaks(story["mona"], state="open"), "the books and the bank differ"
        tell.say(f"存管余额 {format_fen(checked.bank)}，账簿 {format_fen(checked.ledger)}", "books and bank agree")
        period = f"{local_day(clock.now()):%Y-%m}"
        tell.keep("settlement-statement.pdf", money.statement_pdf(money.statement(period, alice), tell.lang, now=clock.now()))


def certify(story: Story) -> None:
    """The voucher, sealed in the log, and the evidence package."""
    tell = story.tell
    with tell.step("voucher", "出具数据交易凭证并封存", "the data transaction voucher, sealed"):
        contract = trades.contract_by_id(story.memory["contract"])
        assert contract.state == "completed" and contract.voucher_number, f"the contract is {contract.state}"
        found = trades.voucher(contract.voucher_number)
        tell.keep("voucher.json", trades.voucher_bytes(found.number))
        attach_proof(story, "voucher")
        paper = trade_papers.voucher_pdf(found.credential, found.digest, tell.lang, now=clock.now(), actor=story["alice"])
        tell.keep("voucher.pdf", paper)
        tell.note(voucher=found.number)
        tell.say(f"凭证号 {found.number}", f"voucher {found.number}")


def package(story: Story) -> None:
    """The provider takes out the evidence of the trade: the contract's case and all that belong to it."""
    tell = story.tell
    with tell.step("package", "当事人提取证据包", "a party extracts the evidence package"):
        alice, now = story["alice"], clock.now()
        case = Case.objects.get(pk=trades.contract_by_id(story.memory["contract"]).case)
        mine = [c for c in packages.related(case) if grounds.open_to(c, alice)]
        cmd = evidence.ExtractPackage((case.number, *(c.number for c in mine)), "own")
        row = evidence.extract_package(cmd, actor=alice, now=now)
        settle()
        content = packages.archive(row)
        report = verify_package(read_zip(content), signer.keyring(), clock.now())
        assert report.sealed, [f.detail for f in report.findings]
        tell.keep("evidence-package.zip", content)
        tell.note(package=row.number)
        tell.say(
            f"{row.number}：{len(row.cases)} 件办件，{row.facts} 条事实，八项核验全部成立",
            f"{row.number}: {len(row.cases)} cases, {row.facts} facts, all eight checks hold",
        )
