"""The proof that an objection to an entry is registered, given to the objector (where the regime has that kind)."""

from __future__ import annotations

from shugu.kernel import documents, journal, publishing, runtime, signer, store
from shugu.kernel import status as seats
from shugu.kernel.engine import Applied
from shugu.kernel.queries import name_fact
from shugu.kernel.text import Text
from shugu.kernel.workdays import due, end_of_day, local_day
from shugu.party import queries as parties
from shugu.registry import applications, certificates, status
from shugu.registry.models import Certificate, EntryVersion, Mark, Objection
from shugu.registry.printing import named, printed

KIND = "objection_certificate"
OPERATION = Text("异议登记", "objection registration")

name_fact("entry.objection_certified", "签发异议登记证明", "proof of an objection issued")


def certify(row: Objection, mark: Mark, applied: Applied) -> Certificate:
    """In the transaction that notes the objection. The proof is void once the note is lifted (`queries.certificate`)."""
    assert row.entry is not None and row.org is not None, "only an organisation's objection to an entry is certified"
    line, rules = row.entry, applied.view.rules
    version = EntryVersion.objects.filter(entry=line).order_by("-version")[0]
    words = printed(line.register, rules)
    day = local_day(applied.now)
    number = store.next_number("certificate", day.year)
    held = [{"org": s.org_id, "parts": s.parts} for s in version.shares.order_by("pk")]
    objector = parties.organisation(row.org)
    grounds = applications.code_table(applications.rules_of(line.register), "registry.objection_grounds")
    period = rules.value("registry.objection_litigation_period")
    ground = grounds.get(row.ground, Text(row.ground, row.ground))
    subject = certificates.subject(
        entry=line.number, version=version.version, register=line.register, regime=words.register.regime, title=version.title,
        object_kind=(line.object_kind, words.objects.get(line.object_kind, Text(line.object_kind, line.object_kind))),
        rights={code: words.rights.get(code, Text(code, code)) for code in version.rights}, holders=named(held), form={},
        filing=row.number, entered_on=line.entered_on, last_day=version.valid_until, rule_set=rules.id, kind=KIND,
        titles=(words.kinds.get(KIND), OPERATION), issuing=words.issuing,
        objection={
            "number": row.number, "ground": {"code": row.ground, "zh": ground.zh, "en": ground.en},
            "org": objector.number, "name": objector.name, "accepted_on": day.isoformat(),
            "proceedings_due": due(day, period.length, calendar=runtime.calendar()).on.isoformat(), "article": period.article,
        },
    )  # fmt: skip
    seat = seats.allot(status.CERTIFICATE)
    credential = signer.sign_document(
        certificates.credential_type(KIND), number=number, now=applied.now, valid_until=end_of_day(version.valid_until),
        subject=subject, status=seat,
    )  # fmt: skip
    digest = documents.put(signer.document_bytes(credential))
    fact = journal.record(
        "entry.objection_certified", subject=f"registry.entry:{line.pk}", actor=applied.actor, now=applied.now, case=row.pk,
        data={"objection": row.number, "entry": line.number, "certificates": [number]}, digests={KIND: digest},
        rule_set=rules.id,
    )  # fmt: skip
    issued = Certificate.objects.create(
        number=number, kind=KIND, version=version, mark=mark, holder_id=row.org, digest=digest, issued_at=applied.now,
        valid_until=version.valid_until, fact=fact, seat=seat.number,
    )  # fmt: skip
    publishing.publish(number, digest, applied.now)
    status.refresh([line.pk], applied.now)
    return issued
