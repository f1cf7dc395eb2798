#!/bin/sh
# Put this folder where a person's own programs lie, or take it away again. Root is not needed.
# usage: sh install.sh [--check | --remove]
#   --check     only compare this folder with its list, SHA256SUMS
#   --remove    take it away again
#
#   ~/.local/share/tapedrop                         this folder
#   ~/.local/bin/tapedrop-intake, tapedrop-scrub    the commands
#   ~/.local/share/applications/tapedrop.desktop    the entry in the menu
#   ~/.local/share/bash-completion/completions/…    what bash proposes when Tab is pressed
# Desks, their recordings and keys are never touched.
set -eu
umask 077

case "$0" in
*/*) folder=$(cd -P -- "${0%/*}" && pwd -P) ;;
*) folder=$(pwd -P) ;;
esac
data=${XDG_DATA_HOME:-$HOME/.local/share}
installed=$data/tapedrop
entry=$data/applications/tapedrop.desktop
commands=$HOME/.local/bin
completion=$data/bash-completion/completions/tapedrop-intake

refuse() { # exit code, what, hint
    # Not echo: of a name that somebody gave a file, it would make what a terminal obeys.
    printf 'install: error: %s\ninstall: hint: %s\n' "$2" "$3" >&2
    exit "$1"
}

remove() {
    rm -rf "$installed" "$installed.new" "$installed.before"
    rm -f "$entry" "$commands/tapedrop-intake" "$commands/tapedrop-scrub" "$completion"
}

whole() {
    (cd "$folder" && sha256sum --check --quiet --strict SHA256SUMS >&2) ||
        refuse 3 "this folder is not what was built" "unpack the archive again, and check its signature as README.txt says"
    # A name of two lines could look like two names that are in the list.
    [ -z "$(LC_ALL=C find "$folder" -mindepth 1 -name '*[![:print:]]*' | head -n 1)" ] ||
        refuse 3 "a file's name holds what no name in the list does" "unpack the archive again"
    # A file more could be read in place of another. What the list names and what lies here: all twice.
    others=$(cd "$folder" && { cut -c67- SHA256SUMS && find . ! -type d | cut -c3-; } |
        grep -v -x -e SHA256SUMS -e 'tapedrop-desk-[^/]*\.SHA256SUMS\.asc' | LC_ALL=C sort | uniq -u)
    [ -z "$others" ] ||
        refuse 3 "the list doesn't name all that lies here: $(printf '%s\n' "$others" | head -n 1)" "unpack the archive again"
}

command_for() { # program
    printf '#!/bin/sh\nexec sh "%s/%s" "$@"\n' "$installed" "$1" >"$commands/$1.new"
    chmod 0700 "$commands/$1.new"
    mv "$commands/$1.new" "$commands/$1"
}

case "${1:-}" in
"") ;;
--check)
    whole
    echo "this folder is what its list says."
    exit 0
    ;;
--remove)
    remove
    echo "removed. Desks are left as they are."
    exit 0
    ;;
*)
    echo "usage: sh install.sh [--check | --remove]" >&2
    [ "$1" = --help ] && exit 0
    exit 2
    ;;
esac

[ "$(id -u)" != 0 ] ||
    refuse 2 "root has no desk" "run it as the person who will read, without sudo"
[ "$folder" != "$installed" ] ||
    refuse 2 "this is what is installed already" "run it from the folder that was unpacked"
whole
# It says what is missing on this machine, if something is.
sh "$folder/tapedrop-intake" --help >/dev/null

mkdir -p "$data/applications" "$commands" "${completion%/*}"
rm -rf "$installed.new" "$installed.before"
cp -R "$folder" "$installed.new"
chmod -R u+rwX,go= "$installed.new"
[ ! -e "$installed" ] || mv "$installed" "$installed.before"
mv "$installed.new" "$installed"
rm -rf "$installed.before"
# Starts faster; where it fails, it works all the same.
for version in 3.11 3.13; do
    "python$version" -I -m compileall -qq "$installed/lib/python$version" "$installed/lib/python3" 2>/dev/null || true
done
command_for tapedrop-intake
command_for tapedrop-scrub
sed "s|^Exec=.*|Exec=sh \"$installed/lib/terminal.sh\"|" "$folder/tapedrop.desktop" >"$entry"
# A convenience: where it fails, verbs are typed whole.
sh "$installed/tapedrop-intake" --completion bash >"$completion" 2>/dev/null || rm -f "$completion"

echo "installed in $installed. Next: tapedrop-intake --help"
case ":$PATH:" in
*":$commands:"*) ;;
*) echo "install: note: this terminal doesn't look into $commands yet; log out and in again" >&2 ;;
esac
