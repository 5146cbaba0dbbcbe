from __future__ import annotations

from django.urls import path

from shugu.trade import views

app_name = "trade"
urlpatterns = [
    path("contracts/", views.contracts, name="contracts"),
    path("contracts/of/<int:negotiation>/", views.negotiation_side, name="negotiation_side"),
    path("contracts/of/<int:negotiation>/draft/", views.draft, name="draft"),
    path("contracts/<str:number>.pdf", views.contract_pdf, name="contract_pdf"),
    path("contracts/<str:number>.json", views.contract_json, name="contract_json"),
    path("contracts/<str:number>/", views.contract, name="contract"),
    path("contracts/<str:number>/sign/", views.sign, name="sign"),
    path("vouchers/<str:number>.pdf", views.voucher_pdf, name="voucher_pdf"),
    path("vouchers/<str:number>.json", views.voucher_json, name="voucher_json"),
    path("vouchers/<str:number>/", views.voucher, name="voucher"),
    path("vouchers/<str:number>/withdraw/", views.withdraw_voucher, name="withdraw_voucher"),
]
