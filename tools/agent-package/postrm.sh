#!/bin/sh
set -e
if [ -z "$DPKG_ROOT" ] && [ -d /run/systemd/system ]; then systemctl daemon-reload >/dev/null 2>&1 || true; fi
case $1 in
  remove | purge) rm -rf "$DPKG_ROOT/run/tuxtape" ;;
esac
if [ "$1" = purge ]; then rm -rf "$DPKG_ROOT/etc/tuxtape" "$DPKG_ROOT/var/lib/tuxtape-agent"; fi
