#!/bin/sh
# Check, tests and backtest of the rules, one after the other, all of them: for a CI whose job is one script. Exits as
# the first that failed.
set -eu

here=$(dirname "$0")
first=0
for part in rules_check rules_test rules_backtest; do
    code=0
    "$here/$part.sh" || code=$?
    if [ "$first" -eq 0 ]; then first=$code; fi
done
exit "$first"
