"""What this edge does upon facts of the venue itself: what is listed is compared with what other venues were told."""

from __future__ import annotations

from shugu.edges.federation import kinds, orders_listing, progress, settling, sharing
from shugu.kernel.subscriptions import subscribe

subscribe("federation.sharing", dict.fromkeys(sharing.WAKES, sharing.wake))
subscribe(
    "federation.orders",
    {
        "contract.drafted": orders_listing.contract_drafted,
        "contract.completed": orders_listing.contract_completed,
        **dict.fromkeys(progress.STAGES, progress.contract_moved),
        **dict.fromkeys(
            ("contract.cancelled", "contract.lapsed", "contract.refused", "contract.terminated"), orders_listing.contract_ended
        ),
    },
)
subscribe(
    "federation.settling",
    {"instruction.confirmed": settling.payment_confirmed, "venue_claim.received": settling.claim_received},
)
subscribe(kinds.SUBSCRIBER, dict.fromkeys(kinds.CHANGES, kinds.follow_agreement))
