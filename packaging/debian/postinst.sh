#!/bin/sh
# A user of its own, and its folder. Nothing is started: an operator says when.
set -e
if [ "$1" = configure ]; then
  if ! getent passwd tuxtape >/dev/null; then
    adduser --system --group --home /var/lib/tuxtape --no-create-home --quiet tuxtape
  fi
  install -d -m 0750 -o tuxtape -g tuxtape /var/lib/tuxtape
  chgrp tuxtape /etc/tuxtape/tuxtape.toml
  if [ -d /run/systemd/system ]; then
    systemctl daemon-reload
    # An upgrade leaves running what ran.
    systemctl try-restart tuxtape-server.service tuxtape-builder.service
  fi
fi
