PYTHON ?= python3
PORT ?= 8000
HOST ?= 127.0.0.1
CHAOS_SECONDS ?= 3600
BIN = .venv/bin
NODE = node_modules/.bin
PYTEST = $(BIN)/python -m pytest
# More workers than cores: they spend half of the time waiting for servers and browsers.
AT_ONCE = -n $$((2 * $$(getconf _NPROCESSORS_ONLN)))
MANAGE = $(BIN)/python manage.py
# Cache bytecode, so that processes started by tests do not compile it again.
unexport PYTHONDONTWRITEBYTECODE
# Threads slow NumPy down on small matrices; the sandbox does not use them either.
export OPENBLAS_NUM_THREADS = 1
PIP = $(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes

help:  ## List all commands
	@sed -n 's/^\([a-z-]*\):.*##/\1 -/p' Makefile

run: .venv/run  ## Run the site on http://$HOST:$PORT, with its data in ${DATA_DIR:-var}
	@$(MANAGE) migrate --verbosity 0
	@$(MANAGE) collectstatic --no-input --verbosity 0
	@exec $(MANAGE) serve --host $(HOST) --port $(PORT)

quick: .venv/dev  ## Unit tests, in about a minute
	$(PYTEST) -n auto -m "not (slow or system or browser or long)"

test: .venv/dev node_modules/done  ## Everything a commit must pass
	@$(MAKE) --no-print-directory --jobs=2 check test-sqlite

test-sqlite: .venv/dev  ## All tests except the slow ones
	$(PYTEST) $(AT_ONCE) --dist loadgroup -m "not slow"

# Terraform mostly waits, so the other tests run at the same time.
test-all: test  ## Everything a release must pass; run by CI
	@$(MAKE) --no-print-directory --jobs=2 infra-test test-slow

test-slow: test-later test-postgres  ## Run the slow tests, the tests on PostgreSQL and those on a newer Python
	@tests/tools.sh slow
	$(PYTEST) $(AT_ONCE) -m slow

test-postgres: .venv/dev  ## Run the tests that depend on the database on PostgreSQL
	$(BIN)/python -m tests.postgres -n 1 -m "postgres and not slow"

test-later: .venv/dev  ## Run the tests on a newer Python, if installed
	@.ci/later

check: .venv/dev node_modules/done  ## Check lint, types, templates, imports, licences and vulnerabilities
	$(BIN)/ruff check . && $(BIN)/ruff format --check . && $(BIN)/mypy && $(BIN)/lint-imports
	$(BIN)/djade --check --target-version 5.2 $$(find templates -name '*.html')
	$(NODE)/biome lint --error-on-warnings && $(NODE)/tsc && $(NODE)/tsc --project clients/javascript
	$(BIN)/python -m infra.supply check

fix: .venv/dev  ## Format and fix what can be fixed automatically
	$(BIN)/ruff check --fix . ; $(BIN)/ruff format . ; $(BIN)/djade --target-version 5.2 $$(find templates -name '*.html')

docs: .venv/dev  ## Update the format tables in the README and the table of licences
	$(BIN)/python -m converter.engine README.md
	$(BIN)/python -m infra.supply licences docs/licences.md

sbom: .venv/dev  ## Write the bill of materials to build/imagesite.cdx.json (CycloneDX)
	$(BIN)/python -m infra.supply sbom build/imagesite.cdx.json

client-types: .venv/dev node_modules/done  ## Update the JavaScript types of the API
	@mkdir -p build
	$(BIN)/python -m tests.clients.openapi > build/openapi.json
	$(NODE)/openapi-typescript build/openapi.json --default-non-nullable=false --output clients/javascript/imagesite.d.ts

screenshots: .venv/dev  ## Update the screenshots in the README
	$(BIN)/python -m tests.e2e.screenshots

fuzz: .venv/dev  ## Fuzz the engine with damaged files, and its encoders with random pictures, for one hour each
	$(BIN)/python -m tests.engine.fuzz --seconds 3600
	$(BIN)/python -m tests.engine.fuzz --seconds 3600 --encoders

chaos: .venv/dev  ## Kill and disturb the server under load for one hour (CHAOS_SECONDS=3600)
	$(BIN)/python -m tests.chaos --seconds $(CHAOS_SECONDS)

bench: .venv/dev  ## Compare speed with other tools
	$(BIN)/python -m tests.benchmarks

infra-test: .venv/dev .venv-infra/done  ## Test the infrastructure on a mock AWS (needs Terraform)
	$(BIN)/python -m pytest infra/tests -n 4 --dist worksteal

preflight: .venv/dev  ## Check whether this machine and the AWS account are ready to deploy
	@$(BIN)/python -m infra.deploy check

deploy: .venv/dev  ## Deploy to AWS, or update the deployment
	@$(BIN)/python -m infra.deploy up

deploy-code: .venv/dev  ## Deploy code only, without Terraform
	@$(BIN)/python -m infra.deploy code

rollback: .venv/dev  ## Roll back to the previous code
	@$(BIN)/python -m infra.deploy rollback

rotate: .venv/dev  ## Run the next of three steps of key rotation, and deploy
	@$(BIN)/python -m infra.deploy rotate

backup: .venv/dev  ## Back up the deployment to a file (FILE=site.tar)
	@$(BIN)/python -m infra.deploy backup $(FILE)

restore: .venv/dev  ## Restore a backup into a new deployment (FILE=site.tar)
	@$(BIN)/python -m infra.deploy restore $(FILE)

destroy: .venv/dev  ## Remove everything from AWS
	@$(BIN)/python -m infra.deploy down

package: .venv/dev  ## Build build/imagesite.zip for Lambda
	@$(BIN)/python -m infra.package

cloud: .venv/dev  ## Run the AWS system on this machine with a mock AWS
	@$(BIN)/python -m tests.cloud

lock: .venv/dev  ## Update requirements*.txt from pyproject.toml
	$(BIN)/uv pip compile pyproject.toml $(LOCK) --output-file requirements.txt
	$(BIN)/uv pip compile pyproject.toml $(LOCK) --extra workers --constraints requirements.txt --output-file requirements-workers.txt
	$(BIN)/uv pip compile pyproject.toml $(LOCK) --extra workers --group dev --constraints requirements.txt --output-file requirements-dev.txt
	echo checkov | $(BIN)/uv pip compile - $(LOCK) --output-file requirements-infra.txt

LOCK = --quiet --universal --python-version 3.11 --generate-hashes --no-annotate --no-header

.venv/run: requirements.txt
	$(PYTHON) -m venv .venv
	$(PIP) -r requirements.txt
	@touch $@

.venv/workers: .venv/run requirements-workers.txt
	$(PIP) -r requirements-workers.txt
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

.PHONY: help run quick test test-sqlite test-postgres test-all test-slow test-later check fix docs client-types sbom screenshots fuzz chaos bench infra-test preflight deploy deploy-code rollback rotate backup restore destroy package cloud lock
