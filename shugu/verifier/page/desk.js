// The desk: takes keys and files, shows every check with the words of the command line. Nothing leaves the page.
"use strict";

(() => {
  const byId = (id) => document.getElementById(id);
  const words = JSON.parse(byId("words").textContent);
  const TONES = { sealed: "good", failed: "bad" };
  const MARKS = { ok: ["通过", "holds"], failed: ["未通过", "failed"], skipped: ["未检查", "skipped"] };
  const MARK_TONES = { ok: "good", failed: "bad", skipped: "quiet" };
  const LABELS = { against: ["对照", "Against"], found: ["结果", "Found"], proves: ["可证", "Proves"], limits: ["不证", "Does not prove"] };
  const BESIDE = {
    history: ["密钥沿革", "key history"], list: ["状态列表", "status list"], policy: ["见证策略", "witness policy"],
  };
  const NOT_DONE = {
    growth: ["本页不做：日志此后的增长（16），须向场所查询；用 shugu verify --online。", "Not done here: growth of the log since (16), which the venue must be asked for; use shugu verify --online."],
    pdf: ["本页不核验 PDF 文件（第 17 至 25 项），未作任何结论。请用 shugu verify，或改交其中的封存文件（.sealed.json）。", "this page does not check PDF files (17 to 25) and concludes nothing. Use shugu verify, or give the sealed file (.sealed.json) of the document."],
    package: ["本页不核验证据包，未作任何结论。请用包内的核验程序或 shugu verify。", "this page does not check evidence packages and concludes nothing. Use the verifier inside, or shugu verify."],
    alone: ["旁边没有它的凭证（同名 .json）", "its credential (.json of the same name) is not here"],
  };
  let chosen = new Map(); // file name to its bytes
  const beside = new Map(); // what is not verified but verified with: file name to { kind, data, fact, proof }
  let turn = 0;
  let asOf = ""; // what the last run was for

  function element(tag, className, ...inside) {
    const out = document.createElement(tag);
    if (className) out.className = className;
    out.append(...inside);
    return out;
  }

  // Both languages; the page's style shows one.
  function both([zh, en]) {
    const parts = document.createDocumentFragment();
    for (const [lang, text] of [["zh", zh], ["en", en]]) {
      const part = element("span", "", text);
      part.lang = lang;
      parts.append(part);
    }
    return parts;
  }

  const pair = (list, term, value) => list.append(element("dt", "", both(term)), element("dd", "", value));

  function checkItem(check) {
    const said = words.checks[check.n - 1];
    const mark = element("span", `mark ${MARK_TONES[check.outcome]}`, both(MARKS[check.outcome]));
    const summary = element("summary", "", element("span", "n", String(check.n)), mark, element("span", "", both(said.title)));
    const list = element("dl", "");
    pair(list, LABELS.against, both(said.against));
    if (check.detail[0]) pair(list, LABELS.found, both(check.detail));
    if (check.outcome === "ok") for (const name of ["proves", "limits"]) pair(list, LABELS[name], both(said[name]));
    const details = element("details", "", summary, list);
    details.open = check.outcome === "failed";
    const item = element("li", "", details);
    Object.assign(item.dataset, { n: check.n, outcome: check.outcome });
    return item;
  }

  async function about(report) {
    const list = element("dl", "ids"), credential = report.credential;
    const form = report.checks[1];
    if (!credential || form.outcome !== "ok") return list;
    pair(list, ["签发方", "Issuer"], credential.issuer);
    const number = credential.credentialSubject.number ?? credential.id;
    if (typeof number === "string") pair(list, ["编号", "Number"], number);
    pair(list, ["凭证摘要 SHA-256", "Digest, SHA-256"], Bytes.hex(await Verify.sha256(Json.bytes(credential))));
    return list;
  }

  // As shugu/verifier/remarks.py.
  function remarks(report, keys) {
    const out = [], credential = report.credential ?? {}, form = report.checks[1];
    const said = (name, gaps = {}) => words.remarks[name].map((text) => text.replace(/\{(\w+)\}/g, (_, gap) => gaps[gap]));
    if (credential.credentialSubject?.demo === true) out.push(said("demonstration"));
    const failed = report.checks.filter((check) => check.outcome === "failed").map((check) => check.id);
    if (failed.length === 1 && failed[0] === "dates" && report.verdict === "failed") out.push(said("later"));
    if (form?.outcome !== "ok" || !failed.includes("issuer-pinned")) return out;
    const name = credential.issuer.replace(/^https:\/\//, ""), named = keys.filter((key) => key.name === name);
    if (!named.length) return [...out, said("other-venue", { name })];
    for (const proof of credential.proof) {
      const [of, id] = String(proof.verificationMethod).replace(/^https:\/\//, "").split("#");
      if (of === name && !named.some((key) => key.id === id)) out.push(said("other-key", { name, key: id }));
    }
    return out;
  }

  async function shown(name, report, keys, now) {
    const verdict = words.verdicts[report.verdict];
    const out = element("article", "document", element("h3", "", name));
    out.dataset.verdict = report.verdict;
    out.append(element("p", `notice ${TONES[report.verdict] ?? "warning"}`, both(verdict.sentence)));
    out.append(element("p", "", both(verdict.conclusion)));
    const asked = (id) => report.checks.some((check) => check.id === id && check.outcome !== "skipped");
    if (["sealed", "signed-not-sealed"].includes(report.verdict))
      for (const id of ["status", "cosignatures", "key-history"]) if (!asked(id)) out.append(element("p", "quiet", both(words.not_asked[id])));
    for (const told of remarks(report, keys)) out.append(element("p", "notice warning", both(told)));
    if (report.verdict === "sealed") out.append(element("p", "quiet", both(NOT_DONE.growth)));
    const ids = await about(report);
    pair(ids, ["验证时刻", "As of"], now.toISOString().replace(/\.\d+/, ""));
    out.append(ids, element("ol", "checks", ...report.checks.map(checkItem)));
    const pinned = element("dl", "ids");
    for (const key of keys) pair(pinned, [key.suite, key.suite], `${key.name} ${key.id}`);
    out.append(element("p", "", both(words.keys)), pinned);
    return out;
  }

  // X.fact.json and X.tlog-proof go with X.json.
  function documents() {
    const out = [], parts = new Set();
    for (const [name, data] of chosen) {
      if (!name.endsWith(".json") || name.endsWith(".fact.json")) continue;
      const stem = name.slice(0, -".json".length), fact = `${stem}.fact.json`, proof = `${stem}.tlog-proof`;
      parts.add(name).add(fact).add(proof);
      out.push([name, data, chosen.get(fact) ?? null, chosen.get(proof) ?? null]);
    }
    return { out, left: [...chosen.keys()].filter((name) => !parts.has(name)) };
  }

  // What this page leaves to the command, said of each file: nothing is concluded of it here.
  function notHere(name, data) {
    const starts = (text) => Bytes.same(data.slice(0, text.length), Bytes.utf8(text));
    if (starts("%PDF-")) return NOT_DONE.pdf;
    return starts("PK\u0003\u0004") ? NOT_DONE.package : NOT_DONE.alone;
  }

  function moment() {
    const text = byId("at").value.trim();
    byId("at-wrong").hidden = true;
    if (!text) return new Date();
    try { return Verify.readTime(/^\d{4}-\d{2}-\d{2}$/.test(text) ? `${text}T15:59:59Z` : text); }
    catch (error) { if (!(error instanceof Refused)) throw error; byId("at-wrong").hidden = false; return null; }
  }

  async function told(id, act) {
    const wrong = byId(id);
    wrong.hidden = true;
    try { return await act(); }
    catch (error) {
      if (!(error instanceof Refused)) throw error;
      wrong.replaceChildren(both(error.told));
      wrong.hidden = false;
      return null;
    }
  }

  // What is trusted: the keys with a policy's witnesses and every history given. What does not hold is told, and nothing is
  // verified with it.
  async function pinned() {
    const text = byId("keys").value;
    if (!text.trim()) return null;
    const keys = await told("keys-wrong", () => Verify.readKeys(text));
    const histories = of("history").map(([, { data }]) => data);
    return keys && told("beside-wrong", async () => {
      const [policy] = await Promise.all(of("policy").slice(-1).map(([, { data }]) => Policy.read(Bytes.text(data))));
      const more = (policy?.witnesses ?? []).map((one) => one.key).filter((key) => !keys.some((one) => one.vkey === key.vkey));
      return { pins: await Keys.Pins.of([...keys, ...more], histories), policy: policy ?? null };
    });
  }

  const of = (kind) => [...beside].filter(([, one]) => one.kind === kind);

  function lists() {
    const read = ({ data, fact, proof }) => {
      try { return Verify.readSealed(data, fact, proof); }
      catch (error) { if (!(error instanceof Refused)) throw error; return error; }
    };
    const given = of("list").map(([, one]) => read(one)), hours = byId("max-age").valueAsNumber;
    return given.length ? new Status.Lists(given, hours > 0 ? hours * 3600e3 : null) : null;
  }

  // Key histories, status lists and witness policies are known by what they say.
  function kindOf(name, data) {
    if (Keys.isHistory(data)) return "history";
    try {
      const text = Bytes.text(data);
      if (!name.endsWith(".json")) return !name.endsWith(".tlog-proof") && Policy.isPolicy(text) ? "policy" : null;
      const value = JSON.parse(text);
      return Status.isList(Json.isObject(value) && Json.isObject(value.credential) ? value.credential : value) ? "list" : null;
    } catch { return null; }
  }

  function showBeside() {
    byId("beside").replaceChildren(...[...beside].map(([name, { kind }]) => {
      const button = element("button", "", both(["移除", "Remove"]));
      button.type = "button";
      button.addEventListener("click", () => { beside.delete(name); showBeside(); run(); });
      return element("li", "", both(BESIDE[kind]), ` ${name} `, button);
    }));
  }

  async function run() {
    const mine = ++turn, result = byId("result");
    result.dataset.state = "running";
    asOf = byId("at").value;
    const trust = await pinned(), now = moment(), found = [], pins = trust?.pins, keys = pins ? pins.keys : null;
    const { out, left } = documents();
    // Lists alone are documents themselves.
    if (!chosen.size) for (const [name, { data, fact, proof }] of of("list")) out.push([name, data, fact, proof]);
    const with_ = lists();
    if (pins && now) for (const [name, data, fact, proof] of out)
      found.push(await shown(name, await Verify.verify(data, pins, now, fact, proof, with_, trust.policy), keys, now));
    for (const name of left) found.push(element("p", "notice warning", `${name}: `, both(notHere(name, chosen.get(name)))));
    if (mine !== turn) return; // something newer was given meanwhile
    if (found.length) result.replaceChildren(...found);
    else if (chosen.size || byId("keys").value.trim())
      result.replaceChildren(element("p", "quiet", both(keys ? ["还没有文件。", "No document yet."] : ["还没有公钥。", "No keys yet."])));
    result.dataset.state = "done";
  }

  async function take(files) {
    const given = new Map();
    for (const file of files) {
      if (file.name.endsWith(".vkey")) byId("keys").value = await file.text();
      else given.set(file.name, new Uint8Array(await file.arrayBuffer()));
    }
    for (const [name, data] of [...given]) {
      const kind = kindOf(name, data), stem = name.replace(/\.json$/, "");
      if (!kind) continue;
      const parts = [`${stem}.fact.json`, `${stem}.tlog-proof`];
      beside.set(name, { kind, data, fact: given.get(parts[0]) ?? null, proof: given.get(parts[1]) ?? null });
      for (const one of [name, ...parts]) given.delete(one);
    }
    if (given.size) chosen = given;
    showBeside();
    await run();
  }

  function speak(lang) {
    document.documentElement.lang = document.documentElement.dataset.lang = lang;
    const button = byId("language");
    button.textContent = lang === "zh" ? "English" : "中文";
    button.lang = lang === "zh" ? "en" : "zh";
  }

  byId("language").addEventListener("click", () => speak(document.documentElement.dataset.lang === "zh" ? "en" : "zh"));
  byId("key-file").addEventListener("change", async (event) => {
    const [file] = event.target.files;
    if (file) { byId("keys").value = await file.text(); await run(); }
  });
  byId("keys").addEventListener("input", run);
  byId("at").addEventListener("change", () => { if (byId("at").value !== asOf) run(); });
  byId("max-age").addEventListener("change", run);
  byId("files").addEventListener("change", (event) => take(event.target.files));
  for (const name of ["dragover", "dragleave", "drop"]) document.addEventListener(name, (event) => {
    event.preventDefault();
    byId("drop").classList.toggle("over", name === "dragover");
    if (name === "drop") take(event.dataTransfer.files);
  });
  if (!/^zh/i.test(navigator.language ?? "zh") && new URLSearchParams(location.search).get("lang") !== "zh") speak("en");
  Verify.canVerify().then((able) => { byId("unable").hidden = able; document.documentElement.dataset.able = able; });
})();
