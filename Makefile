# Every target that runs Python first creates .venv if it is missing or older than the requirements.

VENV := .venv
RUNNER := $(VENV)/bin/python
READY := $(VENV)/.ready

DATASET ?=
CONTENT ?=
STYLE ?=
STYLES ?=
PHOTOS ?=
INPUT ?=
MODEL ?=
OUT ?=
RUN ?=
ARGS ?=

.DEFAULT_GOAL := help

help:  ## list the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-14s %s\n", $$1, $$2}'

train-gan: $(READY)  ## train a GAN: [DATASET=glyphs|mnist|folder/] [ARGS="--max-minutes 10"]
	@$(RUNNER) -m gan.train $(if $(DATASET),--dataset "$(DATASET)") $(ARGS)

stylize: $(READY)  ## stylize a photo: [CONTENT=photo.jpg STYLE=painting.jpg OUT=out.png] or STYLES="a.jpg b.jpg"
	@$(RUNNER) -m style_transfer.stylize $(if $(CONTENT),--content "$(CONTENT)") \
		$(if $(STYLE),--style "$(STYLE)") $(if $(STYLES),--style $(STYLES)) $(if $(OUT),--out "$(OUT)") $(ARGS)

train-style: $(READY)  ## train a network that paints: STYLE=painting.jpg or STYLES="a.jpg b.jpg" [PHOTOS=folder/]
	@$(RUNNER) -m style_transfer.feedforward.train $(if $(STYLE),--style "$(STYLE)") \
		$(if $(STYLES),--style $(STYLES)) $(if $(PHOTOS),--photos "$(PHOTOS)") $(ARGS)

paint: $(READY)  ## paint photos with such a network: MODEL=runs/style-NAME CONTENT=photo.jpg|folder/ [OUT=out.png]
	@test -n "$(MODEL)" || { echo "error: MODEL: missing; name a run folder: make paint MODEL=runs/style-NAME CONTENT=photo.jpg" >&2; exit 2; }
	@test -n "$(CONTENT)" || { echo "error: CONTENT: missing; name a photo or a folder: make paint MODEL=$(MODEL) CONTENT=photo.jpg" >&2; exit 2; }
	@$(RUNNER) -m style_transfer.feedforward.paint --model "$(MODEL)" --content "$(CONTENT)" \
		$(if $(OUT),--out "$(OUT)") $(ARGS)

video: $(READY)  ## stylize a video: INPUT=clip.mp4|folder/ and MODEL=runs/style-NAME or STYLE=painting.jpg [OUT=out.mp4]
	@test -n "$(INPUT)" || { echo "error: INPUT: missing; name a video or a folder of frames: make video INPUT=clip.mp4 MODEL=runs/style-NAME" >&2; exit 2; }
	@test -n "$(MODEL)$(STYLE)$(STYLES)" || { echo "error: MODEL or STYLE: missing; name a run folder or a painting: make video INPUT=$(INPUT) STYLE=painting.jpg" >&2; exit 2; }
	@$(RUNNER) -m style_transfer.video --input "$(INPUT)" $(if $(MODEL),--model "$(MODEL)") \
		$(if $(STYLE),--style "$(STYLE)") $(if $(STYLES),--style $(STYLES)) $(if $(OUT),--out "$(OUT)") $(ARGS)

evaluate: $(READY)  ## evaluate a trained generator: RUN=runs/NAME
	@test -n "$(RUN)" || { echo "error: RUN: missing; name a run folder: make evaluate RUN=runs/NAME" >&2; exit 2; }
	@$(RUNNER) -m gan.evaluate --run "$(RUN)" $(ARGS)

tensorboard: $(READY)  ## show all runs in TensorBoard
	@$(VENV)/bin/tensorboard --logdir runs --samples_per_plugin images=200 $(ARGS)

gallery: $(READY)  ## write one HTML page about a run: RUN=runs/NAME
	@test -n "$(RUN)" || { echo "error: RUN: missing; name a run folder: make gallery RUN=runs/NAME" >&2; exit 2; }
	@$(RUNNER) -m gan.gallery --run "$(RUN)" $(ARGS)

bench: $(READY)  ## measure speed beside bare loops and PyTorch (20 to 30 minutes)
	@$(RUNNER) -m experiments.bench $(ARGS)

test: $(READY)  ## run the tests (under 5 minutes, no network)
	@$(RUNNER) -m pytest -m "not slow" $(ARGS)

test-slow: $(READY)  ## run the longer tests
	@$(RUNNER) -m pytest -m slow $(ARGS)

lint: $(READY)  ## check style, imports and docstrings with ruff
	@$(VENV)/bin/ruff check .
	@$(VENV)/bin/ruff format --check .

setup: $(READY)  ## create .venv only

clean:  ## remove .venv and caches; keep runs/
	rm -rf $(VENV) .cache .pytest_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# Use the first Python from 3.10 to 3.13 that has venv; override with `make PYTHON=...`.
PYTHON ?= $(shell for p in python3 python3.12 python3.11 python3.13 python3.10; do \
	$$p -c 'import sys, venv; sys.exit(not (3, 10) <= sys.version_info < (3, 14))' 2>/dev/null && echo $$p && break; done)

# Remove a linked .venv as a link; `venv --clear` would empty its target.
# Upgrade pip first: the one of Python 3.10 takes over ten minutes to resolve these requirements.
$(READY): requirements.txt requirements-dev.txt
	@test -n "$(PYTHON)" || { echo "error: no Python from 3.10 to 3.13 with its venv module was found; install one, or name it: make PYTHON=/path/to/python3.12" >&2; exit 2; }
	@echo "installing into $(VENV) (2.7 GB, once) ..."
	@rm -rf $(VENV)
	@$(PYTHON) -m venv $(VENV)
	@$(RUNNER) -m pip install --quiet --disable-pip-version-check --upgrade pip
	@$(RUNNER) -m pip install --quiet --disable-pip-version-check -r requirements-dev.txt
	@touch $@

.PHONY: help train-gan stylize train-style paint video evaluate tensorboard gallery bench test test-slow lint setup clean
