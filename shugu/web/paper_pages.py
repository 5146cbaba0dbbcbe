"""What readers of our PDF files may fetch: the certificates behind the signatures, and the credential that binds them."""

from __future__ import annotations

from cryptography.hazmat.primitives.serialization import Encoding
from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

from shugu.kernel import clock, paper_keys

AN_HOUR = "public, max-age=3600"


@require_safe
def certificates(request: HttpRequest) -> HttpResponse:
    """PEM: the venue's paper authority, or the accredited signing certificate's chain above it. Anybody may have it."""
    held = paper_keys.current(clock.now())
    listed = (held.ca,) if held.ca is not None else held.signer.chain
    pem = b"".join(each.public_bytes(Encoding.PEM) for each in listed)
    response = HttpResponse(pem, content_type="application/x-pem-file")
    response["Cache-Control"] = AN_HOUR
    return response
