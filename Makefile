# Thin wrappers: the program is the `acre` command.
VENV := .venv
BIN := $(VENV)/bin
PYTHON ?= python3
UV := $(BIN)/uv
# Institutes whose network shows certificates of its own put them among the system's.
CERTIFICATES := $(if $(wildcard /etc/ssl/certs/ca-certificates.crt),--system-certs)
INSTALL := $(UV) pip install $(CERTIFICATES) --quiet --python $(BIN)/python --compile-bytecode

.DEFAULT_GOAL := help
.PHONY: help install up demo test test-all check format docs bench lock clean

help: ## what can be done here
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

$(UV): constraints/uv.txt
	@echo "Making $(VENV) with $$($(PYTHON) --version)"
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Acre needs Python 3.11 or newer; say which one with: make PYTHON=/path/to/python3"; exit 1; }
	@$(PYTHON) -m venv $(VENV) || { echo "This Python cannot make environments: install the package python3-venv"; exit 1; }
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r constraints/uv.txt
	@touch $(UV)

$(VENV)/.runtime: $(UV) constraints/runtime.txt pyproject.toml
	@echo "Installing what the environment needs (once)"
	@$(INSTALL) --require-hashes -r constraints/runtime.txt
	@$(INSTALL) --no-deps --no-build-isolation --editable .
	@touch $@

$(VENV)/.develop: $(VENV)/.runtime constraints/develop.txt
	@echo "Installing what tests, checks, docs and benchmarks need (once)"
	@$(INSTALL) --require-hashes -r constraints/develop.txt
	@touch $@

install: $(VENV)/.runtime ## install into .venv

up: install ## start the environment on http://127.0.0.1:8000
	@exec $(BIN)/acre up $(args)

demo: install ## do the main job without hands, against the running environment
	@$(BIN)/acre demo $(args)

test: $(VENV)/.develop ## the tests, under ten minutes
	@$(BIN)/python -m pytest -m "not long" $(args)

test-all: $(VENV)/.develop ## the long tests too: browser, fresh clone
	@$(BIN)/python -m pytest $(args)

check: $(VENV)/.develop ## format, lint, types, import contracts
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-cache

format: $(VENV)/.develop ## put the code in shape
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix .

docs: $(VENV)/.develop ## build the documentation into docs/_build/html
	@$(BIN)/python -m sphinx -W --keep-going -q -b html docs docs/_build/html && echo "docs/_build/html/index.html"

bench: $(VENV)/.develop ## measure, with the peers in the same run: make bench only=pods|assim|clusters|projects|operate
	@$(BIN)/python -m benchmarks $(only)

lock: $(UV) ## pin the newest versions into constraints/
	@echo "uv" | $(UV) pip compile $(CERTIFICATES) --quiet --universal --python-version 3.11 --generate-hashes --no-header --no-emit-index-url --no-annotate -o constraints/uv.txt -
	@$(UV) pip compile $(CERTIFICATES) --quiet --universal --python-version 3.11 --generate-hashes --no-header --no-emit-index-url --no-annotate --all-extras --group build -o constraints/runtime.txt pyproject.toml
	@$(UV) pip compile $(CERTIFICATES) --quiet --universal --python-version 3.11 --generate-hashes --no-header --no-emit-index-url --no-annotate --all-extras --all-groups -c constraints/runtime.txt -o constraints/develop.txt pyproject.toml

clean: ## remove .venv and what was built
	@rm -rf $(VENV) docs/_build .mypy_cache .ruff_cache .pytest_cache
