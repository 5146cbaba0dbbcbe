"""Bulk imports of applications: the file, how far the work on it is, and which row became which application.

Written only by shugu.registry.importing and its job (import_jobs).
"""

from __future__ import annotations

from django.db import models


class Import(models.Model):
    """One file of applications. `state`: waiting, checking, checked (a dry run that passed), refused, importing, imported,
    moving (a step for all its cases is under way). `done` of `total` rows or cases of the present work."""

    register = models.CharField(max_length=40)
    operation = models.CharField(max_length=40)
    filename = models.CharField(max_length=200)
    media_type = models.CharField(max_length=100)
    file_digest = models.CharField(max_length=64)
    # The paper on whose strength a registrar imports for the holders, filed with every application: {} or
    # {"filename", "media_type", "size", "digest"}.
    mandate = models.JSONField(default=dict)
    person = models.BigIntegerField()
    org = models.BigIntegerField(null=True)
    dry_run = models.BooleanField(default=False)
    state = models.CharField(max_length=12, default="waiting")
    done = models.PositiveIntegerField(default=0)
    total = models.PositiveIntegerField(default=0)
    errors = models.PositiveIntegerField(default=0)
    warnings = models.PositiveIntegerField(default=0)
    # The first problems, for the page; all of them are the document `report` (CSV).
    problems = models.JSONField(default=list)
    report = models.CharField(max_length=64, blank=True)
    # The step under way or last done for all: {"do", "input", "person", "org", "moved", "refused", "report"}.
    work = models.JSONField(default=dict)
    begun_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)
    fact = models.BigIntegerField(null=True)

    class Meta:
        indexes = [
            models.Index(fields=["org", "-id"], name="registry_import_org"),
            models.Index(fields=["register", "file_digest"], name="registry_import_file"),
        ]


class ImportLine(models.Model):
    """The application that a row of the file became. `line` is the row's number in the file, the header being 1."""

    source = models.ForeignKey(Import, on_delete=models.PROTECT, related_name="lines")
    line = models.PositiveIntegerField()
    filing = models.OneToOneField("registry.Filing", on_delete=models.PROTECT, related_name="+")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["source", "line"], name="registry_import_line_once")]
