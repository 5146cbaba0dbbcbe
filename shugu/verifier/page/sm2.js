// SM3 (GB/T 32905) and the verification of SM2 signatures (GB/T 32918.2) over the curve of GB/T 32918.5.
"use strict";

function sm3(data) {
  const rotate = (x, n) => ((x << (n % 32)) | (x >>> ((32 - n % 32) % 32))) >>> 0;
  const p0 = (x) => x ^ rotate(x, 9) ^ rotate(x, 17);
  const p1 = (x) => x ^ rotate(x, 15) ^ rotate(x, 23);
  const blocks = new Uint8Array((Math.floor((data.length + 8) / 64) + 1) * 64);
  blocks.set(data);
  blocks[data.length] = 0x80;
  const view = new DataView(blocks.buffer);
  view.setBigUint64(blocks.length - 8, BigInt(data.length) * 8n);
  let v = [0x7380166f, 0x4914b2b9, 0x172442d7, 0xda8a0600, 0xa96f30bc, 0x163138aa, 0xe38dee4d, 0xb0fb0e4e];
  for (let at = 0; at < blocks.length; at += 64) {
    const w = Array.from({ length: 16 }, (_, j) => view.getUint32(at + 4 * j));
    for (let j = 16; j < 68; j++)
      w[j] = (p1(w[j - 16] ^ w[j - 9] ^ rotate(w[j - 3], 15)) ^ rotate(w[j - 13], 7) ^ w[j - 6]) >>> 0;
    let [a, b, c, d, e, f, g, h] = v;
    for (let j = 0; j < 64; j++) {
      const t = j < 16 ? 0x79cc4519 : 0x7a879d8a;
      const ss1 = rotate((rotate(a, 12) + e + rotate(t, j)) >>> 0, 7);
      const ff = j < 16 ? a ^ b ^ c : (a & b) | (a & c) | (b & c);
      const gg = j < 16 ? e ^ f ^ g : (e & f) | (~e & g);
      const tt1 = (ff + d + (ss1 ^ rotate(a, 12)) + (w[j] ^ w[j + 4])) >>> 0;
      const tt2 = (gg + h + ss1 + w[j]) >>> 0;
      [a, b, c, d] = [tt1, a, rotate(b, 9), c];
      [e, f, g, h] = [p0(tt2) >>> 0, e, rotate(f, 19), g];
    }
    v = [a, b, c, d, e, f, g, h].map((word, n) => (word ^ v[n]) >>> 0);
  }
  const out = new DataView(new ArrayBuffer(32));
  v.forEach((word, n) => out.setUint32(4 * n, word));
  return new Uint8Array(out.buffer);
}

const Sm2 = (() => {
  const P = 0xFFFFFFFEFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF00000000FFFFFFFFFFFFFFFFn;
  const A = P - 3n;
  const B = 0x28E9FA9E9D9F5E344D5A9E4BCF6509A7F39789F515AB8F92DDBCBD414D940E93n;
  const N = 0xFFFFFFFEFFFFFFFFFFFFFFFFFFFFFFFF7203DF6B21C6052B53BBF40939D54123n;
  const G = [0x32C4AE2C1F1981195F9904466A39C9948FE30BBFF2660BE1715A4589334C74C7n,
             0xBC3736A2F4F6779C59BDCEE36B692153D0A9877CC62A474002DF32E52139F0A0n];
  const mod = (value, by) => { const rest = value % by; return rest < 0n ? rest + by : rest; };

  function inverse(value) {
    let [a, b, x, y] = [mod(value, P), P, 1n, 0n];
    while (a > 1n) { const q = b / a; [a, b, x, y] = [b - q * a, a, y - q * x, x]; }
    return mod(x, P);
  }

  // Points are [X, Y, Z] with x = X/Z^2, y = Y/Z^3; Z = 0 is the point at infinity.
  function double([x, y, z]) {
    if (z === 0n || y === 0n) return [1n, 1n, 0n];
    const z2 = z * z % P, y2 = y * y % P, s = 4n * x * y2 % P;
    const m = mod(3n * (x - z2) * (x + z2), P); // a = -3
    const x3 = mod(m * m - 2n * s, P);
    return [x3, mod(m * (s - x3) - 8n * y2 * y2, P), 2n * y * z % P];
  }

  function add(p, q) {
    if (p[2] === 0n) return q;
    if (q[2] === 0n) return p;
    const [x1, y1, z1] = p, [x2, y2, z2] = q;
    const a = z1 * z1 % P, b = z2 * z2 % P;
    const u1 = x1 * b % P, u2 = x2 * a % P, s1 = y1 * z2 * b % P, s2 = y2 * z1 * a % P;
    if (u1 === u2) return s1 === s2 ? double(p) : [1n, 1n, 0n];
    const h = mod(u2 - u1, P), r = mod(s2 - s1, P), h2 = h * h % P, h3 = h * h2 % P, v = u1 * h2 % P;
    const x3 = mod(r * r - h3 - 2n * v, P);
    return [x3, mod(r * (v - x3) - s1 * h3, P), h * z1 * z2 % P];
  }

  function multiply(k, point) {
    let out = [1n, 1n, 0n];
    for (const digit of k.toString(2)) {
      out = double(out);
      if (digit === "1") out = add(out, point);
    }
    return out;
  }

  const point = (key) => [Bytes.number(key.slice(1, 33)), Bytes.number(key.slice(33))];

  return {
    // 65 bytes 04 || x || y of a point on the curve.
    isPublic(key) {
      if (key.length !== 65 || key[0] !== 4) return false;
      const [x, y] = point(key);
      return x < P && y < P && mod(y * y - (x * x * x + A * x + B), P) === 0n;
    },
    holds(key, message, signature) {
      if (signature.length !== 64) return false;
      const r = Bytes.number(signature.slice(0, 32)), s = Bytes.number(signature.slice(32)), t = (r + s) % N;
      if (r < 1n || r >= N || s < 1n || s >= N || t === 0n) return false;
      const signer = Bytes.utf8("1234567812345678");
      const curve = [A, B, ...G].map((value) => Bytes.ofNumber(value, 32));
      const z = sm3(Bytes.join(Uint8Array.of(0, signer.length * 8), signer, ...curve, key.slice(1)));
      const e = Bytes.number(sm3(Bytes.join(z, message)));
      const sum = add(multiply(s, [...G, 1n]), multiply(t, [...point(key), 1n]));
      if (sum[2] === 0n) return false;
      const over = inverse(sum[2]), x = sum[0] * over % P * over % P;
      return (e + x) % N === r;
    },
  };
})();
