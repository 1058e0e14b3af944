# Every command of the repository. `make` alone lists them.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

PY := .venv/bin/python
SEEDS ?= 2000

.PHONY: $(shell awk -F: '/^[a-z0-9-]+:.*\#\# / {print $$1}' $(MAKEFILE_LIST))

help: ## list the commands
	@awk 'BEGIN {FS = ":.*## "} /^[a-z0-9-]+:.*## / {printf "  make %-13s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: ## make .venv and install the pinned requirements, if they changed
	@deploy/setup.sh

up: setup ## start the one-machine stack and follow its logs until Ctrl-C; BUS=kafka: with a broker
	@exec $(PY) -m deploy.local up

down: setup ## stop the stack
	@$(PY) -m deploy.local down

reset: setup ## stop the stack and delete its data, after asking
	@$(PY) -m deploy.local reset

kafka-up: setup ## a Kafka broker alone, in the background; its data is kept
	@$(PY) -m deploy.kafka up --detach

kafka-down: setup ## stop that broker
	@$(PY) -m deploy.kafka down

demo: setup ## start the stack and run the main job: a year of real orders; BUS=kafka: over Kafka
	@exec $(PY) -m deploy.demo

check: setup ## architecture, style, types, documents, lock files
	@.venv/bin/lint-imports
	@.venv/bin/ruff check .
	@.venv/bin/ruff format --check .
	@.venv/bin/mypy .
	@$(PY) -m pytest -q tests/libs/contracts/test_asyncapi.py
	@$(PY) -m deploy.lock check

test: setup ## the whole suite, as two runs side by side; it starts the servers it needs
	@exec $(PY) -m tests

sim: setup ## the bus protocol under simulated faults, SEEDS=2000 seeds
	@$(PY) -m tests.sim --seeds $(SEEDS)

bites: setup ## break the code on purpose: each named mutation must turn a test red
	@$(PY) -m tests.bites

e2e: setup ## the demo on all its data, compared with an independent computation
	@$(PY) -m pytest -q -m e2e --timeout 1800 tests/e2e

attack: setup ## forged, foreign and broken requests, ten times as many as `make test` sends
	@ATTACK_CASES=5000 ATTACK_BODIES=400 $(PY) -m pytest -q --timeout 3600 tests/attack

chaos: setup ## kill, cut, stop and wipe parts of the running stack on both buses: nothing lost, nothing twice
	@$(PY) -m tests.chaos

chaos-long: setup ## all faults and loads at the size of their figures: some hours
	@$(PY) -m tests.chaos --form long

bench: setup ## every part beside its peers, in one table; BENCH='P1 P5' and REPEATS=3 make it shorter
	@exec $(PY) -m tests.bench $(BENCH) $(if $(REPEATS),--repeats $(REPEATS))

bench-compare: setup ## the newest two bench runs side by side, or RUNS='before.json after.json'
	@$(PY) -m tests.bench.compare $(RUNS)

migrate: setup ## bring the databases of the running stack to the newest schema
	@$(PY) -m deploy.local migrate

lock: setup ## resolve deploy/requirements/*.in again into hashed *.txt
	@$(PY) -m deploy.lock write

docs: setup ## write the OpenAPI and AsyncAPI documents into .local/docs
	@$(PY) -m deploy.documents .local/docs

secrets: setup ## write .env with fresh keys for docker compose; what stands there is kept
	@$(PY) -m deploy.compose secrets
