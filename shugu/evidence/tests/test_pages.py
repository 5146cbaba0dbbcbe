from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from datetime import datetime

import pytest
from django.test import Client

from shugu.evidence import queries, services, tile_files
from shugu.evidence.errors import NotSealedYet
from shugu.evidence.queries import BadgeState
from shugu.evidence.tests.conftest import ALICE, AUDITOR, STRANGER, Write
from shugu.evidence.tests.tampering import tamper
from shugu.formats import checkpoint as checkpoints
from shugu.formats.canonical import unb64
from shugu.formats.credential import sign_credential
from shugu.formats.merkle import leaf_hash, verify_consistency
from shugu.formats.proof import parse_proof, verify_proof
from shugu.formats.tiles import decode_bundle, decode_tile
from shugu.formats.verdicts import Verdict
from shugu.formats.verify import verify_document
from shugu.kernel import documents, runtime, signer
from shugu.kernel.cases import Actor
from shugu.kernel.errors import InputInvalid, NotFound
from shugu.verifier import browser

pytestmark = pytest.mark.django_db
Visit = Callable[[Actor | None], Client]


@pytest.fixture()
def issued(write: Write, now: datetime) -> tuple[int, str]:
    """A credential and the fact that names it, with 299 facts around it; not sequenced yet."""
    credential = signer.sign_document("RegisterReport", number="V-1", subject={"fen": 100}, now=now)
    digest = documents.put(signer.document_bytes(credential))
    write(200)
    (fact,) = write(1, digests={"voucher": digest})
    write(99)
    return fact, digest


def test_the_checkpoint_is_served_for_a_moment_with_its_etag(write: Write, visit: Visit, now: datetime) -> None:
    client = visit(None)
    assert client.get("/log/checkpoint").status_code == 404
    write(3)
    note = services.sequence_once(now).note
    answer = client.get("/log/checkpoint")
    assert answer.content == note
    assert answer["Content-Type"] == "text/plain; charset=utf-8"
    assert "max-age=1" in answer["Cache-Control"] and "immutable" not in answer["Cache-Control"]
    again = client.get("/log/checkpoint", headers={"If-None-Match": answer["ETag"]})
    assert again.status_code == 304 and again.content == b""
    assert client.post("/log/checkpoint").status_code == 405


def test_tiles_and_bundles_are_served_for_ever(write: Write, visit: Visit, now: datetime) -> None:
    write(300)
    services.sequence_once(now)
    client = visit(None)
    for path in ("tile/0/000", "tile/0/001.p/44", "tile/1/000.p/1", "tile/entries/000", "tile/entries/001.p/44"):
        answer = client.get(f"/log/{path}")
        assert answer.status_code == 200 and answer.content == tile_files.read(path), path
        assert answer["Content-Type"] == "application/octet-stream"
        assert "immutable" in answer["Cache-Control"]


def test_a_bundle_may_be_asked_gzip_encoded(write: Write, visit: Visit, now: datetime) -> None:
    write(300)
    services.sequence_once(now)
    client, plain = visit(None), tile_files.read("tile/entries/000")
    for asked in ("gzip", "br;q=1, gzip; q=0.5"):
        answer = client.get("/log/tile/entries/000", headers={"Accept-Encoding": asked})
        assert answer["Content-Encoding"] == "gzip" and gzip.decompress(answer.content) == plain
        assert answer["Vary"] == "Accept-Encoding" and len(answer.content) < 0.75 * len(plain)
    for asked in ("", "br", "gzip;q=0", "gzip;q=0.0"):
        other = client.get("/log/tile/entries/000", headers={"Accept-Encoding": asked})
        assert "Content-Encoding" not in other and other.content == plain and other["ETag"] != answer["ETag"]
    assert "Content-Encoding" not in client.get("/log/tile/0/000", headers={"Accept-Encoding": "gzip"})


def test_a_narrow_tile_is_cut_out_of_the_wider_one(write: Write, visit: Visit, now: datetime) -> None:
    write(300)
    services.sequence_once(now)
    client = visit(None)
    full = decode_tile(tile_files.read("tile/0/000"), 256)
    assert decode_tile(client.get("/log/tile/0/000.p/9").content, 9) == full[:9]
    bundle = decode_bundle(tile_files.read("tile/entries/001.p/44"), 44)
    assert decode_bundle(client.get("/log/tile/entries/001.p/7").content, 7) == bundle[:7]


@pytest.mark.parametrize(
    "path",
    ["tile/0/001", "tile/0/001.p/45", "tile/0/002", "tile/1/000", "tile/2/000.p/1", "tile/0/0", "tile/00/000",
     "tile/0/000.p/256", "tile/entries/001.p/45", "tile/0/../checkpoint", "tile/../../home.toml", "tile/64/000",
     "tile/0/x000/000"],
)  # fmt: skip
def test_what_the_tree_does_not_have_is_not_found(write: Write, visit: Visit, now: datetime, path: str) -> None:
    write(300)
    services.sequence_once(now)
    assert visit(None).get(f"/log/{path}").status_code == 404


def test_an_unpublished_tile_is_not_served(write: Write, visit: Visit, now: datetime) -> None:
    services.sequence_once(now)
    write(5)

    def reached(name: str) -> None:
        if name == "folders synced":
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        services.sequence_once(now, reached=reached)
    assert "tile/0/000.p/5" in set(tile_files.names())
    assert visit(None).get("/log/tile/0/000.p/5").status_code == 404


def test_the_keys_are_the_verifiers_key_file(write: Write, visit: Visit, now: datetime) -> None:
    assert visit(None).get("/log/keys").content.decode() == signer.keyring().text()


def test_a_fact_waits_and_then_is_proved_by_the_formats_alone(write: Write, now: datetime) -> None:
    ids = write(300)
    assert queries.proof(ids[7]) is None
    assert queries.badge(ids[7]).state is BadgeState.WAITING
    services.sequence_once(now)
    assert queries.badge(ids[7]) == queries.Badge(ids[7], BadgeState.SEALED, 7)
    found = queries.proof(ids[7])
    assert found is not None
    entry = decode_bundle(tile_files.read("tile/entries/000"), 256)[7]
    assert verify_proof(parse_proof(found.encode()), leaf_hash(entry), signer.keyring(), strict=True).size == 300


def test_a_badge_is_broken_when_the_commitment_was_changed(write: Write, now: datetime) -> None:
    ids = write(20)
    services.sequence_once(now)
    tamper("kernel_fact", "UPDATE kernel_fact SET digest = %s WHERE id = %s", b"\x07" * 32, ids[4])
    states = {pk: badge.state for pk, badge in queries.badges([*ids, 10**9]).items()}
    assert states == {pk: BadgeState.BROKEN if pk == ids[4] else BadgeState.SEALED for pk in ids}
    failed = [s.id for s in queries.evidence_of(ids[4], None).steps if s.outcome.value == "failed"]
    assert failed == ["entry"]


def test_changed_content_fails_the_first_check(write: Write, now: datetime) -> None:
    (fact,) = write(1)
    services.sequence_once(now)
    tamper("kernel_fact", "UPDATE kernel_fact SET payload = replace(payload, '\"n\":0', '\"n\":1') WHERE id = %s", fact)
    found = queries.evidence_of(fact, ALICE)
    assert found.badge.state is BadgeState.BROKEN
    assert [s.id for s in found.steps if s.outcome.value == "failed"] == ["commitment"]


def test_a_lost_tile_shows_as_broken(write: Write, now: datetime, visit: Visit) -> None:
    (fact, *_) = write(3)
    services.sequence_once(now)
    (tile_files.root() / "tile/0/000.p/3").unlink()
    assert queries.badge(fact).state is BadgeState.BROKEN
    page = visit(None).get(f"/evidence/facts/{fact}/")
    assert page.status_code == 200 and "日志文件完好" in page.content.decode()


def test_readers_are_not_told_where_a_store_that_fails_is(
    write: Write, now: datetime, visit: Visit, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(3)
    services.sequence_once(now)
    monkeypatch.setattr(runtime, "log_store", lambda: "nothing-such://secret-bucket/log")
    for path in ("tile/0/000.p/3", "checkpoint"):
        answer = visit(None).get(f"/log/{path}")
        assert answer.status_code == 503 and "日志暂时无法读取" in answer.content.decode()
        assert "secret-bucket" not in answer.content.decode()


def test_a_sealed_document_verifies_offline(issued: tuple[int, str], now: datetime) -> None:
    """The package of evidence is exported. carries: S1-016"""
    _, digest = issued
    with pytest.raises(NotSealedYet):
        queries.sealed(digest)
    services.sequence_once(now)
    report = verify_document(queries.sealed(digest), signer.keyring().text(), now)
    assert report.verdict is Verdict.SEALED, report.text("en")


def test_only_a_kept_credential_can_be_sealed(issued: tuple[int, str], write: Write, now: datetime) -> None:
    plain = documents.put(b"not a credential")
    write(1, digests={"file": plain})
    services.sequence_once(now)
    for digest in (plain, "0" * 64, "nonsense"):
        with pytest.raises(NotFound):
            queries.sealed(digest)


def test_a_stranger_gets_leaf_and_proof_but_nothing_of_the_content(
    issued: tuple[int, str], visit: Visit, now: datetime
) -> None:
    fact, digest = issued
    services.sequence_once(now)
    for actor in (None, STRANGER):
        client = visit(actor)
        page = client.get(f"/evidence/facts/{fact}/").content.decode()
        assert "kernel_test.thing" not in page and "thing.done" not in page and digest not in page
        assert queries.evidence_of(fact, None).leaf.hex() in page
        shown = client.get(f"/api/evidence/facts/{fact}").json()
        assert shown["state"] == "sealed" and shown["fact"] is None and shown["proof"]["index"] == 200
        assert client.get(f"/api/evidence/proofs/{digest}").json()["sealed"] is None
        assert client.get(f"/evidence/facts/{fact}/content/").status_code == 404
        assert client.get(f"/evidence/documents/{digest}/").status_code == 404
        parse_proof(client.get(f"/evidence/facts/{fact}/proof/").content)
        assert "seal" not in client.get("/evidence/subjects/kernel_test.thing:0/badge/").content.decode()


@pytest.mark.parametrize("actor", [ALICE, AUDITOR, Actor(ALICE.kind, person=2, org=ALICE.org)])
def test_those_concerned_get_the_content_and_the_sealed_document(
    issued: tuple[int, str], visit: Visit, now: datetime, actor: Actor
) -> None:
    fact, digest = issued
    services.sequence_once(now)
    client = visit(actor)
    page = client.get(f"/evidence/facts/{fact}/").content.decode()
    assert "kernel_test.thing" in page and f"/evidence/documents/{digest}/" in page
    sealed = client.get(f"/evidence/documents/{digest}/").content
    assert verify_document(sealed, signer.keyring(), now).verdict is Verdict.SEALED
    answer = client.get(f"/api/evidence/proofs/{digest}").json()
    assert answer["sealed"] == json.loads(sealed)
    content, proof = (client.get(f"/evidence/facts/{fact}/{part}/").content for part in ("content", "proof"))
    credential = documents.get(digest)
    report = verify_document(credential, signer.keyring(), now, fact=content, proof=proof)
    assert report.verdict is Verdict.SEALED
    assert "seal-sealed" in client.get("/evidence/subjects/kernel_test.thing:0/badge/").content.decode()


def test_the_panel_is_a_fragment_and_the_page_is_whole(write: Write, visit: Visit, now: datetime) -> None:
    (fact,) = write(1)
    client = visit(None)
    assert "seal-waiting" in client.get(f"/evidence/facts/{fact}/badge/").content.decode()
    waiting = client.get(f"/evidence/facts/{fact}/", headers={"HX-Request": "true"}).content.decode()
    assert "<html" not in waiting and "hx-trigger" in waiting
    services.sequence_once(now)
    whole = client.get(f"/evidence/facts/{fact}/?lang=en").content.decode()
    assert "<html" in whole and "The path leads from leaf to root" in whole
    assert client.get(f"/evidence/facts/{fact + 1000}/").status_code == 404
    assert client.get(f"/evidence/facts/{fact + 1000}/proof/").status_code == 404


def test_erased_content_leaves_the_commitment_provable(write: Write, visit: Visit, now: datetime) -> None:
    (fact,) = write(1)
    services.sequence_once(now)
    tamper("kernel_fact", "UPDATE kernel_fact SET payload = NULL, salt = NULL WHERE id = %s", fact)
    found = queries.evidence_of(fact, ALICE)
    assert found.badge.state is BadgeState.SEALED and found.opened is None
    assert visit(ALICE).get(f"/evidence/facts/{fact}/").status_code == 200


def test_any_two_sizes_are_consistent_and_the_proof_says_so(write: Write, visit: Visit, now: datetime) -> None:
    write(300)
    services.sequence_once(now)
    write(40)
    services.sequence_once(now)
    client = visit(None)
    for old, new in ((0, 340), (1, 2), (3, 5), (255, 256), (256, 257), (300, 340), (340, 340)):
        found = client.get(f"/api/evidence/consistency?from={old}&to={new}").json()
        hashes = [unb64(h) for h in found["hashes"]]
        verify_consistency(old, new, hashes, unb64(found["from_root"]), unb64(found["to_root"]))
    newest = checkpoints.parse(client.get("/log/checkpoint").content)
    assert unb64(found["to_root"]) == newest.root


def test_it_refuses_sizes_that_the_log_does_not_have(write: Write, visit: Visit, now: datetime) -> None:
    write(5)
    services.sequence_once(now)
    client = visit(None)
    for old, new in ((3, 2), (0, 6), (-1, 2)):
        assert client.get(f"/api/evidence/consistency?from={old}&to={new}").status_code == 422
        page = client.get(f"/evidence/?from={old}&to={new}")
        assert page.status_code == 200
        assert 'aria-invalid="true"' in page.content.decode() and "成立" not in page.content.decode()
    with pytest.raises(InputInvalid):
        queries.consistency(4, 3)
    assert "成立" in client.get("/evidence/?from=2&to=5").content.decode()


def test_the_verifier_for_browsers_is_one_page_that_may_fetch_nothing(visit: Visit) -> None:
    answer = visit(None).get("/verify/offline/")
    assert answer.content.decode() == browser.html()
    said = answer["Content-Security-Policy"]
    assert said.startswith("default-src 'none'; script-src 'sha256-") and "frame-ancestors 'none'" in said
    kept = visit(None).get("/verify/offline/?download")
    assert "attachment" in kept["Content-Disposition"] and kept.content == answer.content


@pytest.mark.parametrize(("kind", "lang", "called"), [
    ("EvidenceReport", "zh", "下载封存文件：存证报告书"),
    ("EvidenceReport", "en", "Download sealed: evidence report"),
    ("SomethingElse", "zh", "下载封存文件：paper"),
])  # fmt: skip
def test_a_sealed_document_is_offered_by_its_name(
    write: Write, visit: Visit, now: datetime, kind: str, lang: str, called: str
) -> None:
    signed = signer.sign_document("EvidenceReport", number="V-1", subject={"fen": 100}, now=now)
    body = {k: v for k, v in signed.items() if k != "proof"}
    credential = sign_credential({**body, "type": ["VerifiableCredential", kind]}, signer.keys(), now)
    (fact,) = write(1, digests={"paper": documents.put(signer.document_bytes(credential))})
    services.sequence_once(now)
    shown = visit(ALICE).get(f"/evidence/facts/{fact}/?lang={lang}").content.decode()
    assert called in shown
