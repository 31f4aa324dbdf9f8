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
DOCKER ?=
# What the caller gives is handed over through the environment, so that no shell ever parses it.
export STACK PORT JOB EVENT
SANDBOX := $(BIN)/python -m fargate_job_launcher.sandbox
ASKED := --stack "$$STACK" --port "$$PORT" --job "$$JOB" --event "$$EVENT" $(if $(DOCKER),--docker)

# setuptools' strict editable install links every module by name, so a new or removed file means a new install.
SOURCES := $(sort $(wildcard components/*/*.py components/*/*/*.py handler/*.py sandbox/*.py sandbox/*/*.py))
MODULES := .venv/modules-$(shell echo '$(SOURCES)' | cksum | cut -d' ' -f1)

.PHONY: help
help: ## show this list
	@awk -F':.*## ' '/^[a-z-]+:.*## /{printf "  make %-13s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: up
up: install ## deploy STACK (dev) to an embedded AWS and launch JOB (the first one) with EVENT ({}); DOCKER=1 runs it
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
	$(BIN)/pytest --numprocesses=4 --dist=loadfile

.PHONY: test-cli
test-cli: install ## the suite of the real Pulumi CLI; skipped where `pulumi` is not on the PATH
	$(BIN)/pytest --numprocesses=2 --dist=load tests/test_cli.py

.PHONY: bench
bench: install ## the costs of the function, against plain boto3, and of the policy pack, against a program
	@$(BIN)/python tests/bench.py

.PHONY: storm
storm: install ## LAUNCHES (10000) launches while every third call of ECS fails: none lost, none twice
	@LAUNCHES=$(or $(LAUNCHES),10000) $(BIN)/pytest -q -s -k storm tests/test_launch.py

.PHONY: dist
dist: install ## build the wheel and the sdist that other teams install, into dist/
	@$(BIN)/python -m build --no-isolation --outdir dist

.PHONY: docs
docs: install ## compute the tables of docs/ anew
	@$(BIN)/python tests/documents.py
	@$(BIN)/python tests/controls.py
	@$(BIN)/python -m fargate_job_launcher.policies --write docs/policies.md

.PHONY: schema
schema: install ## write the schema of the Pulumi.*.yaml files anew, from the config's model
	@$(BIN)/python -m fargate_job_launcher.environments.schema

.PHONY: snapshots
snapshots: install ## write the recorded inputs of every environment anew; review what changed
	@$(BIN)/python tests/snapshots.py

.PHONY: policies
policies: install ## the rules of the policy pack, the stacks that each catches, and what it says
	@$(BIN)/python tests/policy_catches.py

.PHONY: plugin-schema
plugin-schema: install ## compute the schema of the components anew, for review: components/plugin/schema.json
	@$(BIN)/python tests/schema.py

.PHONY: format
format: install ## rewrite the code as ruff wants it
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

.PHONY: lock
lock: install ## resolve the dependencies anew: requirements.txt and requirements/dev.txt
	$(BIN)/pip-compile $(LOCK) --extra cli --extra dev --extra program --extra sandbox --generate-hashes --allow-unsafe --output-file requirements/dev.txt pyproject.toml
	$(BIN)/pip-compile $(LOCK) --extra program --constraint requirements/dev.txt --no-annotate --output-file requirements/program.txt pyproject.toml
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
