"""What readers of our PDF files may fetch: the certificates behind the signatures, and which of them are revoked."""

from __future__ import annotations

from cryptography.hazmat.primitives.serialization import Encoding
from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

from shugu.kernel import clock, paper_keys, paper_revoking

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


@require_safe
def revocations(request: HttpRequest) -> HttpResponse:
    """The list that `shugu verify` holds papers against, signed by the venue's keys."""
    response = HttpResponse(paper_revoking.published(clock.now()), content_type="application/json")
    response["Cache-Control"] = "public, max-age=60"
    return response


@require_safe
def crl(request: HttpRequest, name: str) -> HttpResponse:
    """The CRL of one of the venue's own authorities (DER). Errors: NotFound."""
    response = HttpResponse(paper_revoking.crl(name, clock.now()), content_type="application/pkix-crl")
    response["Cache-Control"] = "public, max-age=60"
    return response
