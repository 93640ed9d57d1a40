#!/bin/sh
# The watchdog's command. WATCHDOG_SPEC is what pip installs: a wheel, or git+https://HOST/OWNER/rollback-watchdog@TAG.
# PyPI's `watchdog` is another project.
set -eu

: "${WATCHDOG_SPEC:?install.sh: set WATCHDOG_SPEC to what pip shall install}"
place=${RUNNER_TEMP:-/tmp}/rollback-watchdog
python3 -m venv "$place"
"$place/bin/pip" install --quiet --disable-pip-version-check "$WATCHDOG_SPEC"
"$place/bin/watchdog" --version
if [ -n "${GITHUB_PATH:-}" ]; then echo "$place/bin" >>"$GITHUB_PATH"; fi
