#!/bin/sh
set -e
if [ "$1" = remove ] && [ -d /run/systemd/system ]; then
  systemctl disable --now tuxtape-server.service tuxtape-builder.service
fi
# What the program wrote beside itself when root ran it.
if [ "$1" = remove ]; then rm -rf /usr/lib/tuxtape/app/node_modules/.cache; fi
