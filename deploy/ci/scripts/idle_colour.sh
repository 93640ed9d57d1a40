#!/bin/sh
# The colour that the Service does not select, where the next release goes: idle_colour.sh, with SERVICE and NAMESPACE.
# Writes `colour` and `deployment` for the steps that follow.
set -eu

label=${COLOUR_LABEL:-colour}
serving=$(kubectl --namespace "${NAMESPACE:?}" get "service/${SERVICE:?}" -o "jsonpath={.spec.selector.$label}")
case $serving in
blue) idle=green ;;
green) idle=blue ;;
*)
    echo "idle_colour: service/$SERVICE selects $label=${serving:-nothing}, neither blue nor green" >&2
    exit 1
    ;;
esac
echo "$SERVICE: $serving serves, the release goes to $idle"
if [ -n "${GITHUB_OUTPUT:-}" ]; then
    printf 'colour=%s\ndeployment=%s\nserving=%s\n' "$idle" "$SERVICE-$idle" "$SERVICE-$serving" >>"$GITHUB_OUTPUT"
fi
