from __future__ import annotations

from django.urls import path, register_converter

from shugu.settlement import operations_views, views


class Period:
    regex = r"20\d\d-(?:0[1-9]|1[0-2])"

    def to_python(self, value: str) -> str:
        return value

    def to_url(self, value: str) -> str:
        return value


register_converter(Period, "period")

app_name = "settlement"
urlpatterns = [
    path("money/", views.money, name="money"),
    path("money/bank-account/", views.bank_account, name="bank_account"),
    path("money/statements/<period:period>/", views.statement, name="statement"),
    path("money/statements/<period:period>.pdf", views.statement_pdf, name="statement_pdf"),
    path("money/statements/<period:period>.json", views.statement_json, name="statement_json"),
    path("operations/settlement/", operations_views.operations, name="operations"),
    path("operations/settlement/run/", operations_views.propose, name="propose"),
    path("operations/settlement/runs/<str:number>/", operations_views.run, name="run"),
    path("operations/settlement/bank-account/", operations_views.venue_account, name="venue_account"),
    path("operations/settlement/<str:number>.json", operations_views.instruction_file, name="instruction_file"),
]
