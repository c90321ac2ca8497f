#!/bin/sh
set -e
if [ -d /run/systemd/system ]; then systemctl daemon-reload >/dev/null 2>&1 || true; fi
if [ "$1" = configure ] && [ ! -e /etc/tuxtape/agent.json ]; then
  echo "tuxtape-agent: set it up with: tuxtape-agent setup --archive URL --root FILE --timer"
fi
