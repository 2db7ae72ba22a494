# Everything a person or the CI runs. `make serve` and `make test` set up what they need first.

PYTHON ?= python3
BIN := .venv/bin

.DEFAULT_GOAL := help
.PHONY: help install serve test test-replicas test-ray check check-supply format image-test lock sbom bench-peers bench-before profile kernels sanitize architecture clean

help: ## Show what there is
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

install: .venv/.models ## Make .venv, install the service, pull the models (TORCH=cpu or cuda decides which torch)

serve: install ## Start the service on 127.0.0.1:8000 (PORT=9000 for another port)
	@exec $(BIN)/silhouette serve $(if $(PORT),--port $(PORT))

# Many containers set it, and then each of the hundred processes of the tests compiles the project anew.
unexport PYTHONDONTWRITEBYTECODE

test: install .venv/.dev ## Run every test: files side by side, and then what measures speed
	$(BIN)/pytest -n logical --maxprocesses 4 --dist loadgroup --no-loadscope-reorder -m "not alone" $(PYTEST_ARGS)
	$(BIN)/pytest -m alone $(PYTEST_ARGS)

test-replicas: install .venv/.ray ## Run the tests of a real Ray cluster: nodes and replicas that are killed, scaled and full
	$(BIN)/pytest tests/ray $(PYTEST_ARGS)

test-ray: test-replicas ## Run those, and the tests of the HTTP service once more with its networks in a cluster
	SILHOUETTE_POOL=ray $(BIN)/pytest tests/api -m "not alone" $(PYTEST_ARGS)

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

lock: .cache/supply/.made ## Choose the container's packages anew: requirements/, exact versions with hashes
	.cache/supply/bin/python scripts/lock.py .cache/supply/bin/uv

check-supply: .cache/supply/.made ## Look the locked packages up among the known holes (needs PyPI's database)
	.cache/supply/bin/pip-audit --strict --disable-pip --require-hashes \
	    $(foreach lock,runtime pull torch-cuda,--requirement requirements/$(lock).txt)

sbom: .cache/supply/.made ## Write the container's bill of materials (CycloneDX) to out/silhouette-cpu.cdx.json (DEVICE=cuda for the other)
	mkdir -p out
	cat requirements/runtime.txt requirements/torch-$(or $(DEVICE),cpu).txt \
	    | .cache/supply/bin/cyclonedx-py requirements --pyproject pyproject.toml --mc-type application \
	        --output-reproducible --output-file out/silhouette-$(or $(DEVICE),cpu).cdx.json -

bench-peers: .venv/.dev .venv/.models ## Measure the service beside rembg, LitServe and a plain handler (22 minutes)
	$(BIN)/python -m benchmarks.peers.compare --json .cache/peers.json

bench-before: .venv/.dev .venv/.models ## Measure the service beside an older build of it: BASE=COMMIT or a folder (15 minutes)
	$(BIN)/python -m benchmarks.before.compare $(or $(BASE),$(error BASE is missing: make bench-before BASE=COMMIT)) --json .cache/before.json

profile: .venv/.dev .venv/.models ## Draw where the time of one request goes, into docs/stages.svg (2 minutes)
	$(BIN)/python -m benchmarks.speed.stages

kernels: .cache/kernels/.made ## Compile the loops of service/kernels anew (CHECK=1 compares with what is there)
	.cache/kernels/bin/python scripts/build_kernels.py $(if $(CHECK),--check)

sanitize: .venv/.dev .venv/.models ## Run the tests of the compiled loops with clang's sanitizers (1 minute)
	$(BIN)/python -m scripts.sanitize_kernels

architecture: .venv/.dev ## Draw the rooms and their imports, into docs/architecture.svg
	$(BIN)/python -m scripts.architecture

clean: ## Remove the virtual environment and caches; pulled models stay
	rm -rf .venv .cache .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis *.egg-info

# One stamp a choice, so that another TORCH= than last time is noticed.
.venv/.torch-%:
	@mkdir -p .venv && rm -f .venv/.torch-* && touch $@

.venv/.runtime: pyproject.toml $(if $(TORCH),.venv/.torch-$(TORCH))
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed")'
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --upgrade pip
	$(BIN)/python scripts/install_torch.py
	$(BIN)/python -m pip install --disable-pip-version-check --progress-bar on --editable '.[pull]'
	@touch $@

.venv/.models: .venv/.runtime $(wildcard model_store/*/card.toml)
	$(BIN)/silhouette models pull
	@touch $@

.venv/.dev: .venv/.runtime
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[dev]'
	@touch $@

.venv/.ray: .venv/.dev
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[ray]'
	@touch $@

.cache/supply/.made: pyproject.toml
	$(PYTHON) -m venv .cache/supply
	.cache/supply/bin/python -m pip install --quiet --disable-pip-version-check --upgrade pip
	.cache/supply/bin/python -m pip install --quiet --disable-pip-version-check --group supply
	@touch $@

.cache/kernels/.made: pyproject.toml
	$(PYTHON) -m venv .cache/kernels
	.cache/kernels/bin/python -m pip install --quiet --disable-pip-version-check --upgrade pip
	.cache/kernels/bin/python -m pip install --quiet --disable-pip-version-check --group kernels
	@touch $@
