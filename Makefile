# Needs GNU make and Python >= 3.11. From Python 3.13 on, everything but `make demo` also needs a C compiler: a library
# that SuperSuit requires, tinyscaler, has no wheels there. Hence the order of the candidates.

VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet
CANDIDATES := python3.12 python3.11 python3 python3.13 python3.14 python
STACKS := core $(filter-out floors,$(patsubst tests/interop/pins/%.txt,%,$(sort $(wildcard tests/interop/pins/*.txt)))) floors
EXAMPLES := $(patsubst examples/%.py,%,$(sort $(wildcard examples/*.py)))

# Here, because recipes run after the installation of what they need.
ifneq ($(filter test-interop,$(MAKECMDGOALS)),)
ifneq ($(filter-out $(STACKS),$(STACK)),)
$(error STACK must be one of: $(STACKS); got: $(STACK))
endif
endif
ifneq ($(filter example,$(MAKECMDGOALS)),)
ifneq ($(words $(filter $(EXAMPLES),$(NAME))) $(words $(NAME)),1 1)
$(error NAME must be one of: $(EXAMPLES); got: $(NAME))
endif
endif

help:
	@echo "make demo      train the default game (100,000 rounds, 20 seeds) and draw its figures"
	@echo "make test      everything: lint, types, tests, documentation, the built wheel"
	@echo "make bench     measure speed; prints a table and writes benchmarks/results/"
	@echo "make example NAME=... [ARGS=...]  run an example in an environment that has its libraries; NAME is one of"
	@echo "               $(EXAMPLES)"
	@echo "make test-interop [STACK=...]  the tests of the stacks; renews the README's table; without STACK, all of"
	@echo "               $(STACKS)"
	@echo "make coverage  tests in plain Python, with the share of the code they reach (slow)"
	@echo "make clean     remove what was built, except the environments and runs"

demo: $(VENV)/run.stamp
	@out=runs/demo; n=2; while [ -e "$$out" ]; do out=runs/demo-$$n; n=$$((n + 1)); done; \
	$(BIN)/mpgg train --preset text --rounds 100000 --seeds 0:20 --out "$$out"

# The tests of the checkout in two parts and those of the wheel side by side: each keeps one processor busy for as long as
# either of the others, so that two processors share them evenly. What the runs in the background say is shown at the end.
test: lint types
	@logs=$$(mktemp -d); \
	$(MAKE) --no-print-directory wheel-test > "$$logs/wheel" 2>&1 & wheel=$$!; \
	$(MAKE) --no-print-directory pytest SELECT="not algorithm" > "$$logs/rest" 2>&1 & rest=$$!; \
	$(MAKE) --no-print-directory pytest SELECT=algorithm; failed=$$?; \
	wait $$rest || failed=1; wait $$wheel || failed=1; \
	cat "$$logs/rest" "$$logs/wheel"; rm -rf "$$logs"; exit $$failed

lint: $(VENV)/test.stamp
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(VENV)/test.stamp
	$(BIN)/mypy

pytest: $(VENV)/test.stamp
	$(BIN)/python -m pytest -q$(if $(SELECT), -m "$(SELECT)")

wheel-test: $(VENV)/test.stamp
	rm -rf dist
	$(BIN)/python -m build --quiet --outdir dist .
	sh tests/wheel/run.sh $(BIN)/python dist/*.whl

example: $(VENV)/test.stamp
	@sh tests/interop/example.sh $(BIN)/python $(NAME) $(ARGS)

test-interop: $(VENV)/test.stamp
	sh tests/interop/run.sh $(BIN)/python $(STACK)

bench: $(VENV)/test.stamp
	$(BIN)/python -m benchmarks

# Compiled code is invisible to coverage, hence NUMBA_DISABLE_JIT.
coverage: $(VENV)/test.stamp
	NUMBA_DISABLE_JIT=1 $(BIN)/coverage run -m pytest -q
	$(BIN)/coverage report

clean:
	rm -rf build dist *.egg-info .mypy_cache .pytest_cache .ruff_cache .hypothesis .coverage
	find mpgg_env agents examples tests benchmarks -name __pycache__ -prune -exec rm -rf {} +

$(VENV)/run.stamp: pyproject.toml constraints.txt | $(BIN)/pip
	$(PIP) install --constraint constraints.txt --editable .
	@touch $@

$(VENV)/test.stamp: pyproject.toml constraints.txt | $(BIN)/pip
	$(PIP) install --constraint constraints.txt --editable '.[test]'
	@touch $(VENV)/run.stamp $@

# pip is what venv writes last: an interrupted creation starts again.
$(BIN)/pip:
	@for python in $(or $(PYTHON),$(CANDIDATES)); do \
	  if $$python -c 'import ensurepip, sys; sys.exit(sys.version_info < (3, 11))' 2> /dev/null; then \
	    echo "creating $(VENV) with $$($$python --version)"; \
	    exec $$python -m venv --clear $(VENV); \
	  fi; \
	done; \
	echo "no Python >= 3.11 with its venv module found (tried $(or $(PYTHON),$(CANDIDATES)));" >&2; \
	echo "install one (on Debian and Ubuntu with the package python3-venv), or name it: make PYTHON=/path/to/python3" >&2; \
	exit 1

.PHONY: help demo test lint types pytest wheel-test example test-interop bench coverage clean
