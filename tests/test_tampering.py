"""Change any byte of what a populated venue holds or hands out: always found, and named, by the tool that meets it first.

Journal rows, places and checkpoints in the database are met by `shugu audit`; the log's public files by `shugu log audit`;
everything handed out by `shugu verify`. Before every run each tool must find nothing, or its findings would mean nothing.
"""

from __future__ import annotations

import contextlib
import io
import json
import random
import shutil
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from shugu import audit
from shugu.evidence import queries, queries_package, services, tile_files
from shugu.evidence.extracting import ExtractPackage, extract_package
from shugu.evidence.log_audit import audit_log
from shugu.formats.package import read_zip
from shugu.formats.tests import golden
from shugu.kernel import documents, journal, runtime, signer, status_audit, status_lists
from shugu.kernel.cases import Actor
from shugu.kernel.home import Home
from shugu.kernel.models import Case, Fact
from shugu.logtools import audit as log_audit
from shugu.logtools.sources import Folder
from shugu.registry import queries as registry_queries
from shugu.registry import services as registry
from shugu.registry.models import Certificate, Entry
from shugu.registry.services import PlaceHold
from shugu.verifier.cli import main as verify
from tests import pdf_changes
from tests.mutations import FileTarget, Found, MadeTarget, RowTarget, Tally, Target, mutated, run
from tests.world import World

SEED = 20_261_129
STATUS = golden.read_json("status.json")
Tool = tuple[str, Callable[[], Found]]


def found_by_audit() -> Found:
    """The subjects that `shugu audit` names: commitments of the journal, the documents kept, the log."""
    checks = {"kernel.commitments": audit.audit_commitments, "kernel.documents": audit.audit_documents, "evidence.log": audit_log}
    found = [violation for name, check in checks.items() for violation in audit.run_check(name, check)]
    return [f"{violation.subject} {violation.check}" for violation in found]


def found_by_log_audit() -> Found:
    report = log_audit.audit(Folder(str(tile_files.root())), signer.keyring())
    return [fault.path for fault in report.faults]


def found_by_verify(*command: str) -> Found:
    """The numbers of the failed checks, or what was refused; nothing when the document passes."""
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        code = verify([*command, "--json", "--lang", "en"])
    if code == 0:
        return []
    if code == 2:
        return [f"refused: {err.getvalue()}"]
    checks: list[dict[str, Any]] = json.loads(out.getvalue())["checks"]
    return [f"check {c['n']} {c.get('id', '')}" for c in checks if c["outcome"] == "failed"]


def populated(world: World) -> str:
    """A registered, certified entry and a sealed log of every fact of the story; the certificate's digest."""
    world.registered_entry()
    for n in range(260):  # more than one full tile
        journal.record("thing.done", subject=f"kernel_test.thing:{n}", actor=world.alice, now=world.now, data={"n": n})
    for facet in ("objected", "suspended"):
        registry.place_hold(
            PlaceHold(Entry.objects.get().pk, facet, "依文书"), actor=world.rita, now=world.now
        )
    status_lists.publish_due(world.now)
    services.sequence_once(world.now)
    services.sequence_once(world.now + timedelta(seconds=1))
    return next(path.name for path in documents_kept() if path.read_bytes().startswith(b'{"@context"'))


def documents_kept() -> list[Path]:
    """Files that facts name, of those kept here."""
    named = {d for f in Fact.objects.exclude(payload=None) for d in json.loads(f.payload or "{}").get("digests", {}).values()}
    folder = runtime.home().path / "documents"
    return sorted(path for digest in named if (path := folder / digest[:2] / digest).is_file())


def status_rows() -> list[Target]:
    """What the venue keeps of its status lists: the bits, where they stand, the versions published."""
    def ask() -> Found:
        return [violation.subject for violation in audit.run_check(status_audit.CHECK, status_audit.audit_status)]

    tools: list[Tool] = [("shugu audit", ask)]
    return [
        RowTarget("kernel_statusbits", "seat", "flags <> 0", lambda row: (f"seat:{row['seat']}", "list:"), tools,
                  kept=frozenset({"dirty"})),
        RowTarget("kernel_statusblock", "block", "true", lambda row: (f"list:{row['block']}-",), tools),
        RowTarget("kernel_statusversion", "id", "true", lambda row: ("list:",), tools),
    ]  # fmt: skip


def database() -> list[Target]:
    tools: list[Tool] = [("shugu audit", found_by_audit)]
    log: list[Tool] = [("shugu audit", lambda: [v.subject for v in audit.run_check("evidence.log", audit_log)])]
    anywhere = ("tile/", "journal", "positions", "checkpoint", "state")
    return [
        RowTarget("kernel_fact", "id", "payload IS NOT NULL", lambda row: (f"fact:{row['id']} ",), tools),
        RowTarget("kernel_position", "position", "true", lambda row: anywhere, log),
        RowTarget(
            "evidence_checkpoint", "size", "true", lambda row: (f"checkpoint:{row['size']}", "checkpoints", "checkpoint"), log,
            kept=frozenset({"signed_at"}),
        ),
        RowTarget(
            "evidence_logstate", "id", "true", lambda row: ("state", "checkpoint"), log,
            kept=frozenset({"signed_at", "epoch", "holder"}),
        ),
    ]  # fmt: skip


def public_log() -> list[Target]:
    root = tile_files.root()
    files = sorted(p for p in root.rglob("*") if p.is_file() and (p.name == "checkpoint" or "tile" in p.parts))

    def tools(path: Path) -> list[Tool]:
        return [("shugu log audit", found_by_log_audit), ("shugu audit", found_by_audit)]

    groups = {
        "checkpoint": [p for p in files if p.name == "checkpoint"],
        "entry bundle": [p for p in files if "entries" in p.parts],
        "tile": [p for p in files if "tile" in p.parts and "entries" not in p.parts],
    }

    def named(path: Path) -> tuple[str, ...]:
        """From outside, a bundle and the tile over it can only be said to disagree: either is named."""
        name = path.relative_to(root).as_posix()
        return (name, name.replace("tile/entries/", "tile/0/"))

    return [FileTarget(name, group, named, tools) for name, group in groups.items()]


def kept_documents() -> list[Target]:
    tools: list[Tool] = [("shugu audit", found_by_audit)]
    return [FileTarget("document kept", documents_kept(), lambda path: (path.name,), lambda path: tools)]


def handed_out(folder: Path, digest: str, at: datetime) -> list[Target]:
    """What the venue itself has handed out: the certificate alone, its seal, all in one file."""
    sealed = folder / "certificate.sealed.json"
    sealed.write_bytes(queries.sealed(digest))
    whole = json.loads(sealed.read_bytes())
    parts = {"X.json": documents.get(digest), "X.tlog-proof": whole["proof"].encode()}
    parts["X.fact.json"] = json.dumps(whole["fact"], ensure_ascii=False, separators=(",", ":"), sort_keys=True).encode()
    for name, data in parts.items():
        (folder / name).write_bytes(data)
    (folder / "venue.vkey").write_text(signer.keyring().text(), "utf-8")
    command = ("--key", str(folder / "venue.vkey"), "--at", at.strftime("%Y-%m-%dT%H:%M:%SZ"))

    def tool(target: Path) -> list[Tool]:
        return [("shugu verify", lambda: found_by_verify(str(target), *command))]

    whole_file = FileTarget("sealed document", [sealed], lambda path: ("check ",), lambda path: tool(path))
    three = [folder / name for name in parts]
    return [whole_file, FileTarget("credential and seal", three, lambda path: ("check ",), lambda path: tool(folder / "X.json"))]


def on_paper(folder: Path, at: datetime, by: Actor) -> list[Target]:
    """The certificate as a signed PDF with the sealed document inside: any byte, and what a knowing hand does to it."""
    number = Certificate.objects.order_by("pk").values_list("number", flat=True)[0]
    paper, other = folder / "certificate.pdf", registry_queries.certificate_pdf(number, "en", now=at, actor=by)
    paper.write_bytes(registry_queries.certificate_pdf(number, "zh", now=at, actor=by))
    later = (at + timedelta(minutes=1)).strftime("%Y-%m-%dT%H:%M:%SZ")
    command = (str(paper), "--key", str(folder / "venue.vkey"), "--at", later)
    tools: list[Tool] = [("shugu verify", lambda: found_by_verify(*command))]

    def named(path: Path) -> tuple[str, ...]:
        return ("check ", "refused: ")

    return [
        FileTarget("PDF", [paper], named, lambda path: tools),
        MadeTarget("PDF written anew", [paper], pdf_changes.ways(other), named, lambda path: tools),
    ]


def package(folder: Path, at: datetime, by: Actor) -> list[Target]:
    """An evidence package as a court has it on its disk; every check of it is numbered, too."""
    case = Case.objects.filter(procedure="hangzhou.first").order_by("pk")[0]
    row = extract_package(ExtractPackage((case.number,), "own"), actor=by, now=at)
    services.sequence_once(at)
    files = []
    for name, content in read_zip(queries_package.archive(row)).items():
        files.append(folder / "package" / name)
        files[-1].parent.mkdir(parents=True, exist_ok=True)
        files[-1].write_bytes(content)
    command = (str(folder / "package"), "--key", str(folder / "venue.vkey"))
    tools: list[Tool] = [("shugu verify", lambda: found_by_verify(*command))]
    return [FileTarget("evidence package", files, lambda path: ("check ", "refused: "), lambda path: tools)]


def vectors(folder: Path) -> list[Target]:
    """Formats of which the vectors have the richest: status lists, key history, policy with cosignatures, proof, fact."""
    names = ("venue.vkey", "witnessed.venue.vkey", "checkpoint", "voucher.tlog-proof", "voucher.fact.json")
    for name in (*names, "witnessed.voucher.sealed.json", "intl.voucher.sealed.json", "intl.venue.vkey"):
        shutil.copy(golden.VECTORS / name, folder / name)
    for which, versions in STATUS["lists"].items():
        (folder / f"{which}.list.json").write_text(versions[1], "utf-8")
    place = next(c for c in STATUS["credentials"] if c["place"] == 2)
    (folder / "with-status.json").write_bytes(golden.maker().sealed(place["credential"]))
    history = golden.read_json("keyhistory.json")
    (folder / "venue-keys.json").write_text(history["history"], "utf-8")
    (folder / "first.vkey").write_text(history["vkey"], "utf-8")
    made = golden.maker()
    second = made.keys(seed="second")[0]
    note = made.sign(made.Checkpoint(made.ORIGIN, 1000, bytes(32)), [second, made.keys()[1]])
    (folder / "late.checkpoint").write_bytes(note)

    def with_key(key: str, target: str, *more: str, at: str = STATUS["at"]) -> Callable[[Path], list[Tool]]:
        command = [str(folder / target), "--key", str(folder / key), "--at", at, *more]
        return lambda path: [("shugu verify", lambda: found_by_verify(*command))]

    lists = [folder / f"{which}.list.json" for which in STATUS["lists"]]
    status = [part for one in lists for part in ("--status", str(one))]
    history_option = ("--history", str(folder / "venue-keys.json"))

    def check(*numbers: int) -> Callable[[Path], tuple[str, ...]]:
        return lambda path: tuple(f"check {n} " for n in numbers)

    def any_check(path: Path) -> tuple[str, ...]:
        return ("check ",)

    return [
        FileTarget("status list", lists, check(14), with_key("venue.vkey", "with-status.json", *status)),
        FileTarget("credential with status", [folder / "with-status.json"], any_check,
                   with_key("venue.vkey", "with-status.json", *status)),
        FileTarget("key history", [folder / "venue-keys.json"], lambda path: ("refused: ",),
                   with_key("first.vkey", "late.checkpoint", *history_option)),
        FileTarget("checkpoint alone", [folder / "checkpoint"], any_check, with_key("venue.vkey", "checkpoint")),
        FileTarget("cosigned document", [folder / "witnessed.voucher.sealed.json"], any_check,
                   with_key("witnessed.venue.vkey", "witnessed.voucher.sealed.json")),
        FileTarget("document under intl", [folder / "intl.voucher.sealed.json"], any_check,
                   with_key("intl.venue.vkey", "intl.voucher.sealed.json")),
        FileTarget("proof and fact", [folder / "voucher.tlog-proof", folder / "voucher.fact.json"], any_check,
                   with_key("venue.vkey", "voucher.tlog-proof")),
    ]  # fmt: skip


def quiet_before(targets: Sequence[Target]) -> None:
    """No tool finds anything while nothing is changed."""
    for target in targets:
        tools = target.tools if isinstance(target, RowTarget) else target.tools(target.files[0])
        for tool, ask in tools:
            assert ask() == [], f"{target.name}: {tool} finds something unchanged"


@pytest.fixture()
def own_home(world: World, tmp_path: Path, settings: Any) -> Iterator[None]:
    """A copy of the tests' home: what is damaged here is read by other tests there at the same moment."""
    shared, home = runtime.home(), Home(tmp_path / "home", 8000)

    def copy(source: str, target: str) -> None:
        with contextlib.suppress(FileNotFoundError):  # a file that another test is just writing
            shutil.copy(source, target)

    shutil.copytree(
        shared.path, home.path, ignore=shutil.ignore_patterns("postgres", "cache", "log"), copy_function=copy
    )
    settings.HOME = home
    runtime.forget()
    signer.forget()
    yield
    settings.HOME = shared
    runtime.forget()
    signer.forget()


def tampered(world: World, folder: Path, seed: int, each: int) -> Tally:
    """Every kind of thing changed `each` times; the tally."""
    digest = populated(world)
    (folder / "vectors").mkdir()
    at = world.now + timedelta(minutes=1)
    targets = [
        *handed_out(folder, digest, at), *on_paper(folder, at, world.alice), *package(folder, at, world.alice),
        *vectors(folder / "vectors"), *public_log(), *kept_documents(), *database(), *status_rows(),
    ]  # fmt: skip
    quiet_before(targets)
    tally = run(targets, seed, each)
    quiet_before(targets)  # everything was put back
    print(f"\ntampering, seed {seed}: {tally.text()}", *tally.survivors, sep="\n")
    return tally


@pytest.mark.usefixtures("own_home")
def test_any_changed_byte_is_found_and_named_by_the_tool_that_meets_it_first(world: World, tmp_path: Path) -> None:
    tally = tampered(world, tmp_path, SEED, 4)
    assert tally.survivors == []
    assert tally.changes.total() >= 60 and set(tally.met_by) >= {"shugu verify", "shugu log audit", "shugu audit"}


@pytest.mark.campaign
@pytest.mark.usefixtures("own_home")
@pytest.mark.parametrize("seed", range(1, 4))
def test_thousands_of_changes_leave_no_survivor(world: World, tmp_path: Path, seed: int) -> None:
    tally = tampered(world, tmp_path, seed, 100)
    assert tally.survivors == []
    assert tally.changes.total() >= 1_500


def test_a_change_that_nobody_looks_at_would_be_a_survivor(tmp_path: Path) -> None:
    """The harness itself: a tool that finds nothing, and one that names another thing."""
    (tmp_path / "x").write_bytes(b"content")
    blind = FileTarget("blind", [tmp_path / "x"], lambda p: ("x",), lambda p: [("nobody", list)])
    wrong = FileTarget("wrong", [tmp_path / "x"], lambda p: ("x",), lambda p: [("somebody", lambda: ["y"])])
    tally = run([blind, wrong], 1, 3)
    assert len(tally.survivors) == 6 and (tmp_path / "x").read_bytes() == b"content"
    changed, _ = mutated(b"content", random.Random(1))
    assert changed != b"content"
