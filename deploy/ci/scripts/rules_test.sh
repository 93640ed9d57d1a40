#!/bin/sh
# The rules' own tests, with a JUnit report. The second part of the report: what failed, as it was printed.
set -eu

rules=${RULES:-rules.toml}
report=${REPORT:-rules-report.md}
said=$(mktemp)
trap 'rm -f "$said"' EXIT
code=0
"${WATCHDOG:-watchdog}" test "$rules" --junit "${JUNIT:-rules-tests.xml}" >"$said" 2>&1 || code=$?
cat "$said"
if [ "$code" -eq 0 ]; then
    printf -- "- [x] \`watchdog test\`: %s\n" "$(tail -n 1 "$said")" >>"$report"
else
    # Four backticks: what failed may quote three.
    printf -- "- [ ] \`watchdog test\` fails\n\n\`\`\`\`text\n%s\n\`\`\`\`\n" "$(tail -n 60 "$said")" >>"$report"
fi
exit "$code"
