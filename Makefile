# Everything runs in .venv, which the first target that needs it makes: about 5.4 GB, most of it torch.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
DEMO := .demo
INSTALLED := $(VENV)/.installed

.DEFAULT_GOAL := help
.PHONY: help demo install test test-slow lint format typecheck check bench faults build docs clean

help:  ## Show this list.
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

demo: $(INSTALLED)  ## Install, then run the main job on a drawn sample (no network but the package index).
	@rm -rf $(DEMO)
	@set -e; export OFFICE31_HOME=$(DEMO); run() { echo; echo "$$ office31 $$*"; $(BIN)/office31 "$$@"; }; \
	run download --sample; \
	run pretrain --domain amazon; \
	run evaluate --split webcam; \
	run evaluate --split dslr; \
	run finetune --target dslr; \
	run evaluate --split dslr; \
	run models tree; \
	echo; echo "All of it lies in $(DEMO); the command is $(BIN)/office31."

install: $(INSTALLED)  ## Install the package with its development tools into .venv.

$(INSTALLED): pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit("office31 needs Python 3.11 or newer: make PYTHON=python3.11 ..." if sys.version_info < (3, 11) else 0)'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[dev]'
	@touch $@

test: $(INSTALLED)  ## Run the tests; those that take minutes each are left to test-slow.
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest --numprocesses auto --dist loadfile --no-loadscope-reorder

test-slow: $(INSTALLED)  ## Run the tests that take minutes each.
	$(BIN)/python -m pytest -m slow

lint: $(INSTALLED)  ## Look for mistakes and for code that is not formatted.
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

format: $(INSTALLED)  ## Format the code.
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

typecheck: $(INSTALLED)  ## Check the types.
	$(BIN)/mypy

check: lint typecheck test  ## Everything that must hold before a change lands.

bench: $(INSTALLED)  ## Measure speed, as ratios taken in one run (a quarter of an hour).
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[bench]'
	$(BIN)/python -m tests.benchmarks.run

faults: $(INSTALLED)  ## Provoke every fault thousands of times, and write FAULTS.md (half an hour).
	$(BIN)/python -m tests.faults.run

build: $(INSTALLED)  ## Build the wheel and the source distribution.
	$(BIN)/python -m build

docs: $(INSTALLED)  ## Write what is generated in the README and the handbook anew.
	$(BIN)/python -m tests.docs

clean:  ## Remove everything that was made here.
	rm -rf $(VENV) $(DEMO) build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
