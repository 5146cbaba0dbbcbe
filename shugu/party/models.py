"""Who may act: organisations, people, memberships, seats of the venue's staff, accreditations, keys.

Written only by this app's services. Secrets are kept hashed (passwords, API keys) or sealed (TOTP, signing keys).
"""

from __future__ import annotations

from django.db import models


class Organisation(models.Model):
    """A legal person or other body, known by its unified social credit code (GB 32100)."""

    number = models.CharField(max_length=40, unique=True)
    uscc = models.CharField(max_length=18, unique=True)
    name = models.CharField(max_length=200)
    name_en = models.CharField(max_length=200, blank=True)
    kind = models.CharField(max_length=20)
    registered_at = models.DateTimeField()


class Person(models.Model):
    """A natural person who may sign in. `login` is the sign-in name; the stamp ends sessions older than a new password."""

    login = models.CharField(max_length=40, unique=True)
    name = models.CharField(max_length=80)
    name_en = models.CharField(max_length=80, blank=True)
    phone = models.CharField(max_length=30, blank=True)
    password = models.CharField(max_length=200, blank=True)
    stamp = models.PositiveIntegerField(default=0)
    totp_sealed = models.BinaryField(null=True)
    totp_confirmed_at = models.DateTimeField(null=True)
    totp_last_step = models.BigIntegerField(default=0)
    registered_at = models.DateTimeField()
    closed_at = models.DateTimeField(null=True)


class Membership(models.Model):
    """A person acts for an organisation. `rights`: admin, sign, act."""

    person = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="memberships")
    org = models.ForeignKey(Organisation, on_delete=models.PROTECT, related_name="memberships")
    rights = models.JSONField(default=list)
    since = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["person", "org"], condition=models.Q(ended_at__isnull=True), name="membership_once"
            )
        ]


class Invitation(models.Model):
    """An administrator invites somebody to an organisation; `login` or `contact` says whom. Only the digest of its
    token is kept; it is good once, to `expires_on` inclusive."""

    org = models.ForeignKey(Organisation, on_delete=models.PROTECT, related_name="invitations")
    login = models.CharField(max_length=40, blank=True)
    contact = models.CharField(max_length=120, blank=True)
    rights = models.JSONField()
    digest = models.CharField(max_length=64, unique=True)
    invited_by = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="+")
    invited_at = models.DateTimeField()
    expires_on = models.DateField()
    accepted_by = models.ForeignKey(Person, null=True, on_delete=models.PROTECT, related_name="+")
    accepted_at = models.DateTimeField(null=True)
    withdrawn_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [models.Index(fields=["org"], name="invitation_org")]


class SeatHolding(models.Model):
    """A person of the venue's staff (or of a regulator) holds a seat."""

    person = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="seats")
    seat = models.CharField(max_length=40)
    since = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["person", "seat"], condition=models.Q(ended_at__isnull=True), name="seat_once"
            )
        ]


class Accreditation(models.Model):
    """What an organisation applied to be admitted as; valid from `granted_on` to `valid_until`, both inclusive. One that
    `renews` another, when granted before its end, begins on the day after it."""

    case = models.OneToOneField("kernel.Case", on_delete=models.PROTECT, related_name="+")
    org = models.ForeignKey(Organisation, on_delete=models.PROTECT, related_name="accreditations")
    kind = models.CharField(max_length=60)
    merchant_type = models.CharField(max_length=40, blank=True)
    renews = models.ForeignKey("self", null=True, on_delete=models.PROTECT, related_name="+")
    number = models.CharField(max_length=40, blank=True)
    digest = models.CharField(max_length=64, blank=True)
    granted_on = models.DateField(null=True)
    valid_until = models.DateField(null=True)
    withdrawn_on = models.DateField(null=True)
    # Of its certificate: the place in the status lists.
    seat = models.BigIntegerField(null=True)

    class Meta:
        indexes = [models.Index(fields=["org", "kind"], name="accreditation_org")]


class Guest(models.Model):
    """An organisation of another venue, admitted here because that venue accredited it: as good as an accreditation of
    `kind` to `until`, inclusive, unless `ended_on` before. `by`: the other venue's origin; `digest`: its credential;
    `code`: SHA-256 of what lets one person in, once."""

    org = models.ForeignKey(Organisation, on_delete=models.PROTECT, related_name="guest_rights")
    kind = models.CharField(max_length=60)
    by = models.CharField(max_length=200)
    digest = models.CharField(max_length=64)
    code = models.CharField(max_length=64, unique=True)
    admitted_at = models.DateTimeField()
    since = models.DateField()
    until = models.DateField()
    ended_on = models.DateField(null=True)
    entered_by = models.ForeignKey(Person, null=True, on_delete=models.PROTECT, related_name="+")

    class Meta:
        indexes = [models.Index(fields=["org", "kind"], name="guest_org")]


class Power(models.Model):
    """A power of attorney: `agent` acts for `principal` in the matters of `scopes`, from `since` to `until`, both
    inclusive; from `ended_on` on it no longer counts. `digest`: the instrument the principal signed; `document`: the
    SHA-256 of a paper beside it, if one was given."""

    principal = models.ForeignKey(Organisation, on_delete=models.PROTECT, related_name="powers_given")
    agent = models.ForeignKey(Organisation, on_delete=models.PROTECT, related_name="powers_held")
    scopes = models.JSONField()
    since = models.DateField()
    until = models.DateField()
    digest = models.CharField(max_length=64)
    signature = models.JSONField()
    document = models.CharField(max_length=64, blank=True)
    filename = models.CharField(max_length=200, blank=True)
    media_type = models.CharField(max_length=100, blank=True)
    granted_at = models.DateTimeField()
    ended_on = models.DateField(null=True)
    ended_by = models.CharField(max_length=10, blank=True)

    class Meta:
        indexes = [
            models.Index(fields=["agent", "principal"], name="power_between"),
            models.Index(fields=["principal"], name="power_given"),
        ]


class ApiKey(models.Model):
    """A key of a person acting for an organisation (or in the person's seats). Only its digest is kept."""

    prefix = models.CharField(max_length=16, unique=True)
    digest = models.CharField(max_length=64)
    person = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="api_keys")
    org = models.ForeignKey(Organisation, null=True, on_delete=models.PROTECT, related_name="+")
    title = models.CharField(max_length=80)
    scopes = models.JSONField(default=list)
    issued_at = models.DateTimeField()
    expires_on = models.DateField()
    last_used_at = models.DateTimeField(null=True)
    revoked_at = models.DateTimeField(null=True)


class OrgKey(models.Model):
    """A verifier key of an organisation: its own signing key (private part sealed under the home) or a connector's."""

    org = models.ForeignKey(Organisation, on_delete=models.PROTECT, related_name="keys")
    purpose = models.CharField(max_length=20)
    suite = models.CharField(max_length=10)
    vkey = models.CharField(max_length=400, unique=True)
    sealed = models.BinaryField(null=True)
    connector_id = models.CharField(max_length=80, blank=True)
    registered_at = models.DateTimeField()
    retired_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["org", "purpose", "suite"],
                condition=models.Q(retired_at__isnull=True, purpose="sign"),
                name="one_signing_key",
            ),
            models.UniqueConstraint(
                fields=["connector_id", "suite"],
                condition=models.Q(retired_at__isnull=True, purpose="connector"),
                name="one_connector_key",
            ),
        ]


class SignInCount(models.Model):
    """Failed sign-ins in a row of one sign-in name, known or not; the name is kept as a digest."""

    subject = models.CharField(max_length=64, primary_key=True)
    failures = models.PositiveIntegerField(default=0)
    last_failed_at = models.DateTimeField()
    locked_until = models.DateTimeField(null=True)
