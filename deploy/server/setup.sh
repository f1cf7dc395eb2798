#!/bin/sh
# What makes a machine that has Tapedrop's files into one that runs it. install.sh, uninstall.sh and
# the Debian package start it as /usr/lib/tapedrop/VERSION/share/setup; every step may be done twice,
# and says what it did on standard output: a line each, nothing where nothing was to do.
# usage: setup place [BEFORE] | displace | configure | next | stop | forget
#   place       put this version's files where share/system/places says, and take those away that
#               only the version in the folder BEFORE has
#   displace    take all of them away
#   configure   users, tor's instance, the drop, kernel, firewall, AppArmor, units
#   next        say where sources reach the drop, and what staff do now
#   stop        end and disable all of it, before its files go
#   forget      delete what `configure` made beside our files
set -eu
# Root by `su` alone has a user's own, without half of what is needed here.
PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
export PATH

share=$(cd -P -- "${0%/*}" && pwd -P)
tree=${share%/share}
drop=/var/lib/tapedrop
tor=tor@tapedrop.service
onion=/var/lib/tor-instances/tapedrop/drop
torrc=/etc/tor/instances/tapedrop/torrc
# What the files were like when all had been done with them: their SHA-256 sums, and the version.
configured=/usr/lib/tapedrop/configured

say() { echo "$*"; }
warn() { echo "setup: warning: $*" >&2; }
fail() {
    echo "setup: error: $1" >&2
    [ $# -lt 2 ] || echo "setup: hint: $2" >&2
    exit "${3:-1}"
}

# --- the files, as share/system/places lists them: source destination mode ---

listed() { # folder of a version
    sed -e '/^#/d' -e '/^[[:space:]]*$/d' "$1/share/system/places"
}

destinations() { listed "$1" | cut -d ' ' -f 2; }

as_configured() { # file: whether it is as it was when we had last done all with it
    [ -e "$configured" ] && [ -e "$1" ] && sha256sum "$1" | grep -qxFf - "$configured"
}

changed() { ! as_configured "$1"; }

ours() { # file: whether it is as some version of ours that lies here has it
    for kept in /usr/lib/tapedrop/*/share/system"$1"; do
        if cmp -s "$kept" "$1"; then
            return 0
        fi
    done
    return 1
}

place() { # [BEFORE]
    put=$(listed "$tree" | while read -r _ destination mode; do put_one "$destination" "$mode"; done)
    [ -z "$put" ] || say "put $(echo "$put" | grep -c '') files in their places ($share/system/places)"
    [ $# = 0 ] || destinations "$1" | while read -r destination; do
        if [ -e "$destination" ] && ! destinations "$tree" | grep -qxF "$destination"; then
            rm "$destination"
            say "took $destination away"
        fi
    done
}

put_one() { # destination, mode: prints the destination when it put it there
    new=$share/system$1
    if cmp -s "$new" "$1"; then
        chmod "$2" "$1"
        return 0
    fi
    # What staff have written into a file of ours stays theirs, as with Debian's packages.
    case $1 in
        /etc/*)
            if [ -e "$1" ] && ! ours "$1"; then
                install -D -m "$2" "$new" "$1.dpkg-dist"
                warn "$1 was changed here and stays so; ours is beside it: $1.dpkg-dist"
                return 0
            fi
            ;;
    esac
    install -D -m "$2" "$new" "$1.dpkg-new"
    mv "$1.dpkg-new" "$1"
    echo "$1"
}

displace() {
    destinations "$tree" | while read -r destination; do
        rm -f "$destination" "$destination.dpkg-dist"
        # Folders that only we had made go with it; what staff put beside it stays.
        case ${destination%/*} in
            *tapedrop*) rmdir --ignore-fail-on-non-empty "${destination%/*}" 2>/dev/null || true ;;
            *) ;;
        esac
    done
}

# --- the machine ---

booted() { [ -d /run/systemd/system ]; }

users() {
    if ! getent passwd tapedrop >/dev/null; then
        adduser --quiet --system --group --home "$drop" --no-create-home --shell /usr/sbin/nologin \
            --gecos Tapedrop tapedrop
        say "made the user tapedrop"
    fi
    if ! getent passwd _tor-tapedrop >/dev/null; then
        # Debian's own way to have one more tor. It leaves a torrc that is there alone.
        tor-instance-create tapedrop >/dev/null
        say "made the user _tor-tapedrop"
    fi
    [ -d "$drop" ] || install -d -m 0700 -o tapedrop -g tapedrop "$drop"
    for folder in "${torrc%/*}/torrc.d" /etc/tapedrop/firewall.d; do
        [ -d "$folder" ] || install -d "$folder"
    done
}

bytecode() {
    python=$(python3 -c 'import sys; print("python%d.%d" % sys.version_info[:2])')
    packages=$tree/lib/$python/site-packages
    [ -d "$packages" ] || fail "this release carries nothing for this machine's $python" \
        "it is for Debian 12 and 13" 5
    if [ ! -d "$packages/server/__pycache__" ]; then
        # The drop itself can't write here, and would compile everything at every start.
        "$tree/bin/python3" -I -m compileall -q "$packages" >/dev/null ||
            warn "not all of $packages could be compiled"
        say "compiled for $python"
    fi
}

kernel() {
    for file in $(destinations "$tree" | grep '/sysctl\.d/' || true); do
        if booted && changed "$file"; then
            if /lib/systemd/systemd-sysctl "$file" 2>/dev/null; then
                say "set the kernel as $file says"
            else
                warn "the kernel did not take all of $file; tapedrop-server check says what is missing"
            fi
        fi
    done
    for file in $(destinations "$tree" | grep '^/etc/default/grub\.d/' || true); do
        if changed "$file" && command -v update-grub >/dev/null && [ -d /boot/grub ]; then
            update-grub >/dev/null 2>&1 || warn "update-grub failed: the kernel is not told of $file"
            say "told the kernel's boot loader of $file; it counts from the next start of the machine"
        fi
    done
}

profiles() {
    files=$(destinations "$tree" | grep '^/etc/apparmor\.d/[^/]*$' || true)
    [ -n "$files" ] || return 0
    if [ "$(cat /sys/module/apparmor/parameters/enabled 2>/dev/null)" != Y ]; then
        warn "this kernel runs without AppArmor: one fence less"
        return 0
    fi
    for file in $files; do
        if changed "$file"; then
            apparmor_parser --replace --write-cache "$file"
            say "loaded the AppArmor profile $file"
        fi
    done
}

units() { destinations "$tree" | sed -n 's#^/lib/systemd/system/\([^/]*\)$#\1#p'; }

enabled_units() { # those that something starts by itself, but for the target: that is staff's
    for unit in $(units); do
        if [ "$unit" != tapedrop.target ] && grep -q '^\[Install\]' "/lib/systemd/system/$unit"; then
            echo "$unit"
        fi
    done
}

enable_units() {
    for unit in $(enabled_units); do
        if [ "$(systemctl is-enabled "$unit" 2>/dev/null)" != enabled ]; then
            systemctl --quiet enable "$unit"
            say "enabled $unit"
        fi
    done
}

firewall() {
    booted || return 0
    unit=tapedrop-firewall.service
    units | grep -qx "$unit" || return 0
    if ! systemctl --quiet is-active "$unit"; then
        systemctl start "$unit" || fail "the firewall could not be loaded" "systemctl status $unit"
        say "loaded the firewall: nothing in, only tor out"
    elif changed /etc/tapedrop/nftables.conf; then
        systemctl reload-or-restart "$unit" || fail "the firewall could not be loaded" "systemctl status $unit"
        say "loaded the firewall anew"
    fi
}

start_tor() {
    if [ "$(systemctl is-enabled tor@default.service 2>/dev/null || true)" != masked ]; then
        systemctl --quiet mask tor@default.service
        say "masked tor@default: the drop has a tor of its own"
    fi
    booted || return 0
    ! systemctl --quiet is-active tor@default.service || systemctl stop tor@default.service
    if ! systemctl --quiet is-active "$tor"; then
        systemctl start "$tor" || fail "tor did not start" "systemctl status $tor"
        say "started $tor"
    elif changed "$torrc"; then
        systemctl restart "$tor" || fail "tor did not start" "systemctl status $tor"
        say "restarted $tor, with its new settings"
    fi
}

hostname_of_onion() { # waits for it: tor makes the keys when it starts
    left=60
    while booted && [ ! -s "$onion/hostname" ] && [ "$left" -gt 0 ]; do
        sleep 1
        left=$((left - 1))
    done
    [ -s "$onion/hostname" ] || return 0
    # tor's user wrote it, and root's sed is about to read it: an address, or nothing.
    head -n 1 "$onion/hostname" | LC_ALL=C grep -Ex '[a-z2-7]{56}\.onion' || true
}

make_drop() {
    name=$(hostname_of_onion)
    [ -n "$name" ] || ! booted || warn "tor has made no onion address yet: run this once more"
    if [ -e "$drop/tapedrop.toml" ]; then
        settings=$drop/tapedrop.toml
        # What a drop from before there was an installer may lack, and can't make in its fences.
        # shellcheck disable=SC2016  # the other shell's words
        runuser -u tapedrop -- sh -euc '
            umask 077
            [ -e "$1/serving.lock" ] || : >"$1/serving.lock"
            [ -d "$1/outbox" ] || mkdir "$1/outbox"' sh "$drop"
        if [ -n "$name" ] && grep -qx 'onion = ""' "$settings"; then
            # As the drop's user: it is their folder, and root follows no link in it.
            # shellcheck disable=SC2016  # the other shell's words
            runuser -u tapedrop -- sh -euc '
                umask 077
                sed "s#^onion = \"\"\$#onion = \"http://$1\"#" "$2" >"$2.new"
                mv "$2.new" "$2"' sh "$name" "$settings"
            say "wrote the onion address into $settings"
        fi
        return 0
    fi
    settings=$(mktemp)
    sed "s#^onion = \"\"\$#onion = \"${name:+http://}$name\"#" /usr/share/tapedrop/tapedrop.toml >"$settings"
    chmod 0644 "$settings"
    made=0
    runuser -u tapedrop -- "$tree/bin/tapedrop-server" init "$drop" --settings "$settings" \
        >/dev/null || made=$?
    rm -f "$settings"
    [ "$made" = 0 ] || fail "the drop's folder $drop could not be made"
    say "made the drop in $drop"
}

journals() {
    booted || return 0
    for file in $(destinations "$tree" | grep '/journald'); do
        if changed "$file"; then
            systemctl try-restart systemd-journald.service systemd-journald@tapedrop.service
            return 0
        fi
    done
}

start_units() {
    booted || return 0
    systemctl --quiet is-active tapedrop.target || return 0
    # Whoever connects meanwhile waits in the socket, which stays open unless it is another one now.
    if changed /lib/systemd/system/tapedrop.socket; then
        systemctl stop tapedrop.service
        systemctl restart tapedrop.socket
    fi
    systemctl restart tapedrop.service || fail "the drop did not start" "tapedrop-server check"
    for unit in $(enabled_units); do
        case $unit in
            *.timer | *.path) systemctl restart "$unit" ;;
            *) ;;
        esac
    done
    say "restarted the drop"
}

sums() {
    echo "version ${tree##*/}"
    [ ! -e "$share/SHA256SUMS" ] || sha256sum "$share/SHA256SUMS"
    for destination in $(destinations "$tree"); do
        [ ! -e "$destination" ] || sha256sum "$destination"
    done
}

configure() {
    umask 022
    users
    bytecode
    if [ -e "$configured" ] && sums | cmp -s - "$configured"; then
        anew=no
    else
        anew=yes
    fi
    if booted && [ "$anew" = yes ]; then
        systemctl daemon-reload
    fi
    journals
    kernel
    profiles
    enable_units
    firewall
    start_tor
    make_drop
    [ "$anew" = no ] || start_units
    # Last: what failed before this is done again by the next run.
    if [ "$anew" = yes ]; then
        sums >"$configured.new"
        mv "$configured.new" "$configured"
    fi
}

next_steps() {
    address=$(sed -n 's/^onion = "\([a-z2-7:/.]\{1,\}\)"$/\1/p' "$drop/tapedrop.toml" 2>/dev/null || true)
    echo "sources reach the drop at: ${address:-(tor has made no address yet: type this once more)}"
    if booted && systemctl --quiet is-active tapedrop.target; then
        echo "it runs. Look whether all is well: tapedrop-server check"
        return 0
    fi
    cat <<'EOF'
next (the guide says each step: less /usr/lib/tapedrop/current/share/docs/operator.md):
  1. carry this drop's file to the desk:  tapedrop-server pair --to /media/stick/server.json
  2. bring the desk's file back:          tapedrop-server pair /media/stick/pairing.json
  3. look, then start it, for good:       tapedrop-server check
                                          systemctl enable --now tapedrop.target
EOF
}

# --- going ---

stop() {
    # Everything in one step and by name: what isn't there, or doesn't run, is none of our troubles.
    for unit in tapedrop.target $(enabled_units) $(units); do
        systemctl --quiet disable "$unit" 2>/dev/null || true
        ! booted || systemctl --quiet stop "$unit" 2>/dev/null || true
    done
    if booted; then
        systemctl --quiet stop "$tor" 2>/dev/null || true
        systemctl --quiet stop systemd-journald@tapedrop.service \
            systemd-journald@tapedrop.socket systemd-journald-varlink@tapedrop.socket \
            2>/dev/null || true
    fi
    systemctl --quiet unmask tor@default.service 2>/dev/null || true
    for file in $(destinations "$tree" | grep '^/etc/apparmor\.d/[^/]*$' || true); do
        [ ! -e "$file" ] || apparmor_parser --remove "$file" >/dev/null 2>&1 || true
    done
}

forget() {
    find "$tree" -type d -name __pycache__ -prune -exec rm -rf {} +
    rm -f "$configured"
}

[ "$(id -u)" = 0 ] || fail "only root can set up this machine" "" 2
case ${1:-} in
    place)
        shift
        place "$@"
        ;;
    next) next_steps ;;
    displace | configure | stop | forget) "$1" ;;
    *) fail "usage: $0 place [BEFORE] | displace | configure | next | stop | forget" "" 2 ;;
esac
