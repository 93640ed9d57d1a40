#!/bin/sh
# Every mistake of the rules, on the line of the pull request that it is on. The first part of the report.
set -eu

rules=${RULES:-rules.toml}
report=${REPORT:-rules-report.md}
code=0
if [ "${GITHUB_ACTIONS:-}" = true ]; then
    "${WATCHDOG:-watchdog}" check "$rules" -o github || code=$?
else
    "${WATCHDOG:-watchdog}" check "$rules" || code=$?
fi
{
    printf '## Rules: %s\n\n' "$rules"
    if [ "$code" -eq 0 ]; then echo "- [x] \`watchdog check\`"; else echo "- [ ] \`watchdog check\` names mistakes"; fi
} >"$report"
exit "$code"
