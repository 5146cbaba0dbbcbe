#!/usr/bin/env bash
# What `make test` runs. Each part must pass; a part that cannot run here says so loudly.
set -euo pipefail
cd "$(dirname "$0")/.."
BIN=.venv/bin
# Every part starts Python anew, many times: what is compiled is kept.
unset SHUGU_HOME PYTHONDONTWRITEBYTECODE
# One more than there are cores: journeys wait for their own processes and browsers a good part of their time.
workers=${SHUGU_TEST_WORKERS:-$(($(nproc) + 1))}

if ! command -v chromium >/dev/null && ! command -v chromium-browser >/dev/null && ! command -v google-chrome >/dev/null; then
    if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
        echo "== installing Chromium for the browser journeys"
        { apt-get update -qq && apt-get install -y -qq chromium fonts-noto-cjk; } >/dev/null 2>&1 || echo "!! Chromium could not be installed: browser journeys will be SKIPPED"
    else
        echo "!! no Chromium and not root: browser journeys will be SKIPPED"
    fi
fi

if command -v npm >/dev/null; then
    if ! cmp -s contracts/package.json .tools/package.json || [ ! -d .tools/node_modules ]; then
        echo "== installing the contract's compiler and a test chain into .tools"
        mkdir -p .tools && cp contracts/package.json .tools/
        npm install --prefix .tools --no-package-lock --ignore-scripts --no-audit --no-fund --silent \
            || { rm -f .tools/package.json; echo "!! solc and anvil could not be installed: chain tests will be SKIPPED"; }
    fi
else
    echo "!! no npm: the contract is not recompiled and chain tests will be SKIPPED"
fi

if ! command -v softhsm2-util >/dev/null; then
    if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
        echo "== installing SoftHSM2 for the tests of keys in a hardware module"
        { apt-get update -qq && apt-get install -y -qq softhsm2; } >/dev/null 2>&1 || echo "!! SoftHSM2 could not be installed: HSM tests will be SKIPPED"
    else
        echo "!! no SoftHSM2 and not root: HSM tests will be SKIPPED"
    fi
fi
if ! $BIN/python -c "import pkcs11" 2>/dev/null; then
    echo "!! python-pkcs11 (extra: hsm) is not installed: HSM tests will be SKIPPED"
fi

if ! $BIN/python -c "import moto.server, s3fs" 2>/dev/null; then
    # Their exact pins on one another keep pip from resolving them together with the rest.
    echo "!! no moto and s3fs: the log in an S3 bucket is SKIPPED (.venv/bin/pip install s3fs 'moto[server]'), other stores are tried"
fi

echo "== style";        $BIN/ruff check .
echo "== layers";       $BIN/lint-imports --no-cache
types=$(mktemp); trap 'rm -f "$types"' EXIT
$BIN/mypy shugu connector >"$types" 2>&1 &
checking=$!
echo "== tests ($workers at a time, types beside them)"
failed=0
$BIN/python -m pytest -q -n "$workers" --dist loadgroup -m "not campaign" --durations=8 || failed=$?
echo "== types"
wait "$checking" || failed=$?
cat "$types"
exit "$failed"
