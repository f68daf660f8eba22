# make run            install, fetch the models, start on 127.0.0.1:7070      (PROFILE=tiny: the smallest model only)
# make test           every check and every test
# make check | bench | bench-gateway | bench-router | docs | lock | clean
# Needs Python 3.11 or newer, make and gcc. Everything goes into .venv; nothing is installed twice.

SHELL := /bin/bash
VENV ?= .venv
PY := $(VENV)/bin/python
PROFILE ?=
ARGS ?=

.PHONY: run test check bench bench-gateway bench-router docs lock clean help
.DEFAULT_GOAL := help

help:
	@sed -n '1,4s/^# //p' Makefile

run: $(VENV)/.run
	@ZHONGSHU_PROFILE="$(or $(PROFILE),$(ZHONGSHU_PROFILE))" exec $(VENV)/bin/zhongshu up $(ARGS)

# Tests that drive real processes share the machine. What fails beside the others is tried once more alone, and both
# runs are printed: a fault fails twice, a machine that was too busy for a moment does not. Files go in their own order: by
# the number of their tests, those with a single long one would come last, each alone on the machine.
test: check
	@$(PY) -m pytest -n 3 --dist loadfile --no-loadscope-reorder $(ARGS) || { [ $$? = 1 ] && \
		echo "Once more, alone: what failed." && \
		$(PY) -m pytest --last-failed --last-failed-no-failures none $(ARGS); }

check: $(VENV)/.test
	@$(PY) -m ruff check .
	@$(PY) -m ruff format --check .
	@$(PY) -m pyright
	@$(VENV)/bin/lint-imports

bench: $(VENV)/.test
	@$(PY) -m benchmarks.run $(ARGS)

bench-gateway: $(VENV)/.test
	@$(PY) -m benchmarks.run gateway gateway_full $(ARGS)

bench-router: $(VENV)/.test
	@$(PY) -m benchmarks.router $(ARGS)

docs: $(VENV)/.test
	@$(PY) docs/generate.py

# The locks name every package and its hashes, and no index: pip's own settings say where packages come from.
LOCK = $(VENV)/bin/uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-header \
	--no-emit-index-url --no-emit-find-links --no-build

lock: $(VENV)/.run
	@$(PY) -m pip install -q uv
	@$(PY) requirements/build.py > requirements/build.in
	@$(LOCK) pyproject.toml requirements/build.in -o requirements/run.txt
	@$(LOCK) pyproject.toml requirements/build.in --group dev -c requirements/run.txt -o requirements/test.txt

clean:
	@rm -rf $(VENV) .pytest_cache .ruff_cache .hypothesis .import_linter_cache
	@find src tests benchmarks -name __pycache__ -type d -prune -exec rm -rf {} +

$(VENV)/.run: requirements/run.txt pyproject.toml | $(PY)
	@$(PY) requirements/install.py requirements/run.txt
	@$(PY) -m pip install -q --no-deps --no-build-isolation --no-input -e .
	@touch $@

$(VENV)/.test: requirements/test.txt $(VENV)/.run
	@$(PY) requirements/install.py requirements/test.txt
	@touch $@

$(PY):
	@requirements/venv.sh "$(VENV)"
