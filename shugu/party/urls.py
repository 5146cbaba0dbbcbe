from __future__ import annotations

from django.urls import path

from shugu.party import invitation_views, operations_views, org_views, power_views, views

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
    path("organisations/<str:number>/members/invite/", invitation_views.invite, name="invite"),
    path(
        "organisations/<str:number>/invitations/<int:invitation>/withdraw/", invitation_views.withdraw,
        name="withdraw_invitation",
    ),
    path("invitations/", invitation_views.invitation, name="invitation"),
    path("organisations/<str:number>/connectors/new/", org_views.add_connector_key, name="add_connector_key"),
    path("organisations/<str:number>/signing-keys/new/", org_views.replace_signing_keys, name="replace_signing_keys"),
    path("organisations/<str:number>/powers/", power_views.powers, name="powers"),
    path("organisations/<str:number>/powers/new/", power_views.grant, name="grant_power"),
    path("organisations/<str:number>/powers/<int:power>/revoke/", power_views.revoke, name="revoke_power"),
    path("powers/<int:power>/paper/", power_views.paper, name="power_paper"),
    path("accreditations/", operations_views.accreditations, name="accreditations"),
    path("accreditations/<str:number>.json", org_views.certificate_json, name="accreditation_json"),
    path("accreditations/<str:number>.pdf", org_views.certificate_pdf, name="accreditation_pdf"),
    path("accreditations/<str:number>/withdraw/", operations_views.withdraw, name="withdraw_accreditation"),
    path("operations/", operations_views.home, name="operations"),
    path("operations/people/", operations_views.people, name="people"),
    path("operations/people/new/", operations_views.new_person, name="new_person"),
    path("operations/people/<int:person>/seat/", operations_views.grant, name="grant_seat"),
    path("operations/people/<int:person>/seat/<slug:seat>/end/", operations_views.end, name="end_seat"),
    path("operations/organisations/", operations_views.organisations, name="organisations"),
    path("operations/organisations/<str:number>/", operations_views.holds, name="org_holds"),
    path("operations/holds/<int:hold>/lift/", operations_views.lift, name="lift_hold"),
    path("accreditations/new/", org_views.apply, name="apply"),
]
