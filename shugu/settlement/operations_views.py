"""The settlement officers' page: what is due, runs, files for the bank, breaks, the reconciliation."""

from __future__ import annotations

from dataclasses import replace

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from shugu.kernel import clock
from shugu.kernel.money import format_fen
from shugu.kernel.text import Text
from shugu.party.access import require
from shugu.settlement import desk, runs, services, shown
from shugu.settlement.forms import ProposeForm
from shugu.settlement.trades import SEATS
from shugu.settlement.views import YUAN, account_form
from shugu.web import case_acts, case_shapes, language
from shugu.web.shapes import Empty, Tile, Tone
from shugu.web.tables import Choice, make_table

OFFICER = "settlement_officer"
_STATES = (
    ("found", Text("待处理", "open")), ("matched", Text("已认领", "matched")), ("returned", Text("已退回", "sent back")),
    ("explained", Text("已查明", "explained")),
)  # fmt: skip


@require_GET
def operations(request: HttpRequest) -> HttpResponseBase:
    actor = require(request, tuple(sorted(SEATS)))
    found = desk.reconciliation(actor)
    due = make_table(
        request, id="dues", caption=Text("待付款项", "Due to be paid"), columns=shown.DUES, rows=desk.due_lines(actor),
        empty=Empty(Text("没有待付款项。", "Nothing is due.")),
    )  # fmt: skip
    done = make_table(
        request, id="runs", caption=Text("结算单", "Runs"), columns=shown.RUNS, rows=desk.runs(actor),
        empty=Empty(Text("还没有结算单。", "No run yet.")),
    )  # fmt: skip
    breaks = make_table(
        request, id="breaks", caption=Text("对账差异", "Breaks"), columns=shown.BREAKS,
        rows=desk.breaks(actor, state=request.GET.get("state", "")),
        choices=(Choice("state", Text("状态", "State"), _STATES),), empty=Empty(Text("没有差异。", "No break.")),
    )  # fmt: skip
    tables = {t.id: replace(t, csv_href=f"{t.csv_href}&table={t.id}") for t in (due, done, breaks)}
    if due.wants_csv:
        return tables.get(request.GET.get("table", ""), due).csv_response()
    context = {
        "found": found, "tiles": _tiles(found), **tables, "propose_form": ProposeForm(),
        "may_propose": OFFICER in actor.seats, "venue_account": runs.payees().get(None),
    }  # fmt: skip
    return render(request, "settlement/operations.html", context)


def _tiles(found: desk.Reconciliation) -> tuple[Tile, ...]:
    gap = Tone.GOOD if found.holds else Tone.BAD
    last = (
        Text(f"第 {found.sequence} 号对账单", f"statement no. {found.sequence}")
        if found.sequence
        else Text("尚无对账单", "no statement yet")
    )
    return (
        Tile(Text("账面应存", "Ledger"), format_fen(found.ledger), YUAN),
        Tile(Text("银行结存", "Bank"), format_fen(found.bank), YUAN, last),
        Tile(Text("差额", "Difference"), format_fen(found.difference), YUAN, tone=gap),
        Tile(Text("客户资金", "Clients' money"), format_fen(found.clients), YUAN),
        Tile(Text("场所服务费", "The venue's fees"), format_fen(found.venue), YUAN),
        Tile(Text("待查来款", "Suspense"), format_fen(found.suspense), YUAN),
    )


@require_GET
def run(request: HttpRequest, number: str) -> HttpResponseBase:
    """A run with every payment it orders: what the second officer checks before the bank is told."""
    actor, now = require(request, tuple(sorted(SEATS))), clock.now()
    found = desk.run_case(number, actor)
    lines = make_table(
        request, id="instructions", caption=Text("付款指令", "Payments"), columns=shown.INSTRUCTIONS,
        rows=found.instructions, empty=Empty(Text("没有付款指令。", "No payment.")),
    )  # fmt: skip
    if lines.wants_csv:
        return lines.csv_response()
    record = case_shapes.record_of(case_acts.look_at_case(found.case_number, actor=actor, now=now), actor, now)
    return render(request, "settlement/run.html", {"run": found, "record": record, "lines": lines})


@require_POST
def propose(request: HttpRequest) -> HttpResponse:
    """A refusal is shown by the shell's refusal page, with its remedy."""
    actor = require(request, OFFICER)
    form = ProposeForm(request.POST)
    if not form.is_valid():
        return redirect("settlement:operations")
    run = services.propose_run(services.ProposeRun(), actor=actor, now=clock.now(), key=str(form.idempotency_key))
    told = Text(f"结算单 {run.number} 已制作，待另一人复核。", f"Run {run.number} proposed; another officer must check it.")
    messages.success(request, told.pick(language.current()))
    return redirect("settlement:run", run.number)


@require_http_methods(["GET", "POST"])
def venue_account(request: HttpRequest) -> HttpResponse:
    require(request, OFFICER)
    return account_form(request, None, reverse("settlement:operations"))


@require_GET
def instruction_file(request: HttpRequest, number: str) -> HttpResponse:
    actor = require(request, tuple(sorted(SEATS)))
    sequence, content = desk.instruction_file(number, actor)
    response = HttpResponse(content, content_type="application/json")
    response["Content-Disposition"] = f'attachment; filename="{sequence:06d}-{number}.json"'
    return response
