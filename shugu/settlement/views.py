"""An organisation's money: balances, payment requests, history, statements, the account to be paid to."""

from __future__ import annotations

from dataclasses import replace

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_http_methods

from shugu.formats.errors import ShuguError
from shugu.kernel import clock
from shugu.kernel.money import format_fen
from shugu.kernel.text import Text
from shugu.party.access import require, require_org
from shugu.settlement import books, queries, runs, services, shown, trades
from shugu.settlement.domain import POSTING_TITLES
from shugu.settlement.forms import BankAccountForm
from shugu.settlement.trades import Basis
from shugu.web import language
from shugu.web.forms import add_refusal
from shugu.web.shapes import Empty, Link, Source, Tile
from shugu.web.tables import Choice, make_table

YUAN = Text("元", "CNY")


@require_GET
def money(request: HttpRequest) -> HttpResponseBase:
    actor, now = require_org(request), clock.now()
    held = books.balances(actor)
    kind = request.GET.get("kind", "")
    options = tuple((code, title) for code, title in POSTING_TITLES.items())
    history = make_table(
        request, id="history", caption=Text("收支明细", "History"), columns=shown.LINES,
        rows=books.history(actor, kind=kind), choices=(Choice("kind", Text("事项", "What"), options),),
        empty=Empty(Text("还没有收支。合同通过审核后再来。", "No movement yet. Approved contracts bring some.")),
    )  # fmt: skip
    rows = trades.requests(actor)
    mine = [r for r in rows if r.buyer == actor.org and r.state == "requested"]
    asked = make_table(
        request, id="requests", caption=Text("交易资金", "Money of my trades"), columns=shown.REQUESTS, rows=rows,
        empty=Empty(Text("没有交易资金。", "No trade money."), Link(Text("去数据市场", "To the market"), "/")),
    )  # fmt: skip
    tables = {t.id: replace(t, csv_href=f"{t.csv_href}&table={t.id}") for t in (history, asked)}
    if history.wants_csv:
        return tables.get(request.GET.get("table", ""), history).csv_response()
    tiles = (
        Tile(Text("账户余额", "Balance"), format_fen(held.posted), YUAN),
        Tile(Text("已预留", "Reserved"), format_fen(held.reserved), YUAN, Text("为生效合同托管", "held for contracts in force")),
        Tile(Text("待付给我", "Due to me"), format_fen(held.due), YUAN, Text("随下一次结算付出", "paid by the next run")),
    )
    account = runs.payees().get(actor.org)
    context = {
        "tiles": tiles, "to_pay": mine, **tables, "account": account,
        "custody": custody_account(), "periods": queries.statement_periods(actor, now),
    }  # fmt: skip
    return render(request, "settlement/money.html", context)


def custody_account() -> str:
    """The account number the bank's own statements carry; empty until the first."""
    return runs.custody_number()


@require_http_methods(["GET", "POST"])
def bank_account(request: HttpRequest) -> HttpResponse:
    actor = require_org(request)
    return account_form(request, actor.org, reverse("settlement:money"))


def account_form(request: HttpRequest, org: int | None, back: str) -> HttpResponse:
    actor = require(request)
    form = BankAccountForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        given = form.cleaned_data
        cmd = services.SetBankAccount(org, given["holder"], given["bank"], given["number"])
        try:
            services.set_bank_account(cmd, actor=actor, now=clock.now(), key=str(form.idempotency_key))
        except ShuguError as refusal:
            add_refusal(form, refusal)
        else:
            messages.success(request, str(Text("收款账户已登记。", "The account has been named.").pick(language.current())))
            return redirect(back)
    title = Text("登记收款账户", "Name the account to be paid to")
    context = {"form": form, "title": title, "crumb": Link(Text("返回", "Back"), back)}
    return render(request, "web/form.html", context, status=422 if form.errors else 200)


@require_GET
def statement(request: HttpRequest, period: str) -> HttpResponseBase:
    actor, now = require_org(request), clock.now()
    view = queries.statement(period, actor)
    lines = make_table(
        request, id="lines", caption=Text("明细", "Movements"), columns=shown.LINES, rows=view.lines,
        empty=Empty(Text("本期没有收支。", "No movement in this period.")),
    )  # fmt: skip
    if lines.wants_csv:
        return lines.csv_response()
    context = {
        "view": view, "lines": lines, "fees": _fees(view.lines),
        "periods": queries.statement_periods(actor, now),
    }  # fmt: skip
    return render(request, "settlement/statement.html", context)


def _fees(lines: tuple[books.AccountLine, ...]) -> list[tuple[Basis, Source, Text]]:
    """Each rule behind a fee of the period once, with its footnote."""
    seen: dict[str, tuple[Basis, Source, Text]] = {}
    for line in lines:
        if line.basis is not None and line.basis.name not in seen:
            seen[line.basis.name] = (line.basis, shown.source_of(line.basis), line.title)
    return list(seen.values())


@require_GET
def statement_pdf(request: HttpRequest, period: str) -> HttpResponse:
    view = queries.statement(period, require_org(request))
    pdf = queries.statement_pdf(view, language.current(), now=clock.now())
    response = HttpResponse(pdf, content_type="application/pdf")
    response["Content-Disposition"] = f'inline; filename="statement-{view.org_number}-{period}.pdf"'
    return response


@require_GET
def statement_json(request: HttpRequest, period: str) -> HttpResponse:
    view = queries.statement(period, require_org(request))
    return JsonResponse(shown.statement_values(view), json_dumps_params={"ensure_ascii": False})
