#!/bin/sh
# Install the Debian packages that are missing, or print the line that would and stop.
# usage: setup/machine.sh run | test | stores | install
#   run      what the drop and the desk need
#   test     also the tests' judges and browsers, and what deploy/ is judged by
#   stores   engines for `make test-stores`
#   install  what installs Debian in a folder and starts its systemd, for `make test-install`
set -eu

missing=""
need() { # program, package
    command -v "$1" >/dev/null 2>&1 || missing="$missing $2"
}

need_library() { # package
    dpkg-query -W -f '${Status}' "$1" 2>/dev/null | grep -q 'ok installed' || missing="$missing $1"
}

python3 -c 'import ensurepip, venv' 2>/dev/null || missing="$missing python3-venv"
need gpg gnupg
need gpg-agent gpg-agent
if [ "${1:-run}" = test ]; then
    need ffmpeg ffmpeg
    need exiftool libimage-exiftool-perl
    need mediainfo mediainfo
    need chromium chromium
    need firefox-esr firefox-esr
    need strace strace
    need curl curl
    need faketime faketime        # a clock that jumps
    need_library cryptsetup-bin   # an encrypted disk's header
    need_library dosfstools       # a stick with FAT32
    need_library fusefat          # and what mounts it where the kernel can't
    need_library python3-swift    # a real S3-compatible engine, run by the tests on loopback
    need_library libavcodec-extra # ffmpeg's encoders for phones, to make test recordings with
    need tor tor                  # a network of its own, on loopback
    need nft nftables
    need apparmor_parser apparmor
    need systemd-analyze systemd
    need shellcheck shellcheck
    need lintian lintian
    need gio libglib2.0-bin       # starts a desktop's entries
    need_library python3-jsonschema # judges the list of a release's parts
    need_library libatomic1       # what drives the browser is linked to it
fi
if [ "${1:-run}" = stores ]; then
    need_library python3-swift
    need radosgw radosgw
    need ceph-mon ceph-mon
    need ceph-mgr ceph-mgr
    need ceph-osd ceph-osd
    need ceph ceph-common
fi
if [ "${1:-}" = install ]; then
    need debootstrap debootstrap
    need systemd-nspawn systemd-container
fi
[ -n "$missing" ] || exit 0

install="apt-get install -y --no-install-recommends$missing"
if [ "$(id -u)" = 0 ]; then
    as_root=""
elif command -v sudo >/dev/null 2>&1 && { [ -t 0 ] || sudo -n true 2>/dev/null; }; then
    as_root="sudo"
else
    echo "These packages are missing. As root, run:" >&2
    echo "    apt-get update && $install" >&2
    exit 1
fi
echo "installing:$missing" >&2
$as_root apt-get update -q >&2
# shellcheck disable=SC2086  # words, one by one
DEBIAN_FRONTEND=noninteractive $as_root $install >&2
