# `make help` lists what there is. ARGS= is handed on to whatever a target runs.

PYTHON ?= python3
VENV   ?= .venv
BIN    := $(VENV)/bin
ARGS   ?=

.DEFAULT_GOAL := help
.PHONY: help demo test e2e lint types bench-judge bench-backtest bench-check lock coverage docs pictures clean

help: ## this list
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / { printf "  make %-11s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

# The stamp is as new as the lock it was made from; an edited lock is installed anew.
$(VENV)/.installed: requirements-dev.txt pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit(None if sys.version_info >= (3, 11) else "Python 3.11 or newer is needed; set PYTHON=")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

demo: $(VENV)/.installed ## the whole main job on the simulator, in under a minute (ARGS=--keep, ARGS=--fast)
	$(BIN)/watchdog demo $(ARGS)

test: $(VENV)/.installed ## all tests but those on the real control plane (ARGS="-k word")
	$(BIN)/python -m pytest -n auto $(ARGS)

e2e: $(VENV)/.installed ## the stories on a real control plane and a real Prometheus; the first run builds for minutes
	$(BIN)/python tests/e2e/controlplane/build.py
	WATCHDOG_E2E=1 tests/e2e/controlplane/in_netns.sh $(BIN)/python -m pytest tests/e2e $(ARGS)

lint: $(VENV)/.installed ## ruff, and the imports' one way
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports

types: $(VENV)/.installed ## mypy --strict
	$(BIN)/mypy

docs: $(VENV)/.installed ## docs/tuning.md with what its commands print today (needs Prometheus)
	PYTHONPATH=tests:. $(BIN)/python -m pages.tuning

pictures: $(VENV)/.installed ## the pictures of docs/pull-requests.md and docs/backtest.md (needs Prometheus and Chromium)
	PYTHONPATH=tests:. $(BIN)/python -m pages.pictures

coverage: $(VENV)/.installed ## branches of domain and rulebook that no test takes
	$(BIN)/python -m pytest -q -n auto tests/domain tests/rulebook --cov=watchdog.domain --cov=watchdog.rulebook --cov-branch --cov-fail-under=95 $(ARGS)

$(VENV)/.bench: requirements-bench.txt $(VENV)/.installed
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-bench.txt
	@touch $@

bench-judge: $(VENV)/.bench ## the judge beside its peers: benchmarks/results/judge.md, in under ten minutes (ARGS=--quick)
	$(BIN)/python -m benchmarks.judge $(ARGS)

bench-backtest: $(VENV)/.installed ## a backtest of 14 days: seconds and memory, benchmarks/results/backtest.md (needs Prometheus)
	$(BIN)/python -m benchmarks.backtest $(ARGS)

bench-check: $(VENV)/.bench ## the bench's own tests and types
	$(BIN)/python -m pytest -q -n auto tests/benchmarks
	MYPYPATH=src:. $(BIN)/mypy --strict -p benchmarks

# Extras stay in the locks: pip before 23.3 takes `coverage[toml]` for another package than a pinned `coverage`.
lock: ## write the hashed locks anew (needs uv)
	uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-strip-extras --no-emit-index-url pyproject.toml -o requirements.txt
	uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-strip-extras --no-emit-index-url pyproject.toml --group dev -o requirements-dev.txt
	uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-strip-extras --no-emit-index-url pyproject.toml --group dev --group bench -o requirements-bench.txt

clean: ## remove the virtual environment and caches
	rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
