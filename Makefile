PYTHON ?= python3
PORT ?= 8000
HOST ?= 127.0.0.1
BIN = .venv/bin
NODE = node_modules/.bin
PYTEST = $(BIN)/python -m pytest
# More than there are cores: half of the time they wait for servers and browsers.
AT_ONCE = -n $$((2 * $$(getconf _NPROCESSORS_ONLN)))
MANAGE = $(BIN)/python manage.py
PIP = $(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes

help:  ## List what there is
	@sed -n 's/^\([a-z-]*\):.*##/\1 -/p' Makefile

run: .venv/run  ## Serve the site on http://$HOST:$PORT, with all it needs, from ${DATA_DIR:-var}
	@$(MANAGE) migrate --verbosity 0
	@$(MANAGE) collectstatic --no-input --verbosity 0
	@exec $(MANAGE) serve --host $(HOST) --port $(PORT)

quick: .venv/dev  ## The unit tests, in less than a minute
	$(PYTEST) -n auto -m "not (slow or system or browser)"

test: .venv/dev check  ## All that a commit must pass
	$(PYTEST) $(AT_ONCE) -m "not slow"
	$(BIN)/python -m tests.postgres -n auto -m "postgres and not slow"

test-all: test infra-test test-later  ## All that a release must pass; CI runs it
	$(PYTEST) $(AT_ONCE) -m slow

test-later: .venv/dev  ## Run the tests on a later Python, where there is one
	@.ci/later

check: .venv/dev node_modules/done  ## Lint, types, templates, import directions
	$(BIN)/ruff check . && $(BIN)/ruff format --check . && $(BIN)/mypy && $(BIN)/lint-imports
	$(BIN)/djade --check --target-version 5.2 $$(find templates -name '*.html')
	$(NODE)/biome lint --error-on-warnings && $(NODE)/tsc

fix: .venv/dev  ## Format, and mend what can be mended
	$(BIN)/ruff check --fix . ; $(BIN)/ruff format . ; $(BIN)/djade --target-version 5.2 $$(find templates -name '*.html')

screenshots: .venv/dev  ## Take the pictures of the README anew
	$(BIN)/python -m tests.e2e.screenshots

fuzz: .venv/dev  ## Feed damaged files to the engine for an hour
	$(BIN)/python -m tests.engine.fuzz --seconds 3600

bench: .venv/dev  ## Measure; prints ratios
	$(BIN)/python -m tests.benchmarks

infra-test: .venv/dev .venv-infra/done  ## Check the infrastructure: tests, scan, a deploy to a mock AWS (needs Terraform)
	$(BIN)/python -m pytest infra/tests -n 4 --dist loadfile

preflight: .venv/dev  ## Look whether this machine and the AWS account are ready for a deploy
	@$(BIN)/python -m infra.deploy check

deploy: .venv/dev  ## Deploy to AWS, or update what is there
	@$(BIN)/python -m infra.deploy up

deploy-code: .venv/dev  ## Deploy the code alone, for whoever may no more
	@$(BIN)/python -m infra.deploy code

rollback: .venv/dev  ## Bring back the code that was deployed before
	@$(BIN)/python -m infra.deploy rollback

rotate: .venv/dev  ## Take the next of three steps to new keys, and deploy
	@$(BIN)/python -m infra.deploy rotate

destroy: .venv/dev  ## Take everything in AWS away again
	@$(BIN)/python -m infra.deploy down

package: .venv/dev  ## Make build/imagesite.zip: what runs on Lambda
	@$(BIN)/python -m infra.package

cloud: .venv/dev  ## Run the whole AWS system on this machine, on a mock AWS, to click through
	@$(BIN)/python -m tests.cloud

lock: .venv/dev  ## Remake requirements*.txt from pyproject.toml
	$(BIN)/uv pip compile pyproject.toml $(LOCK) --output-file requirements.txt
	$(BIN)/uv pip compile pyproject.toml $(LOCK) --group dev --constraints requirements.txt --output-file requirements-dev.txt
	echo checkov | $(BIN)/uv pip compile - $(LOCK) --output-file requirements-infra.txt

LOCK = --quiet --universal --python-version 3.11 --generate-hashes --no-annotate --no-header

.venv/run: requirements.txt
	$(PYTHON) -m venv .venv
	$(PIP) -r requirements.txt
	@touch $@

.venv/dev: requirements-dev.txt requirements.txt
	$(PYTHON) -m venv .venv
	$(PIP) -r requirements-dev.txt
	@touch .venv/run $@

node_modules/done: package-lock.json
	@tests/tools.sh
	npm ci --ignore-scripts --loglevel=error
	@touch $@

.venv-infra/done: requirements-infra.txt
	$(PYTHON) -m venv .venv-infra
	.venv-infra/bin/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r requirements-infra.txt
	@touch $@

.PHONY: help run quick test test-all test-later check fix screenshots fuzz bench infra-test preflight deploy deploy-code rollback rotate destroy package cloud lock
