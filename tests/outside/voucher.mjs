// Verifies a sealed document (checks 1 to 11); written from docs/formats.md and vectors/ alone, with nothing but node.
import fs from "node:fs";
import { createHash, createPublicKey, verify as edVerify } from "node:crypto";

class Fail extends Error { constructor(n, why) { super(why); this.n = n; } }
const need = (ok, n, why) => { if (!ok) throw new Fail(n, why); };
const sha = (...b) => createHash("sha256").update(Buffer.concat(b)).digest();
const sm3 = (...b) => createHash("sm3").update(Buffer.concat(b)).digest();
const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

// 1. canonical JSON: parse strictly, write again, compare
const esc = { '"': '\\"', "\\": "\\\\", "\b": "\\b", "\t": "\\t", "\n": "\\n", "\f": "\\f", "\r": "\\r" };
const str = s => { if (!s.isWellFormed()) throw Error("lone surrogate");
  return '"' + s.replace(/["\\\u0000-\u001f]/g, c => esc[c] ?? "\\u" + c.charCodeAt(0).toString(16).padStart(4, "0")) + '"'; };
function canon(v, depth = 0) {
  if (depth > 64) throw Error("too deep");
  if (v === null || typeof v === "boolean") return String(v);
  if (typeof v === "string") return str(v);
  if (typeof v === "number") { if (!Number.isSafeInteger(v) || Object.is(v, -0)) throw Error("number"); return String(v); }
  if (Array.isArray(v)) return "[" + v.map(x => canon(x, depth + 1)).join() + "]";
  return "{" + Object.keys(v).sort((a, b) => (a < b ? -1 : 1)).map(k => str(k) + ":" + canon(v[k], depth + 1)).join() + "}";
}
const cbytes = v => Buffer.from(canon(v));
const read = bytes => { const v = JSON.parse(utf8.decode(bytes)); if (!cbytes(v).equals(Buffer.from(bytes))) throw Error("not canonical"); return v; };
const isObj = v => v !== null && typeof v === "object" && !Array.isArray(v);
const members = (v, names) => isObj(v) && Object.keys(v).sort().join() === [...names].sort().join();
function b64(s, length) { const b = Buffer.from(s, "base64"); if (b.toString("base64") !== s || (length && b.length !== length)) throw Error("base64"); return b; }

// 2. keys
const SM = Buffer.concat([Buffer.from([255]), Buffer.from("sm2-sm3.shugu.dev/v1")]);
function readKeys(text) {
  return text.split("\n").filter(l => l.trim() && !l.startsWith("#")).map(line => {
    const [name, id, rest] = [line.slice(0, line.indexOf("+")), ...line.slice(line.indexOf("+") + 1).split(/\+(.*)/s)];
    const tp = b64(rest), sm = tp.subarray(0, SM.length).equals(SM);
    const kind = sm ? "sm" : tp[0] === 1 ? "ed" : tp[0] === 4 ? "witness" : null;
    if (!kind || sha(Buffer.from(name + "\n"), tp).subarray(0, 4).toString("hex") !== id) throw Error("bad key line");
    return { name, id, kind, pub: tp.subarray(sm ? SM.length : 1), method: `https://${name}#${id}` };
  });
}
const edKey = pub => createPublicKey({ key: Buffer.concat([Buffer.from("302a300506032b6570032100", "hex"), pub]), format: "der", type: "spki" });
const edOk = (k, m, s) => s.length === 64 && edVerify(null, m, edKey(k.pub), s);
// SM2 on the curve of GB/T 32918.5
const H = s => BigInt("0x" + s);
const p = H("FFFFFFFEFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF00000000FFFFFFFFFFFFFFFF"), a = p - 3n,
  b = H("28E9FA9E9D9F5E344D5A9E4BCF6509A7F39789F515AB8F92DDBCBD414D940E93"),
  n = H("FFFFFFFEFFFFFFFFFFFFFFFFFFFFFFFF7203DF6B21C6052B53BBF40939D54123"),
  G = [H("32C4AE2C1F1981195F9904466A39C9948FE30BBFF2660BE1715A4589334C74C7"), H("BC3736A2F4F6779C59BDCEE36B692153D0A9877CC62A474002DF32E52139F0A0")];
const mod = (x, m = p) => ((x % m) + m) % m;
const pow = (x, e, m) => { let r = 1n; for (x = mod(x, m); e; e >>= 1n, x = x * x % m) if (e & 1n) r = r * x % m; return r; };
function add(P, Q) {
  if (!P) return Q; if (!Q) return P;
  if (P[0] === Q[0] && mod(P[1] + Q[1]) === 0n) return null;
  const l = P[0] === Q[0] ? (3n * P[0] * P[0] + a) * pow(2n * P[1], p - 2n, p) : (Q[1] - P[1]) * pow(mod(Q[0] - P[0]), p - 2n, p);
  const x = mod(l * l - P[0] - Q[0]); return [x, mod(l * (P[0] - x) - P[1])];
}
const mul = (k, P) => { let R = null; for (; k; k >>= 1n, P = add(P, P)) if (k & 1n) R = add(R, P); return R; };
const be = (x, len = 32) => Buffer.from(x.toString(16).padStart(len * 2, "0"), "hex");
function smOk(key, m, sig) {
  if (sig.length !== 64 || key.pub.length !== 65 || key.pub[0] !== 4) return false;
  const hex = x => H(x.toString("hex")), P = [hex(key.pub.subarray(1, 33)), hex(key.pub.subarray(33))];
  if (mod(P[1] * P[1] - P[0] ** 3n - a * P[0] - b) !== 0n) return false;
  const z = sm3(Buffer.from("0080", "hex"), Buffer.from("1234567812345678"), be(a), be(b), be(G[0]), be(G[1]), key.pub.subarray(1));
  const e = hex(sm3(z, m)), r = hex(sig.subarray(0, 32)), s = hex(sig.subarray(32)), t = mod(r + s, n);
  if (!(r > 0n && r < n && s > 0n && s < n) || t === 0n) return false;
  const R = add(mul(s, G), mul(t, P)); return !!R && mod(e + R[0], n) === r;
}
const valid = (key, m, s) => key.kind === "ed" ? edOk(key, m, s) : key.kind === "sm" ? smOk(key, m, s)
  : s.length === 72 && s.readBigUInt64BE(0) > 0n && s.readBigUInt64BE(0) < 1n << 63n
    && edOk(key, Buffer.concat([Buffer.from(`cosignature/v1\ntime ${s.readBigUInt64BE(0)}\n`), m]), s.subarray(8));
// base58btc
const B58 = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";
const enc58 = buf => { let x = H(buf.toString("hex") || "0"), out = ""; for (; x; x /= 58n) out = B58[Number(x % 58n)] + out; for (const c of buf) { if (c) break; out = "1" + out; } return out; };
function dec58(s) { let x = 0n; for (const c of s) { const i = B58.indexOf(c); if (i < 0) throw Error("base58"); x = x * 58n + BigInt(i); } const out = be(x, 64); if (enc58(out) !== s) throw Error("base58"); return out; }

// 7. proof file
const DEC = /^(0|[1-9][0-9]*)$/;
function readProof(text) {
  const [head, ...tail] = text.split("\n\n"), lines = head.split("\n");
  need(lines[0] === "c2sp.org/tlog-proof@v1", 1, "first line");
  const extra = lines[1]?.startsWith("extra "), rest = lines.slice(extra ? 2 : 1);
  const index = /^index (\d+)$/.exec(rest[0] ?? "")?.[1];
  need(index && DEC.test(index), 1, "index");
  return { extra, index: BigInt(index), hashes: rest.slice(1).map(h => b64(h, 32)), note: tail.join("\n\n") };
}
function readNote(note) {
  const cut = note.lastIndexOf("\n\n"); need(cut > 0 && note.endsWith("\n"), 1, "note");
  const text = note.slice(0, cut + 1), [origin, size, root, ...more] = text.split("\n");
  need(more.length === 1 && more[0] === "" && DEC.test(size) && origin, 1, "checkpoint");
  const sigs = note.slice(cut + 2, -1).split("\n").map(l => { const m = /^— ([^ +]+) ([^ ]+)$/.exec(l); need(m, 1, "signature line"); const raw = b64(m[2]);
    return { name: m[1], id: raw.subarray(0, 4).toString("hex"), sig: raw.subarray(4) }; });
  return { text: Buffer.from(text), origin, size: BigInt(size), root: b64(root, 32), sigs };
}
const TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/;
const time = (s, c) => { const t = TIME.test(s) ? Date.parse(s) : NaN; need(!Number.isNaN(t) && new Date(t).toISOString() === s.replace("Z", ".000Z"), c, "time"); return t; };

export function verify(bytes, keyText, now) {
  const keys = readKeys(keyText), order = m => keys.findIndex(k => k.method === m);
  let doc, proof, note, salt;
  try { // check 1
    doc = read(bytes); need(members(doc, ["credential", "fact", "proof"]) && members(doc.fact, ["payload", "salt"]) && isObj(doc.fact.payload), 1, "members");
    salt = b64(doc.fact.salt, 32); proof = readProof(doc.proof); note = readNote(proof.note);
  } catch (e) { throw new Fail(1, e.message); }
  const c = doc.credential, first = (v, x) => Array.isArray(v) && v[0] === x && v.every(s => typeof s === "string"); // check 2
  need(isObj(c) && first(c["@context"], "https://www.w3.org/ns/credentials/v2") && first(c.type, "VerifiableCredential"), 2, "type");
  need(typeof c.issuer === "string" && c.issuer.startsWith("https://") && isObj(c.credentialSubject), 2, "issuer");
  need(Array.isArray(c.proof) && c.proof.length >= 1 && c.proof.length <= 16, 2, "proofs");
  const from = time(c.validFrom, 2), until = "validUntil" in c ? time(c.validUntil, 2) : Infinity;
  for (const q of c.proof) {
    need(members(q, ["@context", "type", "cryptosuite", "created", "verificationMethod", "proofPurpose", "proofValue"]), 2, "proof members");
    need(canon(q["@context"]) === canon(c["@context"]) && q.type === "DataIntegrityProof" && q.proofPurpose === "assertionMethod", 2, "proof");
    need(["eddsa-jcs-2022", "sm2-sm3-jcs-shugu-2026"].includes(q.cryptosuite), 2, "cryptosuite");
    time(q.created, 2); need(typeof q.proofValue === "string" && q.proofValue[0] === "z", 2, "proofValue");
    try { q.sig = dec58(q.proofValue.slice(1)); } catch { q.sig = Buffer.alloc(0); } // no signature: check 4 or 5 says so
  }
  const name = c.issuer.slice(8), own = kind => keys.filter(k => k.kind === kind && k.name === name); // check 3
  need(own("ed").length, 3, "issuer is not pinned");
  let last = -1;
  for (const q of c.proof) {
    const i = order(q.verificationMethod); need(i > last, 3, "method"); last = i; q.key = keys[i];
    need(q.key.kind === (q.cryptosuite[0] === "e" ? "ed" : "sm"), 3, "kind");
  }
  const { proof: _, ...body } = c;
  for (const [kind, number] of [["ed", 4], ["sm", 5]]) { // checks 4 and 5
    const mine = c.proof.filter(q => q.key.kind === kind), h = kind === "ed" ? sha : sm3;
    if (kind === "sm" && !mine.length && !own("sm").length) continue;
    for (const { sig, key, proofValue, ...options } of mine)
      need(valid(key, Buffer.concat([h(cbytes(options)), h(cbytes(body))]), sig), number, "proof signature");
    need(mine.some(q => q.key.name === name), number, "issuer has not signed");
  }
  for (const q of c.proof) need(time(q.created, 2) <= now, 6, "created"); // check 6
  need(from <= now && now < until, 6, "not valid now");
  const plain = c.proof.map(({ sig, key, ...q }) => q), digest = sha(cbytes({ ...body, proof: plain })).toString("hex"); // check 7
  const named = doc.fact.payload.digests; need(isObj(named) && Object.values(named).includes(digest), 7, "digest");
  const P = cbytes(doc.fact.payload), hex = f => f(salt, P).toString("hex"); // check 8
  const entries = [{ sha256: hex(sha), v: 1 }, { sha256: hex(sha), sm3: hex(sm3), v: 1 }];
  const node = (l, r) => sha(Buffer.from([1]), l, r);
  need(!proof.extra, 8, "extra line"); need(proof.index < note.size, 8, "index");
  need(entries.some(e => {
    let h = sha(Buffer.from([0]), cbytes(e)), i = proof.index, end = note.size - 1n, k = 0;
    for (; end > 0n; i >>= 1n, end >>= 1n)
      if (i & 1n) { if (k >= proof.hashes.length) return false; h = node(proof.hashes[k++], h); }
      else if (i < end) { if (k >= proof.hashes.length) return false; h = node(h, proof.hashes[k++]); }
    return k === proof.hashes.length && h.equals(note.root);
  }), 8, "inclusion");
  const found = note.sigs.map(s => keys.findIndex(k => k.name === s.name && k.id === s.id)); // checks 9 and 10
  need(found.every(i => i >= 0), 9, "line of an unknown key");
  const ownLog = kind => keys.filter(k => k.kind === kind && k.name === note.origin);
  for (const [kinds, number] of [[["ed", "witness"], 9], [["sm"], 10]]) {
    const lines = note.sigs.map((s, i) => ({ ...s, key: keys[found[i]] })).filter(s => kinds.includes(s.key.kind));
    if (number === 10 && !lines.length && !ownLog("sm").length) continue;
    for (const s of lines) need(valid(s.key, note.text, s.sig), number, "note signature");
    need(lines.some(s => s.key.kind === kinds[0] && s.key.name === note.origin), number, "origin has not signed");
  }
  need(found.every((i, k) => k === 0 || i > found[k - 1]), 11, "order of lines"); // check 11
  need(c.issuer === "https://" + note.origin, 11, "issuer is not the origin");
}
const [, , what, ...rest] = process.argv;
if (what === "rejects") { // every document of rejects.json must fail at the check it names
  const given = JSON.parse(fs.readFileSync(rest[0])), wrong = [];
  for (const d of given.documents) {
    let first = 0;
    try { verify(Buffer.from(d.document), d.vkeys, Date.parse(given.at)); } catch (e) { first = e.n ?? String(e); }
    if (first !== d.check) wrong.push(`${d.name}: ${first} instead of ${d.check}`);
  }
  console.log(wrong.join("\n") || `${given.documents.length} refused`);
  process.exit(wrong.length ? 1 : 0);
}
try {
  verify(fs.readFileSync(what), fs.readFileSync(rest[0], "utf8"), rest[1] ? Date.parse(rest[1]) : Date.now());
  console.log("sealed and valid");
} catch (e) { console.log(`check ${e.n}: ${e.message}`); process.exit(1); }
