from __future__ import annotations

from django.urls import path

from shugu.appraisal import views

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
    path("assignments/<str:number>/report.pdf", views.report_pdf, name="report_pdf"),
]
