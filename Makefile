# Everything runs from .venv, made on first use with the exact versions of .ci/constraints.txt.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
PROTOS := $(wildcard proto/podium/v1/*.proto)

.PHONY: install models demo serve test lint format proto bench conformance clean

install: $(STAMP)

$(STAMP): pyproject.toml .ci/constraints.txt
	$(PYTHON) -m venv $(VENV)
	# torch first and alone: its pin selects the CPU build where one is to be had.
	$(BIN)/pip install -q -c .ci/constraints.txt torch
	$(BIN)/pip install -q -c .ci/constraints.txt -e '.[dev]'
	touch $@

models: $(STAMP)
	$(BIN)/podium bundle --repository models

demo: models
	$(BIN)/podium demo --repository models --output demo-output

serve: models
	$(BIN)/podium serve models

# Files side by side; three, since tests of processes wait for one another more than they compute.
test: $(STAMP)
	$(BIN)/pytest -n 3 --dist loadfile

lint: $(STAMP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/pyright --pythonpath $(BIN)/python
	$(BIN)/lint-imports
	PATH="$(CURDIR)/$(BIN):$$PATH" .ci/check-contracts

format: $(STAMP)
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .
	cd proto && ../$(BIN)/buf format -w

proto: $(STAMP)
	PATH="$(CURDIR)/$(BIN):$$PATH" .ci/generate proto/gen server/podium_server/oip

bench: models
	$(BIN)/python -m tests.benchmarks

conformance: $(STAMP)
	$(BIN)/pytest -m conformance tests/oip

clean:
	rm -rf $(VENV) models demo-output dist
