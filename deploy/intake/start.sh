#!/bin/sh
# The program of this file's name, from the folder that it lies in: on a stick, in a home folder,
# anywhere. Nothing is written here, nothing is installed, no network is used, root isn't needed.
#     sh tapedrop-intake VERB …     works also where a stick's files can't be executed
set -eu

program=${0##*/}
case "$0" in
*/*) folder=${0%/*} ;;
*) folder=. ;;
esac

not_fit() { # what, hint
    echo "$program: error: $1" >&2
    echo "$program: hint: $2" >&2
    exit 5
}

[ -f "$folder/lib/start.py" ] ||
    not_fit "this folder is not whole" "unpack the archive again; sha256sum -c SHA256SUMS names what is missing"
found=""
for python in python3 python3.11 python3.13; do
    version=$("$python" -I -S -c 'import sys; print("%d.%d" % sys.version_info[:2])' 2>/dev/null) || continue
    [ -d "$folder/lib/python$version" ] || continue
    found=$python
    break
done
[ -n "$found" ] || not_fit "there is no Python 3.11 or 3.13 on this machine" \
    "Debian 12 and 13 and Tails have one: on Debian, while it still has a network: apt install python3"
[ "$program" != tapedrop-intake ] || command -v gpg >/dev/null || not_fit "GnuPG is not installed" \
    "on Debian, while the machine still has a network: apt install gnupg"
exec "$found" -I -S -B "$folder/lib/start.py" "$program" "$@"
