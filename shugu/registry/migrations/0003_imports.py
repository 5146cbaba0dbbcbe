"""Bulk imports: the file, the work on it, and which row became which application."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("registry", "0002_immutable")]

    operations = [
        migrations.CreateModel(
            name="Import",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("register", models.CharField(max_length=40)),
                ("operation", models.CharField(max_length=40)),
                ("filename", models.CharField(max_length=200)),
                ("media_type", models.CharField(max_length=100)),
                ("file_digest", models.CharField(max_length=64)),
                ("mandate", models.JSONField(default=dict)),
                ("person", models.BigIntegerField()),
                ("org", models.BigIntegerField(null=True)),
                ("dry_run", models.BooleanField(default=False)),
                ("state", models.CharField(default="waiting", max_length=12)),
                ("done", models.PositiveIntegerField(default=0)),
                ("total", models.PositiveIntegerField(default=0)),
                ("errors", models.PositiveIntegerField(default=0)),
                ("warnings", models.PositiveIntegerField(default=0)),
                ("problems", models.JSONField(default=list)),
                ("report", models.CharField(blank=True, max_length=64)),
                ("work", models.JSONField(default=dict)),
                ("begun_at", models.DateTimeField()),
                ("ended_at", models.DateTimeField(null=True)),
                ("fact", models.BigIntegerField(null=True)),
            ],
            options={
                "indexes": [
                    models.Index(fields=["org", "-id"], name="registry_import_org"),
                    models.Index(fields=["register", "file_digest"], name="registry_import_file"),
                ]
            },
        ),
        migrations.CreateModel(
            name="ImportLine",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("line", models.PositiveIntegerField()),
                (
                    "filing",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to="registry.filing"
                    ),
                ),
                (
                    "source",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="lines", to="registry.import"
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(fields=("source", "line"), name="registry_import_line_once")
                ]
            },
        ),
    ]
