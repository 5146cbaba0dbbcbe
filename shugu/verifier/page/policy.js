// Witness policies (C2SP tlog-policy) and check 12, as shugu/formats/quorum.py.
"use strict";

const Policy = (() => {
  const { refuse, readKey, holds, readNote, readCheckpoint } = Verify.parts;

  // Reads a policy strictly; each problem names its line.
  async function read(text) {
    const lines = text.split("\n"), found = { logs: [], witnesses: [], groups: [], quorum: null };
    const names = new Set(), members = new Set();
    let at = 1;
    const need = (good, zh, en) => refuse(!good, `见证策略第 ${at} 行有误：${zh}`, `Malformed witness policy, line ${at}: ${en}`);
    const define = (name) => { need(name !== "none" && !names.has(name), `名称 ${name} 已用`, `the name ${name} is taken`); names.add(name); };
    const key = async (line, witness) => {
      let out = null;
      try { out = await readKey(line); } catch (error) { if (!(error instanceof Refused)) throw error; }
      need(out && (out.suite === "witness") === witness, "公钥有误", "a wrong key");
      return out;
    };
    const twice = (kept, one) => kept.some((other) => Bytes.same(other.key.raw, one.raw));
    const rows = {
      async log(items) {
        need(items.length === 1 || items.length === 2, "应为 log <vkey> [<url>]", "log <vkey> [<url>] is wanted");
        const one = await key(items[0], false);
        need(!twice(found.logs, one), "日志公钥重复", "the log's key was named before");
        found.logs.push({ key: one });
      },
      async witness(items) {
        need(items.length === 2 || items.length === 3, "应为 witness <名> <vkey> [<url>]", "witness <name> <vkey> [<url>] is wanted");
        const one = await key(items[1], true);
        need(!twice(found.witnesses, one), "见证人公钥重复", "the witness's key was named before");
        define(items[0]);
        found.witnesses.push({ name: items[0], key: one });
      },
      async group(items) {
        need(items.length >= 3, "应为 group <名> <数> <成员>…", "group <name> <number> <member>… is wanted");
        const [name, wanted, ...own] = items;
        const number = wanted === "all" ? own.length : wanted === "any" ? 1 : /^[1-9][0-9]{0,3}$/.test(wanted) ? Number(wanted) : 0;
        need(number >= 1 && number <= own.length, "门槛越界", "the threshold is out of range");
        for (const one of own) {
          need(names.has(one), `${one} 尚未定义`, `${one} is not defined yet`);
          need(!members.has(one), `${one} 已在某组`, `${one} is in a group already`);
          members.add(one);
        }
        define(name);
        found.groups.push({ name, number, own });
      },
      async quorum(items) {
        need(items.length === 1, "应为 quorum <名>", "quorum <name> is wanted");
        need(found.quorum === null, "quorum 只能有一行", "there is one quorum line only");
        need(items[0] === "none" || names.has(items[0]), `${items[0]} 尚未定义`, `${items[0]} is not defined yet`);
        found.quorum = items[0];
      },
    };
    at = 0;
    need(lines[lines.length - 1] === "" && lines.length <= 2000, "每行应以换行结尾", "each line ends in a newline");
    for (const line of lines) {
      at += 1;
      need(!/[\x00-\x08\x0b-\x1f\x7f]/.test(line), "含控制字符", "there is a control character");
      const items = line.split(/[ \t]+/).filter((item) => item);
      if (!items.length || items[0].startsWith("#")) continue;
      need(Object.hasOwn(rows, items[0]), `未知的词 ${items[0]}`, `unknown word ${items[0]}`);
      await rows[items[0]](items.slice(1));
    }
    need(found.quorum !== null, "没有 quorum 行", "there is no quorum line");
    return found;
  }

  // Who of the policy's witnesses has cosigned a note, none counted after `latest` (Unix seconds), and whether that is enough.
  async function standing(policy, text, latest = null) {
    const note = readNote(text), message = Bytes.utf8(note.text), times = new Map();
    for (const { name, key } of policy.witnesses)
      for (const line of note.lines) {
        if (line.name !== key.name || line.id !== key.id || !await holds(key, message, line.signature)) continue;
        const time = Bytes.number(line.signature.slice(0, 8));
        if (latest === null || time <= latest) times.set(name, times.has(name) && times.get(name) > time ? times.get(name) : time);
      }
    const done = new Set(times.keys());
    for (const { name, number, own } of policy.groups) if (own.filter((one) => done.has(one)).length >= number) done.add(name);
    return { times, missing: policy.witnesses.filter(({ name }) => !times.has(name)), reached: policy.quorum === "none" || done.has(policy.quorum) };
  }

  const when = (seconds) => new Date(Number(seconds) * 1000).toISOString().replace(".000", "");

  // Check 12 of a sealed document.
  async function check(report, policy, proof, now) {
    if (!proof) { report.skip("cosignatures", "没有日志证明文件", "there is no log proof"); return; }
    let told = "";
    const good = await report.check("cosignatures", async () => {
      const found = await standing(policy, proof.note, BigInt(Math.floor(now.getTime() / 1000)));
      const names = found.missing.map((one) => one.name).join(", ");
      refuse(!found.reached, `见证人会签不足：缺 ${names}`, `Too few witnesses have cosigned: missing are ${names}`);
      const origin = readCheckpoint(readNote(proof.note).text).origin;
      const strange = policy.logs.length > 0 && !policy.logs.some(({ key }) => key.name === origin);
      refuse(strange, `签名方 ${origin} 不在受信密钥之列`, `the signer ${origin} is not among the keys trusted`);
      told = policy.witnesses.filter(({ name }) => found.times.has(name)).map(({ name, key }) => `${key.name} ${when(found.times.get(name))}`).join(", ");
    });
    if (good) report.ok("cosignatures", told || "策略不要求联署", told || "the policy demands none");
  }

  const isPolicy = (text) => /^quorum[ \t]/m.test(text) && /^(?:#|log[ \t]|witness[ \t]|group[ \t]|quorum[ \t]|\s)/.test(text);

  return { read, standing, check, isPolicy };
})();
