"""Every app's pages, the API and the log under one roof."""

from __future__ import annotations

from importlib.util import find_spec

from django.apps import apps
from django.urls import URLPattern, URLResolver, include, path

from shugu.api import api
from shugu.evidence import views as evidence_views
from shugu.web import paper_pages

urlpatterns: list[URLPattern | URLResolver] = [
    path("api/", api.urls),
    # Where a connector that is being founded fetches the keys it pins.
    path(".well-known/venue.vkey", evidence_views.keys, name="venue_vkey"),
    path(".well-known/venue-keys.json", evidence_views.key_history, name="venue_keys"),
    # For readers of PDF files that are to trust the venue's own signing certificates.
    path(".well-known/venue-paper-ca.pem", paper_pages.certificates, name="venue_paper_ca"),
    path(".well-known/venue-paper-revocations.json", paper_pages.revocations, name="venue_paper_revocations"),
    path("papers/<slug:name>.crl", paper_pages.crl, name="venue_paper_crl"),
]
for _config in apps.get_app_configs():
    if _config.name.startswith("shugu.") and find_spec(f"{_config.name}.urls"):
        urlpatterns.append(path("", include(f"{_config.name}.urls")))

handler400 = "shugu.web.refusals.bad_request"
handler403 = "shugu.web.refusals.permission_denied"
handler404 = "shugu.web.refusals.page_not_found"
handler500 = "shugu.web.refusals.server_error"
