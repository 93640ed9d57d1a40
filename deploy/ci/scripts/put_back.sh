#!/bin/sh
# After a step that failed: puts TARGET back by hand, with the same checks as the watchdog's own rollback.
#
# Only where a test said that the release is bad, which is what OUTCOME (of the step that waited) is empty or `passed`
# for. Where the watchdog has decided, it stays decided: what it rolled back is back, what it holds it has paged for,
# and that it could not tell is no reason to roll back. And only where this release serves: what somebody else
# deployed, or what served before a deploy that never began, is left alone.
# With TARGET, SERVICE, VERSION, and for a Service COLOUR; REASON for the record.
set -eu

here=$(dirname "$0")
case ${OUTCOME:-} in
'' | passed) ;;
*)
    echo "put_back: the watch of ${TARGET:?} ended as $OUTCOME; it is left as it is"
    exit 0
    ;;
esac

namespace=${TARGET%%/*}
name=${TARGET##*/}
case $TARGET in
*/service/*)
    label=${COLOUR_LABEL:-colour}
    serves=$(kubectl --namespace "$namespace" get "service/$name" -o "jsonpath={.spec.selector.$label}")
    released=${COLOUR:-}
    ;;
*)
    serves=$(kubectl --namespace "$namespace" get "deployment/$name" \
        -o "jsonpath={.spec.template.spec.containers[?(@.name=='${CONTAINER:-app}')].image}")
    released=$("$here/told.py" image "${SERVICE:?}" "${VERSION:?}")
    ;;
esac
if [ -z "$released" ] || [ "$serves" != "$released" ]; then
    echo "put_back: $TARGET serves $serves, not ${released:-this release}; there is nothing to put back"
    exit 0
fi
reason=$(printf '%s' "${REASON:-a step of the pipeline failed}" | tr -d '\000-\037' | cut -c 1-200)
exec "${WATCHDOG:-watchdog}" rollback "$TARGET" --reason "$reason" --yes
