# `make up` and `make test` are all a newcomer needs; both set up .venv by themselves. PYTHON and VENV name another Python
# and another folder for it.
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
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
SOURCES := $(sort $(wildcard components/*/*.py components/*/*/*.py environments/*.py handler/*.py operate/*.py operate/*/*.py policy/*/*.py sandbox/*.py sandbox/*/*.py sandbox/*/*/*.py))
MODULES := $(VENV)/modules-$(shell echo '$(SOURCES)' | cksum | cut -d' ' -f1)

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
explain: install ## which roles the launcher of JOB in STACK may pass, and why; FORMAT=json|mermaid|mutations
	@$(BIN)/python -m fargate_job_launcher explain --stack "$$STACK" --job "$$JOB" $(if $(FORMAT),--$(FORMAT))

.PHONY: attack
attack: install ## pass an administrator's role to ECS: refused, then accepted under a loosened policy
	@$(SANDBOX) attack --stack "$$STACK" --port "$$PORT" --job "$$JOB"

.PHONY: test
test: install ## format, lint, types, and every test
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/basedpyright --pythonpath $(BIN)/python
	$(BIN)/pytest --numprocesses=4 --dist=loadfile

.PHONY: test-cli
test-cli: install ## the real Pulumi CLI and its language hosts; skipped where they are not on the PATH
	$(BIN)/pytest --numprocesses=2 --dist=load tests/engine/test_cli.py

.PHONY: test-aws
test-aws: install ## the end-to-end suite on the account AWS_ACCOUNT; costs cents there: CONTRIBUTING.md
	@$(BIN)/python tests/end_to_end/on_aws.py

.PHONY: scan
scan: install ## run checkov on prod; its first installation takes minutes
	@$(BIN)/python -m tools.docs.scan

.PHONY: engine
engine: install ## the real Pulumi engine for the tests: that of the PATH, or built with Go (once, minutes)
	@$(BIN)/python -m tools.engine

.PHONY: test-engine
test-engine: engine ## the suite of the real Pulumi engine; `make test` runs it too if the engine is built
	$(BIN)/pytest --numprocesses=2 --dist=loadfile tests/engine/test_engine.py tests/engine/test_updates.py

.PHONY: bench
bench: install ## the costs of the function, against plain boto3, and of the policy pack, against a program
	@$(BIN)/python -m tools.bench.bench

.PHONY: storm
storm: install ## LAUNCHES (10000) launches while every third call fails and days pass: nothing lost, nothing made twice
	@LAUNCHES=$(or $(LAUNCHES),10000) $(BIN)/pytest -q -s -n0 tests/handler/test_storm.py

.PHONY: array
array: install ## an array of INDEXES (10000) on a test clock: its rate against Fargate's, calls, and costs
	@INDEXES=$(or $(INDEXES),10000) $(BIN)/pytest -q -s -n0 -k large tests/handler/test_arrays.py

.PHONY: explore
explore: install ## every state of small worlds in which functions are killed and events repeated; STATES limits each
	@STATES=$(or $(STATES),1000000) $(BIN)/pytest -q -s tests/handler/test_runs_explored.py

.PHONY: dist
dist: install ## build the wheel and the sdist that other teams install, into dist/
	@$(BIN)/python -m build --no-isolation --outdir dist

.PHONY: docs
docs: install ## compute the tables and transcripts of README.md, docs/ and examples/README.md again
	@$(BIN)/python -m tools.docs.documents
	@$(BIN)/python -m tools.docs.controls
	@$(BIN)/python -m tools.docs.examples
	@$(BIN)/python -m fargate_job_launcher.policies --write docs/policies.md
	@$(BIN)/python -m tools.pack.paths --recorded
	@$(BIN)/python -m tools.docs.transcripts

.PHONY: schema
schema: install ## write the schema of the Pulumi.*.yaml files from the config's model
	@$(BIN)/python -m fargate_job_launcher.environments.schema

.PHONY: snapshots
snapshots: install ## record the inputs of every environment again; review the difference
	@$(BIN)/python -m tools.snapshots

.PHONY: corpus
corpus: install ## what the rules find in public programs' shapes, and which verdicts changed
	@$(BIN)/python -m tools.pack.corpus

.PHONY: paths
paths: install ## which published escalations the pack and checkov refuse; its first installation takes minutes
	@$(BIN)/python -m tools.pack.paths

.PHONY: policies
policies: install ## the rules of the policy pack, the stacks that each catches, and its message
	@$(BIN)/python -m tools.pack.policy_catches

.PHONY: prove
prove: install ## each environment's launchers are allowed exactly what is intended, for every request, by z3
	@$(BIN)/python -m tools.prove.prove

.PHONY: key-types
key-types: install ## compute the types of condition keys from AWS's data: policy/solver/key_types.py
	@$(BIN)/python -m tools.pack.key_types

.PHONY: plugin-schema
plugin-schema: install ## compute the schema of the components, for review: components/plugin/schema.json
	@$(BIN)/python -m tools.schema

.PHONY: partitions
partitions: install ## compute the table of AWS's partitions from botocore's data: handler/partitions.py
	@$(BIN)/python -m tools.partitions

.PHONY: actions
actions: install ## compute the actions for which the rules look from AWS's data and tools/pack/actions.txt
	@$(BIN)/python -m tools.pack.actions

.PHONY: types
types: install ## compute the types that no rule reads from Pulumi's AWS provider and tools/pack/types.txt
	@$(BIN)/python -m tools.pack.types

.PHONY: format
format: install ## format the code with ruff
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

.PHONY: lock
lock: install ## resolve the dependencies again: requirements.txt and requirements/dev.txt
	$(BIN)/pip-compile $(LOCK) --extra cli --extra dev --extra program --extra sandbox --extra ui --generate-hashes --unsafe-package fargate-job-launcher --output-file requirements/dev.txt pyproject.toml
	$(BIN)/pip-compile $(LOCK) --extra program --constraint requirements/dev.txt --no-annotate --output-file requirements/program.txt pyproject.toml
# The extras `sandbox` and `ui` contain the extra `cli` of this package, which is not to be pinned.
LOCK := --quiet --no-header --strip-extras --no-emit-index-url --no-emit-trusted-host --no-emit-find-links

.PHONY: install
install: $(MODULES)

# Only where somebody names one: a .venv of another Python would be used in its place.
ifneq ($(origin PYTHON),file)
install: asked-python
endif

.PHONY: asked-python
asked-python: $(VENV)/installed
	@made="$$($(BIN)/python --version)"; asked="$$($(PYTHON) --version)"; [ "$$made" = "$$asked" ] || { \
	  echo "error: $(VENV) was made with $$made, and PYTHON=$(PYTHON) is $$asked; make clean first, or name another folder for it: VENV=$(VENV)-other" >&2; exit 1; }

$(MODULES): $(VENV)/installed pyproject.toml
	@echo "Installing this folder's package into $(VENV) …"
	@rm -rf $(VENV)/modules-* build
	@PYTHONWARNINGS=ignore $(BIN)/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --config-settings editable_mode=strict --editable .
	@touch $@

$(VENV)/installed: requirements/dev.txt
	@$(PYTHON) -c 'import sys; sys.exit(0 if sys.version_info >= (3, 11) else f"error: Python 3.11 or newer is needed; $(PYTHON) is {sys.version.split()[0]}. Name another with: make PYTHON=python3.12")'
	@$(PYTHON) tools/install.py $(VENV) requirements/dev.txt
	@touch $@

.PHONY: clean
clean: ## remove everything that was built
	rm -rf .venv .venv-* build dist *.egg-info
