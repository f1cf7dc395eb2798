#!/bin/sh
# Build the desk's folder as one archive: the same bytes wherever it is built.
# usage: deploy/intake/bundle.sh [--to DIR] [--sign FINGERPRINT]
set -eu
cd -- "$(dirname -- "$0")/../.."
to=dist
sign=""
while [ $# -gt 0 ]; do
    case "$1" in
    --to) to=$2 ;;
    --sign) sign=$2 ;;
    *)
        echo "usage: deploy/intake/bundle.sh [--to DIR] [--sign FINGERPRINT]" >&2
        exit 2
        ;;
    esac
    shift 2
done
make --silent .venv/ready >&2
exec .venv/bin/python deploy/build.py --to "$to" ${sign:+--sign "$sign"} desk
