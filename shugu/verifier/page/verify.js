// The checks of docs/formats.md section 9, with the numbers and in the order of shugu/formats/verify.py.
"use strict";

const Verify = (() => {
  const refuse = (condition, zh, en) => { if (condition) throw new Refused(zh, en); };
  const sha256 = async (data) => new Uint8Array(await crypto.subtle.digest("SHA-256", data));
  const HASH = { intl: sha256, sm: async (data) => sm3(data) };
  const CRYPTOSUITE = { intl: "eddsa-jcs-2022", sm: "sm2-sm3-jcs-shugu-2026" };
  const NAME = /^[^\s+\x00-\x1f\x7f]{1,200}$/u;
  const TIME = /^[0-9]{4}-[0-9]{2}-[0-9]{2}T(?:[01][0-9]|2[0-3]):[0-9]{2}:[0-9]{2}Z$/;
  const NUMBER = /^(?:0|[1-9][0-9]{0,18})$/;
  const CHECKPOINT = /^[^\n]+\n(?:0|[1-9][0-9]*)\n[A-Za-z0-9+/]{43}=\n(?:[^\n]+\n)*$/;

  // Keys: section 2.

  const KINDS = [
    { suite: "intl", type: Uint8Array.of(1), size: 32 },
    { suite: "sm", type: Bytes.join(Uint8Array.of(255), Bytes.utf8("sm2-sm3.shugu.dev/v1")), size: 65 },
    { suite: "witness", type: Uint8Array.of(4), size: 32 },
  ];

  async function readKey(line) {
    const parts = /^([^+]*)\+([^+]*)\+(.*)$/u.exec(line);
    refuse(!parts || !NAME.test(parts[1]), "公钥一行写法有误", "a malformed key line");
    const data = Bytes.unbase64(parts[3]);
    const kind = KINDS.find((one) => Bytes.same(data.slice(0, one.type.length), one.type));
    refuse(!kind, "未知的密钥类型", "unknown key type");
    const raw = data.slice(kind.type.length);
    refuse(raw.length !== kind.size || (kind.suite === "sm" && !Sm2.isPublic(raw)), "公钥有误", "a wrong public key");
    const id = Bytes.hex((await sha256(Bytes.join(Bytes.utf8(parts[1] + "\n"), data))).slice(0, 4));
    refuse(id !== parts[2], "密钥编号与密钥不符", "the key id does not belong to the key");
    return { name: parts[1], suite: kind.suite, id, raw, method: `https://${parts[1]}#${id}`, vkey: line };
  }

  async function readKeys(text) {
    const lines = text.split(/\r\n|\r|\n/).map((line) => line.trim()).filter((line) => line && !line.startsWith("#"));
    const keys = [];
    for (const line of lines) keys.push(await readKey(line));
    refuse(!keys.length, "没有任何公钥", "there is no key at all");
    refuse(new Set(keys.map((key) => key.method)).size !== keys.length, "两个公钥编号相同", "two keys share one id");
    return keys;
  }

  const suitesOf = (keys, name) => ["intl", "sm"].filter((suite) => keys.some((k) => k.name === name && k.suite === suite));

  async function ed25519(raw, message, signature) {
    try {
      const key = await crypto.subtle.importKey("raw", raw, { name: "Ed25519" }, false, ["verify"]);
      return await crypto.subtle.verify({ name: "Ed25519" }, key, signature, message);
    } catch (error) {
      if (error instanceof DOMException && error.name === "DataError") return false; // no point of the curve
      throw error;
    }
  }

  async function holds(key, message, signature) {
    if (key.suite === "sm") return Sm2.holds(key.raw, message, signature);
    if (key.suite === "intl") return signature.length === 64 && ed25519(key.raw, message, signature);
    const time = signature.length === 72 ? Bytes.number(signature.slice(0, 8)) : 0n;
    if (time < 1n || time >= 1n << 63n || !CHECKPOINT.test(Bytes.text(message))) return false;
    const signed = Bytes.join(Bytes.utf8(`cosignature/v1\ntime ${time}\n`), message);
    return ed25519(key.raw, signed, signature.slice(8));
  }

  // RFC 8032 section 7.1, test 1: the empty message. Whether this browser can verify Ed25519 at all.
  async function canVerify() {
    const bytes = (hex) => Uint8Array.from(hex.match(/../g), (pair) => parseInt(pair, 16));
    if (!globalThis.crypto || !crypto.subtle) return false;
    try {
      return await ed25519(bytes("d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a"), new Uint8Array(0),
        bytes("e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b"));
    } catch { return false; }
  }

  // Times, facts, proofs: sections 1, 3, 6, 7.

  function readTime(text) {
    refuse(typeof text !== "string" || !TIME.test(text), "时间写法有误", "malformed time");
    const at = new Date(text);
    refuse(isNaN(at) || text.startsWith("0000") || at.toISOString().replace(".000", "") !== text, "没有这一时刻", "there is no such time");
    return at;
  }

  function readFact(value) {
    refuse(!Json.has(value, "payload", "salt"), "事实应只有 payload 与 salt", "only payload and salt belong in a fact");
    refuse(!Json.isObject(value.payload) || typeof value.salt !== "string", "payload 应为对象，salt 应为文本", "payload is an object, salt a text");
    const salt = Bytes.unbase64(value.salt);
    refuse(salt.length !== 32, "盐应为 32 字节", "the salt has 32 bytes");
    return { payload: value.payload, salt };
  }

  function readProof(text) {
    const gap = text.indexOf("\n\n");
    refuse(gap < 0 || gap + 2 === text.length, "证明首行或空行不符", "wrong first line of the proof or no blank line");
    const lines = text.slice(0, gap).split("\n");
    refuse(/[^\x00-\x7f]/.test(text.slice(0, gap)), "证明一行写法有误", "a malformed line of the proof");
    refuse(lines.shift() !== "c2sp.org/tlog-proof@v1", "证明首行不符", "wrong first line of the proof");
    const extra = lines.length > 0 && lines[0].startsWith("extra ");
    if (extra) Bytes.unbase64(lines.shift().slice(6));
    const index = /^index (0|[1-9][0-9]{0,18})$/.exec(lines.shift() ?? "");
    refuse(!index, "序号行不符", "malformed index line");
    const hashes = lines.map(Bytes.unbase64);
    refuse(hashes.some((hash) => hash.length !== 32), "哈希应为 32 字节", "a hash has 32 bytes");
    return { index: BigInt(index[1]), hashes, extra, note: text.slice(gap + 2) };
  }

  function readNote(whole) {
    const gap = whole.lastIndexOf("\n\n");
    refuse(gap < 0 || !whole.endsWith("\n") || gap + 2 === whole.length, "没有签名行", "there is no signature line");
    const text = whole.slice(0, gap + 1);
    refuse(text.length < 2, "正文应以换行结尾", "the text must end in a newline");
    refuse(/[\x00-\x09\x0b-\x1f]/.test(text), "正文含控制字符", "the text has a control character");
    const lines = whole.slice(gap + 2, -1).split("\n");
    refuse(lines.length > 64, "签名过多", "too many signatures");
    return { text, lines: lines.map(readLine) };
  }

  function readLine(line) {
    const found = /^\u2014 ([^ ]*) (.*)$/u.exec(line);
    refuse(!found || !NAME.test(found[1]), "签名行写法有误", "malformed signature line");
    const data = Bytes.unbase64(found[2]);
    refuse(data.length < 5, "签名过短", "the signature is too short");
    return { name: found[1], id: Bytes.hex(data.slice(0, 4)), signature: data.slice(4) };
  }

  function readCheckpoint(text) {
    const lines = text.split("\n");
    refuse(lines.length !== 4 || lines[3] || !lines[0], "检查点应为三行", "a checkpoint has three lines");
    refuse(!NUMBER.test(lines[1]), "树大小写法有误", "malformed tree size");
    const root = Bytes.unbase64(lines[2]);
    refuse(root.length !== 32, "根哈希应为 32 字节", "the root hash has 32 bytes");
    return { origin: lines[0], size: BigInt(lines[1]), root };
  }

  // Credentials: section 8.

  const PROOF = ["@context", "type", "cryptosuite", "created", "verificationMethod", "proofPurpose", "proofValue"];

  function splitCredential(credential) {
    const body = Json.without(credential, "proof"), proofs = credential.proof;
    refuse(!Array.isArray(proofs) || proofs.length < 1 || proofs.length > 16, "proof 应为 1 至 16 项的列表", "proof is a list of 1 to 16");
    for (const proof of proofs) {
      refuse(!Json.has(proof, ...PROOF), "proof 成员不符", "wrong proof members");
      refuse(proof.type !== "DataIntegrityProof", "proof 类型未知", "unknown proof type");
      refuse(proof.proofPurpose !== "assertionMethod", "proof 用途不符", "wrong proof purpose");
      refuse(!("@context" in body) || Json.text(proof["@context"]) !== Json.text(body["@context"]), "proof 语境不符", "wrong proof context");
      refuse(PROOF.slice(1).some((name) => typeof proof[name] !== "string"), "proof 成员应为文本", "proof members are texts");
      readTime(proof.created);
    }
    const first = (value, wanted) => Array.isArray(value) && value[0] === wanted;
    refuse(!first(body["@context"], "https://www.w3.org/ns/credentials/v2"), "@context 有误", "wrong @context");
    refuse(!first(body.type, "VerifiableCredential"), "type 有误", "wrong type");
    refuse(typeof body.issuer !== "string" || !body.issuer.startsWith("https://"), "issuer 有误", "wrong issuer");
    refuse(!Json.isObject(body.credentialSubject), "缺少主体", "there is no credentialSubject");
    readTime(body.validFrom);
    if (Object.hasOwn(body, "validUntil")) readTime(body.validUntil);
    return { body, proofs };
  }

  function signersOf(body, proofs, keys) {
    const issuer = body.issuer.slice("https://".length);
    refuse(!suitesOf(keys, issuer).includes("intl"), `签名方 ${issuer} 不在受信密钥之列`, `the signer ${issuer} is not among the keys trusted`);
    const signers = proofs.map((proof) => {
      const key = keys.find((one) => one.method === proof.verificationMethod);
      refuse(!key, `签名方 ${proof.verificationMethod} 不在受信密钥之列`, `the signer ${proof.verificationMethod} is not among the keys trusted`);
      refuse(CRYPTOSUITE[key.suite] !== proof.cryptosuite, "签名算法与密钥不符", "the cryptosuite is not the key's");
      return key;
    });
    requireOrder(signers, keys, "签名次序与公钥文件不同", "the proofs are out of order");
    return { issuer, signers };
  }

  function requireOrder(signers, keys, zh, en) {
    const places = signers.map((key) => keys.indexOf(key));
    refuse(places.some((place, at) => at > 0 && place <= places[at - 1]), zh, en);
  }

  async function verifyProof(body, proof, key) {
    const hash = HASH[key.suite], options = Json.without(proof, "proofValue");
    const message = Bytes.join(await hash(Json.bytes(options)), await hash(Json.bytes(body)));
    const signature = Bytes.unbase58(proof.proofValue);
    refuse(!await holds(key, message, signature), `${key.method} 的签名无效`, `the signature of ${key.method} is invalid`);
  }

  // The report.

  const IDS = ["file-form", "credential-form", "issuer-pinned", "proof-ed25519", "proof-sm2", "dates", "fact-names-document",
    "inclusion", "checkpoint-ed25519", "checkpoint-sm2", "log-is-issuers"];
  // Reported only where what they need was given; with their numbers.
  const FURTHER = { "cosignatures": 12, "key-history": 13, "status-list": 14, "status": 15 };
  const WORST = ["failed", "not-in-force", "restrained", "expired", "status-unknown", "unproven"];

  class Report {
    constructor() { this.found = new Map(); }
    ok(id, zh = "", en = zh) { this.found.set(id, { outcome: "ok", detail: [zh, en], standing: null }); return true; }
    skip(id, zh, en) { this.found.set(id, { outcome: "skipped", detail: [zh, en], standing: null }); }
    fail(id, error, standing = null) {
      if (!(error instanceof Refused)) throw error;
      this.found.set(id, { outcome: "failed", detail: error.told, standing });
      return false;
    }
    async check(id, act) {
      try { const detail = await act(); if (!this.found.has(id)) this.ok(id, detail ?? ""); return true; }
      catch (error) { return this.fail(id, error); }
    }
    get checks() {
      const missing = { outcome: "skipped", detail: ["前项未通过，未检查", "not reached: an earlier check failed"], standing: null };
      const more = Object.keys(FURTHER).filter((id) => this.found.has(id));
      return [...IDS.map((id, at) => ({ n: at + 1, id, ...(this.found.get(id) ?? missing) })),
        ...more.map((id) => ({ n: FURTHER[id], id, ...this.found.get(id) }))];
    }
    get verdict() {
      const checks = this.checks, failed = checks.filter((check) => check.outcome === "failed");
      const found = failed.map((check) => check.standing ?? "failed");
      if (found.length) return WORST.find((verdict) => found.includes(verdict));
      const whole = ["fact-names-document", "inclusion", "checkpoint-ed25519", "log-is-issuers"];
      return whole.every((id) => checks[IDS.indexOf(id)].outcome === "ok") ? "sealed" : "signed-not-sealed";
    }
  }

  // `document`, `fact`, `proof`: Uint8Array or null; `keys` from readKeys, or Keys.Pins; `now`: Date; `lists`: Status.Lists
  // or null; `policy` from Policy.read or null.
  async function verify(document, keys, now, fact = null, proof = null, lists = null, policy = null) {
    const report = new Report(), pins = keys instanceof Keys.Pins ? keys : new Keys.Pins(keys);
    let read = null;
    if (!await report.check("file-form", () => { read = readSealed(document, fact, proof); })) return report;
    await core(report, read, pins, now);
    if (report.found.get("credential-form")?.outcome !== "ok") return report;
    if (policy) await Policy.check(report, policy, read.proof, now);
    if (lists)
      await lists.check(report, read.credential, now, (one) => alone(one, pins, now));
    return report;
  }

  async function alone(read, pins, now) {
    const report = new Report();
    report.ok("file-form");
    await core(report, read, pins, now);
    return report;
  }

  // Checks 2 to 11 of a document already read, and 13 where there is a key history of its issuer.
  async function core(report, read, pins, now) {
    report.credential = read.credential;
    const issuer = String(read.credential.issuer).replace(/^https:\/\//, "");
    let keys = null, split = null, signed = null;
    try { keys = pins.entry(issuer, read.proof ? read.proof.index : null); }
    catch (error) { report.fail("issuer-pinned", error); return; }
    if (!await report.check("credential-form", () => { split = splitCredential(read.credential); })) return;
    const { body, proofs } = split;
    const pinned = await report.check("issuer-pinned", () => { signed = signersOf(body, proofs, keys); return signed.issuer; });
    if (pinned) for (const suite of ["intl", "sm"]) await suiteCheck(report, suite, body, proofs, signed, keys);
    dates(report, body, proofs, now);
    await sealChecks(report, read, pins);
    const state = pins.periods(issuer);
    if (state) await Keys.inTheirTime(report, state, read.proof);
  }

  function readSealed(data, fact, proof) {
    const value = Json.read(data);
    refuse(!Json.isObject(value), "不是 JSON 对象", "not a JSON object");
    if (!Json.has(value, "credential", "fact", "proof"))
      return {
        credential: value, fact: fact ? readFact(Json.read(fact)) : null, proof: proof ? readProof(Bytes.text(proof)) : null,
      };
    refuse(fact || proof, "单文件形式不带旁证文件", "a single file has no files beside it");
    refuse(!Json.isObject(value.credential) || typeof value.proof !== "string", "成员类型不符", "a member has the wrong type");
    return { credential: value.credential, fact: readFact(value.fact), proof: readProof(value.proof) };
  }

  async function suiteCheck(report, suite, body, proofs, { issuer, signers }, keys) {
    const id = suite === "intl" ? "proof-ed25519" : "proof-sm2";
    const own = proofs.map((proof, at) => [proof, signers[at]]).filter(([, key]) => key.suite === suite);
    await report.check(id, async () => {
      for (const [proof, key] of own) await verifyProof(body, proof, key);
      const missing = suitesOf(keys, issuer).includes(suite) && !own.some(([, key]) => key.name === issuer);
      refuse(missing, `缺少 ${issuer} (${suite}) 的签名`, `the signature of ${issuer} (${suite}) is missing`);
      if (!own.length) report.skip(id, "公钥文件中没有 SM2 密钥", "no SM2 key is pinned");
      return own.map(([, key]) => key.method).join(", ");
    });
  }

  function dates(report, body, proofs, now) {
    const fail = (zh, en, standing = null) => report.fail("dates", new Refused(zh, en), standing);
    if (proofs.some((proof) => readTime(proof.created) > now)) fail("签署时间晚于验证时刻", "signed after the time of verification");
    else if (readTime(body.validFrom) > now) fail("尚未生效", "not yet valid");
    else if (Object.hasOwn(body, "validUntil") && readTime(body.validUntil) <= now) fail("已过有效期", "no longer valid", "expired");
    else report.ok("dates");
  }

  async function sealChecks(report, { credential, fact, proof }, pins) {
    if (fact) await report.check("fact-names-document", async () => {
      const digests = fact.payload.digests, digest = Bytes.hex(await sha256(Json.bytes(credential)));
      refuse(!Json.isObject(digests), "事实没有 digests 对象", "the fact has no digests object");
      refuse(!Object.values(digests).includes(digest), "事实未记载该凭证", "the fact does not name the credential");
    });
    else report.skip("fact-names-document", "没有事实文件", "there is no fact file");
    if (!proof) {
      for (const id of IDS.slice(7)) report.skip(id, "没有日志证明文件", "there is no log proof");
      return;
    }
    if (fact) await report.check("inclusion", () => inclusion(fact, proof));
    else report.skip("inclusion", "没有事实文件", "there is no fact file");
    await checkpointChecks(report, proof.note, credential.issuer, pins);
  }

  async function leavesOf({ payload, salt }) {
    const opened = Bytes.join(salt, Json.bytes(payload));
    const first = Bytes.hex(await sha256(opened)), second = Bytes.hex(sm3(opened));
    const entries = [`{"sha256":"${first}","v":1}`, `{"sha256":"${first}","sm3":"${second}","v":1}`];
    return Promise.all(entries.map((entry) => sha256(Bytes.join(Uint8Array.of(0), Bytes.utf8(entry)))));
  }

  async function inclusion(fact, proof) {
    refuse(proof.extra, "不允许 extra 行", "an extra line is not allowed here");
    const covered = readCheckpoint(readNote(proof.note).text);
    for (const leaf of await leavesOf(fact))
      if (Bytes.same(await rootFrom(leaf, proof, covered.size), covered.root))
        return `${covered.origin} #${proof.index} / ${covered.size}`;
    throw new Refused("默克尔证明不成立：根哈希不符", "the Merkle proof does not hold: the root differs");
  }

  async function rootFrom(leaf, { index, hashes }, size) {
    refuse(index >= size, "序号不在树内", "the index is outside the tree");
    const node = (left, right) => sha256(Bytes.join(Uint8Array.of(1), left, right));
    const path = [...hashes];
    let out = leaf;
    for (let at = index, last = size - 1n; last > 0n; at >>= 1n, last >>= 1n) {
      if (!(at & 1n) && at >= last) continue;
      refuse(!path.length, "证明过短", "the proof is too short");
      out = at & 1n ? await node(path.shift(), out) : await node(out, path.shift());
    }
    refuse(path.length, "证明过长", "the proof is too long");
    return out;
  }

  async function checkpointChecks(report, note, issuer, pins) {
    const ids = { intl: "checkpoint-ed25519", sm: "checkpoint-sm2" };
    let read, origin, keys;
    try {
      read = readNote(note);
      const covered = readCheckpoint(read.text);
      origin = covered.origin;
      keys = pins.checkpoint(origin, covered.size);
    }
    catch (error) { for (const id of [...Object.values(ids), "log-is-issuers"]) report.fail(id, error); return; }
    const text = Bytes.utf8(read.text), signers = [];
    for (const line of read.lines) {
      const key = keys.find((one) => one.name === line.name && one.id === line.id);
      signers.push({ name: line.name, key, good: key ? await holds(key, text, line.signature) : false });
    }
    const unknown = ({ name }) => [`签名方 ${name} 不在受信密钥之列`, `the signer ${name} is not among the keys trusted`];
    const bad = ({ key }) => [`${key.name}+${key.id} 的签名无效`, `the signature of ${key.name}+${key.id} is invalid`];
    const missing = (suite) => [`缺少 ${origin} (${suite}) 的签名`, `the signature of ${origin} (${suite}) is missing`];
    const signed = (suite) => signers.some(({ key, good }) => good && key.name === origin && key.suite === suite);
    for (const [suite, id] of Object.entries(ids)) await report.check(id, () => {
      // A witness's cosignature is Ed25519 too.
      const own = signers.filter(({ key }) => !key || key.suite === suite || (suite === "intl" && key.suite === "witness"));
      for (const one of own) { refuse(!one.key, ...unknown(one)); refuse(!one.good, ...bad(one)); }
      refuse(suitesOf(keys, origin).includes(suite) && !signed(suite), ...missing(suite));
      if (!own.length) report.skip(id, "公钥文件中没有该算法的密钥", "no key of this kind is pinned");
      return own.map(({ key }) => key.method).join(", ");
    });
    await report.check("log-is-issuers", () => {
      for (const one of signers) { refuse(!one.key, ...unknown(one)); refuse(!one.good, ...bad(one)); }
      refuse(!suitesOf(keys, origin).includes("intl"), ...unknown({ name: origin }));
      for (const suite of suitesOf(keys, origin)) refuse(!signed(suite), ...missing(suite));
      requireOrder(signers.map(({ key }) => key), keys, "签名行次序与公钥文件不同", "the signatures are out of order");
      refuse(issuer !== `https://${origin}`, ...unknown({ name: origin }));
      return origin;
    });
  }

  const parts = { refuse, readKey, holds, readTime, readNote, readCheckpoint, splitCredential, sha256 };
  return { verify, readSealed, readKeys, readTime, canVerify, sha256, parts };
})();
