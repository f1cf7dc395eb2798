#!/bin/sh
# Install Tapedrop on this machine, or bring an installed one to this version.
set -eu
# Root by `su` alone has a user's own, without half of what is needed here.
PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
export PATH

usage() {
    cat <<'EOF'
usage: sh install.sh [--offline]
       sh /usr/lib/tapedrop/current/share/install.sh --rollback

Makes this machine, a Debian 12 or 13 that does nothing else, into one that runs a
drop: programs, users, systemd's units, a tor of its own, a firewall. Typed in the
unpacked folder of a release, as root. Typed again it changes only what is missing, and with
a newer release it brings the drop to that version.

  --offline    install no Debian packages: say which are missing, and stop
  --rollback   go back to the version before this one
  --help       say this

Example: the first installation, once the release's signature was checked
  tar -xf tapedrop-server-0.2.0.tar.gz
  cd tapedrop-server-0.2.0
  sh install.sh

Exit codes: 0 done, 1 failed on the way (type it again), 2 usage, 3 refused, 5 this
machine is not fit.
EOF
}

here=$(cd -P -- "$(dirname -- "$0")" && pwd -P)
lib=/usr/lib/tapedrop
drop=/var/lib/tapedrop
offline=no
rollback=no

note() { echo "install: $*" >&2; }
fail() { # what, hint, exit code
    note "error: $1"
    [ -z "$2" ] || note "hint: $2"
    exit "$3"
}

# --- may it be done? ---

fit_machine() {
    [ "$(id -u)" = 0 ] || fail "only root can install" "sudo sh install.sh" 2
    [ -d /run/systemd/system ] || fail "this machine isn't run by systemd" "" 5
    # shellcheck source=/dev/null
    case $(. /etc/os-release && echo "${ID:-}-${VERSION_ID:-}") in
        debian-12 | debian-13) ;;
        *) fail "this is not Debian 12 or 13" "a drop runs on nothing else" 5 ;;
    esac
    [ "$(uname -m)" = x86_64 ] || fail "this release is for x86_64 (amd64) only" "" 5
    if dpkg-query -W -f '${Status}' tapedrop-server 2>/dev/null | grep -q 'ok installed'; then
        fail "the Debian package tapedrop-server is installed" "bring a newer one with apt" 3
    fi
}

whole_release() {
    if [ ! -f "$here/SHA256SUMS" ] || [ ! -d "$here/tree" ]; then
        fail "there is no release in $here" "type it in the folder that the archive unpacks to" 2
    fi
    note "reading all of the release"
    if ! damaged=$(cd "$here" && LC_ALL=C sha256sum --check --quiet --strict SHA256SUMS 2>&1); then
        # A few of them: there may be thousands, and what comes below has to be seen.
        echo "$damaged" | head -n 5 >&2
        fail "the release is damaged" "unpack it again; if that doesn't help, fetch it again" 3
    fi
    listed=$(grep -c '' "$here/SHA256SUMS")
    found=$(find "$here" -type f ! -path "$here/SHA256SUMS" | wc -l)
    [ "$found" = "$listed" ] ||
        fail "there are $found files in $here, and $listed in its list" "unpack it again" 3
    version=$(cat "$here/tree/share/version")
    case $version in
        "" | *[!0-9A-Za-z.+~-]* | .*) fail "the release has no version" "fetch it again" 3 ;;
    esac
}

# --- what it needs of Debian ---

missing_packages() {
    for need in python3:python3 gpg:gnupg tor:tor nft:nftables apparmor_parser:apparmor \
        adduser:adduser; do
        command -v "${need%%:*}" >/dev/null || printf ' %s' "${need#*:}"
    done
}

packages() {
    missing=$(missing_packages)
    [ -n "$missing" ] || return 0
    if [ "$offline" = yes ]; then
        fail "these Debian packages are missing:$missing" "apt-get install$missing" 5
    fi
    # tor's package starts a tor at once; this machine shall have none but the drop's.
    systemctl --quiet mask tor@default.service 2>/dev/null
    note "installing Debian packages:$missing"
    apt-get update --quiet >&2 || note "warning: apt-get update failed; going on with what there is"
    # shellcheck disable=SC2086  # a list of words
    DEBIAN_FRONTEND=noninteractive apt-get install --yes --quiet --no-install-recommends $missing >&2 ||
        fail "apt-get could not install them" "mend that, then type this again" 1
    missing=$(missing_packages)
    [ -z "$missing" ] || fail "still missing:$missing" "" 1
}

# --- the programs ---

version_of() { # link
    if [ -L "$lib/$1" ]; then
        readlink "$lib/$1"
    fi
}

point() { # link, version: in one step; a power cut may have left the half of one
    ln -sfn "$2" "$lib/$1.new"
    mv -T "$lib/$1.new" "$lib/$1"
}

copy_tree() {
    to=$lib/$version
    if cmp -s "$here/SHA256SUMS" "$to/share/SHA256SUMS"; then
        return 0
    fi
    note "copying programs to $to"
    rm -rf "$to.new" "$to.old"
    install -d -m 0755 "$lib"
    cp -R --no-preserve=ownership "$here/tree" "$to.new"
    chmod -R u+rwX,go+rX,go-w "$to.new"
    # Its own list of sums comes last: where it is, everything is.
    install -m 0644 "$here/SHA256SUMS" "$to.new/share/SHA256SUMS"
    [ ! -e "$to" ] || mv "$to" "$to.old"
    mv "$to.new" "$to"
    say "copied the programs to $to"
}

# What was done is told at the end, from this file; setup writes a line for each thing.
did=$(mktemp)
trap 'rm -f "$did"' EXIT
say() { echo "$*" >>"$did"; }

can_work() { # version: whether it can read what the drop has written by now
    [ -e "$drop/tapedrop.toml" ] || return 0
    reads=0
    runuser -u tapedrop -- "$lib/$1/bin/tapedrop-server" status \
        --config "$drop/tapedrop.toml" >/dev/null || reads=$?
    case $reads in
        0 | 1) ;;
        *) fail "version $1 can't work with this drop as it is: it says why above" \
            "nothing was changed${now:+, $now is installed as before}" 3 ;;
    esac
}

switch_to() { # version
    now=$(version_of current)
    [ "$now" = "$1" ] || can_work "$1"
    if [ -n "$now" ] && [ "$now" != "$1" ] && [ -d "$lib/$now" ]; then
        "$lib/$1/share/setup" place "$lib/$now" >>"$did"
        point previous "$now"
    else
        "$lib/$1/share/setup" place >>"$did"
    fi
    if [ "$now" != "$1" ]; then
        point current "$1"
        say "version $1 is the one that runs${now:+, and $now is kept to go back to}"
    fi
    note "setting up"
    "$lib/$1/share/setup" configure >>"$did" || {
        code=$?
        told
        fail "not all of it could be done" "mend what is said above, then type this again" "$code"
    }
}

keep_two() {
    current=$(version_of current)
    previous=$(version_of previous)
    for folder in "$lib"/*/; do
        name=$(basename "$folder")
        case $name in
            current | previous | "$current" | "$previous") ;;
            *.old) rm -rf "${lib:?}/$name" ;; # the same version, built otherwise
            *)
                rm -rf "${lib:?}/$name"
                say "deleted version $name"
                ;;
        esac
    done
}

roll_back() {
    current=$(version_of current)
    previous=$(version_of previous)
    if [ -z "$previous" ] || [ ! -d "$lib/$previous" ]; then
        fail "there is no version to go back to" "" 3
    fi
    switch_to "$previous"
}

# --- what is said ---

told() {
    if [ -s "$did" ]; then
        sed 's/^/  /' "$did"
    else
        echo "  nothing was to be done"
    fi
}

encrypted() {
    lsblk --noheadings --inverse --output TYPE "$(findmnt -nvo SOURCE -T "$drop")" 2>/dev/null |
        grep -qx crypt
}

warnings() {
    encrypted || note "warning: $drop isn't seen to lie on an encrypted disk (LUKS): tapedrop-server check fails"
    if [ -n "${SSH_CONNECTION:-}" ]; then
        note "warning: the firewall lets no new SSH connection in; keep this one until you have a way:"
        note "hint: /etc/tapedrop/firewall.d, or an onion of your own: /etc/tor/instances/tapedrop/torrc.d"
    fi
}

for word in "$@"; do
    case $word in
        --offline) offline=yes ;;
        --rollback) rollback=yes ;;
        -h | --help)
            usage
            exit 0
            ;;
        *) fail "unknown: $word" "sh install.sh --help" 2 ;;
    esac
done

umask 022
fit_machine
if [ "$rollback" = yes ]; then
    roll_back
    version=$(version_of current)
else
    whole_release
    packages
    copy_tree
    switch_to "$version"
    keep_two
fi
echo "Tapedrop $version is installed:"
told
"$lib/current/share/setup" next
warnings
