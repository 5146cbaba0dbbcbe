from __future__ import annotations

from django.urls import path

from shugu.web import (
    adoption_page,
    bulk_pages,
    case_pages,
    demo_pages,
    language,
    regime_pages,
    rules_pages,
    short_links,
    simulate_page,
    style_guide,
)

app_name = "web"
urlpatterns = [
    path("v/<str:number>", short_links.follow, name="short_link"),
    path("lang/", language.switch, name="lang"),
    path("desk/", case_pages.desk, name="desk"),
    path("desk/together/<str:procedure>/<slug:do>/", bulk_pages.together, name="together"),
    path("cases/<str:number>/", case_pages.case_page, name="case"),
    path("cases/<str:number>/assign/", case_pages.assign, name="case_assign"),
    path("cases/<str:number>/adopt-rules/", adoption_page.adopt, name="case_adopt"),
    path("cases/<str:number>/materials/<int:material>/", case_pages.download, name="case_document"),
    path("cases/<str:number>/materials/<slug:material>/", case_pages.upload, name="case_material"),
    path("cases/<str:number>/<slug:do>/", case_pages.act_page, name="case_act"),
    path("demo/", demo_pages.page, name="demo"),
    path("demo/advance/", demo_pages.advance, name="demo_advance"),
    path("rules/", rules_pages.rules, name="rules"),
    path("procedures/", rules_pages.procedures, name="procedures"),
    path("procedures/<str:procedure>/", rules_pages.procedure, name="procedure"),
    path("regimes/", regime_pages.regimes, name="regimes"),
    path("regimes/compare/", regime_pages.compared, name="regime_compare"),
    path("regimes/<slug:regime>/", regime_pages.regime, name="regime"),
    path("regimes/<slug:regime>/simulate/", simulate_page.page, name="regime_simulate"),
    path("style/", style_guide.page, name="style"),
    path("style/panel/", style_guide.panel, name="style_panel"),
    path("style/side/<str:object_id>/", style_guide.side, name="style_side"),
]
