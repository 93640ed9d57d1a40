#!/bin/sh
# A rolling deploy: deploy.sh, with SERVICE, VERSION and NAMESPACE set; DEPLOYMENT where it is not called as the service.
# It returns when the rollout is complete. One that never completes is left to the watchdog, which undoes it; whether
# it stays is what `watchdog wait` tells: after an undo, a rollout is complete too.
set -eu

here=$(dirname "$0")
deployment=${DEPLOYMENT:-${SERVICE:?}}
image=$("$here/told.py" image "${SERVICE:?}" "${VERSION:?}")
container=${CONTAINER:-app}
by=$(printf '%s' "${SWITCHED_BY:-ci: $SERVICE $VERSION}" | tr -d '\000-\037' | cut -c 1-200)

# Who deploys is for people to read; it stands on the Deployment, not in its template, and so makes no rollout.
kubectl --namespace "${NAMESPACE:?}" annotate "deployment/$deployment" --overwrite \
    "rollback-watchdog.dev/switched-by=$by" "kubernetes.io/change-cause=$by"
kubectl --namespace "$NAMESPACE" set image "deployment/$deployment" "$container=$image"
kubectl --namespace "$NAMESPACE" rollout status "deployment/$deployment" --timeout "${ROLLOUT_TIMEOUT:-10m}"
