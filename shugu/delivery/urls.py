from __future__ import annotations

from django.urls import path

from shugu.delivery import views, views_connectors, views_proof

app_name = "delivery"
urlpatterns = [
    path("deliveries/", views.deliveries, name="deliveries"),
    path("deliveries/receipts/<str:number>.json", views.receipt, name="receipt"),
    path("deliveries/<str:number>/", views.delivery, name="delivery"),
    path("deliveries/<str:number>/token/", views.token, name="token"),
    path("deliveries/<str:number>/meter/", views.meter, name="meter"),
    path("deliveries/<str:number>/retry/", views.retry, name="retry"),
    path("deliveries/<str:number>/<slug:do>/", views.act, name="act"),
    path("receipts/<str:number>.pdf", views_proof.proof_pdf, name="proof_pdf"),
    path("receipts/<str:number>.json", views_proof.proof_json, name="proof_json"),
    path("receipts/<str:number>/", views_proof.proof, name="proof"),
    path("receipts/<str:number>/withdraw/", views_proof.withdraw_proof, name="withdraw_proof"),
    path("connectors/", views_connectors.connectors, name="connectors"),
    path("connectors/new/", views_connectors.register, name="register_connector"),
    path("connectors/<str:connector_id>/", views_connectors.connector, name="connector"),
    path("connectors/<str:connector_id>/check/", views_connectors.check, name="check_connector"),
    path("connectors/<str:connector_id>/products/new/", views_connectors.bind, name="bind_product"),
    path("connectors/<str:connector_id>/quality/", views_connectors.quality, name="order_quality"),
]
