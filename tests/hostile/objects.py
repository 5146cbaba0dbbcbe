"""The objects of a populated venue by the parameter of the addresses that show them, and what nobody else may read."""

from __future__ import annotations

from collections.abc import Sequence

from shugu.appraisal.models import Assignment, ComplianceReport, QualityReport, Valuation, ValuationReport
from shugu.catalogue.models import Listing, Product
from shugu.delivery.models import Connector, Delivery
from shugu.formats.valuation import value_of, yuan
from shugu.kernel.models import Case, Fact, Material
from shugu.market.models import Demand, Negotiation
from shugu.party.models import ApiKey, Organisation
from shugu.registry.models import Certificate, Entry, Filing
from shugu.settlement.models import BankAccount, Escrow, Instruction, Run
from shugu.trade.models import Contract, Voucher
from tests.hostile.conftest import SECRET_TITLE

NUMBERED = (
    Assignment, ComplianceReport, QualityReport, Listing, Product, Delivery, Case, Demand, Negotiation, Organisation,
    Certificate, Entry, Filing, Escrow, Instruction, Run, Contract, Voucher, Valuation, ValuationReport,
)  # fmt: skip
# A few of each kind: enough to meet every state, few enough to ask for every address with each.
MOST_OF_A_KIND = 4


def numbers() -> list[str]:
    """The first and the last of every kind: what is through and what is on its way. Every address is asked with each."""
    found: list[str] = []
    for model in NUMBERED:
        rows = [str(n) for n in model._default_manager.order_by("pk").values_list("number", flat=True) if n]
        found += dict.fromkeys((*rows[:1], *rows[-1:]))
    return found


def values_of(parameter: str) -> list[str]:
    """Real values for a parameter of an address; every kind of number for `number` and its like."""
    if parameter in ("number", "product"):
        return numbers()
    first: dict[str, Sequence[object]] = {
        "case": list(Case.objects.order_by("pk").values_list("pk", flat=True)[:MOST_OF_A_KIND]),
        "material": list(Material.objects.order_by("pk").values_list("pk", flat=True)[:MOST_OF_A_KIND]),
        "fact_id": list(Fact.objects.order_by("-pk").values_list("pk", flat=True)[: 2 * MOST_OF_A_KIND]),
        "digest": list(Material.objects.order_by("pk").values_list("digest", flat=True)[:MOST_OF_A_KIND])
        + list(Contract.objects.values_list("document_digest", flat=True)),
        "connector_id": list(Connector.objects.values_list("connector_id", flat=True)),
        "prefix": list(ApiKey.objects.values_list("prefix", flat=True)[:MOST_OF_A_KIND]),
        "negotiation": list(Negotiation.objects.values_list("pk", flat=True)),
    }
    return [str(v) for v in first.get(parameter, ()) if v]


def secrets() -> set[str]:
    """What no page or answer for a stranger may hold: numbers of private matters, accounts, a title nobody published."""
    private: set[str] = {SECRET_TITLE}
    for calculation in ValuationReport.objects.filter(disclosed_at__isnull=True).values_list("calculation", flat=True):
        private |= {yuan(fen) for fen in value_of(calculation)}
    for model in (Negotiation, Contract, Escrow, Run, Instruction, Assignment, Delivery, Valuation):
        private |= {str(n) for n in model._default_manager.values_list("number", flat=True)}
    private |= set(BankAccount.objects.values_list("number", flat=True))
    private |= set(Filing.objects.filter(title=SECRET_TITLE).values_list("number", flat=True))
    return {p for p in private if p}


def told(content: str, known: set[str], asked: str) -> set[str]:
    """The secrets in an answer, but for those the address itself named."""
    return {s for s in known if s in content and s not in asked}
