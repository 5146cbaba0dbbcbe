#!/usr/bin/env bash
# What `make test` runs. Each part must pass; a part that cannot run here says so loudly.
set -euo pipefail
cd "$(dirname "$0")/.."
BIN=.venv/bin
unset SHUGU_HOME
workers=${SHUGU_TEST_WORKERS:-$(nproc)}

if ! command -v chromium >/dev/null && ! command -v chromium-browser >/dev/null && ! command -v google-chrome >/dev/null; then
    if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
        echo "== installing Chromium for the browser journeys"
        { apt-get update -qq && apt-get install -y -qq chromium fonts-noto-cjk; } >/dev/null 2>&1 || echo "!! Chromium could not be installed: browser journeys will be SKIPPED"
    else
        echo "!! no Chromium and not root: browser journeys will be SKIPPED"
    fi
fi

echo "== style";        $BIN/ruff check .
echo "== types";        $BIN/mypy shugu connector
echo "== layers";       $BIN/lint-imports --no-cache
echo "== tests ($workers at a time)"
$BIN/python -m pytest -q -n "$workers" --dist loadgroup -m "not campaign" --durations=8
