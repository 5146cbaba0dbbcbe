"""What the published status lists say of a credential, as whoever holds it reads them."""

from __future__ import annotations

import json
from datetime import datetime

from shugu.formats.credential import require_credential
from shugu.formats.status_list import StatusList, facets, read_list
from shugu.kernel import documents, signer, status_lists
from shugu.kernel.models_status import StatusVersion


def published(now: datetime) -> dict[str, StatusList]:
    """Every list, newest, after the worker came by; its signatures checked."""
    status_lists.publish_due(now)
    found = {}
    for name in set(StatusVersion.objects.values_list("list", flat=True)):
        credential = json.loads(status_lists.credential_bytes(status_lists.version(name)))
        require_credential(credential, signer.keyring())
        read = read_list(credential)
        found[read.id] = read
    return found


def facets_of(digest: str, now: datetime) -> frozenset[str]:
    """Of a stored credential."""
    return facets(json.loads(documents.get(digest)), published(now), now).facets
