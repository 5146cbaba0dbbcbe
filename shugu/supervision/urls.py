from __future__ import annotations

from django.urls import path

from shugu.supervision import inspection_views, views

app_name = "supervision"
urlpatterns = [
    path("supervision/", views.home, name="home"),
    path("supervision/kpi/<slug:code>/", views.kpi_rows, name="kpi_rows"),
    path("supervision/cases/", views.cases, name="cases"),
    path("supervision/cases/<str:number>/", views.case, name="case"),
    path("supervision/facts/", views.facts, name="facts"),
    path("supervision/numbers/", views.numbers, name="numbers"),
    path("supervision/overdue/", views.overdue, name="overdue"),
    path("supervision/queries/", views.looks, name="looks"),
    path("supervision/inspections/", inspection_views.inspections, name="inspections"),
    path("supervision/inspections/draw/", inspection_views.hold_draw, name="hold_draw"),
    path("supervision/inspections/draws/<int:draw>/", inspection_views.draw, name="draw"),
    path("operations/health/", views.health, name="health"),
    path("disclosure/", inspection_views.disclosure, name="disclosure"),
]
