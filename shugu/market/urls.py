from __future__ import annotations

from django.urls import path

from shugu.market import views

app_name = "market"
urlpatterns = [
    path("demands/", views.demands, name="demands"),
    path("demands/new/", views.post_demand, name="post_demand"),
    path("demands/<str:number>/", views.demand, name="demand"),
    path("negotiations/", views.negotiations, name="negotiations"),
    path("negotiations/new/<str:product>/", views.open_negotiation, name="open"),
    path("negotiations/<str:number>/", views.negotiation, name="negotiation"),
    path("negotiations/<str:number>/offer/", views.offer, name="offer"),
    path("products/<str:product>/trade/", views.trade_side, name="trade_side"),
]
