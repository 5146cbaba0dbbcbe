from __future__ import annotations

from django.urls import path

from shugu.web import language, style_guide

app_name = "web"
urlpatterns = [
    path("lang/", language.switch, name="lang"),
    path("style/", style_guide.page, name="style"),
    path("style/panel/", style_guide.panel, name="style_panel"),
    path("style/side/<str:object_id>/", style_guide.side, name="style_side"),
]
