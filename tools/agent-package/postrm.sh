#!/bin/sh
set -e
if [ -d /run/systemd/system ]; then systemctl daemon-reload >/dev/null 2>&1 || true; fi
rm -rf /run/tuxtape
if [ "$1" = purge ]; then rm -rf /etc/tuxtape /var/lib/tuxtape-agent; fi
