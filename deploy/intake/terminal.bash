# What terminal.sh's shell knows besides a person's own settings. A stick's files may not be
# executable, so these are functions.
# shellcheck shell=bash disable=SC1090
[ ! -r ~/.bashrc ] || . ~/.bashrc
tapedrop-intake() { sh "$TAPEDROP_FOLDER/tapedrop-intake" "$@"; }
tapedrop-scrub() { sh "$TAPEDROP_FOLDER/tapedrop-scrub" "$@"; }
