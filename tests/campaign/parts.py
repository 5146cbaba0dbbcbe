"""What the campaigns run in processes of their own: found, write, trade, examine. `python -m tests.campaign.parts`."""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path
from typing import Any

_PATIENCE = 40.0


def found() -> dict[str, Any]:
    """A demonstration home with schema and keys; its clock does not lag."""
    from shugu import venue
    from shugu.kernel.home import Home, HomeConfig

    Home.from_environment().write_config(HomeConfig(mode="demo"))
    venue.prepare()
    from shugu.kernel import signer

    return {"origin": signer.origin()}


def write(name: str, count: int) -> dict[str, Any]:
    """`count` rounds of commands with keys; each acknowledged one is a line of <home>/acknowledged/<name>.

    A command cut off by the database is asked again with its own key, as a caller that heard nothing would."""
    import django

    django.setup()
    from django.db import Error, connection

    from shugu.kernel import runtime

    log = runtime.home().folder("acknowledged") / name
    done = {line.split()[0] for line in log.read_text("utf-8").splitlines()} if log.exists() else set[str]()
    with log.open("a", encoding="utf-8") as out:
        for number in range(count):
            for step in ("person", "organisation", "application", "submission"):
                key = f"{name}-{number:06d}-{step}"
                if key in done:
                    continue
                deadline = time.monotonic() + _PATIENCE
                while True:
                    try:
                        fact = _command(step, f"{name}{number:06d}", key)
                        break
                    except (Error, OSError):
                        if time.monotonic() > deadline:
                            raise
                        connection.close()
                        time.sleep(0.05)
                out.write(f"{key} {fact}\n")
                out.flush()
                os.fsync(out.fileno())
    return {"written": name}


def _command(step: str, login: str, key: str) -> str:
    """One command; the fact that it must leave as `<name> <subject or case>`."""
    from shugu.formats.identifiers import make_uscc
    from shugu.kernel import clock, documents
    from shugu.kernel.cases import mandate
    from shugu.party import queries, services
    from shugu.party.models import Membership, Person

    now = clock.now()
    if step == "person":
        person = services.register_person(
            services.RegisterPerson(login, f"人员{login}"), actor=mandate("venue", "init"), now=now, key=key
        )
        return f"person.registered party.person:{person.pk}"
    person_id = Person.objects.get(login=login).pk
    if step == "organisation":
        digits = "".join(c for c in login if c.isdigit())[-7:].rjust(7, "0")
        cmd = services.RegisterOrganisation(f"单位{login}", make_uscc(f"91330108{login[0].upper()}{login[1].upper()}{digits}"))
        org = services.register_organisation(cmd, actor=queries.actor_for(person_id), now=now, key=key)
        return f"organisation.registered party.org:{org.pk}"
    org_id = Membership.objects.get(person_id=person_id).org_id
    actor = queries.actor_for(person_id, org_id)
    row = services.apply_accreditation(
        services.ApplyAccreditation(org_id, "buyer"), actor=actor, now=now, key=f"{key.rpartition('-')[0]}-application"
    )
    if step == "application":
        return f"accreditation.opened case:{row.case_id}"
    for material in ("licence", "commitment", "qualification"):
        documents.file_material(
            row.case_id, material, filename=f"{material}.pdf", media_type="application/pdf",
            content=b"%PDF-1.4\n" + login.encode() + material.encode(), actor=actor, now=now,
        )  # fmt: skip
    services.act_on_accreditation(services.ActOnAccreditation(row.case_id, "submit"), actor=actor, now=now, key=key)
    return f"accreditation.submitted case:{row.case_id}"


def examine(settle: str = "settle") -> dict[str, Any]:
    """The venue at rest: audits, acknowledged commands, and every checkpoint of <home>/../seen against the final tree."""
    import django

    django.setup()
    from shugu import audit, worker

    if settle == "settle":
        worker.settle()
    violations = [f"{v.check} {v.subject}: {v.what[1]}" for v in audit.audit_everything()]
    from shugu.kernel import runtime, subscriptions
    from shugu.kernel.models import CommandKey, Fact

    lost, acknowledged = [], 0
    for file in sorted(runtime.home().folder("acknowledged").iterdir()):
        for line in file.read_text("utf-8").splitlines():
            key, fact, subject = line.split()
            acknowledged += 1
            where = {"case_id": int(subject[5:])} if subject.startswith("case:") else {"subject": subject}
            counts = (CommandKey.objects.filter(key=key).count(), Fact.objects.filter(name=fact, **where).count())
            if counts != (1, 1):
                lost.append(f"{line}: {counts}")
    return {
        "violations": violations, "lost": lost, "acknowledged": acknowledged, "facts": Fact.objects.count(),
        "stuck": [c.last_error for c in subscriptions.stuck()], "forks": _forks(),
    }  # fmt: skip


def _forks() -> list[str]:
    """Every checkpoint ever seen, in order: never smaller than the one before, each a prefix of the final tree."""
    from shugu.evidence import tile_files
    from shugu.formats import checkpoint
    from shugu.formats.merkle import EMPTY_ROOT, consistency_proof, root_from, verify_consistency
    from shugu.formats.tiles import hash_reader
    from shugu.kernel import runtime, signer

    folder = runtime.home().path.parent / "seen"
    notes = [f.read_bytes() for f in sorted(folder.iterdir())] if folder.exists() else []
    last = tile_files.published()
    assert last is not None
    final = checkpoint.verify(last, signer.keyring())
    read = hash_reader(tile_files.read, final.size)
    problems, size = [], 0
    if root_from(final.size, read) != final.root:
        problems.append("the files do not give the final root")
    for note in notes:
        head = checkpoint.verify(note, signer.keyring())
        if head.size < size:
            problems.append(f"the log shrank from {size} to {head.size}")
        size = head.size
        if head.size == 0:
            problems += [] if head.root == EMPTY_ROOT else ["an empty tree with a root"]
            continue
        verify_consistency(head.size, final.size, consistency_proof(head.size, final.size, read), head.root, final.root)
    return problems


def revive() -> dict[str, Any]:
    """Start the embedded server again and leave it running, as the next `shugu serve` would."""
    from shugu.kernel import embedded
    from shugu.kernel.home import Home

    server = embedded.start(Home.from_environment().path / "postgres")
    return {"postmaster": server.get_pid()}


def join_a_dying_database(times: int) -> dict[str, Any]:
    """Start while the server is killed `times` times between our joining it and our first word to it."""
    from shugu.kernel import embedded
    from shugu.kernel.home import Home
    from tests.campaign.homes import kill

    ensure, killed = embedded._ensure_database, []

    def die_first(server: Any) -> None:
        if len(killed) < times:
            killed.append(server.get_pid())
            kill(killed[-1])
        ensure(server)

    embedded._ensure_database = die_first
    server = embedded.start(Home.from_environment().path / "postgres")
    return {"killed": killed, "postmaster": server.get_pid()}


def waiting() -> dict[str, Any]:
    """Facts that are not in the log yet."""
    import django

    django.setup()
    from shugu.evidence.models import LogState
    from shugu.kernel.models import Fact

    return {"facts": Fact.objects.count() - LogState.objects.get(pk=1).size}


def main(words: list[str]) -> int:
    from tests.campaign import faults, money

    parts: dict[str, Any] = {
        "found": found, "write": lambda name, count: write(name, int(count)), "examine": examine,
        "revive": revive, "waiting": waiting, "join": lambda times: join_a_dying_database(int(times)),
        "stage": money.stage, "money": lambda die_at: money.run(int(die_at)), "conserved": money.conserved,
        "faults": lambda seed, runs: faults.faults(int(seed), int(runs)),
    }  # fmt: skip
    print(json.dumps(parts[words[0]](*words[1:]), ensure_ascii=False), flush=True)
    return 0


if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
    raise SystemExit(main(sys.argv[1:]))
