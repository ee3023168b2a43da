# make run     install what is pinned into .venv if it has changed, start the lab and print its address
# make test    the same, then lint, types, the documentation and all tests; GLYPHLAB_DATA says where the real data sets are
# make pytest  the tests alone
# make test-cluster   the tests on real Ray and Slurm clusters of this machine and a real MLflow server; installs them
# make lint    ruff and oxlint: what is wrong, and what is not formatted
# make format  write Python and scripts as the linters want them
# make types   pyright: basic everywhere, strict where the rest relies on it
# make docs    print the lab's own tables into README.md and docs/, and build the site into site/
# make bench   the benchmarks, appended to bench/records.csv
# make lock    write requirements.lock: requirements.txt with all that it needs, and the hash of every file
# make clean   remove .venv and what tests leave behind; runs and caches in GLYPHLAB_HOME stay
#
# PYTHON=/path/to/python picks the interpreter. TORCH_INDEX=https://download.pytorch.org/whl/cpu installs torch
# without CUDA (0.7 GB instead of 5 GB). LOCKED=1 installs exactly what requirements.lock names, each file checked by
# its hash; it knows the files of PyPI only, so not together with TORCH_INDEX.

PYTHON ?= python3
TORCH_INDEX ?=
LOCKED ?=
SECOND_TRY ?=
VENV := .venv
PY := $(VENV)/bin/python
PIP := $(PY) -m pip --disable-pip-version-check
# pip shows each file on a terminal, and only what goes wrong in a log: there it is a thousand lines.
INSTALL := [ -t 1 ] && quiet="" || quiet=-qq; $(PIP) install $$quiet
FIRST := Installing what the lab needs into $(VENV): a few minutes and about $(if $(findstring /cpu,$(TORCH_INDEX)),3,7) GB, this first time only ...
NO_VENV := $(if $(wildcard $(PY)),,yes)
SCRIPTS := app assets tests/js
AGAIN := $(PY) -m pytest --last-failed --last-failed-no-failures none --maxfail 1 --ignore tests/cluster
SECOND = $(if $(SECOND_TRY),|| { [ $$? -eq 1 ] && echo "What failed runs once more and alone:" && OMP_NUM_THREADS=1 $(AGAIN); })
SITE := NO_MKDOCS_2_WARNING=1 $(PY) -m mkdocs build --strict --quiet

.DEFAULT_GOAL := run
.PHONY: run test pytest test-cluster lint format types docs check-docs bench lock clean

run: $(VENV)/.installed
	@$(PY) -m app

# One after the other: tests whose machine is busy with something else wait too long for their servers and browsers.
test: lint types check-docs pytest

# One process a core, each with one thread: tests of one file stay together, because they share what is costly to make,
# and the files that take longest come first (tests/conftest.py). With SECOND_TRY=1, as in CI, what failed runs once
# more when the others are done: what is broken fails again, what was only late beside them does not, and both are said.
# Only after a whole first run (status 1): one that broke off proves nothing.
pytest: $(VENV)/.installed-dev
	@OMP_NUM_THREADS=1 $(PY) -m pytest -n auto --dist loadfile --no-loadscope-reorder --ignore tests/cluster $(SECOND)

# Real Ray and Slurm clusters and a real MLflow server on this machine. What can't be installed is said, and its tests
# are skipped. Slurm's daemons are Debian's, and need root.
test-cluster: $(VENV)/.installed-cluster slurm
	@OMP_NUM_THREADS=1 $(PY) -m pytest tests/cluster -n 2 --dist loadgroup

lint: $(VENV)/.installed-dev
	@$(PY) -m ruff check .
	@$(PY) -m ruff format --check --quiet . || { echo "Run 'make format'." >&2; exit 1; }
	@$(VENV)/bin/oxlint --quiet $(SCRIPTS)

format: $(VENV)/.installed-dev
	@$(PY) -m ruff check --fix --quiet .
	@$(PY) -m ruff format --quiet .
	@$(VENV)/bin/oxlint --fix --quiet $(SCRIPTS)

types: $(VENV)/.installed-dev
	@$(VENV)/bin/basedpyright

docs: $(VENV)/.installed-dev
	@$(PY) -m docs.tables
	@$(SITE)

check-docs: $(VENV)/.installed-dev
	@$(PY) -m docs.tables --check
	@$(SITE)

bench: $(VENV)/.installed-dev
	@$(PY) -m bench

# One file for Linux (x86_64 and aarch64) and macOS, and Python 3.11 and newer: entries say where they are needed.
lock: $(VENV)/.installed-dev
	@$(VENV)/bin/uv --no-config pip compile requirements.txt --universal --python-version 3.11 --generate-hashes \
	  --default-index https://pypi.org/simple --no-emit-index-url --custom-compile-command "make lock" --quiet \
	  --output-file requirements.lock

clean:
	rm -rf $(VENV) .pytest_cache .ruff_cache site
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(VENV)/.installed: requirements.txt | $(PY)
	@if [ -e $@ ]; then echo "Installing what has changed in requirements.txt into $(VENV) ..."; \
	  elif [ -z "$(NO_VENV)" ]; then echo "$(FIRST)"; fi
	@if [ -n "$(LOCKED)" ] && [ -n "$(TORCH_INDEX)" ]; then \
	  echo "LOCKED=1 knows the files of PyPI only: leave TORCH_INDEX out, or LOCKED." >&2; exit 1; fi
	@if [ -n "$(TORCH_INDEX)" ]; then $(INSTALL) --index-url "$(TORCH_INDEX)" $$(grep -E '^torch(vision)?==' requirements.txt); fi
	@$(INSTALL) $(if $(LOCKED),--require-hashes -r requirements.lock,-r requirements.txt)
	@touch $@

$(VENV)/.installed-dev: requirements-dev.txt $(VENV)/.installed
	@echo "Installing what the tests and linters need into $(VENV) ..."
	@$(INSTALL) -r requirements-dev.txt
	@touch $@

$(VENV)/.installed-cluster: requirements-cluster.txt requirements-mlflow.txt $(VENV)/.installed-dev
	@{ $(PIP) install -qq -r requirements-cluster.txt && touch $@; } || \
	  echo "Ray and submitit could not be installed; the tests on clusters are skipped." >&2
	@{ $(PY) -m venv $(VENV)/mlflow && $(PY) -c 'import sysconfig; print(sysconfig.get_path("purelib"))' \
	    > "$$($(VENV)/mlflow/bin/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))')/lab.pth" && \
	    $(VENV)/mlflow/bin/python -m pip --disable-pip-version-check install -qq -r requirements-mlflow.txt; } || \
	  { rm -f $@; echo "An MLflow server could not be installed; its test is skipped." >&2; }

# What is missing of Slurm, where that is allowed. A machine that has it is left as it is.
.PHONY: slurm
slurm:
	@for program in slurmctld slurmd munged sbatch; do command -v $$program >/dev/null || missing=yes; done; \
	  [ -n "$$missing" ] || exit 0; \
	  [ "$$(id -u)" -eq 0 ] && as_root="" || as_root="sudo -n"; \
	  { command -v apt-get >/dev/null && $$as_root apt-get update -qq && \
	    $$as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends slurm-wlm munge; } >&2 || \
	  echo "Slurm could not be installed (apt-get install slurm-wlm munge); its tests are skipped." >&2

$(PY):
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { \
	  echo "Glyphlab needs Python 3.11 or newer, and '$(PYTHON)' is $$($(PYTHON) --version 2>&1 | tail -n 1). Name another: make $(MAKECMDGOALS) PYTHON=/path/to/python3.11" >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { \
	  echo "Python's venv module is incomplete. Install it: sudo apt-get install python$$($(PYTHON) -c 'import sys; print("%d.%d" % sys.version_info[:2])')-venv" >&2; exit 1; }
	@echo "$(FIRST)"
	@$(PYTHON) -m venv --clear $(VENV)
