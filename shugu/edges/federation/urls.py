from __future__ import annotations

from django.urls import path

from shugu.edges.federation import views, views_orders, views_present, views_settling, views_zone

app_name = "federation"
urlpatterns = [
    path("federation/messages", views.take_message, name="take_message"),
    path("federation/status/<str:digest>/<str:nonce>", views_present.status, name="status"),
    path("federation/move/<str:number>/", views_present.move, name="move"),
    path("federation/entry/<int:entry>/", views_present.entry_side, name="entry_side"),
    path("federation/present/", views_present.present, name="present"),
    path("federation/presentations/<str:number>/", views_present.presentation, name="presentation"),
    path("federation/presentations/<str:number>/answers/<str:name>", views_present.answer, name="answer"),
    path("federation/presentations/<str:number>/apply/<slug:register>/<slug:operation>/", views_present.apply, name="apply"),
    path("federation/catalogue/<str:origin>/head", views_zone.head, name="catalogue_head"),
    path("federation/catalogue/<str:origin>/certificate/<str:product>", views_zone.certificate, name="catalogue_certificate"),
    path("federation/catalogue/<str:origin>/<str:digest>", views_zone.part, name="catalogue_part"),
    path("federation/orders/", views_orders.orders, name="orders"),
    path("federation/orders/<str:number>/withdraw/", views_orders.withdraw, name="withdraw_order"),
    path("federation/orders/<slug:side>/<str:number>/", views_orders.order, name="order"),
    path("federation/settlements/", views_settling.settlements, name="settlements"),
    path("federation/settlements/claim/<slug:venue>/", views_settling.claim, name="claim_shares"),
    path("federation/settlements/net/<slug:venue>/<str:period>/", views_settling.net, name="net_shares"),
    path("federation/settlements/<slug:side>/<str:number>/", views_settling.settlement, name="settlement"),
    path("federation/guest/", views_orders.guest, name="guest"),
    path("federation/peers/<slug:venue>/payee/", views_orders.payee, name="payee"),
    path("zone/<slug:venue>/<str:product>/order/", views_orders.place, name="place_order"),
    path("federation/shared/", views_zone.shared, name="shared"),
    path("federation/market/<slug:key>/", views_zone.market_line, name="market_line"),
    path("zone/", views_zone.zone, name="zone"),
    path("zone/<slug:venue>/<str:product>/", views_zone.zone_listing, name="zone_listing"),
    path("federation/", views.home, name="home"),
    path("federation/peers/add/", views.add_peer, name="add_peer"),
    path("federation/peers/<slug:venue>/", views.peer, name="peer"),
    path("federation/peers/<slug:venue>/contradictions/<int:number>/<slug:which>", views.contradiction, name="contradiction"),
    path("federation/peers/<slug:venue>/pause/", views.pause_peer, name="pause_peer"),
    path("federation/peers/<slug:venue>/keys/", views.pin_key, name="pin_key"),
    path("federation/peers/<slug:venue>/keys/retire/", views.retire_key, name="retire_key"),
    path("federation/peers/<slug:venue>/offer/", views.offer, name="offer"),

    path("federation/agreements/<str:reference>/credential.json", views.agreement_file, name="agreement_file"),
    path("federation/agreements/<str:reference>/", views.agreement, name="agreement"),
]
