#!/bin/sh
# Do what Dockerfile does where no container engine runs: sh deploy/root.sh FOLDER
# Needs root, debootstrap, Python 3.11 and, as deploy/lock.sh does, a folder WHEELS with torch's wheel for CPUs. FOLDER
# becomes a Debian root with the app; benchmarks/image.py starts the app in it.
set -eu
cd "$(dirname "$0")/.."
root=${1:?FOLDER is missing}
[ ! -e "$root" ] || { echo "$root is there already; choose another folder." >&2; exit 2; }
debootstrap --variant=minbase --include=python3 bookworm "$root" > /dev/null
python3.11 -m pip install --quiet --no-cache-dir --require-hashes --find-links "${WHEELS:?}" --ignore-installed \
    --prefix "$root/libraries" -r requirements-serve.lock
sh deploy/slim.sh "$root/libraries/lib/python3.11/site-packages"
mkdir "$root/app"
cp -r app.py .streamlit cvae ui pages checkpoints "$root/app"
rm -rf "$root"/var/cache/apt "$root"/var/lib/apt/lists
