.DEFAULT_GOAL := help
SHELL := /bin/bash
PYTHON ?= python3
BIN := .venv/bin

.PHONY: help
help: ## Print this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.venv/ready: pyproject.toml constraints.txt
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --disable-pip-version-check -e '.[dev]' -c constraints.txt
	@touch $@

.venv/kafka: .venv/ready deploy/local/jars.py
	$(BIN)/python -m deploy.local.jars
	@touch $@

.PHONY: check
check: .venv/ready ## Format, lint, types, imports, schemas, unit and golden tests; no server, under a minute
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/pytest -q -n auto tests/unit tests/golden

.PHONY: test
test: check $(if $(TEST_KAFKA),,.venv/kafka) ## check, then the integration tests on a real broker, database and DNS servers
	$(BIN)/pytest -q tests/integration

.PHONY: bench
bench: .venv/ready ## Benchmarks: ratios against a baseline measured in the same run
	$(BIN)/python -m tests.benchmarks

.PHONY: kill
kill: .venv/kafka ## Rounds of random kill -9 compared with an undisturbed run: SEEDS="1 2 3" SITES=n
	$(BIN)/python -m tests.integration.kill --sites $(or $(SITES),2000) $(SEEDS)

.PHONY: faults
faults: .venv/kafka ## Broker, database, disks and services fail during a run: FAULT="a b" SECONDS=n
	$(BIN)/python -m tests.integration.faults $(addprefix --fault ,$(FAULT)) $(if $(SECONDS),--seconds $(SECONDS))

.PHONY: run
run: .venv/ready ## The whole pipeline on this machine: LIST=file RESOLVER=host:port TOP=n RECORDS=file
	$(BIN)/python -m deploy.local.run $(if $(LIST),--list '$(LIST)') $(if $(RESOLVER),--resolver '$(RESOLVER)') $(if $(TOP),--top '$(TOP)') $(if $(RECORDS),--records '$(RECORDS)')

.PHONY: down
down: ## Stop everything that make run started
	@if [ -x $(BIN)/python ]; then $(BIN)/python -m deploy.local.down; fi

.PHONY: generate
generate: .venv/ready ## Write the generated files anew (schemas/remarks.json, tables in docs)
	$(BIN)/python -m services.cli generate
	$(BIN)/python -m deploy.local.world.document

.PHONY: clean
clean: ## Stop, then remove the local broker's and database's data
	@if [ -x $(BIN)/python ]; then $(BIN)/python -m deploy.local.down --remove; fi
