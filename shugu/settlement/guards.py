"""Guards of this app's tables: pure functions of a case."""

from __future__ import annotations

from shugu.kernel.cases import CaseView
from shugu.kernel.text import Text
from shugu.kernel.vocabulary import OK, No, Verdict, guard


@guard("settlement.no_money_in_suspense")
def no_money_in_suspense(view: CaseView) -> Verdict:
    """Money that lies in the suspense account belongs to somebody: words alone do not clear it."""
    if view.facts.get("held"):
        return No(Text("该笔款项尚在待查账户，应当认领或退回", "its money is in suspense: match it or send it back"))
    return OK
