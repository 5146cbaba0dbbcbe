// Bytes and spellings: strict base64, base58, hex, UTF-8, canonical JSON (docs/formats.md section 1). No network, no state.
"use strict";

class Refused extends Error {
  constructor(zh, en) { super(en); this.told = [zh, en]; }
}

const Bytes = {
  join(...parts) {
    const out = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
    let at = 0;
    for (const part of parts) { out.set(part, at); at += part.length; }
    return out;
  },
  same: (a, b) => a.length === b.length && a.every((value, at) => value === b[at]),
  hex: (data) => Array.from(data, (value) => value.toString(16).padStart(2, "0")).join(""),
  number: (data) => data.length ? BigInt("0x" + Bytes.hex(data)) : 0n,
  ofNumber(value, size) {
    const text = value.toString(16).padStart(2 * size, "0");
    return Uint8Array.from({ length: size }, (_, at) => parseInt(text.slice(2 * at, 2 * at + 2), 16));
  },
  utf8: (text) => new TextEncoder().encode(text),
  text(data) {
    try { return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(data); }
    catch { throw new Refused("不是 UTF-8", "not UTF-8"); }
  },
  base64(data) {
    let text = "";
    for (const value of data) text += String.fromCharCode(value);
    return btoa(text);
  },
  unbase64(text) {
    let raw;
    try { raw = atob(text); } catch { raw = null; }
    const data = raw === null ? null : Uint8Array.from(raw, (char) => char.charCodeAt(0));
    if (data === null || Bytes.base64(data) !== text)
      throw new Refused("Base64 写法不唯一或有误", "Base64 is wrong or not in its single spelling");
    return data;
  },
  unbase58(text) {
    const alphabet = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";
    const body = text.slice(1);
    if (text[0] !== "z" || text.length > 512 || [...body].some((char) => !alphabet.includes(char)))
      throw new Refused("不是 base58btc 多基编码", "not multibase base58btc");
    let value = 0n;
    for (const char of body) value = value * 58n + BigInt(alphabet.indexOf(char));
    const zeros = body.length - body.replace(/^1+/, "").length;
    const hex = value ? value.toString(16) : "";
    return Bytes.join(new Uint8Array(zeros), Bytes.ofNumber(value, Math.ceil(hex.length / 2)));
  },
};

const Json = {
  // The one text of a value; whatever has none is refused.
  text(value, depth = 0) {
    if (depth > 64) throw new Refused("嵌套超过 64 层", "deeper than 64 levels");
    if (value === null || value === true || value === false) return String(value);
    if (typeof value === "string") {
      if (/[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/.test(value))
        throw new Refused("有孤立的代理码", "there is a lone surrogate");
      return JSON.stringify(value);
    }
    if (typeof value === "number") {
      if (!Number.isSafeInteger(value)) throw new Refused("数字不是整数", "a number is not an integer");
      return String(value);
    }
    if (Array.isArray(value)) return "[" + value.map((item) => Json.text(item, Json.below(item, depth))).join(",") + "]";
    const members = Object.keys(value).sort();
    return "{" + members.map((key) => Json.text(key) + ":" + Json.text(value[key], Json.below(value[key], depth))).join(",") + "}";
  },
  // Strings are no level of their own.
  below: (item, depth) => typeof item === "string" ? depth : depth + 1,
  bytes: (value) => Bytes.utf8(Json.text(value)),
  read(data) {
    const text = Bytes.text(data);
    let value;
    if (text === "") throw new Refused("文件是空的", "the file is empty");
    try { value = JSON.parse(text); } catch { throw new Refused("不是 UTF-8 编码的 JSON", "not JSON in UTF-8"); }
    if (Json.text(value) !== text) throw new Refused("字节与规范形式不同", "the bytes differ from the canonical form");
    return value;
  },
  isObject: (value) => typeof value === "object" && value !== null && !Array.isArray(value),
  has: (value, ...names) =>
    Json.isObject(value) && Object.keys(value).length === names.length && names.every((name) => Object.hasOwn(value, name)),
  without: (value, name) => Object.fromEntries(Object.entries(value).filter(([key]) => key !== name)),
};
