# Everything runs in .venv, which is made when it is needed. PYTHON=... chooses the interpreter (3.11 or newer).

VENV := .venv
BIN := $(VENV)/bin
PORT ?= 8000
export PORT
# More arguments for pytest: make test PYTEST_ARGS="-k digest". A later -m replaces an earlier one.
PYTEST_ARGS ?=
PIP_INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check

.PHONY: demo test test-all check docs bench mutants pictures clean

demo: $(VENV)/.stamp-demo
	$(BIN)/python -m authmw demo

# What runs in process; the marks are in pyproject.toml.
test: $(VENV)/.stamp-test
	@echo "Running the tests that need no server, browser or other program"
	$(BIN)/python -m pytest -q -n auto -m in_process $(PYTEST_ARGS)

test-all: $(VENV)/.stamp-test-all
	@echo "Running all tests"
	$(BIN)/python -m pytest -q -n auto $(PYTEST_ARGS)

check: $(VENV)/.stamp-check
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/pyright
	.ci/verify-types $(BIN)/pyright
	$(BIN)/lint-imports

docs: $(VENV)/.stamp-docs
	@echo "Building the docs into docs/site"
	@$(BIN)/python .ci/build_site.py

# The drawings of the pages, as SVG in docs/diagrams; needs node and npm. `make docs` takes what is there.
pictures: $(VENV)/.stamp-test
	PYTHONPATH=.ci $(BIN)/python -m tests.pictures

# Ratios that were measured, and what docs/performance.md is made of: make bench BENCH="--help".
BENCH ?=
bench: $(VENV)/.stamp-bench
	$(BIN)/python -m tests.benchmarks $(BENCH)

# Mistakes that are made on purpose: make mutants MUTANTS="--since main", "--help".
MUTANTS ?=
mutants: $(VENV)/.stamp-test
	$(BIN)/python -m tests.mutants $(MUTANTS)

clean:
	rm -rf $(VENV) .venvs .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache .mutants .coverage* \
		build dist docs/site docs/.cache docs/reference
	find */ -name __pycache__ -type d -prune -exec rm -rf {} +

# Each stamp says that what one target needs is installed; pyproject.toml is newer when that has changed.
$(VENV)/.stamp-venv: .ci/find-python
	@python=$$(PYTHON="$(PYTHON)" .ci/find-python) && \
		echo "Making $(VENV) with $$($$python --version)" && \
		$$python -m venv $(VENV)
	@$(PIP_INSTALL) --upgrade "pip>=25.1"
	@touch $@

$(VENV)/.stamp-%: $(VENV)/.stamp-venv pyproject.toml
	@echo "Installing what 'make $*' needs (a minute or two the first time)"
	@$(PIP_INSTALL) --editable ".[all]" --group $*
	@touch $@
