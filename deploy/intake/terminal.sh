#!/bin/sh
# What the menu opens: a terminal in which tapedrop-intake and tapedrop-scrub are known by name.
set -eu
case "$0" in
*/*) here=$(cd -P -- "${0%/*}" && pwd -P) ;;
*) here=$(pwd -P) ;;
esac
TAPEDROP_FOLDER=${here%/lib}
export TAPEDROP_FOLDER
cd
sh "$TAPEDROP_FOLDER/tapedrop-intake" --help || true
exec bash --rcfile "$here/terminal.bash" -i
