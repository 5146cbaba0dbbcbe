"""What this edge does upon facts of the venue itself: what is listed is compared with what other venues were told."""

from __future__ import annotations

from shugu.edges.federation import sharing
from shugu.kernel.subscriptions import subscribe

subscribe("federation.sharing", dict.fromkeys(sharing.WAKES, sharing.wake))
