#!/bin/sh
# The agent on the private runtime that it is tested with.
exec /usr/lib/tuxtape/node /usr/lib/tuxtape/tuxtape-agent.cjs "$@"
