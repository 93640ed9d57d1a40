#!/bin/sh
# The service's image, built and pushed by its own make target `image`, unless the registry has it already: a version
# names the service's last commit, so an image is never built twice.
set -eu

here=$(dirname "$0")
IMAGE=$("$here/told.py" image "${SERVICE:?}" "${VERSION:?}")
export IMAGE
if docker manifest inspect "$IMAGE" >/dev/null 2>&1; then
    echo "image: $IMAGE is there already"
    exit 0
fi
exec "$here/service.sh" image
