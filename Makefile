# Every target sets up what it needs; `make` alone lists them.
.DEFAULT_GOAL := help
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
# A process for each core, each with one thread, and the tests of a file in one process.
PYTEST := OMP_NUM_THREADS=1 $(BIN)/pytest -n auto --dist loadfile
unexport OMP_NUM_THREADS

.PHONY: help demo check test test-all test-portable test-versions bench format clean

help:  ## List the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 16

$(READY): pyproject.toml setup.py constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "$(PYTHON) is older than Python 3.11: run make PYTHON=/path/to/python3.11" >&2; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet -c constraints.txt -e '.[dev]'
	@touch $@

demo: $(READY)  ## Both peaks in theory and simulation, written to demo/
	$(BIN)/twinpeaks demo

check: $(READY)  ## Style and types
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/mypy tests/typing_user.py

test: check  ## Style, types and the fast tests
	$(PYTEST) -m "not slow"

test-all: check  ## The same with the slow studies
	$(PYTEST)

# What other processors lack: numpy's and torch's wide instructions, those of both linear algebras.
NARROW = NPY_DISABLE_CPU_FEATURES="$$($(BIN)/python tests/narrow.py)" OPENBLAS_CORETYPE=Nehalem \
  MKL_CBWR=COMPATIBLE ATEN_CPU_CAPABILITY=default ONEDNN_MAX_CPU_ISA=SSE41

test-portable: $(READY)  ## The fast tests with the wide instructions of the processor off
	$(NARROW) $(PYTEST) -m "not slow"

test-versions: $(READY)  ## The fast tests on every Python, oldest and newest versions
	$(BIN)/nox

bench: $(READY)  ## Timings, with status and residual beside them
	$(BIN)/python -m benchmarks

format: $(READY)  ## Rewrite the code in the project's style
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

clean:  ## Remove the environment, caches and the demo's output
	rm -rf $(VENV) demo build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis .nox
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
