# Every target sets up what it needs by itself. Needs: Python 3.11 or newer, make, git.
.DEFAULT_GOAL := help
.PHONY: help demo install train score eval test coverage bench bench-archive fuzz lint programs publish-space

PORT ?= 7860
IN ?=
OUT ?= verdicts.csv
ARGS ?=

# The environment grows in steps, each with a stamp keyed on its requirements, so that the page does not wait
# for the training libraries nor training for the test tools; a later step holds those before it.
python := .venv/bin/python
install := $(python) -m pip install --disable-pip-version-check
page := .venv/page.stamp
training := .venv/training.stamp
tests := .venv/tests.stamp
peers := .venv/peers.stamp

help:
	@echo 'make demo                            the page on http://127.0.0.1:$(PORT)'
	@echo 'make score IN=folder OUT=verdicts.csv a verdict for every picture below a folder'
	@echo 'make train                           simulate, train and report'
	@echo 'make eval IN=folder                  the model against labelled negatives (labels.csv)'
	@echo 'make test | coverage | lint          the tests; what of the library they run; ruff and mypy'
	@echo 'make bench | bench-archive | fuzz    speed, against peers; 20,000 files; hostile files'
	@echo 'make install                         all of it into .venv, for commands by hand'
	@echo 'ARGS="--option value" is handed on to train, score, test, bench and eval.'

demo: $(page)
	GRADIO_SERVER_PORT=$(PORT) $(python) space/app.py

# For the commands in docs/ that are run by hand.
install: $(tests)

train: $(training)
	.venv/bin/accelerate launch train/run.py $(ARGS)

score: $(training)
	@test -n '$(IN)' || { echo 'Say what to score: make score IN=folder OUT=verdicts.csv' >&2; exit 2; }
	@$(python) -m darkroom score '$(IN)' --output '$(OUT)' $(ARGS)

eval: $(training)
	@test -n '$(IN)' || { echo 'Say what to measure on: make eval IN=folder, with a labels.csv in it' >&2; exit 2; }
	@PYTHONPATH=train:$$PYTHONPATH $(python) bench/real_film.py '$(IN)' $(ARGS)
	@echo 'Frames found on strips:'
	@PYTHONPATH=train:$$PYTHONPATH $(python) bench/find_frames.py --simulated 40 $(wildcard $(IN)/strips)

test: $(tests) programs
	$(python) -m pytest $(ARGS)

# REPO=user/name, and if wanted MODEL=user/name@revision and TAG=v1; the token comes from HF_TOKEN or `hf auth login`.
publish-space: $(training)
	@$(python) train/publish.py space --repo '$(REPO)' $(if $(MODEL),--model '$(MODEL)') $(if $(TAG),--tag '$(TAG)')

lint: $(tests)
	.venv/bin/ruff check .
	.venv/bin/ruff format --check .
	.venv/bin/mypy

# The tests, and which lines of `darkroom` none of them runs.
coverage: $(tests) programs
	$(python) -m pytest --cov --cov-report=term-missing:skip-covered $(ARGS)

fuzz: $(tests)
	$(python) bench/fuzz.py $(ARGS)

# With peers that nothing else needs.
bench: $(peers)
	@PYTHONPATH=train:$$PYTHONPATH $(python) bench/compare.py $(ARGS)

bench-archive: $(tests)
	$(python) bench/archive.py --chart archive.png $(ARGS)

# The tests drive a real browser and read sidecars with photographers' programs. Debian's are installed where that is
# allowed; elsewhere the tests say what is missing.
programs:
	@missing=; \
	{ command -v chromium || command -v chromium-browser || command -v google-chrome; } >/dev/null || missing="$$missing chromium"; \
	command -v exiv2 >/dev/null || missing="$$missing exiv2"; \
	command -v exiftool >/dev/null || missing="$$missing libimage-exiftool-perl"; \
	[ -n "$$missing" ] || exit 0; \
	if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
	    apt-get update -q && DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends $$missing; \
	fi || echo "Could not be installed:$$missing" >&2

.venv/python.stamp:
	@for python in python3.11 python3 python; do \
	    if $$python -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then \
	        $$python -m venv .venv && touch $@ && exit 0; \
	        echo "$$python cannot make a virtual environment (on Debian: apt install python3-venv)." >&2; exit 1; \
	    fi; \
	done; \
	echo 'Python 3.11 or newer is needed, as python3.11 or python3; found: '"$$(python3 --version 2>&1 | tail -n 1)"'.' >&2; \
	exit 1

$(page): .venv/python.stamp space/requirements.txt
	$(install) -r space/requirements.txt
	@touch $@

$(training): .venv/python.stamp space/requirements.txt space/pyproject.toml requirements.txt
	$(install) -r requirements.txt
	@touch $(page) $@

$(tests): .venv/python.stamp space/requirements.txt space/pyproject.toml requirements.txt requirements-dev.txt
	$(install) -r requirements-dev.txt
	@touch $(page) $(training) $@

$(peers): $(tests) requirements-bench.txt
	$(install) -r requirements-bench.txt
	@touch $(page) $(training) $(tests) $@
