#!/bin/sh
# The browser for tests/e2e: one that is already there, else the system's package, else Playwright's own build.
set -eu
for name in chromium chromium-browser google-chrome; do
    command -v "$name" >/dev/null && exit 0
done
if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
    apt-get update -q && apt-get install -y -q --no-install-recommends chromium && exit 0
fi
"$1/python" -m playwright install --with-deps chromium
