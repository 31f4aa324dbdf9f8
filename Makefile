# `make up` and `make test` are all a newcomer needs; both set up .venv by themselves.
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

PYTHON ?= python3
BIN := .venv/bin
STACK ?= dev
PORT ?= 0
JOB ?=
FORMAT ?=
EVENT ?=
# What the caller gives is handed over through the environment, so that no shell ever parses it.
export STACK PORT JOB EVENT
SANDBOX := $(BIN)/python -m fargate_job_launcher.sandbox
ASKED := --stack "$$STACK" --port "$$PORT" --job "$$JOB" --event "$$EVENT"

# setuptools' strict editable install links every module by name, so a new or removed file means a new install.
SOURCES := $(sort $(wildcard components/*/*.py handler/*.py sandbox/*.py))
MODULES := .venv/modules-$(shell echo '$(SOURCES)' | cksum | cut -d' ' -f1)

.PHONY: help
help: ## show this list
	@awk -F':.*## ' '/^[a-z-]+:.*## /{printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: up
up: install ## deploy STACK (dev) to an embedded AWS and launch JOB (the first one) with EVENT ({})
	@$(SANDBOX) up $(ASKED)

.PHONY: sandbox
sandbox: install ## the same, and stay up until Ctrl-C
	@$(SANDBOX) serve $(ASKED)

.PHONY: explain
explain: install ## who may pass what to whom for JOB of STACK, and why; FORMAT=json|mermaid|mutations
	@$(BIN)/python -m fargate_job_launcher explain --stack "$$STACK" --job "$$JOB" $(if $(FORMAT),--$(FORMAT))

.PHONY: attack
attack: install ## the attack that iam:PassRole is about: refused, then let through by a looser policy
	@$(SANDBOX) attack --stack "$$STACK" --port "$$PORT" --job "$$JOB"

.PHONY: test
test: install ## format, lint, types, and every test
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/basedpyright
	$(BIN)/pytest

.PHONY: format
format: install ## rewrite the code as ruff wants it
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

.PHONY: lock
lock: install ## resolve the dependencies anew: requirements.txt and requirements/dev.txt
	$(BIN)/pip-compile $(LOCK) --extra dev --extra sandbox --generate-hashes --allow-unsafe --output-file requirements/dev.txt pyproject.toml
	$(BIN)/pip-compile $(LOCK) --constraint requirements/dev.txt --no-annotate --output-file requirements/program.txt pyproject.toml
LOCK := --quiet --no-header --strip-extras --no-emit-index-url --no-emit-trusted-host --no-emit-find-links

.PHONY: install
install: $(MODULES)

$(MODULES): .venv/installed pyproject.toml
	@rm -rf .venv/modules-* build
	@PYTHONWARNINGS=ignore $(BIN)/pip install --quiet --no-deps --no-build-isolation --config-settings editable_mode=strict --editable .
	@touch $@

.venv/installed: requirements/dev.txt
	@echo "Setting up .venv (once) …"
	@$(PYTHON) -c 'import sys; sys.exit(0 if sys.version_info >= (3, 11) else f"Python 3.11 or newer is needed; $(PYTHON) is {sys.version.split()[0]}. Name another with: make PYTHON=python3.12")'
	@$(PYTHON) -m venv .venv
	@$(BIN)/pip install --quiet --disable-pip-version-check --no-compile --require-hashes --requirement requirements/dev.txt
	@touch $@

.PHONY: clean
clean: ## remove everything that was built
	rm -rf .venv build dist *.egg-info
