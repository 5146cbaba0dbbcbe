"""We ask witnesses, and what is public while they answer or do not."""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from shugu.evidence import cosigning, queries, services, tile_files
from shugu.evidence.log_audit import audit_log
from shugu.evidence.models import Cosignature, LogState, Published, WitnessTrouble
from shugu.evidence.tests.conftest import Write
from shugu.formats import checkpoint as checkpoints
from shugu.formats.canonical import b64
from shugu.formats.cosignature import new_witness_key
from shugu.formats.errors import BadWitnessPolicy
from shugu.formats.proof import verify_proof
from shugu.formats.quorum import Group, Policy, Witness, parse_policy, policy_text
from shugu.formats.suites import keyring
from shugu.kernel import runtime, signer, witness_keys
from shugu.kernel.home import Home, HomeConfig, HomeError
from shugu.logtools.audit import audit
from shugu.logtools.sources import Folder
from shugu.logtools.tests.small_log import running
from shugu.logtools.witness import FolderLedger
from shugu.logtools.witness_server import Server

pytestmark = pytest.mark.django_db


class Stand:
    """Witnesses that answer, one that does not, and the home's policy over them."""

    def __init__(self, stack: ExitStack, folder: Path) -> None:
        self.stack, self.folder, self.members = stack, folder, list[Witness]()
        self.ledgers: dict[str, FolderLedger] = {}

    def witness(self, name: str, *, knows_us: bool = True) -> FolderLedger:
        ledger = FolderLedger.found(self.folder / name, f"{name}.example")
        if knows_us:
            ledger.add(signer.keyring())
        url = self.stack.enter_context(running(Server(("127.0.0.1", 0), ledger)))
        self.ledgers[name] = ledger
        self.members.append(Witness(name, ledger.key.verify_key, url))
        return ledger

    def absent(self, name: str) -> None:
        self.members.append(Witness(name, new_witness_key(f"{name}.example").verify_key, "http://127.0.0.1:9"))

    def demand(self, threshold: int) -> None:
        """The policy: so many of the members, 0 for none."""
        groups = (Group("g", threshold, tuple(m.name for m in self.members)),) if threshold else ()
        self.write(policy_text(Policy((), tuple(self.members), groups, "g" if threshold else "none")))

    def write(self, text: str) -> None:
        (runtime.home().path / "witnesses.policy").write_text(text, "utf-8")
        witness_keys._read.cache_clear()
        cosigning.forget()


@pytest.fixture()
def stand(tmp_path: Path, settings: Any) -> Iterator[Stand]:
    """In a home of its own, with the keys of the tests' home: other tests run beside, in that one."""
    shared, home = runtime.home(), Home(tmp_path / "home", 8000)
    shutil.copytree(shared.path / "keys", home.path / "keys")
    for secret in shared.path.glob("*.secret"):
        shutil.copy(secret, home.path)
    home.write_config(HomeConfig(witness_policy="witnesses.policy"))
    settings.HOME = home
    _forget()
    with ExitStack() as stack:
        yield Stand(stack, tmp_path)
    settings.HOME = shared
    _forget()


def _forget() -> None:
    runtime.forget()
    signer.forget()
    cosigning.forget()


def cosigners(note: bytes) -> list[str]:
    policy = witness_keys.policy()
    assert policy is not None
    return [w.name for w, _ in policy.standing(note).cosigned]


def out() -> bytes:
    found = tile_files.published()
    assert found is not None
    return found


def test_the_public_checkpoint_carries_the_cosignatures_and_proofs_are_given_under_it(
    stand: Stand, write: Write, now: datetime
) -> None:
    stand.witness("a")
    stand.witness("b")
    stand.demand(2)
    (fact,) = write(1)
    services.sequence_once(now)
    assert cosigners(out()) == ["a", "b"]
    pinned = keyring(queries.vkey())
    assert checkpoints.verify_strict(out(), pinned).size == 1
    found = queries.proof(fact)
    assert found is not None
    assert found.checkpoint == out()
    entry = queries.evidence_of(fact, None)
    assert verify_proof(found, entry.leaf, pinned, strict=True).size == 1
    assert entry.badge.state is queries.BadgeState.SEALED
    write(300)
    services.sequence_once(now)
    assert (checkpoints.parse(out()).size, cosigners(out())) == (301, ["a", "b"])
    assert Cosignature.objects.filter(size__gt=0).count() == 4
    assert list(audit_log()) == []
    assert audit(Folder(str(tile_files.root())), pinned, witness_keys.policy()).ok


def test_without_the_quorum_the_new_checkpoint_waits_and_nothing_is_lost(stand: Stand, write: Write, now: datetime) -> None:
    ledger = stand.witness("a")
    stand.demand(1)
    write(255)
    services.sequence_once(now)
    ledger.remove(signer.origin())
    facts = write(10)
    services.sequence_once(now)
    state = LogState.objects.get(pk=1)
    head = queries.head()
    assert head is not None
    assert (state.size, head.size, checkpoints.parse(out()).size) == (265, 255, 255)
    assert queries.proof(facts[0]) is None
    assert queries.badge(facts[0]).state is queries.BadgeState.WAITING
    # The narrow tiles of the public tree are gone with the full ones; they are still served.
    assert len(queries.tile("tile/0/000.p/255")) == 255 * 32
    assert list(audit_log()) == []
    assert WitnessTrouble.objects.get().code == "unknown-log"
    standing = queries.witnesses()
    assert standing is not None
    assert (standing.waiting, standing.reached, standing.lines[0].trouble) == (265, False, cosigning.TROUBLES["unknown-log"])
    services.sequence_once(now)  # not asked again so soon
    assert checkpoints.parse(out()).size == 255
    ledger.add(signer.keyring())
    cosigning.forget()
    services.sequence_once(now)
    assert (checkpoints.parse(out()).size, cosigners(out())) == (265, ["a"])
    assert queries.proof(facts[0]) is not None
    assert not WitnessTrouble.objects.exists()


def test_an_absent_witness_is_named_and_a_quorum_of_the_others_suffices(stand: Stand, write: Write, now: datetime) -> None:
    stand.witness("a")
    stand.absent("gone")
    stand.witness("stranger", knows_us=False)
    stand.demand(1)
    write(3)
    services.sequence_once(now)
    assert cosigners(out()) == ["a"]
    services.sequence_once(now)
    told = queries.witnesses()
    assert told is not None
    codes = {line.name: line.trouble for line in told.lines}
    assert codes["a"] is None
    assert codes["gone"] in (cosigning.TROUBLES["unreachable"], cosigning.TROUBLES["timeout"])
    assert codes["stranger"] in (cosigning.TROUBLES["unknown-log"], cosigning.TROUBLES["timeout"])


def test_without_a_quorum_it_comes_out_at_once_and_is_cosigned_after(stand: Stand, write: Write, now: datetime) -> None:
    stand.absent("gone")
    stand.witness("a")
    stand.demand(0)
    write(3)
    seen: list[int] = []

    def reached(step: str) -> None:
        if step == "checkpoint out":
            seen.append(len(cosigners(out())))

    services.sequence_once(now, reached=reached)
    services.sequence_once(now, reached=reached)
    assert seen[0] == 0
    assert cosigners(out()) == ["a"]
    assert checkpoints.parse(out()).size == 3


def test_a_witness_that_knows_an_older_size_is_asked_from_there(stand: Stand, write: Write, now: datetime) -> None:
    stand.witness("a")
    stand.demand(1)
    for count in (5, 7):
        write(count)
        services.sequence_once(now)
    late = stand.witness("late")
    stand.demand(2)
    write(1)
    services.sequence_once(now)
    assert cosigners(out()) == ["a", "late"]
    with late.hold(signer.origin()) as line:
        assert line is not None
        assert line.seen.size == 13
    # What was cosigned under the earlier policy goes on verifying, in the order in which keys came.
    assert [k.name for k in keyring(queries.vkey()).keys][-2:] == ["a.example", "late.example"]
    stand.members.pop(0)
    stand.demand(1)
    write(1)
    services.sequence_once(now)
    assert cosigners(out()) == ["late"]
    assert "a.example" in queries.vkey()


def test_cosignatures_are_renewed_while_the_log_rests(
    stand: Stand, write: Write, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    stand.witness("a")
    stand.demand(1)
    write(2)
    services.sequence_once(now)
    first = out()
    assert not cosigning.pending(LogState.objects.get(pk=1), first)
    time.sleep(1.05)  # cosignatures state whole seconds
    monkeypatch.setattr(cosigning, "RENEW_AFTER", cosigning.RENEW_AFTER * 0)
    services.sequence_once(now)
    policy = witness_keys.policy()
    assert policy is not None
    (before,), (after,) = (policy.standing(n).cosigned for n in (first, out()))
    assert after[1] > before[1]
    assert checkpoints.parse(out()).size == 2


class Liar(BaseHTTPRequestHandler):
    """A witness that answers what its path says."""

    answers: dict[str, tuple[int, bytes]] = {}

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        status, body = self.answers[self.path.split("/")[1]]
        self.send_response(status)
        self.send_header("Content-Type", "text/x.tlog.size" if status == 409 else "text/plain")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Nothing."""


def test_answers_of_a_witness_are_believed_only_as_far_as_they_verify(stand: Stand, write: Write, now: datetime) -> None:
    key = new_witness_key("forged.example").verify_key
    forged = f"— {key.name} {b64(key.id_bytes + bytes(7) + b'1' + bytes(64))}\n".encode()
    other = f"— other.example {b64(bytes(76))}\n".encode()
    Liar.answers = {
        "forged": (200, forged), "other": (200, other), "empty": (200, b""), "long": (200, b"x" * 70_000),
        "ahead": (409, b"99\n"), "nonsense": (409, b"-1\n"), "split": (422, b""), "key": (403, b""),
        "teapot": (418, b""), "moved": (302, b""),
    }  # fmt: skip
    url = stand.stack.enter_context(running(ThreadingHTTPServer(("127.0.0.1", 0), Liar)))
    keys = {name: new_witness_key(f"{name}.example").verify_key for name in Liar.answers} | {"forged": key}
    stand.members = [Witness(name, keys[name], f"{url}/{name}") for name in Liar.answers]
    stand.demand(1)
    write(1)
    services.sequence_once(now)
    assert {r.pk: r.code for r in WitnessTrouble.objects.all()} == {
        keys[name].vkey(): code
        for name, code in {
            "forged": "bad-signature", "other": "malformed", "empty": "malformed", "long": "unreachable", "ahead": "ahead",
            "nonsense": "malformed", "split": "not-an-extension", "key": "not-our-key", "teapot": "refused", "moved": "refused",
        }.items()
    }  # fmt: skip
    assert not Cosignature.objects.exists()
    assert not Published.objects.exists()
    assert queries.head() is None


def test_a_crash_between_record_and_file_is_mended(stand: Stand, write: Write, now: datetime) -> None:
    stand.witness("a")
    stand.demand(1)
    write(2)

    class Crash(Exception):
        pass

    def reached(step: str) -> None:
        if step == "checkpoint recorded":
            raise Crash(step)

    with pytest.raises(Crash):
        services.sequence_once(now, reached=reached)
    assert tile_files.published() is None
    head = queries.head()
    assert head is not None
    services.sequence_once(now)
    assert out() == head.note or checkpoints.parse(out()).size >= head.size
    assert list(audit_log()) == []


def test_a_policy_that_cannot_be_read_lets_nothing_out(stand: Stand, write: Write, now: datetime) -> None:
    write(1)
    with pytest.raises(HomeError):
        services.sequence_once(now)
    stand.write("quorum nobody\n")
    with pytest.raises(BadWitnessPolicy):
        services.sequence_once(now)
    assert tile_files.published() is None
    stand.write("quorum none\n")
    services.sequence_once(now)
    assert checkpoints.parse(out()).size == 1
    assert parse_policy("quorum none\n") == witness_keys.policy()
