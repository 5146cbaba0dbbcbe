// Key histories: which of a venue's keys counts where in its log (docs/formats.md section 2), as shugu/formats/keyhistory.py.
"use strict";

const Keys = (() => {
  const { refuse, readKey, holds, readTime, readNote, readCheckpoint, sha256 } = Verify.parts;
  const FORMAT = "shugu-key-history/v1", SUITES = ["intl", "sm"], REASONS = ["rotated", "adopted", "replaced"];
  const KINDS = ["founded", "announced", "retired", "compromised", "recovery"];
  const STATEMENT = ["at", "keys", "kind", "n", "name", "previous", "reason", "root", "size"];
  const bad = (condition, zh, en) => refuse(condition, `密钥沿革有误：${zh}`, `The key history is wrong: ${en}`);
  const distrust = (condition, zh, en) => refuse(condition, `密钥沿革不可信：${zh}`, `The key history is not to be trusted: ${en}`);
  const uncounted = (condition, key, zh, en) =>
    refuse(condition, `密钥 ${key} 对此处不作数：${zh}`, `The key ${key} does not count here: ${en}`);
  const same = (one, other) => one.vkey === other.vkey;
  const among = (key, keys) => keys.some((one) => same(one, key));

  async function ownKey(text) {
    bad(typeof text !== "string", "成员类型不符", "a member has the wrong type");
    const key = await readKey(text);
    bad(!SUITES.includes(key.suite), "未知的密钥类型", "unknown key type");
    return key;
  }

  async function readLine(value) {
    bad(!Json.has(value, "signatures", "statement") || !Json.has(value.statement, ...STATEMENT), "成员不符", "wrong members");
    const said = value.statement;
    const texts = ["at", "kind", "name", "previous", "reason", "root"].every((name) => typeof said[name] === "string");
    const counts = ["n", "size"].every((name) => Number.isSafeInteger(said[name]) && said[name] >= 0);
    bad(!texts || !counts || !Array.isArray(said.keys), "成员类型不符", "a member has the wrong type");
    bad(!KINDS.includes(said.kind), "未知的种类", "unknown kind");
    const given = value.signatures;
    bad(!Array.isArray(given) || given.length < 1 || given.length > 16, "签名数不符", "1 to 16 signatures");
    const root = Bytes.unbase64(said.root);
    bad(root.length !== 0 && root.length !== 32, "根哈希应为 32 字节", "a root has 32 bytes");
    readTime(said.at);
    const keys = [], signatures = [];
    for (const text of said.keys) keys.push(await ownKey(text));
    for (const item of given) {
      bad(!Json.has(item, "signature", "vkey") || typeof item.signature !== "string", "成员不符", "wrong members");
      signatures.push({ key: await ownKey(item.vkey), signature: Bytes.unbase64(item.signature) });
    }
    return { ...said, keys, signatures, root, digest: Bytes.hex(await sha256(Json.bytes(value))),
             signed: Bytes.join(Bytes.utf8(FORMAT + "\n"), Json.bytes(said)) };
  }

  const START = `{"format":"shugu-key-history/`;
  const isHistory = (data) => new TextDecoder().decode(data.slice(0, START.length)) === START;

  async function readLines(data) {
    const value = Json.read(data);
    bad(!Json.has(value, "format", "lines", "name"), "成员不符", "wrong members");
    bad(value.format !== FORMAT || typeof value.name !== "string", "格式标识不符", "another format");
    bad(!Array.isArray(value.lines) || value.lines.length < 1 || value.lines.length > 1000, "行数不符", "wrong number of lines");
    const lines = [];
    for (const one of value.lines) lines.push(await readLine(one));
    bad(lines.some((line) => line.name !== value.name), "名称不一致", "a line is of another name");
    return lines;
  }

  const live = (state) => state.periods.filter((period) => period.until === null).map((period) => period.key);
  const needsRecovery = (state, said) => state.recovery.length > 0 && ["announced", "compromised", "recovery"].includes(said.kind);

  function endorsers(state, said) {
    const rest = live(state).filter((key) => !among(key, said.keys));
    if (said.kind === "founded") return said.keys;
    if (said.kind === "retired") return rest;
    if (said.kind === "compromised") return state.recovery.length ? [] : rest;
    return state.recovery.length ? said.keys : [...said.keys, ...rest];
  }

  async function checkSignatures(state, said) {
    const signers = said.signatures.map((one) => one.key), spelled = signers.map((key) => key.vkey);
    const order = [...new Set(spelled)].sort();
    distrust(spelled.join("\n") !== order.join("\n"), `第 ${said.n} 行签名次序有误`, `the signatures of line ${said.n} are out of order`);
    let allowed = [...said.keys, ...live(state), ...state.recovery];
    if (said.kind === "compromised") allowed = allowed.filter((key) => !among(key, said.keys));
    for (const { key, signature } of said.signatures) {
      distrust(!among(key, allowed), `第 ${said.n} 行有无权者签名`, `line ${said.n} is signed by ${key.id}, who has no say`);
      const good = await holds(key, said.signed, signature);
      refuse(!good, `${key.name}+${key.id} 的签名无效`, `the signature of ${key.name}+${key.id} is invalid`);
    }
    const enough = endorsers(state, said).every((key) => among(key, signers))
      && (!needsRecovery(state, said) || signers.some((key) => among(key, state.recovery)));
    distrust(!enough || !signers.length, `第 ${said.n} 行缺少应有的签名`, `line ${said.n} lacks a signature that it needs`);
  }

  const bySuite = (periods) =>
    [...periods].sort((one, other) => SUITES.indexOf(one.key.suite) - SUITES.indexOf(other.key.suite));

  const STEPS = {
    founded(state, said) {
      const kept = new Set(said.keys.map((key) => key.suite));
      const wrong = !kept.has("intl") || kept.size !== said.keys.length || said.size !== 0 || said.reason || said.root.length;
      distrust(wrong, "首行不是成立声明", "the first line is no founding");
      return { ...state, periods: said.keys.map((key) => ({ key, since: 0, until: null, root: null, ended: null })) };
    },
    announced(state, said) {
      const key = said.keys[0];
      distrust(!REASONS.includes(said.reason) || said.root.length, `第 ${said.n} 行的事由有误`, `line ${said.n} has a wrong reason`);
      const known = state.periods.some((period) => period.key.name === key.name && period.key.id === key.id);
      distrust(known, `第 ${said.n} 行的密钥早已有过`, `the key of line ${said.n} is not new`);
      return { ...state, periods: bySuite([...state.periods, { key, since: said.size, until: null, root: null, ended: null }]) };
    },
    ended(state, said) {
      const key = said.keys[0], period = state.periods.find((one) => same(one.key, key));
      const over = !period || (period.until !== null && (said.kind === "retired" || period.ended === "compromised"));
      distrust(over, `第 ${said.n} 行的密钥不在用`, `the key of line ${said.n} is not in force`);
      distrust(said.reason || said.root.length !== 32, `第 ${said.n} 行没有日志的根`, `line ${said.n} does not fix the log's root`);
      // A key that has retired may yet be declared lost; its end stays where it was fixed.
      const after = period.until === null ? { ...period, until: said.size, root: said.root, ended: said.kind } : { ...period, ended: said.kind };
      const periods = state.periods.map((one) => (one === period ? after : one));
      const left = periods.some((one) => one.until === null && one.key.suite === key.suite);
      distrust(!left, `第 ${said.n} 行后没有可用的同类密钥`, `after line ${said.n} no key of that kind is in force`);
      return { ...state, periods };
    },
    recovery(state, said) {
      const wrong = said.reason || said.root.length || among(said.keys[0], state.recovery);
      distrust(wrong, `第 ${said.n} 行的恢复密钥有误`, `line ${said.n} names a wrong recovery key`);
      return { ...state, recovery: [...state.recovery, said.keys[0]] };
    },
  };

  async function follow(state, said) {
    const follows = said.n === state.count && said.previous === state.last && said.name === state.name && said.size >= state.size;
    distrust(!follows, `第 ${said.n} 行接不上前一行`, `line ${said.n} does not follow the line before`);
    const own = said.kind === "recovery" ? `${said.name}/recovery` : said.name, first = state.count === 0;
    const wrong = said.keys.some((key) => key.name !== own) || (!first && said.keys.length !== 1);
    distrust(wrong, `第 ${said.n} 行的密钥不合格式`, `line ${said.n} has keys of another name or number`);
    distrust(first !== (said.kind === "founded"), "成立声明应在且只在首行", "the founding is the first line and no other");
    await checkSignatures(state, said);
    const step = said.kind === "retired" || said.kind === "compromised" ? STEPS.ended : STEPS[said.kind];
    return { ...step(state, said), size: said.size, last: said.digest, count: said.n + 1 };
  }

  // The periods of a venue's keys, if the history holds and is that of the pinned keys.
  async function trusted(pinned, data) {
    const lines = await readLines(data), name = lines[0].name;
    let state = { name, periods: [], recovery: [], size: 0, last: "", count: 0 };
    for (const line of lines) state = await follow(state, line);
    const own = pinned.filter((key) => key.name === name), offline = pinned.filter((key) => key.name === `${name}/recovery`);
    distrust(!own.some((key) => key.suite === "intl"), "没有固定该场所的 Ed25519 公钥", "no Ed25519 key of this venue is pinned");
    const strange = own.some((key) => !state.periods.some((one) => same(one.key, key))) || offline.some((key) => !among(key, state.recovery));
    distrust(strange, "其中没有所固定的公钥", "it does not have the pinned keys");
    return { ...state, others: pinned.filter((key) => !own.includes(key) && !offline.includes(key)) };
  }

  const covers = (period, index) => index >= period.since && (period.until === null || index < period.until);

  // What is trusted: pinned keys, and histories that say which of a venue's keys count where.
  class Pins {
    constructor(keys) { this.keys = keys; this.known = new Map(); }
    static async of(keys, histories) {
      const out = new Pins(keys);
      for (const data of histories) {
        const found = await trusted(keys, data);
        refuse(out.known.has(found.name), `${found.name} 有两份密钥历史`, `there are two key histories of ${found.name}`);
        out.known.set(found.name, found);
      }
      return out;
    }
    periods(name) { return this.known.get(name) ?? null; }
    // `index`: BigInt, or null for what is not sealed.
    entry(name, index) {
      const state = this.periods(name);
      if (!state) return this.keys;
      const held = state.periods.filter((period) => (index === null ? period.until === null : covers(period, index)));
      uncounted(!held.length, name, "该处没有有效密钥", "no key was in force there");
      return [...held.map((period) => period.key), ...state.others];
    }
    checkpoint(name, size) { return this.entry(name, size > 0n ? size - 1n : 0n); }
  }

  class JoinMissing extends Refused {}

  // Whether a checkpoint is one of the real log as far as keys can tell; no consistency proof is at hand here.
  async function inForce(state, proof) {
    const note = readNote(proof.note), covered = readCheckpoint(note.text), text = Bytes.utf8(note.text), ended = [];
    const every = [...state.periods.map((period) => period.key), ...state.others];
    let some = false;
    for (const line of note.lines) {
      const key = every.find((one) => one.name === line.name && one.id === line.id);
      if (!key) continue;
      refuse(!await holds(key, text, line.signature), `${line.name} 的签名无效`, `the signature of ${line.name} is invalid`);
      some = true;
    }
    refuse(!some, "没有受信密钥的签名", "no trusted key has signed");
    for (const line of note.lines) {
      const period = state.periods.find(({ key }) => key.name === line.name && key.id === line.id);
      if (!period) continue;
      const last = covered.size > 0n ? covered.size - 1n : 0n;
      uncounted(!covers(period, last), `${line.name}+${line.id}`, "该检查点在其有效范围之外", "the checkpoint is outside its period");
      if (period.until === null && period.key.suite === "intl") return;
      if (period.until !== null) ended.push(period);
    }
    uncounted(!ended.length, state.name, "没有该场所的 Ed25519 签名", "there is no Ed25519 signature of the venue");
    const end = ended.reduce((one, other) => (other.until < one.until ? other : one)), key = `${end.key.name}+${end.key.id}`;
    if (covered.size !== BigInt(end.until))
      throw new JoinMissing(`检查点（${covered.size} 条）只有已停用密钥 ${key} 的签名，未证明它属于真实日志（停用时 ${end.until} 条）。`,
        `The checkpoint of ${covered.size} entries is signed by the ended key ${key} alone; nothing joins it to the log of ${end.until}.`);
    refuse(!Bytes.same(covered.root, end.root), "默克尔证明不成立：根哈希不符", "the Merkle proof does not hold: the root differs");
  }

  // Check 13.
  async function inTheirTime(report, state, proof) {
    if (!proof) { report.ok("key-history", "未封存：只认未停用的密钥", "not sealed: only keys without an end count"); return; }
    try {
      await inForce(state, proof);
      report.ok("key-history", `密钥历史共 ${state.count} 行`, `a key history of ${state.count} lines`);
    } catch (error) { report.fail("key-history", error, error instanceof JoinMissing ? "unproven" : null); }
  }

  return { Pins, inTheirTime, isHistory };
})();
