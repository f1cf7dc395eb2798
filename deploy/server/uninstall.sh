#!/bin/sh
# Take Tapedrop away from this machine; the drop itself stays, unless --purge.
set -eu
# Root by `su` alone has a user's own, without half of what is needed here.
PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
export PATH

usage() {
    cat <<'EOF'
usage: sh /usr/lib/tapedrop/current/share/uninstall.sh [--purge [--confirm TEXT]]

Ends the drop and takes away what install.sh has put on this machine: programs, units,
firewall, tor's settings. What stays: the drop's folder /var/lib/tapedrop, the onion's
keys in /var/lib/tor-instances/tapedrop, their users, Debian's packages.

  --purge          delete those as well, once a sentence was typed. Deleted is not erased:
                   to have nobody read them ever again, type `tapedrop-server destroy` first
  --confirm TEXT   the sentence, where nobody can be asked
  --help           say this

Example: away from this machine, for good
  tapedrop-server destroy
  sh /usr/lib/tapedrop/current/share/uninstall.sh --purge

Exit codes: 0 done, 1 failed on the way (type it again), 2 usage, 3 not confirmed.
EOF
}

lib=/usr/lib/tapedrop
drop=/var/lib/tapedrop
onion=/var/lib/tor-instances/tapedrop
sentence="delete the drop and its address"
purge=no
confirmed=""

note() { echo "uninstall: $*" >&2; }
fail() { # what, hint, exit code
    note "error: $1"
    [ -z "$2" ] || note "hint: $2"
    exit "$3"
}

while [ $# -gt 0 ]; do
    case $1 in
        --purge) purge=yes ;;
        --confirm)
            [ $# -gt 1 ] || fail "--confirm needs the sentence" "" 2
            confirmed=$2
            shift
            ;;
        -h | --help)
            usage
            exit 0
            ;;
        *) fail "unknown: $1" "sh uninstall.sh --help" 2 ;;
    esac
    shift
done

[ "$(id -u)" = 0 ] || fail "only root can uninstall" "sudo sh uninstall.sh" 2
if dpkg-query -W -f '${Status}' tapedrop-server 2>/dev/null | grep -q 'ok installed'; then
    fail "the Debian package tapedrop-server is installed" "apt-get remove tapedrop-server" 3
fi

if [ "$purge" = yes ]; then
    note "this deletes $drop with everything in it, and the keys of its onion address:"
    note "no source finds it ever again, and what was not carried out is lost"
    if [ -z "$confirmed" ] && [ -t 0 ]; then
        printf 'uninstall: to go on, type: %s\n> ' "$sentence" >&2
        read -r confirmed
    fi
    [ "$confirmed" = "$sentence" ] ||
        fail "not confirmed: nothing was changed" "--confirm \"$sentence\"" 3
fi

# The folder that this file lies in goes: sh has read all of it by then, because it is one command.
take_away() {
    if [ -x "$lib/current/share/setup" ]; then
        "$lib/current/share/setup" stop
        "$lib/current/share/setup" displace
        systemctl daemon-reload 2>/dev/null || true
        if command -v update-grub >/dev/null && [ -d /boot/grub ]; then
            update-grub >/dev/null 2>&1 || note "warning: update-grub failed"
        fi
        rm -rf "$lib"
        echo "took Tapedrop away; its firewall is gone with it"
    elif [ -e "$lib" ]; then
        rm -rf "$lib"
        echo "took $lib away"
    else
        echo "there are no programs of Tapedrop on this machine"
    fi
    if [ "$purge" = yes ]; then
        rm -rf "$drop" "$onion" /etc/tor/instances/tapedrop /etc/tapedrop
        for user in tapedrop _tor-tapedrop; do
            ! getent passwd "$user" >/dev/null || deluser --quiet --system "$user"
            ! getent group "$user" >/dev/null || delgroup --quiet --system "$user"
        done
        echo "deleted $drop, $onion and their users"
        return 0
    fi
    for left in "$drop" "$onion" /etc/tor/instances/tapedrop /etc/tapedrop; do
        [ ! -e "$left" ] || echo "left: $left"
    done
    if [ -e "$drop" ]; then
        echo "to erase the drop: install again, then tapedrop-server destroy; to delete it: --purge"
    fi
    exit 0
}
take_away
