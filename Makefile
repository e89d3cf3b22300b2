# `make demo` and `make test` are all that a newcomer needs; `make smollm2` trains a real
# model (a download of 93 MB).
# `make PYTHON=python3.13 demo` takes another Python. It gets the exact versions of its
# lock; a Python without one gets the newest that the bounds of setup.py allow.
PYTHON ?= python3
BIN := .venv/bin
VERSION := $(shell $(PYTHON) -c 'import sys; print("%d.%d" % sys.version_info[:2])')
ifeq ($(VERSION),)
$(error PYTHON=$(PYTHON) does not run; name one that does, as in PYTHON=python3.13)
endif
LOCK := $(wildcard requirements-$(VERSION).lock)
READY := .venv/ready-$(VERSION)
PIP := $(BIN)/python -m pip --quiet --disable-pip-version-check

.PHONY: demo smollm2 test lint notebooks lock clean

demo: $(READY)
	$(BIN)/python -m rewardlab train --config=quickstart --workdir=runs/quickstart

smollm2: $(READY)
	$(BIN)/python -m rewardlab train --config=smollm2 --workdir=runs/smollm2

test: $(READY)
	$(BIN)/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder

lint: $(READY)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy

# A .venv of another Python is made anew.
$(READY): setup.py $(LOCK)
	[ -x $(BIN)/python$(VERSION) ] || $(PYTHON) -m venv --clear .venv
ifeq ($(LOCK),)
	$(PIP) install -e '.[test]'
else
	$(PIP) install -r $(LOCK)
	$(PIP) install --no-deps --no-build-isolation -e .
endif
	touch $@

# Run the text files in notebooks/ and write what they print and draw beside them.
notebooks: $(READY)
	$(PIP) install -e '.[notebooks]'
	rm -rf notebooks/runs
	$(BIN)/jupytext --to ipynb --execute notebooks/*.py

# Resolve the newest versions that setup.py allows on this Python and write them down.
lock:
	rm -rf .venv-lock && $(PYTHON) -m venv .venv-lock
	.venv-lock/bin/pip install --quiet --upgrade '.[test]' setuptools wheel
	.venv-lock/bin/pip freeze --all --exclude rewardlab --exclude pip > requirements-$(VERSION).lock
	rm -rf .venv-lock build

clean:
	rm -rf .venv build *.egg-info
