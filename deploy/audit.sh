#!/bin/sh
# Known vulnerabilities of every lock. Exits 1 where there are some. Where the database of vulnerabilities cannot be reached, it says
# so and exits 0: an audit that did not take place is recorded as that, and never taken for a clean one.
set -eu
cd "$(dirname "$0")/.."

for lock in requirements.txt requirements-build.txt requirements-dev.txt; do
    code=0
    said=$(timeout 180 pip-audit --strict --disable-pip --require-hashes --progress-spinner off -r "$lock" 2>&1) || code=$?
    if [ "$code" -eq 0 ]; then
        echo "audited: $lock: no known vulnerability"
    elif printf '%s' "$said" | grep -q 'known vulnerabilit'; then
        printf '%s\n' "$said"
        echo "audited: $lock: vulnerable" >&2
        exit 1
    elif printf '%s' "$said" | grep -qiE 'connection|resolve|timed out|unreachable|proxy|service error|max retries|could not be audited'; then
        echo "SKIPPED: $lock was not audited: the database of vulnerabilities is out of reach"
    else
        printf '%s\n' "$said" >&2
        echo "SKIPPED: $lock was not audited: pip-audit ended with $code"
    fi
done
