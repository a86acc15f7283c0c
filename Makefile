# make report   sets up .venv, exports, verifies, profiles, writes out/report/
# make gate     red when the working tree's models are slower than those of BASE=origin/main
# make test     sets up what is missing and runs all tests
PYTHON ?= python3.11
SUITE ?= paper
BASE ?= origin/main
BIN := .venv/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet

.PHONY: setup setup-dev setup-system setup-tflite-runtime export profile report gate check test clean

setup: .venv/ready
setup-dev: .venv/ready-dev

# one pip command for all that runs, with pinned versions: installed one after the other the converters conflict
.venv/ready: constraints.txt pyproject.toml
	@command -v $(PYTHON) >/dev/null || { echo "$(PYTHON) is not installed; make PYTHON=python3 takes another" >&2; exit 3; }
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	@echo "installing the pinned packages into .venv (2.5 GB, some minutes)"
	$(PIP) install --constraint constraints.txt pip
	$(PIP) install --constraint constraints.txt --editable .
	@touch $@

.venv/ready-dev: .venv/ready
	$(PIP) install --constraint constraints.txt --editable '.[timm,postgresql]' --group dev
	@touch $@

# a browser and a database server, for the tests of the report and of the store
setup-system:
	@tools/setup-system

# tflite-runtime 2.14 needs numpy < 2: an environment of its own
setup-tflite-runtime: .venv-tflite-runtime/ready
.venv-tflite-runtime/ready: constraints-tflite-runtime.txt
	test -x .venv-tflite-runtime/bin/python || $(PYTHON) -m venv .venv-tflite-runtime
	.venv-tflite-runtime/bin/python -m pip --disable-pip-version-check --quiet install --constraint $< tflite-runtime
	@touch $@

export: setup
	$(BIN)/pocketbench export --suite $(SUITE)

profile: setup
	$(BIN)/pocketbench profile --suite $(SUITE)

# a model that can't be exported or run costs its cells, not the report; the exit code says that something failed
report: setup
	@status=0; \
	$(BIN)/pocketbench export --suite $(SUITE) || status=$$?; \
	$(BIN)/pocketbench profile --suite $(SUITE) || status=$$?; \
	$(BIN)/pocketbench report --suite $(SUITE) --out out/report || status=$$?; \
	exit $$status

# pocketbench's own exit code stands in make's last line ("Error 4"): make itself knows only 0 and 2
gate: setup
	$(BIN)/pocketbench gate --base-ref '$(BASE)' --suite '$(SUITE)'

check: setup-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/pytest -n auto -m "not slow"

test: setup-dev setup-system
	$(BIN)/pytest -n auto

clean:
	rm -rf out .pytest_cache .mypy_cache .ruff_cache .import_linter_cache
