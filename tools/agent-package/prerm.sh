#!/bin/sh
# What is loaded stays loaded, on an upgrade and on removal: taking a livepatch off is "tuxtape-agent revert".
set -e
if [ "$1" = remove ] && [ -d /run/systemd/system ]; then
  systemctl disable --now tuxtape-agent.timer tuxtape-agent-boot.service >/dev/null 2>&1 || true
fi
