from __future__ import annotations

from django.urls import path

from shugu.edges.chain import views

app_name = "chain"
urlpatterns = [
    path("operations/chain/", views.operations, name="operations"),
    path("operations/chain/card/<str:place>/", views.operations_card, name="operations_card"),
    path("evidence/facts/<int:fact_id>/anchors/", views.fact_anchor, name="fact_anchor"),
]
