from __future__ import annotations

from django.urls import path

from shugu.catalogue import views, views_wizard

app_name = "catalogue"
urlpatterns = [
    path("", views.market, name="market"),
    path("products/mine/", views.mine, name="mine"),
    path("products/new/", views_wizard.begin, name="new"),
    path("products/new/<slug:step>/", views_wizard.step, name="step"),
    path("products/<str:number>/", views.product, name="product"),
    path("products/<str:number>/edit/", views_wizard.edit, name="edit"),
    path("products/<str:number>/listing/", views.submit, name="submit"),
]
