"""What `shugu audit` asks of anchors, without asking any chain: each final one is of our log and has its fact, an undone one
two."""

from __future__ import annotations

from collections.abc import Iterator

from shugu.edges.chain.models import FINAL, Anchor
from shugu.edges.chain.statement import Statement, signer_of
from shugu.evidence import queries as evidence
from shugu.formats.canonical import parse_object
from shugu.formats.errors import ShuguError
from shugu.kernel import signer
from shugu.kernel.audits import Violation
from shugu.kernel.models import Fact

_NAME = "chain.anchors"


def audit_anchors() -> Iterator[Violation]:
    head = evidence.head()
    size = head.size if head else 0
    confirmed = list(Anchor.objects.filter(status__in=FINAL).order_by("pk"))
    for anchor in confirmed:
        yield from _audit(anchor, size)
    undone = {f"chain.anchor:{anchor.pk}" for anchor in confirmed if anchor.status == "undone"}
    said = list(Fact.objects.filter(name="chain.anchor_undone").values_list("subject", flat=True))
    for subject in sorted(undone.symmetric_difference(said)):
        yield Violation(_NAME, subject, ("锚定失效与其事实不符", "an anchor is undone without its fact, or the fact without it"))
    told = set(Fact.objects.filter(name="chain.anchored").values_list("pk", flat=True))
    for stray in sorted(told - {a.fact for a in confirmed}):
        yield Violation(_NAME, f"kernel.fact:{stray}", ("事实所称的锚定不存在", "the anchor that the fact tells of is not there"))


def _audit(anchor: Anchor, size: int) -> Iterator[Violation]:
    subject = f"chain.anchor:{anchor.pk}"
    root = bytes(anchor.root)
    try:
        held = anchor.size <= size and evidence.consistency(anchor.size, size).old_root == root
    except ShuguError as error:
        yield Violation(_NAME, subject, (error.message("zh"), error.message("en")))
        return
    if not held:
        yield Violation(_NAME, subject, ("锚定的根不是本日志该大小的根", "the anchored root is not this log's at that size"))
    try:
        signer_of(Statement(signer.origin(), anchor.size, root), bytes(anchor.signature))
    except ShuguError as error:
        yield Violation(_NAME, subject, (error.message("zh"), error.message("en")))
    assert anchor.fact is not None  # the database demands it of a confirmed anchor
    fact = Fact.objects.filter(pk=anchor.fact, name="chain.anchored").first()
    data = parse_object(fact.payload.encode()).get("data") if fact is not None and fact.payload else None
    if not isinstance(data, dict) or (data.get("size"), data.get("root")) != (anchor.size, root.hex()):
        yield Violation(_NAME, subject, ("锚定与其事实不符", "the anchor and its fact differ"))
