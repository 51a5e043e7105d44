# The first Python that is new enough; everything else is installed into .venv.
PYTHON := $(shell for python in python3.11 python3 python3.12 python3.13; do \
	$$python -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$python && break; done)
DEV = $(if $(PYTHON),@$(PYTHON) -m deploy.dev.,@echo "Python 3.11 or newer is needed. On Debian: apt-get install python3 python3-venv" >&2; exit 1; :)

export PORT ARGS

.PHONY: help run test check bench faults loadtest image assets lock messages

help: ## list these targets
	@sed -n 's/^\([a-z]*\):.*## /  make \1	/p' Makefile

run: ## start the site for development and print its address (PORT=8000)
	$(DEV)run

test: ## run every test on real services, started and stopped here (ARGS= goes to pytest)
	$(DEV)test

check: ## run the static checks alone: style, types, layers, migrations, messages, assets
	$(DEV)check

bench: ## measure what a run costs, at the pool's door and from the browser's side
	$(DEV)bench

faults: | .venv/bin/python ## break each part of a site under load, and show what learners noticed (ARGS="--only redis")
	@.venv/bin/python -m deploy.dev.faults $(ARGS)

loadtest: | .venv/bin/python ## let simulated learners read, run and chat (ARGS="--learners 500 --seconds 600"); stops by itself
	@.venv/bin/python -m deploy.dev.loadtest $(ARGS)

image: | .venv/bin/python ## build the site's image without a registry, and show on this machine's engine that it works
	@.venv/bin/python -m deploy.dev.app_image $(ARGS)

assets: ## build the browser's scripts into static/dist (needs Node)
	npm ci --no-audit --no-fund
	npm run build

lock: ## pin the Python packages named in pyproject.toml, with digests
	$(DEV)lock

messages: ## collect texts for translation, and compile the translations (needs gettext)
	$(DEV)messages

.venv/bin/python:
	@$(PYTHON) -c 'from deploy.dev.environment import prepare_python; prepare_python("requirements-dev.txt")'
