#!/bin/sh
# The idle colour gets as many pods as the serving one has, before it is given the traffic of all of them.
# With NAMESPACE, SERVING and DEPLOYMENT set.
set -eu

wanted=$(kubectl --namespace "${NAMESPACE:?}" get "deployment/${SERVING:?}" -o 'jsonpath={.spec.replicas}')
has=$(kubectl --namespace "$NAMESPACE" get "deployment/${DEPLOYMENT:?}" -o 'jsonpath={.spec.replicas}')
if [ "$has" -lt "$wanted" ]; then
    kubectl --namespace "$NAMESPACE" scale "deployment/$DEPLOYMENT" --replicas "$wanted"
else
    echo "deployment/$DEPLOYMENT has $has pods, deployment/$SERVING $wanted"
fi
