#!/usr/bin/env bash
# 只用 bash、jq、openssl（3.0 起）、xxd 与 coreutils 核验一份封存文件，不用本项目的任何代码：
# A sealed document verified with bash, jq, openssl (3.0 or newer), xxd and coreutils, and no code of this project:
#     bash docs/verify-by-hand.sh voucher.sealed.json venue.vkey
# 覆盖第 7、8、9、11 项，规则见 docs/formats.md；不查凭证自身的签名（4、5）、有效期（6）与现时状态。
# Checks 7, 8, 9 and 11 of docs/formats.md; not the credential's own signatures (4, 5), its term (6), nor its present status.
set -euo pipefail
f=$1 keys=$2
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT
hex() { xxd -p | tr -d '\n'; }
raw() { xxd -r -p; }
sha() { sha256sum | cut -c1-64; }
no() { echo "✗ $1 / $2" >&2; exit 1; }

# 7  事实记载了凭证的摘要 / the fact names the digest of the credential's canonical bytes
digest=$(jq -jcS .credential "$f" | sha)
jq -e --arg d "$digest" '.fact.payload.digests | any(. == $d)' "$f" >"$work/named" || no "事实没有记载本凭证" "the fact does not name this credential"
echo "✓ 7 $digest"

# 8  事实的加盐承诺沿路径到根 / the fact's salted commitment, up the path to the root
jq -r .proof "$f" >"$work/proof"
sed '1,/^$/d' "$work/proof" >"$work/checkpoint"
index=$(sed -n 's/^index //p' "$work/proof")
size=$(sed -n 2p "$work/checkpoint")
root=$(sed -n 3p "$work/checkpoint" | base64 -d | hex)
opened() { jq -r .fact.salt "$f" | base64 -d; jq -jcS .fact.payload "$f"; }
sha256=$(opened | sha)
sm3=$(opened | openssl dgst -sm3 -r | cut -c1-64)
root_from() {                             # 由日志条目到根 / from a log entry to a root
    local h i=$index last=$((size - 1)) n
    h=$( { printf 00 | raw; printf %s "$1"; } | sha)
    for n in $(sed -n '3,/^$/p' "$work/proof"); do
        n=$(printf %s "$n" | base64 -d | hex)
        while ((i % 2 == 0 && i == last)); do i=$((i / 2)) last=$((last / 2)); done
        if ((i % 2)); then h=$(printf '01%s%s' "$n" "$h" | raw | sha); else h=$(printf '01%s%s' "$h" "$n" | raw | sha); fi
        i=$((i / 2)) last=$((last / 2))
    done
    echo "$h"
}
for entry in "{\"sha256\":\"$sha256\",\"v\":1}" "{\"sha256\":\"$sha256\",\"sm3\":\"$sm3\",\"v\":1}"; do   # intl, sm
    if [ "$(root_from "$entry")" = "$root" ]; then found=$entry; fi
done
[ -n "${found:-}" ] && ((index < size)) || no "路径不通向检查点的根" "the path does not lead to the checkpoint's root"
echo "✓ 8 #$index / $size $root"

# 9  场所签署了该检查点 / the venue signed that checkpoint: Ed25519 over its three lines
head -3 "$work/checkpoint" >"$work/text"
signed=
while read -r key; do
    if ! [[ $key =~ ^[^+#]+\+[0-9a-f]{8}\+ ]]; then continue; fi
    blob=$(printf %s "${key#*+*+}" | base64 -d | hex)
    if [ "${blob:0:2}" != 01 ]; then continue; fi             # 01 = Ed25519
    printf '302a300506032b6570032100%s' "${blob:2}" | raw >"$work/key.der"
    id=$(cut -d+ -f2 <<<"$key")
    while read -r _ name line; do
        if [ "$name" != "${key%%+*}" ] || [ "$(printf %s "$line" | base64 -d | head -c 4 | hex)" != "$id" ]; then continue; fi
        printf %s "$line" | base64 -d | tail -c 64 >"$work/signature"
        openssl pkeyutl -verify -pubin -keyform DER -inkey "$work/key.der" -rawin -in "$work/text" \
            -sigfile "$work/signature" >"$work/said" || no "检查点的签名无效" "the checkpoint's signature is invalid"
        if [ "$name" = "$(head -1 "$work/checkpoint")" ]; then signed="$signed $name+$id"; fi
    done < <(sed '1,/^$/d' "$work/checkpoint")
done <"$keys"
[ -n "$signed" ] || no "没有公钥文件中的密钥签署该检查点" "no key of the key file signed this checkpoint"
echo "✓ 9$signed"

# 11  日志属于签发方 / the log is the issuer's
[ "$(jq -r .credential.issuer "$f")" = "https://$(head -1 "$work/checkpoint")" ] || no "日志不是签发方的" "the log is not the issuer's"
echo "✓ 11 https://$(head -1 "$work/checkpoint")"
