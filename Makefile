# make run     install what is pinned into .venv if it has changed, start the lab and print its address
# make test    the same, then lint and all tests; GLYPHLAB_DATA says where the real data sets are
# make bench   the benchmarks, appended to bench/records.csv
# make docs    print the lab's own tables into README.md
# make clean   remove .venv and what tests leave behind; runs and caches in GLYPHLAB_HOME stay
#
# PYTHON=/path/to/python picks the interpreter. TORCH_INDEX=https://download.pytorch.org/whl/cpu installs torch
# without CUDA (0.7 GB instead of 5 GB).

PYTHON ?= python3
TORCH_INDEX ?=
VENV := .venv
PY := $(VENV)/bin/python
PIP := $(PY) -m pip --disable-pip-version-check

.DEFAULT_GOAL := run
.PHONY: run test bench docs clean

run: $(VENV)/.installed
	@$(PY) -m app

docs: $(VENV)/.installed
	@$(PY) -m docs.tables

test: $(VENV)/.installed-dev
	@$(PY) -m ruff check .
	@$(PY) -m pytest

bench: $(VENV)/.installed-dev
	@$(PY) -m bench

clean:
	rm -rf $(VENV) .pytest_cache .ruff_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(VENV)/.installed: requirements.txt | $(PY)
	@echo "Installing what the lab needs into $(VENV) (a few minutes the first time) ..."
	@if [ -n "$(TORCH_INDEX)" ]; then $(PIP) install -qq --index-url "$(TORCH_INDEX)" $$(grep -E '^torch(vision)?==' requirements.txt); fi
	@$(PIP) install -qq -r requirements.txt
	@touch $@

$(VENV)/.installed-dev: requirements-dev.txt $(VENV)/.installed
	@$(PIP) install -qq -r requirements-dev.txt
	@touch $@

$(PY):
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { \
	  echo "Glyphlab needs Python 3.11 or newer, and '$(PYTHON)' is $$($(PYTHON) --version 2>&1 | tail -n 1). Name another: make $(MAKECMDGOALS) PYTHON=/path/to/python3.11" >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { \
	  echo "Python's venv module is incomplete. Install it: sudo apt-get install python$$($(PYTHON) -c 'import sys; print("%d.%d" % sys.version_info[:2])')-venv" >&2; exit 1; }
	@$(PYTHON) -m venv --clear $(VENV)
