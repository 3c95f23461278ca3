# `make demo` trains, evaluates and draws; `make test` runs the tests. Both make .venv by themselves.
#
# PYTHON=python3.12 make test    another interpreter
# A .venv of your own with a PyTorch of your choice in it is kept as it is.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# What running needs, and with the developers' tools.
BASE := $(VENV)/.base
READY := $(VENV)/.ready
# Tests run in several processes, each of which loads PyTorch.
BESIDE ?= -n logical --maxprocesses 4 --dist worksteal
DEMO ?= runs/demo
DEMO_OPTIONS ?=

# What an installation from source builds with is pinned too; newer pip asks the second one.
export PIP_CONSTRAINT := constraints.txt $(PIP_CONSTRAINT)
export PIP_BUILD_CONSTRAINT := constraints.txt
PIP := $(BIN)/python -m pip --disable-pip-version-check
# Versions and hashes: what was tested is what is installed.
LOCKED := install --require-hashes --no-deps -r
TOOLS := $(VENV)/tools
UV := $(TOOLS)/bin/uv pip compile pyproject.toml --no-config --quiet --universal --python-version 3.11 \
	--constraint constraints.txt --override requirements/without-torch.txt \
	--generate-hashes --no-emit-index-url --no-emit-find-links --no-header --no-annotate

.DEFAULT_GOAL := help
.PHONY: help demo quick test check docs web hooks lock audit clean

help:
	@echo "make demo    train a routed policy at 10% oversight, judge it and draw it (about a minute)"
	@echo "make quick   run the quick tests (three minutes)"
	@echo "make test    run every test"
	@echo "make check   lint, format, spelling and types"
	@echo "make docs    write the site into build/site (no network; half a minute)"
	@echo "make web     types and tests of the explorer's pages (needs Node.js)"
	@echo "make hooks   let git check lint, format, spelling and large files at every commit"
	@echo "make lock    write the hashes of the versions in constraints.txt into requirements/"
	@echo "make audit   ask whether one of these versions has a known hole (needs a network)"
	@echo "make clean   remove .venv and node_modules"

demo: $(BASE)
	$(BIN)/routed-rl train --out $(DEMO) --resume $(DEMO_OPTIONS)
	$(BIN)/routed-rl render $(DEMO)

quick: $(READY)
	$(BIN)/python -m pytest $(BESIDE) -m "not slow and not browser and not cluster"

test: $(READY)
	$(BIN)/python -m pytest $(BESIDE)

check: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/codespell
	$(BIN)/pyright

docs: $(READY)
	$(BIN)/python -m sphinx --fail-on-warning --keep-going --quiet -d build/doctrees docs build/site
	$(BIN)/python docs/check_site.py build/site

web: node_modules/.ready
	node_modules/.bin/tsc
	node --test tests/routed_rl/pictures/web/*.test.js

node_modules/.ready: package.json package-lock.json
	npm ci --no-audit --no-fund
	@touch $@

hooks: $(READY)
	$(BIN)/pre-commit install

lock: $(TOOLS)/.ready
	$(UV) --output-file requirements/base.txt
	$(UV) --extra dev --output-file requirements/dev.txt

audit:
	@$(MAKE) --silent $(TOOLS)/.ready || echo "pip-audit cannot be installed. Is there a network?"
	@test ! -e $(TOOLS)/.ready || $(TOOLS)/bin/python .ci/audit.py constraints.txt

# In an environment of their own: they are no part of what is tested.
$(TOOLS)/.ready:
	@mkdir -p $(VENV)
	@test -x $(TOOLS)/bin/python || $(PYTHON) -m venv $(TOOLS)
	$(TOOLS)/bin/python -m pip install --disable-pip-version-check --quiet uv==0.13.9 pip-audit==2.10.1
	@touch $@

$(BASE): pyproject.toml constraints.txt requirements/base.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "routed-rl needs Python 3.11 or newer; this is $$($(PYTHON) --version). Name another: make PYTHON=python3.12 $(MAKECMDGOALS)"; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV) || \
		{ rm -rf $(VENV); echo "Python could not make a virtual environment. On Debian and Ubuntu: apt install python3-venv"; exit 1; }
	@echo "Installing into $(VENV): a minute or two, more where PyTorch brings CUDA with it."
	$(PIP) $(LOCKED) requirements/base.txt
	@# A PyTorch that is installed already is kept, whatever its version.
	$(BIN)/python -c 'import torch' 2>/dev/null || $(PIP) install "$$(grep '^torch==' constraints.txt)"
	$(PIP) install --no-deps -e .
	@touch $@

$(READY): $(BASE) requirements/dev.txt
	$(PIP) $(LOCKED) requirements/dev.txt
	@touch $@

clean:
	rm -rf $(VENV) node_modules
