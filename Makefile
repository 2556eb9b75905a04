# Development tasks. All of them work in .venv, made from requirements.lock on first use and made
# anew when the lock changes; nothing is installed anywhere else but in the user's cache.
#
#   make test PYTHON=/path/to/python3.12    another interpreter (with a new .venv)
#   make test ARGS='-k linear -x'           options for pytest
#   make lock ARGS=--upgrade                newest versions that pyproject.toml allows

PYTHON =
ARGS =
JOBS = 2

BIN = .venv/bin
LOCKED = .venv/.locked
READY = .venv/.ready

.PHONY: help setup demo test lint types wheel-check parity chain gas costs gas-snapshot golden lock clean

help:
	@echo 'make demo         compile a model, prove it on two EVMs, show the result'
	@echo 'make test         the tests'
	@echo 'make lint         ruff: rules and format'
	@echo 'make types        mypy, strict'
	@echo 'make wheel-check  a built wheel compiles a model away from the checkout'
	@echo 'make parity       the parity benchmark'
	@echo 'make chain        every verb on a real node (anvil, from npm: @foundry-rs/anvil)'
	@echo 'make gas          gas of every operation beside DCAI and the best prototypes'
	@echo 'make costs        fit the cost model to gas that is measured now, and check it'
	@echo 'make gas-snapshot write what the tests compare gas with'
	@echo 'make golden       write the golden contracts anew'
	@echo 'make lock         resolve pyproject.toml into requirements.lock'
	@echo 'make clean        remove .venv and everything else that was made'

demo: setup
	$(BIN)/dcai demo

test: setup
	$(BIN)/python -m pytest -n $(JOBS) $(ARGS)

lint: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(READY)
	$(BIN)/mypy

wheel-check: setup
	sh scripts/wheel_check.sh $(BIN)/python

chain: setup
	$(BIN)/python -m benchmarks.chain_transcript

parity: setup
	$(BIN)/python -m benchmarks.parity

gas: setup
	$(BIN)/python -m benchmarks.gas --write GAS.md

costs: setup
	$(BIN)/python -m benchmarks.fit_costs --write

gas-snapshot: setup
	$(BIN)/python -m tests.gas_snapshot --write

golden: setup
	$(BIN)/python -m tests.golden --write

# Existing pins stay as long as pyproject.toml allows them. One version of each package for every
# Python, so that all of them test the same thing; no line names a machine or an index.
lock: $(READY)
	$(BIN)/uv pip compile pyproject.toml --extra dev --output-file requirements.lock \
	    --universal --python-version 3.11 --fork-strategy fewest --generate-hashes \
	    --no-emit-index-url --no-header --no-config --quiet $(ARGS) >/dev/null

# The environment, and a Solidity compiler: asked for each time, as caches come and go.
setup: $(READY)
	@$(BIN)/python -m dcai_compile.solc

# Dependencies come from the lock and nowhere else, the build backend included.
$(READY): $(LOCKED) pyproject.toml setup.py
	$(BIN)/python -m pip install --quiet --no-deps --no-build-isolation --editable .
	@touch $@

$(LOCKED): requirements.lock
	@sh scripts/make_venv.sh .venv $(PYTHON)
	$(BIN)/python -m pip install --quiet --require-hashes --requirement requirements.lock
	@touch $@

clean:
	rm -rf .venv build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
