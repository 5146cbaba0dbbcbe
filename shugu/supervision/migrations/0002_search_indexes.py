"""What the supervisor's searches need on the journal: by organisation, by day of recording, clocks overdue.

BRIN costs a commit nearly nothing and suffices because rows are appended in the order of their time.
"""

from django.db import migrations

INDEXES = {
    "supervision_fact_org": "ON kernel_fact (org, id) WHERE org IS NOT NULL",
    "supervision_fact_time": "ON kernel_fact USING brin (recorded_at) WITH (autosummarize = on)",
    "supervision_clock_overdue": "ON kernel_clock (due_at) WHERE status = 'overdue'",
    "supervision_case_procedure": "ON kernel_case (procedure, id)",
}


class Migration(migrations.Migration):
    dependencies = [("supervision", "0001_initial"), ("kernel", "0002_guards")]

    operations = [
        migrations.RunSQL(f"CREATE INDEX {name} {on}", f"DROP INDEX {name}") for name, on in INDEXES.items()
    ]
