"""The whole story, from an empty venue to a voucher that a stranger verifies offline."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

from shugu import audit as audits
from shugu.demo import dealing, offering, stage
from shugu.demo.narrator import Narrator
from shugu.demo.offering import Story
from shugu.formats.errors import ShuguError
from shugu.kernel import queries as cases
from shugu.kernel import runtime
from shugu.kernel.home import HomeError
from shugu.kernel.models import Fact
from shugu.worker import settle


def has_begun() -> bool:
    """Whether this home has more than its founding: the story's first act registers organisations."""
    return Fact.objects.filter(name="organisation.registered").exists()


def run(out: Path) -> int:
    """0 only if every step held. A home tells the story once: later runs only check what it left.
    Errors: HomeError outside a demonstration home."""
    if not runtime.demo():
        raise HomeError(path=str(runtime.home().path), why=("真实场所不能演示", "a real venue tells no demonstration story"))
    out = out.resolve()
    out.mkdir(parents=True, exist_ok=True)
    story = Story(Narrator(out, settle))
    if has_begun():
        return _tell_again(story)
    code = 0
    try:
        _chapters(story)
    except (ShuguError, AssertionError) as error:
        story.tell.say(f"中止：{error}", f"stopped: {error}")
        code = 1
    summary = story.tell.summary()
    (out / "summary.json").write_text(json.dumps(summary, ensure_ascii=False, indent=1), "utf-8")
    seconds = sum(step["seconds"] for step in summary["steps"])
    story.tell.say(f"全部文件在 {out}，共 {seconds:.1f} 秒", f"all files are in {out}, {seconds:.1f} s in all")
    return code if summary["ok"] else 1


def _chapters(story: Story) -> None:
    offering.prologue(story)
    story.memory["connector_vkey"] = "\n".join(stage.found_connector())
    offering.register_right(story)
    with stage.connector_running():
        offering.offer_product(story)
        dealing.agree(story)
        dealing.fund(story)
        dealing.deliver(story)
    dealing.settle_money(story)
    dealing.certify(story)
    verify(story)


def verify(story: Story) -> None:
    """As somebody who has only the files and the public key: another process, no network, no database."""
    tell = story.tell
    with tell.step("verification", "离线核验证书、合同与凭证", "certificate, contract and voucher verified offline"):
        for name in ("certificate", "contract", "voucher"):
            code, text = _verifier(tell.out / f"{name}.json", tell.out, tell.lang)
            assert code == 0, text
        print(text)
    with tell.step("tampering", "改动一个字节即被识破", "one changed byte is found out"):
        forged = bytearray((tell.out / "voucher.sealed.json").read_bytes())
        place = forged.index(b'"number":"') + len(b'"number":"')
        forged[place + 4] ^= 1
        path = tell.keep("tampered-voucher.json", bytes(forged))
        code, text = _verifier(path, tell.out, tell.lang)
        assert code == 1, text
    dealing.package(story)
    with tell.step("audit", "审计全部数据", "audit of everything"):
        found = audits.audit_everything()
        assert not found, "; ".join(v.what[1] for v in found[:5])
        events = sum(1 for _ in Fact.objects.values_list("id"))
        tell.say(f"{events} 件事实，无不一致", f"{events} facts, no violation")


def _verifier(path: Path, out: Path, lang: str) -> tuple[int, str]:
    clean = {k: v for k, v in os.environ.items() if not k.startswith(("SHUGU_", "DJANGO_", "DATABASE_URL"))}
    done = subprocess.run(
        [sys.executable, "-m", "shugu.verifier", str(path), "--key", str(out / "venue.vkey"), "--lang", lang],
        capture_output=True, text=True, check=False, env=clean,
    )  # fmt: skip
    return done.returncode, done.stdout + done.stderr


def _tell_again(story: Story) -> int:
    """The story is in the home already: say what is there and audit it."""
    tell = story.tell
    titles = cases.fact_titles()
    tell.say(
        f"本示范场所已有 {Fact.objects.count()} 件事实、{len(titles)} 种；重新开始请先 make reset",
        f"this home already has {Fact.objects.count()} facts; make reset starts anew",
    )
    found = audits.audit_everything()
    for violation in found:
        tell.say(*violation.what)
    return 1 if found else 0
