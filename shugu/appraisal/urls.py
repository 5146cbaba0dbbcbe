from __future__ import annotations

from django.urls import path

from shugu.appraisal import views, views_valuation

app_name = "appraisal"
urlpatterns = [
    path("quality/take/", views.take, name="take"),
    path("quality/<str:number>.json", views.quality_json, name="quality_json"),
    path("quality/<str:number>.pdf", views.quality_pdf, name="quality_pdf"),
    path("quality/<str:number>/", views.quality, name="quality"),
    path("assignments/", views.assignments, name="assignments"),
    path("assignments/new/", views.order, name="order"),
    path("assignments/<str:number>/", views.assignment, name="assignment"),
    path("assignments/<str:number>/report/", views.report, name="report"),
    path("assignments/<str:number>/certificate.json", views.certificate_json, name="certificate_json"),
    path("assignments/<str:number>/certificate.pdf", views.certificate_pdf, name="certificate_pdf"),
    path("assignments/<str:number>/report.pdf", views.report_pdf, name="report_pdf"),
    path("valuations/", views_valuation.valuations, name="valuations"),
    path("valuations/new/", views_valuation.order, name="order_valuation"),
    path("valuations/reports/<str:number>.json", views_valuation.report_json, name="valuation_report_json"),
    path("valuations/reports/<str:number>.pdf", views_valuation.report_pdf, name="valuation_report_pdf"),
    path("valuations/reports/<str:number>/", views_valuation.report, name="valuation_report"),
    path("valuations/reports/<str:number>/disclose/", views_valuation.disclose, name="disclose_valuation"),
    path("valuations/reports/<str:number>/withdraw/", views_valuation.withdraw, name="withdraw_valuation"),
    path("valuations/<str:number>/", views_valuation.valuation, name="valuation"),
    path("valuations/<str:number>/report/", views_valuation.file_report, name="valuation_file"),
    path("valuations/<str:number>/report.pdf", views_valuation.body_pdf, name="valuation_body_pdf"),
]
