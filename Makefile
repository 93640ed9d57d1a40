# `make help` lists what there is. ARGS= is handed on to whatever a target runs.

PYTHON ?= python3
VENV   ?= .venv
BIN    := $(VENV)/bin
ARGS   ?=
MINUTES ?= 10
SEED    ?= 1

.DEFAULT_GOAL := help
.PHONY: help demo pictures test e2e e2e-halves e2e-season e2e-others e2e-built fuzz lint types handover soak soak-mutants bench-judge bench-backtest bench-page bench-scale profile bench-check bench-types tools deploy deploy-check lock coverage docs clean

help: ## this list
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

# The stamp is as new as the lock it was made from; an edited lock is installed anew.
$(VENV)/.installed: requirements-dev.txt pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit(None if sys.version_info >= (3, 11) else "Python 3.11 or newer is needed; set PYTHON=")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

demo: $(VENV)/.installed ## the whole main job on the simulator, in under a minute (ARGS=--keep, ARGS=--fast)
	$(BIN)/watchdog demo $(ARGS)

pictures: $(VENV)/.installed ## the pictures in docs/, as chromium shows the pages and reports (needs Prometheus and Chromium)
	$(BIN)/python tests/pictures.py docs
	PYTHONPATH=tests:. $(BIN)/python -m pages.pictures

test: $(VENV)/.installed ## all tests but those on the real control plane (ARGS="-k word")
	$(BIN)/python -m pytest -n auto --dist worksteal $(ARGS)

E2E = WATCHDOG_E2E=1 tests/e2e/controlplane/in_netns.sh $(BIN)/python -m pytest
# What the season tells, and as many others as make the halves alike long.
SEASON = $(addprefix tests/e2e/test_,main_job.py the_judge.py first_rules.py rollouts.py upgrade.py)

e2e: e2e-built ## the stories on a real control plane and a real Prometheus; the first run builds for minutes
	$(E2E) tests/e2e $(ARGS)

# The halves mostly wait. Each has a network namespace and a control plane of its own; -O shows what one said once it has ended.
e2e-halves: e2e-built ## the same in two halves, side by side
	$(MAKE) --no-print-directory -k -j2 -O e2e-season e2e-others

e2e-season: e2e-built
	$(E2E) $(SEASON) $(ARGS)

e2e-others: e2e-built
	$(E2E) tests/e2e $(SEASON:%=--ignore=%) $(ARGS)

e2e-built: $(VENV)/.deploy
	$(BIN)/python tests/e2e/controlplane/build.py
	PYTHONPATH=tests $(BIN)/python -m e2e.controlplane.definitions
	PYTHONPATH=tests $(BIN)/python -m e2e.controlplane.controllers

fuzz: $(VENV)/.installed ## the fuzz tests over and over, from seed to seed (MINUTES=10 SEED=1)
	PYTHONPATH=tests $(BIN)/python -m fuzz $(MINUTES) $(SEED)

lint: $(VENV)/.installed ## ruff, and the imports' one way
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports

types: $(VENV)/.installed ## mypy --strict
	$(BIN)/mypy

docs: $(VENV)/.installed ## docs/tuning.md and docs/at-three-in-the-morning.md with what their commands print today (needs Prometheus)
	PYTHONPATH=tests:. $(BIN)/python -m pages.at_three
	PYTHONPATH=tests:. $(BIN)/python -m pages.tuning

coverage: $(VENV)/.installed ## branches of domain and rulebook that no test takes
	$(BIN)/python -m pytest -q -n auto tests/domain tests/rulebook --cov=watchdog.domain --cov=watchdog.rulebook --cov-branch --cov-fail-under=95 $(ARGS)

# PYTHONHASHSEED: a seed repeats the same story, as far as the kernel's timing of sockets allows.
SOAK = PYTHONHASHSEED=0 PYTHONPATH=tests $(BIN)/python -m
soak: $(VENV)/.installed ## hundreds of switches under faults and kill -9 (SEED=7, MINUTES=30, SWITCHES=200, ARGS="--help")
	$(SOAK) soak $(if $(SEED),--seed $(SEED)) $(if $(MINUTES),--minutes $(MINUTES)) $(if $(SWITCHES),--switches $(SWITCHES)) $(ARGS)

soak-mutants: $(VENV)/.installed ## the same soak must fail without each of the guards (ARGS="pause")
	$(SOAK) soak.mutants $(ARGS)

$(VENV)/.bench: requirements-bench.txt $(VENV)/.installed
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-bench.txt
	@touch $@

handover: $(VENV)/.installed ## hand-overs between two watchdogs under load, on simulated time (ARGS="--count 200 --seed 1")
	PYTHONPATH=tests $(BIN)/python tests/handover.py $(ARGS)

bench-judge: $(VENV)/.bench ## the judge beside its peers: benchmarks/results/judge.md, in under ten minutes (ARGS=--quick)
	$(BIN)/python -m benchmarks.judge $(ARGS)

bench-backtest: $(VENV)/.installed ## a backtest of 14 days: seconds and memory, benchmarks/results/backtest.md (needs Prometheus)
	PYTHONPATH=tests:. $(BIN)/python -m benchmarks.backtest $(ARGS)

bench-page: $(VENV)/.installed ## the status page at 1,000 targets, and 100 viewers of it: benchmarks/results/page.md
	PYTHONPATH=tests:. $(BIN)/python -m benchmarks.page $(ARGS)

bench-scale: $(VENV)/.installed ## 1 to 3,000 open watches, an hour: benchmarks/results/scale.md (ARGS="--n 100", --fast, --resume, --plane, --rivals, --shards, --cold, --memory 2; needs Prometheus)
	PYTHONPATH=tests:. $(BIN)/python -m benchmarks.scale $(ARGS)

profile: $(VENV)/.bench ## docs/profile-after.svg: where the CPU goes with 100 open watches, some minutes (ARGS="--n 300 --steady 8"; needs Prometheus)
	PYTHONPATH=tests:. $(BIN)/python -m benchmarks.scale --print --profile docs/profile-after.svg $(or $(ARGS),--n 100 --steady 8)

bench-check: $(VENV)/.bench bench-types ## the bench's own tests and types
	$(BIN)/python -m pytest -q -n auto tests/benchmarks

bench-types: $(VENV)/.bench ## the bench's types
	MYPYPATH=src:.:tests $(BIN)/mypy --strict -p benchmarks

deploy: $(VENV)/.installed ## write anew what deploy/ and docs/licences.md have from the code (rights, rules, dashboard)
	$(BIN)/python deploy/generate.py
	$(BIN)/python deploy/licences.py

$(VENV)/.deploy: requirements-deploy.txt $(VENV)/.installed
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-deploy.txt
	@touch $@

tools: $(VENV)/.bench $(VENV)/.deploy ## what the tests of the bench and of deploy/ need: with it `make test` runs them too

deploy-check: $(VENV)/.deploy ## lint the Dockerfile and go through its steps; render, compare and validate the manifests
	WATCHDOG_DEPLOY=required $(BIN)/python -m pytest -n auto tests/deployment $(ARGS)

# Extras stay in the locks: pip before 23.3 takes `coverage[toml]` for another package than a pinned `coverage`.
lock: ## write the hashed locks anew (needs uv)
	uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-strip-extras --no-emit-index-url pyproject.toml -o requirements.txt
	uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-strip-extras --no-emit-index-url pyproject.toml --group dev -o requirements-dev.txt
	uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-strip-extras --no-emit-index-url pyproject.toml --group dev --group bench -o requirements-bench.txt
	uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-strip-extras --no-emit-index-url --group dev --group deploy pyproject.toml -o requirements-deploy.txt
	uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-strip-extras --no-emit-index-url --group build -o requirements-build.txt

clean: ## remove the virtual environment and caches
	rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
