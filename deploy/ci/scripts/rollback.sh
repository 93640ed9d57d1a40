#!/bin/sh
# The emergency rollback: TARGET back to its last good revision, with REASON, and then until it is known whether that
# helped. TO names another revision; OVERRIDE a check to pass over.
set -eu

here=$(dirname "$0")
set -- rollback "${TARGET:?}" --reason "${REASON:?a rollback needs its reason}" --yes
if [ -n "${TO:-}" ]; then set -- "$@" --to "$TO"; fi
if [ -n "${OVERRIDE:-}" ]; then set -- "$@" --override "$OVERRIDE"; fi
"${WATCHDOG:-watchdog}" "$@"

# "Rolled back" is what was wanted here; anything else is not.
code=0
"$here/verdict.py" wait "$TARGET" || code=$?
case $code in
3) exit 0 ;;
0) exit 1 ;;
*) exit "$code" ;;
esac
