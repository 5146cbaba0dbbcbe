"""The page in a real Chromium, from a file: the same verdicts, numbers and words as the command line."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from shugu.formats.checks import CORE, TITLES, CheckId, Outcome
from shugu.formats.demands import witnesses
from shugu.formats.quorum import parse_policy
from shugu.formats.suites import keyring
from shugu.formats.tests import golden
from shugu.formats.times import read_time
from shugu.formats.verdicts import VERDICTS, Verdict
from shugu.formats.verify import Verifier, verify_document
from shugu.formats.words import words
from shugu.verifier import browser
from shugu.verifier.cli import main

if TYPE_CHECKING:
    from playwright.sync_api import Page

VERIFY = """async ([document, keys, at, fact, proof]) => {
  const part = (text) => text === null ? null : Bytes.utf8(text);
  const report = await Verify.verify(part(document), await Verify.readKeys(keys), Verify.readTime(at), part(fact), part(proof));
  return [report.verdict, report.checks.map((check) => check.outcome)];
}"""
# A case of demands.json: verdict and outcomes, or how reading what lies beside the document was refused.
DEMAND = """async (one) => {
  const part = (text) => Bytes.utf8(text);
  const pins = await Keys.Pins.of(await Verify.readKeys(one.vkeys), (one.histories ?? []).map(part));
  const given = (one.lists ?? []).map((text) => Verify.readSealed(part(text), null, null));
  const lists = given.length ? new Status.Lists(given, one.max_age_hours ? one.max_age_hours * 3600e3 : null) : null;
  const report = await Verify.verify(part(one.document), pins, Verify.readTime(one.at), null, null, lists);
  return [report.verdict, report.checks.map((check) => [check.n, check.outcome])];
}"""
VKEYS = golden.read("venue.vkey").decode()
DEMANDS = golden.read_json("demands.json")
STATUS = golden.read_json("status.json")


def flipped(data: bytes, at: int) -> bytes:
    return data[:at] + bytes([data[at] ^ (1 << at % 8)]) + data[at + 1 :]


def test_the_page_is_one_file_that_asks_nothing_of_anybody() -> None:
    page = browser.html()
    assert not re.search(r"\{\{\w+\}\}", page)
    assert not re.search(r"""(?:src|href)=["'](?!data:)""", page)
    assert not re.search(r"\b(?:fetch|XMLHttpRequest|WebSocket|eval|importScripts|sendBeacon)\b", browser.script())
    assert "default-src 'none'" in browser.policy() and "connect-src" not in browser.policy()
    assert "</script" not in browser.script() and "innerHTML" not in browser.script()


def test_it_is_written_by_the_command_line(tmp_path: Path) -> None:
    assert main(["--page", str(tmp_path / "verify.html")]) == 0
    assert (tmp_path / "verify.html").read_text("utf-8") == browser.html()


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Page]:
    found = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if found is None:
        pytest.skip("!! NO CHROMIUM on this machine: the page was NOT tried in a browser (apt-get install chromium)")
    from playwright.sync_api import sync_playwright

    file = tmp_path_factory.mktemp("page") / "verify.html"
    file.write_text(browser.html(), "utf-8")
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=found, args=["--no-sandbox", "--disable-gpu"])
        shown = opened.new_context(locale="zh-CN", offline=True).new_page()
        faults: list[str] = []
        shown.on("pageerror", lambda error: faults.append(str(error)))
        shown.on("console", lambda message: faults.append(message.text) if message.type == "error" else None)
        shown.goto(file.as_uri())
        shown.wait_for_selector("html[data-able=true]")
        yield shown
        opened.close()
        assert not faults


@pytest.mark.browser
@pytest.mark.xdist_group("offline-page")
class TestInAChromium:
    def verified(self, page: Page, document: str, keys: str = VKEYS, *parts: str | None) -> tuple[str, list[str]]:
        fact, proof = (*parts, None, None)[:2]
        verdict, outcomes = page.evaluate(VERIFY, [document, keys, golden.AT, fact, proof])
        return verdict, outcomes

    def test_every_good_vector_holds_and_every_defect_fails_at_its_check(self, page: Page) -> None:
        good = (
            ("voucher.sealed.json", "venue.vkey"), ("intl.voucher.sealed.json", "intl.venue.vkey"),
            ("witnessed.voucher.sealed.json", "witnessed.venue.vkey"),
        )  # fmt: skip
        for name, keys in good:
            verdict, _ = self.verified(page, golden.read(name).decode(), golden.read(keys).decode())
            assert verdict == "sealed", name
        for case in golden.read_json("rejects.json")["documents"]:
            told = verify_document(case["document"].encode(), case["vkeys"], read_time(golden.AT))
            verdict, outcomes = self.verified(page, case["document"], case["vkeys"])
            assert outcomes.index("failed") + 1 == case["check"], case["name"]
            assert (verdict, outcomes) == (told.verdict.value, [c.outcome.value for c in told.checks]), case["name"]

    def test_the_three_files_and_what_is_not_sealed(self, page: Page) -> None:
        parts = [golden.read(f"voucher.{name}").decode() for name in ("json", "fact.json", "tlog-proof")]
        assert self.verified(page, parts[0], VKEYS, *parts[1:])[0] == "sealed"
        assert self.verified(page, parts[0], VKEYS, parts[1])[0] == "signed-not-sealed"
        assert self.verified(page, parts[0])[0] == "signed-not-sealed"
        assert self.verified(page, parts[0], golden.read("intl.venue.vkey").decode())[0] == "failed"

    def test_key_histories_and_status_lists_lead_to_the_same_checks(self, page: Page) -> None:
        """Vectors and rejects of checks 13 to 15: number, outcome and verdict as the command line has them."""
        for case in DEMANDS["cases"]:
            assert page.evaluate(DEMAND, case) == [case["verdict"], case["checks"]], case["name"]

    def test_a_history_that_does_not_hold_is_refused_before_anything(self, page: Page) -> None:
        refused = """async ({ history, vkeys }) => {
          try { await Keys.Pins.of(await Verify.readKeys(vkeys), [Bytes.utf8(history)]); return "taken"; }
          catch (error) { return error.constructor.name; }
        }"""
        for name, case in DEMANDS["refused_histories"].items():
            assert page.evaluate(refused, case) == "Refused", name
        told = golden.read_json("keyhistory.json")
        assert page.evaluate(refused, {"history": told["history"], "vkeys": told["vkey"]}) == "taken"
        for name, history in told["refused"].items():
            assert page.evaluate(refused, {"history": history, "vkeys": told["vkey"]}) == "Refused", name

    def test_bitstrings_and_entries_have_the_one_spelling(self, page: Page) -> None:
        read = """async (text) => {
          try { return Bytes.hex(await Verify.sha256(await Status.decode(text))); }
          catch (error) { return error.constructor.name; }
        }"""
        for case in STATUS["bitstrings"]:
            assert page.evaluate(read, case["encodedList"]) == case["sha256"], case["list"]
        for name, text in STATUS["refused"].items():
            assert page.evaluate(read, text) == "Refused", name
        entries = """(value) => {
          try { return Status.readEntries(value).length; } catch (error) { return error.constructor.name; }
        }"""
        for name, value in STATUS["refused_entries"].items():
            assert page.evaluate(entries, value) == "Refused", name
        for case in STATUS["credentials"]:
            status = case["credential"]["credentialStatus"]
            assert page.evaluate(entries, status) == len(status)

    def test_a_policy_is_read_and_met_as_by_the_command_line(self, page: Page) -> None:
        witness = golden.read_json("witness.json")
        stands = """async ([text, note]) => {
          const found = await Policy.standing(await Policy.read(text), note);
          return [[...found.times.keys()], found.reached];
        }"""
        for case in witness["standings"]:
            assert page.evaluate(stands, [witness["policy"], case["checkpoint"]]) == [case["cosigned"], case["reached"]]
        refused = """async (text) => {
          try { await Policy.read(text); return "read"; } catch (error) { return error.constructor.name; }
        }"""
        for name, text in witness["refused_policies"].items():
            assert page.evaluate(refused, text) == "Refused", name
        met = """async ([document, keys, at, text]) => {
          const pinned = await Verify.readKeys(keys), policy = await Policy.read(text), now = Verify.readTime(at);
          const report = await Verify.verify(Bytes.utf8(document), pinned, now, null, null, null, policy);
          const check = report.checks.find((one) => one.n === 12);
          return [report.verdict, check.outcome, check.detail[1]];
        }"""
        document, keys = golden.read("witnessed.voucher.sealed.json").decode(), golden.read("witnessed.venue.vkey").decode()
        strict = witness["policy"].replace("group g 2", "group g 3")
        later = "2026-11-22T02:06:04Z"
        for text, at in ((witness["policy"], later), (strict, later), (witness["policy"], golden.AT)):
            told = Verifier(keyring(keys), read_time(at), [witnesses(parse_policy(text))]).document(document.encode())
            own = next(c for c in told.checks if c.id is CheckId.COSIGNATURES)
            found = page.evaluate(met, [document, keys, at, text])
            assert found[:2] == [told.verdict.value, own.outcome.value]
            assert own.outcome is not Outcome.OK or found[2] == own.detail[1]

    def test_no_byte_of_a_history_or_a_list_can_change(self, page: Page) -> None:
        """One bit in every so manyth byte: the history is refused, the list leaves the status unknown."""
        case = next(c for c in DEMANDS["cases"] if c["name"] == "in-the-overlap")
        history = case["histories"][0].encode()
        changed = [flipped(history, at).decode("latin-1") for at in range(0, len(history), 29)]
        refused = """async ([all, vkeys]) => {
          const out = new Set(), keys = await Verify.readKeys(vkeys);
          for (const one of all)
            try { await Keys.Pins.of(keys, [Uint8Array.from(one, (char) => char.charCodeAt(0))]); out.add("taken"); }
            catch (error) { out.add(error.constructor.name); }
          return [...out];
        }"""
        assert page.evaluate(refused, [changed, case["vkeys"]]) == ["Refused"]
        case = next(c for c in DEMANDS["cases"] if c["name"] == "in-force")
        sealed = case["lists"][0].encode()
        changed = [flipped(sealed, at).decode("latin-1") for at in range(0, len(sealed), 97)]
        told = """async ([one, all]) => {
          const part = (text) => Bytes.utf8(text), out = new Set(), pins = new Keys.Pins(await Verify.readKeys(one.vkeys));
          const read = (data) => { try { return Verify.readSealed(data, null, null); } catch (error) { return error; } };
          for (const text of all) {
            const lists = [Uint8Array.from(text, (char) => char.charCodeAt(0)), ...one.lists.slice(1).map(part)].map(read);
            const beside = new Status.Lists(lists, null), now = Verify.readTime(one.at);
            const report = await Verify.verify(part(one.document), pins, now, null, null, beside);
            out.add(report.verdict);
          }
          return [...out];
        }"""
        assert page.evaluate(told, [case, changed]) == ["status-unknown"]

    def test_no_byte_can_change(self, page: Page) -> None:
        """One bit in every seventh byte; junk beside it. Latin-1 keeps each byte a character on the way there."""
        sealed = golden.read("voucher.sealed.json")
        places = range(0, len(sealed), 7)
        changed = [sealed[:at] + bytes([sealed[at] ^ (1 << at % 8)]) + sealed[at + 1 :] for at in places]
        changed += [b"", b"{}", b"[]", b"null", b"\xff", b"[" * 5000, sealed[:-1], sealed + b" ", b"\xef\xbb\xbf" + sealed]
        verdicts = page.evaluate(
            """async ([documents, keys, at]) => {
              const pinned = await Verify.readKeys(keys), out = [];
              for (const one of documents) {
                const data = Uint8Array.from(one, (char) => char.charCodeAt(0));
                out.push((await Verify.verify(data, pinned, Verify.readTime(at))).verdict);
              }
              return out;
            }""",
            [[one.decode("latin-1") for one in changed], VKEYS, golden.AT],
        )
        assert set(verdicts) == {"failed"} and len(verdicts) == len(changed) > 300

    def test_json_and_keys_have_the_one_spelling(self, page: Page) -> None:
        case = golden.read_json("canonical.json")
        read = """(all) => all.map((hex) => {
          try { return Bytes.hex(Json.bytes(Json.read(Uint8Array.from(hex.match(/../g) ?? [], (pair) => parseInt(pair, 16))))); }
          catch (error) { if (!(error instanceof Refused)) throw error; return "refused"; }
        })"""
        accepted = [one["canonical_hex"] for one in case["accepted"]]
        assert page.evaluate(read, accepted) == accepted
        assert set(page.evaluate(read, list(case["refused"].values()))) == {"refused"}
        keys = golden.read_json("keys.json")
        found = page.evaluate("async (text) => (await Verify.readKeys(text)).map((key) => key.method)", VKEYS)
        assert found == [key["method"] for key in keys]
        wrong = [VKEYS.replace("d0d62232", "d0d62233"), "", "# nothing", VKEYS + VKEYS, VKEYS.replace("+AdiY", "+AdiZ")]
        refused = """async (all) => {
          const out = [];
          for (const text of all)
            try { await Verify.readKeys(text); out.push("read"); } catch (error) { out.push(error.constructor.name); }
          return out;
        }"""
        assert page.evaluate(refused, wrong) == ["Refused"] * len(wrong)

    def test_the_desk_shows_every_check_with_the_words_of_the_command_line(self, page: Page) -> None:
        page.set_input_files("#key-file", str(golden.VECTORS / "venue.vkey"))
        page.fill("#at", golden.AT)
        page.set_input_files("#files", [str(golden.VECTORS / f"voucher.{n}") for n in ("json", "fact.json", "tlog-proof")])
        page.wait_for_selector("article[data-verdict=sealed]")
        assert page.locator("article .notice").inner_text() == VERDICTS[Verdict.SEALED][0]
        assert "日志此后的增长（16）" in page.locator("article").inner_text(), "what the page does not do is said"
        titles = page.locator(".checks summary").all_inner_texts()
        for check, shown in zip(CORE, titles, strict=True):
            assert TITLES[check][0] in shown and shown.startswith(str(check.number))
        page.locator(".checks summary").nth(7).press("Enter")  # by keyboard
        assert words().checks[CORE[7]].proves[0] in page.locator(".checks li").nth(7).inner_text()
        page.click("#language")
        assert page.locator("article .notice").inner_text() == VERDICTS[Verdict.SEALED][1]
        forged = json.dumps({"credential": {}, "fact": {}, "proof": ""}, separators=(",", ":")).encode()
        files: list[Any] = [{"name": "forged.json", "mimeType": "application/json", "buffer": forged}]
        page.set_input_files("#files", files)
        page.wait_for_selector("article[data-verdict=failed]")
        assert page.locator("article h3").all_inner_texts() == ["forged.json"]
        page.set_viewport_size({"width": 375, "height": 800})
        assert page.evaluate("document.documentElement.scrollWidth") == 375
        left = (("x.pdf", b"%PDF-1.7", "17 to 25"), ("x.zip", b"PK\x03\x04", "evidence packages"), ("x.bin", b"?", "is not here"))
        for name, start, said in left:
            other: list[Any] = [{"name": name, "mimeType": "application/octet-stream", "buffer": start}]
            page.set_input_files("#files", other)
            page.wait_for_function("(name) => document.getElementById('result').innerText.includes(name)", arg=name)
            assert said in page.locator("#result .notice").inner_text() and not page.locator("article").count()

    def test_the_desk_takes_histories_and_lists_beside_a_document(self, page: Page) -> None:
        """By choosing files, in any order; what lies beside is named, and can be taken away again by keyboard."""
        page.set_viewport_size({"width": 375, "height": 800})
        case = next(c for c in DEMANDS["cases"] if c["name"] == "revoked")
        overlap = next(c for c in DEMANDS["cases"] if c["name"] == "in-the-overlap")

        def give(**files: str) -> None:
            given: list[Any] = [{"name": n, "mimeType": "application/json", "buffer": t.encode()} for n, t in files.items()]
            page.set_input_files("#files", given)

        page.fill("#keys", case["vkeys"])
        page.fill("#at", case["at"])
        give(**{"document.json": case["document"]}, **{f"{n}.sealed.json": text for n, text in enumerate(case["lists"])})
        page.wait_for_selector("article[data-verdict=not-in-force]")
        assert page.locator(".checks li[data-n='14'][data-outcome=ok]").count() == 1
        assert "revoked" in page.locator(".checks li[data-n='15']").inner_text()
        assert page.locator("#beside li").count() == 3
        assert page.evaluate("document.documentElement.scrollWidth") == 375
        page.fill("#max-age", "0")
        for _ in range(3):
            page.locator("#beside button").first.press("Enter")
        page.wait_for_selector("article[data-verdict=sealed]")
        assert words().not_asked[CheckId.STATUS][1] in page.locator("article").inner_text()
        page.fill("#at", overlap["at"])
        give(**{"venue-keys.json": overlap["histories"][0]})
        give(**{"document.json": overlap["document"]})
        page.wait_for_selector(".checks li[data-n='13'][data-outcome=ok]")
        page.wait_for_selector("article[data-verdict=sealed]")
        give(**{"venue-keys.json": DEMANDS["refused_histories"]["of-other-keys"]["history"]})
        page.wait_for_selector("#beside-wrong:not([hidden])")
        assert "key history" in page.locator("#beside-wrong").inner_text()
        page.locator("#beside button").first.press("Enter")
