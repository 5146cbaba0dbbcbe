"""What goes into an evidence package: facts with proofs, originals, tables, participants, history, the verifier itself."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from importlib import metadata, resources
from typing import Any, Final

from shugu.delivery import queries as delivery
from shugu.evidence import queries
from shugu.evidence.errors import NotSealedYet
from shugu.formats.canonical import canonical, parse_object
from shugu.formats.leaf import Fact as OpenedFact
from shugu.formats.leaf import entry
from shugu.formats.package import check_name
from shugu.formats.package_report import REPORTS
from shugu.kernel import documents, runtime
from shugu.kernel import queries as cases
from shugu.kernel.errors import NotFound
from shugu.kernel.models import Case, Fact, Material, Position
from shugu.kernel.tables import source_of_table, table
from shugu.kernel.text import Text
from shugu.party import queries as parties
from shugu.verifier import browser

README: Final = """证据包 {number}

package.sealed.json   场所签发并封存的凭证，载明清单（manifest.json）的摘要
manifest.json         每个文件的名称、大小和 SHA-256
report.pdf            供阅读的证据报告，由场所签章；report.en.pdf 为英文本
facts/                每条事实的内容与盐（.fact.json），及其在日志中的证明（.tlog-proof）；依法删除内容的只有条目（.entry.json）
documents/            事实所记载的原件
procedures/           各案适用的流程表，用于重现
history.json participants.json network.json   按时间先后的过程、参与者身份、数据传输网络地址
venue-keys.json       密钥沿革：场所的哪把公钥在日志的哪一段作数（随下载附上，清单不列）
verifier/             核验程序的源代码；verifier/verify.html 用浏览器打开即可核验单个文件

核验不需要场所的数据库，也不联网。公钥文件 venue.vkey 须从公报、登记名录等别处取得，与包内的比对。
一、电脑上已有 shugu：
    shugu verify 本证据包.zip --key venue.vkey
二、没有时用包内的程序（Python 3.11 或更新）：先解压，在解压后的 verifier 目录里
    python -m pip install {requires}
    python -B -m shugu.verifier 本证据包.zip --key venue.vkey
    三个依赖可在联网的电脑上用 python -m pip download 取得，再带到断网的电脑上安装；核验 PDF 另需 {extra}。

Evidence package {number}

package.sealed.json   the venue's credential, sealed in its log, with the digest of manifest.json
manifest.json         name, size and SHA-256 of every file
report.pdf            the report to read, in Chinese, signed by the venue; report.en.pdf in English
facts/                each fact's content and salt (.fact.json), its proof (.tlog-proof); .entry.json where law demanded erasure
documents/            the originals that facts name
procedures/           the procedure tables the cases ran under, to replay them
history.json participants.json network.json   what happened in order of time, who took part, network addresses of deliveries
venue-keys.json       the key history: which key counts for which part of the log (added on download, not in the manifest)
verifier/             the verifier's source; verifier/verify.html opens in a browser and verifies single files

Verification needs neither the venue's database nor a network. Take venue.vkey from another place (gazette, register of venues)
and compare it with the one in here. Where shugu is installed:
    shugu verify package.zip --key venue.vkey
Else with Python 3.11 or newer, unpacked, in the folder verifier:
    python -m pip install {requires}
    python -B -m shugu.verifier package.zip --key venue.vkey
The three can be fetched elsewhere (python -m pip download) and carried over; PDFs also need {extra}.
"""
_SOURCES: Final = (".py", ".toml", ".js", ".css", ".html")
_ENDINGS: Final[Mapping[str, str]] = {
    "application/pdf": "pdf", "application/json": "json", "text/csv": "csv", "text/plain": "txt", "image/png": "png",
    "image/jpeg": "jpg", "application/zip": "zip",
}  # fmt: skip


@dataclass
class Contents:
    """Files by name, what each is, the rows of the manifest, and originals that are not held here."""

    files: dict[str, bytes] = field(default_factory=dict)
    what: dict[str, Text] = field(default_factory=dict)
    facts: list[dict[str, Any]] = field(default_factory=list)
    cases: list[dict[str, Any]] = field(default_factory=list)
    absent: list[str] = field(default_factory=list)
    history: list[dict[str, Any]] = field(default_factory=list)
    participants: list[dict[str, Any]] = field(default_factory=list)
    network: list[dict[str, Any]] = field(default_factory=list)
    # For readers: what states (by case number and code) and roles are called in the tables of the cases.
    states: dict[tuple[str, str], Text] = field(default_factory=dict)
    roles: dict[str, Text] = field(default_factory=dict)

    def add(self, name: str, content: bytes, zh: str, en: str) -> None:
        self.files[check_name(name)] = content
        self.what[name] = Text(zh, en)


def gather(number: str, rows: Sequence[Case], *, names: bool) -> Contents:
    """Everything but the report and the manifest. Errors: NotSealedYet while a fact waits for its checkpoint."""
    found = Contents()
    named = _facts(found, rows)
    _originals(found, rows, named)
    for row in rows:
        path = f"procedures/{row.table_key}.toml"
        found.add(path, source_of_table(row.procedure, row.version).encode(), "适用的流程表", "the procedure table")
        tab = table(row.procedure, row.version)
        found.states |= {(row.number, code): state.title for code, state in tab.state.items()}
        found.roles |= {code: one.title for code, one in tab.party.items()}
        found.cases.append({"number": row.number, "procedure": row.table_key, "state": row.state, "table": path})
    _participants(found, rows, names)
    _network(found, rows)
    for name, value, zh, en in (
        ("history.json", found.history, "按时间先后的过程", "history in order of time"),
        ("participants.json", found.participants, "参与者身份", "identities of participants"),
        ("network.json", found.network, "数据传输网络地址", "network addresses of transfers"),
    ):
        found.add(name, canonical(value), zh, en)
    found.add("venue.vkey", queries.vkey().encode(), "场所公钥", "the venue's public keys")
    readme = README.format(number=number, requires=needed(), extra=needed("pdf"))
    found.add("README.txt", readme.encode(), "说明", "how to read this")
    _verifier(found)
    return found


def _facts(found: Contents, rows: Sequence[Case]) -> dict[str, str]:
    """The facts with their proofs; {digest: the name a fact gives it}."""
    numbers = {row.pk: row.number for row in rows}
    facts = list(Fact.objects.filter(case_id__in=list(numbers)).order_by("id"))
    places = dict(Position.objects.filter(fact_id__in=[f.pk for f in facts]).values_list("fact_id", "position"))
    named: dict[str, str] = {}
    for fact in sorted(facts, key=lambda f: places.get(f.pk, -1)):
        proof = queries.proof(fact.pk)
        if proof is None or fact.case_id is None:
            raise NotSealedYet()
        stem, number = f"facts/{proof.index:010d}", numbers[fact.case_id]
        if fact.payload is None or fact.salt is None:
            name, payload = f"{stem}.entry.json", dict[str, Any]()
            sm3 = bytes(fact.digest_sm3) if fact.digest_sm3 is not None else None
            found.add(name, entry(bytes(fact.digest), sm3), "内容已依法删除的条目", "the entry of an erased fact")
        else:
            name, payload = f"{stem}.fact.json", parse_object(fact.payload.encode())
            found.add(name, OpenedFact(payload, bytes(fact.salt)).encode(), "事实的内容与盐", "content and salt of a fact")
        found.add(f"{stem}.tlog-proof", proof.encode(), "日志证明", "proof in the log")
        found.facts.append({"index": proof.index, "case": number, "file": name, "proof": f"{stem}.tlog-proof"})
        _tell(found, fact, number, proof.index, payload)
        digests = payload.get("digests")
        named |= {str(d): str(n) for n, d in digests.items()} if isinstance(digests, dict) else {}
    return named


def _tell(found: Contents, fact: Fact, number: str, index: int, payload: Mapping[str, Any]) -> None:
    title, actor = cases.event(fact).title, payload.get("actor") or {}
    found.history.append(
        {
            "index": index, "case": number, "fact": fact.name, "title": {"zh": title.zh, "en": title.en},
            "recorded_at": str(payload.get("recorded_at", "")), "effective_on": fact.effective_on.isoformat(),
            "actor": {k: actor[k] for k in ("kind", "person", "org", "reference") if k in actor},
            "move": dict(payload.get("move") or {}), "erased": not payload,
        }
    )  # fmt: skip


def _originals(found: Contents, rows: Sequence[Case], named: Mapping[str, str]) -> None:
    filed = {m.digest: m for m in Material.objects.filter(case__in=rows).order_by("id")}
    for digest, name in sorted(named.items()):
        try:
            content = documents.get(digest)
        except NotFound:
            found.absent.append(digest)
            continue
        row = filed.get(digest)
        ending = _ENDINGS.get(row.media_type, "bin") if row else "json" if content.startswith(b"{") else "bin"
        words = row.filename if row else name
        found.add(f"documents/{digest[:24]}.{ending}", content, f"原件：{words}", f"original: {words}")


def _participants(found: Contents, rows: Sequence[Case], names: bool) -> None:
    roles: dict[tuple[str, int], set[str]] = {}
    for row in rows:
        for role, person, org in cases.parties(row.pk):
            for kind, who in (("person", person), ("org", org)):
                if who is not None:
                    roles.setdefault((kind, who), set()).add(role)
    for line in found.history:
        for kind in ("person", "org"):
            who = line["actor"].get(kind)
            if who is not None:
                roles.setdefault((kind, int(who)), set())
    called = parties.person_names([who for kind, who in roles if kind == "person"])
    for (kind, who), held in sorted(roles.items()):
        told: dict[str, Any] = {"kind": kind, "ref": who, "roles": sorted(held)}
        if kind == "org":
            view = parties.organisation(who)
            told |= {"number": view.number, "name": view.name, "uscc": view.uscc}
        else:
            whole = called.get(who, "")
            told |= {"name": whole if names else f"{whole[:1]}*" if whole else ""}
        found.participants.append(told)


def _network(found: Contents, rows: Sequence[Case]) -> None:
    """Addresses from which data were delivered, where a delivery is among the cases."""
    for row in rows:
        if row.subject == "delivery.delivery":
            number = delivery.number_of_case(row.pk)
            for at in delivery.connectors_of(row.pk):
                found.network.append({"delivery": number, "connector": at.connector_id, "address": at.url})


def _verifier(found: Contents) -> None:
    """The program that checks this package, as source that runs where it is unpacked: nothing of the venue is needed."""
    what = Text("核验程序源代码", "source of the verifier")
    for package in ("shugu", "shugu.formats", "shugu.verifier", "shugu.verifier.page"):
        folder = resources.files("shugu").joinpath(*package.split(".")[1:])
        for file in sorted(folder.iterdir(), key=lambda f: f.name):
            if file.name.endswith(_SOURCES) and (package != "shugu" or file.name == "__init__.py"):
                found.add(f"verifier/{package.replace('.', '/')}/{file.name}", file.read_bytes(), what.zh, what.en)
    found.add("verifier/verify.html", browser.html().encode(), "浏览器版核验程序", "the verifier for browsers")


def needed(extra: str = "") -> str:
    """What pip installs for the light core, or beside it for one of its extras, as the project itself declares it."""
    out = []
    for line in metadata.requires("shugu") or []:
        name, _, condition = line.partition(";")
        if condition.strip().replace("'", '"') == (f'extra == "{extra}"' if extra else ""):
            out.append(f'"{name.strip()}"')
    return " ".join(out)


def manifest(number: str, found: Contents) -> dict[str, Any]:
    """Version 2 once the signed reports are in; before that, what the reports themselves tell of."""
    return {
        "v": 2 if REPORTS[0] in found.files else 1,
        "number": number, "venue": runtime.venue_id(), "cases": found.cases, "facts": found.facts,
        "absent": sorted(found.absent),
        "files": [
            {"name": n, "sha256": hashlib.sha256(found.files[n]).hexdigest(), "size": len(found.files[n]),
             "what": {"zh": found.what[n].zh, "en": found.what[n].en}}
            for n in sorted(found.files)
        ],
    }  # fmt: skip
