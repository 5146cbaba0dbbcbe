from __future__ import annotations

from django.urls import path

from shugu.evidence import key_views, seal_views, status_views, views, views_deposit, views_package, witness_views

app_name = "evidence"
urlpatterns = [
    path("log/checkpoint", views.checkpoint, name="checkpoint"),
    path("log/keys", views.keys, name="keys"),
    path("log/tile/<path:rest>", views.tile, name="tile"),
    path("verify/offline/", views.offline_verifier, name="offline_verifier"),
    path("witness/add-checkpoint", witness_views.add_checkpoint, name="add_checkpoint"),
    path("witness/witness.vkey", witness_views.vkey, name="witness_vkey"),
    path("witness/<str:log_id>/checkpoint", witness_views.latest, name="witnessed_checkpoint"),
    path("operations/witness/", witness_views.home, name="witness"),
    path("operations/witness/add/", witness_views.add, name="witness_add"),
    path("operations/witness/remove/", witness_views.remove, name="witness_remove"),
    path("operations/witness/alarms/<int:alarm>/<str:which>", witness_views.alarm_note, name="witness_alarm"),
    path("operations/seals/", seal_views.home, name="seals"),
    path("operations/seals/change/", seal_views.change, name="seal_change"),
    path("operations/seals/trial/<slug:purpose>.png", seal_views.trial, name="seal_trial"),
    path("operations/seals/<str:digest>.png", seal_views.picture, name="seal_picture"),
    path("operations/keys/", key_views.home, name="venue_keys"),
    path("operations/keys/new/", key_views.new, name="venue_key_new"),
    path("operations/keys/<slug:key>/retire/", key_views.retire, name="venue_key_retire"),
    path("operations/keys/<slug:key>/lost/", key_views.lost, name="venue_key_lost"),
    path("status/<slug:name>.json", status_views.newest, name="status_list"),
    path("status/<slug:name>.sealed.json", status_views.newest_sealed, name="status_list_sealed"),
    path("status/<slug:name>/<int:number>.json", status_views.version, name="status_version"),
    path("status/<slug:name>/<int:number>.sealed.json", status_views.version_sealed, name="status_version_sealed"),
    path("evidence/", views.home, name="home"),
    path("evidence/facts/<int:fact_id>/", views.fact, name="fact"),
    path("evidence/facts/<int:fact_id>/badge/", views.fact_badge, name="fact_badge"),
    path("evidence/facts/<int:fact_id>/proof/", views.proof_file, name="proof_file"),
    path("evidence/facts/<int:fact_id>/content/", views.fact_file, name="fact_file"),
    path("evidence/documents/<str:digest>/", views.sealed_file, name="sealed_file"),
    path("evidence/deposits/", views_deposit.deposits, name="deposits"),
    path("evidence/deposits/new/", views_deposit.new, name="deposit_new"),
    path("evidence/deposits/<str:number>/", views_deposit.one, name="deposit"),
    path("evidence/deposits/<str:number>/<slug:what>.<slug:form>", views_deposit.paper, name="deposit_paper"),
    path("evidence/check/", views_deposit.check, name="check"),
    path("evidence/packages/", views_package.packages, name="packages"),
    path("evidence/packages/<str:number>/", views_package.package, name="package"),
    path("evidence/packages/<str:number>/package.zip", views_package.package_zip, name="package_zip"),
    path("evidence/cases/<str:number>/package/", views_package.extract, name="extract"),
    path("evidence/cases/<int:case>/slot/", views_package.case_slot, name="case_slot"),
    path("evidence/subjects/<str:subject>/badge/", views.subject_badge, name="subject_badge"),
]
