"""Debian in a folder, with a systemd of its own, in which deploy/ is used: `make test-install`."""
