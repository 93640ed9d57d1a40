#!/bin/sh
# One of the service's own make targets: service.sh TARGET, with SERVICE (and whatever the target reads) set.
# lint, security, test-unit, test-integration, image, smoke, test-deployed are what the workflow asks for.
set -eu

here=$(dirname "$0")
target=${1:?service.sh: which target?}
path=$("$here/told.py" path "${SERVICE:?}")
exec make -C "$path" "$target"
