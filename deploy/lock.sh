#!/bin/sh
# Write the locks anew: all versions with their hashes, for Python 3.11 on Linux and x86-64, with PyTorch for CPUs.
# Needs uv, and a folder WHEELS that holds torch's wheel for CPUs (pip download --no-deps torch==2.13.0+cpu).
set -eu
cd "$(dirname "$0")/.."
work=$(mktemp -d)
trap 'rm -r "$work"' EXIT
for what in -serve ""; do
    sed 's/^torch==[0-9.]*$/&+cpu/; s/^-r .*//' requirements-serve.txt > "$work/lock$what.in"
    [ -n "$what" ] || grep -v '^-r ' requirements.txt >> "$work/lock.in"
    uv pip compile --quiet --generate-hashes --no-header --no-annotate --find-links "${WHEELS:?}" --python-version 3.11 \
        --python-platform x86_64-manylinux_2_28 "$work/lock$what.in" -o "requirements$what.lock"
done
