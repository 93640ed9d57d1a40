#!/bin/sh
# What the changed rules would have done with the past's switches, beside those of the base branch. The third part of
# the report. With BASE (the branch), SINCE, FAIL_ON and SWITCHES (a list of switches or records, for what no metric
# tells of); without WATCHDOG_PROMETHEUS_URL it says that it was not run.
set -eu

rules=${RULES:-rules.toml}
report=${REPORT:-rules-report.md}
if [ -z "${WATCHDOG_PROMETHEUS_URL:-}" ]; then
    echo "- [ ] \`watchdog backtest\` was not run: this run is told of no Prometheus" | tee -a "$report"
    exit 0
fi
set -- backtest "$rules" --since "${SINCE:-14d}" -o markdown
if [ -n "${SWITCHES:-}" ]; then set -- "$@" --switches "$SWITCHES"; fi
if git rev-parse --verify --quiet --end-of-options "origin/${BASE:-main}:$rules" >/dev/null; then
    set -- "$@" --against "origin/${BASE:-main}:$rules" --fail-on "${FAIL_ON:-more-false-alarms,more-missed,more-cut-short}"
else
    echo "rules_backtest: origin/${BASE:-main} has no $rules; there is nothing to compare with" >&2
fi
found=$(mktemp)
said=$(mktemp)
trap 'rm -f "$found" "$said"' EXIT
code=0
"${WATCHDOG:-watchdog}" "$@" >"$found" 2>"$said" || code=$?
cat "$said" >&2
{
    if [ "$code" -eq 0 ]; then
        printf -- "- [x] \`watchdog backtest\`\n\n"
    else
        printf -- "- [ ] \`watchdog backtest\`: %s\n\n" "$(tail -n 1 "$said")"
    fi
    sed '/^<!-- rollback-watchdog -->$/d' "$found" # the comment has its own marker
} >>"$report"
exit "$code"
