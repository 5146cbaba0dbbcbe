// Status lists (docs/formats.md section 13), checks 14 and 15, as shugu/formats/demands.py and status_check.py.
"use strict";

const Status = (() => {
  const { refuse, readTime, splitCredential, sha256 } = Verify.parts;
  const ENTRIES = 131072, MOST = 1 << 20, HEADER = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0];
  // The byte of a credential in the facets list: its flags, highest bit first, with what ends it for ever.
  const FACETS = ["revoked", "cancelled", "superseded", "moved", "objected", "revokedInPart", "encumbered"];
  const ENDS = ["revoked", "cancelled", "superseded", "moved"];
  const LISTS = [["revocation"], ["suspension"], FACETS];
  const NAMES = { revokedInPart: "revoked_in_part", suspension: "suspended" };
  const WORDS = [
    ["valid", "有效", "valid"], ["revoked", "已撤销", "revoked"], ["cancelled", "已注销", "cancelled"],
    ["superseded", "已被替代", "superseded"], ["moved", "已迁出", "moved to another register"], ["suspended", "已暂停", "suspended"],
    ["objected", "有异议", "objected to"], ["revoked_in_part", "部分撤销", "revoked in part"], ["encumbered", "设有负担", "encumbered"],
    ["expired", "已过有效期", "past its term"], ["not_yet_valid", "尚未生效", "not yet valid"],
  ];
  const RESTRAINED = ["suspended", "objected", "revoked_in_part", "encumbered"];
  const bad = (condition, zh, en) => refuse(condition, `状态列表有误：${zh}`, `The status list is wrong: ${en}`);
  const missing = (url) => new Refused(`缺少状态列表 ${url}`, `the status list ${url} is missing`);
  const told = (at) => at.toISOString().replace(".000", "");

  function unbase64url(text) {
    bad(/[^A-Za-z0-9_-]/.test(text), "base64url 写法不唯一或有误", "its base64url is wrong or another spelling");
    const plain = text.replace(/-/g, "+").replace(/_/g, "/");
    return Bytes.unbase64(plain + "=".repeat((4 - plain.length % 4) % 4));
  }

  // Unpacks one gzip member and stops at a megabyte: a bomb is not unpacked.
  async function unpacked(packed) {
    bad(typeof DecompressionStream !== "function", "此浏览器不能解压", "this browser cannot unpack it");
    const stream = new DecompressionStream("gzip"), writer = stream.writable.getWriter(), reader = stream.readable.getReader();
    const written = writer.write(packed).then(() => writer.close());
    written.catch(() => {}); // told by the reader
    const parts = [];
    let size = 0;
    try {
      for (;;) {
        const { done, value } = await reader.read();
        if (done) break;
        size += value.length;
        if (size > MOST) { await reader.cancel(); break; }
        parts.push(value);
      }
      if (size <= MOST) await written;
    } catch { bad(true, "无法解压，或其后另有内容", "it cannot be unpacked, or something follows it"); }
    bad(size > MOST, "解压后过大", "it is too large when unpacked");
    return Bytes.join(...parts);
  }

  async function decode(text) {
    bad(!text.startsWith("u"), "缺少多基前缀 u", "the multibase prefix u is missing");
    bad(text.length > 2 * MOST, "列表过大", "the list is too large");
    const packed = unbase64url(text.slice(1));
    bad(!Bytes.same(packed.slice(0, 8), Uint8Array.from(HEADER)), "gzip 头部不符", "wrong gzip header");
    const bits = await unpacked(packed);
    bad(bits.length < ENTRIES / 8, "少于 131072 位", "it has fewer than 131,072 bits");
    return bits;
  }

  function readEntries(value) {
    const form = (condition, zh, en) => refuse(condition, zh, en);
    form(!Array.isArray(value) || value.length < 1 || value.length > 16, "credentialStatus 应为 1 至 16 项的列表", "credentialStatus is a list of 1 to 16");
    const entries = value.map((item) => {
      const members = ["type", "statusPurpose", "statusListIndex", "statusListCredential"];
      form(!Json.has(item, ...members) || members.some((name) => typeof item[name] !== "string"), "状态条目成员不符", "wrong members in a status entry");
      const known = ["revocation", "suspension", ...FACETS].includes(item.statusPurpose), digits = /^(?:0|[1-9][0-9]{0,11})$/;
      form(item.type !== "BitstringStatusListEntry" || !digits.test(item.statusListIndex) || !known, "状态条目有误", "malformed status entry");
      form(!/^https?:\/\/[^]*\.json$/.test(item.statusListCredential), "状态列表的网址有误", "malformed URL of a status list");
      return { purpose: item.statusPurpose, list: item.statusListCredential, index: Number(item.statusListIndex) };
    });
    form(new Set(entries.map((entry) => entry.purpose)).size !== entries.length, "同一状态用途出现两次", "a status purpose stands twice");
    return entries;
  }

  const isList = (credential) => Json.isObject(credential) && Array.isArray(credential.type)
    && credential.type[1] === "BitstringStatusListCredential";

  async function readList(credential) {
    const { body } = splitCredential(credential), said = body.credentialSubject;
    bad(Json.text(body.type) !== Json.text(["VerifiableCredential", "BitstringStatusListCredential"]), "不是状态列表凭证", "it is no status list credential");
    bad(typeof body.id !== "string" || !Object.hasOwn(body, "validUntil"), "缺少 id 或 validUntil", "id or validUntil is missing");
    const must = ["id", "type", "statusPurpose", "encodedList", "ttl", "version"], may = ["previous", "demo"];
    const names = Object.keys(said);
    bad(must.some((name) => !names.includes(name)) || names.some((name) => ![...must, ...may].includes(name)), "列表成员不符", "wrong members in the list");
    bad(said.id !== `${body.id}#list` || said.type !== "BitstringStatusList", "列表 id 或类型有误", "wrong id or type");
    const previous = said.previous ?? "", counts = Number.isSafeInteger(said.version) && Number.isSafeInteger(said.ttl);
    bad(!counts || said.version < 1 || said.ttl < 0, "版本或 ttl 有误", "wrong version or ttl");
    bad(typeof previous !== "string" || (said.version === 1) !== (previous === ""), "前一版本摘要有误", "wrong previous digest");
    bad(previous !== "" && !/^[0-9a-f]{64}$/.test(previous), "前一版本摘要有误", "wrong previous digest");
    const named = Array.isArray(said.statusPurpose) ? said.statusPurpose : [said.statusPurpose];
    const purposes = LISTS.find((one) => Json.text(one) === Json.text(named));
    const single = typeof said.statusPurpose === "string";
    bad(!purposes || single !== (named.length === 1), "状态用途未知", "unknown status purposes");
    bad(typeof said.encodedList !== "string", "encodedList 应为文本", "encodedList is a text");
    return {
      id: body.id, issuer: body.issuer, purposes, bits: await decode(said.encodedList), version: said.version, previous,
      digest: Bytes.hex(await sha256(Json.bytes(credential))), from: readTime(body.validFrom), until: readTime(body.validUntil),
    };
  }

  function says(list, entry) {
    bad(entry.list !== list.id || !list.purposes.includes(entry.purpose), "条目指向另一份列表", "the entry is of another list");
    bad(entry.index >= 8 * list.bits.length, "索引超出列表", "the index is beyond the list");
    return Boolean(list.bits[Math.floor(entry.index / 8)] & 0x80 >> (entry.index % 8));
  }

  // How many bits that never fall were set before and are not now.
  function fallen(now, before) {
    if (now.purposes[0] === "suspension") return 0;
    const never = now.purposes[0] === "revocation" ? 0xff : 0xf0;
    let count = 0;
    before.bits.forEach((value, at) => { for (let rest = value & never & ~now.bits[at]; rest; rest &= rest - 1) count += 1; });
    return count;
  }

  function follows(now, before) {
    const one = now.id === before.id && now.issuer === before.issuer && Json.text(now.purposes) === Json.text(before.purposes);
    refuse(!one, "不是同一份列表", "these are not versions of one list");
    const forked = (condition, zh, en) => refuse(condition, `状态列表 ${now.id} 第 ${before.version} 版与第 ${now.version} 版相互矛盾：${zh}`,
      `Versions ${before.version} and ${now.version} of the status list ${now.id} contradict each other: ${en}`);
    forked(now.version === before.version && now.digest !== before.digest, "同一版本号有两份内容", "one version number has two contents");
    forked(now.version === before.version + 1 && now.previous !== before.digest, "所记前一版本不是它", "it names another version before it");
    forked(now.version > before.version && now.from < before.from, "时间倒退", "its time went back");
    forked(now.bits.length !== before.bits.length, "列表长度改变", "the length of the list changed");
    const count = fallen(now, before);
    forked(count > 0, `${count} 项失效被取消`, `${count} ending(s) were taken back`);
  }

  // Lists in hand: `documents` are sealed ones as read (or the Refused that reading ended in); `maxAge` in ms, or null.
  class Lists {
    constructor(documents, maxAge) { this.documents = documents; this.maxAge = maxAge; this.given = null; this.broken = null; }

    async read() {
      if (this.given) return;
      this.given = new Map();
      for (const document of this.documents) {
        try {
          if (document instanceof Refused) throw document;
          const list = await readList(document.credential);
          this.given.set(list.id, [...(this.given.get(list.id) ?? []), { list, document }]);
        } catch (error) { if (!(error instanceof Refused)) throw error; this.broken = error; }
      }
    }

    // The newest version of a list that had begun, checked alone and against the one before it.
    async newest(url, now, core) {
      if (this.broken) throw this.broken;
      const begun = (this.given.get(url) ?? []).filter(({ list }) => list.from <= now);
      if (!begun.length) throw missing(url);
      const ordered = begun.sort((one, other) => one.list.version - other.list.version).slice(-2);
      const reports = [];
      for (const { document } of ordered) reports.push(await core(document));
      const { list } = ordered[ordered.length - 1], report = reports[reports.length - 1];
      const wrong = report.checks.find((check) => check.outcome === "failed" && check.id !== "dates");
      if (wrong) throw new Refused(...wrong.detail);
      const stale = now >= list.until || (this.maxAge !== null && now - list.from > this.maxAge);
      refuse(stale, `状态列表 ${url} 第 ${list.version} 版（${told(list.from)}）已过时`, `version ${list.version} of the status list ${url} (${told(list.from)}) is too old`);
      refuse(report.verdict !== "sealed", "列表未封存或签署时间不符", "the list is not sealed, or signed at another time");
      if (ordered.length > 1 && ["sealed", "expired"].includes(reports[0].verdict)) follows(list, ordered[0].list);
      return list;
    }

    // Checks 14 and 15 of a document.
    async check(report, credential, now, core) {
      await this.read();
      if (!Object.hasOwn(credential, "credentialStatus")) {
        for (const id of ["status-list", "status"]) report.skip(id, "本凭证未指明状态列表", "the document names no status list");
        return;
      }
      let entries;
      try { entries = readEntries(credential.credentialStatus); } catch (error) { report.fail("status-list", error); return; }
      const lists = new Map();
      try { for (const { list } of entries) if (!lists.has(list)) lists.set(list, await this.newest(list, now, core)); }
      catch (error) { report.fail("status-list", error, "status-unknown"); return; }
      const rows = [...lists].sort(([one], [other]) => (one < other ? -1 : 1));
      report.ok("status-list", rows.map(([url, list]) => `${url} v${list.version} ${told(list.from)}`).join(", "));
      standing(report, credential, entries, lists, now);
    }
  }

  function facets(credential, entries, lists, now) {
    const found = new Set();
    for (const [url, list] of lists) {
      if (!(list.from <= now && now < list.until)) throw missing(url);
      bad(list.issuer !== credential.issuer, "列表由他人签发", "the list is another issuer's");
    }
    const set = entries.filter((entry) => says(lists.get(entry.list), entry)).map((entry) => entry.purpose);
    for (const purpose of set) if (purpose !== "revocation") found.add(NAMES[purpose] ?? purpose);
    if (set.includes("revocation") && !ENDS.some((name) => found.has(name))) found.add("revoked");
    const blocked = found.has("suspended") || ENDS.some((name) => found.has(name));
    const early = readTime(credential.validFrom) > now, late = Object.hasOwn(credential, "validUntil") && readTime(credential.validUntil) <= now;
    if (early) found.add("not_yet_valid");
    if (late) found.add("expired");
    if (!blocked && !early && !late) found.add("valid");
    return found;
  }

  function standing(report, credential, entries, lists, now) {
    let found;
    try { found = facets(credential, entries, lists, now); } catch (error) { report.fail("status", error, "status-unknown"); return; }
    const words = WORDS.filter(([name]) => found.has(name)), detail = [words.map((one) => one[1]).join("、"), words.map((one) => one[2]).join(", ")];
    if (ENDS.some((name) => found.has(name))) report.fail("status", new Refused(...detail), "not-in-force");
    else if (RESTRAINED.some((name) => found.has(name))) report.fail("status", new Refused(...detail), "restrained");
    else report.ok("status", ...detail); // dates are check 6's to tell
  }

  return { Lists, decode, readEntries, isList };
})();
