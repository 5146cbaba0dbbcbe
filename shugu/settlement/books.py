"""An organisation's books: balances, history, the statement of a month as values and on paper. Door: queries."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import lru_cache
from typing import overload

from django.db.models import Min, Q, QuerySet, Sum

from shugu.kernel import runtime
from shugu.kernel.cases import Actor
from shugu.kernel.errors import InputInvalid, NotFound
from shugu.kernel.money import format_fen, percent
from shugu.kernel.rule_files import RULES, read_document
from shugu.kernel.text import Text
from shugu.kernel.workdays import local_day
from shugu.party import queries as parties
from shugu.settlement.domain import OUTSIDE, POSTING_TITLES
from shugu.settlement.models import Account, Due, Posting, Reservation
from shugu.settlement.trades import SEATS, Basis, basis_of, holder_of
from shugu.web import paper, printing

_CHUNK = 500  # lines read at a time when all are wanted
_PERIOD = re.compile(r"(20\d\d)-(0[1-9]|1[0-2])")


@dataclass(frozen=True)
class Balances:
    """Fen of one organisation: all posted, the part promised, the part free, and what is waiting to be paid out."""

    org: int
    posted: int
    reserved: int
    due: int

    @property
    def free(self) -> int:
        return self.posted - self.reserved


@dataclass(frozen=True)
class AccountLine:
    """One arrow as its owner reads it: `credit` or `debit` is set, `balance` is that after the line."""

    at: datetime
    effective_on: date
    title: Text
    kind: str
    reference: str
    contract_number: str
    counterparty: Text
    credit: int | None
    debit: int | None
    balance: int
    basis: Basis | None


@dataclass(frozen=True)
class Held:
    """Money of a trade that is promised but not moved: where it is now."""

    escrow: str
    contract_number: str
    amount: int
    holder: Text


@dataclass(frozen=True)
class Statement:
    """One organisation's calendar month in Shanghai, by the day an arrow counts for (`effective_on`)."""

    org: int
    org_name: str
    org_number: str
    period: str
    first: date
    last: date
    opening: int
    closing: int
    lines: tuple[AccountLine, ...]
    held: tuple[Held, ...]

    @property
    def credits(self) -> int:
        return sum(line.credit or 0 for line in self.lines)

    @property
    def debits(self) -> int:
        return sum(line.debit or 0 for line in self.lines)


def _mine(actor: Actor, org: int | None) -> int:
    """Errors: NotFound when the actor may not see that organisation's books."""
    wanted = org if org is not None else actor.org
    if wanted is None or (wanted != actor.org and not SEATS & actor.seats):
        raise NotFound(what=("账户", "account"))
    return wanted


def accounts_of(org: int) -> list[int]:
    """Those whose money is the organisation's; what it owes us as a venue is none of it."""
    return list(Account.objects.filter(org_id=org).exclude(kind__in=OUTSIDE).values_list("pk", flat=True))


def balances(actor: Actor, org: int | None = None) -> Balances:
    """Errors: NotFound."""
    wanted = _mine(actor, org)
    sums = Account.objects.filter(pk__in=accounts_of(wanted)).aggregate(posted=Sum("balance"), reserved=Sum("reserved"))
    due = Due.objects.filter(account__org_id=wanted, settled_at__isnull=True).aggregate(n=Sum("amount"))["n"]
    return Balances(wanted, int(sums["posted"] or 0), int(sums["reserved"] or 0), int(due or 0))


class History(Sequence[AccountLine]):
    """All lines of an organisation (of one `kind`), newest first; the database counts, and gives only what is asked for."""

    def __init__(self, org: int, kind: str = "") -> None:
        self._org, self._mine, self._kind = org, accounts_of(org), kind
        self._told = _arrows(self._mine).filter(Q(kind=kind) if kind else Q())

    def __len__(self) -> int:
        return self._told.count()

    @overload
    def __getitem__(self, at: int) -> AccountLine: ...
    @overload
    def __getitem__(self, at: slice) -> list[AccountLine]: ...
    def __getitem__(self, at: int | slice) -> AccountLine | list[AccountLine]:
        if isinstance(at, int):
            return self._page(at, at + 1)[0]
        start, stop, step = at.indices(len(self))
        return self._page(start, stop)[::step]

    def __iter__(self) -> Iterator[AccountLine]:
        for start in range(0, len(self), _CHUNK):
            yield from self._page(start, start + _CHUNK)

    def _page(self, start: int, stop: int) -> list[AccountLine]:
        newest = self._told.order_by("-effective_on", "-id")
        places = list(newest.values_list("effective_on", "id")[start:stop])
        if not places:
            return []
        (last_on, last_id), (first_on, first_id) = places[0], places[-1]
        before = Q(effective_on__lt=first_on) | Q(effective_on=first_on, id__lt=first_id)
        upto = Q(effective_on__lt=last_on) | Q(effective_on=last_on, id__lte=last_id)
        # The balance after a line counts every arrow before it, those of other kinds too.
        return _lines(self._org, upto & ~before, _balance(self._mine, before), self._kind)[::-1]


def history(actor: Actor, org: int | None = None, *, kind: str = "") -> History:
    """Newest first. Errors: NotFound."""
    return History(_mine(actor, org), kind)


def _arrows(mine: Iterable[int]) -> QuerySet[Posting]:
    return Posting.objects.filter(Q(source_id__in=mine) | Q(destination_id__in=mine))


def _balance(mine: Iterable[int], narrowed: Q) -> int:
    """Fen in these accounts after the arrows told."""
    sums = Posting.objects.filter(narrowed).aggregate(
        plus=Sum("amount", filter=Q(destination_id__in=mine)), minus=Sum("amount", filter=Q(source_id__in=mine))
    )
    return int(sums["plus"] or 0) - int(sums["minus"] or 0)


def _lines(org: int, narrowed: Q, opening: int, kind: str = "") -> list[AccountLine]:
    """The lines of these arrows (of one `kind`), oldest first; the balance runs over all of them."""
    mine = set(accounts_of(org))
    rows = (
        _arrows(mine).filter(narrowed).select_related("source", "destination", "escrow__case").order_by("effective_on", "id")
    )  # fmt: skip
    found = list(rows)
    names = _org_names({a.org_id for p in found for a in (p.source, p.destination) if a.org_id is not None})
    out: list[AccountLine] = []
    balance = opening
    for row in found:
        plus = row.amount if row.destination_id in mine else 0
        minus = row.amount if row.source_id in mine else 0
        balance += plus - minus
        if kind and row.kind != kind:
            continue
        other = row.source if plus else row.destination
        out.append(
            AccountLine(
                row.posted_at, row.effective_on, POSTING_TITLES[row.kind], row.kind, row.reference,
                row.escrow.contract_number if row.escrow else "", _name(other, names), plus or None, minus or None, balance,
                basis_of(row, row.escrow),
            )
        )  # fmt: skip
    return out


def _org_names(ids: Iterable[int]) -> dict[int, Text]:
    wanted = set(ids)
    zh, en = (parties.org_names(wanted, lang) for lang in ("zh", "en"))
    return {i: Text(str(zh.get(i, "")), str(en.get(i, ""))) for i in wanted}


def _name(account: Account, names: Mapping[int, Text]) -> Text:
    if account.org_id is not None:
        return names.get(account.org_id, Text("", ""))
    words = {
        "bank": Text("存管银行", "custody bank"), "venue_fee": Text(*runtime.rules().profile.title),
        "suspense": Text("待查来款", "money not yet matched"),
        "venue_accrued": Text("应收其他场所分成", "due from other venues"),
    }  # fmt: skip
    return words[account.kind]


def month_of(period: str) -> tuple[date, date]:
    """First and last day of `2026-03`. Errors: InputInvalid."""
    match = _PERIOD.fullmatch(period)
    if match is None:
        problem = ("期间写作 2026-03", "a period is written 2026-03")
        raise InputInvalid(fields="period", field_errors={"period": problem})
    year, month = int(match[1]), int(match[2])
    following = date(year + month // 12, month % 12 + 1, 1)
    return date(year, month, 1), date.fromordinal(following.toordinal() - 1)


def statement(period: str, actor: Actor, org: int | None = None) -> Statement:
    """Errors: NotFound, InputInvalid."""
    wanted = _mine(actor, org)
    first, last = month_of(period)
    before = _balance(accounts_of(wanted), Q(effective_on__lt=first))
    lines = _lines(wanted, Q(effective_on__gte=first, effective_on__lte=last), before)
    held = [
        Held(r.escrow.number, r.escrow.contract_number, r.amount, holder_of(r.escrow))
        for r in Reservation.objects.filter(source__org_id=wanted, state="pending", escrow__isnull=False).select_related(
            "escrow__case"
        )
        if r.escrow is not None
    ]
    about = parties.organisation(wanted)
    return Statement(
        wanted, about.name, about.number, period, first, last, before, lines[-1].balance if lines else before,
        tuple(lines), tuple(held),
    )  # fmt: skip


def statement_periods(actor: Actor, now: datetime, org: int | None = None) -> list[str]:
    """The months from the first arrow to now, newest first. Errors: NotFound."""
    wanted = _mine(actor, org)
    mine = accounts_of(wanted)
    began = Posting.objects.filter(Q(source_id__in=mine) | Q(destination_id__in=mine)).aggregate(d=Min("effective_on"))["d"]
    today = local_day(now)
    month, out = began or today, []
    while (month.year, month.month) <= (today.year, today.month):
        out.append(f"{month:%Y-%m}")
        month = date(month.year + month.month // 12, month.month % 12 + 1, 1)
    return out[::-1]


FORCES = {"must": Text("应当", "must"), "may": Text("可以", "may"), "venue": Text("场所自定", "the venue's own choice")}


@lru_cache(maxsize=64)
def _title(document: str) -> Text:
    path = RULES / f"{document}.toml"
    if document.startswith("venues/") or not path.exists():
        return Text("本场所规则", "rules of this venue")
    return Text(*read_document(RULES, path).title)


def basis_words(basis: Basis | None) -> Text:
    """A fee's basis in one line: rate, document, article and force."""
    if basis is None:
        return Text("", "")
    title = _title(basis.document)
    force = FORCES[basis.force]
    return Text(
        f"费率 {percent(basis.rate_bps)}，{title.zh}{basis.article}，{force.zh}",
        f"rate {percent(basis.rate_bps)}, {title.en} {basis.article}".rstrip() + f", {force.en}",
    )


def statement_document(view: Statement) -> paper.Document:
    money = (paper.Align.LEFT, paper.Align.LEFT, paper.Align.RIGHT, paper.Align.RIGHT, paper.Align.RIGHT)
    columns = tuple(
        Text(*pair)
        for pair in (("日期", "Date"), ("事项", "What"), ("贷方", "Credit"), ("借方", "Debit"), ("余额", "Balance"))
    )
    rows = tuple(
        (f"{x.effective_on}", _what(x), _fen(x.credit), _fen(x.debit), format_fen(x.balance)) for x in view.lines
    )
    movements = paper.Table(
        columns, rows, money, (0, 4, 0, 0, 0),
        (f"{view.last}", Text("合计", "Total"), format_fen(view.credits), format_fen(view.debits), format_fen(view.closing)),
    )  # fmt: skip
    about = (
        paper.Row(Text("账户名称", "Account holder"), view.org_name),
        paper.Row(Text("单位编号", "Organisation"), view.org_number, mono=True),
        paper.Row(Text("期间", "Period"), f"{view.first} – {view.last}"),
        paper.Row(Text("期初余额（元）", "Opening balance (CNY)"), format_fen(view.opening)),
        paper.Row(Text("期末余额（元）", "Closing balance (CNY)"), format_fen(view.closing)),
    )
    held = paper.Table(
        (
            Text("缴款编号", "Reference"), Text("合同", "Contract"), Text("金额", "Amount"),
            Text("款项现在何处", "Where it is now"),
        ),
        tuple((h.escrow, h.contract_number, format_fen(h.amount), h.holder) for h in view.held),
        (paper.Align.LEFT, paper.Align.LEFT, paper.Align.RIGHT, paper.Align.LEFT),
    )
    sections = [
        paper.Section(Text("账户", "Account"), rows=about),
        paper.Section(Text("明细（元）", "Movements (CNY)"), table=movements),
    ]
    if view.held:
        sections.append(paper.Section(Text("预留款项", "Money reserved"), table=held))
    return paper.Document(
        kind=paper.Kind.STATEMENT, title=Text("资金对账单", "Statement of account"),
        number=f"{view.org_number}/{view.period}", issuer=Text(*runtime.rules().profile.title), issued_on=view.last,
        sections=tuple(sections), demo=runtime.demo(),
    )  # fmt: skip


def _fen(amount: int | None) -> str:
    return "" if amount is None else format_fen(amount)


def _what(line: AccountLine) -> Text:
    basis = basis_words(line.basis)
    zh, en = (" · ".join(x for x in (line.contract_number, name) if x) for name in line.counterparty)
    return Text(
        f"{line.title.zh}（{basis.zh}） {zh}" if basis.zh else f"{line.title.zh} {zh}",
        f"{line.title.en} ({basis.en}) {en}" if basis.en else f"{line.title.en} {en}",
    )


def statement_pdf(view: Statement, lang: str, *, now: datetime) -> bytes:
    """Signed by the venue; the statement as JSON goes with it as a credential."""
    from shugu.settlement.shown import statement_values

    values = statement_values(view)
    return printing.printed_values(statement_document(view), "AccountStatement", values, lang=lang, now=now)
