# Everything a person or the CI runs. `make serve` and `make test` set up what they need first.

PYTHON ?= python3
BIN := .venv/bin

.DEFAULT_GOAL := help
.PHONY: help install serve test check format image-test bench-peers profile clean

help: ## Show what there is
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

install: .venv/.models ## Make .venv, install the service, pull the models (does nothing when done)

serve: install ## Start the service on 127.0.0.1:8000 (PORT=9000 for another port)
	@exec $(BIN)/silhouette serve $(if $(PORT),--port $(PORT))

test: install .venv/.dev ## Run every test
	$(BIN)/pytest

check: .venv/.dev ## Lint, types, import layers
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: .venv/.dev ## Put the code into the project's format
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

image-test: .venv/.dev ## Build the container image, start it and cut one picture out
	bash scripts/image_test.sh

bench-peers: .venv/.dev .venv/.models ## Measure the service beside rembg, LitServe and a plain handler (22 minutes)
	$(BIN)/python -m benchmarks.peers.compare --json .cache/peers.json

profile: .venv/.dev .venv/.models ## Draw where the time of one request goes, into docs/stages.svg (2 minutes)
	$(BIN)/python -m benchmarks.speed.stages

clean: ## Remove the virtual environment and caches; pulled models stay
	rm -rf .venv .cache .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis *.egg-info

.venv/.runtime: pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed")'
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --upgrade pip
	$(BIN)/python -m pip install --disable-pip-version-check --progress-bar on --editable .
	@touch $@

.venv/.models: .venv/.runtime $(wildcard model_store/*/card.toml)
	$(BIN)/silhouette models pull
	@touch $@

.venv/.dev: .venv/.runtime
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[dev]'
	@touch $@
