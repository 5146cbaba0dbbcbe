from __future__ import annotations

from django.urls import path

from shugu.party import org_views, views

app_name = "party"
urlpatterns = [
    path("sign-in/", views.sign_in, name="sign_in"),
    path("sign-in/code/", views.sign_in_code, name="sign_in_code"),
    path("sign-out/", views.sign_out, name="sign_out"),
    path("join/", views.join, name="join"),
    path("me/", views.me, name="me"),
    path("me/acting-for/", views.act_for, name="act_for"),
    path("me/password/", views.password, name="password"),
    path("me/totp/", views.totp, name="totp"),
    path("me/keys/", views.keys, name="keys"),
    path("me/keys/<slug:prefix>/revoke/", views.revoke_key, name="revoke_key"),
    path("organisations/new/", org_views.register, name="register_organisation"),
    path("organisations/<str:number>/", org_views.organisation, name="organisation"),
    path("organisations/<str:number>/members/new/", org_views.add_member, name="add_member"),
    path("organisations/<str:number>/members/<int:person>/remove/", org_views.remove_member, name="remove_member"),
    path("organisations/<str:number>/connectors/new/", org_views.add_connector_key, name="add_connector_key"),
    path("accreditations/new/", org_views.apply, name="apply"),
]
