# Missing-AVQA, the book. `make` alone lists what there is; `make book` and `make test` are all that a
# newcomer needs. Every target makes or reuses the environment in $(VENV) first.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

PROFILE ?= book
VENV ?= .venv
JOBS ?= 2
# the first fitting Python of this machine; PYTHON=... names another one
PYTHON ?= $(shell for name in python3 python3.13 python3.12 python3.11; do \
	if $$name -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' 2>/dev/null; \
	then echo $$name; exit; fi; done; echo python3)

RUN := PATH="$(abspath $(VENV))/bin:$$PATH" "$(VENV)/bin/python"
BOOK := $(RUN) -m book.tools

.PHONY: help environment book test test-all check pair lab world results bench book-zip \
	release-check clean

help:  ## list the targets
	@echo 'make TARGET [PROFILE=smoke|book|full] [PYTHON=python3.12] [TORCH_INDEX_URL=...]'
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):[^#]*## /  \1\t/' | expand -t 18

environment:
	@command -v "$(PYTHON)" >/dev/null || { echo "error: expected a Python 3.11, 3.12 or 3.13," \
		"found no '$(PYTHON)': install one, or name it with PYTHON=..." >&2; exit 2; }
	@"$(PYTHON)" book/tools/environment.py --venv "$(VENV)" $(if $(filter file,$(origin PYTHON)),,--named)

book: environment  ## the built-in world, every chapter through papermill, the pages (12 min)
	@echo "book, profile $(PROFILE): builds the world once, runs the chapters, builds and checks the pages;"
	@echo "      on two CPU cores about 2 minutes for smoke, at most 12 for book, then less"
	@if grep -ls 'profiles.world(' notebooks/[0-9]*.py >/dev/null; then $(BOOK) world --profile $(PROFILE); fi
	@$(BOOK) all --profile $(PROFILE) --jobs $(JOBS)

test: environment  ## the fast tests (3 min)
	@echo "test: the fast tests, two processes, at most 3 minutes on two CPU cores"
	@$(RUN) -m pytest -n $(JOBS)

test-all: environment  ## killed processes, notebooks, browser, all combinations of parts (15 min)
	@echo "test-all: everything but the GPU tests, at most 15 minutes on two CPU cores"
	@$(RUN) -m pytest -n $(JOBS) -m 'not gpu'

check: environment  ## format, lint, types, chapters and their pairs (1 min)
	@echo "check: format, lint, types, chapters and their pairs, about 1 minute"
	@$(RUN) -m ruff format --check .
	@$(RUN) -m ruff check .
	@$(RUN) -m mypy
	@$(RUN) -m mypy $(wildcard notebooks/[0-9]*.py)
	@$(BOOK) check

pair: environment  ## write the notebook beside each script (seconds)
	@$(BOOK) pair

lab: environment  ## JupyterLab with the chapters and the live panel
	@echo "lab: opens JupyterLab on notebooks/; stop it with Ctrl-C"
	@$(RUN) -m jupyterlab --notebook-dir=. notebooks

world: environment  ## the built-in world of a profile (book: 2 min)
	@echo "world, profile $(PROFILE): built once below build/world, reused while its code stays as it is"
	@$(BOOK) world --profile $(PROFILE)

results: environment  ## make every stored result of a training anew (a day; goes on where it stopped)
	@$(BOOK) world --profile book
	@$(RUN) -m avqa_core.cli results --profile book --only all --jobs $(JOBS)
	@$(RUN) -m avqa_core.cli field --profile book
	@$(BOOK) readme

bench: environment  ## speed and memory, printed and stored
	@$(RUN) -m benchmarks

book-zip: book  ## pack the pages to be read from a folder
	@$(BOOK) zip --profile $(PROFILE)

release-check: environment  ## what has to hold before a release: checks, and results of this source
	@$(MAKE) --no-print-directory check
	@$(BOOK) fresh

clean:  ## remove what was generated, the environment not
	rm -rf build .mypy_cache .ruff_cache .pytest_cache
