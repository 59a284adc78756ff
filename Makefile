# germ: `make` lists what there is; `make run` and `make test` are the two to know.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
STAMP  := $(VENV)/.installed
# Where the machine has no GPU, point pip at PyTorch's CPU builds with PIP_EXTRA_INDEX_URL if your index has only CUDA builds.
export PYTHONHASHSEED = 0

.DEFAULT_GOAL := help
.PHONY: help run test test-slow install check format lint types layers docs site seminar bench clean

help: ## list the targets
	@awk -F':.*## ' '/^[a-z-]+:.*## / {printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

$(STAMP): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(f"germ needs Python 3.11 or newer; {sys.executable} is {sys.version.split()[0]}. Try: make PYTHON=python3.12") if sys.version_info < (3, 11) else None'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade pip
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable '.[dev]'
	@touch $@

install: $(STAMP) ## set up .venv with everything pinned

run: $(STAMP) ## germ in two minutes: run the tour and say where its report is
	$(BIN)/germ tour

test: $(STAMP) ## run the tests
	$(BIN)/python -m pytest -n 2 -m 'not slow'

test-slow: $(STAMP) ## run the slow tests too
	$(BIN)/python -m pytest -n 2

format: $(STAMP) ## format the code
	$(BIN)/ruff format src tests benchmarks && $(BIN)/ruff check --fix src tests benchmarks

lint: $(STAMP)
	$(BIN)/ruff format --check src tests benchmarks
	$(BIN)/ruff check src tests benchmarks
	$(BIN)/pydoclint --quiet src
	$(BIN)/python tools/list_long.py src

types: $(STAMP)
	$(BIN)/mypy

layers: $(STAMP)
	$(BIN)/lint-imports

docs: $(STAMP) ## build the documentation (every page executes) into build/docs
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --quiet --strict --site-dir build/docs

seminar: $(STAMP) ## run every talk's experiment (small size) into build/seminar
	$(BIN)/germ seminar run all --size small

site: seminar ## build the seminar's web site into build/site
	$(BIN)/germ seminar site build/site

check: lint types layers test docs ## format, lint, types, layers, tests, docs: what CI runs

bench: $(STAMP) ## print the benchmark tables
	$(BIN)/python -m benchmarks

clean: ## remove everything that was built
	rm -rf $(VENV) build dist .mypy_cache .ruff_cache .pytest_cache .import_linter_cache
