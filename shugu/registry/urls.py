from __future__ import annotations

from django.urls import path

from shugu.registry import views, views_apply, views_book, views_import, views_public, views_reports, views_window

app_name = "registry"
urlpatterns = [
    path("register/", views_public.book, name="book"),
    path("register/apply/", views_apply.choose, name="choose"),
    path("register/apply/window/", views_window.apply, name="window_apply"),
    path("register/apply/<slug:register>/", views_apply.apply, name="apply"),
    path("register/apply/<slug:register>/<slug:operation>/", views_apply.apply, name="apply_for"),
    path("windows/<str:number>/", views_window.window, name="window"),
    path("accounts/<str:number>/", views_book.account, name="account"),
    path("register/reports/", views_reports.reports, name="reports"),
    path("register/reports/<str:number>.json", views_reports.report_json, name="report_json"),
    path("register/reports/<str:number>.pdf", views_reports.report_pdf, name="report_pdf"),
    path("register/reports/<str:number>/", views_reports.report, name="report"),
    path("register/reports/<str:number>/<str:code>/", views_reports.figure, name="figure"),
    path("my/register/", views_book.mine, name="mine"),
    path("register/<str:number>/", views_public.entry, name="entry"),
    path("register/<str:number>/object/", views.object_to_entry, name="object"),
    path("imports/", views_import.imports, name="imports"),
    path("imports/<int:number>/", views_import.one, name="import"),
    path("imports/<int:number>/progress/", views_import.progress, name="import_progress"),
    path("imports/<int:number>/move/", views_import.move, name="import_move"),
    path("imports/<int:number>/resume/", views_import.resume, name="import_resume"),
    path("imports/<int:number>/<str:what>.csv", views_import.report, name="import_report"),
    path(
        "imports/template/<slug:register>/<slug:object_kind>.<slug:form>", views_import.template, name="import_template"
    ),
    path("filings/<str:number>/", views.filing, name="filing"),
    path("filings/<str:number>/transfer.json", views.transfer_json, name="transfer_json"),
    path("filings/<str:number>/transfer.pdf", views.transfer_pdf, name="transfer_pdf"),
    path("filings/<str:number>/query/", views.query_document, name="query_document"),
    path("filings/<str:number>/appeal/", views.appeal, name="appeal"),
    path("filings/<str:number>/edit/", views.revise, name="revise"),
    path("notices/", views_public.notices, name="notices"),
    path("notices/<str:number>/", views.notice, name="notice"),
    path("verify/", views_public.verify, name="verify"),
    path("certificates/<str:number>.pdf", views_public.certificate_pdf, name="certificate_pdf"),
    path("certificates/<str:number>.json", views_public.certificate_json, name="certificate_json"),
]
