# The front door. Every target makes .venv first if it is absent or older than the requirements.

VENV := .venv
RUNNER := $(VENV)/bin/python
READY := $(VENV)/.ready

DATASET ?=
CONTENT ?=
STYLE ?=
OUT ?=
RUN ?=
ARGS ?=

.DEFAULT_GOAL := help

help:  ## this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-14s %s\n", $$1, $$2}'

train-gan: $(READY)  ## train a GAN: [DATASET=glyphs|mnist|folder/] [ARGS="--max-minutes 10"]
	@$(RUNNER) -m gan.train $(if $(DATASET),--dataset "$(DATASET)") $(ARGS)

stylize: $(READY)  ## paint a picture like another: [CONTENT=photo.jpg STYLE=painting.jpg OUT=out.png]
	@$(RUNNER) -m style_transfer.stylize $(if $(CONTENT),--content "$(CONTENT)") \
		$(if $(STYLE),--style $(STYLE)) $(if $(OUT),--out "$(OUT)") $(ARGS)

evaluate: $(READY)  ## measure a run: RUN=runs/NAME
	@test -n "$(RUN)" || { echo "error: RUN: missing; name a run's folder: make evaluate RUN=runs/NAME" >&2; exit 2; }
	@$(RUNNER) -m gan.evaluate --run "$(RUN)" $(ARGS)

tensorboard: $(READY)  ## look at all runs in a browser
	@$(VENV)/bin/tensorboard --logdir runs $(ARGS)

bench: $(READY)  ## speed beside bare loops, the tutorial's and PyTorch's: a quarter of an hour
	@$(RUNNER) -m experiments.bench $(ARGS)

test: $(READY)  ## run the tests (under 5 minutes, no network)
	@$(RUNNER) -m pytest -m "not slow" $(ARGS)

test-slow: $(READY)  ## run the longer tests
	@$(RUNNER) -m pytest -m slow $(ARGS)

lint: $(READY)  ## style and dead code
	@$(VENV)/bin/ruff check .
	@$(VENV)/bin/ruff format --check .

setup: $(READY)  ## create .venv with everything in it, and nothing else

clean:  ## remove .venv and the caches, keep runs/
	rm -rf $(VENV) .cache .pytest_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# The first Python from 3.10 to 3.13 that works; name another with `make PYTHON=...`.
PYTHON ?= $(shell for p in python3 python3.12 python3.11 python3.13 python3.10; do \
	$$p -c 'import sys, venv; sys.exit(not (3, 10) <= sys.version_info < (3, 14))' 2>/dev/null && echo $$p && break; done)

# A link is removed, not emptied at its other end, as `venv --clear` would do.
# pip first: the one that comes with Python 3.10 cannot resolve these in ten minutes, the newest in one.
$(READY): requirements.txt requirements-dev.txt
	@test -n "$(PYTHON)" || { echo "error: no Python from 3.10 to 3.13 with its venv module was found; install one, or name it: make PYTHON=/path/to/python3.12" >&2; exit 2; }
	@echo "installing into $(VENV) (2.7 GB, once) ..."
	@rm -rf $(VENV)
	@$(PYTHON) -m venv $(VENV)
	@$(RUNNER) -m pip install --quiet --disable-pip-version-check --upgrade pip
	@$(RUNNER) -m pip install --quiet --disable-pip-version-check -r requirements-dev.txt
	@touch $@

.PHONY: help train-gan stylize evaluate tensorboard bench test test-slow lint setup clean
