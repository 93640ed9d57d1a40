# syntax=docker/dockerfile:1
# The image of the rollback watchdog. Both stages stand on one base, pinned by its digest; every part that is installed
# is locked by its hash; the last stage holds no compiler, no pip and no package manager of its own.
#
#   docker build --build-arg VERSION="$(git describe --tags)" --build-arg REVISION="$(git rev-parse HEAD)" -t rollback-watchdog .

ARG PYTHON=python:3.13-slim
ARG PYTHON_DIGEST=sha256:7c61056e61ac89e852de05f3dc6fa51a6dd2181797bceed46aa725dd7cb2cd3b

FROM ${PYTHON}@${PYTHON_DIGEST} AS build
WORKDIR /build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
# Wheels alone: what would have to be compiled fails here, and cannot run a setup script.
COPY requirements.txt requirements-build.txt ./
RUN python -m venv --without-pip /opt/watchdog \
 && python -m pip --python /opt/watchdog/bin/python install --quiet --no-compile --only-binary :all: --require-hashes -r requirements.txt \
 && python -m venv /tmp/builder \
 && /tmp/builder/bin/python -m pip install --quiet --only-binary :all: --require-hashes -r requirements-build.txt
COPY pyproject.toml README.md LICENSE ./
COPY src ./src
RUN /tmp/builder/bin/python -m pip wheel --quiet --no-deps --no-build-isolation --wheel-dir dist . \
 && python -m pip --python /opt/watchdog/bin/python install --quiet --no-compile --no-index --no-deps dist/*.whl \
# A wheel that brings the source of what it has compiled.
 && find /opt/watchdog/lib -name '*.c' -delete \
# Without bytecode a start costs 4.5 s of CPU instead of 1.2, at each start: a read-only file system keeps none.
 && python -m compileall -q -j 0 --invalidation-mode unchecked-hash /opt/watchdog/lib

FROM ${PYTHON}@${PYTHON_DIGEST}
# The base ships without the bytecode of the standard library, and with a pip that nobody needs here.
RUN python -m pip uninstall --quiet --yes --root-user-action ignore pip \
 && python -m compileall -q -j 0 --invalidation-mode unchecked-hash /usr/local/lib
COPY --from=build /opt/watchdog /opt/watchdog
ENV PATH=/opt/watchdog/bin:$PATH PYTHONDONTWRITEBYTECODE=1 PYTHONFAULTHANDLER=1 PYTHONUNBUFFERED=1
# A number, so that Kubernetes can tell that it is not root.
USER 10001:10001
WORKDIR /tmp
EXPOSE 8080
ENTRYPOINT ["watchdog"]
CMD ["run"]

ARG PYTHON
ARG PYTHON_DIGEST
ARG VERSION=0.0.0
ARG REVISION=unknown
LABEL org.opencontainers.image.title="rollback-watchdog" \
      org.opencontainers.image.description="Watches every new revision after its traffic switch and puts the traffic back when it is bad" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}" \
      org.opencontainers.image.base.name="${PYTHON}" \
      org.opencontainers.image.base.digest="${PYTHON_DIGEST}"
