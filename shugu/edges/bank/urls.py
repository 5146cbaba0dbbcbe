from __future__ import annotations

from django.urls import path

from shugu.edges.bank import views

app_name = "bank"
urlpatterns = [
    path("demo/bank/execute/", views.execute, name="execute"),
    path("demo/bank/pay/<str:number>/", views.pay, name="pay"),
    path("demo/bank/<slug:place>/", views.panel, name="panel"),
]
