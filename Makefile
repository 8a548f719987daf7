# Everything runs inside .venv, which scripts/bootstrap.sh makes on first use and renews when pyproject.toml changes.
#   make serve ARGS="--port 9000"      make test ARGS="-k dedup"      PYTHON=/path/to/python3.12 make test

VENV ?= .venv
ARGS ?=
BIN = "$(VENV)/bin"
READY = @sh scripts/bootstrap.sh "$(VENV)"

.DEFAULT_GOAL := help
.PHONY: help serve test check e2e bench docs fuzz format clean

help: ## List what can be made
	@sed -n 's/^\([a-z0-9]*\):[^#]*## \(.*\)/\1|\2/p' Makefile | while IFS='|' read -r name text; do printf '  make %-8s %s\n' "$$name" "$$text"; done

serve: ## Start the server on 127.0.0.1:8000 (sets everything up first)
	$(READY) server
	@exec $(BIN)/trackside serve $(ARGS)

test: ## Run the tests (what needs a missing browser or service skips with a reason)
	$(READY) dev
	$(BIN)/python -m pytest $(ARGS)

check: ## Run the static checks: style, types, layers, sizes
	$(READY) dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python scripts/check_sizes.py

e2e: ## Run only the tests with real SDKs and a real browser
	$(READY) dev
	$(BIN)/python -m pytest tests/e2e $(ARGS)

bench: ## Measure against the peers and the limits
	$(READY) dev
	$(BIN)/python -m benchmarks.run $(ARGS)

docs: ## Build the documentation into docs/_build/html; every warning is an error
	$(READY) dev
	$(BIN)/python -m sphinx -E -W --keep-going -n -q -b html docs docs/_build/html
	@echo "docs/_build/html/index.html"

fuzz: ## Run the property tests for long: TRACKSIDE_FUZZ_EXAMPLES each (default 20000)
	$(READY) dev
	HYPOTHESIS_PROFILE=fuzz $(BIN)/python -m pytest -m "not e2e and not faults" $(ARGS)

format: ## Rewrite the code in the house style
	$(READY) dev
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

clean: ## Remove what was built and installed here; data/ stays
	rm -rf "$(VENV)" .venv-* build dist docs/_build .mypy_cache .pytest_cache .ruff_cache .import_linter_cache .hypothesis
