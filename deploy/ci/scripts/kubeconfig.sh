#!/bin/sh
# The environment's kubeconfig, from its secret KUBECONFIG_DATA (as it is, not base64), for kubectl and the watchdog.
set -eu

: "${KUBECONFIG_DATA:?kubeconfig.sh: the secret KUBECONFIG of this environment is not set}"
file=${RUNNER_TEMP:-/tmp}/kubeconfig-$$
(umask 077 && printf '%s\n' "$KUBECONFIG_DATA" >"$file")
if [ -n "${GITHUB_ENV:-}" ]; then
    printf 'KUBECONFIG=%s\nWATCHDOG_KUBECONFIG=%s\n' "$file" "$file" >>"$GITHUB_ENV"
fi
