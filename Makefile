# Two commands for a newcomer: `make demo` and `make studio`. Every target sets up what it needs.
# make PYTHON=/path/to/python3.12 …  chooses the Python;  make MIN_FREE_GB=3 …  the disk space to ask for.

SHELL := /bin/sh
ifeq ($(OS),Windows_NT)
BIN := .venv/Scripts
else
BIN := .venv/bin
endif
PY := $(BIN)/python
SETUP_OPTIONS := $(if $(MIN_FREE_GB),--min-free-gb $(MIN_FREE_GB))
SCENE ?= assets/samples/marionette.cmps
PYTEST_OPTIONS ?= -n auto --maxprocesses 4 --dist loadfile

.DEFAULT_GOAL := help
.PHONY: help demo studio test tests lint setup setup-dev clean distclean

# Runs setup_env.py with .venv's own Python if it starts, else with the newest one of this computer that will do.
define set_up
@python='$(PYTHON)'; \
if [ -z "$$python" ]; then \
  for name in $(PY) python3.13 python3.12 python3.11 python3 python python3.14; do \
    if $$name -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1; then python=$$name; break; fi; \
  done; \
fi; \
if [ -z "$$python" ]; then \
  echo "CMP Studio needs Python 3.11 or newer, and this computer has $$(python3 --version 2>/dev/null || echo none): install one, or run \`make PYTHON=/path/to/python3.12 …\`." >&2; \
  exit 1; \
fi; \
$$python setup_env.py $(SETUP_OPTIONS) $(1)
endef

help:  ## this list
	@echo 'CMP Studio: drag arrows on a photo, see it move, export the film.'
	@echo
	@awk -F':.*  ## ' 'NF == 2 && !/^\t/ { printf "  make %-11s %s\n", $$1, $$2 }' Makefile

demo: setup  ## render a bundled scene to out/demo.mp4 (no screen, no GPU)
	@mkdir -p out
	@$(PY) -m cmp_studio render $(SCENE) -o out/demo.mp4
	@echo "The film is at $(CURDIR)/out/demo.mp4"

studio: setup  ## open the window
	@$(PY) -m cmp_studio $(FILE)

test: lint tests  ## everything that must hold: style, types, import contracts, tests

tests: setup-dev  ## the tests alone
	@$(PY) -m cmp_studio.system_libraries --offscreen
	@$(PY) -m pytest $(PYTEST_OPTIONS)

lint: setup-dev  ## style, types and import contracts alone
	@$(PY) -m ruff check .
	@$(PY) -m ruff format --check .
	@$(PY) -m mypy
	@$(PY) -c 'import sys; from importlinter.cli import lint_imports_command; sys.exit(lint_imports_command())' --no-logo

setup:  ## create .venv and install the program's packages
	$(call set_up)

setup-dev:  ## the same, with the tools for tests and training
	$(call set_up,--dev)

clean:  ## remove caches, films and build results
	rm -rf out build dist .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis .benchmarks
	find cmp_engine cmp_studio train tests -name __pycache__ -type d -prune -exec rm -rf {} +

distclean: clean  ## the same, and .venv
	rm -rf .venv
