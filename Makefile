# `make demo` trains, evaluates and draws; `make test` runs the tests. Both make .venv by themselves.
#
# PYTHON=python3.12 make test    another interpreter
# A .venv of your own with a PyTorch of your choice in it is kept as it is.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
DEMO ?= runs/demo
DEMO_OPTIONS ?=

.DEFAULT_GOAL := help
.PHONY: help demo quick test check web hooks clean

help:
	@echo "make demo    train a routed policy at 10% oversight, judge it and draw it (about a minute)"
	@echo "make quick   run the tests that take no time (under a minute)"
	@echo "make test    run every test"
	@echo "make check   lint, format, spelling and types"
	@echo "make web     types and tests of the explorer's pages (needs Node.js)"
	@echo "make hooks   let git check lint, format, spelling and large files at every commit"
	@echo "make clean   remove .venv and node_modules"

demo: $(READY)
	$(BIN)/routed-rl train --out $(DEMO) --resume $(DEMO_OPTIONS)
	$(BIN)/routed-rl render $(DEMO)

quick: $(READY)
	$(BIN)/python -m pytest -m "not slow and not browser and not cluster"

test: $(READY)
	$(BIN)/python -m pytest

check: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/codespell
	$(BIN)/pyright

web: node_modules/.ready
	node_modules/.bin/tsc
	node --test tests/routed_rl/pictures/web/*.test.js

node_modules/.ready: package.json package-lock.json
	npm ci --no-audit --no-fund
	@touch $@

hooks: $(READY)
	$(BIN)/pre-commit install

$(READY): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "routed-rl needs Python 3.11 or newer; this is $$($(PYTHON) --version). Name another: make PYTHON=python3.12 $(MAKECMDGOALS)"; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV) || \
		{ rm -rf $(VENV); echo "Python could not make a virtual environment. On Debian and Ubuntu: apt install python3-venv"; exit 1; }
	@# A PyTorch that is installed already is kept, whatever its version.
	@if $(BIN)/python -c 'import torch' 2>/dev/null; \
		then grep -v '^torch==' constraints.txt; else cat constraints.txt; fi > $(VENV)/constraints.txt
	@echo "Installing into $(VENV): a minute or two, more where PyTorch brings CUDA with it."
	$(BIN)/python -m pip install --disable-pip-version-check -c $(VENV)/constraints.txt -e '.[dev]'
	@touch $@

clean:
	rm -rf $(VENV) node_modules
