# Everything runs in ./.venv, installed from the lock; python 3.11 (or newer) and make are enough.

SHELL := /bin/bash
# The first that runs and is new enough: a version manager's shim may be on PATH and still refuse.
PYTHON ?= $(shell for python in python3.11 python3 python3.12 python3.13; do \
  $$python -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && \
  { command -v $$python; break; }; done)
VENV := .venv
BIN := $(VENV)/bin
export PYTHONPATH := $(CURDIR)
RECORDING ?= recordings/service-selector-mismatch.tar.gz

.PHONY: help demo test check lint types imports playbooks fmt snapshots goldens screenshots wheel bench accuracy thorough lock clean

help: ## say what there is
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

$(VENV)/.created:
	@"$(PYTHON)" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || \
	  { echo "meshdoctor needs Python 3.11 or newer (make PYTHON=/path/to/python)" >&2; exit 2; }
	$(PYTHON) -m venv $(VENV)
	@touch $@

$(VENV)/.run: requirements/run.lock pyproject.toml | $(VENV)/.created
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/run.lock
	@touch $@

$(VENV)/.dev: requirements/dev.lock pyproject.toml | $(VENV)/.created
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/dev.lock
	@touch $@ $(VENV)/.run

demo: $(VENV)/.run ## open the app on a bundled recording (without a terminal: print its diagnosis)
	@$(BIN)/python -m meshdoctor open $(RECORDING)

# Many tests wait for time-outs: one worker more than there are processors keeps these busy.
WORKERS ?= $(shell expr $$(getconf _NPROCESSORS_ONLN 2>/dev/null || echo 2) + 1)

test: $(VENV)/.dev ## run the tests
	$(BIN)/python -m pytest -n $(WORKERS) --dist worksteal

thorough: export MESHDOCTOR_THOROUGH = 1
thorough: test ## run the tests, every input of every capture left out once

check: lint types imports playbooks test ## everything that CI checks before the wheel

lint: $(VENV)/.dev ## ruff, formatting included
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(VENV)/.dev ## mypy --strict
	$(BIN)/mypy

imports: $(VENV)/.dev ## imports point one way
	$(BIN)/lint-imports

playbooks: $(VENV)/.dev ## playbooks, causes and codes are sound
	$(BIN)/python -m meshdoctor playbooks lint

fmt: $(VENV)/.dev ## format, and mend what ruff can mend
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

snapshots: $(VENV)/.dev ## accept the screens' new looks (look at the report first)
	$(BIN)/python -m pytest tests/functional --snapshot-update

goldens: $(VENV)/.dev ## accept the reports' new words (look at the difference)
	MESHDOCTOR_ACCEPT_GOLDENS=1 $(BIN)/python -m pytest tests/report/test_golden.py
	git diff --stat tests/report/golden

screenshots: $(VENV)/.dev ## make the pictures of the docs anew
	$(BIN)/python docs/screenshots.py

wheel: $(VENV)/.dev ## build dist/*.whl
	rm -rf dist
	$(BIN)/python -m build --wheel --no-isolation --outdir dist .

accuracy: $(VENV)/.dev ## how often causes and walks are right, over the captures that MESHDOCTOR_CAPTURES names
	@$(BIN)/python benchmarks/accuracy.py
	@$(BIN)/python benchmarks/trace_accuracy.py
	@$(BIN)/python benchmarks/trace_accuracy.py --intent

bench: $(VENV)/.dev ## print how fast it is
	$(BIN)/python benchmarks/start.py
	$(BIN)/python benchmarks/diagnose.py
	$(BIN)/python benchmarks/mtls.py
	$(BIN)/python benchmarks/first_paint.py
	$(BIN)/python benchmarks/many_proxies.py
	$(BIN)/python benchmarks/collect.py
	$(BIN)/python benchmarks/transport.py

COMPILE = uv pip compile pyproject.toml --universal --generate-hashes --python-version 3.11 \
  --no-emit-index-url --no-header --quiet $(UPGRADE)

lock: ## lock what pyproject.toml asks for (needs uv; UPGRADE=--upgrade takes newer versions)
	@command -v uv >/dev/null || { echo "make lock needs uv (pipx install uv)" >&2; exit 2; }
	$(COMPILE) -o requirements/run.lock
	$(COMPILE) --group dev -c requirements/run.lock -o requirements/dev.lock

clean: ## remove what was made here
	rm -rf $(VENV) dist .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis
